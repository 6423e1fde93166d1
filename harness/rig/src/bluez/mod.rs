//! BlueZ: Rigtone as the A2DP source on a dongle of the rig.
//!
//! Two D-Bus connections, because BlueZ ties objects to the connection that made them and bluer shares neither its own
//! nor anything about media: bluer has adapter, inquiry, agent, pairing and `ConnectProfile` (`dongle`, `endpoint`),
//! zbus has the media endpoint and its transports (`media`). Both live as long as bluetoothd does. What goes over
//! the air is recorded beside them, from the kernel (`tap`). Which controller is which dongle, and where it is plugged in, is
//! verified whenever one is opened (`identity`); that it or bluetoothd has gone is noticed at once (`watch`).

#[cfg(feature = "bluez")]
mod cache;
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
mod identity;
#[cfg(feature = "bluez")]
mod kernel;
#[cfg(feature = "bluez")]
mod media;
#[cfg(feature = "bluez")]
mod stream;
#[cfg(feature = "bluez")]
mod supply;
#[cfg(feature = "bluez")]
mod tap;
#[cfg(feature = "bluez")]
mod transport;
#[cfg(feature = "bluez")]
mod version;
#[cfg(feature = "bluez")]
mod watch;

#[cfg(feature = "bluez")]
pub use dongle::{DAEMON, Dongle, daemon};
#[cfg(feature = "bluez")]
pub use encode::{Encoder, cache_trouble, encoders};
#[cfg(feature = "bluez")]
pub use endpoint::Endpoint;
#[cfg(feature = "bluez")]
pub use identity::Wanted;
#[cfg(feature = "bluez")]
pub use kernel::{Controller, controllers};
#[cfg(feature = "bluez")]
pub use supply::{Supply, Switch};
#[cfg(feature = "bluez")]
pub use tap::MonitorTap;
#[cfg(feature = "bluez")]
pub use version::{known_trouble, version};
