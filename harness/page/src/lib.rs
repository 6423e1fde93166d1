//! The HTML report of a run: one file that opens offline, without a network and without JavaScript.
//!
//! - `digest`: one pass over the run directory; aggregates of everything, details of little, and what is missing.
//! - `sound`, `draw`: pictures, clips and drawings.
//! - `page`: the page, put together within its size.
//!
//! Whatever is wrong with a run directory, what is there is shown and what is missing is named.

mod digest;
mod draw;
mod error;
mod page;
mod shortcoming;
mod sound;

use std::path::Path;

use rigtone_html::Look;
use rigtone_model::verdict::RunVerdicts;
pub use rigtone_report::exit::InconclusivePolicy;

pub use error::PageError;
pub use shortcoming::Shortcoming;

/// How a page is made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// When it is made, in seconds since 1970: ages count from there.
    pub made_unix_s: i64,
    /// What inconclusive counts as in the result.
    pub policy: InconclusivePolicy,
    /// What a vendor changes of it.
    pub look: Look,
}

/// A page, and what it rests on.
#[derive(Debug)]
pub struct Page {
    /// The whole file.
    pub html: String,
    /// The verdicts that it shows: those of the run, or those that were judged from its log; none without a plan.
    pub verdicts: Option<RunVerdicts>,
    /// What is missing of the run, and what found no room.
    pub shortcomings: Vec<Shortcoming>,
}

/// Makes the page of a run directory.
///
/// # Errors
/// When there is neither a plan nor a log.
pub fn page(run: &Path, options: &Options) -> Result<Page, PageError> {
    let mut digest = digest::read(run)?;
    let html = page::page(run, &mut digest, options);
    Ok(Page { html, verdicts: digest.verdicts, shortcomings: digest.shortcomings })
}
