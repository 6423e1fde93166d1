//! Steps for which somebody else is asked. The one who is asked is a fake that does it in the simulated world, or says so and does not.

use std::{cell::RefCell, rc::Rc};

use async_trait::async_trait;
use rigtone_model::{
    document::{Profile, Rig},
    event::{Body, Origin, StepOutcome, Truth},
    load::{SourceFile, load},
    observation::{Quantity, Value},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};
use rigtone_rig::{
    bench::Bench,
    capability::{Asked, Codec, Programme, Reply, Request, Unit, Wish},
    clock::Instant,
};
use rstest::rstest;

use crate::bench::{Done, plan, run_changed};

/// How somebody takes it to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Does it, and says so.
    Honest,
    /// Says that it is done, and has done nothing.
    Liar,
    /// Says that it did not work.
    Clumsy,
}

/// Whoever looks after a unit of the simulated world.
struct Somebody {
    unit: Unit,
    kind: Kind,
    origin: Origin,
    heard: Rc<RefCell<Vec<String>>>,
}

#[async_trait(?Send)]
impl Asked for Somebody {
    fn origin(&self) -> Origin {
        self.origin
    }

    async fn ask(&self, request: Request<'_>, deadline: Instant) -> Result<Reply, InfrastructureFault> {
        let asked = match request {
            Request::Power(_) => "Power",
            Request::EnterPairingMode => "EnterPairingMode",
            Request::Find(_) => "Find",
            Request::Pair(_) => "Pair",
            Request::Forget(_) => "Forget",
            Request::Connect(_) => "Connect",
            Request::Disconnect(_) => "Disconnect",
            Request::Play { .. } => "Play",
            Request::Say { .. } => "Say",
            Request::Set { .. } => "Set",
        };
        let asked = asked.to_owned();
        self.heard.borrow_mut().push(asked.clone());
        let reply =
            |said: &str, outcome| Reply { asked: asked.clone(), said: Some(said.to_owned()), outcome, papers: vec![] };
        let class = match request {
            Request::Pair(_) => FailureClass::PairingRefused,
            Request::Play { .. } => FailureClass::NoStream,
            _ => FailureClass::NotConnected,
        };
        match self.kind {
            Kind::Liar => return Ok(reply("done", Ok(None))),
            Kind::Clumsy => return Ok(reply("it did not work", Err(DeviceFailure::new(class, "so it was said")))),
            Kind::Honest => {}
        }
        let wish = Wish { profile: Profile::A2dp, codec: Codec::Sbc, configured: None };
        let unit = &self.unit;
        let (pairing, connecting) = (unit.pairing.as_ref(), unit.connecting.as_ref());
        let done = match request {
            Request::Power(on) => unit.power.as_ref().expect("a supply").switch(on, deadline).await.map(|_| Ok(()))?,
            Request::EnterPairingMode => unit.pairing_mode.as_ref().expect("buttons").enter(deadline).await?,
            Request::Find(target) => {
                unit.inquiry.as_ref().expect("a source").find(target, None, deadline).await?.map(|_| ())
            }
            Request::Pair(target) => pairing.expect("a source").pair(target, deadline).await?,
            Request::Forget(target) => pairing.expect("a source").forget(target, deadline).await.map(Ok)?,
            Request::Connect(target) => {
                connecting.expect("a source").connect(target, wish, deadline).await?.map(|_| ())
            }
            Request::Disconnect(target) => connecting.expect("a source").disconnect(target, deadline).await.map(Ok)?,
            Request::Play { on, stimulus, .. } => {
                let streaming = unit.streaming.as_ref().expect("a source");
                let programme = Programme::once(stimulus);
                streaming.prepare(&programme, wish, deadline).await?;
                streaming.stream(on, &programme, deadline).await?.ended
            }
            Request::Set { option, value } => {
                unit.settings.as_ref().expect("a source").set(option, value, deadline).await?
            }
            Request::Say { .. } => Ok(()),
        };
        Ok(reply("done", done.map(|()| None)))
    }

    fn plays_what_it_is_given(&self) -> bool {
        true
    }

    fn lag_ns(&self) -> i64 {
        500_000_000
    }
}

fn rig() -> Rig {
    let text = r#"rig: asked
title: A source that is asked, a sink of ours and a speaker
world: simulated
rooms: {lab: {noise: -75 dB}}
dongles:
  usb-1: {address: "0C:00:00:00:00:02"}
  usb-2: {address: "0C:00:00:00:00:03"}
relays: {board-1: {channels: 1}}
microphones:
  bench-1: {room: lab, latency-uncertainty: 1 ms}
units:
  source:
    {device: rigtone/endpoint, firmware: host, address: "0C:00:00:00:00:02", control: endpoint, dongle: usb-1}
  sink:
    {device: rigtone/reference-sink, firmware: host, address: "0C:00:00:00:00:03", control: endpoint, dongle: usb-2,
     heard-by: {bench-1: {distance: 0.3 m}}}
  speaker:
    {device: jbl/charge-5, firmware: "1.1.0", address: "5E:00:00:00:00:01", power: {relay: board-1, channel: 1},
     heard-by: {bench-1: {distance: 0.3 m}}}
"#;
    let mut loaded = load(vec![SourceFile { path: "asked.yaml".into(), bytes: text.as_bytes().to_vec() }]);
    loaded.library.rigs.swap_remove("asked").expect("a rig").value
}

/// Runs a trial of these steps towards `unit`, with somebody who is asked for the source and somebody who has their hands on the unit.
fn done(unit: &str, steps: &[&str], kind: Kind, origin: Origin) -> (Done, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.yaml");
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let text = format!(
        "scenario: trial\ntitle: A trial\nmatrix:\n  source: {{role: a2dp-source, units: [source]}}\n  speaker: {{units: [{unit}]}}\n\
         trial:\n{steps}repeat: {{at-least: 1, at-most: 1}}\nexpect:\n  - success-rate: {{at-least: 50 %, good: 90 %}}\n"
    );
    std::fs::write(&path, text).expect("a file");
    let planned = plan(&[path.to_str().expect("plain text")], |document| *document = rig());
    let heard = Rc::new(RefCell::new(Vec::new()));
    let told = heard.clone();
    let done = run_changed(&planned, 1, |bench: &mut Bench| {
        let mut give = |name: &str, by_hand: bool| {
            let unit = bench.units.get_mut(name).expect("a unit");
            let somebody = Somebody { unit: unit.clone(), kind, origin, heard: told.clone() };
            if by_hand {
                (unit.power, unit.pairing_mode, unit.gestures) = (None, None, None);
                unit.by_hand = Some(Rc::new(somebody));
            } else {
                unit.asked = Some(Rc::new(somebody));
            }
        };
        give("source", false);
        give("speaker", true);
    });
    let heard = heard.borrow().clone();
    (done, heard)
}

fn bodies(done: &Done) -> impl Iterator<Item = &Body> {
    done.events.iter().map(|event| &event.body)
}

fn ended(done: &Done, action: &str) -> StepOutcome {
    let found = bodies(done).find_map(|body| match body {
        Body::StepFinished { action: of, outcome, .. } if of == action => Some(outcome.clone()),
        _ => None,
    });
    found.expect("a step that ended")
}

fn observed(done: &Done, quantity: Quantity) -> Option<Value> {
    bodies(done).find_map(|body| match body {
        Body::Observed(o) if o.quantity == quantity => Some(o.value.clone()),
        _ => None,
    })
}

const WITH_SINK: [&str; 4] =
    ["enter-pairing-mode: {unit: speaker}", "discover: {within: 30 s}", "pair: {}", "connect: {profile: a2dp}"];

#[test]
fn a_sink_of_our_own_sees_the_link_that_was_asked_for() {
    let (done, heard) = done("sink", &WITH_SINK, Kind::Honest, Origin::Voice);
    assert_eq!(heard, ["Find", "Pair", "Connect"]);
    assert_eq!(ended(&done, "connect"), StepOutcome::Done);
    assert!(bodies(&done).any(|body| matches!(body, Body::Connected { unit, .. } if unit == "sink")));
    assert_eq!(observed(&done, Quantity::Codec), Some(Value::Word("sbc".to_owned())));
    let asked: Vec<_> = bodies(&done)
        .filter_map(|body| match body {
            Body::Asked { unit, origin, said, .. } => Some((unit.as_str(), *origin, said.as_deref())),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [("source", Origin::Voice, Some("done")); 3]);
}

#[test]
fn a_word_is_no_link_where_a_sink_of_our_own_sees_none() {
    let (done, _) = done("sink", &WITH_SINK, Kind::Liar, Origin::Voice);
    // Nobody has seen what the words were about until then.
    assert_eq!(ended(&done, "pair"), StepOutcome::Done);
    let StepOutcome::Failed(failure) = ended(&done, "connect") else { panic!("no failure") };
    assert_eq!(failure.class, FailureClass::NotConnected, "{failure}");
    assert_eq!(observed(&done, Quantity::Codec), None);
}

const WITH_SPEAKER: [&str; 6] = [
    "power-cycle: {unit: speaker, off-for: 2 s}",
    "enter-pairing-mode: {unit: speaker}",
    "discover: {within: 30 s}",
    "pair: {}",
    "connect: {profile: a2dp}",
    "play: {signal: smoke}",
];

#[test]
fn towards_a_foreign_speaker_the_microphone_decides_and_no_codec_is_made_up() {
    let (done, heard) = done("speaker", &WITH_SPEAKER, Kind::Honest, Origin::Operator);
    assert_eq!(heard, ["Power", "Power", "EnterPairingMode", "Find", "Pair", "Connect", "Play"]);
    assert_eq!(ended(&done, "play"), StepOutcome::Done);
    assert_eq!(observed(&done, Quantity::Presence), Some(Value::Truth(true)));
    assert_eq!((observed(&done, Quantity::Codec), observed(&done, Quantity::RequestedCodec)), (None, None));
    assert!(!matches!(observed(&done, Quantity::Latency), Some(Value::Number { .. })), "nobody knows when it left");
    assert!(!bodies(&done).any(|body| matches!(body, Body::Connected { .. } | Body::Emitted { .. })));
    let switched: Vec<(bool, Truth)> = bodies(&done)
        .filter_map(|body| match body {
            Body::PowerSwitched { on, truth, .. } => Some((*on, *truth)),
            _ => None,
        })
        .collect();
    assert_eq!(switched, [(false, Truth::Said), (true, Truth::Said)], "a word is no observation");
}

#[test]
fn what_nobody_hears_did_not_play_whatever_was_said() {
    let (done, _) = done("speaker", &WITH_SPEAKER[5..], Kind::Liar, Origin::Voice);
    assert_eq!(observed(&done, Quantity::Presence), Some(Value::Truth(false)));
}

#[rstest]
#[case::pair(&["pair: {attempts: 2}"], "pair", FailureClass::PairingRefused, 2)]
#[case::connect(&["connect: {profile: a2dp}"], "connect", FailureClass::NotConnected, 1)]
#[case::play(&["play: {signal: smoke}"], "play", FailureClass::NoStream, 1)]
fn that_it_did_not_work_is_a_result(
    #[case] steps: &[&str],
    #[case] action: &str,
    #[case] class: FailureClass,
    #[case] times: usize,
) {
    let (done, heard) = done("speaker", steps, Kind::Clumsy, Origin::Operator);
    let StepOutcome::Failed(failure) = ended(&done, action) else { panic!("no failure") };
    assert_eq!((failure.class, heard.len()), (class, times));
}
