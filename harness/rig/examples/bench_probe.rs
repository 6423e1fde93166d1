//! Proves the drivers against the virtual rig: power on, find, pair, connect, record and stream, disconnect, forget,
//! safe. It uses the capabilities only, as the runner does.
//!
//! ```sh
//! cargo build -p rigtone-rig --features bluez,serial,alsa --example bench_probe
//! ci/virtual-rig --bin target/debug/examples -- bench_probe            # everything works
//! ci/virtual-rig --bin target/debug/examples -- bench_probe --cut 1500 # power is cut 1.5 s into the stream
//! ci/virtual-rig --bin target/debug/examples -- bench_probe --between 'pkill bluetoothd; ...' # between two trials
//! ```
//!
//! Prints what it saw; exit status 0 when the chain worked, with `--cut` when the cut showed.

#![expect(clippy::print_stdout, reason = "what it saw is its product")]

use std::{process::ExitCode, rc::Rc};

use rigtone_audio::{
    measure::{Analyser, Emission, Expectation, Findings, Presence, Recording},
    stimulus::{Name, Stimulus},
};
use rigtone_model::document::{Codec, Device, Profile, Rig};
use rigtone_rig::{
    bench::Bench,
    capability::{Captured, Programme, Streamed, Unit, Wish},
    clock::Instant,
    hardware::{Hold, Selection, open, runtime},
};
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

const SECOND: i64 = 1_000_000_000;
const WISH: Wish = Wish { profile: Profile::A2dp, codec: Codec::Sbc, configured: None };

fn rig() -> Result<Rig, serde_json::Error> {
    serde_json::from_value(json!({
        "rig": "probe",
        "title": "The virtual rig as the probe uses it",
        "world": "hardware",
        "rooms": {"room": {}},
        "dongles": {"one": {"address": "AA:BB:CC:00:00:01"}},
        "relays": {"board": {"lcus": {"port": "/run/rig/relay0"}, "channels": 2}},
        "microphones": {
            "mic": {"room": "room", "alsa": {"device": "hw:CARD=Loopback,DEV=1", "rate": 48000, "channels": 2, "channel": 1}},
        },
        "units": {
            "source": {
                "device": "rigtone/endpoint", "firmware": "1", "address": "AA:BB:CC:00:00:01",
                "control": "endpoint", "dongle": "one",
            },
            "speaker": {
                "device": "virtual/speaker", "firmware": "1", "address": "D2:00:00:00:00:01",
                "power": {"relay": "board", "channel": 1},
            },
        },
    }))
}

fn device(id: &str) -> Option<Device> {
    let (role, gestures) = match id {
        "rigtone/endpoint" => ("a2dp-source", json!({})),
        "virtual/speaker" => ("a2dp-sink", json!({"pairing-mode": {"automatic": true}})),
        _ => return None,
    };
    let document = json!({"device": id, "title": id, "roles": [role], "codecs": ["sbc"], "gestures": gestures});
    serde_json::from_value(document).ok()
}

/// The part of a unit that must be there.
fn need<T: ?Sized>(part: Option<&Rc<T>>) -> Result<Rc<T>, Failure> {
    part.cloned().ok_or_else(|| "the unit lacks a capability".into())
}

struct Probe {
    bench: Bench,
    source: Unit,
    speaker: Unit,
    cut_ns: Option<i64>,
    between: Option<String>,
}

impl Probe {
    fn said(&self, text: std::fmt::Arguments<'_>) {
        println!("{:>10}  {text}", self.bench.clock.now().to_string());
    }

    fn within(&self, seconds: i64) -> Instant {
        self.bench.clock.now().plus(seconds * SECOND)
    }

    async fn run(&self) -> Result<bool, Failure> {
        let mut healthy = true;
        for finding in self.bench.keeper.check(rigtone_rig::bench::Scope::Whole, self.within(20)).await {
            healthy &= finding.ok;
            self.said(format_args!("{}: {}", finding.member, finding.finding));
        }
        self.said(format_args!("environment {}", self.bench.keeper.environment()));
        if !healthy {
            return Ok(false);
        }
        let mut outcome = self.trial().await;
        if let (Ok(true), Some(command)) = (&outcome, &self.between) {
            let power = need(self.speaker.power.as_ref())?;
            power.switch(false, self.within(2)).await?;
            let status = std::process::Command::new("sh").args(["-c", command]).status()?;
            self.said(format_args!("{command}: {status}"));
            outcome = self.trial().await;
        }
        let faults = self.bench.keeper.make_safe(self.within(5)).await;
        self.said(format_args!("safe state: {faults:?}"));
        Ok(outcome? && faults.is_empty())
    }

    async fn trial(&self) -> Result<bool, Failure> {
        let target = self.speaker.address;
        need(self.speaker.power.as_ref())?.switch(true, self.within(2)).await?;
        self.said(format_args!("power on"));
        let found = need(self.source.inquiry.as_ref())?.find(target, None, self.within(30)).await?;
        self.said(format_args!("find: {found:?}"));
        let pairing = need(self.source.pairing.as_ref())?;
        let paired = pairing.pair(target, self.within(20)).await?;
        self.said(format_args!("pair: {paired:?}"));
        let connecting = need(self.source.connecting.as_ref())?;
        let link = connecting.connect(target, WISH, self.within(20)).await?;
        self.said(format_args!("connect: {link:02x?}"));
        let sounded = match link {
            Ok(_) => self.sound().await?,
            Err(_) => false,
        };
        connecting.disconnect(target, self.within(10)).await?;
        self.said(format_args!("disconnected"));
        pairing.forget(target, self.within(10)).await?;
        self.said(format_args!("forgotten"));
        Ok(sounded)
    }

    async fn sound(&self) -> Result<bool, Failure> {
        let stimulus = Stimulus::build(Name::Smoke, 48_000, 7)?;
        let streaming = need(self.source.streaming.as_ref())?;
        streaming.prepare(&Programme::once(&stimulus), WISH, self.within(20)).await?;
        self.said(format_args!("prepared {:.3} s", stimulus.duration_s()));
        let microphone = self.bench.microphones.get("mic").ok_or("no microphone")?;
        let recording = microphone.start(self.within(5)).await?;
        self.said(format_args!("recording"));
        let programme = Programme::once(&stimulus);
        let stream = streaming.stream(self.speaker.address, &programme, self.within(20));
        let streamed = tokio::join!(stream, self.cut()).0?;
        self.said(format_args!("stream: {streamed:?}"));
        let captured = recording.stop(self.within(5)).await?;
        self.said(format_args!(
            "captured {} frames, anchors {:?}, residual {} us",
            captured.samples.len() / usize::from(captured.channels),
            captured.anchors,
            captured.residual_ns / 1000
        ));
        let findings = analyse(&captured, &streamed, &stimulus)?;
        self.said(format_args!("presence {:?}", findings.presence));
        self.said(format_args!("level {:?}", findings.level));
        if let Some(latency) = findings.latency.measured() {
            let (value, uncertainty) = (latency.value_s * 1e3, latency.uncertainty_s * 1e3);
            self.said(format_args!("latency {value:.3} ms, standard uncertainty {uncertainty:.3} ms"));
        }
        Ok(match self.cut_ns {
            None => streamed.ended.is_ok() && matches!(findings.presence, Presence::Present),
            Some(_) => streamed.ended.is_err() || matches!(findings.presence, Presence::Partial { .. }),
        })
    }

    /// Cuts the speaker's power in mid-stream.
    async fn cut(&self) {
        let Some(after) = self.cut_ns else { return };
        self.bench.clock.sleep_until(self.bench.clock.now().plus(after)).await;
        if let Some(power) = &self.speaker.power {
            let cut = power.switch(false, self.within(2)).await;
            self.said(format_args!("power cut: {cut:?}"));
        }
    }
}

fn analyse(captured: &Captured, streamed: &Streamed, stimulus: &Stimulus) -> Result<Findings, Failure> {
    let samples = captured.samples.scaled(captured.channel, captured.channels);
    let emission = streamed.emission.and_then(|emission| {
        let [first, last] = captured.anchors.as_slice() else { return None };
        let ns_per_frame = (last.t_ns - first.t_ns) as f64 / (last.frame - first.frame);
        let frame = first.frame + (emission.at.0 - first.t_ns) as f64 / ns_per_frame;
        let uncertainty_ns = (emission.uncertainty_ns + captured.residual_ns) as f64;
        Some(Emission { frame, uncertainty_s: uncertainty_ns / 1e9 })
    });
    let expectation = Expectation { emission, capture_proven: true, ..Expectation::default() };
    Ok(Analyser::new().analyse(&Recording::mono(captured.rate, &samples), stimulus, &expectation)?)
}

fn main() -> Result<ExitCode, Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (cut_ns, between) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (None, None),
        ["--cut", ms] => (Some(ms.parse::<i64>()? * 1_000_000), None),
        ["--between", command] => (None, Some(command.to_owned())),
        _ => return Err("usage: bench_probe [--cut MILLISECONDS | --between COMMAND]".into()),
    };
    let rig = rig()?;
    let wanted = Selection::all(&rig);
    let hold = Hold::take(&rig, &wanted)?;
    let bench = open(&rig, &device, &wanted, hold, &mut |note| println!("note: {note}"))?;
    let unit = |name: &str| bench.units.get(name).cloned().ok_or("no such unit");
    let (source, speaker) = (unit("source")?, unit("speaker")?);
    let probe = Probe { bench, source, speaker, cut_ns, between };
    let good = runtime()?.block_on(probe.run())?;
    println!("{}", if good { "PASS" } else { "FAIL" });
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
