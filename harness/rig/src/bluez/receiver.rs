//! Taking what sources send: whoever is bonded is trusted, and a stream that a source has started is taken and goes to the tape.

use std::sync::Arc;

use rigtone_bluetooth::codec::CodecConfiguration;
use rigtone_model::event::TransportChange;
use tokio::{
    sync::{mpsc::UnboundedReceiver, watch},
    task::JoinHandle,
};
use zbus::proxy::CacheProperties;

use super::{
    changes::Change,
    errors::{Call, Meaning, StackError, meaning},
    media::{Told, transport},
    tape::Tape,
};
use crate::hardware::HostClock;

#[zbus::proxy(interface = "org.bluez.Adapter1", default_service = "org.bluez")]
trait Adapter {
    #[zbus(property(emits_changed_signal = "false"))]
    fn set_discoverable(&self, on: bool) -> zbus::Result<()>;
}

#[zbus::proxy(interface = "org.bluez.Device1", default_service = "org.bluez")]
trait Device {
    #[zbus(property(emits_changed_signal = "false"))]
    fn set_trusted(&self, on: bool) -> zbus::Result<()>;
}

/// What a sink does by itself, in a task of its own. Dropping it ends that.
pub(super) struct Receiver {
    pub(super) tape: Arc<Tape>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// From now on every stream that a source starts on `adapter` is taken.
    pub(super) fn begin(
        connection: zbus::Connection,
        adapter: String,
        changes: UnboundedReceiver<(String, Change)>,
        told: Arc<watch::Sender<Told>>,
        clock: HostClock,
    ) -> Self {
        let tape = Arc::new(Tape::new(clock));
        let follower = Follower { connection, adapter, told, tape: tape.clone() };
        Self { tape, task: tokio::spawn(follower.follow(changes)) }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Does what has to follow what BlueZ tells.
struct Follower {
    connection: zbus::Connection,
    adapter: String,
    told: Arc<watch::Sender<Told>>,
    tape: Arc<Tape>,
}

impl Follower {
    async fn follow(self, mut changes: UnboundedReceiver<(String, Change)>) {
        while let Some((path, change)) = changes.recv().await {
            match change {
                Change::Transport(TransportChange::State(state)) => match state.as_str() {
                    "pending" => self.take(&path).await,
                    "idle" => self.tape.ends(&path),
                    _ => {}
                },
                Change::Transport(_) => {}
                Change::Bonded => {
                    // Who is not trusted may not set up a stream.
                    if let Err(error) = self.trust(&path).await {
                        let what = format!("trusting a source failed: {}", StackError::from(error));
                        self.tape.broke(what, "see bluetoothd's log for the cause");
                    }
                    // Bonded is what the pairing mode was for; it ends by itself if this should fail.
                    let _ = self.hide().await;
                }
                // Who waits for a link looks again.
                Change::Linked => self.told.send_modify(|_| {}),
            }
        }
    }

    async fn trust(&self, device: &str) -> zbus::Result<()> {
        let device = DeviceProxy::builder(&self.connection).path(device);
        device.cache_properties(CacheProperties::No).build().await?.set_trusted(true).await
    }

    async fn hide(&self) -> zbus::Result<()> {
        let adapter = AdapterProxy::builder(&self.connection).path(self.adapter.as_str());
        adapter.cache_properties(CacheProperties::No).build().await?.set_discoverable(false).await
    }

    /// Takes a stream that its source has started.
    async fn take(&self, path: &str) {
        let taken = async {
            let transport = transport(&self.connection, path.to_owned()).await?;
            let configuration = CodecConfiguration::parse(transport.codec().await?, &transport.configuration().await?);
            // Not `Acquire`: when the source has changed its mind meanwhile, we must not start its stream.
            let (socket, ..) = transport.try_acquire().await?;
            // What we hear is heard when it comes. Before 5.79 BlueZ lets nobody say so.
            let _ = transport.set_delay(0).await;
            Ok::<_, zbus::Error>((configuration, socket))
        };
        match taken.await {
            Ok((configuration, socket)) => {
                self.tape.begins(path, configuration.map_err(|e| e.to_string()), socket.into());
            }
            Err(error) => {
                let error = StackError::from(error);
                // Otherwise the source has taken its stream back.
                if let Meaning::Rig(hint) = meaning(Call::Acquire, &error) {
                    self.tape.broke(format!("taking the stream failed: {error}"), hint);
                }
            }
        }
    }
}
