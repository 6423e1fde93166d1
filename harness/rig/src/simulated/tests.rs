//! What a trial's outcome depends on: its key and what its units remember, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use rigtone_audio::stimulus::{Name, Stimulus};
use rigtone_model::{
    document::{Codec, Device, Profile, Rig},
    load::{SourceFile, load},
};
use rstest::rstest;
use serde_json::Value;

use super::{VirtualClock, open};
use crate::{
    bench::{Bench, Scope, TrialKey},
    capability::{Address, Programme, Wish},
    clock::{Clock, Instant},
};

const S: i64 = 1_000_000_000;

const DEVICES: &str = "\
device: maker/speaker
title: A speaker
roles: [a2dp-sink]
codecs: [sbc]
boot: 3 s
discharge: 1 s
battery: true
gestures:
  pairing-mode: {press: [{buttons: [power], for: 1 s}]}
firmware: {\"1\": {}}
";

const SOURCE: &str = "\
device: maker/source
title: A source
roles: [a2dp-source]
codecs: [sbc]
firmware: {\"1\": {}}
";

fn documents(board: &str, unit: &str, faults: &str) -> (Rig, BTreeMap<String, Device>) {
    let rig = format!(
        r#"rig: lab
title: A lab
world: simulated
rooms: {{room: {{noise: -70 dB}}, other: {{noise: -60 dB}}}}
dongles: {{usb-1: {{address: "0C:00:00:00:00:01"}}, usb-2: {{address: "0C:00:00:00:00:02"}}}}
relays: {{board: {board}}}
microphones: {{bench: {{room: room}}, spare: {{room: other}}}}
units:
  source: {{device: maker/source, firmware: "1", address: "0C:00:00:00:00:01", control: endpoint, dongle: usb-1}}
  other: {{device: maker/source, firmware: "1", address: "0C:00:00:00:00:02", control: endpoint, dongle: usb-2}}
  speaker:
    {{device: maker/speaker, firmware: "1", address: "5E:00:00:00:00:01", power: {{relay: board, channel: 1}},
     heard-by: {{bench: {{distance: 0.3 m}}}}, simulated: {unit}}}
faults: [{faults}]
"#
    );
    let files = [("devices/maker/speaker.yaml", DEVICES), ("devices/maker/source.yaml", SOURCE), ("lab.yaml", &rig)];
    let file = |(path, text): (&str, &str)| SourceFile { path: path.into(), bytes: text.as_bytes().to_vec() };
    let loaded = load(files.into_iter().map(file).collect());
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let devices = loaded.library.devices.iter().map(|(id, entry)| (id.clone(), entry.value.clone())).collect();
    (loaded.library.rigs["lab"].value.clone(), devices)
}

/// A world with its clock.
struct Lab {
    clock: VirtualClock,
    bench: Bench,
    runtime: tokio::runtime::Runtime,
}

impl Lab {
    fn new(unit: &str, faults: &str) -> Self {
        Self::wired_to("{channels: 4}", unit, faults)
    }

    fn wired_to(board: &str, unit: &str, faults: &str) -> Self {
        let (rig, devices) = documents(board, unit, faults);
        let clock = VirtualClock::new();
        let bench = open(&rig, &|id| devices.get(id).cloned(), &clock).expect("a rig");
        let runtime = clock.runtime().expect("a runtime");
        Self { clock, bench, runtime }
    }

    fn wait(&self, ns: i64) {
        self.runtime.block_on(self.clock.sleep_until(self.clock.now().plus(ns)));
    }

    fn check(&self, members: &[&str]) -> Vec<(String, bool)> {
        let found = self.bench.keeper.check(Scope::Members(members), self.clock.now().plus(60 * S));
        self.runtime.block_on(found).into_iter().map(|f| (format!("{}: {}", f.member, f.finding), f.ok)).collect()
    }

    /// A trial that tries everything: what each step said, when it said it from the trial's beginning, and the memory.
    fn trial(&self, number: u32, steps: &[Do]) -> (Vec<String>, Value) {
        let key = TrialKey { seed: 5, combination: "s/speaker=speaker#00000000".into(), trial: number, attempt: 1 };
        let (source, speaker) = (&self.bench.units["source"], &self.bench.units["speaker"]);
        let (pairing, connecting) =
            (source.pairing.clone().expect("pairs"), source.connecting.clone().expect("connects"));
        let began = self.clock.now();
        let keeper = Rc::clone(&self.bench.keeper);
        keeper.trial_begins(&key, &["source", "speaker"], &["bench"]);
        let mut seen = Vec::new();
        for step in steps {
            keeper.step_begins(&key, step.label());
            let (now, target) = (self.clock.now(), speaker.address);
            let deadline = now.plus(30 * S);
            let said = self.runtime.block_on(async {
                match step {
                    Do::Power(on) => {
                        format!("{:?}", speaker.power.as_ref().expect("wired").switch(*on, deadline).await)
                    }
                    Do::Button => {
                        format!("{:?}", speaker.pairing_mode.as_ref().expect("a button").enter(deadline).await)
                    }
                    Do::Find => {
                        let found = source.inquiry.as_ref().expect("searches").find(target, None, deadline).await;
                        format!("{:?}", found.map(|f| f.map(|f| f.at.since(began))))
                    }
                    Do::Pair => format!("{:?}", pairing.pair(target, deadline).await),
                    Do::Forget => format!("{:?}", pairing.forget(target, deadline).await),
                    Do::Connect => {
                        let wish = Wish { profile: Profile::A2dp, codec: Codec::Sbc, configured: None };
                        format!("{:?}", connecting.connect(target, wish, deadline).await)
                    }
                    Do::Play => format!("{:?}", self.play(target, began, deadline).await),
                    Do::Wait(s) => {
                        self.clock.sleep_until(now.plus(s * S)).await;
                        String::new()
                    }
                }
            });
            seen.push(format!("{} at {}: {said}", step.label(), self.clock.now().since(began)));
        }
        let memory = keeper.trial_ends(&key, &["source", "speaker"]).memory.expect("a simulated world remembers");
        (seen, memory)
    }

    async fn play(&self, target: Address, began: Instant, deadline: Instant) -> String {
        let stimulus = Stimulus::build(Name::Smoke, 48_000, 7).expect("a stimulus");
        let recording = self.bench.microphones["bench"].start(deadline).await.expect("a microphone");
        let streaming = self.bench.units["source"].streaming.clone().expect("streams");
        let streamed = streaming.stream(target, &Programme::once(&stimulus), deadline).await;
        let captured = recording.stop(deadline).await.expect("a recording");
        let mut hash = 0_u64;
        for sample in captured.samples.channel(0, 1) {
            hash = hash.wrapping_mul(31).wrapping_add(u64::from((sample as i16).cast_unsigned()));
        }
        let told = streamed.map(|s| (s.emission.map(|e| e.at.since(began)), s.ended));
        format!("{told:?}, {} frames like {hash:x}", captured.samples.len())
    }
}

#[derive(Debug, Clone, Copy)]
enum Do {
    Power(bool),
    Button,
    Find,
    Pair,
    Forget,
    Connect,
    Play,
    Wait(i64),
}

impl Do {
    fn label(&self) -> &'static str {
        match self {
            Self::Power(_) => "power",
            Self::Button => "button",
            Self::Find => "find",
            Self::Pair => "pair",
            Self::Forget => "forget",
            Self::Connect => "connect",
            Self::Play => "play",
            Self::Wait(_) => "wait",
        }
    }
}

const BEGIN: &[Do] = &[Do::Power(true), Do::Button, Do::Find, Do::Pair, Do::Connect, Do::Play, Do::Wait(4)];
const GO_ON: &[Do] = &[
    Do::Connect,
    Do::Play,
    Do::Forget,
    Do::Button,
    Do::Find,
    Do::Pair,
    Do::Connect,
    Do::Wait(7),
    Do::Play,
    Do::Power(false),
];
const THEN: &[Do] = &[Do::Wait(3), Do::Button, Do::Find, Do::Pair, Do::Power(true), Do::Button, Do::Find, Do::Pair];

/// Everything that lives on, each at a time at which an hour more or less would change it.
const NATURES: &[&str] = &[
    "{}",
    "{pairing: 50 %, discovery: 80 %, jitter: 5 ms}",
    "{stale-cache: true}",
    "{battery: 60 s, stale-cache: true}",
    "{switches-off-after: 6 s}",
    "{disconnects-after: 6 s, one-link: true}",
    "{freezes-after: 1 s, battery: 10 min}",
    "{pairing-button: toggle, battery: 10 min}",
    "{drops-link-after: 2 s}",
    "{fails-after: 2 s}",
    "{boot: 20 s}",
];

/// The trials that follow on a first one, with or without something between them.
fn continuation(lab: &Lab, between: &dyn Fn(&Lab)) -> Vec<(Vec<String>, Value)> {
    let mut all = Vec::new();
    for (number, steps) in [(2, GO_ON), (3, THEN), (4, BEGIN)] {
        between(lab);
        all.push(lab.trial(number, steps));
    }
    all
}

#[test]
fn an_hour_between_two_trials_changes_nothing() {
    for nature in NATURES {
        let at_once = Lab::new(nature, "");
        let first = at_once.trial(1, BEGIN);
        let expected = continuation(&at_once, &|_| ());
        let waiting = Lab::new(nature, "");
        waiting.wait(3600 * S);
        assert_eq!(waiting.trial(1, BEGIN), first, "{nature}: before the first trial");
        let seen = continuation(&waiting, &|lab| {
            lab.wait(3600 * S);
            lab.check(&["relay board", "microphone bench", "host clock"]);
        });
        assert_eq!(seen, expected, "{nature}");
    }
}

#[test]
fn a_memory_put_into_a_fresh_world_gives_the_same_continuation() {
    for nature in NATURES {
        let old = Lab::new(nature, "");
        let (_, memory) = old.trial(1, BEGIN);
        let expected = continuation(&old, &|_| ());
        let fresh = Lab::new(nature, "");
        fresh.wait(17 * S);
        // As after a crash: outputs are made safe first.
        assert_eq!(fresh.runtime.block_on(fresh.bench.keeper.make_safe(Instant(i64::MAX))), []);
        let text = serde_json::to_string(&memory).expect("JSON");
        fresh.bench.keeper.remember(&serde_json::from_str(&text).expect("JSON"));
        assert_eq!(continuation(&fresh, &|_| ()), expected, "{nature}");
    }
}

/// The tests above would see nothing of what makes no difference to any continuation.
#[test]
fn everything_that_is_remembered_makes_a_difference() {
    const MUTE: &str = "{channels: 4, simulated: {mute: true}}";
    const READS: &str = "{channels: 4}";
    let firsts: [(&str, &str, Vec<Do>); 8] = [
        (READS, "{}", BEGIN.to_vec()),
        (READS, "{boot: 20 s}", vec![Do::Power(true)]),
        (READS, "{pairing-button: toggle, battery: 10 min}", vec![Do::Power(true), Do::Button]),
        (READS, "{stale-cache: true}", [BEGIN, &[Do::Forget]].concat()),
        (READS, "{stale-cache: true}", [BEGIN, &[Do::Forget, Do::Power(false), Do::Wait(2)]].concat()),
        (READS, "{battery: 60 s, disconnects-after: 6 s}", [BEGIN, &[Do::Power(false)]].concat()),
        (READS, "{freezes-after: 1 s}", BEGIN.to_vec()),
        (MUTE, "{switches-off-after: 6 s}", [BEGIN, &[Do::Wait(7)]].concat()),
    ];
    let all = [
        "mains",
        "awake-ns",
        "dark-ns",
        "pairing-mode",
        "bonds",
        "stale",
        "links",
        "frozen",
        "quiet-ns",
        "charge-ns",
        "proven",
    ];
    let (mut met, mut matter) = (BTreeSet::new(), BTreeSet::new());
    for (board, nature, steps) in firsts {
        let old = Lab::wired_to(board, nature, "");
        let (_, memory) = old.trial(1, &steps);
        let at_once = |lab: &Lab| [&[Do::Power(true), Do::Find, Do::Pair], GO_ON].map(|steps| lab.trial(2, steps));
        let expected = at_once(&old);
        let keys = memory["units"]["speaker"].as_object().expect("an object").keys();
        for key in keys {
            let mut poorer = memory.clone();
            poorer["units"]["speaker"].as_object_mut().expect("an object").remove(key);
            let fresh = Lab::wired_to(board, nature, "");
            fresh.bench.keeper.remember(&poorer);
            met.insert(key.clone());
            if at_once(&fresh) != expected {
                matter.insert(key.clone());
            }
        }
    }
    assert_eq!(
        (met, matter.iter().map(String::as_str).collect()),
        (all.map(str::to_owned).into(), BTreeSet::from(all))
    );
}

/// A memory of another rig, or of another version, hurts nobody.
#[rstest]
#[case(serde_json::json!(null))]
#[case(serde_json::json!({"units": {"nobody": {"mains": true}}}))]
#[case(serde_json::json!({"units": {"speaker": {"bonds": ["no address"], "links": {"x": {"codec": "sbc", "latency-ns": 1}}}}}))]
#[case(serde_json::json!({"units": {"speaker": {"awake-ns": i64::MAX, "dark-ns": i64::MIN, "quiet-ns": i64::MIN}}}))]
fn a_strange_memory_is_survived(#[case] memory: Value) {
    let lab = Lab::new("{}", "");
    lab.bench.keeper.remember(&memory);
    lab.trial(1, BEGIN);
}

#[test]
fn a_dongle_that_returns_is_found_by_its_address_under_another_name() {
    let lab = Lab::new("{}", "{dongle-gone: {dongle: usb-1}, from: 10 s, lasting: 30 s}");
    let look = || lab.check(&["dongle usb-1", "dongle usb-2"]);
    let second = ("dongle usb-2: hci1 has the address 0C:00:00:00:00:02, as expected".to_owned(), true);
    assert_eq!(
        look(),
        [("dongle usb-1: hci0 has the address 0C:00:00:00:00:01, as expected".into(), true), second.clone()]
    );
    lab.wait(20 * S);
    let (gone, there) = (look()[0].clone(), look()[1].clone());
    assert!(!gone.1 && gone.0.contains("not on the bus") && there == second, "{gone:?}");
    lab.wait(20 * S);
    assert_eq!(look()[0], ("dongle usb-1: hci2 has the address 0C:00:00:00:00:01, as expected".into(), true));
    assert_eq!(lab.bench.keeper.environment()["dongles"]["usb-1"]["kernel"], "hci2");
    let (seen, _) = lab.trial(1, BEGIN);
    assert!(seen.iter().all(|said| !said.contains("Err")), "{seen:#?}");
}

#[rstest]
#[case("relay-answers-nothing: {relay: board}", "relay board", "does not answer")]
#[case("relay-answers-garbage: {relay: board}", "relay board", "no answer")]
#[case("relay-answers-garbage: {relay: board, channel: 1}", "relay board channel 1", "no answer")]
#[case("relay-answers-late: {relay: board, by: 3 s}", "relay board", "does not answer")]
#[case("dongle-gone: {dongle: usb-2}", "dongle usb-2", "not on the bus")]
#[case("daemon-restarts: {}", "daemon bluetoothd", "does not run")]
#[case("microphone-dead: {microphone: bench}", "microphone bench", "one constant value")]
#[case("microphone-clips: {microphone: bench}", "microphone bench", "at full scale")]
#[case("microphone-noisy: {microphone: bench}", "microphone bench", "noise at -20")]
#[case("microphone-loses-samples: {microphone: bench}", "microphone bench", "lost")]
#[case("clock-jumps: {by: 1 h}", "host clock", "3600.000 s")]
fn a_check_finds_what_is_there_now_and_nothing_else(#[case] fault: &str, #[case] member: &str, #[case] found: &str) {
    let lab = Lab::new("{}", &format!("{{{fault}, from: 10 s, lasting: 10 s}}"));
    let whole = || {
        let check = lab.bench.keeper.check(Scope::Whole, lab.clock.now().plus(60 * S));
        lab.runtime.block_on(check)
    };
    let members = |found: &[crate::bench::Finding]| found.iter().map(|f| f.member.clone()).collect::<Vec<_>>();
    let well = whole();
    assert!(well.iter().all(|f| f.ok), "{well:#?}");
    lab.wait(12 * S);
    let ill = whole();
    // A channel is told of only while something is wrong with it.
    let whole_members = members(&ill).into_iter().filter(|m| !m.contains("channel")).collect::<Vec<_>>();
    assert_eq!(whole_members, members(&well));
    let bad: Vec<_> = ill.iter().filter(|f| !f.ok).collect();
    assert!(bad.len() == 1 && bad[0].member == member && bad[0].finding.contains(found), "{bad:#?}");
    lab.wait(20 * S);
    assert!(whole().iter().all(|f| f.ok), "it is over");
}

#[test]
fn a_contact_that_sticks_is_found_by_its_position_and_follows_its_coil_when_it_comes_loose() {
    let fault = "{relay-sticks: {relay: board, channel: 1}, in: {trial: 1, step: find}, lasting: 60 s}";
    let lab = Lab::new("{}", fault);
    let (seen, memory) = lab.trial(1, &[Do::Power(true), Do::Button, Do::Find, Do::Power(false)]);
    assert!(seen[3].contains("Err(InfrastructureFault") && seen[3].contains("relay board"), "{seen:#?}");
    assert_eq!(memory["units"]["speaker"]["mains"], true, "the contact is closed still");
    let look = || lab.check(&["relay board", "relay board channel 1"]);
    let [(_, true), (finding, false)] = &*look() else { panic!("{:?}", look()) };
    assert!(finding.contains("channel 1: is on, where off was ordered"), "{finding}");
    assert_eq!(lab.runtime.block_on(lab.bench.keeper.make_safe(Instant(i64::MAX))).len(), 1);
    lab.wait(60 * S);
    assert!(look().iter().all(|(_, ok)| *ok));
    let (_, memory) = lab.trial(2, &[Do::Wait(1)]);
    assert_eq!(memory["units"]["speaker"]["mains"], false);
}

#[test]
fn a_fault_in_a_step_is_met_by_its_trial_alone() {
    let lab = Lab::new("{}", "{relay-answers-nothing: {relay: board}, in: {trial: 2, step: wait}}");
    let steps = &[Do::Wait(1), Do::Power(true)];
    let ok = |number| lab.trial(number, steps).0[1].contains("truth: Reported");
    assert_eq!([ok(1), ok(2), ok(3)], [true, false, true]);
}
