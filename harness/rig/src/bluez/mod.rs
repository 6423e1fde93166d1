//! BlueZ: Rigtone as the A2DP source on a dongle of the rig.
//!
//! Two D-Bus connections, because BlueZ ties objects to the connection that made them and bluer shares neither its own
//! nor anything about media: bluer has adapter, inquiry, agent, pairing and `ConnectProfile` (`dongle`, `endpoint`),
//! zbus has the media endpoint and its transports (`media`). Both live as long as bluetoothd does. What goes over
//! the air is recorded beside them, from the kernel (`tap`).

#[cfg(feature = "bluez")]
mod dongle;
#[cfg(feature = "bluez")]
mod encode;
#[cfg(feature = "bluez")]
mod endpoint;
pub mod errors;
#[cfg(feature = "bluez")]
mod firmware;
#[cfg(feature = "bluez")]
mod media;
#[cfg(feature = "bluez")]
mod stream;
#[cfg(feature = "bluez")]
mod tap;
#[cfg(feature = "bluez")]
mod version;

#[cfg(feature = "bluez")]
pub use dongle::Dongle;
#[cfg(feature = "bluez")]
pub use encode::{Encoder, encoders};
#[cfg(feature = "bluez")]
pub use endpoint::Endpoint;
#[cfg(feature = "bluez")]
pub use tap::MonitorTap;
#[cfg(feature = "bluez")]
pub use version::{known_trouble, version};
