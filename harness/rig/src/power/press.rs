//! Buttons, as the thread of a board presses them: recorded first, within the limits of each button, and let go by this
//! thread whatever becomes of whoever asked for it.

use rigtone_model::{
    event::{Edge, Truth},
    quantity::Duration,
    trial::InfrastructureFault,
};

use super::{
    actor::{Actor, Reply},
    held::Hold,
    target::position,
};
use crate::{
    capability::Switched,
    clock::{Clock, Instant},
};

/// How much later than planned the thread lets go when nobody tells it to.
const SLACK_NS: i64 = 2_000_000_000;

/// What is to be pressed on one board.
#[derive(Debug, Clone)]
pub(crate) struct Chord {
    /// The channels, from 1.
    pub(crate) channels: Vec<u8>,
    /// How long they will be held.
    pub(crate) held: Duration,
    /// Whether this is all that is pressed: then a board that can times it by itself.
    pub(crate) alone: bool,
}

/// Buttons that are held now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Begun {
    /// What is known of the contact that was moved last.
    pub(crate) last: Switched,
    /// The board lets go by itself when the time is over.
    pub(crate) by_board: bool,
}

impl Actor {
    /// Presses buttons together. Nothing moves unless all of them may be held for that long.
    pub(super) fn press(&mut self, chord: &Chord, not_after: Instant) -> Result<Begun, InfrastructureFault> {
        let mut channels = Vec::new();
        let planned_ns = chord.held.ns();
        let mut longest_ns = planned_ns.saturating_add(SLACK_NS);
        for &channel in &chord.channels {
            let (rest, longest_hold) = self.may_press(channel, chord.held)?;
            channels.push((channel, rest));
            longest_ns = longest_ns.min(longest_hold.ns());
        }
        for &(channel, rest) in &channels {
            self.leave(channel, !rest, not_after)?;
        }
        if let ([(channel, false)], true) = (channels.as_slice(), chord.alone)
            && let Some(last) = self.pulse(*channel, std::time::Duration::from_nanos(planned_ns.unsigned_abs()))?
        {
            // Once more to rest: that finds a contact that sticks, and strikes it out.
            self.held.put(Hold::new(channels, self.clock.now().plus(planned_ns.saturating_add(SLACK_NS))));
            return Ok(Begun { last, by_board: true });
        }
        let mut last = Switched::from(Truth::Reported);
        for (place, &(channel, rest)) in channels.iter().enumerate() {
            match self.order(channel, !rest) {
                Ok(switched) => last = Switched { truth: worse(last.truth, switched.truth), ..switched },
                Err(fault) => {
                    // It may have moved all the same.
                    let now = self.clock.now();
                    self.held.put(Hold::new(channels[..=place].to_vec(), now));
                    self.let_go(now);
                    return Err(fault);
                }
            }
        }
        self.held.put(Hold::new(channels, self.clock.now().plus(longest_ns)));
        Ok(Begun { last, by_board: false })
    }

    /// The position at rest of a button, and how long it may be held, if it may be held for `held` now.
    fn may_press(&self, channel: u8, held: Duration) -> Result<(bool, Duration), InfrastructureFault> {
        let wired = self.wired.iter().find(|wired| wired.output.channel == channel);
        let button = wired.and_then(|wired| Some((wired, wired.button?)));
        let Some((wired, limits)) = button else {
            return Err(self.fault(format!("channel {channel} is wired to no button, so it was not pressed")));
        };
        let refused = |why: String| self.fault(format!("{} was not pressed: {why}", wired.what));
        let Some(rest) = position(wired.output.safe) else {
            return Err(refused("it has no position at rest".to_owned()));
        };
        if held > limits.longest_hold {
            let why = format!("it would be held for {held}, and {} is the longest", limits.longest_hold);
            return Err(
                refused(why).hint("see the gesture of its device, and `longest-hold` of the button in the rig file")
            );
        }
        if self.held.is_held(channel) {
            return Err(refused("it is held already".to_owned()));
        }
        let free = self.held.released(channel).map(|at| at.plus(limits.smallest_gap.ns()));
        if free.is_some_and(|free| self.clock.now() < free) {
            return Err(refused(format!("it was let go less than {} ago", limits.smallest_gap)));
        }
        Ok((rest, limits.longest_hold))
    }

    /// Lets buttons go at that time, and says when the first of them was.
    pub(super) fn release(
        &mut self,
        channels: &[u8],
        at: Instant,
        reply: Option<Reply<Result<Edge, InfrastructureFault>>>,
    ) {
        match self.held.of(channels) {
            Some(hold) => {
                hold.at = hold.at.min(at);
                hold.reply = reply;
            }
            None => {
                let fault = self.fault("the button was let go before its time");
                let _ = reply.map(|reply| reply.send(Err(fault)));
            }
        }
    }

    /// Lets go of everything that is due.
    pub(super) fn let_go(&mut self, now: Instant) {
        for mut hold in self.held.due(now) {
            let mut failure = None;
            for (channel, rest) in std::mem::take(&mut hold.channels) {
                match self.order(channel, rest) {
                    Ok(switched) => {
                        hold.first = hold.first.or(switched.edge);
                        self.strike(channel);
                        let now = self.clock.now();
                        self.held.rests(channel, now);
                    }
                    Err(fault) => {
                        hold.channels.push((channel, rest));
                        failure.get_or_insert(fault);
                    }
                }
            }
            match (failure, hold.first) {
                (Some(fault), _) => {
                    hold.failed(self.clock.now(), fault);
                    self.held.put(hold);
                }
                (None, Some(first)) => {
                    let _ = hold.reply.map(|reply| reply.send(Ok(first)));
                }
                (None, None) => {}
            }
        }
        for (channel, longest) in self.held.overdue(now) {
            let wired = self.wired.iter().find(|wired| wired.output.channel == channel);
            let Some((safe, what)) = wired.and_then(|w| Some((position(w.output.safe)?, w.what.clone()))) else {
                continue;
            };
            match self.order(channel, safe) {
                Ok(_) => {
                    self.strike(channel);
                    self.held.rests(channel, self.clock.now());
                    let what = format!("{what} was on for {longest}, its longest time, and was switched off");
                    let member = format!("{} channel {channel}", self.member);
                    let hint = "let the scenario switch it off in time, or correct `longest-on` in the rig file";
                    self.overran.push(InfrastructureFault::new(member, what).hint(hint));
                }
                Err(_) => self.held.again(channel, self.clock.now()),
            }
        }
    }
}

/// The lesser of two grounds.
fn worse(a: Truth, b: Truth) -> Truth {
    if a == Truth::Commanded { a } else { b }
}
