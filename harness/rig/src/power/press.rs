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

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        num::NonZeroU8,
        sync::{Arc, Mutex},
        time::Duration as HostDuration,
    };

    use rigtone_model::document::{Lcus, Output, RelayBoard, SafeState};
    use rstest::rstest;
    use tempfile::TempDir;

    use super::*;
    use crate::{
        hardware::HostClock,
        power::{Board, Limits, Setup, Wired, line::Line},
        safety::{State, Worn},
    };

    const PATIENCE: i64 = 30_000_000_000;
    const MS: i64 = 1_000_000;
    /// Held until somebody lets go: no load of the host makes it that late.
    const LONG: Duration = Duration::from_s(60);
    const LIMITS: Limits = Limits { longest_hold: LONG, smallest_gap: Duration::from_ms(200) };
    const SHORT: Limits = Limits { longest_hold: Duration::from_s(2), ..LIMITS };
    /// What a contact that is stuck takes: longer than its release waits for the next try, at first.
    const SLOW: HostDuration = HostDuration::from_millis(150);

    /// What a board was asked for.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Asked {
        Switch(u8, bool),
        Pulse(u8, HostDuration),
    }
    use Asked::{Pulse, Switch};

    #[derive(Default)]
    struct Told {
        asked: Vec<(Asked, Option<Instant>)>,
        /// How the next orders go; well when there is none.
        failures: VecDeque<bool>,
        /// Channels whose contacts do not move, and take their time for that.
        stuck: Vec<u8>,
        times_by_itself: bool,
        clock: Option<HostClock>,
    }

    /// A board that does as it is told.
    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<Told>>);

    impl Fake {
        fn asked(&self) -> Vec<Asked> {
            self.0.lock().expect("no panic").asked.iter().map(|(asked, _)| *asked).collect()
        }

        fn times(&self) -> Vec<Instant> {
            self.0.lock().expect("no panic").asked.iter().filter_map(|(_, at)| *at).collect()
        }

        fn fail(&self, failures: &[bool]) {
            self.0.lock().expect("no panic").failures = failures.iter().copied().collect();
        }

        fn stick(&self, channels: &[u8]) {
            self.0.lock().expect("no panic").stuck = channels.to_vec();
        }

        fn note(&self, asked: Asked) -> Result<(), InfrastructureFault> {
            let (fails, stuck) = {
                let mut told = self.0.lock().expect("no panic");
                let at = told.clock.as_ref().map(Clock::now);
                told.asked.push((asked, at));
                let stuck = matches!(asked, Switch(channel, _) if told.stuck.contains(&channel));
                (told.failures.pop_front() == Some(true), stuck)
            };
            if stuck {
                std::thread::sleep(SLOW);
            }
            if fails || stuck { Err(InfrastructureFault::new("relay board", "planted")) } else { Ok(()) }
        }
    }

    impl Line for Fake {
        fn open(&mut self) -> Result<(), InfrastructureFault> {
            Ok(())
        }
        fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
            self.note(Switch(channel.get(), on)).map(|()| None)
        }
        fn position(&mut self, _channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
            Ok(None)
        }
        fn pulse(&mut self, channel: NonZeroU8, held: HostDuration) -> Result<bool, InfrastructureFault> {
            let can = self.0.lock().expect("no panic").times_by_itself;
            if can { self.note(Pulse(channel.get(), held)).map(|()| true) } else { Ok(false) }
        }
        fn alive(&mut self) -> Result<(), InfrastructureFault> {
            Ok(())
        }
        fn spacing(&self) -> HostDuration {
            HostDuration::from_millis(1)
        }
    }

    struct Lab {
        fake: Fake,
        board: Board,
        clock: HostClock,
        state: TempDir,
    }

    const KEY: &str = "/dev/board";

    fn lab(times_by_itself: bool) -> Lab {
        lab_with(LIMITS, times_by_itself)
    }

    /// Two buttons, the second closed at rest, and a supply.
    fn lab_with(limits: Limits, times_by_itself: bool) -> Lab {
        let (clock, state) = (HostClock::start(), tempfile::tempdir().expect("a folder"));
        let fake = Fake::default();
        {
            let mut told = fake.0.lock().expect("no panic");
            (told.times_by_itself, told.clock) = (times_by_itself, Some(clock));
        }
        let wired = |channel, safe, button| Wired {
            what: format!("output {channel}"),
            output: Output { relay: "board".into(), channel, safe, longest_on: None, settle: None },
            button,
        };
        let of_state = State::at(state.path().to_owned()).expect("usable");
        let setup = Setup {
            name: "board".into(),
            // What is on record is that of this board.
            board: RelayBoard { lcus: Some(Lcus::at(KEY)), channels: 4, ..RelayBoard::default() },
            rig: "lab".into(),
            channels: 4,
            wired: vec![
                wired(1, SafeState::Off, Some(limits)),
                wired(2, SafeState::On, Some(limits)),
                wired(3, SafeState::Off, None),
            ],
            journals: vec![of_state.journal("relay board", KEY).expect("a journal")],
            wear: Some(of_state.wear("relay board", KEY).expect("a count")),
        };
        let board = Board::with(Box::new(fake.clone()), setup, clock).expect("it is there");
        Lab { fake, board, clock, state }
    }

    impl Lab {
        fn state(&self) -> State {
            State::at(self.state.path().to_owned()).expect("usable")
        }

        async fn press(&self, channels: &[u8], held: Duration) -> Result<Begun, InfrastructureFault> {
            let chord = Chord { channels: channels.to_vec(), held, alone: channels.len() == 1 };
            let deadline = self.clock.now().plus(PATIENCE);
            let order = self.board.press(chord, deadline)?;
            self.board.answer(order, deadline).await?
        }

        /// Waits until what was let go may be pressed again.
        async fn gap(&self) {
            self.clock.sleep_until(self.clock.now().plus(LIMITS.smallest_gap.ns())).await;
        }

        async fn release(&self, channels: &[u8], at: Instant) -> Result<Edge, InfrastructureFault> {
            let order = self.board.release(channels, at)?;
            self.board.answer(order, at.plus(PATIENCE)).await?
        }

        fn left(&self) -> Vec<u8> {
            let journal = self.state().journal("relay board", KEY).expect("a journal");
            journal.entries().filter(|entry| entry.left).map(|entry| entry.channel).collect()
        }

        fn operations(&self) -> Vec<(u8, u64)> {
            let worn: Vec<Worn> = self.state().worn("relay board", KEY).expect("readable");
            worn.iter().map(|worn| (worn.channel, worn.operations)).collect()
        }
    }

    #[tokio::test]
    async fn buttons_are_recorded_pressed_and_let_go_in_time() {
        let lab = lab(false);
        let begun = lab.press(&[1, 2], LONG).await.expect("allowed");
        assert!(!begun.by_board);
        assert_eq!(lab.left(), [1, 2]);
        let until = Instant(begun.last.edge.expect("timed").acknowledged_ns).plus(100 * MS);
        let first = lab.release(&[1, 2], until).await.expect("it lets go");
        assert!(first.sent_ns >= until.0);
        assert_eq!(lab.fake.asked(), [Switch(1, true), Switch(2, false), Switch(1, false), Switch(2, true)]);
        assert_eq!(lab.left(), [0_u8; 0]);
        // One that is on at rest works when it is let go.
        assert_eq!(lab.operations(), [(1, 1), (2, 1)]);
    }

    #[tokio::test]
    async fn whoever_falls_silent_has_his_buttons_let_go_when_their_time_is_over() {
        let lab = lab_with(SHORT, false);
        // The longest hold of the button comes before the slack.
        lab.press(&[1], Duration::from_s(1)).await.expect("allowed");
        // It is on record until after the board was told.
        while lab.fake.asked().len() < 2 || !lab.left().is_empty() {
            tokio::time::sleep(HostDuration::from_millis(5)).await;
        }
        let times = lab.fake.times();
        assert!(times[1].since(times[0]) >= 1_990 * MS, "{}", times[1].since(times[0]));
        assert_eq!(lab.fake.asked(), [Switch(1, true), Switch(1, false)]);
    }

    #[rstest]
    #[case::no_button(&[3], 100, "wired to no button")]
    #[case::nothing(&[4], 100, "wired to no button")]
    #[case::too_long(&[1, 2], 2_001, "it would be held for 2.001 s, and 2 s is the longest")]
    #[tokio::test]
    async fn what_may_not_be_pressed_moves_nothing(#[case] channels: &[u8], #[case] held_ms: i64, #[case] said: &str) {
        let lab = lab_with(SHORT, true);
        let fault = lab.press(channels, Duration::from_ms(held_ms)).await.expect_err("refused");
        assert!(fault.what.contains(said), "{fault}");
        assert_eq!((lab.fake.asked(), lab.left(), lab.operations()), (vec![], vec![], vec![]));
    }

    #[tokio::test]
    async fn a_button_is_pressed_once_at_a_time_and_not_again_at_once() {
        let lab = lab_with(Limits { smallest_gap: Duration::from_s(90), ..LIMITS }, false);
        lab.press(&[1], LONG).await.expect("allowed");
        let fault = lab.press(&[1, 2], LONG).await.expect_err("held");
        assert!(fault.what.contains("it is held already"), "{fault}");
        lab.release(&[1], lab.clock.now()).await.expect("it lets go");
        let fault = lab.press(&[1], LONG).await.expect_err("too soon");
        assert!(fault.what.contains("let go less than 90 s ago"), "{fault}");
    }

    #[tokio::test]
    async fn a_button_is_pressed_again_when_its_gap_is_over() {
        let lab = lab(false);
        lab.press(&[1], LONG).await.expect("allowed");
        lab.release(&[1], lab.clock.now()).await.expect("it lets go");
        lab.gap().await;
        lab.press(&[1], LONG).await.expect("late enough");
    }

    #[tokio::test]
    async fn a_board_that_can_times_a_button_alone() {
        let lab = lab(true);
        let begun = lab.press(&[1], LONG).await.expect("allowed");
        assert!(begun.by_board);
        assert_eq!(lab.left(), [1], "nobody has seen it let go yet");
        lab.release(&[1], lab.clock.now().plus(30 * MS)).await.expect("it is told once more");
        assert_eq!(lab.fake.asked(), [Pulse(1, HostDuration::from_secs(60)), Switch(1, false)]);
        assert_eq!((lab.left(), lab.operations()), (vec![], vec![(1, 1)]));
        // Neither a chord nor a contact that is closed at rest.
        lab.press(&[2], LONG).await.expect("allowed");
        lab.release(&[2], lab.clock.now()).await.expect("it lets go");
        assert_eq!(lab.fake.asked()[2..], [Switch(2, false), Switch(2, true)]);
    }

    #[tokio::test]
    async fn a_chord_that_comes_down_in_part_is_let_go_at_once() {
        let lab = lab(false);
        lab.fake.fail(&[false, true]);
        lab.press(&[1, 2], Duration::from_s(1)).await.expect_err("planted");
        assert_eq!(lab.fake.asked(), [Switch(1, true), Switch(2, false), Switch(1, false), Switch(2, true)]);
        assert_eq!(lab.left(), [0_u8; 0]);
    }

    #[tokio::test]
    async fn a_release_is_tried_until_it_is_done_and_stays_on_record_so_long() {
        let lab = lab(false);
        lab.press(&[1], LONG).await.expect("allowed");
        lab.fake.fail(&[true, true, true]);
        lab.release(&[1], lab.clock.now()).await.expect("the fourth time");
        assert_eq!(lab.fake.asked(), [&[Switch(1, true)], &[Switch(1, false); 4][..]].concat());
        lab.gap().await;
        lab.press(&[1], LONG).await.expect("allowed");
        lab.fake.stick(&[1]);
        let fault = lab.release(&[1], lab.clock.now()).await.expect_err("it is told");
        assert!(fault.what.contains("failed 5 times, and is tried on and on: planted"), "{fault}");
        assert_eq!(lab.left(), [1]);
        // As soon as it can be done it is done, though nobody asks.
        lab.fake.stick(&[]);
        while !lab.left().is_empty() {
            tokio::time::sleep(HostDuration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn orders_are_obeyed_while_releases_fail_slowly() {
        let lab = lab(false);
        for channel in [1, 2] {
            lab.press(&[channel], LONG).await.expect("allowed");
        }
        lab.fake.stick(&[1, 2]);
        let now = lab.clock.now();
        let _releases = [1, 2].map(|channel| lab.board.release(&[channel], now).expect("its thread runs"));
        let order = lab.board.switch(3, true, now.plus(PATIENCE));
        // What had been asked is looked at when the order has been given, which its first poll does.
        let (switched, before) = futures::future::join(order, async { lab.fake.asked().len() }).await;
        switched.expect("it obeys");
        let asked = lab.fake.asked();
        let place = asked.iter().position(|asked| *asked == Switch(3, true)).expect("it was told");
        assert!(place <= before + 2, "each is tried once more at most after {before}: {asked:?}");
        lab.fake.stick(&[]);
        while lab.left() != [3] {
            tokio::time::sleep(HostDuration::from_millis(5)).await;
        }
    }

    #[test]
    fn closing_a_board_lets_go_of_what_is_held() {
        let runtime = crate::hardware::runtime().expect("a runtime");
        let lab = lab(false);
        runtime.block_on(lab.press(&[1, 2], LONG)).expect("allowed");
        let (fake, before) = (lab.fake.clone(), lab.fake.asked().len());
        drop(lab.board);
        assert_eq!(fake.asked()[before..], [Switch(1, false), Switch(2, true), Switch(3, false)]);
    }
}
