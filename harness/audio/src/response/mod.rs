//! What the path does to frequencies: response, difference of two responses, harmonics, THD+N of a tone, the microphone's own response.
//!
//! The response is measured by an exponential sine sweep (Farina): deconvolved, each order of distortion has an impulse response of its own,
//! and clock drift hardly matters. Its absolute value in a room is the room's; what is judged is the difference of two recordings at one
//! geometry. Uncertainties are standard (k = 1) and cover noise only.

mod curve;
mod deconvolve;
mod difference;
mod harmonics;
mod microphone;
mod sweep;
mod tone;

pub use curve::{Gate, Point, Response};
pub use deconvolve::{Deconvolver, Impulse};
pub use difference::{Difference, difference};
pub use harmonics::{Harmonic, Thd};
pub use microphone::{MicrophoneError, MicrophoneResponse};
pub use sweep::{Sweep, SweepError};
pub use tone::{Order, TONE_HZ, ThdN, ToneLevel, thd_n, tone, tone_level};
