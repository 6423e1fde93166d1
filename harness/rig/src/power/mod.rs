//! Power: relay boards. Bytes in [`lcus`], one thread for each board in `actor`, what an output owes in `target`.

#[cfg(feature = "serial")]
mod actor;
#[cfg(feature = "serial")]
mod board;
#[cfg(feature = "serial")]
mod boards;
pub mod lcus;
#[cfg(feature = "serial")]
mod target;

#[cfg(feature = "serial")]
pub use actor::Position;
#[cfg(feature = "serial")]
pub use board::{Board, Outlet, Setup};
#[cfg(feature = "serial")]
pub(crate) use boards::unsafe_still;
#[cfg(feature = "serial")]
pub use boards::{Boards, Settled};
#[cfg(feature = "serial")]
pub use target::{Target, Which, Wired};

/// A position in a word.
pub(crate) const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
