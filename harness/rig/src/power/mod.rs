//! Power: relay boards. Bytes in [`lcus`], one thread for each board in `board`.

#[cfg(feature = "serial")]
mod board;
pub mod lcus;

#[cfg(feature = "serial")]
pub use board::{Board, Outlet, Wired};
