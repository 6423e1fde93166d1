//! Capability traits, and the drivers that implement them.
//!
//! The runner knows the traits only. Each driver lives in a folder of its own, and each has its simulated counterpart.

pub mod bench;
pub mod bluez;
pub mod calibration;
pub mod capability;
pub mod capture;
pub mod clock;
mod firmware;
mod gesture;
pub mod hardware;
pub mod inspection;
pub mod lock;
pub mod pacing;
pub mod playback;
pub mod plugged;
pub mod power;
mod program;
pub mod programme;
pub mod reaction;
pub mod response;
pub mod safety;
pub mod samples;
pub mod simulated;
mod sources;
#[cfg(any(feature = "alsa", feature = "serial", test))]
mod usage;
pub mod usb;
mod wanted;

#[cfg(test)]
#[cfg_attr(not(feature = "serial"), expect(dead_code, reason = "boards need more of it"))]
mod test_port;
