//! How loud, and what is noise: weighted levels, sound pressure, noise floor, hum, signal-to-noise ratio, and whether the level chain is linear.
//!
//! Levels are taken in the frequency domain (Welch, Hann, half overlap), where the weighting curves are exact at every rate. They are dB re full
//! scale (RMS, a full-scale square wave reads 0) until a [`Calibration`] makes sound pressure of them. Uncertainties are standard (k = 1).

mod ladder;
mod level;
mod noise;
mod snr;
mod spectrum;
mod weighting;

pub use ladder::{Chain, LADDER_DBFS, LADDER_STEP_S, Ladder, LadderStep, StepLevel, chain, ladder};
pub(crate) use level::mean_and_uncertainty_db;
pub use level::{Calibration, SoundPressure, WeightedLevel, level, sound_pressure};
pub use noise::{Hum, HumLine, NoiseFloor, Third, hum, noise_floor};
pub use snr::{Snr, snr};
pub use spectrum::Spectrum;
pub use weighting::Weighting;
