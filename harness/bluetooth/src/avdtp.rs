//! AVDTP: how two ends agree on a stream and start and stop it.
//!
//! Source: Audio/Video Distribution Transport Protocol, section 8; error codes of codecs: Advanced Audio Distribution
//! Profile, section 5.1.3.

mod capability;
mod errors;
mod fragments;
mod signal;

pub use capability::{Capability, category, category_name, codec_of};
pub use errors::error;
pub use fragments::Fragments;
pub use signal::{Body, Endpoint, Message, Signal, name, signal_id};
