//! What the evidence of a trial says, in the words of the record: its recordings and its captures of HCI traffic, during the run and again
//! from the run directory.

pub mod axis;
pub mod radio;
pub mod reaction;
mod remeasure;
pub mod sound;

pub use remeasure::{Change, Outcome, Remeasure, RemeasureError};
