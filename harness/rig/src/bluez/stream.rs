//! A stream that was started, and its end.

use std::os::fd::OwnedFd;

use rigtone_bluetooth::packet::Packet;
use rigtone_model::trial::InfrastructureFault;

use super::media::MediaTransportProxy;
use crate::{
    clock::Clock,
    pacing::{Sent, send_on_time},
};

/// A stream that was started. Dropping it suspends the stream.
pub(super) struct Started {
    transport: Option<MediaTransportProxy<'static>>,
    socket: OwnedFd,
}

impl Started {
    pub(super) fn new(transport: MediaTransportProxy<'static>, socket: OwnedFd) -> Self {
        Self { transport: Some(transport), socket }
    }

    /// Suspends the stream; `None` when it was suspended already.
    pub(super) async fn release(&mut self) -> Option<zbus::Result<()>> {
        Some(self.transport.take()?.release().await)
    }

    /// Sends `packets` in real time and stays until the last one's sound is over.
    ///
    /// # Errors
    /// When the host was so late that the dropout is its own.
    pub(super) async fn send(
        &self,
        packets: &[Packet],
        rate: u32,
        clock: &dyn Clock,
        linked: impl Fn() -> bool,
    ) -> Result<Sent, InfrastructureFault> {
        send_on_time(&self.socket, packets, rate, clock, linked).await
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Only when the trial was cancelled: BlueZ ends the stream by itself when the program is going.
        if let Some(transport) = self.transport.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                let _ = transport.release().await;
            });
        }
    }
}
