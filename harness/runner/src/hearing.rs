//! Playing a stimulus or listening for one, recording it, and turning the recording into observations.

use rigtone_audio::stimulus::Stimulus;
use rigtone_model::{
    document::{Listen, Play},
    event::{Body, Listening},
    observation::{Observation, Quantity, Value},
    trial::InfrastructureFault,
};
use rigtone_record::wav::{self, Pcm};
use rigtone_rig::{
    capability::{Asked, Captured, Microphone, Pacing, Received, Request, Samples, Streaming, Unit, Wish},
    clock::compute,
};
use rigtone_witness::sound::{Emitted, HearError, Heard, Take, asked_hz, hear, identity, stimulus};

use crate::{
    asked::{self, ASKED_NS},
    emit::Place,
    step::{Session, StepEnd, StepResult, USUAL_HZ},
};

/// Recorded before the sound: the noise of the room.
pub(crate) const LEAD_NS: i64 = 250_000_000;
/// Recorded after the last sample was sent: what is late still counts.
pub(crate) const TAIL_NS: i64 = 900_000_000;
/// The virtual time that analysing takes.
const ANALYSIS_NS: i64 = 10_000_000;
const START_NS: i64 = 10_000_000_000;
/// The identity of a stimulus that is not ours to send: that of `rigtone signal`.
const FOREIGN: u32 = 0;

/// What is recorded, and what it is to be held against.
pub(crate) struct Sound<'a> {
    pub(crate) signal: &'a str,
    pub(crate) code: u32,
    pub(crate) stimulus: Stimulus,
    /// The unit that sounds, or beside which the microphone stands.
    pub(crate) target: &'a Unit,
    /// The microphone.
    pub(crate) name: String,
    pub(crate) microphone: &'a dyn Microphone,
}

pub(crate) async fn play(
    session: &Session<'_>,
    play: &Play,
    streaming: &dyn Streaming,
    unit: &Unit,
    target: &Unit,
    wish: Wish,
    place: Place<'_>,
) -> StepResult {
    let trial = session.trial;
    let code = identity(&trial.plan.rig, &target.name);
    let stimulus = stimulus(&play.signal, session.rate_hz, code)
        .map_err(|e| InfrastructureFault::new("plan", e.to_string()).hint("run `rigtone check` on the scenario"))?;
    let member = format!("unit {}", unit.name);
    let name = trial.bench.nearest_microphone(&target.name).unwrap_or_default().to_owned();
    let microphone = trial.bench.microphones.get(&name).ok_or_else(|| {
        InfrastructureFault::new(format!("unit {}", target.name), "no microphone of the rig hears it")
            .hint("name one with `heard-by:` in the rig's document")
    })?;
    let ear = format!("microphone {name}");

    let deadline = session.now().plus(START_NS);
    session.bounded(deadline, &member, streaming.prepare(&stimulus, wish, deadline)).await?;
    let deadline = session.now().plus(START_NS);
    let recording = session.bounded(deadline, &ear, microphone.start(deadline)).await?;
    session.pass(LEAD_NS).await;
    let length_ns = (stimulus.duration_s() * 1e9) as i64;
    let deadline = session.now().plus(length_ns + START_NS);
    let streamed = session.bounded(deadline, &member, streaming.stream(target.address, &stimulus, deadline)).await?;
    session.pass(TAIL_NS).await;
    let deadline = session.now().plus(START_NS);
    let captured = session.bounded(deadline, &ear, recording.stop(deadline)).await?;

    if let Some(emission) = streamed.emission {
        let body =
            Body::Emitted { signal: play.signal.clone(), t_ns: emission.at.0, uncertainty_ns: emission.uncertainty_ns };
        place.emit(session.now(), body);
    }
    if let Some(pacing) = streamed.pacing {
        paced(session, pacing, place);
    }
    session.changed(place, &target.name, streamed.changes);
    let emitted = streamed.emission.map(|e| Emitted { t_ns: e.at.0, uncertainty_ns: e.uncertainty_ns });
    let sound = Sound { signal: &play.signal, code, stimulus, target, name, microphone: &**microphone };
    analyse(session, sound, captured, emitted, place).await?;
    Ok(streamed.ended.map_or_else(StepEnd::Failed, |()| StepEnd::Done))
}

/// Records what somebody else is asked to play. When it leaves is not known, so that nothing is measured from it.
pub(crate) async fn ask_to_play(
    session: &mut Session<'_>,
    play: &Play,
    source: &dyn Asked,
    unit: &Unit,
    target: &Unit,
    place: Place<'_>,
) -> StepResult {
    let trial = session.trial;
    let own = source.plays_what_it_is_given();
    let code = if own { identity(&trial.plan.rig, &target.name) } else { FOREIGN };
    let stimulus = stimulus(&play.signal, USUAL_HZ, code)
        .map_err(|e| InfrastructureFault::new("plan", e.to_string()).hint("run `rigtone check` on the scenario"))?;
    let name = trial.bench.nearest_microphone(&target.name).unwrap_or_default().to_owned();
    let microphone = trial.bench.microphones.get(&name).ok_or_else(|| {
        InfrastructureFault::new(format!("unit {}", target.name), "no microphone of the rig hears it")
            .hint("name one with `heard-by:` in the rig's document")
    })?;
    let ear = format!("microphone {name}");
    let deadline = session.now().plus(START_NS);
    let recording = session.bounded(deadline, &ear, microphone.start(deadline)).await?;
    session.pass(LEAD_NS).await;
    let request = Request::Play { on: target.address, signal: &play.signal, stimulus: &stimulus };
    let reply = asked::ask(session, unit, source, request, ASKED_NS, place).await?;
    if let Err(failure) = reply.outcome {
        // Nothing plays that a recording could be held against.
        return Ok(StepEnd::Failed(failure));
    }
    let length_ns = (stimulus.duration_s() * 1e9) as i64;
    session.pass(source.lag_ns() + length_ns + TAIL_NS).await;
    let deadline = session.now().plus(START_NS);
    let captured = session.bounded(deadline, &ear, recording.stop(deadline)).await?;
    let sound = Sound { signal: &play.signal, code, stimulus, target, name, microphone: &**microphone };
    analyse(session, sound, captured, None, place).await?;
    Ok(StepEnd::Done)
}

/// Records for a time what others may be playing.
pub(crate) async fn listen(session: &Session<'_>, step: &Listen, place: Place<'_>) -> StepResult {
    let trial = session.trial;
    let signal = step.signal.as_deref().ok_or_else(|| {
        InfrastructureFault::new("plan", "the step `listen` has no driver without a `signal`")
            .hint("run `rigtone plan`: it skips such combinations")
    })?;
    let stimulus = stimulus(signal, USUAL_HZ, FOREIGN)
        .map_err(|e| InfrastructureFault::new("plan", e.to_string()).hint("run `rigtone check` on the scenario"))?;
    let (name, near) = trial.microphone(&step.with)?;
    let target = trial.unit(near)?;
    let microphone = trial.bench.microphones.get(name).ok_or_else(|| {
        InfrastructureFault::new(format!("microphone {name}"), "is not part of the rig that was opened")
    })?;
    let ear = format!("microphone {name}");
    let deadline = session.now().plus(START_NS);
    let recording = session.bounded(deadline, &ear, microphone.start(deadline)).await?;
    session.pass(step.lasting.ns()).await;
    let deadline = session.now().plus(START_NS);
    let captured = session.bounded(deadline, &ear, recording.stop(deadline)).await?;
    let name = name.to_owned();
    let sound = Sound { signal, code: FOREIGN, stimulus, target, name, microphone: &**microphone };
    analyse(session, sound, captured, None, place).await?;
    Ok(StepEnd::Done)
}

/// Keeps a recording and observes what it says.
async fn analyse(
    session: &Session<'_>,
    sound: Sound<'_>,
    captured: Captured,
    emitted: Option<Emitted>,
    place: Place<'_>,
) -> Result<(), InfrastructureFault> {
    let ear = format!("microphone {}", sound.name);
    let step = place.step.unwrap_or_default();
    if let Some(received) = &captured.received {
        packets(session, place, &sound.name, &captured, received)?;
        if let Some(reason) = &received.not_decoded {
            // Zeros would say that nothing was sent.
            for quantity in [Quantity::Presence, Quantity::Latency] {
                session.observe(place, quantity, Value::Inconclusive { reason: reason.clone() });
            }
            return Ok(());
        }
    }
    let listening = listening(session, &sound, &captured);
    let evidence = store(session, place, &sound.name, &captured, &listening)?;
    let hz = asked_hz(session.trial.scenario, step);
    let heard = match examine(session, &captured, emitted, listening, &sound.stimulus, hz).await? {
        Ok(heard) => heard,
        Err(fault) => {
            let what = format!("the recording cannot be analysed: {fault}");
            return Err(InfrastructureFault::new(ear, what).hint("check the microphone's cable, gain and format"));
        }
    };
    let seam_s = heard.seam_s();
    for observation in heard.observations(step, &evidence) {
        place.emit(session.now(), Body::Observed(observation));
    }
    if let Some(at_s) = seam_s {
        let what = format!("its recording jumps at {at_s:.3} s, room and all: samples were lost or made up");
        return Err(InfrastructureFault::new(ear, what).hint("see what else keeps the host or its USB bus busy"));
    }
    Ok(())
}

/// Observes what came of a stream, and keeps when each of its packets came.
fn packets(
    session: &Session<'_>,
    place: Place<'_>,
    microphone: &str,
    captured: &Captured,
    received: &Received,
) -> Result<(), InfrastructureFault> {
    // By the recording beside it, so that it stays true when the rig's clock begins anew.
    let from_ns = captured.anchors.first().map_or(0, |anchor| anchor.t_ns);
    let rows = received.packets.iter().map(|packet| format!("{},{}\n", packet.at.0 - from_ns, packet.bytes));
    let table: String = std::iter::once("ns_after_first_frame,bytes\n".to_owned()).chain(rows).collect();
    let about = format!("arrival of each packet at microphone {microphone}");
    let sha256 = keep(session, place, &format!("{microphone}-packets.csv"), table.as_bytes(), about, None)?;
    let number = |value: f64, unit: &str, uncertainty| Value::Number { value, unit: unit.to_owned(), uncertainty };
    let observe = |quantity, value, quality: &[(&str, f64)]| {
        let quality = quality.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect();
        let of = place.step.unwrap_or_default();
        let evidence = Some(sha256.clone());
        let observation = Observation { evidence, quality, ..Observation::raw(of, quantity, value) };
        place.emit(session.now(), Body::Observed(observation));
    };
    let counts = &received.counts;
    let quality = [
        ("bytes", counts.bytes as f64),
        ("disordered", counts.disordered as f64),
        ("foreign", counts.foreign as f64),
        ("malformed", counts.malformed as f64),
        ("renumbered", counts.renumbered as f64),
        ("damaged-frames", received.damaged as f64),
        ("pauses", f64::from(received.pauses)),
    ];
    observe(Quantity::Packets, number(counts.packets as f64, "packets", 0.0), &quality);
    let quality = [("samples", counts.lost_samples as f64)];
    observe(Quantity::LostPackets, number(counts.lost as f64, "packets", 0.0), &quality);
    if let Some(intervals) = &received.intervals {
        let ms = |ns: i64| ns as f64 / 1e6;
        let quality =
            [("min-ms", ms(intervals.min_ns)), ("p99-ms", ms(intervals.p99_ns)), ("max-ms", ms(intervals.max_ns))];
        // Both ends of every interval are read by one clock.
        observe(Quantity::PacketInterval, number(intervals.mean_ns / 1e6, "ms", 0.001), &quality);
    }
    Ok(())
}

/// Keeps a recording, or a file beside one, as evidence; gives its hash.
pub(crate) fn keep(
    session: &Session<'_>,
    place: Place<'_>,
    name: &str,
    bytes: &[u8],
    about: String,
    recording: Option<(&Captured, &Listening)>,
) -> Result<String, InfrastructureFault> {
    let step = place.step.unwrap_or("play");
    let stored = place
        .evidence(&format!("{step}-{name}"), bytes, session.trial.bench.keeper.disk_is_full())
        .map_err(|e| InfrastructureFault::new("evidence", e.to_string()).hint(e.hint()))?;
    let body = Body::Evidence {
        file: stored.file,
        sha256: stored.sha256.clone(),
        bytes: bytes.len() as u64,
        about,
        anchors: recording.map(|(captured, _)| captured.anchors.clone()).unwrap_or_default(),
        clock: None,
        listening: recording.map(|(_, listening)| Box::new(listening.clone())),
    };
    place.emit(session.now(), body);
    Ok(stored.sha256)
}

/// Records when the packets left. The clock of the host is that of the frames: what is not known is one reading of it.
fn paced(session: &Session<'_>, pacing: Pacing, place: Place<'_>) {
    const READING_MS: f64 = 0.001;
    let number = |value: f64, unit: &str, uncertainty| Value::Number { value, unit: unit.to_owned(), uncertainty };
    let ms = |ns: i64| number(ns as f64 / 1e6, "ms", READING_MS);
    let share = |count: u64| number(100.0 * count as f64 / pacing.due.max(1) as f64, "%", 0.0);
    for (quantity, value) in [
        (Quantity::SentPackets, number(pacing.sent as f64, "packets", 0.0)),
        (Quantity::SentBytes, number(pacing.bytes as f64, "bytes", 0.0)),
        (Quantity::PacketLateness, ms(pacing.late_p99_ns)),
        (Quantity::WorstPacketLateness, ms(pacing.late_most_ns)),
        (Quantity::PacketJitter, ms(pacing.jitter_ns)),
        (Quantity::BlockedPackets, share(pacing.blocked)),
        (Quantity::DroppedPackets, share(pacing.dropped)),
    ] {
        session.observe(place, quantity, value);
    }
}

/// The microphone that hears a unit best, and its name.
pub(crate) fn nearest<'s>(
    session: &'s Session<'_>,
    unit: &Unit,
) -> Result<(String, &'s dyn Microphone), InfrastructureFault> {
    let bench = session.trial.bench;
    let name = bench.nearest_microphone(&unit.name).unwrap_or_default().to_owned();
    let microphone = bench.microphones.get(&name).ok_or_else(|| {
        InfrastructureFault::new(format!("unit {}", unit.name), "no microphone of the rig hears it")
            .hint("name one with `heard-by:` in the rig's document")
    })?;
    Ok((name, &**microphone))
}

/// A latency that was measured, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Timed {
    pub(crate) ms: f64,
    pub(crate) uncertainty_ms: f64,
}

/// Keeps a recording and tells how late its stimulus arrived; nothing where it was not heard.
pub(crate) async fn timed(
    session: &Session<'_>,
    place: Place<'_>,
    member: &str,
    captured: &Captured,
    emitted: Option<Emitted>,
    listening: Listening,
    stimulus: &Stimulus,
) -> Result<Option<Timed>, InfrastructureFault> {
    let evidence = keep_sound(session, place, &member.replace(' ', "-"), captured, None)?;
    let heard = examine(session, captured, emitted, listening, stimulus, Vec::new()).await?.map_err(|fault| {
        InfrastructureFault::new(member, format!("the recording cannot be analysed: {fault}"))
            .hint("check the microphone's cable, gain and format")
    })?;
    let latency = heard
        .observations(place.step.unwrap_or_default(), &evidence)
        .find(|observation| observation.quantity == Quantity::Latency);
    Ok(latency.and_then(|latency| match latency.value {
        Value::Number { value, uncertainty, .. } => Some(Timed { ms: value, uncertainty_ms: uncertainty }),
        _ => None,
    }))
}

/// Keeps a recording that is held against no stimulus, or what of it was captured between two times; gives its hash.
pub(crate) fn keep_sound(
    session: &Session<'_>,
    place: Place<'_>,
    name: &str,
    captured: &Captured,
    between_ns: Option<(i64, i64)>,
) -> Result<String, InfrastructureFault> {
    let (frames, first) = (captured.anchors.last().map_or(0.0, |a| a.frame), captured.anchors.first());
    let frame = |t_ns: i64| {
        let at = first.map_or(0.0, |a| t_ns.saturating_sub(a.t_ns) as f64 * f64::from(captured.rate) / 1e9);
        at.clamp(0.0, frames) as usize * usize::from(captured.channels)
    };
    let range = between_ns.map_or(0..captured.samples.len(), |(from, to)| {
        let end = frame(to).min(captured.samples.len());
        frame(from).min(end)..end
    });
    let pcm = match &captured.samples {
        Samples::S16(samples) => Pcm::I16(&samples[range]),
        Samples::S24(samples) => Pcm::I24(&samples[range]),
        Samples::S32(samples) => Pcm::I32(&samples[range]),
    };
    let wav = wav::encode(captured.rate, captured.channels, pcm)
        .map_err(|e| InfrastructureFault::new("evidence", e.to_string()).hint("record for a shorter time"))?;
    keep(session, place, &format!("{name}.wav"), &wav, format!("what {name} heard"), None)
}

/// Stores the recording as captured; gives its hash.
fn store(
    session: &Session<'_>,
    place: Place<'_>,
    microphone: &str,
    captured: &Captured,
    listening: &Listening,
) -> Result<String, InfrastructureFault> {
    let pcm = match &captured.samples {
        Samples::S16(samples) => Pcm::I16(samples),
        Samples::S24(samples) => Pcm::I24(samples),
        Samples::S32(samples) => Pcm::I32(samples),
    };
    let wav = wav::encode(captured.rate, captured.channels, pcm)
        .map_err(|e| InfrastructureFault::new("evidence", e.to_string()).hint("record for a shorter time"))?;
    let about = format!("recording of microphone {microphone}");
    keep(session, place, &format!("{microphone}.wav"), &wav, about, Some((captured, listening)))
}

/// How a recording is to be analysed.
pub(crate) fn listening(session: &Session<'_>, sound: &Sound<'_>, captured: &Captured) -> Listening {
    let (bench, name) = (session.trial.bench, &sound.name);
    let heard = bench.heard(&sound.target.name, name);
    Listening {
        signal: sound.signal.to_owned(),
        code: sound.code,
        channel: captured.channel,
        reference: captured.reference,
        residual_ns: captured.residual_ns,
        clock_uncertainty_ns: sound.microphone.latency_uncertainty_ns(),
        distance_m: heard.map_or(0.0, |heard| heard.distance.metres()),
        nearer: heard.and_then(|heard| heard.nearer),
        calibrated: bench.calibrated.get(name).copied(),
        response: bench.responses.get(name).cloned(),
        digital_silence: bench.digital_silence.contains(name),
        rate_hz: sound.stimulus.rate(),
    }
}

async fn examine(
    session: &Session<'_>,
    captured: &Captured,
    emitted: Option<Emitted>,
    listening: Listening,
    stimulus: &Stimulus,
    hz: Vec<f64>,
) -> Result<Result<Heard, HearError>, InfrastructureFault> {
    let Captured { rate, channels, channel, reference, ref samples, ref anchors, .. } = *captured;
    let (samples, anchors, stimulus) = (samples.clone(), anchors.clone(), stimulus.clone());
    let job = move || {
        let reference = reference.map(|channel| samples.scaled(channel, channels));
        let (reference, samples) = (reference.as_deref(), samples.scaled(channel, channels));
        let take = Take { rate, samples: &samples, reference, anchors: &anchors, emitted, listening: &listening };
        hear(&take, &stimulus, &hz)
    };
    let found = compute(&*session.trial.bench.clock, ANALYSIS_NS, job).await;
    found.ok_or_else(|| {
        InfrastructureFault::new("analysis", "the analysis of the recording ended with a panic")
            .hint("this is a fault of Rigtone: please report it with the run directory")
    })
}
