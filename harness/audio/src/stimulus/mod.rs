//! What is played: composite test signals, generated from a name, a rate and a code.
//!
//! The code is the identity of one speaker in one rig. It chooses the spacing and the sweep directions of the markers (64 patterns) and seeds
//! the noise (all 32 bits), so that the sound of another speaker or another rig is recognised and never taken for this one.

mod content;
mod generate;
mod layout;
mod name;
mod parts;
mod pattern;

pub(crate) use content::{ChannelCodes, sweep};
pub use generate::{GENERATOR_VERSION, RATES, Stimulus};
pub use name::{Name, StimulusError};
pub use parts::{MARKER_BAND, MARKER_S, Part, PartKind, Positions, Sweep, Triplet};

fn frames(seconds: f64, rate: u32) -> usize {
    (seconds * f64::from(rate)).round() as usize
}
