//! Which channel is heard, the right way round, once: channel identity, polarity, doubled audio, howling.
//!
//! Two codes tell the channels apart where reverberation and crossovers defeat tones. All but howling rest on impulse responses, 500 to 8000 Hz,
//! deconvolved by what was played; they need a recording aligned within 10 ms whose drift was taken out.

mod codes;
mod echo;
mod howling;
mod identity;
mod layout;
mod polarity;

pub use codes::{CODE_BAND_HZ, CODE_FRAMES, ChannelPart, ChannelTest, Content, channel_test, code_pair};
pub use echo::{Doubled, EchoCopy, doubled};
pub use howling::{Howl, Howling, howling};
pub use identity::{Carries, CodeHeard, Heard, heard};
pub use layout::{Layout, Side, layout, layout_from};
pub use polarity::{PolarityFound, polarity};
