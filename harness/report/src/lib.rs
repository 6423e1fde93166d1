//! Readers of a run: what a person sees on the terminal, what CI reads, and the exit code.
//!
//! Everything here is made from what the run recorded; no reader asks the runner.

pub mod baseline;
pub mod claims;
pub mod comparison;
pub mod exercised;
pub mod exit;
pub mod figure;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod observations;
pub mod outline;
pub mod progress;
pub mod sanitise;
pub mod sign;
pub mod terminal;
pub mod trace;
