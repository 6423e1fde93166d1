//! Whether a known sound reached the microphone without a hole: dropouts, skips, stalls, repeats, level changes, clicks, start-up loss, drift.
//!
//! Tone-based detectors are blind in rooms, because reverberation fills gaps. Here the reference is known: per window of about ten seconds
//! the impulse response of the path is estimated by regularised deconvolution, its late part is taken off the recording, and what is left
//! is compared with what the direct sound must be. The direct sound stops at once when the source stops.
//!
//! - A gap is the stretch of largest log-likelihood ratio of "mute" against "heard" (CUSUM over samples, so every phase of every length is
//!   tried); its threshold is in nats and holds whatever the noise, so the shortest gap that can be found is computed, not assumed.
//! - Skips, stalls and repeats are steps of the alignment between recording and reference. Their length is a whole number of frames of the
//!   reference, found by correlating the responses before and after; where they happened is the most likely change point.
//! - What is left of the recording beside the reference shows clicks and bursts; the gain of blocks shows level changes; the alignment, with
//!   the steps taken out, is the clock.
//!
//! Positions in the recording are those of the strongest path. Memory is bounded: a [`Tracker`] keeps one window of the recording.

mod align;
mod clock;
mod findings;
mod levels;
mod reference;
mod response;
mod scan;
mod summary;
mod tracker;
mod window;

pub use findings::{
    Clicks, Clock, Continuity, DriftPoint, Dropouts, Event, EventKind, Jumps, Levels, Origin, Quality, StartUp,
};
pub use reference::{PseudoNoise, Reference};
pub use tracker::{METHOD, METHOD_VERSION, Place, Settings, Tracker, examine};
