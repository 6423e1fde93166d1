//! The first arrival of a known sound: the earliest peak in the impulse response of its path, 500 to 8000 Hz.

use schemars::JsonSchema;
use serde::Serialize;

use crate::excerpt::{Excerpt, outcome};
use crate::fft::Fft;
use crate::impulse::{EARLY_S, Impulse};
use crate::measure::{Outcome, Polarity, Reason};

/// The band in Hz.
const BAND_HZ: (f64, f64) = (500.0, 8000.0);
/// How long before the sound the recording has to begin, and how long after its end it has to go on, in seconds.
pub const BEFORE_S: f64 = 0.08;
/// See [`BEFORE_S`].
pub const BEHIND_S: f64 = 0.1;
/// The arrival must stand so far over the noise of the response, in dB.
const NEED_DB: f64 = 18.0;
/// A stronger sound so much later than the first puts the line of sight in doubt.
const LINE_OF_SIGHT_S: f64 = 0.001;

/// The first arrival of a sound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct FirstArrival {
    /// Frame of the recording at which frame 0 of the sound arrived.
    pub frame: f64,
    /// Its standard uncertainty in seconds: noise only.
    pub uncertainty_s: f64,
    /// As played or turned over.
    pub polarity: Polarity,
    /// The arrival over the noise of the impulse response, in dB.
    pub over_noise_db: f64,
    /// How much later the strongest sound came, in seconds.
    pub strongest_after_s: f64,
}

/// The first arrival of `sound` in a recording of it that begins about [`BEFORE_S`] before it (within 10 ms of its strongest path), with drift
/// taken out. Inconclusive if it is too short or clipped, if the sound is not heard 18 dB over the noise of the impulse response (it may have
/// nothing in the band), or if a stronger one comes 1 ms later.
pub fn first_arrival(recording: &Excerpt<'_>, sound: &[f32]) -> Outcome<FirstArrival> {
    outcome(measure(recording, sound))
}

fn measure(recording: &Excerpt<'_>, sound: &[f32]) -> Result<FirstArrival, Reason> {
    let rate = recording.rate();
    let per_second = f64::from(rate);
    recording.carries(BAND_HZ.1)?;
    let behind = ((BEFORE_S + BEHIND_S) * per_second) as usize;
    recording.lasts(sound.len() + behind)?;
    recording.unclipped()?;
    let sound: Vec<f64> = sound.iter().map(|sample| f64::from(*sample)).collect();
    let mut fft = Fft::default();
    let impulse = Impulse::new(&mut fft, &recording.to_f64(), &sound, rate, BAND_HZ, (0, behind));
    let mut found = impulse.first_arrival().ok_or(Reason::NotPresent)?;
    let envelope = &impulse.envelope;
    let strongest = (0..envelope.len()).max_by(|&a, &b| envelope[a].total_cmp(&envelope[b])).unwrap_or(found.at);
    if found.at < strongest {
        // A sound of few tones has sidelobes of its own, which come before its peak.
        let early = (EARLY_S * per_second) as usize + 1;
        let own = Impulse::new(&mut fft, &sound, &sound, rate, BAND_HZ, (early, early)).envelope;
        let share = |before: usize| early.checked_sub(before).map_or(0.0, |n| own[n] / own[early].max(1e-30));
        found = impulse.first_arrival_beside(share).ok_or(Reason::NotPresent)?;
    }
    if found.over_noise_db < NEED_DB {
        let at_hz = (BAND_HZ.0 * BAND_HZ.1).sqrt();
        return Err(Reason::LowSnr { snr_db: found.over_noise_db, need_db: NEED_DB, at_hz });
    }
    let strongest_after_s = strongest.saturating_sub(found.at) as f64 / per_second;
    if strongest_after_s > LINE_OF_SIGHT_S {
        return Err(Reason::LineOfSight { apart_s: strongest_after_s });
    }
    // Of a band from a to b the mean square frequency is (a^2 + ab + b^2) / 3 (Cramér-Rao).
    let (a, b) = BAND_HZ;
    let spread = std::f64::consts::TAU * ((a * a + a * b + b * b) / 3.0).sqrt();
    Ok(FirstArrival {
        frame: found.lag,
        uncertainty_s: (spread * 10f64.powf(found.over_noise_db / 20.0)).recip(),
        polarity: if found.inverted { Polarity::Inverted } else { Polarity::Normal },
        over_noise_db: found.over_noise_db,
        strongest_after_s,
    })
}
