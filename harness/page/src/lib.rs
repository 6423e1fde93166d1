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
mod markup;
mod page;
mod shortcoming;
mod sound;
mod theme;

use std::path::Path;

use rigtone_model::verdict::RunVerdicts;
pub use rigtone_report::exit::InconclusivePolicy;

pub use error::{PageError, ThemeError};
pub use shortcoming::Shortcoming;
pub use theme::{Logo, Theme};

/// How a page is made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// When it is made, in seconds since 1970: ages count from there.
    pub made_unix_s: i64,
    /// What inconclusive counts as in the result.
    pub policy: InconclusivePolicy,
    /// A style sheet behind ours.
    pub theme: Option<Theme>,
    /// What stands at its top instead of `Rigtone report`.
    pub title: Option<String>,
    /// A picture beside the title.
    pub logo: Option<Logo>,
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
