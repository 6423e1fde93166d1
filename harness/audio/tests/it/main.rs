//! What the crate promises, on planted truths.

mod absent;
mod acoustics;
mod arrival;
mod channels;
mod continuity;
mod fingerprint;
mod locate;
mod loudness;
mod material;
mod occurrences;
mod planted;
mod response;
mod robust;
mod rooms;
mod stimuli;
mod survey;
