//! Observations and expectations to verdicts.
//!
//! Pure: no I/O, no clock, no randomness. The same input gives the same verdict on every machine.
//!
//! - [`sequential`]: a success rate looked at after every trial, stopped as soon as its answer is known.
//! - [`proportion`]: a success rate from a number of trials fixed in advance, and the interval to display.
//! - [`percentile`]: bounds of a percentile by order statistics.
//! - [`rates`], [`ranks`], [`poisson`]: two devices, firmware versions or conditions beside each other, by the kind of quantity.
//! - [`pairs`]: the same where the two took turns; [`comparison`]: all of it, on the trials of runs.
//! - [`change`]: where the rate of a series of runs changed.
//! - [`multiple`]: many comparisons at once; [`stability`]: whether trials are alike; [`attribution`]: what failures follow.

pub mod attribution;
pub mod binomial;
pub mod change;
pub mod comparison;
mod interval;
mod level;
pub mod multiple;
mod normal;
pub mod pairs;
pub mod percentile;
pub mod poisson;
pub mod proportion;
pub mod ranks;
pub mod rates;
pub mod sequential;
pub mod stability;
pub mod verdicts;

pub use interval::{Gate, Interval};
pub use level::{Confidence, LevelError, Rate};
