//! The buttons of a unit that relays press.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use async_trait::async_trait;
use rigtone_model::{
    document::{Button, Gesture, Press, USUAL_GAP},
    event::{TimedBy, Truth},
    quantity::Duration,
    trial::InfrastructureFault,
};

use super::HostClock;
use crate::{
    capability::{Gestures, Pressed, Switched},
    clock::{Clock, Instant},
    gesture::Knowledge,
    power::{Board, Chord},
};

/// How long a board may take to press what it is told to, and to let go.
const PATIENCE_NS: i64 = 5_000_000_000;
/// How much later than a board lets go by itself it is told so once more.
const AFTER_NS: i64 = 30_000_000;
/// How much longer than it should a button may have been held: that much, or a tenth.
const TOLERANCE_NS: i64 = 150_000_000;

/// A contact that presses a button.
pub(super) struct Contact {
    pub(super) board: Rc<Board>,
    pub(super) wiring: Button,
    /// When it was let go last.
    pub(super) released: Cell<Option<Instant>>,
}

/// The buttons of a unit.
pub(super) struct Buttons {
    /// The unit as faults name it.
    pub(super) member: String,
    pub(super) gestures: BTreeMap<String, Gesture>,
    pub(super) contacts: BTreeMap<String, Contact>,
    /// Whether it may be made to forget what it knows.
    pub(super) allows_factory_reset: bool,
    pub(super) knowledge: Rc<RefCell<Knowledge>>,
    pub(super) clock: HostClock,
}

/// What is held now, by board; dropping it lets go.
struct Grip(Vec<(Rc<Board>, Vec<u8>)>);

impl Drop for Grip {
    fn drop(&mut self) {
        for (board, channels) in &self.0 {
            board.let_go(channels);
        }
    }
}

impl Buttons {
    fn refused(&self, name: &str, why: &str) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, format!("the gesture `{name}` was not done: {why}"))
    }

    /// The gesture, if nothing in the documents speaks against doing it here. The boards look once more.
    fn allowed(&self, name: &str) -> Result<&Gesture, InfrastructureFault> {
        let gesture = self.gestures.get(name).ok_or_else(|| self.refused(name, "its device has no such gesture"))?;
        if gesture.factory_reset && !self.allows_factory_reset {
            let hint = "add `allows-factory-reset: true` to the unit, if it may lose its bonds and settings";
            return Err(self.refused(name, "it makes the unit forget what it knows").hint(hint));
        }
        for button in gesture.buttons() {
            let missing = || self.refused(name, &format!("its button `{button}` is wired to no relay"));
            let (held, longest) =
                (gesture.longest_hold(button), self.contacts.get(button).ok_or_else(missing)?.wiring.longest_hold);
            if held > longest {
                let why = format!("it holds `{button}` for {held}, and {longest} is the longest");
                return Err(self.refused(name, &why).hint("correct the gesture, or `longest-hold` of the button"));
            }
        }
        Ok(gesture)
    }

    /// Holds buttons together, over as many boards as they are wired to, and lets go of all of them.
    async fn press(&self, name: &str, press: &Press) -> Result<Pressed, InfrastructureFault> {
        let missing = |button: &str| self.refused(name, &format!("its button `{button}` is wired to no relay"));
        let mut boards: BTreeMap<&str, (&Rc<Board>, Vec<u8>)> = BTreeMap::new();
        let mut free: Option<Instant> = None;
        for button in &press.buttons {
            let contact = self.contacts.get(button).ok_or_else(|| missing(button))?;
            let (_, channels) = boards.entry(contact.board.member()).or_insert_with(|| (&contact.board, Vec::new()));
            channels.push(contact.wiring.output.channel);
            free = free.max(contact.released.get().map(|at| at.plus(contact.wiring.smallest_gap.ns())));
        }
        if let Some(free) = free {
            self.clock.sleep_until(free).await;
        }
        let grip = Grip(boards.values().map(|(board, channels)| (Rc::clone(board), channels.clone())).collect());
        let alone = press.buttons.len() == 1;
        let deadline = self.clock.now().plus(PATIENCE_NS);
        // All boards at once, and only then the first answer: the fingers of a hand come down together.
        let order = |(board, channels): &(Rc<Board>, Vec<u8>)| {
            let chord = Chord { channels: channels.clone(), held: press.held, alone };
            (Rc::clone(board), board.press(chord, deadline))
        };
        let orders: Vec<_> = grip.0.iter().map(order).collect();
        let (mut last, mut by_board): (Option<Switched>, bool) = (None, false);
        for (board, order) in orders {
            let begun = board.answer(order?, deadline).await??;
            by_board = begun.by_board;
            let truth = match last {
                Some(Switched { truth: Truth::Commanded, .. }) => Truth::Commanded,
                _ => begun.last.truth,
            };
            let moved = |switched: &Switched| switched.edge.map(|edge| edge.acknowledged_ns);
            let later = last.filter(|last| moved(last) > moved(&begun.last)).unwrap_or(begun.last);
            last = Some(Switched { truth, ..later });
        }
        let Some((switched, edge)) = last.and_then(|last| Some((last, last.edge?))) else {
            return Err(self.refused(name, "it presses nothing"));
        };
        let pressed = Instant(edge.acknowledged_ns);
        let until = pressed.plus(press.held.ns()).plus(if by_board { AFTER_NS } else { 0 });
        let deadline = until.plus(PATIENCE_NS);
        let orders: Vec<_> = grip.0.iter().map(|(board, channels)| (board, board.release(channels, until))).collect();
        let mut first: Option<i64> = None;
        for (board, order) in orders {
            let edge = board.answer(order?, deadline).await??;
            first = Some(first.map_or(edge.sent_ns, |first| first.min(edge.sent_ns)));
        }
        for contact in press.buttons.iter().filter_map(|button| self.contacts.get(button)) {
            contact.released.set(Some(self.clock.now()));
        }
        let held_ns = match first {
            Some(first) if !by_board => first - pressed.0,
            _ => press.held.ns(),
        };
        let surplus = held_ns - press.held.ns();
        if surplus > TOLERANCE_NS.max(press.held.ns() / 10) {
            let what = format!(
                "the gesture `{name}` held {} for {}, and not for {}: this host was too busy to let go in time",
                press.buttons.join(" and "),
                Duration::from_ns(held_ns),
                press.held
            );
            return Err(InfrastructureFault::new(&self.member, what)
                .hint("run less beside Rigtone, or use a board that times presses by itself"));
        }
        let timed_by = if by_board { TimedBy::Board } else { TimedBy::Host };
        Ok(Pressed { buttons: press.buttons.clone(), held_ns, timed_by, switched })
    }

    async fn presses(&self, name: &str, gesture: &Gesture) -> Result<Vec<Pressed>, InfrastructureFault> {
        let mut all = Vec::new();
        for (place, press) in gesture.press.iter().enumerate() {
            if let Some(before) = place.checked_sub(1).and_then(|before| gesture.press.get(before)) {
                let gap = before.gap.unwrap_or(USUAL_GAP);
                self.clock.sleep_until(self.clock.now().plus(gap.ns())).await;
            }
            all.push(self.press(name, press).await?);
        }
        self.clock.sleep_until(self.clock.now().plus(gesture.takes.map_or(0, Duration::ns))).await;
        Ok(all)
    }
}

#[async_trait(?Send)]
impl Gestures for Buttons {
    fn lasts_ns(&self, gesture: &str) -> Option<i64> {
        let gesture = self.gestures.get(gesture).filter(|gesture| !gesture.automatic)?;
        let starts = self.knowledge.borrow().ready().map_or(0, |ready| ready.since(self.clock.now()).max(0));
        let gaps: i64 =
            self.contacts.values().map(|contact| contact.wiring.smallest_gap.ns()).max().unwrap_or_default();
        let gaps = gaps.saturating_mul(gesture.press.len() as i64);
        Some(gesture.lasts().ns().saturating_add(starts).saturating_add(gaps))
    }

    async fn perform(&self, name: &str, deadline: Instant) -> Result<Vec<Pressed>, InfrastructureFault> {
        let gesture = self.allowed(name)?;
        self.knowledge.borrow().may(name, gesture)?;
        let begin = self.knowledge.borrow().ready().unwrap_or_else(|| self.clock.now());
        if begin.max(self.clock.now()).plus(gesture.lasts().ns()) > deadline {
            return Err(self.refused(name, "there is not enough time for it"));
        }
        // One that is made while the device starts is lost on most.
        self.clock.sleep_until(begin).await;
        // Should this be broken off, nobody knows what the device made of it.
        let before = self.knowledge.borrow_mut().gesture_begins();
        let pressed = self.presses(name, gesture).await?;
        self.knowledge.borrow_mut().gesture_ends(before, name, gesture, self.clock.now());
        Ok(pressed)
    }

    fn is_alive(&self) {
        self.knowledge.borrow_mut().is_alive();
    }
}
