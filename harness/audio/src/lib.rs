//! Stimuli and measurements on samples.
//!
//! Everything here is a pure function of samples: no files, no devices, no clock. Samples are `f32` with full scale at 1.0, positions are
//! frames, times are seconds, levels are dB re full scale (RMS, so that a full-scale square wave reads 0 dBFS).
//!
//! - [`stimulus`]: what is played, generated from a name, a rate and a code.
//! - [`measure`]: what a recording says about it: heard or not, when, how loud, and on what that rests.
//! - [`response`], [`loudness`], [`channels`], [`fingerprint`]: what single parts of a stimulus tell, each with the generator of its signal.
//!   They take an [`excerpt`] of a recording, aligned and with drift taken out.
//! - [`continuity`]: holes, jumps, clicks, level changes and clock of a known sound of any length.
//! - [`locate`], [`arrival`]: where any known sound lies in a recording, and when it arrived first.
//! - [`occurrences`]: every place of a short sound in a long recording, at a stated rate of false alarms; [`chime`]: such a sound.
//! - [`survey`]: all of it at once, each part of a stimulus by the measurement that belongs to it.
//! - [`fft`], [`filter`], [`resample`], [`signal`], [`window`]: what measuring and simulating share.

pub mod arrival;
pub mod channels;
pub mod chime;
pub mod continuity;
pub mod excerpt;
pub mod fft;
pub mod filter;
pub mod fingerprint;
mod impulse;
pub mod locate;
pub mod loudness;
pub mod measure;
pub mod occurrences;
pub mod resample;
pub mod response;
pub mod signal;
pub mod stimulus;
pub mod survey;
pub mod window;
