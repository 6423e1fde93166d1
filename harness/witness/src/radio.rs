//! What the HCI traffic of a trial says: how long its phases took, which codec was really used, and why a step failed.
//!
//! A capture with damage in it proves nothing: what would be measured is inconclusive then, with the damage as the reason.

mod codec;

use rigtone_bluetooth::{
    capture::CaptureError,
    hci::Address,
    timeline::{Class, Damage, Decoder, Finding, Link, Outcome, Phase, PhaseKind, Report},
};
use rigtone_model::{
    event::CaptureClock,
    observation::{Method, Observation, Quantity, Value},
    trial::FailureClass,
};

pub use self::codec::{Agreed, Tellers};

/// The method of everything here.
const METHOD: &str = "hci-timeline";
const METHOD_VERSION: u32 = 1;
/// Packets go between host and controller at the polls of USB, 1 ms apart: what a phase lasted is not known better at either end.
const POLL_NS: i64 = 1_000_000;
/// How much after its end a step's traffic may be: the answer of the stack comes before the last packets are reported.
const GRACE_NS: i64 = 50_000_000;

/// A step of a trial that had traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its label.
    pub label: String,
    /// Its action, such as `connect`.
    pub action: &'static str,
    /// When it began, on the rig's clock, in nanoseconds.
    pub from_ns: i64,
    /// When it ended.
    pub to_ns: i64,
    /// The device at the other end.
    pub peer: [u8; 6],
    /// What the stack says was agreed on in it.
    pub agreed: Option<Agreed>,
    /// Whether it is a part of what is judged: of what comes before and after nothing is observed.
    pub judged: bool,
}

impl Step {
    /// The same with the packets that come after its answer, but none of the step after it.
    fn with_answers(mut self, next: Option<&Self>, uncertainty_ns: i64) -> Self {
        let end_ns = self.to_ns + GRACE_NS;
        // What may belong to either belongs to the later one.
        self.to_ns = next.map_or(end_ns, |next| end_ns.min(next.from_ns - uncertainty_ns - 1)).max(self.from_ns);
        self
    }
}

/// Why a step failed, as the capture shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// How the device failed; none where the capture only explains.
    pub class: Option<FailureClass>,
    /// Whether it was the device that said no, or nothing: then it failed whatever the stack calls it.
    pub by_device: bool,
    /// In words.
    pub words: String,
}

/// A capture that was decoded.
#[derive(Debug)]
pub struct Traffic {
    report: Report,
    clock: CaptureClock,
}

impl Traffic {
    /// Decodes a capture whose clock stands so beside the rig's.
    ///
    /// # Errors
    /// When it is none, or has no record.
    pub fn decode(capture: &[u8], clock: CaptureClock) -> Result<Self, CaptureError> {
        let mut decoder = Decoder::new();
        decoder.feed(capture)?;
        Ok(Self { report: decoder.finish()?, clock })
    }

    /// Everything that the capture says.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The rig's clock at a time of the report, in nanoseconds.
    pub fn rig_ns(&self, at_ns: i64) -> i64 {
        self.clock.rig_ns(self.report.capture.begins_ns.saturating_add(at_ns))
    }

    /// How well times of the capture are known on the rig's clock, in nanoseconds.
    pub fn uncertainty_ns(&self) -> i64 {
        self.clock.uncertainty_ns.saturating_add(self.report.capture.swapped_ns).saturating_add(POLL_NS)
    }

    /// Why the capture proves nothing, if it does not.
    pub fn damage(&self) -> Option<String> {
        let first = self.report.proof.damage.first()?;
        let more = self.report.proof.damage.len() - 1;
        let more = if more > 0 { format!("; other faults: {more}") } else { String::new() };
        Some(format!("the capture is damaged: {}{more}", named(first)))
    }

    fn is_within(&self, step: &Step, at_ns: i64) -> bool {
        let at_ns = self.rig_ns(at_ns);
        (step.from_ns - self.uncertainty_ns()..=step.to_ns).contains(&at_ns)
    }

    fn links<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Link> {
        self.report.links.iter().filter(|link| link.address == Some(Address(step.peer)) && !link.low_energy)
    }

    /// Why a step failed, if the capture shows that.
    pub fn cause(&self, step: &Step) -> Option<Cause> {
        let step = &step.clone().with_answers(None, 0);
        let all =
            self.links(step).flat_map(|link| &link.findings).filter(|finding| self.is_within(step, finding.at_ns));
        let mut causes = all.filter_map(|Finding { class, words, .. }| {
            let by_device = matches!(
                class,
                Class::PageTimeout
                    | Class::ServiceMissing
                    | Class::NoAudio
                    | Class::ConfigurationRejected
                    | Class::LinkLost
                    | Class::LeftWhileStreaming
            );
            Some(Cause { class: failure(*class, step.action)?, by_device, words: words.clone() })
        });
        // The first thing that went wrong explains what came after it; of several attempts the last one is told.
        let cause = if step.action == "pair" { causes.last() } else { causes.next() }?;
        Some(match self.damage() {
            // It may explain, and proves nothing.
            Some(damage) => Cause { class: None, by_device: false, words: format!("{}; {damage}", cause.words) },
            None => cause,
        })
    }

    /// What the capture says about the steps of a trial, with the hash under which it is kept.
    /// What was observed of the sound is held beside it.
    pub fn observations(&self, steps: &[Step], heard: &[Observation], evidence: &str) -> Vec<Observation> {
        let uncertainty_ns = self.uncertainty_ns();
        // What went on beside a step does not come after it.
        let next = |step: &Step| steps.iter().find(|other| other.from_ns >= step.to_ns);
        let steps: Vec<Step> = steps.iter().map(|step| step.clone().with_answers(next(step), uncertainty_ns)).collect();
        let mut observations = Vec::new();
        for (place, step) in steps.iter().enumerate().filter(|(_, step)| step.judged) {
            let before = steps.get(..place).unwrap_or_default();
            for quantity in times(step.action) {
                if let Some(value) = self.time(*quantity, step, before) {
                    observations.push(observed(step, *quantity, value, evidence));
                }
            }
            for (quantity, value) in self.codecs(step, before, heard) {
                observations.push(observed(step, quantity, value, evidence));
            }
        }
        observations
    }

    /// How long something lasted; nothing where the step had no such part.
    fn time(&self, quantity: Quantity, step: &Step, before: &[Step]) -> Option<Value> {
        let span = match quantity {
            Quantity::InquiryTime => self.inquiry(step),
            Quantity::ColdStartTime => {
                let search = before.iter().rev().find(|other| other.action == "discover" && other.peer == step.peer)?;
                self.inquiry(search).and_then(|(from, _)| Some((from, self.phase(step, PhaseKind::Authentication)?.1)))
            }
            Quantity::PageTime => self.phase(step, PhaseKind::Page),
            Quantity::AuthenticationTime => self.phase(step, PhaseKind::Authentication),
            Quantity::SdpTime => self.phase(step, PhaseKind::Sdp),
            Quantity::NegotiationTime => self.negotiation(step),
            Quantity::SetUpTime => self.set_up(step),
            Quantity::FirstMediaTime => self.phase(step, PhaseKind::FirstMedia),
            _ => None,
        };
        let (from, to) = span?;
        if let Some(reason) = self.damage() {
            return Some(Value::Inconclusive { reason });
        }
        // Both ends are of one clock: how that stands beside the rig's does not matter.
        let uncertainty_ns = 2 * POLL_NS + self.report.capture.swapped_ns;
        let ms = |ns: i64| ns as f64 / 1e6;
        Some(Value::Number { value: ms(to - from), unit: "ms".to_owned(), uncertainty: ms(uncertainty_ns) })
    }

    /// The search that found the device, from its start to the first answer.
    fn inquiry(&self, step: &Step) -> Option<(i64, i64)> {
        let mut searches =
            self.report.inquiries.iter().filter(|search| self.is_within(step, search.from_ns)).peekable();
        // A search that finds nothing at once is started again: all of them are one.
        let from = searches.peek()?.from_ns;
        let found = searches.flat_map(|search| &search.found).find(|found| found.address == Address(step.peer))?;
        Some((from, found.at_ns))
    }

    /// The last phase of a kind that began in a step and went well.
    fn phase(&self, step: &Step, kind: PhaseKind) -> Option<(i64, i64)> {
        let phases = self.links(step).flat_map(|link| &link.phases);
        let done = |phase: &&Phase| phase.kind == kind && phase.outcome == Outcome::Done;
        let last = phases.filter(done).filter(|phase| self.is_within(step, phase.from_ns)).last()?;
        Some((last.from_ns, last.to_ns?))
    }

    /// From the channel for signals to the agreed configuration.
    fn negotiation(&self, step: &Step) -> Option<(i64, i64)> {
        let links = self.links(step).filter_map(|link| {
            let mut begun = link.phases.iter().filter(|phase| phase.kind == PhaseKind::Signalling);
            let begun = begun.rfind(|phase| self.is_within(step, phase.from_ns))?.from_ns;
            let agreed = link.streams.iter().filter_map(|stream| stream.accepted_ns).find(|at| *at >= begun)?;
            Some((begun, agreed))
        });
        links.last()
    }

    /// From the end of authentication to the open stream.
    fn set_up(&self, step: &Step) -> Option<(i64, i64)> {
        let links = self.links(step).filter_map(|link| {
            let mut opened = link.streams.iter().filter_map(|stream| stream.opened_ns);
            let opened = opened.rfind(|at| self.is_within(step, *at))?;
            let proven = link.phases.iter().filter(|phase| phase.kind == PhaseKind::Authentication);
            let proven = proven.filter_map(|phase| phase.to_ns).rfind(|at| *at <= opened)?;
            Some((proven, opened))
        });
        links.last()
    }
}

/// What is measured of the traffic of an action.
fn times(action: &str) -> &'static [Quantity] {
    match action {
        "discover" => &[Quantity::InquiryTime],
        "pair" => &[Quantity::PageTime, Quantity::AuthenticationTime, Quantity::ColdStartTime, Quantity::SdpTime],
        "connect" => &[
            Quantity::PageTime,
            Quantity::AuthenticationTime,
            Quantity::SdpTime,
            Quantity::NegotiationTime,
            Quantity::SetUpTime,
        ],
        "play" => &[Quantity::FirstMediaTime],
        _ => &[],
    }
}

fn observed(step: &Step, quantity: Quantity, value: Value, evidence: &str) -> Observation {
    Observation {
        method: Some(Method { name: METHOD.to_owned(), version: METHOD_VERSION }),
        evidence: Some(evidence.to_owned()),
        ..Observation::raw(&step.label, quantity, value)
    }
}

/// How a device failed that did this in a step; none at all for what does not make a step fail.
#[expect(
    clippy::option_option,
    reason = "whether it explains a failure, and whether that failure has a class of its own"
)]
fn failure(class: Class, action: &str) -> Option<Option<FailureClass>> {
    let pairing = action == "pair";
    Some(match class {
        Class::PageTimeout | Class::AuthenticationCalledOff if pairing => Some(FailureClass::PairingTimedOut),
        Class::PageTimeout | Class::CallFailed | Class::AuthenticationCalledOff => Some(FailureClass::NotConnected),
        Class::PairingRefused | Class::BondLost if pairing => Some(FailureClass::PairingRefused),
        Class::PairingRefused | Class::BondLost => Some(FailureClass::NotConnected),
        Class::LostWhilePairing => Some(FailureClass::LinkLost),
        Class::ServiceMissing => Some(FailureClass::WrongRole),
        Class::NoAudio | Class::NeverConfigured | Class::ConfigurationRejected | Class::StartFailed => {
            Some(FailureClass::NoStream)
        }
        Class::NoMedia | Class::ControllerGone => None,
        Class::LinkLost | Class::LeftWhileStreaming => Some(FailureClass::LinkLost),
        Class::NeverStarted
        | Class::SlowBySniff
        | Class::Stall
        | Class::MediaLost
        | Class::OtherCodec
        | Class::SwitchedToVoice => return None,
    })
}

fn named(damage: &Damage) -> String {
    match damage {
        Damage::CutShort { record, .. } => format!("it ends within record {record}"),
        Damage::ImpossibleLength { record, .. } => format!("record {record} has an impossible length"),
        Damage::Dropped { packets } => format!("packets that the recorder lost: {packets}"),
        Damage::CutPackets { records, .. } => format!("packets that the recorder cut: {records}"),
        Damage::Malformed { records, .. } => format!("packets that contradict their own header: {records}"),
        Damage::OutOfOrder { records, .. } => format!("records out of order: {records}"),
        Damage::Unfinished { packets, .. } => format!("packets that were never finished: {packets}"),
        Damage::Orphans { fragments, .. } => format!("fragments that go on with nothing: {fragments}"),
        Damage::Misfits { packets, .. } => format!("packets that do not fit their length: {packets}"),
        Damage::MoreCompleted { .. } | Damage::FewerCompleted { .. } => {
            "the controller's count of packets is another one".to_owned()
        }
        Damage::MissingNumbers { missing, .. } => format!("missing of the host's own media packets: {missing}"),
    }
}
