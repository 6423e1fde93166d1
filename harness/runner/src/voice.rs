//! The way of a voice through a hands-free link: from the microphone of the unit to the gateway, and from there to its sound.

use std::collections::BTreeMap;

use rigtone_model::{
    document::VoiceLoop,
    event::{Body, Listening},
    observation::{Method, Observation, Quantity, Value},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};
use rigtone_rig::capability::VoiceArrived;
use rigtone_witness::sound::{Emitted, identity, stimulus};

use crate::{
    emit::Place,
    hearing::{self, Ear, Sound, Timed},
    step::{Session, StepEnd, StepResult, USUAL_HZ, cannot},
};

const START_NS: i64 = 10_000_000_000;

/// One way of a round.
enum Way {
    Arrived(Timed),
    Lost(DeviceFailure),
}

/// Measures round trips, one after the other: the sum of both ways, each on samples.
pub(crate) async fn voice_loop(session: &Session<'_>, step: &VoiceLoop, place: Place<'_>) -> StepResult {
    let (mut rounds, mut ups, mut downs) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=step.times {
        let up = match uplink(session, step, place).await? {
            Way::Arrived(timed) => timed,
            Way::Lost(failure) => return Ok(lost(session, place, number, failure)),
        };
        let down = match downlink(session, step, place).await? {
            Way::Arrived(timed) => timed,
            Way::Lost(failure) => return Ok(lost(session, place, number, failure)),
        };
        rounds.push((up.ms + down.ms, up.uncertainty_ms.hypot(down.uncertainty_ms)));
        ups.push((up.ms, up.uncertainty_ms));
        downs.push((down.ms, down.uncertainty_ms));
        place.emit(session.now(), Body::Attempt { number, failure: None });
    }
    let quality = BTreeMap::from([
        ("trips".to_owned(), f64::from(step.times)),
        ("shortest-ms".to_owned(), rounds.iter().map(|r| r.0).fold(f64::INFINITY, f64::min)),
        ("longest-ms".to_owned(), rounds.iter().map(|r| r.0).fold(0.0, f64::max)),
        ("uplink-ms".to_owned(), median(&mut ups).0),
        ("downlink-ms".to_owned(), median(&mut downs).0),
    ]);
    let (value, uncertainty) = median(&mut rounds);
    let value = Value::Number { value, unit: "ms".to_owned(), uncertainty };
    let raw = Observation::raw(place.step.unwrap_or_default(), Quantity::RoundTrip, value);
    let method = Some(Method { name: "voice-loop".to_owned(), version: 1 });
    place.emit(session.now(), Body::Observed(Observation { method, quality, ..raw }));
    Ok(StepEnd::Done)
}

fn lost(session: &Session<'_>, place: Place<'_>, number: u32, failure: DeviceFailure) -> StepEnd {
    place.emit(session.now(), Body::Attempt { number, failure: Some(failure.clone()) });
    StepEnd::Failed(failure)
}

/// The middle one with its uncertainty; of an even number the mean of the two in the middle.
fn median(values: &mut [(f64, f64)]) -> (f64, f64) {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let middle = |at: usize| values.get(at).copied().unwrap_or_default();
    let (low, high) = (middle(values.len().saturating_sub(1) / 2), middle(values.len() / 2));
    (0.5 * (low.0 + high.0), low.1.max(high.1))
}

fn unheard(way: &str) -> Way {
    Way::Lost(DeviceFailure::new(FailureClass::Silent, format!("nothing of the voice arrived at {way}")))
}

/// From the microphone of the unit to the gateway.
async fn uplink(session: &Session<'_>, step: &VoiceLoop, place: Place<'_>) -> Result<Way, InfrastructureFault> {
    let trial = session.trial;
    let (gateway, target) = (trial.unit(&step.by)?, trial.unit(&step.unit)?);
    let hands_free = gateway.hands_free.as_ref().ok_or_else(|| cannot(gateway, "speak over a hands-free link"))?;
    let code = identity(&trial.plan.rig, &gateway.name);
    let stimulus = stimulus(&step.signal, USUAL_HZ, code)
        .map_err(|e| InfrastructureFault::new("plan", e.to_string()).hint("run `rigtone check` on the scenario"))?;
    let deadline = session.now().plus((stimulus.duration_s() * 1e9) as i64 + START_NS);
    let member = format!("unit {}", gateway.name);
    let work = hands_free.uplink(target.address, &stimulus, deadline);
    let VoiceArrived { emission, captured } = match session.bounded(deadline, &member, work).await? {
        Ok(arrived) => arrived,
        Err(failure) => return Ok(Way::Lost(failure)),
    };
    // What the gateway receives has no way through air, and its clock is that of the host.
    let listening = Listening {
        signal: step.signal.clone(),
        code,
        channel: captured.channel,
        reference: captured.reference,
        residual_ns: captured.residual_ns,
        clock_uncertainty_ns: 0,
        distance_m: 0.0,
        nearer: None,
        calibrated: None,
        response: None,
        digital_silence: true,
        at: None,
        times: 1,
        any_above_dbfs: None,
        rate_hz: stimulus.rate(),
    };
    let emitted = Some(Emitted { t_ns: emission.at.0, uncertainty_ns: emission.uncertainty_ns });
    let member = format!("gateway {}", gateway.name);
    let timed = hearing::timed(session, place, &member, &captured, emitted, listening, &stimulus).await?;
    Ok(timed.map_or_else(|| unheard("the gateway"), Way::Arrived))
}

/// From the gateway to the sound of the unit.
async fn downlink(session: &Session<'_>, step: &VoiceLoop, place: Place<'_>) -> Result<Way, InfrastructureFault> {
    let trial = session.trial;
    let (gateway, target) = (trial.unit(&step.by)?, trial.unit(&step.unit)?);
    let hands_free = gateway.hands_free.as_ref().ok_or_else(|| cannot(gateway, "speak over a hands-free link"))?;
    let code = identity(&trial.plan.rig, &target.name);
    let stimulus = stimulus(&step.signal, USUAL_HZ, code)
        .map_err(|e| InfrastructureFault::new("plan", e.to_string()).hint("run `rigtone check` on the scenario"))?;
    let member = format!("unit {}", gateway.name);
    let recording = Ear::nearest(session, target)?.start(session).await?;
    session.pass(hearing::LEAD_NS).await;
    let deadline = session.now().plus((stimulus.duration_s() * 1e9) as i64 + START_NS);
    let work = hands_free.downlink(target.address, &stimulus, deadline);
    let sent = session.bounded(deadline, &member, work).await?;
    session.pass(hearing::TAIL_NS).await;
    let (ear, captured) = recording.stop(session).await?;
    let emission = match sent {
        Ok(emission) => emission,
        Err(failure) => return Ok(Way::Lost(failure)),
    };
    let sound = Sound { signal: &step.signal, code, stimulus: Some(stimulus.clone()), times: 1, target };
    let listening = hearing::listening(session, &sound, &ear, &captured);
    let emitted = Some(Emitted { t_ns: emission.at.0, uncertainty_ns: emission.uncertainty_ns });
    let timed = hearing::timed(session, place, &ear.member(), &captured, emitted, listening, &stimulus).await?;
    Ok(timed.map_or_else(|| unheard("the microphone beside the unit"), Way::Arrived))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::odd(&[5.0, 1.0, 3.0], 3.0)]
    #[case::even(&[4.0, 1.0, 2.0, 9.0], 3.0)]
    #[case::one(&[7.0], 7.0)]
    fn the_middle_one_counts(#[case] values: &[f64], #[case] due: f64) {
        let mut values: Vec<(f64, f64)> = values.iter().map(|value| (*value, 0.1)).collect();
        assert_eq!(median(&mut values), (due, 0.1));
    }
}
