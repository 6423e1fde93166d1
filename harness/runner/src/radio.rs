//! Recording the HCI traffic of a trial, and what it says.

use std::{cell::RefCell, rc::Rc};

use rigtone_bluetooth::capture::without_keys;
use rigtone_model::{
    document::{Action, Capture, Step},
    event::{Body, CaptureClock, Phase},
    observation::{Observation, Quantity, Value},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};
use rigtone_rig::{
    capability::{HciTap, HciTape, Unit},
    clock::{Instant, compute},
};
use rigtone_witness::radio::{self, Agreed, Cause, Traffic};

use crate::{
    step::{StepEnd, StepResult},
    trial::Trial,
};

/// The time that a recorder has to begin.
const BEGIN_NS: i64 = 5_000_000_000;
/// The virtual time that decoding takes.
const DECODING_NS: i64 = 5_000_000;

/// The recordings of a trial, one for each dongle that it uses and whose document wants it.
pub(crate) struct Radio {
    taps: Vec<Tapped>,
}

struct Tapped {
    tap: Rc<dyn HciTap>,
    tape: RefCell<Box<dyn HciTape>>,
    /// The steps that went over it.
    steps: RefCell<Vec<radio::Step>>,
}

impl Radio {
    /// Begins to record what the units of a trial send and receive.
    pub(crate) async fn begin(trial: &Trial<'_>) -> Result<Self, InfrastructureFault> {
        let mut taps: Vec<Tapped> = Vec::new();
        for unit in trial.units().iter().filter_map(|name| trial.bench.units.get(*name)) {
            let Some(tap) = &unit.tap else { continue };
            if taps.iter().any(|tapped| tapped.tap.member() == tap.member()) {
                continue;
            }
            let tape = tap.record(trial.now().plus(BEGIN_NS)).await?;
            taps.push(Tapped { tap: tap.clone(), tape: RefCell::new(tape), steps: RefCell::default() });
        }
        Ok(Self { taps })
    }

    fn of(&self, unit: &Unit) -> Option<&Tapped> {
        let member = unit.tap.as_ref()?.member();
        self.taps.iter().find(|tapped| tapped.tap.member() == member)
    }

    /// A step has ended that began at `from`: remembers it, and tells a failure as the traffic shows it. What the stack could not
    /// explain and took for its own is the device's when the device itself said no.
    pub(crate) async fn step_ended(
        &self,
        trial: &Trial<'_>,
        (phase, step): (Phase, &Step),
        from: Instant,
        agreed: Option<Agreed>,
        end: StepResult,
    ) -> StepResult {
        let Some((unit, peer)) = ends(trial, step) else { return end };
        let Some(tapped) = self.of(unit) else { return end };
        let (from_ns, to_ns) = (from.0, trial.now().0);
        let (label, action, judged) = (step.name().to_owned(), step.action().name(), phase == Phase::Trial);
        let step = radio::Step { label, action, from_ns, to_ns, peer: peer.address.0, agreed, judged };
        tapped.steps.borrow_mut().push(step.clone());
        // Why we refused what the device offers, we know better than the packets that were never sent.
        let is_told = match &end {
            Ok(StepEnd::Done) => true,
            Ok(StepEnd::Failed(failure)) => failure.class == FailureClass::Unsupported,
            Err(_) => false,
        };
        if is_told {
            return end;
        }
        let (bytes, clock) = tapped.read()?;
        let cause = move || Traffic::decode(&bytes, clock).ok().and_then(|traffic| traffic.cause(&step));
        let cause = compute(&*trial.bench.clock, DECODING_NS, cause).await.flatten();
        let Some(Cause { class, by_device, words }) = cause else { return end };
        let (class, said) = match (end, class) {
            (Ok(StepEnd::Failed(failure)), class) => (class.unwrap_or(failure.class), failure.detail),
            (Err(fault), Some(class)) if by_device && fault.member == tapped.tap.member() => (class, fault.what),
            (end, _) => return end,
        };
        Ok(StepEnd::Failed(DeviceFailure::new(class, format!("{words}; the stack said: {said}"))))
    }

    /// Ends the recordings, keeps them as evidence and records what they say.
    pub(crate) async fn end(self, trial: &Trial<'_>) -> Result<(), InfrastructureFault> {
        for tapped in self.taps {
            tapped.end(trial).await?;
        }
        Ok(())
    }
}

/// Who did a step with whom, if it goes over the air.
fn ends<'t>(trial: &'t Trial<'_>, step: &Step) -> Option<(&'t Unit, &'t Unit)> {
    let (by, with) = match step.action() {
        Action::Discover(discover) => (&discover.by, &discover.unit),
        Action::Pair(pair) => (&pair.by, &pair.unit),
        Action::Connect(connect) => (&connect.by, &connect.unit),
        Action::Play(play) => (&play.by, &play.on),
        Action::WaitFor(wait) => return with_its_source(trial, &wait.unit),
        Action::Listen(listen) => return with_its_source(trial, trial.microphone(&listen.with).ok()?.1),
        _ => return None,
    };
    Some((trial.unit(by).ok()?, trial.unit(with).ok()?))
}

/// A sink of ours, and the one source that it can have in a trial; nobody knows which of several it is.
fn with_its_source<'t>(trial: &'t Trial<'_>, axis: &str) -> Option<(&'t Unit, &'t Unit)> {
    let sink = trial.unit(axis).ok().filter(|unit| unit.receiving.is_some())?;
    let mut others = trial.units().into_iter().filter(|name| **name != *sink.name);
    match (others.next(), others.next()) {
        (Some(source), None) => Some((sink, trial.bench.units.get(source)?)),
        _ => None,
    }
}

impl Tapped {
    fn read(&self) -> Result<(Vec<u8>, CaptureClock), InfrastructureFault> {
        let mut tape = self.tape.borrow_mut();
        Ok((tape.so_far()?, tape.clock()))
    }

    async fn end(self, trial: &Trial<'_>) -> Result<(), InfrastructureFault> {
        let (bytes, clock) = self.read()?;
        let Self { tap, tape, steps } = self;
        drop(tape);
        let unreadable = |what: String| {
            InfrastructureFault::new(tap.member(), format!("the capture of its HCI traffic cannot be read: {what}"))
                .hint("see whether the dongle has the address of the rig file")
        };
        let bytes = match tap.keeps() {
            Capture::WithKeys => bytes,
            Capture::WithoutKeys => without_keys(bytes).map_err(|e| unreadable(e.to_string()))?.0,
        };
        let sha256 = store(trial, tap.member(), &bytes, clock)?;
        let (mut steps, place) = (steps.into_inner(), trial.place);
        // Steps beside each other end in another order than they began.
        steps.sort_by_key(|step| step.from_ns);
        let heard = place.observations();
        let job = move || {
            let traffic = Traffic::decode(&bytes, clock).map_err(|e| e.to_string())?;
            let observed = traffic.observations(&steps, &heard, &sha256);
            let tellers = contradictions(&traffic, &steps, &heard, &observed);
            Ok((observed, tellers))
        };
        let found = compute(&*trial.bench.clock, DECODING_NS, job).await;
        let found = found.unwrap_or_else(|| Err("its decoding ended with a panic: please report this".to_owned()));
        let (observed, tellers) = found.map_err(unreadable)?;
        for (step, text) in tellers {
            place.in_step(&step).emit(trial.now(), Body::Warning { text });
        }
        for observation in observed {
            let step = observation.of.clone();
            place.in_step(&step).emit(trial.now(), Body::Observed(observation));
        }
        Ok(())
    }
}

/// Who says what where not all say the same, by step.
fn contradictions(
    traffic: &Traffic,
    steps: &[radio::Step],
    heard: &[Observation],
    observed: &[Observation],
) -> Vec<(String, String)> {
    let disagree = |label: &str| {
        let of = |o: &&Observation| o.of == label && o.quantity == Quantity::CodecAgreement;
        observed.iter().find(of).is_some_and(|o| o.value == Value::Truth(false))
    };
    let told = steps.iter().enumerate().filter(|(_, step)| disagree(&step.label)).map(|(place, step)| {
        let tellers = traffic.tellers(step, steps.get(..place).unwrap_or_default(), heard);
        (step.label.clone(), format!("the codec is not one: {tellers}"))
    });
    told.collect()
}

/// Keeps a capture; gives its hash.
fn store(trial: &Trial<'_>, member: &str, bytes: &[u8], clock: CaptureClock) -> Result<String, InfrastructureFault> {
    let name = format!("hci-{}.btsnoop", member.strip_prefix("dongle ").unwrap_or(member));
    let stored = trial
        .place
        .evidence(&name, bytes, trial.bench.keeper.disk_is_full())
        .map_err(|e| InfrastructureFault::new("evidence", e.to_string()).hint(e.hint()))?;
    let body = Body::Evidence {
        file: stored.file,
        sha256: stored.sha256.clone(),
        bytes: bytes.len() as u64,
        about: format!("HCI traffic of {member}"),
        anchors: Vec::new(),
        clock: Some(clock),
        listening: None,
    };
    trial.place.emit(trial.now(), body);
    Ok(stored.sha256)
}
