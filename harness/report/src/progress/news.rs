//! What a person wants to know at once: it scrolls past above the display.

use rigtone_model::{
    event::{Body, Event},
    verdict::Verdict,
};

use super::block::cut;
use crate::{figure::count, sanitise::line, terminal::paint};

/// A line of at most `width` columns about a combination that has no pass, or a member that is not used any more.
pub fn news(event: &Event, width: usize, colour: bool) -> Option<String> {
    let id = event.at.as_ref().map(|at| at.combination.as_str()).unwrap_or_default();
    let (verdict, what) = match &event.body {
        Body::Decided { verdict: Verdict::Pass, .. } => return None,
        Body::Decided { verdict, n } => (verdict.clone(), format!("{id} ({})", count(*n as usize, "trial"))),
        Body::GivenUp { member, .. } | Body::Voided { member, .. } => {
            (Verdict::InfraError, format!("{id} (it needs {member})"))
        }
        Body::Benched { member, why } => (Verdict::InfraError, format!("{member} is not used any more: {why}")),
        _ => return None,
    };
    let plain = cut(&format!("{:<12} {}", verdict.word(), line(&what)), width);
    // Of a narrow line the word may be cut.
    Some(match plain.strip_prefix(verdict.word()) {
        Some(rest) => format!("{}{rest}", paint(&verdict, verdict.word(), colour)),
        None => plain,
    })
}
