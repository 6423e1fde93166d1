//! Of how many trials an expectation has to hold, and how surely.

use super::Checker;
use crate::{
    diagnostic::Code,
    document::{Action, Expectation},
};

impl Checker<'_> {
    /// The attempts of a step are counted where it makes several.
    pub(super) fn attempts(&mut self, expectation: Expectation<'_>, conditions: &[Option<&str>]) {
        if expectation.step().is_none() {
            return self.incomplete("attempts of which step?", "add `of` and the name of a step that pairs or prompts");
        }
        self.step(expectation, conditions, "makes attempts", |action| {
            matches!(action, Action::Pair(_) | Action::Prompt(_))
        });
    }

    /// Of which trials a limit of a measured quantity has to hold.
    fn share(&mut self, expectation: Expectation<'_>) {
        let (percentile, good) = match expectation {
            Expectation::Latency(e) => (e.percentile, e.good),
            Expectation::Duration(e) => (e.percentile, e.good),
            _ => (Some(90.0), None),
        };
        let good = good.or(match expectation {
            Expectation::Response(e) => e.good,
            Expectation::Measured(e) => e.good,
            _ => None,
        });
        if expectation.is_extreme() {
            if good.is_some_and(|good| good.fraction() < 1.0) {
                let message = "`every-trial` forgives no trial, so that a good device has none outside";
                self.fault(Code::WrongReference, "good", message, "delete `good`, or write `percentile` alone");
            }
        } else if percentile.is_none() {
            self.incomplete("of which trials?", "add `percentile`, such as `percentile: 90`, or `every-trial: true`");
        }
    }

    /// A rate that must be rejected has to lie below one that should be accepted.
    pub(super) fn rate(&mut self, expectation: Expectation<'_>) {
        self.share(expectation);
        if let Some(rate) = expectation.rate()
            && rate.good <= rate.at_least
        {
            let by_percentile = matches!(
                expectation,
                Expectation::Latency(_)
                    | Expectation::Duration(_)
                    | Expectation::Response(_)
                    | Expectation::Measured(_)
            );
            let limit = if by_percentile { "percentile" } else { "at-least" };
            let written = self.entry.tree.find(self.path("good")).whole;
            let (low, good) = (rate.at_least * 100.0, rate.good * 100.0);
            let message = if written {
                format!("`good` is {good} %, not above the limit of {low} %")
            } else {
                format!("no number of trials shows a rate of {low} %")
            };
            let advice = format!(
                "write a `good` above `{limit}`: a test needs room between what is rejected and what is accepted"
            );
            self.fault(Code::Untestable, if written { "good" } else { limit }, message, &advice);
        }
        let confidence = match expectation {
            Expectation::SuccessRate(e) => e.confidence,
            Expectation::Audio(e) => e.confidence,
            Expectation::Codec(e) => e.confidence,
            Expectation::Latency(e) => e.confidence,
            Expectation::Duration(e) => e.confidence,
            Expectation::Count(e) => e.confidence,
            Expectation::Response(e) => e.confidence,
            Expectation::Measured(e) => e.confidence,
            Expectation::Unsupported(e) => e.confidence,
            Expectation::Difference(e) => e.confidence,
            Expectation::Role(e) => e.confidence,
            Expectation::All(_) | Expectation::Any(_) => None,
        };
        if let Some(confidence) = confidence
            && !(confidence.fraction() > 0.5 && confidence.fraction() < 1.0)
        {
            let message = format!("a confidence of {confidence} cannot be reached, or says nothing");
            self.fault(
                Code::Untestable,
                "confidence",
                message,
                "write a confidence above 50 % and below 100 %, such as `95 %`",
            );
        }
    }
}
