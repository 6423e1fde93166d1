//! How long a trial takes: about, and at the least.

use super::{bindings::BindingError, obstacles::Answer, point::Point};
use crate::{
    document::{Absence, Action, Device, OnOff, PAIRING_MODE, Play, Step, WaitFor, World},
    quantity::Duration,
};

const SECOND_NS: i64 = 1_000_000_000;

/// The time a trial is expected to take with a device that does everything well, in nanoseconds. Rough on purpose: it is
/// shown, and decides nothing.
pub(super) fn trial_ns(point: &Point<'_>) -> Result<i64, BindingError> {
    let bindings = &point.bindings;
    let boot = |axis: &str| point.unit_on(axis).and_then(|c| c.device.boot).map_or(2 * SECOND_NS, Duration::ns);
    let gesture = |axis: &str, name: &str| point.unit_on(axis).map_or(0, |c| gesture_ns(c.device, name));
    let expected = |step: &Step| {
        Ok(match step.action() {
            Action::Power(power) if power.state == OnOff::On => boot(&power.unit),
            Action::PowerCycle(cycle) => bindings.resolve(&cycle.off_for)?.ns().saturating_add(boot(&cycle.unit)),
            Action::EnterPairingMode(on) => gesture(&on.unit, PAIRING_MODE),
            Action::Gesture(on) => gesture(&on.unit, &on.name),
            Action::Discover(_) => 3 * SECOND_NS,
            Action::Pair(_) | Action::Disconnect(_) => 2 * SECOND_NS,
            Action::Connect(_) | Action::ReadServices(_) => SECOND_NS,
            Action::Play(play) => playing_ns(play, point)?.saturating_add(SECOND_NS),
            Action::Listen(listen) => listen.lasting.ns(),
            Action::Prompt(prompt) => prompt.every.ns().saturating_mul(i64::from(prompt.times)),
            Action::VoiceLoop(voice) => SECOND_NS.saturating_mul(i64::from(voice.times)),
            Action::Wait(wait) => bindings.resolve(&wait.lasting)?.ns(),
            Action::WaitFor(wait) => wait.within.ns(),
            Action::Power(_) | Action::Set(_) | Action::Forget(_) => 0,
        })
    };
    let mut total = 0_i64;
    for part in [&point.scenario.setup, &point.scenario.trial, &point.scenario.cleanup] {
        total = total.saturating_add(line_ns(part, point.condition, &expected)?);
    }
    // Units whose documents are missing cannot be reached here; a hardware rig adds the settling of its drivers.
    let settling = if point.rig.world == World::Hardware { SECOND_NS } else { 0 };
    Ok(total.saturating_add(settling))
}

/// A limit that every device would exceed says nothing about any.
pub(super) fn overlong(point: &Point<'_>) -> Answer {
    let Some(limit) = point.scenario.trial_limit else { return Ok(None) };
    // What takes its time whatever the device does.
    let least = |step: &Step| {
        Ok(match step.action() {
            Action::PowerCycle(cycle) => point.bindings.resolve(&cycle.off_for)?.ns(),
            Action::Play(play) => playing_ns(play, point)?,
            Action::Listen(listen) => listen.lasting.ns(),
            Action::Wait(wait) => point.bindings.resolve(&wait.lasting)?.ns(),
            Action::WaitFor(WaitFor { absence_is: Some(Absence::Success), within, .. }) => within.ns(),
            _ => 0,
        })
    };
    let least_ns = line_ns(&point.scenario.trial, point.condition, &least)?;
    Ok((least_ns >= limit.ns())
        .then(|| format!("its steps take {} at least, and `trial-limit` is {limit}", Duration::from_ns(least_ns))))
}

/// How long steps take that are done one after the other, each with the longer of itself and what is done beside it.
fn line_ns(
    steps: &[Step],
    condition: Option<&str>,
    each: &dyn Fn(&Step) -> Result<i64, BindingError>,
) -> Result<i64, BindingError> {
    steps.iter().filter(|step| step.applies(condition)).try_fold(0_i64, |total, step| {
        let beside = line_ns(&step.meanwhile, condition, each)?;
        Ok(total.saturating_add(each(step)?.max(beside)))
    })
}

fn playing_ns(play: &Play, point: &Point<'_>) -> Result<i64, BindingError> {
    let Some(length) = (point.signal_length)(&play.signal) else { return Ok(0) };
    let lasting = point.bindings.optional(play.lasting.as_ref())?;
    let times = lasting.map_or(1, |lasting| Play::times(lasting, length));
    Ok(length.ns().saturating_mul(i64::from(times)))
}

fn gesture_ns(device: &Device, name: &str) -> i64 {
    device.gestures.get(name).map_or(0, |gesture| gesture.lasts().ns())
}
