//! Numbers between 0 and 1 that are checked once, where they enter.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A confidence level, above 0 and below 1: 0.95 is 95 %.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(f64);

/// A rate or the level of a percentile, above 0 and below 1: 0.90 is 90 %, or p90.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

/// A number that cannot be a confidence level or a rate.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum LevelError {
    /// Outside the open interval from 0 to 1, or not a number.
    #[error("confidence is not above 0 and below 1: {value}")]
    Confidence {
        /// What was given.
        value: f64,
    },
    /// Outside the open interval from 0 to 1, or not a number.
    #[error("rate is not above 0 and below 1: {value}")]
    Rate {
        /// What was given.
        value: f64,
    },
}

/// NaN is outside as well.
pub(crate) fn is_inside(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

impl Confidence {
    /// # Errors
    /// [`LevelError::Confidence`] unless 0 < `value` < 1.
    pub fn new(value: f64) -> Result<Self, LevelError> {
        if is_inside(value) { Ok(Self(value)) } else { Err(LevelError::Confidence { value }) }
    }

    /// The level, 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// The probability of error that the level leaves: 1 − confidence.
    #[must_use]
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }
}

impl Rate {
    /// # Errors
    /// [`LevelError::Rate`] unless 0 < `value` < 1.
    pub fn new(value: f64) -> Result<Self, LevelError> {
        if is_inside(value) { Ok(Self(value)) } else { Err(LevelError::Rate { value }) }
    }

    /// The rate, 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Confidence {
    type Error = LevelError;
    fn try_from(value: f64) -> Result<Self, LevelError> {
        Self::new(value)
    }
}

impl TryFrom<f64> for Rate {
    type Error = LevelError;
    fn try_from(value: f64) -> Result<Self, LevelError> {
        Self::new(value)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}
