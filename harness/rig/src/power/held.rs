//! What the thread of a board lets go by itself, whatever becomes of everything else in this process: buttons that are
//! held, and outputs that may not be on for long.

use std::collections::BTreeMap;

use rigtone_model::{event::Edge, quantity::Duration, trial::InfrastructureFault};

use super::actor::Reply;
use crate::clock::Instant;

/// How often a release is tried before somebody is told that it failed.
pub(super) const TRIES: u32 = 5;
/// From one try to the next, at first.
const SOON_NS: i64 = 100_000_000;
/// From one try to the next, when somebody has been told: until the board is closed.
const LATER_NS: i64 = 1_000_000_000;

/// Buttons of one board that are held together.
pub(super) struct Hold {
    /// The channels that have not been brought to rest yet, each with its position there.
    pub(super) channels: Vec<(u8, bool)>,
    /// When they are let go.
    pub(super) at: Instant,
    /// When the first of them was let go.
    pub(super) first: Option<Edge>,
    /// Who waits for that.
    pub(super) reply: Option<Reply<Result<Edge, InfrastructureFault>>>,
    tries: u32,
}

impl Hold {
    pub(super) fn new(channels: Vec<(u8, bool)>, at: Instant) -> Self {
        Self { channels, at, first: None, reply: None, tries: 0 }
    }

    /// A release has failed: it is tried again, and whoever waits is told when that was tried often enough.
    pub(super) fn failed(&mut self, now: Instant, fault: InfrastructureFault) {
        self.tries += 1;
        self.at = now.plus(if self.tries < TRIES { SOON_NS } else { LATER_NS });
        if self.tries >= TRIES
            && let Some(reply) = self.reply.take()
        {
            let what = format!("letting go of a button failed {TRIES} times, and is tried on and on: {}", fault.what);
            let hint = fault.hint.unwrap_or_else(|| "look whether it is held, and let it go by hand".to_owned());
            // Whoever waited may be gone.
            let _ = reply.send(Err(InfrastructureFault::new(fault.member, what).hint(hint)));
        }
    }
}

/// An output that may be on until then.
#[derive(Debug, Clone, Copy)]
struct Limit {
    at: Instant,
    longest: Duration,
}

/// Everything that a board's thread lets go by itself.
#[derive(Default)]
pub(super) struct Held {
    holds: Vec<Hold>,
    limits: BTreeMap<u8, Limit>,
    /// When buttons were let go last.
    released: BTreeMap<u8, Instant>,
}

impl Held {
    /// When the next is to be let go.
    pub(super) fn next(&self) -> Option<Instant> {
        self.holds.iter().map(|hold| hold.at).chain(self.limits.values().map(|limit| limit.at)).min()
    }

    /// Takes out the holds that are due.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Hold> {
        let (due, others) = std::mem::take(&mut self.holds).into_iter().partition(|hold: &Hold| hold.at <= now);
        self.holds = others;
        due
    }

    pub(super) fn put(&mut self, hold: Hold) {
        self.holds.push(hold);
    }

    /// The hold of these channels, if they are held together.
    pub(super) fn of(&mut self, channels: &[u8]) -> Option<&mut Hold> {
        let holds = |hold: &&mut Hold| hold.channels.iter().any(|(channel, _)| channels.contains(channel));
        self.holds.iter_mut().find(holds)
    }

    pub(super) fn is_held(&self, channel: u8) -> bool {
        self.holds.iter().any(|hold| hold.channels.iter().any(|(held, _)| *held == channel))
    }

    /// A channel is at rest, whoever brought it there.
    pub(super) fn rests(&mut self, channel: u8, now: Instant) {
        self.limits.remove(&channel);
        for hold in &mut self.holds {
            hold.channels.retain(|(held, _)| *held != channel);
        }
        self.holds.retain_mut(|hold| {
            if hold.channels.is_empty()
                && let Some(reply) = hold.reply.take()
            {
                let what = "everything was made safe while a button was held";
                // Whoever waited may be gone.
                let _ = reply.send(Err(InfrastructureFault::new("run", what)));
            }
            !hold.channels.is_empty()
        });
        self.released.insert(channel, now);
    }

    pub(super) fn released(&self, channel: u8) -> Option<Instant> {
        self.released.get(&channel).copied()
    }

    /// An output left its safe state and may stay so for that long.
    pub(super) fn limit(&mut self, channel: u8, longest: Duration, now: Instant) {
        let at = now.plus(longest.ns());
        // Being told once more what it is told already makes it no younger.
        self.limits.entry(channel).or_insert(Limit { at, longest });
    }

    /// Outputs that have been on for too long.
    pub(super) fn overdue(&self, now: Instant) -> Vec<(u8, Duration)> {
        self.limits
            .iter()
            .filter(|(_, limit)| limit.at <= now)
            .map(|(channel, limit)| (*channel, limit.longest))
            .collect()
    }

    /// Such an output could not be brought to its safe state.
    pub(super) fn again(&mut self, channel: u8, now: Instant) {
        if let Some(limit) = self.limits.get_mut(&channel) {
            limit.at = now.plus(LATER_NS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn what_is_due_first_is_waited_for_first() {
        let mut held = Held::default();
        assert_eq!(held.next(), None);
        held.put(Hold::new(vec![(1, false), (2, false)], Instant(3 * SECOND)));
        held.limit(4, Duration::from_s(1), Instant(SECOND));
        // Told again what it was told before: the time runs on.
        held.limit(4, Duration::from_s(1), Instant(2 * SECOND));
        assert_eq!(held.next(), Some(Instant(2 * SECOND)));
        assert_eq!(held.overdue(Instant(2 * SECOND)), [(4, Duration::from_s(1))]);
        held.again(4, Instant(2 * SECOND));
        assert_eq!((held.next(), held.overdue(Instant(2 * SECOND)).len()), (Some(Instant(3 * SECOND)), 0));
        held.rests(4, Instant(3 * SECOND));
        assert_eq!((held.due(Instant(3 * SECOND - 1)).len(), held.due(Instant(3 * SECOND)).len()), (0, 1));
        assert_eq!(held.next(), None);
    }

    #[test]
    fn a_release_is_tried_again_at_once_then_told_and_tried_on() {
        let (reply, mut told) = tokio::sync::oneshot::channel();
        let mut hold = Hold { reply: Some(reply), ..Hold::new(vec![(1, false)], Instant(0)) };
        let fault = || InfrastructureFault::new("relay board", "no answer");
        for tried in 1..TRIES {
            hold.failed(Instant(0), fault());
            assert_eq!(hold.at, Instant(SOON_NS), "{tried}");
            assert!(told.try_recv().is_err(), "{tried}");
        }
        hold.failed(Instant(0), fault());
        let said = told.try_recv().expect("told").expect_err("it failed");
        assert!(
            said.what.contains("failed 5 times") && said.what.contains("no answer") && said.hint.is_some(),
            "{said}"
        );
        assert_eq!(hold.at, Instant(LATER_NS));
    }

    #[test]
    fn what_was_made_safe_is_held_no_more_and_whoever_waits_is_told() {
        let (reply, mut told) = tokio::sync::oneshot::channel();
        let mut held = Held::default();
        held.put(Hold { reply: Some(reply), ..Hold::new(vec![(1, false), (2, true)], Instant(SECOND)) });
        held.rests(1, Instant(5));
        assert!(held.is_held(2) && !held.is_held(1) && told.try_recv().is_err());
        held.rests(2, Instant(6));
        assert!(told.try_recv().expect("told").is_err());
        assert_eq!((held.next(), held.released(1), held.released(2)), (None, Some(Instant(5)), Some(Instant(6))));
    }
}
