//! Capture: microphones through ALSA.
//!
//! `alsa` alone knows the audio library. Its callback writes into a [`ring`] and a thread empties it; [`timeline`] says
//! when the frames were captured and whether any are missing, [`watchdog`] whether they still come. What comes as packets instead of
//! frames gets its places by [`arrivals`].

#[cfg(feature = "alsa")]
mod alsa;
pub mod arrivals;
#[cfg(feature = "alsa")]
mod offered;
pub mod ring;
pub mod timeline;
pub mod watchdog;

#[cfg(feature = "alsa")]
pub use alsa::AlsaMicrophone;
#[cfg(feature = "alsa")]
pub(crate) use offered::Wanted;
