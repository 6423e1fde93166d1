//! Verdicts as pages show them.

use rigtone_model::verdict::Verdict;

use crate::Markup;

/// A verdict as a page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    /// Its word.
    pub word: &'static str,
    /// What stands beside the word, for whom colours say nothing.
    pub symbol: &'static str,
    /// The class of its colour.
    pub class: &'static str,
    /// Its place in the order in which people look.
    pub rank: u8,
}

impl Badge {
    /// Of what nobody judged.
    pub const NONE: Self = Self::new("not judged", "·", "v-skipped", 6);

    /// One with its own word.
    pub const fn new(word: &'static str, symbol: &'static str, class: &'static str, rank: u8) -> Self {
        Self { word, symbol, class, rank }
    }

    /// How a verdict is shown.
    pub const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Fail => Self::new("fail", "✗", "v-fail", 0),
            Verdict::InfraError => Self::new("infra-error", "!", "v-infra", 1),
            Verdict::Inconclusive => Self::new("inconclusive", "?", "v-open", 2),
            Verdict::Aborted => Self::new("aborted", "■", "v-aborted", 3),
            Verdict::Pass => Self::new("pass", "✓", "v-pass", 4),
            Verdict::Skipped(_) => Self::new("skipped", "–", "v-skipped", 5),
        }
    }

    /// Writes symbol and word.
    pub fn write(self, m: &mut Markup) {
        m.open("span", &[("class", &format!("badge {}", self.class))]);
        m.leaf("span", &[("aria-hidden", "true")], self.symbol).text(" ").text(self.word).close("span");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_its_own_word_sign_and_place() {
        let all = [
            Verdict::Fail,
            Verdict::InfraError,
            Verdict::Inconclusive,
            Verdict::Aborted,
            Verdict::Pass,
            Verdict::Skipped(String::new()),
        ];
        let badges: Vec<Badge> = all.iter().map(Badge::of).chain([Badge::NONE]).collect();
        for (at, badge) in badges.iter().enumerate() {
            assert_eq!(usize::from(badge.rank), at, "people look for failures first");
            let alike = badges.iter().filter(|other| (other.word, other.symbol) == (badge.word, badge.symbol)).count();
            assert_eq!(alike, 1, "{badge:?}");
        }
        for (verdict, badge) in all.iter().zip(&badges) {
            assert_eq!(badge.word, verdict.word());
        }
    }
}
