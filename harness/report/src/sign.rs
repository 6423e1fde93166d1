//! How a verdict looks in text: where it stands, a sign for it, its colour.

use rigtone_model::verdict::Verdict;

/// How a verdict looks in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    /// Its place in the order in which people look: the worst first.
    pub rank: u8,
    /// What says it at a glance.
    pub symbol: &'static str,
    /// Its colour on a terminal, as a control sequence (ECMA-48, SGR) has it.
    pub colour: &'static str,
}

impl Sign {
    /// Of a verdict.
    pub const fn of(verdict: &Verdict) -> Self {
        let (rank, symbol, colour) = match verdict {
            Verdict::Fail => (0, "❌", "1;31"),
            Verdict::InfraError => (1, "🔧", "35"),
            Verdict::Inconclusive => (2, "❔", "33"),
            Verdict::Aborted => (3, "⏹️", "36"),
            Verdict::Skipped(_) => (4, "⏭️", "2"),
            Verdict::Pass => (5, "✅", "32"),
        };
        Self { rank, symbol, colour }
    }
}

/// Every kind of verdict, in the order in which people look.
pub fn kinds() -> [Verdict; 6] {
    let mut kinds = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::InfraError,
        Verdict::Skipped(String::new()),
        Verdict::Aborted,
    ];
    kinds.sort_by_key(|verdict| Sign::of(verdict).rank);
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_verdicts_look_alike() {
        let signs = kinds().map(|verdict| Sign::of(&verdict));
        for (at, sign) in signs.iter().enumerate() {
            assert_eq!(usize::from(sign.rank), at);
            let others = signs.iter().filter(|other| other.symbol == sign.symbol || other.colour == sign.colour);
            assert_eq!(others.count(), 1, "{sign:?}");
        }
    }
}
