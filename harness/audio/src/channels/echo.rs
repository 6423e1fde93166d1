//! Doubled audio: the same sound twice, as when a second sink or the host's own speaker plays along.

use std::f64::consts::SQRT_2;

use schemars::JsonSchema;
use serde::Serialize;

use super::codes::CODE_BAND_HZ;
use super::polarity::HEARD_DB;
use crate::excerpt::{Excerpt, outcome};
use crate::fft::Fft;
use crate::impulse::Impulse;
use crate::measure::{Outcome, Reason};

/// Nearer than this a second arrival is the room's.
const APART_S: f64 = 0.020;
/// A copy counts from this energy re the loudest one on, in dB.
const COPY_DB: f64 = -20.0;
/// Where reverberation would hide a copy louder than this, finding none means nothing, in dB.
const HIDDEN_DB: f64 = -10.0;
/// A copy's envelope stands so many times over the RMS of the envelope round it: reverberation alone reaches 2.9.
const OVER_DECAY: f64 = 4.0;
/// Half-width of an arrival: its energy is taken within, its surroundings without.
const COMPACT_S: f64 = 0.001;
/// Half-width of the surroundings.
const AROUND_S: f64 = 0.010;
/// Copies are looked for so far apart, in seconds.
const LONGEST_S: f64 = 0.5;
/// Lags looked at before the expected arrival.
const BEFORE_S: f64 = 0.1;

/// One of several copies of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct EchoCopy {
    /// How much later than the first it comes, in seconds.
    pub lag_s: f64,
    /// Its energy re the loudest copy in dB, 500 to 8000 Hz, surroundings taken out.
    pub db: f64,
    /// Standard uncertainty of that in dB: reverberation and noise under it.
    pub uncertainty_db: f64,
    /// Its peak over the RMS of the envelope before it, in dB.
    pub over_decay_db: f64,
}

/// Whether the sound was heard more than once.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Doubled {
    /// It was.
    pub doubled: bool,
    /// The copies in the order of time, the first included; one if nothing is doubled.
    pub copies: Vec<EchoCopy>,
    /// A copy louder than this re the loudest would have been found at any lag from 20 ms on, in dB: what the reverberation hides.
    pub detectable_db: f64,
    /// The loudest copy over the noise of the impulse response, in dB.
    pub over_noise_db: f64,
}

/// Looks for copies of `reference`, played from the first frame of the recording on (within 10 ms), up to 0.5 s apart; 0.5 s must follow it. The
/// reference should last about 1 s: clocks of two devices smear a longer one. Inconclusive if it is not heard, if the noise would hide a copy
/// at -20 dB, or if none is found where reverberation would hide one at -10 dB: go nearer.
pub fn doubled(recording: &Excerpt<'_>, reference: &[f64]) -> Outcome<Doubled> {
    outcome(measure(recording, reference))
}

fn measure(recording: &Excerpt<'_>, reference: &[f64]) -> Result<Doubled, Reason> {
    recording.carries(2.0 * CODE_BAND_HZ.1)?;
    let rate = f64::from(recording.rate());
    let after = (LONGEST_S * rate) as usize;
    recording.lasts(reference.len() + after)?;
    recording.unclipped()?;
    let lags = ((BEFORE_S * rate) as usize, after);
    let impulse =
        Impulse::new(&mut Fft::default(), &recording.to_f64(), reference, recording.rate(), CODE_BAND_HZ, lags);
    let envelope = &impulse.envelope;
    let apart = (APART_S * rate) as usize;
    // Peaks from the loudest down, none within 20 ms of another.
    let mut order: Vec<usize> =
        (1..envelope.len() - 1).filter(|&n| envelope[n] >= envelope[n - 1] && envelope[n] > envelope[n + 1]).collect();
    order.sort_by(|&a, &b| envelope[b].total_cmp(&envelope[a]));
    let Some(&loudest) = order.first() else { return Err(Reason::NotPresent) };
    let mut copies = vec![loudest];
    let direct = compact(&impulse, loudest).energy;
    let noise = (SQRT_2 * impulse.noise_before(loudest.min(impulse.before), 0.015)).max(1e-30);
    let over_noise_db = 20.0 * (envelope[loudest].max(1e-30) / noise).log10();
    if over_noise_db < HEARD_DB {
        return Err(Reason::NotPresent);
    }
    let need_db = 20.0 * OVER_DECAY.log10() - COPY_DB;
    if over_noise_db < need_db {
        return Err(Reason::LowSnr { snr_db: over_noise_db, need_db, at_hz: 2000.0 });
    }
    for n in order {
        if envelope[n] < 10f64.powf((COPY_DB - 6.0) / 20.0) * envelope[loudest] {
            break;
        }
        let arrival = compact(&impulse, n);
        let loud = 10.0 * (arrival.energy.max(1e-30) / direct).log10() >= COPY_DB;
        if loud && arrival.over >= OVER_DECAY && copies.iter().all(|copy| copy.abs_diff(n) > apart) {
            copies.push(n);
        }
    }
    copies.sort_unstable();
    let first = copies[0];
    let hidden = (loudest + apart..envelope.len())
        .step_by((COMPACT_S * rate) as usize)
        .filter(|n| copies.iter().all(|copy| copy.abs_diff(*n) > apart))
        .map(|n| compact(&impulse, n).around)
        .fold(noise, f64::max);
    let detectable_db = (20.0 * (OVER_DECAY * hidden / envelope[loudest]).log10()).max(COPY_DB);
    if copies.len() == 1 && detectable_db > HIDDEN_DB {
        return Err(Reason::Undecided { figure_db: detectable_db, below_db: COPY_DB, above_db: HIDDEN_DB });
    }
    Ok(Doubled {
        doubled: copies.len() > 1,
        copies: copies
            .iter()
            .map(|&n| {
                let arrival = compact(&impulse, n);
                EchoCopy {
                    lag_s: (n - first) as f64 / rate,
                    db: 10.0 * (arrival.energy.max(1e-30) / direct).log10(),
                    // What lies under it adds to it with any phase.
                    uncertainty_db: 20.0 / std::f64::consts::LN_10 / arrival.over.max(1.0),
                    over_decay_db: 20.0 * arrival.over.max(1e-30).log10(),
                }
            })
            .collect(),
        detectable_db,
        over_noise_db,
    })
}

struct Compact {
    energy: f64,
    around: f64,
    over: f64,
}

/// An arrival, and the RMS of the envelope round it.
fn compact(impulse: &Impulse, at: usize) -> Compact {
    let (inner, outer) = ((COMPACT_S * impulse.rate) as usize, (AROUND_S * impulse.rate) as usize);
    let span = at.saturating_sub(inner)..at + inner + 1;
    let before = impulse.rms(at.saturating_sub(outer)..span.start.saturating_sub(inner / 2));
    let after = impulse.rms(span.end + inner / 2..at + outer);
    // What follows a copy is the copy's own reverberation; what precedes it is not.
    let rms = if before > 0.0 { before } else { after }.max(1e-30);
    let energy = (impulse.rms(span.clone()).powi(2) - rms * rms) * span.len() as f64;
    let around = SQRT_2 * rms;
    Compact { energy, around, over: impulse.envelope[at] / around }
}
