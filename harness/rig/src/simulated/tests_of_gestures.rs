//! What gestures do to a simulated unit, and what is refused because nobody knows what they would do.

use rigtone_model::{
    document::{Codec, Device, Profile, Rig},
    event::{TimedBy, Truth},
    load::{SourceFile, load},
};
use rstest::rstest;

use super::{VirtualClock, open};
use crate::{
    bench::{Bench, TrialKey},
    capability::Wish,
    clock::Clock,
};

const S: i64 = 1_000_000_000;

const SPEAKER: &str = "\
device: maker/speaker
title: A speaker
roles: [a2dp-sink]
codecs: [sbc]
boot: 3 s
discharge: 1 s
gestures:
  pairing-mode: {press: [{buttons: [power, up], for: 1 s}], from: on}
  key: {press: [{buttons: [power], for: 1 s}], power: over}
  start: {press: [{buttons: [power], for: 1 s}], from: off, power: on}
  stop: {press: [{buttons: [power], for: 4 s}], power: off, takes: 1 s}
  taps: {press: [{buttons: [up], for: 100 ms, gap: 300 ms}, {buttons: [up], for: 100 ms}]}
  reset: {press: [{buttons: [power, up], for: 9 s}], factory-reset: true}
firmware: {\"1\": {}}
";

const SOURCE: &str = "\
device: maker/source
title: A source
roles: [a2dp-source]
codecs: [sbc]
firmware: {\"1\": {}}
";

/// A world with its clock, and a trial that has begun.
struct Lab {
    clock: VirtualClock,
    bench: Bench,
    runtime: tokio::runtime::Runtime,
}

fn key() -> TrialKey {
    TrialKey { seed: 5, combination: "s/speaker=speaker#00000000".into(), trial: 1, attempt: 1 }
}

impl Lab {
    fn new(mute: bool, faults: &str) -> Self {
        let rig = format!(
            r#"rig: lab
title: A lab
world: simulated
rooms: {{room: {{}}}}
relays: {{board: {{channels: 4}}, buttons: {{channels: 4, simulated: {{mute: {mute}}}}}}}
units:
  source: {{device: maker/source, firmware: "1", address: "0C:00:00:00:00:01", control: command}}
  speaker:
    device: maker/speaker
    firmware: "1"
    address: "5E:00:00:00:00:01"
    power: {{relay: board, channel: 1}}
    # One contact is closed at rest.
    buttons: {{power: {{relay: buttons, channel: 1}}, up: {{relay: board, channel: 2, rest: closed}}}}
    allows-factory-reset: true
faults: [{faults}]
"#
        );
        let files =
            [("devices/maker/speaker.yaml", SPEAKER), ("devices/maker/source.yaml", SOURCE), ("lab.yaml", &rig)];
        let file = |(path, text): (&str, &str)| SourceFile { path: path.into(), bytes: text.as_bytes().to_vec() };
        let loaded = load(files.into_iter().map(file).collect());
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        let (rig, devices): (Rig, _) = (loaded.library.rigs["lab"].value.clone(), loaded.library.devices);
        let device = |id: &str| -> Option<Device> { Some(devices.get(id)?.value.clone()) };
        let clock = VirtualClock::new();
        let bench = open(&rig, &device, &clock).expect("a rig");
        let runtime = clock.runtime().expect("a runtime");
        let lab = Self { clock, bench, runtime };
        lab.bench.keeper.trial_begins(&key(), &["source", "speaker"], &[]);
        lab
    }

    fn deadline(&self) -> crate::clock::Instant {
        self.clock.now().plus(60 * S)
    }

    fn power(&self, on: bool) {
        let power = self.bench.units["speaker"].power.clone().expect("wired");
        self.runtime.block_on(power.switch(on, self.deadline())).expect("it obeys");
    }

    /// Off and on again: from then on it is known to be on.
    fn power_cycle(&self) {
        self.power(false);
        self.wait(2);
        self.power(true);
    }

    fn wait(&self, seconds: i64) {
        self.runtime.block_on(self.clock.sleep_until(self.clock.now().plus(seconds * S)));
    }

    /// How long it took, or what was said.
    fn gesture(&self, name: &str) -> Result<i64, String> {
        let gestures = self.bench.units["speaker"].gestures.clone().expect("it has buttons");
        let began = self.clock.now();
        let done = self.runtime.block_on(gestures.perform(name, self.deadline()));
        done.map(|_| self.clock.now().since(began)).map_err(|fault| {
            assert!(fault.hint.is_some(), "{fault}");
            fault.what
        })
    }

    fn pairs(&self) -> bool {
        let (source, speaker) = (&self.bench.units["source"], &self.bench.units["speaker"]);
        let pairing = source.pairing.clone().expect("it pairs");
        self.runtime.block_on(pairing.pair(speaker.address, self.deadline())).expect("the rig is well").is_ok()
    }

    fn connects(&self) -> bool {
        let (source, speaker) = (&self.bench.units["source"], &self.bench.units["speaker"]);
        let connecting = source.connecting.clone().expect("it connects");
        let wish = Wish { profile: Profile::A2dp, codec: Codec::Sbc, configured: None };
        let link = self.runtime.block_on(connecting.connect(speaker.address, wish, self.deadline()));
        self.runtime.block_on(connecting.disconnect(speaker.address, self.deadline())).expect("the rig is well");
        link.expect("the rig is well").is_ok()
    }
}

#[test]
fn a_gesture_turns_it_off_and_on_and_over() {
    let lab = Lab::new(false, "");
    lab.power_cycle();
    // It has three seconds to start, which are waited for.
    assert!((4 * S..5 * S).contains(&lab.gesture("pairing-mode").expect("known to be on")));
    assert!(lab.pairs() && lab.connects());
    assert!((5 * S..6 * S).contains(&lab.gesture("stop").expect("from any state")), "it needs a second more");
    assert!(!lab.connects());
    lab.gesture("start").expect("it is off");
    lab.wait(3);
    assert!(lab.connects());
    lab.gesture("key").expect("it is known to be on");
    assert!(!lab.connects());
    lab.gesture("key").expect("it is known to be off");
    lab.wait(3);
    assert!(lab.connects());
}

#[rstest]
#[case::over("key", "nobody knows whether it is on")]
#[case::from("pairing-mode", "begins with the unit on, and nobody knows")]
#[case::unknown("yodel", "has no gesture `yodel`")]
fn what_nobody_knows_is_not_guessed(#[case] gesture: &str, #[case] said: &str) {
    let lab = Lab::new(false, "");
    lab.power_cycle();
    // As after a trial: it may have turned itself off since.
    lab.bench.keeper.trial_ends(&key(), &["source", "speaker"]);
    lab.bench.keeper.trial_begins(&key(), &["source", "speaker"], &[]);
    let gestures = lab.bench.units["speaker"].gestures.clone().expect("it has buttons");
    let fault = lab.runtime.block_on(gestures.perform(gesture, lab.deadline())).expect_err("refused");
    assert!(fault.what.contains(said) && fault.member == "unit speaker", "{fault}");
    gestures.is_alive();
    let now_known = lab.runtime.block_on(gestures.perform(gesture, lab.deadline()));
    assert_eq!(now_known.is_ok(), gesture != "yodel", "{now_known:?}");
}

#[test]
fn a_gesture_from_the_wrong_state_is_refused() {
    let lab = Lab::new(false, "");
    lab.power(true);
    assert!(lab.gesture("start").expect_err("it is on").contains("it is on: its supply was switched so"));
    lab.power(false);
    assert!(lab.gesture("taps").expect_err("it is dark").contains("its supply is off"));
}

#[test]
fn a_reset_makes_it_forget_its_bonds() {
    let lab = Lab::new(false, "");
    lab.power_cycle();
    lab.gesture("pairing-mode").expect("it is on");
    assert!(lab.pairs() && lab.connects());
    lab.gesture("reset").expect("it is allowed");
    assert!(!lab.connects());
}

#[test]
fn presses_are_told_one_by_one() {
    let lab = Lab::new(true, "");
    lab.power_cycle();
    let gestures = lab.bench.units["speaker"].gestures.clone().expect("it has buttons");
    let presses = |name| lab.runtime.block_on(gestures.perform(name, lab.deadline())).expect("done");
    let told = presses("taps").into_iter().map(|p| (p.buttons, p.held_ns, p.timed_by, p.switched.truth));
    let tap = (vec!["up".to_owned()], S / 10, TimedBy::Host, Truth::Reported);
    assert_eq!(told.collect::<Vec<_>>(), [tap.clone(), tap]);
    // Of a board that says nothing it is known only what it was told.
    assert_eq!(presses("key")[0].switched.truth, Truth::Commanded);
}

#[test]
fn a_contact_that_sticks_presses_nothing() {
    // A board that says so.
    let lab = Lab::new(false, "{relay-sticks: {relay: buttons, channel: 1}}");
    lab.power_cycle();
    assert!(lab.gesture("pairing-mode").expect_err("it says so").contains("the contact is off"));
    // One that does not: the unit shows it, in that it does nothing.
    let lab = Lab::new(true, "{relay-sticks: {relay: buttons, channel: 1}}");
    lab.power_cycle();
    lab.gesture("pairing-mode").expect("nobody saw it");
    assert!(!lab.pairs());
}
