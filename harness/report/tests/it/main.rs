//! The readers of a run, on hand-made verdicts.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, wherever they do")]

mod block;
mod boundary;
mod claims;
mod forms;
mod junit;
mod log;
mod markdown;
mod observations;
mod outline;
mod progress;
mod sample;
mod samples;
mod shares;
mod terminal;
mod trace;
