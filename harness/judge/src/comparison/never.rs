//! Values that never came: later than everything, and apart from each other by nobody knows what.

use crate::Interval;

/// Stands for what never came on the side that is taken to be the nearer one.
const LATE: f64 = 1e300;
/// A number beyond this has what never came in it.
const FINITE: f64 = 1e200;

/// How far two sides are apart, by `found`: the estimate and its interval. Two that never came are taken to be as far apart as can be, once either
/// way: what both say is known. No estimate where they decide it.
pub(super) fn apart(
    first: &[f64],
    second: &[f64],
    found: impl Fn(&[f64], &[f64]) -> Option<(f64, Interval)>,
) -> Option<(Option<f64>, Interval)> {
    let has = |values: &[f64], what: f64| values.contains(&what);
    let both = |what: f64| has(first, what) && has(second, what);
    if !both(f64::INFINITY) && !both(f64::NEG_INFINITY) {
        let (estimate, interval) = found(first, second)?;
        return Some((Some(estimate), interval));
    }
    let (least, lowest) = found(&nearer(first, f64::NEG_INFINITY), &nearer(second, f64::INFINITY))?;
    let (most, highest) = found(&nearer(first, f64::INFINITY), &nearer(second, f64::NEG_INFINITY))?;
    let (least, most) = (open(least), open(most));
    let interval = Interval { lower: open(lowest.lower), upper: open(highest.upper) };
    Some(((least == most).then_some(least), interval))
}

/// With all that is infinite on this side a little nearer.
fn nearer(values: &[f64], which: f64) -> Vec<f64> {
    values.iter().map(|value| if *value == which { LATE.copysign(which) } else { *value }).collect()
}

fn open(value: f64) -> f64 {
    if value.abs() > FINITE { f64::INFINITY.copysign(value) } else { value }
}
