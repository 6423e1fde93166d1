//! The actions of a scenario, done with the capabilities of the rig.

use std::{future::Future, sync::Arc};

use rigtone_model::{
    document::{Absence, Action, Connect, Discover, Event, OnOff, PAIRING_MODE, Pair, Play, Profile, Step, WaitFor},
    event::{Body, FirmwareLook},
    id::hex,
    observation::{Observation, Quantity, Value},
    plan::BindingError,
    quantity::Duration,
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};
use rigtone_rig::{
    bench::LookWhen,
    capability::{Address, Answer, Codec, Link, Pressed, Receiving, Switched, Told, Unit, Wish},
    clock::Instant,
};
use rigtone_witness::radio::Agreed;

use crate::{asked, emit::Place, hearing, reaction, services, trial::Trial, voice};

const SECOND: i64 = 1_000_000_000;
/// Samples a second of a stream of which nobody tells more.
pub(crate) const USUAL_HZ: u32 = 48_000;
/// The time that a call without a limit of its own has.
pub(crate) const USUAL_NS: i64 = 20 * SECOND;
/// How much later than its deadline a driver may come back.
const GRACE_NS: i64 = 5 * SECOND;

/// How a step that the rig could do ended.
pub(crate) enum StepEnd {
    Done,
    Failed(DeviceFailure),
}

pub(crate) type StepResult = Result<StepEnd, InfrastructureFault>;

/// What the steps of one trial leave for those that follow.
pub(crate) struct Session<'a> {
    pub(crate) trial: &'a Trial<'a>,
    /// What was connected last.
    pub(crate) wish: Option<Wish>,
    /// Samples a second of its stream.
    pub(crate) rate_hz: u32,
    /// What the stack says was agreed on in the step that is done just now.
    pub(crate) agreed: Option<Agreed>,
    /// The link that was made in the step that is done just now.
    pub(crate) linked: Option<Linked>,
    /// Looks at the firmware of units.
    pub(crate) looks: Vec<FirmwareLook>,
}

/// A link that was made to a unit.
pub(crate) struct Linked {
    pub(crate) unit: Arc<str>,
    /// The unit that has it.
    pub(crate) by: Arc<str>,
    /// Whether a profile was connected over it.
    pub(crate) by_profile: bool,
}

/// What a capability's absence is called; the plan keeps such combinations from being run.
pub(crate) fn cannot(unit: &Unit, what: &str) -> InfrastructureFault {
    InfrastructureFault::new(format!("unit {}", unit.name), format!("has no way to {what} on this rig"))
        .hint("run `rigtone plan`: it skips combinations that the rig cannot do")
}

/// Whoever answered is on: gestures that need to know go by it.
pub(crate) fn is_alive(unit: &Unit) {
    if let Some(gestures) = &unit.gestures {
        gestures.is_alive();
    }
}

impl<'a> Session<'a> {
    pub(crate) fn new(trial: &'a Trial<'a>) -> Self {
        Self { trial, wish: None, rate_hz: USUAL_HZ, agreed: None, linked: None, looks: Vec::new() }
    }

    /// A session for steps beside those of this one: it knows what is connected here, and what it connects itself is its own.
    pub(crate) fn beside(&self) -> Self {
        Self { wish: self.wish, rate_hz: self.rate_hz, ..Self::new(self.trial) }
    }

    pub(crate) fn now(&self) -> Instant {
        self.trial.now()
    }

    /// Sleeps on the rig's clock.
    pub(crate) async fn pass(&self, ns: i64) {
        let clock = &self.trial.bench.clock;
        clock.sleep_until(clock.now().plus(ns)).await;
    }

    /// Waits for a driver, but not for ever: one that does not come back after its deadline has failed.
    pub(crate) async fn bounded<T>(
        &self,
        deadline: Instant,
        member: &str,
        work: impl Future<Output = Result<T, InfrastructureFault>>,
    ) -> Result<T, InfrastructureFault> {
        let late = self.trial.bench.clock.sleep_until(deadline.plus(GRACE_NS));
        tokio::select! {
            biased;
            result = work => result,
            () = late => Err(InfrastructureFault::new(member, "its driver did not come back after the deadline")),
        }
    }

    pub(crate) async fn perform(&mut self, step: &Step, place: Place<'_>) -> StepResult {
        if let Some(done) = asked::perform(self, step, place).await {
            return done;
        }
        match step.action() {
            Action::Power(power) => self.power(&power.unit, power.state == OnOff::On, place).await,
            Action::PowerCycle(cycle) => {
                let off_for = self.bound(self.trial.bindings().resolve(&cycle.off_for))?;
                self.power(&cycle.unit, false, place).await?;
                self.pass(off_for.ns()).await;
                self.power(&cycle.unit, true, place).await
            }
            Action::EnterPairingMode(on) => self.enter_pairing_mode(&on.unit, place).await,
            Action::Gesture(gesture) if gesture.name == PAIRING_MODE => {
                self.enter_pairing_mode(&gesture.unit, place).await
            }
            Action::Gesture(gesture) => self.gesture(self.trial.unit(&gesture.unit)?, &gesture.name, place).await,
            Action::Discover(discover) => self.discover(discover, place).await,
            Action::Pair(pair) => self.pair(pair, place).await,
            Action::Connect(connect) => self.connect(connect, place).await,
            Action::Disconnect(pair) | Action::Forget(pair) => {
                let (unit, target) = (self.trial.unit(&pair.by)?, self.trial.unit(&pair.unit)?.address);
                let deadline = self.now().plus(USUAL_NS);
                let member = format!("unit {}", unit.name);
                if matches!(step.action(), Action::Forget(_)) {
                    let pairing = unit.pairing.as_ref().ok_or_else(|| cannot(unit, "forget a bond"))?;
                    self.bounded(deadline, &member, pairing.forget(target, deadline)).await?;
                } else {
                    let connecting = unit.connecting.as_ref().ok_or_else(|| cannot(unit, "disconnect"))?;
                    self.bounded(deadline, &member, connecting.disconnect(target, deadline)).await?;
                }
                self.wish = None;
                Ok(StepEnd::Done)
            }
            Action::Play(play) => self.play(play, place).await,
            Action::Wait(wait) => {
                let lasting = self.bound(self.trial.bindings().resolve(&wait.lasting))?;
                self.pass(lasting.ns()).await;
                Ok(StepEnd::Done)
            }
            Action::Listen(listen) => hearing::listen(self, listen, place).await,
            Action::WaitFor(wait) if wait.event == Event::Reaction => {
                reaction::wait(self, wait, self.trial.unit(&wait.unit)?, place).await
            }
            Action::WaitFor(wait) => self.wait_for(wait, place).await,
            Action::ReadServices(on) => services::read(self, &on.unit, place).await,
            Action::Set(set) => {
                let unit = self.trial.unit(&set.unit)?;
                let settings = unit.settings.as_ref().ok_or_else(|| cannot(unit, "change a setting"))?;
                let value = self.bound(self.trial.bindings().resolve(&set.value))?;
                let deadline = self.now().plus(USUAL_NS);
                let done = settings.set(&set.option, &value, deadline);
                let answer = self.bounded(deadline, &format!("unit {}", unit.name), done).await?;
                Ok(answer.map_or_else(StepEnd::Failed, |()| StepEnd::Done))
            }
            Action::VoiceLoop(step) => voice::voice_loop(self, step, place).await,
            Action::Prompt(_) => {
                let what = format!("the step `{}` has no driver in this version", step.action().name());
                Err(InfrastructureFault::new("plan", what).hint("run `rigtone plan`: it skips such combinations"))
            }
        }
    }

    /// The plan resolved every parameter once: a failure here means that it was changed by hand.
    pub(crate) fn bound<T>(&self, value: Result<T, BindingError>) -> Result<T, InfrastructureFault> {
        value.map_err(|e| InfrastructureFault::new("plan", e.to_string()).hint("make the plan anew"))
    }

    async fn power(&self, axis: &str, on: bool, place: Place<'_>) -> StepResult {
        let unit = self.trial.unit(axis)?;
        let power = unit.power.as_ref().ok_or_else(|| cannot(unit, "switch its supply"))?;
        let deadline = self.now().plus(USUAL_NS);
        let settled = deadline.plus(power.settles_ns());
        let switched = self.bounded(settled, &format!("unit {}", unit.name), power.switch(on, deadline)).await?;
        let Switched { truth, edge } = switched;
        place.emit(self.now(), Body::PowerSwitched { unit: unit.name.to_string(), on, truth, edge });
        Ok(StepEnd::Done)
    }

    async fn enter_pairing_mode(&self, axis: &str, place: Place<'_>) -> StepResult {
        let unit = self.trial.unit(axis)?;
        if let Some(receiving) = &unit.receiving {
            // A source that is told to connect asks for the codec itself. Bluetooth stacks remember what a sink once offered.
            let asks = |step: &Step| match step.action() {
                // Who is told by others cannot be told a codec.
                Action::Connect(connect) => self.trial.unit(&connect.by).is_ok_and(|by| by.asked.is_none()),
                _ => false,
            };
            let condition = self.trial.combination.condition.as_deref();
            let asked = self.trial.scenario.steps_under(condition).any(asks);
            let wanted = self.bound(self.trial.bindings().codec_axis())?.filter(|_| !asked);
            receiving.offer(wanted.as_slice());
        } else if unit.gestures.as_ref().is_some_and(|gestures| gestures.lasts_ns(PAIRING_MODE).is_some()) {
            return self.gesture(unit, PAIRING_MODE, place).await;
        }
        let mode = unit.pairing_mode.as_ref().ok_or_else(|| cannot(unit, "enter pairing mode"))?;
        let deadline = self.now().plus(2 * USUAL_NS);
        let answer = self.bounded(deadline, &format!("unit {}", unit.name), mode.enter(deadline)).await?;
        Ok(answer.map_or_else(StepEnd::Failed, |()| StepEnd::Done))
    }

    /// Does a gesture on the buttons of a unit. What it was for is seen by what follows.
    async fn gesture(&self, unit: &Unit, name: &str, place: Place<'_>) -> StepResult {
        let cannot = || cannot(unit, &format!("do the gesture `{name}`"));
        let gestures = unit.gestures.as_ref().ok_or_else(cannot)?;
        let deadline = self.now().plus(gestures.lasts_ns(name).ok_or_else(cannot)?).plus(USUAL_NS);
        let member = format!("unit {}", unit.name);
        for pressed in self.bounded(deadline, &member, gestures.perform(name, deadline)).await? {
            let Pressed { buttons, held_ns, timed_by, switched: Switched { truth, edge } } = pressed;
            let (unit, gesture) = (unit.name.to_string(), name.to_owned());
            let body = Body::ButtonsPressed { unit, gesture, buttons, held_ns, timed_by, truth, edge };
            place.emit(self.now(), body);
        }
        Ok(StepEnd::Done)
    }

    async fn discover(&self, discover: &Discover, place: Place<'_>) -> StepResult {
        let (unit, target) = (self.trial.unit(&discover.by)?, self.trial.unit(&discover.unit)?);
        let inquiry = unit.inquiry.as_ref().ok_or_else(|| cannot(unit, "search"))?;
        let deadline = self.now().plus(discover.within.ns());
        let restart = discover.restart_every.as_ref().map(|every| self.trial.bindings().resolve(every)).transpose();
        let restart_ns = self.bound(restart)?.map(Duration::ns);
        let search = inquiry.find(target.address, restart_ns, deadline);
        let answer = self.bounded(deadline, &format!("unit {}", unit.name), search).await?;
        match answer {
            Ok(found) => {
                is_alive(target);
                place.emit(found.at, Body::Found { unit: target.name.to_string(), rssi_dbm: found.rssi_dbm });
                Ok(StepEnd::Done)
            }
            Err(failure) => Ok(StepEnd::Failed(failure)),
        }
    }

    async fn pair(&mut self, pair: &Pair, place: Place<'_>) -> StepResult {
        let (unit, paired) = (self.trial.unit(&pair.by)?, self.trial.unit(&pair.unit)?);
        let target = paired.address;
        let pairing = unit.pairing.as_ref().ok_or_else(|| cannot(unit, "pair"))?;
        let member = format!("unit {}", unit.name);
        let mut last = DeviceFailure::new(FailureClass::PairingTimedOut, "no attempt was made");
        for number in 1..=pair.attempts.max(1) {
            let deadline = self.now().plus(pair.within.ns());
            let answer: Answer<()> = self.bounded(deadline, &member, pairing.pair(target, deadline)).await;
            let failure = answer?.err();
            place.emit(self.now(), Body::Attempt { number, failure: failure.clone() });
            let Some(failure) = failure else {
                is_alive(paired);
                let value = Value::Number { value: f64::from(number), unit: "attempts".into(), uncertainty: 0.0 };
                self.observe(place, Quantity::Attempts, value);
                self.linked = Some(Linked { unit: paired.name.clone(), by: unit.name.clone(), by_profile: false });
                return Ok(StepEnd::Done);
            };
            last = failure;
        }
        Ok(StepEnd::Failed(last))
    }

    async fn connect(&mut self, connect: &Connect, place: Place<'_>) -> StepResult {
        let (unit, target) = (self.trial.unit(&connect.by)?, self.trial.unit(&connect.unit)?);
        let connecting = unit.connecting.as_ref().ok_or_else(|| cannot(unit, "connect"))?;
        let codec = self.bound(self.trial.bindings().codec(connect))?;
        let configured = self.bound(self.trial.bindings().configuration(connect))?;
        let wish = Wish { profile: connect.profile, codec, configured };
        // Of a voice link nobody asks for a codec: the unit takes the best that both have.
        if connect.profile == Profile::A2dp {
            self.observe(place, Quantity::RequestedCodec, Value::Word(codec.as_str().to_owned()));
        }
        if let Some(wanted) = configured {
            self.observe(place, Quantity::RequestedConfiguration, Value::Word(wanted.to_string()));
        }
        let deadline = self.now().plus(connect.within.ns());
        let member = format!("unit {}", unit.name);
        let link = match self.bounded(deadline, &member, connecting.connect(target.address, wish, deadline)).await? {
            Ok(link) => link,
            Err(failure) => return Ok(StepEnd::Failed(failure)),
        };
        // What was asked of one codec says nothing about another.
        let configured = configured.filter(|_| link.codec == codec);
        if connect.profile == Profile::A2dp {
            self.wish = Some(Wish { codec: link.codec, configured, ..wish });
            self.rate_hz = link.rate_hz;
        }
        self.linked = Some(Linked { unit: target.name.clone(), by: unit.name.clone(), by_profile: true });
        self.is_connected(target, link, wish, place);
        Ok(StepEnd::Done)
    }

    async fn wait_for(&mut self, wait: &WaitFor, place: Place<'_>) -> StepResult {
        let unit = self.trial.unit(&wait.unit)?;
        let deadline = self.now().plus(wait.within.ns());
        let happened = match (wait.event, &unit.receiving) {
            (Event::Connected | Event::Disconnected, Some(receiving)) => {
                self.seen_by_sink(wait, unit, &**receiving, deadline, place).await?
            }
            (Event::Disconnected, None) => self.seen_by_source(wait, unit, deadline).await?,
            (Event::Connected, None) => return Err(cannot(unit, "tell when it is connected")),
            (Event::Reaction, _) => return Err(cannot(unit, "tell when it reacts")),
        };
        Ok(match (happened, wait.absence_is) {
            (Ok(()), Some(Absence::Success)) => {
                let detail = "what should not have happened did happen";
                StepEnd::Failed(DeviceFailure::new(FailureClass::Accepted, detail))
            }
            (Err(_), Some(Absence::Success)) | (Ok(()), _) => StepEnd::Done,
            (Err(failure), _) => StepEnd::Failed(failure),
        })
    }

    /// The end of a link that one of our sources has made.
    async fn seen_by_source(&self, wait: &WaitFor, unit: &Unit, deadline: Instant) -> Answer<()> {
        let condition = self.trial.combination.condition.as_deref();
        let by = self.trial.scenario.linked_by(&wait.unit, condition);
        let by = self.trial.unit(by.ok_or_else(|| cannot(unit, "tell when it is connected"))?)?;
        let watching = by.watching.as_ref().ok_or_else(|| cannot(by, "tell when a link goes"))?;
        self.bounded(deadline, &format!("unit {}", by.name), watching.unlinked(unit.address, deadline)).await
    }

    /// What happens to a sink of Rigtone's own.
    async fn seen_by_sink(
        &mut self,
        wait: &WaitFor,
        unit: &Unit,
        receiving: &dyn Receiving,
        deadline: Instant,
        place: Place<'_>,
    ) -> Answer<()> {
        // Of the sources near and far only those of the trial are meant; any, where it has none.
        let others = self.trial.units().into_iter().filter(|name| **name != *unit.name);
        let sources: Vec<Address> =
            others.filter_map(|name| self.trial.bench.units.get(name)).map(|unit| unit.address).collect();
        let member = format!("unit {}", unit.name);
        if wait.event != Event::Connected {
            return self.bounded(deadline, &member, receiving.disconnected(&sources, deadline)).await;
        }
        let codec = self.bound(self.trial.bindings().codec_axis())?;
        let (source, link) = match self.bounded(deadline, &member, receiving.connected(&sources, deadline)).await? {
            Ok(connected) => connected,
            Err(failure) => return Ok(Err(failure)),
        };
        let source = self.trial.bench.units.values().find(|unit| unit.address == source);
        let linked = |source: &Unit| Linked { unit: source.name.clone(), by: unit.name.clone(), by_profile: true };
        self.linked = source.map(linked);
        if let Some(codec) = codec {
            self.observe(place, Quantity::RequestedCodec, Value::Word(codec.as_str().to_owned()));
        }
        let codec = codec.unwrap_or(link.codec);
        let wish = Wish { profile: Profile::A2dp, codec, configured: None };
        self.is_connected(unit, link, wish, place);
        Ok(Ok(()))
    }

    /// Records what was agreed on.
    pub(crate) fn is_connected(&mut self, unit: &Unit, link: Link, wish: Wish, place: Place<'_>) {
        is_alive(unit);
        let (codec, configuration) = (link.codec, link.configuration.clone());
        self.agreed = Some(Agreed { requested: wish.codec, codec, configuration });
        place.emit(
            self.now(),
            Body::Connected {
                unit: unit.name.to_string(),
                codec: Some(codec.as_str().to_owned()),
                configuration: (!link.configuration.is_empty()).then(|| hex(&link.configuration)),
            },
        );
        self.observe(place, Quantity::Codec, Value::Word(codec.as_str().to_owned()));
        if let Some(bps) = link.highest_bit_rate() {
            let value = Value::Number { value: bps / 1e3, unit: "kbit/s".into(), uncertainty: 0.0 };
            self.observe(place, Quantity::BitRate, value);
        }
        if let Some(held) = wish.held_by(&link) {
            self.observe(place, Quantity::ConfigurationAgreement, Value::Truth(held.is_ok()));
            if let Err(differs) = held {
                place.emit(self.now(), Body::Warning { text: differs });
            }
        }
        self.changed(place, &unit.name, link.changes);
        if let Some(ns) = link.reported_delay_ns {
            let value = Value::Number { value: ns as f64 / 1e6, unit: "ms".into(), uncertainty: 0.05 };
            self.observe(place, Quantity::ReportedDelay, value);
        }
    }

    /// Reads which firmware the unit runs that was paired or connected just now, where it says so. Another one than its name says is a fault of the rig: nothing is judged under a
    /// wrong name.
    pub(crate) async fn look_at_firmware(&mut self, place: Place<'_>) -> Result<(), InfrastructureFault> {
        let Some(Linked { unit, by, by_profile }) = self.linked.take() else { return Ok(()) };
        let when = LookWhen::Linked { by: &by };
        let deadline = self.now().plus(USUAL_NS);
        let keeper = &self.trial.bench.keeper;
        let member = format!("unit {unit}");
        let looked = self.bounded(deadline, &member, keeper.look_at_firmware(&unit, when, deadline));
        // The link of a pairing alone may end before anything was said over it.
        let Some(look) = looked.await?.filter(|look| by_profile || look.found.is_some()) else { return Ok(()) };
        let fault = look.fault();
        place.emit(self.now(), Body::FirmwareLooked(look.clone()));
        self.looks.push(look);
        fault.map_or(Ok(()), Err)
    }

    async fn play(&self, play: &Play, place: Place<'_>) -> StepResult {
        let (unit, target) = (self.trial.unit(&play.by)?, self.trial.unit(&play.on)?);
        let streaming = unit.streaming.clone().ok_or_else(|| cannot(unit, "send a stimulus"))?;
        let usual = Wish { profile: Profile::A2dp, codec: Codec::Sbc, configured: None };
        let wish = self.wish.unwrap_or(usual);
        hearing::play(self, play, &*streaming, unit, target, wish, place).await
    }

    /// Records what the stack told of a transport.
    pub(crate) fn changed(&self, place: Place<'_>, unit: &str, changes: Vec<Told>) {
        for Told { at, what: change } in changes {
            place.emit(self.now(), Body::TransportChanged { unit: unit.to_owned(), t_ns: at.0, change });
        }
    }

    pub(crate) fn observe(&self, place: Place<'_>, quantity: Quantity, value: Value) {
        let of = place.step.unwrap_or_default();
        place.emit(self.now(), Body::Observed(Observation::raw(of, quantity, value)));
    }
}
