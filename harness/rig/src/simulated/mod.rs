//! The simulated rig: a discrete-event world with real audio samples on a virtual clock.

mod assistant;
mod boards;
mod body;
mod clock;
mod dongles;
mod hands_free;
mod inquiry;
mod keeper;
mod memory;
mod microphone;
mod open;
mod planted;
mod receiving;
mod services;
mod sounds;
mod stream;
mod tap;
mod traffic;
mod units;
mod world;

pub use clock::VirtualClock;
pub use open::open;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_gestures;
#[cfg(test)]
mod tests_of_voice;
