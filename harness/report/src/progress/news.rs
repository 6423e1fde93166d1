//! What a person wants to know at once: it scrolls past above the display.

use rigtone_model::{
    event::{Body, Event},
    verdict::Verdict,
};

use super::block::{columns, cut, tail};
use crate::{figure::count, sanitise::line, terminal::paint};

/// A line of at most `width` columns about a combination that has no pass, or a member that is not used any more.
pub fn news(event: &Event, width: usize, colour: bool) -> Option<String> {
    let axes = || {
        let id = event.at.as_ref().map(|at| at.combination.as_str()).unwrap_or_default();
        line(id.rsplit_once('#').map_or(id, |(axes, _)| axes))
    };
    let (verdict, what, rest) = match &event.body {
        Body::Decided { verdict: Verdict::Pass, .. } => return None,
        Body::Decided { verdict, n } => (verdict.clone(), count(*n as usize, "trial"), axes()),
        Body::GivenUp { member, .. } | Body::Voided { member, .. } => {
            (Verdict::InfraError, format!("without {}", line(member)), axes())
        }
        Body::Benched { member, why } => {
            (Verdict::InfraError, format!("{} is not used any more:", line(member)), line(why))
        }
        _ => return None,
    };
    let head = format!("{:<12} {what} ", verdict.word());
    let room = width.saturating_sub(columns(&head));
    // Of an id the end tells most, of a reason the beginning.
    let rest = if matches!(event.body, Body::Benched { .. }) { cut(&rest, room) } else { tail(&rest, room) };
    let plain = cut(&format!("{head}{rest}"), width);
    // Of a narrow line the word may be cut.
    Some(match plain.strip_prefix(verdict.word()) {
        Some(rest) => format!("{}{rest}", paint(&verdict, verdict.word(), colour)),
        None => plain,
    })
}
