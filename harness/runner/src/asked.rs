//! Steps for which somebody else is asked: a person, a voice assistant, a phone.
//!
//! What they say is recorded as what they say. Where a sink of Rigtone's own is at the other end it sees the link; else what follows decides.

use rigtone_model::{
    document::{Action, Codec, Connect, OnOff, PAIRING_MODE, Pair, Profile, Step},
    event::{Body, Truth},
    observation::{Quantity, Value},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};
use rigtone_rig::capability::{Asked, Reply, Request, Unit, Wish};

use crate::{
    emit::Place,
    hearing, reaction,
    step::{Linked, Session, StepEnd, StepResult},
};

/// The time that somebody has who is asked for something without a limit of its own: people walk.
pub(crate) const ASKED_NS: i64 = 120_000_000_000;

/// Does a step by asking; nothing where the rig does it by itself.
pub(crate) async fn perform(session: &mut Session<'_>, step: &Step, place: Place<'_>) -> Option<StepResult> {
    let trial = session.trial;
    let by_hand = |axis: &str| {
        let unit = trial.unit(axis).ok()?;
        Some((unit, unit.by_hand.clone()?))
    };
    let asked = |axis: &str| {
        let unit = trial.unit(axis).ok()?;
        Some((unit, unit.asked.clone()?))
    };
    Some(match step.action() {
        Action::Power(power) => {
            let (unit, person) = by_hand(&power.unit).filter(|(unit, _)| unit.power.is_none())?;
            switch(session, unit, &*person, power.state == OnOff::On, place).await
        }
        Action::PowerCycle(cycle) => {
            let (unit, person) = by_hand(&cycle.unit).filter(|(unit, _)| unit.power.is_none())?;
            let off_for = match session.bound(trial.bindings().resolve(&cycle.off_for)) {
                Ok(off_for) => off_for,
                Err(fault) => return Some(Err(fault)),
            };
            if let Err(fault) = switch(session, unit, &*person, false, place).await {
                return Some(Err(fault));
            }
            session.pass(off_for.ns()).await;
            switch(session, unit, &*person, true, place).await
        }
        Action::EnterPairingMode(on) => {
            // Who is there for the supply is not asked for what relays press.
            let pressed = |unit: &Unit| unit.gestures.as_ref().is_some_and(|g| g.lasts_ns(PAIRING_MODE).is_some());
            let (unit, person) = by_hand(&on.unit).filter(|(unit, _)| unit.pairing_mode.is_none() && !pressed(unit))?;
            simply(session, unit, &*person, Request::EnterPairingMode, ASKED_NS, place).await
        }
        Action::Discover(discover) => {
            let (unit, source) = asked(&discover.by)?;
            let target = match trial.unit(&discover.unit) {
                Ok(target) => target,
                Err(fault) => return Some(Err(fault)),
            };
            let request = Request::Find(target.address);
            let end = simply(session, unit, &*source, request, discover.within.ns(), place).await;
            if matches!(end, Ok(StepEnd::Done)) {
                place.emit(session.now(), Body::Found { unit: target.name.to_string(), rssi_dbm: None });
            }
            end
        }
        Action::Pair(step) => {
            let (unit, source) = asked(&step.by)?;
            pair(session, step, unit, &*source, place).await
        }
        Action::Connect(step) => {
            let (unit, source) = asked(&step.by)?;
            connect(session, step, unit, &*source, place).await
        }
        action @ (Action::Disconnect(step) | Action::Forget(step)) => {
            let (unit, source) = asked(&step.by)?;
            let target = match trial.unit(&step.unit) {
                Ok(target) => target.address,
                Err(fault) => return Some(Err(fault)),
            };
            let forgets = matches!(action, Action::Forget(_));
            let request = if forgets { Request::Forget(target) } else { Request::Disconnect(target) };
            simply(session, unit, &*source, request, ASKED_NS, place).await
        }
        Action::Play(play) => {
            let (unit, source) = asked(&play.by)?;
            match trial.unit(&play.on) {
                Ok(target) => hearing::ask_to_play(session, play, &*source, unit, target, place).await,
                Err(fault) => Err(fault),
            }
        }
        Action::Set(set) => {
            let (unit, source) = asked(&set.unit)?;
            let value = match session.bound(trial.bindings().resolve(&set.value)) {
                Ok(value) => value,
                Err(fault) => return Some(Err(fault)),
            };
            let request = Request::Set { option: &set.option, value: &value };
            simply(session, unit, &*source, request, ASKED_NS, place).await
        }
        Action::Prompt(prompt) => {
            let unit = match trial.unit(&prompt.unit) {
                Ok(unit) => unit,
                Err(fault) => return Some(Err(fault)),
            };
            let who = unit.spoken_to.clone().or_else(|| unit.asked.clone())?;
            reaction::prompt(session, prompt, unit, &*who, place).await
        }
        _ => return None,
    })
}

/// Asks, records what was asked and what was said, and keeps what that rests on.
pub(crate) async fn ask(
    session: &Session<'_>,
    unit: &Unit,
    who: &dyn Asked,
    request: Request<'_>,
    within_ns: i64,
    place: Place<'_>,
) -> Result<Reply, InfrastructureFault> {
    let deadline = session.now().plus(within_ns);
    let member = format!("unit {}", unit.name);
    let reply = session.bounded(deadline, &member, who.ask(request, deadline)).await?;
    for (name, text) in &reply.papers {
        let about = format!("what {} says of unit {}", who.origin().words(), unit.name);
        hearing::keep(session, place, name, text.as_bytes(), about, None)?;
    }
    let (asked, said) = (reply.asked.clone(), reply.said.clone());
    place.emit(session.now(), Body::Asked { unit: unit.name.to_string(), origin: who.origin(), asked, said });
    Ok(reply)
}

/// Asks for something after which nothing is left to do.
async fn simply(
    session: &Session<'_>,
    unit: &Unit,
    who: &dyn Asked,
    request: Request<'_>,
    within_ns: i64,
    place: Place<'_>,
) -> StepResult {
    let reply = ask(session, unit, who, request, within_ns, place).await?;
    Ok(reply.outcome.map_or_else(StepEnd::Failed, |_| StepEnd::Done))
}

async fn switch(session: &Session<'_>, unit: &Unit, who: &dyn Asked, on: bool, place: Place<'_>) -> StepResult {
    let end = simply(session, unit, who, Request::Power(on), ASKED_NS, place).await?;
    place.emit(session.now(), Body::PowerSwitched { unit: unit.name.to_string(), on, truth: Truth::Said, edge: None });
    Ok(end)
}

async fn pair(session: &Session<'_>, step: &Pair, unit: &Unit, who: &dyn Asked, place: Place<'_>) -> StepResult {
    let target = session.trial.unit(&step.unit)?.address;
    let mut last = DeviceFailure::new(FailureClass::PairingTimedOut, "no attempt was made");
    for number in 1..=step.attempts.max(1) {
        let reply = ask(session, unit, who, Request::Pair(target), step.within.ns(), place).await?;
        let failure = reply.outcome.err();
        place.emit(session.now(), Body::Attempt { number, failure: failure.clone() });
        let Some(failure) = failure else {
            let value = Value::Number { value: f64::from(number), unit: "attempts".into(), uncertainty: 0.0 };
            session.observe(place, Quantity::Attempts, value);
            return Ok(StepEnd::Done);
        };
        last = failure;
    }
    Ok(StepEnd::Failed(last))
}

/// Asks for a link. A sink of Rigtone's own sees whether it comes, and with what; a phone may tell of it; else nobody knows.
async fn connect(
    session: &mut Session<'_>,
    step: &Connect,
    unit: &Unit,
    who: &dyn Asked,
    place: Place<'_>,
) -> StepResult {
    let target = session.trial.unit(&step.unit)?;
    let deadline = session.now().plus(step.within.ns());
    let request = Request::Connect(target.address);
    let told = match ask(session, unit, who, request, step.within.ns(), place).await?.outcome {
        Ok(told) => told,
        Err(failure) => return Ok(StepEnd::Failed(failure)),
    };
    let asked_for = session.bound(session.trial.bindings().codec_axis())?;
    let seen = match &target.receiving {
        Some(receiving) => {
            // Whoever answered late still gets a look.
            let deadline = Ord::max(deadline, session.now().plus(LOOK_NS));
            let member = format!("unit {}", target.name);
            let sources = [unit.address];
            match session.bounded(deadline, &member, receiving.connected(&sources, deadline)).await? {
                Ok((_, link)) => Some(link),
                Err(failure) => return Ok(StepEnd::Failed(failure)),
            }
        }
        None => told,
    };
    // Without a link that somebody tells of, what was agreed on is not known, and not made up.
    let Some(link) = seen else { return Ok(StepEnd::Done) };
    if let Some(codec) = asked_for {
        session.observe(place, Quantity::RequestedCodec, Value::Word(codec.as_str().to_owned()));
    }
    let codec: Codec = asked_for.unwrap_or(link.codec);
    let wish = Wish { profile: Profile::A2dp, codec, configured: None };
    if target.receiving.is_some() {
        // The sink has the link, and may be asked who is at its other end.
        session.linked = Some(Linked { unit: unit.name.clone(), by: target.name.clone(), by_profile: true });
    }
    session.is_connected(target, link, wish, place);
    Ok(StepEnd::Done)
}

/// How long a sink is looked at at least, after whoever was asked has answered.
const LOOK_NS: i64 = 5_000_000_000;
