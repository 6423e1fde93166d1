//! BlueZ: Rigtone as the A2DP source, or as a sink, on a dongle of the rig.
//!
//! Two D-Bus connections, because BlueZ ties objects to the connection that made them and bluer shares neither its own
//! nor anything about media: bluer has adapter, inquiry, agent, pairing and `ConnectProfile` (`dongle`, `endpoint`),
//! zbus has the media endpoints and their transports (`media`), and tells what has changed (`changes`). Both live as long as
//! bluetoothd does. What goes over the air is recorded beside them, from the kernel (`tap`). Which controller is which dongle, and
//! where it is plugged in, is verified whenever one is opened (`identity`); that it or bluetoothd has gone is noticed at once (`watch`).
//!
//! Service records of a device that is not paired are asked for over a channel of our own (`services`).
//!
//! A sink (`sink`) waits for a source that is not ours. When BlueZ says that the source has started its stream, the stream is
//! taken (`receiver`) and a thread notes when each packet came (`tape`); a microphone hears them in the place of a room (`wire`,
//! `decode`).

#[cfg(feature = "bluez")]
mod cache;
#[cfg(feature = "bluez")]
mod changes;
#[cfg(feature = "bluez")]
mod decode;
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
mod offer;
#[cfg(feature = "bluez")]
mod receiver;
#[cfg(feature = "bluez")]
mod services;
#[cfg(feature = "bluez")]
mod sighting;
#[cfg(feature = "bluez")]
mod sink;
#[cfg(feature = "bluez")]
mod stream;
#[cfg(feature = "bluez")]
mod supply;
#[cfg(feature = "bluez")]
mod tap;
#[cfg(feature = "bluez")]
mod tape;
#[cfg(feature = "bluez")]
mod version;
#[cfg(feature = "bluez")]
mod watch;
#[cfg(feature = "bluez")]
mod wire;

#[cfg(feature = "bluez")]
pub use dongle::{DAEMON, Dongle, daemon};
#[cfg(feature = "bluez")]
pub use encode::{Encoder, cache_trouble, encoders};
#[cfg(feature = "bluez")]
pub use endpoint::{Endpoint, EndpointRole};
#[cfg(feature = "bluez")]
pub use identity::Wanted;
#[cfg(feature = "bluez")]
pub use kernel::{Controller, controllers};
#[cfg(feature = "bluez")]
pub use sighting::sight;
#[cfg(feature = "bluez")]
pub use sink::Sink;
#[cfg(feature = "bluez")]
pub use supply::{Supply, Switch};
#[cfg(feature = "bluez")]
pub use tap::MonitorTap;
#[cfg(feature = "bluez")]
pub use version::{known_trouble, version};
#[cfg(feature = "bluez")]
pub use wire::WireMicrophone;
