//! Loudspeakers of the rig: a `sound` as the device wants it, played by `alsa`.

#[cfg(feature = "alsa")]
mod alsa;
mod sound;

use async_trait::async_trait;
use rigtone_model::trial::InfrastructureFault;

use crate::clock::Instant;

#[cfg(feature = "alsa")]
pub(crate) use alsa::AlsaLoudspeaker;
pub use sound::Mono;
#[cfg(test)]
pub(crate) use sound::wav;

/// A loudspeaker.
#[async_trait(?Send)]
pub trait Loudspeaker {
    /// Its name in the rig.
    fn name(&self) -> &str;
    /// Plays a sound once, whole; comes back when it has sounded, and gives when its first sample left, by the word of the sound card.
    /// A seam in it is a fault: what was heard is not what was meant. Cancel-safe: playing ends.
    async fn play(&self, sound: &Mono, deadline: Instant) -> Result<Instant, InfrastructureFault>;
    /// Whether its device is there and takes its format; it stays silent. Tells what it is.
    async fn check(&self, deadline: Instant) -> Result<String, InfrastructureFault>;
}
