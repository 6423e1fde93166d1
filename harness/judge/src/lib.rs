//! Observations and expectations to verdicts.
//!
//! Pure: no I/O, no clock, no randomness. The same input gives the same verdict on every machine.
//!
//! - [`sequential`]: a success rate looked at after every trial, stopped as soon as its answer is known.
//! - [`proportion`]: a success rate from a number of trials fixed in advance, and the interval to display.
//! - [`percentile`]: bounds of a percentile by order statistics.

pub mod binomial;
mod interval;
mod level;
pub mod percentile;
pub mod proportion;
pub mod sequential;
pub mod verdicts;

pub use interval::{Gate, Interval};
pub use level::{Confidence, LevelError, Rate};
