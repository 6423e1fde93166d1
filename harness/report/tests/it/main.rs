//! The readers of a run, on hand-made verdicts.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, wherever they do")]

mod boundary;
mod claims;
mod junit;
mod progress;
mod sample;
mod samples;
mod terminal;
