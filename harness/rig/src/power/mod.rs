//! Power: relay boards. One thread for each board in `actor`, which knows no protocol: that is a `line`, of one of the
//! `families`. What an output owes is in `target`.

#[cfg(feature = "serial")]
mod actor;
#[cfg(feature = "serial")]
mod board;
#[cfg(feature = "serial")]
mod boards;
#[cfg(feature = "serial")]
mod families;
#[cfg(feature = "serial")]
mod hid;
#[cfg(feature = "serial")]
mod line;
#[cfg(feature = "serial")]
mod port;
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
