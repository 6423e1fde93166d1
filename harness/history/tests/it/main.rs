//! Many runs, as the command meets them: run directories on disk, an index, and what is said of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod hostile;
mod index;
mod matrix;
mod page;
mod rigs;
mod sample;
mod snapshots;
mod text;
mod trends;
