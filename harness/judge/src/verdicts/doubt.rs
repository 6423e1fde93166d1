//! Expectations whose trials cannot decide them, seen before the first trial.

use rigtone_model::{diagnostic::Code, document::Scenario};

use super::rules::designs;
use crate::sequential::{Design, MOST_TRIALS};

/// The probability with which a good device should be decided.
const WANTED: f64 = 0.9;

/// What is doubtful about an expectation: code, what is wrong, and what to write instead.
pub fn doubt(scenario: &Scenario, index: usize) -> Option<(Code, String, String)> {
    designs(scenario, index).iter().find_map(doubtful)
}

fn doubtful(design: &Design) -> Option<(Code, String, String)> {
    let boundaries = match design.boundaries() {
        Ok(boundaries) => boundaries,
        // Rates and confidence that are out of order are found by the checks of the document itself.
        Err(error) => {
            let suggestion = format!(
                "choose `at-least` below `good` up to 100 %, a confidence between 50 % and 100 %, and at most {MOST_TRIALS} trials"
            );
            return Some((Code::Untestable, error.to_string(), suggestion));
        }
    };
    if !boundaries.can_pass(0, 0) {
        let least = design.least_to_pass();
        let message = format!(
            "no result of {} trials shows a rate of {} with {} confidence",
            design.at_most,
            percent(design.reject),
            percent(1.0 - design.alpha)
        );
        let suggestion = if least <= MOST_TRIALS {
            format!("allow `at-most: {least}` trials or more: as many without a failure show it")
        } else {
            format!("ask for a lower rate or less confidence: it takes {least} trials without a failure to show it")
        };
        return Some((Code::Untestable, message, suggestion));
    }
    let decided = boundaries.can_decide(design.accept)?;
    if decided >= WANTED {
        return None;
    }
    let message = format!(
        "at most {} trials decide a good device ({}) with a probability of {:.0} % only",
        design.at_most,
        percent(design.accept),
        decided * 100.0
    );
    let suggestion = match enough(design) {
        Some(n) => format!("allow `at-most: {n}` trials, or set `good` further from `at-least`"),
        None => "set `good` further from `at-least`, or ask for less confidence".to_owned(),
    };
    Some((Code::Undecidable, message, suggestion))
}

/// A share as it is written in documents: 99.99 % is not rounded away.
fn percent(fraction: f64) -> String {
    format!("{} %", (fraction * 1e6).round() / 1e4)
}

/// The trials that decide a good device well enough: doubled until they do, then narrowed to a tenth.
fn enough(design: &Design) -> Option<u32> {
    let suffices = |at_most: u32| {
        let wider = Design { at_most, ..*design };
        wider.boundaries().ok().and_then(|b| b.can_decide(design.accept)).is_some_and(|p| p >= WANTED)
    };
    let doubled = std::iter::successors(Some(design.at_most.max(1)), |n| n.checked_mul(2));
    let mut high = doubled.take_while(|n| *n <= MOST_TRIALS).find(|n| suffices(*n))?;
    let mut low = high / 2;
    while high - low > high / 10 + 1 {
        let middle = low + (high - low) / 2;
        if suffices(middle) { high = middle } else { low = middle }
    }
    Some(high)
}
