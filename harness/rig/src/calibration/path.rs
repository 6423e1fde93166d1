//! The way from a loudspeaker of the rig to one of its microphones, by a sound that goes along it: what the clocks of the two sound
//! cards are apart, and how far they stand from each other.

use rigtone_audio::{
    measure::{Analyser, Arrival, Expectation, Recording, speed_of_sound},
    resample::Converter,
    stimulus::{Name, Stimulus},
};
use rigtone_model::event::Anchor;

use super::Refused;
use crate::{bench::Bench, capability::Captured, clock::Instant, playback::Mono};

/// How often the sound is played at most.
pub const ROUNDS_AT_MOST: u32 = 20;
/// What one round may take beside the sound, in nanoseconds.
const ROUND_NS: i64 = 20_000_000_000;
/// The rate at which the sound is made, in Hz.
const RATE: u32 = 48_000;
/// A code that no unit has: identities of units are hashes.
const CODE: u32 = 0x0ca1_1b8a;
/// The air is taken to be this warm, in degrees Celsius, give or take so many: distances are proportional to the speed of sound.
const AIR_C: f64 = 20.0;
const AIR_UNCERTAINTY_C: f64 = 5.0;
/// What "from the loudspeaker" leaves open: its membrane is not a point, as a standard uncertainty in metres.
const CENTRE_M: f64 = 0.01;
/// No room of a rig is larger, in metres.
const FARTHEST_M: f64 = 50.0;
/// A sound card of a host that is not overloaded knows its own delay better, in seconds.
const LONGEST_S: f64 = 1.0;

/// What is known of the way beforehand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Walk<'a> {
    /// The microphone.
    pub microphone: &'a str,
    /// The loudspeaker.
    pub loudspeaker: &'a str,
    /// From one to the other in metres, by a tape measure: needed where no wire leads from the source to the card of the microphone.
    pub distance_m: Option<f64>,
    /// How often the sound is played.
    pub rounds: u32,
}

/// What the rounds showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Path {
    /// From when the sound left by the word of the one card to when it was captured by that of the other, its flight through the air
    /// taken off: the median, in seconds. Zero would be perfect; what is there is what latencies may be off by.
    pub loopback_s: f64,
    /// The farthest round from it, in seconds.
    pub spread_s: f64,
    /// From the loudspeaker to the microphone with its standard uncertainty, in metres; with a wire only.
    pub distance_m: Option<(f64, f64)>,
    /// How many rounds that were.
    pub rounds: u32,
}

/// What one round showed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Round {
    loopback_s: f64,
    flight: Option<(f64, f64)>,
}

/// Plays a sound and records it, so often as wanted. Cancel-safe: playing and recording end.
///
/// # Errors
/// When a member is not there or fails, or the sound is not found where it should be.
pub async fn path(bench: &Bench, walk: Walk<'_>) -> Result<Path, Refused> {
    let microphone =
        bench.microphones.get(walk.microphone).ok_or_else(|| Refused::NoSuch(walk.microphone.to_owned()))?;
    let loudspeaker = bench
        .loudspeakers
        .get(walk.loudspeaker)
        .ok_or_else(|| Refused::NoLoudspeaker { name: walk.loudspeaker.to_owned(), simulated: bench.simulated })?;
    let stimulus = Stimulus::build(Name::Smoke, RATE, CODE).expect("it is made at 48 kHz");
    let samples = stimulus.channel(0).iter().map(|s| (s * f32::from(i16::MAX)).round() as i16).collect();
    let sound = Mono { rate: RATE, samples };
    let limit_ns = (stimulus.duration_s() * 1e9) as i64 + ROUND_NS;
    let mut rounds = Vec::new();
    for _ in 0..walk.rounds.clamp(1, ROUNDS_AT_MOST) {
        let deadline = bench.clock.now().plus(limit_ns);
        let recording = microphone.start(deadline).await?;
        let began = loudspeaker.play(&sound, deadline).await?;
        let captured = recording.stop(deadline).await?;
        let round = of_recording(&captured, &stimulus, began, walk.distance_m).map_err(|(what, hint)| {
            let (microphone, loudspeaker) = (walk.microphone.to_owned(), walk.loudspeaker.to_owned());
            Refused::NoPath { microphone, loudspeaker, what, hint }
        })?;
        rounds.push(round);
    }
    Ok(together(&rounds))
}

/// Several rounds as one: medians, and the farthest from them.
fn together(rounds: &[Round]) -> Path {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
    };
    let loopback_s = median(rounds.iter().map(|round| round.loopback_s).collect());
    let spread_s = rounds.iter().map(|round| (round.loopback_s - loopback_s).abs()).fold(0.0, f64::max);
    let flights: Vec<(f64, f64)> = rounds.iter().filter_map(|round| round.flight).collect();
    let distance_m = (!flights.is_empty()).then(|| {
        let speed = speed_of_sound(AIR_C);
        let flight_s = median(flights.iter().map(|(flight, _)| *flight).collect());
        let scatter_s = flights.iter().map(|(flight, own)| (flight - flight_s).abs().max(*own)).fold(0.0, f64::max);
        let air = (speed_of_sound(AIR_C + AIR_UNCERTAINTY_C) - speed) / speed;
        let distance = (flight_s * speed).max(0.0);
        (distance, (scatter_s * speed).hypot(distance * air).hypot(CENTRE_M))
    });
    Path { loopback_s, spread_s, distance_m, rounds: rounds.len() as u32 }
}

/// What a recording of the sound says that left at `began`, or what is wrong with it and what to do.
fn of_recording(
    captured: &Captured,
    stimulus: &Stimulus,
    began: Instant,
    taped_m: Option<f64>,
) -> Result<Round, (String, &'static str)> {
    let air = arrival(captured, captured.channel, stimulus)?.ok_or_else(|| {
        ("the microphone did not hear it".to_owned(), "turn the loudspeaker up, and see that it plays")
    })?;
    let wire = match captured.reference {
        None => None,
        Some(channel) => Some(arrival(captured, channel, stimulus)?.ok_or_else(|| {
            ("nothing of it is in the reference channel".to_owned(), "lead the loudspeaker's own signal to that input")
        })?),
    };
    let rate = f64::from(captured.rate);
    let speed = speed_of_sound(AIR_C);
    let (frame, flight_s) = match (&wire, taped_m) {
        (Some(wire), _) => (wire.frame, 0.0),
        (None, Some(metres)) => (air.frame, metres / speed),
        (None, None) => {
            let what =
                "no wire leads to the card of the microphone, so the flight of the sound is not known".to_owned();
            return Err((what, "say how far they are apart with `--at`, or wire a channel (`reference`)"));
        }
    };
    let heard_ns = time_of(&captured.anchors, frame)
        .ok_or_else(|| ("it is not known when it was captured".to_owned(), "see `rigtone rig check`"))?;
    let loopback_s = (heard_ns - began.0 as f64) / 1e9 - flight_s;
    if loopback_s.abs() > LONGEST_S {
        let what = format!("it came {loopback_s:.3} s after it left, as on no sound card");
        return Err((what, "end what else plays on the card, and take load from the host"));
    }
    let flight = wire.map(|wire| {
        let flight_s = (air.frame - wire.frame) / rate;
        (flight_s, air.uncertainty_s.hypot(wire.uncertainty_s))
    });
    match flight {
        Some((flight_s, own)) if flight_s < -(3.0 * own + CENTRE_M / speed) => {
            let what = format!("the microphone heard it {:.2} ms before the wire", -flight_s * 1e3);
            Err((what, "`channel` and `reference` of the microphone may be the wrong way round"))
        }
        Some((flight_s, _)) if flight_s * speed > FARTHEST_M => {
            let what = format!("the microphone would stand {:.0} m away", flight_s * speed);
            Err((what, "see that nothing else plays into the room, and that no effect delays the loudspeaker"))
        }
        flight => Ok(Round { loopback_s, flight }),
    }
}

/// When the sound arrived in a channel, in frames of the recording; nothing where it was not found.
fn arrival(captured: &Captured, channel: u16, stimulus: &Stimulus) -> Result<Option<Arrival>, (String, &'static str)> {
    let mut samples = captured.samples.scaled(channel, captured.channels);
    if captured.rate != stimulus.rate() {
        let converter = Converter::new(captured.rate, stimulus.rate());
        let mut converted = vec![0.0; usize::try_from(converter.frames(samples.len() as u64)).unwrap_or_default()];
        converter.convert(&samples, 0, 0, &mut converted);
        samples = converted;
    }
    let expectation = Expectation { capture_proven: true, ..Expectation::default() };
    let recording = Recording::mono(stimulus.rate(), &samples);
    let found = Analyser::new().analyse(&recording, stimulus, &expectation);
    let found = found.map_err(|fault| (fault.to_string(), "check the microphone"))?;
    let ratio = f64::from(captured.rate) / f64::from(stimulus.rate());
    Ok(found.arrival.measured().map(|arrival| Arrival { frame: arrival.frame * ratio, ..*arrival }))
}

/// When a frame was captured, in nanoseconds, on the line through the first and the last anchor.
fn time_of(anchors: &[Anchor], frame: f64) -> Option<f64> {
    let (first, last) = (anchors.first()?, anchors.last()?);
    let span = last.frame - first.frame;
    let slope = (last.t_ns - first.t_ns) as f64 / span;
    if span > 0.0 { Some(first.t_ns as f64 + (frame - first.frame) * slope) } else { None }
}

#[cfg(test)]
mod tests;
