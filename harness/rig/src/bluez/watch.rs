//! Noticing at once that bluetoothd, the system bus or a dongle has gone.

use futures::StreamExt;
use tokio::{sync::watch, task::JoinHandle};
use zbus::{
    Connection,
    fdo::{DBusProxy, ObjectManagerProxy},
};

use super::errors::StackError;

/// What has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// bluetoothd: it ended, or another one runs in its place.
    Daemon,
    /// The controller: unplugged, or given up by the kernel.
    Adapter,
    /// The system bus.
    Bus,
}

/// Watches one controller of one bluetoothd. Dropping it ends that.
pub(super) struct Watch {
    lost: watch::Receiver<Option<Loss>>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Begins to watch the controller of that path.
    pub(super) async fn start(connection: &Connection, adapter: String) -> Result<Self, StackError> {
        let bus = DBusProxy::new(connection).await?;
        let mut owners = bus.receive_name_owner_changed_with_args(&[(0, "org.bluez")]).await?;
        let objects = ObjectManagerProxy::new(connection, "org.bluez", "/").await?;
        let mut removed = objects.receive_interfaces_removed().await?;
        let (tell, lost) = watch::channel(None);
        let task = tokio::spawn(async move {
            let loss = loop {
                tokio::select! {
                    biased;
                    changed = owners.next() => break if changed.is_some() { Loss::Daemon } else { Loss::Bus },
                    gone = removed.next() => match gone.as_ref().map(zbus::fdo::InterfacesRemoved::args) {
                        Some(Ok(gone)) if *gone.object_path() == adapter.as_str()
                            && gone.interfaces().iter().any(|name| *name == "org.bluez.Adapter1") => break Loss::Adapter,
                        Some(_) => {}
                        None => break Loss::Bus,
                    },
                }
            };
            // Whoever dropped the watch does not care.
            let _ = tell.send(Some(loss));
        });
        Ok(Self { lost, task })
    }

    /// What has gone, if anything has.
    pub(super) fn loss(&self) -> Option<Loss> {
        *self.lost.borrow()
    }

    /// Waits until something has gone.
    pub(super) async fn lost(&self) -> Loss {
        let mut lost = self.lost.clone();
        match lost.wait_for(Option::is_some).await.map(|loss| *loss) {
            Ok(Some(loss)) => loss,
            // The task has ended without a word: nothing can be relied on.
            Ok(None) | Err(_) => Loss::Bus,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
