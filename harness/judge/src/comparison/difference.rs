//! How far two sides are apart, in the unit of what is compared.

use rigtone_model::{comparison::Summary, document::Comparable};

use super::decide::{Side, count_of, of_values, summary_of_events, told};
use crate::{Confidence, Interval, poisson, rates};

/// The second side less the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apart {
    /// The first side.
    pub first: Summary,
    /// The second side.
    pub second: Summary,
    /// The difference; may be infinite where something never came.
    pub estimate: Option<f64>,
    /// Its interval.
    pub interval: Interval,
}

/// The difference of two sides, in [`Comparable::unit`]; nothing when a side has no trial that counts. Each end of the interval alone is missed with
/// probability `alpha` at most.
///
/// Rates by Newcombe's interval with exact limits, values by Hodges and Lehmann's shift (of pairs where the two took turns), counts by the exact
/// limits of both rates, combined in the same way.
#[must_use]
pub fn apart(of: Comparable, first: &Side, second: &Side, alpha: f64) -> Option<Apart> {
    let confidence = Confidence::new((1.0 - 2.0 * alpha).max(0.01)).ok()?;
    let (unit, _) = of.unit();
    let compared = match of {
        Comparable::SuccessRate | Comparable::Presence => {
            let ((a, of_first), (b, of_second)) = (told(first)?, told(second)?);
            let interval = rates::difference(a, b, confidence);
            return Some(Apart {
                first: of_first,
                second: of_second,
                estimate: Some(100.0 * (b.estimate()? - a.estimate()?)),
                interval: Interval { lower: 100.0 * interval.lower, upper: 100.0 * interval.upper },
            });
        }
        Comparable::Latency | Comparable::Duration | Comparable::Response => {
            of_values(first, second, confidence, unit, 0.0)?
        }
        Comparable::Dropouts => {
            let (a, b) = (count_of(first), count_of(second));
            let (x, y) = (a.estimate()?, b.estimate()?);
            return Some(Apart {
                first: summary_of_events(a, first),
                second: summary_of_events(b, second),
                estimate: Some(y - x),
                interval: poisson::difference(a, b, confidence),
            });
        }
    };
    Some(Apart {
        first: compared.first,
        second: compared.second,
        estimate: compared.difference,
        interval: compared.interval,
    })
}
