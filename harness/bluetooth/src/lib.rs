//! Bluetooth Classic audio as bytes: service UUIDs, codec capabilities, frames and media packets; captures of HCI traffic
//! and what happened in them.
//!
//! Pure functions over bytes. Nothing here opens, waits or knows the time, and nothing panics on bytes from the air.

pub mod aac;
pub mod aptx;
pub mod avdtp;
pub mod avrcp;
pub mod capture;
pub mod codec;
mod cursor;
pub mod hci;
pub mod hfp;
pub mod l2cap;
pub mod ldac;
pub mod media;
pub mod opus;
pub mod packet;
pub mod received;
pub mod sbc;
pub mod sdp;
pub mod timeline;
pub mod uuid;
