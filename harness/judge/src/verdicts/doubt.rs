//! Expectations whose trials cannot decide them, seen before the first trial.

use rigtone_model::{diagnostic::Code, document::Scenario};

use super::rules::design;
use crate::sequential::MOST_TRIALS;

/// The probability with which a good device should be decided.
const WANTED: f64 = 0.9;

/// What is doubtful about an expectation: code, what is wrong, and what to write instead.
pub fn doubt(scenario: &Scenario, index: usize) -> Option<(Code, String, String)> {
    let design = design(scenario, index)?;
    let boundaries = match design.boundaries() {
        Ok(boundaries) => boundaries,
        // Rates and confidence that are out of order are found by the checks of the document itself.
        Err(error) => {
            let suggestion = format!(
                "choose `at-least` below `good` below 100 %, a confidence between 50 % and 100 %, and at most {MOST_TRIALS} trials"
            );
            return Some((Code::Untestable, error.to_string(), suggestion));
        }
    };
    let decided = boundaries.can_decide(design.accept)?;
    if decided >= WANTED {
        return None;
    }
    // Doubled each time: every step is a computation of its own, and a dozen of them reach the end.
    let doubled = std::iter::successors(Some(design.at_most.max(1)), |n| n.checked_mul(2));
    let enough = doubled.take_while(|n| *n <= MOST_TRIALS).find(|&at_most| {
        let wider = crate::sequential::Design { at_most, ..design };
        wider.boundaries().ok().and_then(|b| b.can_decide(design.accept)).is_some_and(|p| p >= WANTED)
    });
    let message = format!(
        "at most {} trials decide a good device ({:.1} %) with a probability of {:.0} % only",
        design.at_most,
        design.accept * 100.0,
        decided * 100.0
    );
    let suggestion = match enough {
        Some(n) => format!("allow `at-most: {n}` trials, or set `good` further from `at-least`"),
        None => "set `good` further from `at-least`, or ask for less confidence".to_owned(),
    };
    Some((Code::Undecidable, message, suggestion))
}
