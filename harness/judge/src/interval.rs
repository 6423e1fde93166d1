//! What a number of trials fixed in advance says about a limit.

use serde::{Deserialize, Serialize};

/// A closed interval in the unit of what it bounds; the ends may be infinite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// What a bound says about a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// The requirement is demonstrated.
    Pass,
    /// The violation is demonstrated.
    Fail,
    /// Neither.
    Inconclusive,
}
