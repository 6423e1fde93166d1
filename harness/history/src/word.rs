//! Verdicts without their reasons.

use rigtone_model::verdict::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

/// A verdict, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// The requirement is demonstrated.
    Pass,
    /// Its violation is demonstrated.
    Fail,
    /// Neither.
    Inconclusive,
    /// The rig prevented an answer.
    InfraError,
    /// Not run.
    Skipped,
    /// Ended before an answer.
    Aborted,
}

impl Word {
    const ALL: [Self; 6] = [Self::Pass, Self::Fail, Self::Inconclusive, Self::InfraError, Self::Skipped, Self::Aborted];

    /// As tables show it; the words of [`Verdict`].
    pub const fn text(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::InfraError => "infra-error",
            Self::Skipped => "skipped",
            Self::Aborted => "aborted",
        }
    }

    /// A sign beside the word, for whom colours say nothing.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Fail => "✗",
            Self::Inconclusive => "?",
            Self::InfraError => "⚠",
            Self::Skipped => "–",
            Self::Aborted => "■",
        }
    }

    /// Whether trials gave an answer, be it that they do not decide.
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Pass | Self::Fail | Self::Inconclusive)
    }

    /// The verdict of that name; a name that only a newer version gives is no answer.
    pub(crate) fn named(text: &[u8]) -> Self {
        Self::ALL.into_iter().find(|word| word.text().as_bytes() == text).unwrap_or(Self::Aborted)
    }
}

impl From<&Verdict> for Word {
    fn from(verdict: &Verdict) -> Self {
        Self::named(verdict.word().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Verdict::Pass, Word::Pass)]
    #[case(Verdict::Fail, Word::Fail)]
    #[case(Verdict::Inconclusive, Word::Inconclusive)]
    #[case(Verdict::InfraError, Word::InfraError)]
    #[case(Verdict::Skipped("time".into()), Word::Skipped)]
    #[case(Verdict::Aborted, Word::Aborted)]
    fn a_word_is_that_of_its_verdict(#[case] verdict: Verdict, #[case] word: Word) {
        assert_eq!(Word::from(&verdict), word);
    }
}
