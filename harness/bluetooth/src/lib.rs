//! Bluetooth Classic audio as bytes: service UUIDs, codec capabilities, frames and media packets.
//!
//! Pure functions over bytes. Nothing here opens, waits or knows the time, and nothing panics on bytes from the air.

pub mod codec;
pub mod packet;
pub mod sbc;
pub mod uuid;
