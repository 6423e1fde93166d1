//! Everything that is known of one trial on one time axis: what the relays did, what the stack told, what went over the air, when the stimulus
//! left and when it was heard; and who says which codec it was.
//!
//! Every moment has an earliest and a latest time. What was measured has its uncertainty around it. What the rig learned only when it was over, as
//! the contact of a relay or an answer of the stack, happened between the event before it in the same step and the time at which it was told.

use std::{collections::BTreeMap, path::Path};

use rigtone_bluetooth::{
    hci::Address,
    timeline::{Class, Happening, LinkEnd, Outcome as PhaseOutcome, Phase, PhaseKind},
};
use rigtone_model::{
    event::{Body, CaptureClock, Edge, Event, StepOutcome, Truth},
    id::CombinationId,
    observation::{Observation, Quantity, Value},
};
use rigtone_record::read_evidence;
use schemars::JsonSchema;
use serde::Serialize;

use crate::radio::{Tellers, Traffic};

/// Version of the form of [`Axis`]: raised when a reader of the old form would misread the new one.
pub const SCHEMA_VERSION: u32 = 1;

/// Where a moment is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The runner: steps and their ends.
    Runner,
    /// A relay board.
    Relay,
    /// The Bluetooth stack.
    Stack,
    /// A capture of HCI traffic.
    Air,
    /// The packets of the stimulus, as they left.
    Packets,
    /// A recording.
    Sound,
    /// The word of somebody who was asked.
    Word,
}

impl Source {
    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::Relay => "relay",
            Self::Stack => "stack",
            Self::Air => "air",
            Self::Packets => "packets",
            Self::Sound => "sound",
            Self::Word => "word",
        }
    }
}

/// What kind of thing happened, for whom draws it: [`Moment::what`] says the same in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A step of the scenario began or ended.
    Step,
    /// A phase on the air, by its name.
    Phase(&'static str),
    /// A phase in which media packets went, by its name.
    Media(&'static str),
    /// Anything else.
    Other,
}

/// How a step or a phase ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Done,
    /// The device did not do it, or did not answer.
    Failed,
    /// The rig failed.
    Lost,
    /// The run was ended.
    Cancelled,
}

impl Outcome {
    /// That of a phase; nothing where the capture ends before it does.
    const fn of_phase(outcome: PhaseOutcome) -> Option<Self> {
        match outcome {
            PhaseOutcome::Done => Some(Self::Done),
            PhaseOutcome::Refused { .. } | PhaseOutcome::Unanswered | PhaseOutcome::LinkEnded => Some(Self::Failed),
            PhaseOutcome::CaptureEnded => None,
        }
    }
}

/// Something that happened. Times are in nanoseconds since the trial began.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Moment {
    /// When, as far as is known; the latest time where only that is known.
    pub at_ns: i64,
    /// It was not before this.
    pub earliest_ns: i64,
    /// It was not after this.
    pub latest_ns: i64,
    /// Where it is known from.
    pub source: Source,
    /// The step in which it was told; none for what no step did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What happened; names of devices in it are anybody's text.
    pub what: String,
    /// How long it lasted, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ns: Option<i64>,
    /// What kind of thing it was; readers of the form have it in words.
    #[serde(skip)]
    pub kind: Kind,
    /// How it ended, if it is the end of a step or a phase and that is known; readers of the form have it in words.
    #[serde(skip)]
    pub outcome: Option<Outcome>,
}

/// A moment apart from its time and its source.
struct What {
    words: String,
    kind: Kind,
    outcome: Option<Outcome>,
    took_ns: Option<i64>,
}

impl From<String> for What {
    fn from(words: String) -> Self {
        Self { words, kind: Kind::Other, outcome: None, took_ns: None }
    }
}

impl What {
    fn lasting(self, took_ns: Option<i64>) -> Self {
        Self { took_ns, ..self }
    }
}

/// One trial on one time axis.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Axis {
    /// Version of this form.
    pub schema_version: u32,
    /// The combination.
    pub combination: String,
    /// The trial, from 1.
    pub trial: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When it began, in nanoseconds on the rig's clock since the run began.
    pub began_ns: i64,
    /// What happened, in the order of time.
    pub moments: Vec<Moment>,
    /// Who says which codec it was.
    pub codecs: Tellers,
    /// What could not be read, and what is not to be relied on.
    pub doubts: Vec<String>,
}

/// Puts a trial together from its events.
#[derive(Debug)]
pub struct Builder {
    axis: Axis,
    /// The step that goes on, and the time of its last event.
    steps: BTreeMap<String, i64>,
    emitted: Option<(i64, i64)>,
    /// What was told of packets so far.
    packets: Vec<String>,
    ended_ns: i64,
    captures: Vec<(String, String, CaptureClock)>,
}

impl Builder {
    /// Begins with an attempt at a trial that began at `began_ns` on the rig's clock.
    pub fn new(combination: &CombinationId, trial: u32, attempt: u32, began_ns: i64) -> Self {
        Self {
            axis: Axis {
                schema_version: SCHEMA_VERSION,
                combination: combination.to_string(),
                trial,
                attempt,
                began_ns,
                moments: Vec::new(),
                codecs: Tellers::default(),
                doubts: Vec::new(),
            },
            steps: BTreeMap::new(),
            emitted: None,
            packets: Vec::new(),
            ended_ns: i64::MAX,
            captures: Vec::new(),
        }
    }

    /// Takes an event of the attempt.
    pub fn take(&mut self, event: &Event) {
        let t_ns = event.t_ns;
        let label = event.at.as_ref().and_then(|at| at.step.clone());
        match &event.body {
            Body::StepStarted { action, .. } => {
                let what = What { kind: Kind::Step, ..What::from(format!("{action} begins")) };
                self.exactly(t_ns, Source::Runner, label.clone(), what);
                self.steps.extend(label.map(|label| (label, t_ns)));
                return;
            }
            Body::StepFinished { action, outcome, took_ns, .. } => {
                let (how, outcome) = match outcome {
                    StepOutcome::Done => ("is done".to_owned(), Outcome::Done),
                    StepOutcome::Failed(failure) => (format!("failed, {failure}"), Outcome::Failed),
                    StepOutcome::Lost(fault) => (format!("was lost to the rig, {fault}"), Outcome::Lost),
                    StepOutcome::Cancelled => ("was broken off".to_owned(), Outcome::Cancelled),
                };
                self.steps.remove(label.as_deref().unwrap_or_default());
                let (words, took_ns) = (format!("{action} {how}"), Some(*took_ns));
                let what = What { words, kind: Kind::Step, outcome: Some(outcome), took_ns };
                self.exactly(t_ns, Source::Runner, label, what);
                return;
            }
            Body::PowerSwitched { unit, on, truth, edge } => {
                let position = if *on { "on" } else { "off" };
                let what = format!("supply of {unit} {position}, {}", how(*truth));
                self.switched(t_ns, *edge, label, What::from(what));
            }
            Body::ButtonsPressed { unit, buttons, held_ns, truth, edge, .. } => {
                let what = format!("{} of {unit} pressed, {}", buttons.join(" and "), how(*truth));
                self.switched(t_ns, *edge, label, What::from(what).lasting(Some(*held_ns)));
            }
            Body::Asked { unit, origin, asked, said } => {
                let said = said.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
                let what = format!("{} is asked for {unit}: {asked}{said}", origin.words());
                self.told(t_ns, Source::Word, label, what);
            }
            Body::Found { unit, rssi_dbm } => {
                let strength = rssi_dbm.map(|dbm| format!(" at {dbm} dBm")).unwrap_or_default();
                self.told(t_ns, Source::Stack, label, format!("{unit} is found{strength}"));
            }
            Body::Attempt { number, failure } => {
                let how =
                    failure.as_ref().map_or_else(|| "went well".to_owned(), |failure| format!("failed, {failure}"));
                self.told(t_ns, Source::Stack, label, format!("attempt {number} {how}"));
            }
            Body::Connected { unit, codec, .. } => {
                let codec = codec.as_ref().map(|codec| format!(" with {codec}")).unwrap_or_default();
                self.told(t_ns, Source::Stack, label, format!("{unit} is connected{codec}"));
            }
            Body::TransportChanged { unit, t_ns, change } => {
                self.exactly(*t_ns, Source::Stack, label, What::from(format!("{unit}: {change}")));
                return;
            }
            Body::Emitted { signal, t_ns, uncertainty_ns } => {
                self.emitted = Some((*t_ns, *uncertainty_ns));
                let what = format!("the first packet of `{signal}` leaves");
                self.measured(*t_ns, *uncertainty_ns, Source::Packets, label, What::from(what));
            }
            Body::Evidence { file, sha256, clock: Some(clock), .. } => {
                self.captures.push((file.clone(), sha256.clone(), *clock));
            }
            Body::Evidence { about, anchors, listening, .. } => {
                if let (Some(first), Some(last)) = (anchors.first(), anchors.last()) {
                    let uncertainty_ns = listening.as_ref().map_or(0, |known| known.residual_ns);
                    let took_ns = last.t_ns.saturating_sub(first.t_ns);
                    let what = What::from(format!("{about} begins")).lasting(Some(took_ns));
                    self.measured(first.t_ns, uncertainty_ns, Source::Sound, label, what);
                }
            }
            Body::Observed(observation) => {
                self.paced(t_ns, label.as_ref(), observation);
                self.observed(label, observation);
            }
            Body::EvidenceRemoved { file, .. } => self.captures.retain(|(kept, ..)| kept != file),
            Body::Warning { text } => self.axis.doubts.push(text.clone()),
            Body::TrialFinished { .. } => self.ended_ns = t_ns,
            _ => return,
        }
        if let Some(last_ns) = event.at.as_ref().and_then(|at| self.steps.get_mut(at.step.as_deref()?)) {
            *last_ns = t_ns;
        }
    }

    /// Collects what is told of a stream's packets; all of it is one moment.
    fn paced(&mut self, t_ns: i64, label: Option<&String>, observation: &Observation) {
        let of = |what: &str| Some(format!("{what} {}", observation.value));
        let words = match observation.quantity {
            Quantity::SentPackets => Some(match &observation.value {
                Value::Number { value, .. } => format!("{value} packets left"),
                other => format!("packets left: {other}"),
            }),
            Quantity::PacketLateness => of("99 of 100 within"),
            Quantity::WorstPacketLateness => of("the latest after"),
            Quantity::PacketJitter => of("jitter"),
            Quantity::BlockedPackets => of("blocked"),
            Quantity::DroppedPackets => of("dropped"),
            _ => None,
        };
        self.packets.extend(words);
        // The last of them.
        if observation.quantity == Quantity::DroppedPackets {
            let what = std::mem::take(&mut self.packets).join(", ");
            self.told(t_ns, Source::Packets, label.cloned(), what);
        }
    }

    fn observed(&mut self, label: Option<String>, observation: &Observation) {
        let word = match &observation.value {
            Value::Word(word) => Some(word.clone()),
            _ => None,
        };
        let codecs = &mut self.axis.codecs;
        match observation.quantity {
            Quantity::RequestedCodec => codecs.requested = word,
            Quantity::Codec => codecs.stack = word,
            Quantity::AirCodec => codecs.air = word,
            Quantity::FrameCodec => codecs.frames = word,
            Quantity::Fingerprint => codecs.sound = word,
            Quantity::Latency => {
                if let (Value::Number { value, uncertainty, unit }, Some((emitted_ns, _))) =
                    (&observation.value, self.emitted)
                    && unit == "ms"
                {
                    let ns = |ms: f64| (ms * 1e6) as i64;
                    let what = What::from(format!("the stimulus is heard, {value:.1} ms after it left"));
                    let t_ns = emitted_ns.saturating_add(ns(*value));
                    self.measured(t_ns, ns(*uncertainty), Source::Sound, label, what);
                }
            }
            Quantity::Presence if observation.value == Value::Truth(false) => {
                self.axis.doubts.push(format!("the stimulus of `{}` was not heard whole", observation.of));
            }
            _ => {}
        }
    }

    /// Adds what was at `at_ns`, and neither before the first nor after the second of `between`, in nanoseconds since the trial began.
    fn push(&mut self, at_ns: i64, between: (i64, i64), source: Source, step: Option<String>, what: What) {
        let (earliest_ns, latest_ns) = between;
        let What { words, kind, outcome, took_ns } = what;
        let moment = Moment { at_ns, earliest_ns, latest_ns, source, step, what: words, took_ns, kind, outcome };
        self.axis.moments.push(moment);
    }

    fn measured(&mut self, t_ns: i64, uncertainty_ns: i64, source: Source, step: Option<String>, what: What) {
        let at_ns = t_ns.saturating_sub(self.axis.began_ns);
        let between = (at_ns.saturating_sub(uncertainty_ns), at_ns.saturating_add(uncertainty_ns));
        self.push(at_ns, between, source, step, what);
    }

    fn exactly(&mut self, t_ns: i64, source: Source, step: Option<String>, what: What) {
        self.measured(t_ns, 0, source, step, what);
    }

    /// A contact that moved, at the edge where that is known.
    fn switched(&mut self, t_ns: i64, edge: Option<Edge>, step: Option<String>, what: What) {
        let Some(Edge { sent_ns, acknowledged_ns }) = edge else {
            return self.told(t_ns, Source::Relay, step, what.words);
        };
        let since = |t_ns: i64| t_ns.saturating_sub(self.axis.began_ns);
        // Not before the order was on its way, and not after the board had said so.
        let (earliest_ns, latest_ns) = (since(sent_ns.min(acknowledged_ns)), since(acknowledged_ns));
        self.push(latest_ns, (earliest_ns, latest_ns), Source::Relay, step, what);
    }

    /// Something that was told when it was over.
    fn told(&mut self, t_ns: i64, source: Source, step: Option<String>, words: String) {
        let before = step.as_ref().and_then(|step| self.steps.get(step)).map_or(t_ns, |last_ns| *last_ns);
        let since = |t_ns: i64| t_ns.saturating_sub(self.axis.began_ns);
        let (at_ns, earliest_ns) = (since(t_ns), since(before.min(t_ns)));
        self.push(at_ns, (earliest_ns, at_ns), source, step, What::from(words));
    }

    /// Adds what the captures of the trial say, and puts all of it in order.
    pub fn finish(mut self, run: &Path) -> Axis {
        for (file, sha256, clock) in std::mem::take(&mut self.captures) {
            let traffic = read_evidence(run, &file, &sha256)
                .map_err(|e| e.to_string())
                .and_then(|bytes| Traffic::decode(&bytes, clock).map_err(|e| e.to_string()));
            match traffic {
                Ok(traffic) => self.air(&traffic),
                Err(what) => self.axis.doubts.push(format!("{file}: {what}")),
            }
        }
        // What is told at one time keeps its order.
        self.axis.moments.sort_by_key(|moment| moment.at_ns);
        self.axis
    }

    fn air(&mut self, traffic: &Traffic) {
        self.axis.doubts.extend(traffic.damage());
        let uncertainty_ns = traffic.uncertainty_ns();
        // A capture that somebody else recorded may be one of a whole night.
        let within = self.axis.began_ns.saturating_sub(uncertainty_ns)..=self.ended_ns.saturating_add(uncertainty_ns);
        let mut add = |at_ns: i64, what: What| {
            let t_ns = traffic.rig_ns(at_ns);
            let took_ns = what.took_ns.unwrap_or_default();
            if within.contains(&t_ns) || within.contains(&t_ns.saturating_add(took_ns)) {
                self.measured(t_ns, uncertainty_ns, Source::Air, None, what);
            }
        };
        for search in &traffic.report().inquiries {
            let (words, took_ns) = ("search".to_owned(), search.to_ns.map(|to| to - search.from_ns));
            add(search.from_ns, What { words, kind: Kind::Phase("search"), outcome: None, took_ns });
            for found in &search.found {
                add(found.at_ns, What::from(format!("{} answers the search", found.address)));
            }
        }
        for link in &traffic.report().links {
            let who = link.address.map_or_else(|| "a device".to_owned(), |address: Address| address.to_string());
            // Searches are told by themselves.
            for phase in link.phases.iter().filter(|phase| phase.kind != PhaseKind::Inquiry) {
                let name = phase.kind.text();
                let words = format!("{name} with {who}{}", ended(phase));
                let kind = match phase.kind {
                    PhaseKind::FirstMedia | PhaseKind::Media => Kind::Media(name),
                    _ => Kind::Phase(name),
                };
                let (outcome, took_ns) = (Outcome::of_phase(phase.outcome), phase.to_ns.map(|to| to - phase.from_ns));
                add(phase.from_ns, What { words, kind, outcome, took_ns });
            }
            for moment in &link.moments {
                if let Some(what) = happened(&moment.what) {
                    add(moment.at_ns, What::from(format!("{who}: {what}")));
                }
            }
            // The end of the link says for itself that it was lost.
            for finding in link.findings.iter().filter(|finding| finding.class != Class::LinkLost) {
                add(finding.at_ns, What::from(format!("{who}: {}", finding.words)));
            }
            if let Some(LinkEnd { at_ns, words, .. }) = link.end {
                add(at_ns, What::from(format!("the link with {who} ends: {words}")));
            }
        }
    }
}

fn ended(phase: &Phase) -> String {
    let detail = phase.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    match phase.outcome {
        PhaseOutcome::Done => detail,
        PhaseOutcome::Refused { words, .. } => format!(", refused: {words}"),
        PhaseOutcome::Unanswered => ", never answered".to_owned(),
        PhaseOutcome::LinkEnded => ", cut off by the end of the link".to_owned(),
        PhaseOutcome::CaptureEnded => ", not ended in the capture".to_owned(),
    }
}

/// What matters to a trial beside the phases.
fn happened(what: &Happening) -> Option<String> {
    Some(match what {
        Happening::Mode { mode, .. } => format!("mode {mode}"),
        Happening::Role { host_is } => format!("the host is {host_is}"),
        Happening::Voice { words, .. } => format!("voice: {words}"),
        Happening::Volume { said, value, .. } => format!("volume {value} {said}"),
        Happening::Playback { status, .. } => format!("playback {status}"),
        _ => return None,
    })
}

/// How well the position of a contact is known.
const fn how(truth: Truth) -> &'static str {
    match truth {
        Truth::Commanded => "as ordered",
        Truth::Reported => "as the board reports",
        Truth::Observed => "as was seen",
        Truth::Said => "as a person says",
    }
}
