//! Many runs: an index over their directories, what became of each combination, where it changed, and the matrix.
//!
//! The truth stays in the run directories: [`Index`] is derived from them, file by file, and can be deleted at any time. [`History::of`] is
//! pure: the same runs at the same time of day give the same history.

mod age;
mod build;
mod error;
mod find;
mod firmware;
mod history;
mod index;
mod log;
mod look;
mod matrix;
pub mod page;
mod rigs;
mod series;
mod take;
pub mod text;
mod word;

use rigtone_model::plan::Selector;

pub use age::{age, day, since};
pub use error::{IndexError, TakeError};
pub use find::{Found, find};
pub use history::{
    Axis, Cell, Changed, Evidence, Firmware, Head, History, Line, Matrix, Point, Rate, RunLine, Series, Skipped, State,
    Streak, Tally, Version, When, Within,
};
pub use index::{Answer, Entry, INDEX, Index, Loaded, Refreshed, Run, Subject};
pub use look::{Look, look};
pub use rigtone_model::rig_kind::RigKind as Kind;
pub use word::Word;

/// Which part of the index is asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only combinations that all of these match.
    pub select: Vec<Selector>,
    /// Only runs that began at this time or later, in seconds since 1970.
    pub since_unix_s: Option<i64>,
}
