//! What a crash must not take with it: which outputs have left their safe state, and how worn their contacts are.

mod file;
mod journal;
mod state;
mod wear;

pub use journal::{Entry, Journal};
pub use state::State;
pub use wear::{Replaced, Wear, Worn, now_s};
