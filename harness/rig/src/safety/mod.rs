//! What a crash must not take with it: which outputs have left their safe state.

mod journal;
mod state;

pub use journal::{Entry, Journal};
pub use state::State;
