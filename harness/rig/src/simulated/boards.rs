//! Simulated relay boards: contacts, and what the boards say about them.

use std::collections::BTreeMap;

use rigtone_model::document::{Output, Rig};

use super::planted::{BoardTrouble, Planted, Viewer};
use crate::{
    capability::{InfrastructureFault, Truth},
    clock::Instant,
    power::word,
};

/// How long a board is waited for.
const PATIENCE_NS: i64 = 500_000_000;

/// The relay boards of a rig.
pub(super) struct Boards {
    boards: BTreeMap<String, Board>,
}

struct Board {
    channels: u8,
    mute: bool,
    contacts: BTreeMap<u8, Contact>,
}

/// A channel: what its coil was told, and where its contact is.
#[derive(Debug, Clone, Copy, Default)]
struct Contact {
    ordered: bool,
    position: bool,
}

impl Boards {
    pub(super) fn of(rig: &Rig) -> Self {
        let boards = rig.relays.iter().map(|(name, board)| {
            let mute = board.simulated.as_ref().is_some_and(|s| s.mute);
            (name.clone(), Board { channels: board.channels, mute, contacts: BTreeMap::new() })
        });
        let mut all = Self { boards: boards.collect() };
        // A contact that is closed at rest is closed before anybody touches it.
        for button in rig.units.values().flat_map(|unit| unit.buttons.values()).filter(|b| !b.pressed_is_on()) {
            all.set(&button.output.relay, button.output.channel, true);
        }
        all
    }

    fn contact(&mut self, relay: &str, channel: u8) -> Option<&mut Contact> {
        Some(self.boards.get_mut(relay)?.contacts.entry(channel).or_default())
    }

    fn known(&self, relay: &str, channel: u8) -> Contact {
        self.boards.get(relay).and_then(|b| b.contacts.get(&channel)).copied().unwrap_or_default()
    }

    /// Where a contact is.
    pub(super) fn position(&self, relay: &str, channel: u8) -> bool {
        self.known(relay, channel).position
    }

    /// What a channel was told last.
    pub(super) fn ordered(&self, relay: &str, channel: u8) -> bool {
        self.known(relay, channel).ordered
    }

    /// Whether a board never answers.
    pub(super) fn is_mute(&self, relay: &str) -> bool {
        self.boards.get(relay).is_some_and(|b| b.mute)
    }

    /// A channel is known to be in that position, and to have been told so.
    pub(super) fn set(&mut self, relay: &str, channel: u8, on: bool) {
        if let Some(contact) = self.contact(relay, channel) {
            *contact = Contact { ordered: on, position: on };
        }
    }

    /// Tells a channel what to do. Gives what the board answers, after how long, and whether the contact moved.
    pub(super) fn order(
        &mut self,
        planted: &Planted,
        output: &Output,
        on: bool,
        now: Instant,
        viewer: Viewer<'_>,
    ) -> ((i64, Result<Truth, InfrastructureFault>), bool) {
        let Output { relay, channel, .. } = output;
        let trouble = planted.board(relay, Some(*channel), now, viewer);
        // What strikes the whole board is no fault of the channel.
        let whole = planted.board(relay, None, now, viewer).is_some_and(|of_all| Some(of_all) == trouble);
        let member = if whole && trouble != Some(BoardTrouble::Sticks) { output.board() } else { output.member() };
        let fault = |what: String| InfrastructureFault::new(member.clone(), what);
        let held = planted.holds_contact(relay, *channel, now, viewer);
        let mute = self.is_mute(relay);
        let Some(contact) = self.contact(relay, *channel) else {
            return ((0, Err(fault("is not a board of the rig".to_owned()))), false);
        };
        contact.ordered = on;
        let moved = !held && contact.position != on;
        if moved {
            contact.position = on;
        }
        let position = contact.position;
        let doing = format!("switching channel {channel} {}", word(on));
        let silence = || {
            let what = format!("{doing}: no answer within {} ms", PATIENCE_NS / 1_000_000);
            fault(what).hint("check the board's cable and its supply")
        };
        let answer = match trouble {
            _ if mute => (0, Ok(Truth::Commanded)),
            Some(BoardTrouble::Nothing) => (PATIENCE_NS, Err(silence())),
            Some(BoardTrouble::Late(by)) if by >= PATIENCE_NS => (PATIENCE_NS, Err(silence())),
            Some(BoardTrouble::Garbage) => {
                let what = format!("{doing}: it answered 5A 00 FF, which is no answer");
                (0, Err(fault(what).hint("check the board's cable and what else uses its port")))
            }
            _ if position != on => {
                let what = format!("{doing}: it reports that the contact is {}", word(position));
                (0, Err(fault(what).hint("the contact sticks: replace the board, or use another channel")))
            }
            Some(BoardTrouble::Late(by)) => (by, Ok(Truth::Reported)),
            Some(BoardTrouble::Sticks) | None => (0, Ok(Truth::Reported)),
        };
        (answer, moved)
    }

    /// Lets a contact follow its coil if nothing holds it; says whether it moved.
    pub(super) fn release(&mut self, planted: &Planted, output: &Output, now: Instant, viewer: Viewer<'_>) -> bool {
        let Output { relay, channel, .. } = output;
        let contact = self.known(relay, *channel);
        if contact.position == contact.ordered || planted.holds_contact(relay, *channel, now, viewer) {
            return false;
        }
        self.set(relay, *channel, contact.ordered);
        true
    }

    /// Asks a board how it is: what was found, and whether trials may rely on it.
    pub(super) fn check(&self, planted: &Planted, relay: &str, now: Instant, viewer: Viewer<'_>) -> (String, bool) {
        let Some(board) = self.boards.get(relay) else { return ("is not a board of the rig".to_owned(), false) };
        if board.mute {
            return ("takes orders and never answers: what it did is not known".to_owned(), true);
        }
        match planted.board(relay, None, now, viewer).and_then(complaint) {
            Some(what) => (what, false),
            None => (format!("answers for its {} channels", board.channels), true),
        }
    }

    /// Asks a board for one of its channels: what is wrong with it, if something is.
    pub(super) fn check_channel(
        &self,
        planted: &Planted,
        (relay, channel): (&str, u8),
        now: Instant,
        viewer: Viewer<'_>,
    ) -> Option<String> {
        // A board that is in trouble as a whole says nothing about a channel.
        if self.is_mute(relay) || planted.board(relay, None, now, viewer).and_then(complaint).is_some() {
            return None;
        }
        if let Some(what) = planted.board(relay, Some(channel), now, viewer).and_then(complaint) {
            return Some(what);
        }
        let contact = self.known(relay, channel);
        let held = planted.holds_contact(relay, channel, now, viewer);
        (held && contact.position != contact.ordered).then(|| {
            format!("is {}, where {} was ordered: the contact sticks", word(contact.position), word(contact.ordered))
        })
    }
}

/// What a board in trouble looks like to somebody who asks it.
fn complaint(trouble: BoardTrouble) -> Option<String> {
    match trouble {
        BoardTrouble::Nothing => Some(no_answer()),
        BoardTrouble::Late(by) if by >= PATIENCE_NS => Some(no_answer()),
        BoardTrouble::Garbage => {
            Some("answers 5A 00 FF, which is no answer; check its cable and what else uses its port".to_owned())
        }
        BoardTrouble::Late(_) | BoardTrouble::Sticks => None,
    }
}

fn no_answer() -> String {
    format!("does not answer within {} ms; check its cable and its supply", PATIENCE_NS / 1_000_000)
}
