//! The simulated rig: a discrete-event world with real audio samples on a virtual clock.

pub mod air;
mod clock;
mod microphone;
mod open;
mod units;
mod world;

pub use clock::VirtualClock;
pub use open::open;
