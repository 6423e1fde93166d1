//! A rig that is reached through drivers: its clock, opening it, looking after it.

mod clock;
mod keeper;
mod open;

pub use clock::HostClock;
#[cfg(any(feature = "bluez", feature = "alsa"))]
pub(crate) use clock::within;
pub use open::{OpenError, Selection, open, runtime};
