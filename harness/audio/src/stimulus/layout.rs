//! Where the parts of each stimulus lie.

use super::generate::GENERATOR_VERSION;
use super::parts::{MARKER_S, Part, PartKind, Positions, Triplet};
use super::pattern::Pattern;
use super::{Name, content, frames};
use crate::channels::{CODE_FRAMES, Content};
use crate::loudness::{LADDER_DBFS, LADDER_STEP_S};

/// Silence before all: more than the second that hum and noise floor need.
const SILENCE_S: f64 = 1.2;
/// Length of the noise where it is measured, and where it only says whose sound it is.
const NOISE_S: f64 = 12.0;
const IDENTITY_S: f64 = 1.5;
/// A triplet with the room's first decay.
const TRIPLET_S: f64 = 0.9;
/// Silence behind the last triplet, so that a recording of the same length still holds it when it comes late.
const END_S: f64 = 0.3;

/// Silence behind channel codes in seconds: a copy of the sound up to 0.5 s later is not covered by the next code.
pub(super) const CODE_PAUSE_S: f64 = 0.6;
/// Silence behind the other parts; the sweep leaves the most to decay.
const PAUSE_S: f64 = 0.5;
const SWEEP_PAUSE_S: f64 = 1.0;

pub(super) fn layout(name: Name, rate: u32, code: u32, pattern: Pattern) -> Positions {
    let whole = [channels, ladder, sweep, probe, tone].as_slice();
    let (channels, primer_s, parts, noise_s) = match name {
        Name::Smoke => return smoke(rate, code, pattern),
        Name::Full => (2, 1.5, whole, NOISE_S),
        Name::Channels => (2, 0.5, &whole[..1], IDENTITY_S),
        Name::Ladder => (1, 0.5, &whole[1..2], IDENTITY_S),
        Name::Sweep => (1, 0.5, &whole[2..3], IDENTITY_S),
        Name::Probe => (1, 0.5, &whole[3..4], IDENTITY_S),
        Name::Tone => (1, 0.5, &whole[4..], IDENTITY_S),
        Name::Noise => (1, 0.5, &whole[..0], NOISE_S),
    };
    let mut row = Row { rate, at: 0, parts: Vec::new() };
    row.add(PartKind::Silence, SILENCE_S, 0.0);
    row.add(PartKind::Primer, primer_s, 0.1);
    row.triplet(pattern, Triplet::First);
    for part in parts {
        part(&mut row);
    }
    row.add(PartKind::Noise, noise_s, PAUSE_S);
    row.triplet(pattern, Triplet::Last);
    row.at += frames(END_S, rate);
    Positions { name, generator_version: GENERATOR_VERSION, rate, code, frames: row.at, channels, parts: row.parts }
}

/// Parts one behind the other.
struct Row {
    rate: u32,
    at: usize,
    parts: Vec<Part>,
}

impl Row {
    fn add(&mut self, kind: PartKind, length_s: f64, pause_s: f64) {
        self.add_frames(kind, frames(length_s, self.rate), pause_s);
    }

    fn add_frames(&mut self, kind: PartKind, count: usize, pause_s: f64) {
        self.parts.push(Part { kind, start: self.at, frames: count });
        self.at += count + frames(pause_s, self.rate);
    }

    fn triplet(&mut self, pattern: Pattern, triplet: Triplet) {
        for (index, (sweep, offset_s)) in (0..).zip(pattern.sweeps(triplet).into_iter().zip(pattern.offsets_s())) {
            let kind = PartKind::Marker { triplet, index, sweep };
            let start = self.at + frames(offset_s, self.rate);
            self.parts.push(Part { kind, start, frames: frames(MARKER_S, self.rate) });
        }
        self.at += frames(TRIPLET_S, self.rate);
    }
}

fn channels(row: &mut Row) {
    for content in [Content::LeftOnly, Content::RightOnly, Content::Both] {
        row.add_frames(PartKind::ChannelCode { content }, CODE_FRAMES, CODE_PAUSE_S);
    }
}

fn ladder(row: &mut Row) {
    for dbfs in LADDER_DBFS {
        row.add(PartKind::LadderStep { dbfs: dbfs as i32 }, LADDER_STEP_S, 0.0);
    }
    row.at += frames(PAUSE_S, row.rate);
}

fn sweep(row: &mut Row) {
    let (low_hz, high_hz) = content::SWEEP_HZ;
    row.add(PartKind::Sweep { low_hz, high_hz }, content::SWEEP_S, SWEEP_PAUSE_S);
}

fn probe(row: &mut Row) {
    row.add(PartKind::Probe, crate::fingerprint::PROBE_S, PAUSE_S);
}

fn tone(row: &mut Row) {
    row.add(PartKind::Tone { hz: content::TONE_HZ }, content::TONE_S, PAUSE_S);
}

fn smoke(rate: u32, code: u32, pattern: Pattern) -> Positions {
    const FIRST_S: f64 = 0.60;
    const NOISE_S: (f64, f64) = (1.28, 0.87);
    const LAST_S: f64 = 2.20;
    const END_S: f64 = 2.95;
    let at = |kind, start_s, length_s| Part { kind, start: frames(start_s, rate), frames: frames(length_s, rate) };
    let triplet = |triplet, start_s: f64| {
        (0..3u8).map(move |index| {
            let sweep = pattern.sweeps(triplet)[usize::from(index)];
            at(PartKind::Marker { triplet, index, sweep }, start_s + pattern.offsets_s()[usize::from(index)], MARKER_S)
        })
    };
    let mut parts = vec![at(PartKind::Silence, 0.0, 0.30), at(PartKind::Primer, 0.30, 0.25)];
    parts.extend(triplet(Triplet::First, FIRST_S));
    parts.push(at(PartKind::Noise, NOISE_S.0, NOISE_S.1));
    parts.extend(triplet(Triplet::Last, LAST_S));
    Positions {
        name: Name::Smoke,
        generator_version: GENERATOR_VERSION,
        rate,
        code,
        frames: frames(END_S, rate),
        channels: 1,
        parts,
    }
}
