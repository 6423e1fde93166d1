//! Media packets as they were recorded: what codec they look like, whether all are there, how steadily they came.

mod frames;
mod latm;
mod statistics;

pub use frames::{Content, Look, look};
pub use statistics::{Flow, MediaFacts, SbcFacts, SeenAs, Sequence};
