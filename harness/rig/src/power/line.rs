//! What the thread of a board asks of the board's protocol.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::trial::InfrastructureFault;

/// The conversation with one board. It blocks, and the thread of the board alone has it: what it waits for must end by itself
/// within about a second. Nothing but [`Line::switch`] and [`Line::pulse`] moves a contact.
///
/// A call that finds the board closed opens it; one that loses it closes it, so that a board that was plugged in again is
/// found by the next call.
pub(crate) trait Line: Send {
    /// Opens it, if it is not open, and makes sure that it is the board that is due as far as that can be known.
    ///
    /// # Errors
    /// When it is missing, busy, refused, or another one.
    fn open(&mut self) -> Result<(), InfrastructureFault>;

    /// Gives an order. What the board said of the channel's position in answering it; none where it said nothing of that: then
    /// [`Line::position`] is asked.
    ///
    /// # Errors
    /// When the order was not sent whole, or is not acknowledged by a board that acknowledges: it may have been obeyed then.
    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault>;

    /// Where the board says that the channel is; none when it cannot tell, which never means off.
    ///
    /// # Errors
    /// When a board that can tell does not.
    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault>;

    /// Has the board hold a channel on for exactly that long and let it go by itself, whatever becomes of the host. Returns when
    /// the board holds it. False when it cannot do that, or not for that time: nothing was sent then.
    ///
    /// # Errors
    /// As [`Line::switch`].
    fn pulse(&mut self, _channel: NonZeroU8, _held: Duration) -> Result<bool, InfrastructureFault> {
        Ok(false)
    }

    /// Whether it is still there; opens it again where it was lost.
    ///
    /// # Errors
    /// When it is gone.
    fn alive(&mut self) -> Result<(), InfrastructureFault>;

    /// The least time between two calls: boards lose what comes sooner.
    fn spacing(&self) -> Duration;

    /// Why its contacts stay where they are when the host goes away, if they do: then nothing but an order makes it safe.
    fn keeps(&self) -> Option<&'static str> {
        None
    }
}

/// Why a board with a supply of its own keeps its contacts where they are.
pub(crate) const OWN_SUPPLY: &str = "it has a supply of its own";
/// Why one with latching relays does.
pub(crate) const LATCHES: &str = "its relays latch, and stay as they are without any supply";
