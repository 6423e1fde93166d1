//! Success rates looked at after every trial, and stopped as soon as the answer is known.
//!
//! A [`Design`] states which rate must be rejected, which should be accepted quickly, and how often either may go wrong.
//! Its [`Boundaries`] are computed exactly, truncation included, and kept in the plan. [`Running`] follows one
//! combination through its trials.
//!
//! Method: straight lines in the plane of trials and failures, as in Wald's sequential probability ratio test
//! ("Sequential Analysis", 1947), but with their distance and the last look chosen by the exact distribution of the walk
//! instead of Wald's approximations.

mod boundaries;
mod design;
mod running;
mod search;
mod walk;

pub use boundaries::{Boundaries, BoundariesError, Decision, Probabilities};
pub use design::{Design, DesignError, MOST_TRIALS};
pub use running::{Counts, Outcome, Running};
