//! L2CAP: packets put together from ACL fragments, the signals that open and close channels, and which channel is what.
//!
//! Source: Bluetooth Core Specification, volume 3, part A.

mod assembly;
mod channels;
mod signalling;

pub use assembly::{Assembler, Counts, Pdu};
pub use channels::{AVCTP, AVDTP, Change, Channel, Channels, RFCOMM, Role, SDP, psm_name};
pub use signalling::{ConnectionResult, Signal, Signals};

/// The channel of the signals.
pub const SIGNALLING: u16 = 1;
/// Channels from here on are opened and closed.
pub const FIRST_DYNAMIC: u16 = 0x40;
