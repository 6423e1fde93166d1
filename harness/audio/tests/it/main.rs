//! What the crate promises, on planted truths.

mod absent;
mod material;
mod planted;
mod robust;
mod stimuli;
