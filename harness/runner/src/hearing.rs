//! Playing a stimulus or listening for one, recording it, and turning the recording into observations.

use rigtone_audio::stimulus::Stimulus;
use rigtone_model::{
    document::{Listen, Play},
    event::{Body, Listening},
    observation::{Observation, Quantity, Value},
    quantity::{Duration, Level},
    trial::InfrastructureFault,
};
use rigtone_record::wav::{self, Pcm};
use rigtone_rig::{
    capability::{
        Answer, Asked, Captured, Microphone, Pacing, Programme, Received, Recording, Request, Samples, Streaming, Unit,
        Wish,
    },
    clock::compute,
};
use rigtone_witness::sound::{Emitted, HearError, Heard, Take, asked_hz, hear, hear_any, identity, stimulus};

use crate::{
    asked::{self, ASKED_NS},
    emit::Place,
    step::{Session, StepEnd, StepResult, USUAL_HZ},
    volume,
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
/// What is played to see how loud it is.
const LOUDNESS_SIGNAL: &str = "noise";
/// The level of what is no sound at all, in dB relative to full scale: below the last step of 16 bits.
const SILENT_DBFS: f64 = -100.0;

/// What is recorded, and what it is to be held against.
pub(crate) struct Sound<'a> {
    pub(crate) signal: &'a str,
    pub(crate) code: u32,
    /// Nothing where any sound is listened for.
    pub(crate) stimulus: Option<Stimulus>,
    pub(crate) times: u32,
    /// The unit that sounds, or beside which the microphone stands.
    pub(crate) target: &'a Unit,
}

/// A microphone that records.
pub(crate) struct Ear<'a> {
    /// The axis that names it, where the step names its microphones.
    pub(crate) axis: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) microphone: &'a dyn Microphone,
}

/// A recording that runs.
pub(crate) struct Running<'a> {
    ear: Ear<'a>,
    recording: Box<dyn Recording>,
}

impl<'a> Ear<'a> {
    fn of(session: &Session<'a>, axis: Option<&'a str>, name: &'a str) -> Result<Self, InfrastructureFault> {
        let microphone = session.trial.bench.microphones.get(name).ok_or_else(|| {
            InfrastructureFault::new(format!("microphone {name}"), "is not part of the rig that was opened")
        })?;
        Ok(Self { axis, name, microphone: &**microphone })
    }

    /// The microphone that is nearest to a unit.
    pub(crate) fn nearest(session: &Session<'a>, unit: &Unit) -> Result<Self, InfrastructureFault> {
        let name = session.trial.bench.nearest_microphone(&unit.name).ok_or_else(|| {
            InfrastructureFault::new(format!("unit {}", unit.name), "no microphone of the rig hears it")
                .hint("name one with `heard-by:` in the rig's document")
        })?;
        Self::of(session, None, name)
    }

    pub(crate) fn member(&self) -> String {
        format!("microphone {}", self.name)
    }

    pub(crate) async fn start(self, session: &Session<'_>) -> Result<Running<'a>, InfrastructureFault> {
        let deadline = session.now().plus(START_NS);
        let recording = session.bounded(deadline, &self.member(), self.microphone.start(deadline)).await?;
        Ok(Running { ear: self, recording })
    }
}

impl<'a> Running<'a> {
    pub(crate) async fn stop(self, session: &Session<'_>) -> Result<(Ear<'a>, Captured), InfrastructureFault> {
        let deadline = session.now().plus(START_NS);
        let captured = session.bounded(deadline, &self.ear.member(), self.recording.stop(deadline)).await?;
        Ok((self.ear, captured))
    }
}

/// The microphones that record a play: those that it names, the one nearest to the sounding unit first, else that one alone.
fn ears<'a>(session: &Session<'a>, play: &'a Play, target: &'a Unit) -> Result<Vec<Ear<'a>>, InfrastructureFault> {
    let bench = session.trial.bench;
    if play.heard_by.is_empty() {
        return Ok(vec![Ear::nearest(session, target)?]);
    }
    let nearest = bench.nearest_microphone(&target.name);
    let named = play.heard_by.iter().map(|axis| Ear::of(session, Some(axis), session.trial.microphone(axis)?.0));
    let mut ears = named.collect::<Result<Vec<_>, _>>()?;
    ears.sort_by_key(|ear| Some(ear.name) != nearest);
    Ok(ears)
}

async fn start_all<'a>(session: &Session<'_>, ears: Vec<Ear<'a>>) -> Result<Vec<Running<'a>>, InfrastructureFault> {
    let mut running = Vec::new();
    for ear in ears {
        running.push(ear.start(session).await?);
    }
    Ok(running)
}

/// Ends all recordings before the first of them is looked at, which takes time.
async fn stop_all<'a>(
    session: &Session<'_>,
    running: Vec<Running<'a>>,
) -> Result<Vec<(Ear<'a>, Captured)>, InfrastructureFault> {
    let mut captured = Vec::new();
    for running in running {
        captured.push(running.stop(session).await?);
    }
    Ok(captured)
}

/// The stimulus of a step, as its source plays it.
fn stimulus_of(signal: &str, hz: u32, code: u32) -> Result<Stimulus, InfrastructureFault> {
    stimulus(signal, hz, code)
        .map_err(|e| InfrastructureFault::new("plan", e.to_string()).hint("run `rigtone check` on the scenario"))
}

/// What a play sends.
fn programme(session: &Session<'_>, play: &Play, stimulus: &Stimulus) -> Result<Programme, InfrastructureFault> {
    let bindings = session.trial.bindings();
    let lasting = play.lasting.as_ref().map(|lasting| bindings.resolve(lasting)).transpose();
    let level = play.level.as_ref().map(|level| bindings.resolve(level)).transpose();
    let content = play.content.as_ref().map(|content| bindings.resolve(content)).transpose();
    let length = Duration::from_ns((stimulus.duration_s() * 1e9).round() as i64);
    let times = session.bound(lasting)?.map_or(1, |lasting| Play::times(lasting, length));
    let programme = Programme::once(stimulus).times(times);
    let programme = programme.at_level(session.bound(level)?.map_or(0.0, Level::db));
    Ok(programme.of_content(session.bound(content)?))
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
    let stimulus = stimulus_of(&play.signal, session.rate_hz, code)?;
    let programme = programme(session, play, &stimulus)?;
    let member = format!("unit {}", unit.name);
    let length_ns = programme.length_ns();

    // Encoding takes a small part of the time that playing takes.
    let deadline = session.now().plus(START_NS + length_ns / 5);
    session.bounded(deadline, &member, streaming.prepare(&programme, wish, deadline)).await?;
    if let Err(failure) = volume::set(session, play, streaming, unit, target, wish, place).await? {
        return Ok(StepEnd::Failed(failure));
    }
    let running = start_all(session, ears(session, play, target)?).await?;
    session.pass(LEAD_NS).await;
    let deadline = session.now().plus(length_ns + START_NS);
    let streamed = session.bounded(deadline, &member, streaming.stream(target.address, &programme, deadline)).await?;
    session.pass(TAIL_NS).await;
    let recorded = stop_all(session, running).await?;

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
    let times = programme.repeats();
    for (ear, captured) in recorded {
        let sound = Sound { signal: &play.signal, code, stimulus: Some(stimulus.clone()), times, target };
        analyse(session, sound, ear, captured, emitted, place).await?;
    }
    Ok(streamed.ended.map_or_else(StepEnd::Failed, |()| StepEnd::Done))
}

/// How loud a short noise is at the microphone nearest to a unit, A-weighted in dB SPL; nothing where it is not heard. The recording is
/// no evidence: nothing is judged by it.
pub(crate) async fn loudness(
    session: &Session<'_>,
    streaming: &dyn Streaming,
    unit: &Unit,
    target: &Unit,
    wish: Wish,
) -> Answer<Option<f64>> {
    let bench = session.trial.bench;
    let code = identity(&session.trial.plan.rig, &target.name);
    let stimulus = stimulus_of(LOUDNESS_SIGNAL, session.rate_hz, code)?;
    let programme = Programme::once(&stimulus);
    let member = format!("unit {}", unit.name);
    let name = bench.nearest_microphone(&target.name).unwrap_or_default();
    let ear = Ear::of(session, None, name)?;
    let deadline = session.now().plus(START_NS);
    session.bounded(deadline, &member, streaming.prepare(&programme, wish, deadline)).await?;
    let running = ear.start(session).await?;
    session.pass(LEAD_NS).await;
    let deadline = session.now().plus(programme.length_ns() + START_NS);
    let streamed = session.bounded(deadline, &member, streaming.stream(target.address, &programme, deadline)).await?;
    session.pass(TAIL_NS).await;
    let (ear, captured) = running.stop(session).await?;
    if let Err(failure) = streamed.ended {
        return Ok(Err(failure));
    }
    let emitted = streamed.emission.map(|e| Emitted { t_ns: e.at.0, uncertainty_ns: e.uncertainty_ns });
    let sound = Sound { signal: LOUDNESS_SIGNAL, code, stimulus: Some(stimulus), times: 1, target };
    let listening = listening(session, &sound, &ear, &captured);
    let heard = match examine(session, captured, emitted, listening, sound.stimulus, Vec::new()).await? {
        Ok(heard) => heard,
        Err(fault) => {
            let what = format!("the recording cannot be analysed: {fault}");
            return Err(
                InfrastructureFault::new(ear.member(), what).hint("check the microphone's cable, gain and format")
            );
        }
    };
    let pressure = heard.observations("", "", None).find(|o| o.quantity == Quantity::SoundPressure);
    Ok(Ok(pressure.and_then(|pressure| match pressure.value {
        Value::Number { value, .. } => Some(value),
        _ => None,
    })))
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
    let session = &*session;
    let trial = session.trial;
    let own = source.plays_what_it_is_given();
    let code = if own { identity(&trial.plan.rig, &target.name) } else { FOREIGN };
    let stimulus = stimulus_of(&play.signal, USUAL_HZ, code)?;
    let programme = programme(session, play, &stimulus)?;
    let running = start_all(session, ears(session, play, target)?).await?;
    session.pass(LEAD_NS).await;
    let (on, signal, content) = (target.address, play.signal.as_str(), programme.content());
    let request = Request::Play { on, signal, stimulus: &stimulus, content };
    let reply = asked::ask(session, unit, source, request, ASKED_NS, place).await?;
    if let Err(failure) = reply.outcome {
        // Nothing plays that a recording could be held against.
        return Ok(StepEnd::Failed(failure));
    }
    session.pass(source.lag_ns() + programme.length_ns() + TAIL_NS).await;
    for (ear, captured) in stop_all(session, running).await? {
        let sound = Sound { signal, code, stimulus: Some(stimulus.clone()), times: 1, target };
        analyse(session, sound, ear, captured, None, place).await?;
    }
    Ok(StepEnd::Done)
}

/// Records for a time what others may be playing.
pub(crate) async fn listen(session: &Session<'_>, step: &Listen, place: Place<'_>) -> StepResult {
    let trial = session.trial;
    let stimulus = step.signal.as_deref().map(|signal| stimulus_of(signal, USUAL_HZ, FOREIGN)).transpose()?;
    let (name, near) = trial.microphone(&step.with)?;
    let target = trial.unit(near)?;
    let running = Ear::of(session, Some(&step.with), name)?.start(session).await?;
    session.pass(step.lasting.ns()).await;
    let (ear, captured) = running.stop(session).await?;
    let signal = step.signal.as_deref().unwrap_or_default();
    let sound = Sound { signal, code: FOREIGN, stimulus, times: 1, target };
    analyse(session, sound, ear, captured, None, place).await?;
    Ok(StepEnd::Done)
}

/// Keeps a recording and observes what it says.
async fn analyse(
    session: &Session<'_>,
    sound: Sound<'_>,
    ear: Ear<'_>,
    captured: Captured,
    emitted: Option<Emitted>,
    place: Place<'_>,
) -> Result<(), InfrastructureFault> {
    let step = place.step.unwrap_or_default();
    if let Some(received) = &captured.received {
        packets(session, place, ear.name, &captured, received)?;
        if let Some(reason) = &received.not_decoded {
            // Zeros would say that nothing was sent.
            for quantity in [Quantity::Presence, Quantity::Latency] {
                session.observe(place, quantity, Value::Inconclusive { reason: reason.clone() });
            }
            return Ok(());
        }
    }
    let listening = listening(session, &sound, &ear, &captured);
    let evidence = store(session, place, ear.name, &captured, &listening)?;
    let hz = asked_hz(session.trial.scenario, step);
    let heard = match examine(session, captured, emitted, listening, sound.stimulus, hz).await? {
        Ok(heard) => heard,
        Err(fault) => {
            let what = format!("the recording cannot be analysed: {fault}");
            return Err(
                InfrastructureFault::new(ear.member(), what).hint("check the microphone's cable, gain and format")
            );
        }
    };
    let seam_s = heard.seam_s();
    for observation in heard.observations(step, &evidence, ear.axis) {
        place.emit(session.now(), Body::Observed(observation));
    }
    if let Some(at_s) = seam_s {
        let what = format!("its recording jumps at {at_s:.3} s, room and all: samples were lost or made up");
        return Err(
            InfrastructureFault::new(ear.member(), what).hint("see what else keeps the host or its USB bus busy")
        );
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
    let heard = examine(session, captured.clone(), emitted, listening, Some(stimulus.clone()), Vec::new())
        .await?
        .map_err(|fault| {
            InfrastructureFault::new(member, format!("the recording cannot be analysed: {fault}"))
                .hint("check the microphone's cable, gain and format")
        })?;
    let latency = heard
        .observations(place.step.unwrap_or_default(), &evidence, None)
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
pub(crate) fn listening(session: &Session<'_>, sound: &Sound<'_>, ear: &Ear<'_>, captured: &Captured) -> Listening {
    let (bench, name) = (session.trial.bench, ear.name);
    // Where no noise was heard at all, anything is louder than it.
    let noise_dbfs = || bench.keeper.noise_dbfs(name).unwrap_or(SILENT_DBFS);
    let heard = bench.heard(&sound.target.name, name);
    Listening {
        signal: sound.signal.to_owned(),
        code: sound.code,
        channel: captured.channel,
        reference: captured.reference,
        residual_ns: captured.residual_ns,
        clock_uncertainty_ns: ear.microphone.latency_uncertainty_ns(),
        distance_m: heard.map_or(0.0, |heard| heard.distance.metres()),
        nearer: heard.and_then(|heard| heard.nearer),
        calibrated: bench.calibrated.get(name).copied(),
        response: bench.responses.get(name).cloned(),
        digital_silence: bench.digital_silence.contains(name),
        at: ear.axis.map(str::to_owned),
        times: sound.times,
        any_above_dbfs: sound.stimulus.is_none().then(noise_dbfs),
        rate_hz: sound.stimulus.as_ref().map_or(USUAL_HZ, Stimulus::rate),
    }
}

async fn examine(
    session: &Session<'_>,
    captured: Captured,
    emitted: Option<Emitted>,
    listening: Listening,
    stimulus: Option<Stimulus>,
    hz: Vec<f64>,
) -> Result<Result<Heard, HearError>, InfrastructureFault> {
    let job = move || {
        let Captured { rate, channels, channel, reference, samples, anchors, .. } = captured;
        let reference = reference.map(|channel| samples.scaled(channel, channels));
        // A long recording is there once only.
        let samples = {
            let whole = samples;
            whole.scaled(channel, channels)
        };
        let (reference, samples) = (reference.as_deref(), &samples[..]);
        let take = Take { rate, samples, reference, anchors: &anchors, emitted, listening: &listening };
        match &stimulus {
            Some(stimulus) => hear(&take, stimulus, &hz),
            None => Ok(hear_any(&take)),
        }
    };
    let found = compute(&*session.trial.bench.clock, ANALYSIS_NS, job).await;
    found.ok_or_else(|| {
        InfrastructureFault::new("analysis", "the analysis of the recording ended with a panic")
            .hint("this is a fault of Rigtone: please report it with the run directory")
    })
}
