//! What takes time on a link, and what makes it long.

use std::collections::VecDeque;

use super::{
    link::{Delay, Outcome, Phase, PhaseKind},
    report::Side,
};

/// A rest of the link that is worth telling, in ns.
const REST_NS: i64 = 20_000_000;
/// A silence that is worth telling, in ns; it must also be half of its phase.
const SILENCE_NS: i64 = 200_000_000;
/// A wait for the user's or the agent's word that is worth telling, in ns.
const CONFIRMATION_NS: i64 = 100_000_000;
/// Rests that are remembered.
const RESTS: usize = 64;

/// A phase that has not ended.
#[derive(Debug)]
struct Open {
    kind: PhaseKind,
    by: Option<Side>,
    awaited: Option<Side>,
    from_ns: i64,
    /// When the last answer came, of a phase with many.
    answered_ns: Option<i64>,
    detail: Option<String>,
    retries: u32,
    /// From when, and for how long.
    silence: (i64, i64),
    pending_ns: Option<i64>,
    confirmation_ns: Option<i64>,
    confirmed: i64,
}

/// A rest between intervals.
#[derive(Debug, Clone, Copy)]
struct Rest {
    from_ns: i64,
    to_ns: i64,
    interval_ns: i64,
}

/// The phases of a link.
#[derive(Debug, Default)]
pub(super) struct Phases {
    open: Vec<Open>,
    resting: Option<(i64, i64)>,
    rests: VecDeque<Rest>,
    last_ns: i64,
}

impl Phases {
    /// A packet went over the link.
    pub(super) fn seen(&mut self, at_ns: i64) {
        for open in &mut self.open {
            let from = self.last_ns.max(open.from_ns);
            if at_ns - from > open.silence.1 {
                open.silence = (from, at_ns - from);
            }
        }
        self.last_ns = at_ns;
    }

    /// The link rests between intervals of this length from now on; or does not.
    pub(super) fn mode(&mut self, at_ns: i64, interval_ns: Option<i64>) {
        if let Some((from_ns, interval_ns)) = self.resting.take() {
            if self.rests.len() == RESTS {
                self.rests.pop_front();
            }
            self.rests.push_back(Rest { from_ns, to_ns: at_ns, interval_ns });
        }
        self.resting = interval_ns.map(|interval| (at_ns, interval));
    }

    /// Begins a phase; when it is under way, that is another try.
    pub(super) fn begin(&mut self, kind: PhaseKind, by: Option<Side>, awaited: Option<Side>, at_ns: i64) {
        if let Some(open) = self.find(kind) {
            open.retries = open.retries.saturating_add(1);
            return;
        }
        self.open.push(Open {
            kind,
            by,
            awaited,
            from_ns: at_ns,
            answered_ns: None,
            detail: None,
            retries: 0,
            silence: (at_ns, 0),
            pending_ns: None,
            confirmation_ns: None,
            confirmed: 0,
        });
    }

    fn find(&mut self, kind: PhaseKind) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.kind == kind)
    }

    pub(super) fn is_open(&self, kind: PhaseKind) -> bool {
        self.open.iter().any(|open| open.kind == kind)
    }

    /// Who began a phase that has not ended.
    pub(super) fn began_by(&self, kind: PhaseKind) -> Option<Side> {
        self.open.iter().find(|open| open.kind == kind)?.by
    }

    /// Says more about a phase.
    pub(super) fn detail(&mut self, kind: PhaseKind, detail: String) {
        if let Some(open) = self.find(kind) {
            open.detail = Some(detail);
        }
    }

    /// Whose turn it is now.
    pub(super) fn awaits(&mut self, kind: PhaseKind, side: Side) {
        if let Some(open) = self.find(kind) {
            open.awaited = Some(side);
        }
    }

    /// One of several answers.
    pub(super) fn answered(&mut self, kind: PhaseKind, at_ns: i64) {
        if let Some(open) = self.find(kind) {
            open.answered_ns = Some(at_ns);
        }
    }

    /// Tries that were made before.
    pub(super) fn tried_before(&mut self, kind: PhaseKind, count: u32) {
        if let Some(open) = self.find(kind) {
            open.retries = open.retries.saturating_add(count);
        }
    }

    /// The peer asks to wait.
    pub(super) fn pending(&mut self, kind: PhaseKind, at_ns: i64) {
        if let Some(open) = self.find(kind) {
            open.pending_ns.get_or_insert(at_ns);
        }
    }

    /// The host's agent is asked, or has answered.
    pub(super) fn confirmation(&mut self, at_ns: i64, asked: bool) {
        if let Some(open) = self.find(PhaseKind::Authentication) {
            if asked {
                open.confirmation_ns = Some(at_ns);
            } else if let Some(from) = open.confirmation_ns.take() {
                open.confirmed = open.confirmed.saturating_add(at_ns - from);
            }
        }
    }

    /// Forgets a phase that came to nothing.
    pub(super) fn drop(&mut self, kind: PhaseKind) {
        self.open.retain(|open| open.kind != kind);
    }

    /// Ends a phase now.
    pub(super) fn end(&mut self, kind: PhaseKind, at_ns: i64, outcome: Outcome) -> Option<Phase> {
        let at = self.open.iter().position(|open| open.kind == kind)?;
        let open = self.open.swap_remove(at);
        Some(self.close(open, Some(at_ns), outcome))
    }

    /// Ends a phase with many answers, at the last of them.
    pub(super) fn end_at_answer(&mut self, kind: PhaseKind) -> Option<Phase> {
        let at = self.open.iter().position(|open| open.kind == kind)?;
        let open = self.open.swap_remove(at);
        let outcome = if open.answered_ns.is_some() { Outcome::Done } else { Outcome::Unanswered };
        let to_ns = open.answered_ns;
        Some(self.close(open, to_ns, outcome))
    }

    /// Ends everything because the link or the capture ended.
    pub(super) fn end_all(&mut self, at_ns: i64, outcome: Outcome) -> Vec<Phase> {
        self.seen(at_ns);
        let mut ended = Vec::new();
        while let Some(open) = self.open.pop() {
            // A search that was answered went well, whatever came later.
            let (to_ns, outcome) = match (open.answered_ns, outcome) {
                (Some(answered), _) => (Some(answered), Outcome::Done),
                (None, Outcome::CaptureEnded) => (None, outcome),
                (None, _) => (Some(at_ns), outcome),
            };
            ended.push(self.close(open, to_ns, outcome));
        }
        ended
    }

    fn close(&self, open: Open, to_ns: Option<i64>, outcome: Outcome) -> Phase {
        let until = to_ns.unwrap_or(self.last_ns).max(open.from_ns);
        let lasting = until - open.from_ns;
        let mut delays = Vec::new();
        let rested = self.rested(open.from_ns, until);
        if let Some(Delay::Sniff { .. }) = rested {
            delays.extend(rested);
        }
        if open.retries > 0 {
            delays.push(Delay::Retries { count: open.retries });
        }
        if let Some(since) = open.pending_ns {
            delays.push(Delay::Pending { lasting_ns: until - since });
        }
        if open.confirmed >= CONFIRMATION_NS {
            delays.push(Delay::Confirmation { lasting_ns: open.confirmed });
        }
        let (from_ns, length) = open.silence;
        let length = length.min(until - from_ns);
        // Who waits for the end of a rest, or for a user, is not silent of his own will.
        let explained = match rested {
            Some(Delay::Sniff { lasting_ns, .. }) => lasting_ns.saturating_add(open.confirmed) >= length / 5 * 4,
            _ => open.confirmed >= length / 5 * 4,
        };
        if let (Some(of), false) = (open.awaited, explained)
            && length >= SILENCE_NS
            && length >= lasting / 2
        {
            delays.push(Delay::Silence { of, from_ns, lasting_ns: length });
        }
        Phase { kind: open.kind, by: open.by, from_ns: open.from_ns, to_ns, outcome, detail: open.detail, delays }
    }

    /// How much of a stretch the link rested.
    fn rested(&self, from_ns: i64, to_ns: i64) -> Option<Delay> {
        let mut lasting_ns: i64 = 0;
        let mut interval_ns = 0;
        let mut left = false;
        for rest in &self.rests {
            let overlap = rest.to_ns.min(to_ns) - rest.from_ns.max(from_ns);
            if overlap > 0 {
                lasting_ns = overlap.saturating_add(lasting_ns);
                interval_ns = interval_ns.max(rest.interval_ns);
                left |= rest.to_ns <= to_ns;
            }
        }
        if let Some((since, interval)) = self.resting {
            let overlap = to_ns - since.max(from_ns);
            if overlap > 0 {
                lasting_ns = overlap.saturating_add(lasting_ns);
                interval_ns = interval_ns.max(interval);
            }
        }
        (lasting_ns >= REST_NS).then_some(Delay::Sniff { interval_ns, lasting_ns, left })
    }
}
