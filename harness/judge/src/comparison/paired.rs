//! Two rates in pairs: what the pairs say in which only one of the two succeeded.

use super::gather::Trial;
use crate::{Confidence, Interval, pairs::mcnemar, proportion::Proportion, sequential::Outcome};

/// Pairs of which both trials tell, by which of the two succeeded alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Discordant {
    /// Only the trial of the first side.
    pub(super) only_first: u64,
    /// Only that of the second.
    pub(super) only_second: u64,
    /// All pairs.
    pub(super) pairs: u64,
}

impl Discordant {
    /// Counts pairs; nothing when none of them tells.
    pub(super) fn of(pairs: &[(&Trial, &Trial)]) -> Option<Self> {
        let told = |x: &Trial, y: &Trial| x.outcome != Outcome::Ambiguous && y.outcome != Outcome::Ambiguous;
        let only = |first: Outcome, second: Outcome| {
            pairs.iter().filter(|(x, y)| x.outcome == first && y.outcome == second).count() as u64
        };
        let all = pairs.iter().filter(|(x, y)| told(x, y)).count() as u64;
        (all > 0).then(|| Self {
            only_first: only(Outcome::Success, Outcome::Failure),
            only_second: only(Outcome::Failure, Outcome::Success),
            pairs: all,
        })
    }

    /// McNemar's exact test, on two sides.
    pub(super) fn p(self) -> f64 {
        mcnemar(self.only_first, self.only_second)
    }

    /// The second rate less the first.
    pub(super) fn difference(self) -> f64 {
        (self.only_second as f64 - self.only_first as f64) / self.pairs as f64
    }

    /// Its interval: the share of unlike pairs times how far those lean to the second side, each at the end of its Clopper-Pearson interval that lies
    /// further out. It leaves out no difference exactly where McNemar's test shows one.
    pub(super) fn interval(self, confidence: Confidence) -> Interval {
        let everything = Interval { lower: -1.0, upper: 1.0 };
        let unlike = self.only_first + self.only_second;
        let (Ok(share), Ok(second)) = (Proportion::new(unlike, self.pairs), Proportion::new(self.only_second, unlike))
        else {
            return everything;
        };
        let (share, second) = (share.clopper_pearson(confidence), second.clopper_pearson(confidence));
        let (least, most) = (2.0 * second.lower - 1.0, 2.0 * second.upper - 1.0);
        Interval {
            lower: least * if least > 0.0 { share.lower } else { share.upper },
            upper: most * if most < 0.0 { share.lower } else { share.upper },
        }
    }
}
