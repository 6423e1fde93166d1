//! Stimuli and measurements on samples.
//!
//! Everything here is a pure function of samples: no files, no devices, no clock. Samples are `f32` with full scale at 1.0, positions are
//! frames, times are seconds, levels are dB re full scale (RMS, so that a full-scale square wave reads 0 dBFS).
//!
//! - [`stimulus`]: what is played, generated from a name, a rate and a code.
//! - [`measure`]: what a recording says about it: heard or not, when, how loud, and on what that rests.
//! - [`fft`], [`filter`], [`resample`], [`signal`], [`window`]: what measuring and simulating share.

pub mod fft;
pub mod filter;
pub mod measure;
pub mod resample;
pub mod signal;
pub mod stimulus;
pub mod window;
