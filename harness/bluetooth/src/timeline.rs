//! What happened in a capture: links with their phases, what was offered, chosen and refused, what delayed a phase, and the
//! media that flowed; and whether the capture is whole enough to prove anything.
//!
//! A [`Decoder`] is fed with slices of a file and needs little memory however long that is: what it keeps for the report
//! is bounded, and what finds no room is counted.

mod budget;
mod control;
mod decoder;
mod findings;
mod integrity;
mod link;
mod live;
mod negotiation;
mod phases;
mod profiles;
mod report;
mod stream;
mod streaming;

pub use decoder::Decoder;
pub use link::{Class, Delay, Finding, Happening, Link, LinkEnd, Moment, Outcome, Phase, PhaseKind, ServiceSearch};
pub use report::{Adapter, CaptureFacts, Damage, FoundDevice, Inquiry, Proof, Report, SCHEMA_VERSION, Side};
pub use stream::{
    CodecFacts, DelayFacts, EndedBy, EndpointFacts, MessageKind, Refusal, SignalFacts, Start, Stream, StreamEnd,
};
