//! What BlueZ tells of one adapter: changed properties of its devices and their transports, with the times at which they came.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::StreamExt;
use rigtone_model::event::TransportChange;
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinHandle,
};
use zbus::{Connection, MatchRule, MessageStream, Variant, message::Type};

use super::errors::StackError;
use crate::{
    capability::Told,
    clock::{Clock, Instant},
    hardware::HostClock,
};

/// What is kept until somebody asks; a device that floods its volume must not fill the memory.
const KEPT: usize = 1024;

/// What has changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// A property of a transport.
    Transport(TransportChange),
    /// A device is bonded now.
    Bonded,
    /// A device has a link now, or has none any more.
    Linked,
}

/// A change, and the path of its transport.
type Note = (String, Told);

/// Listens to BlueZ as long as it lives.
pub(super) struct Changes {
    kept: Arc<Mutex<Kept>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Kept {
    notes: Vec<Note>,
    /// Who has to do something about it. Without a limit: whoever waits here for BlueZ must not hold up its answers.
    follower: Option<UnboundedSender<(String, Change)>>,
}

impl Kept {
    fn note(&mut self, path: &str, at: Instant, what: TransportChange) {
        if self.notes.len() < KEPT {
            self.notes.push((path.to_owned(), Told { at, what }));
        }
    }

    fn changed(&mut self, path: &str, at: Instant, change: Change) {
        if let Change::Transport(what) = &change {
            self.note(path, at, what.clone());
        }
        if let Some(follower) = &self.follower {
            // One that has ended needs to know nothing.
            let _ = follower.send((path.to_owned(), change));
        }
    }
}

impl Changes {
    /// Begins to listen to what is below the path of an adapter.
    pub(super) async fn begin(connection: &Connection, adapter: &str, clock: HostClock) -> Result<Self, StackError> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender("org.bluez")
            .interface("org.freedesktop.DBus.Properties")
            .member("PropertiesChanged")
            .path_namespace(adapter)
            .build()?;
        let mut stream = MessageStream::for_match_rule(rule, connection, None).await?;
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = kept.clone();
        let task = tokio::spawn(async move {
            while let Some(message) = stream.next().await {
                let at = clock.now();
                let Ok(message) = message else { continue };
                let header = message.header();
                let Some(path) = header.path() else { continue };
                let body = message.body();
                let told = body.deserialize::<(&str, HashMap<&str, Variant<'_>>, Vec<&str>)>();
                let Ok((interface, properties, _)) = told else { continue };
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                for change in properties.iter().filter_map(|(name, value)| change(interface, name, value)) {
                    kept.changed(path.as_str(), at, change);
                }
            }
        });
        Ok(Self { kept, task })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What changes from now on, with the path of what it is of. The last to ask gets it.
    pub(super) fn follow(&self) -> UnboundedReceiver<(String, Change)> {
        let (follower, changes) = mpsc::unbounded_channel();
        self.kept().follower = Some(follower);
        changes
    }

    /// Notes what a property was when somebody asked.
    pub(super) fn note(&self, path: &str, at: Instant, what: TransportChange) {
        self.kept().note(path, at, what);
    }

    /// Forgets what has changed until now.
    pub(super) fn forget(&self) {
        self.kept().notes.clear();
    }

    /// What has changed of the transports below `device` since somebody asked last, in the order of time.
    pub(super) fn take(&self, device: &str) -> Vec<Told> {
        let notes = &mut self.kept().notes;
        let below = |path: &str| path.strip_prefix(device).is_some_and(|rest| rest.starts_with('/'));
        let (its, others) = notes.drain(..).partition::<Vec<Note>, _>(|(path, _)| below(path));
        *notes = others;
        let mut its: Vec<Told> = its.into_iter().map(|(_, told)| told).collect();
        its.sort_by_key(|told| told.at);
        its
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a changed property says, if it is one that matters. The interface belongs to its name: others of one object have properties of
/// the same names. Delays are counted in tenths of a millisecond.
fn change(interface: &str, name: &str, value: &Variant<'_>) -> Option<Change> {
    let is_true = || value.downcast_ref::<bool>().is_ok_and(|value| value);
    Some(match (interface, name) {
        ("org.bluez.MediaTransport1", "State") => {
            Change::Transport(TransportChange::State(value.downcast_ref::<&str>().ok()?.to_owned()))
        }
        ("org.bluez.MediaTransport1", "Delay") => {
            let ns = i64::from(value.downcast_ref::<u16>().ok()?) * 100_000;
            Change::Transport(TransportChange::ReportedDelay { ns })
        }
        ("org.bluez.MediaTransport1", "Volume") => {
            Change::Transport(TransportChange::Volume(value.downcast_ref::<u16>().ok()?))
        }
        // `Paired` of a source that asked for it is told with its services: late, when it may have been refused already.
        ("org.bluez.Device1", "Bonded" | "Paired") if is_true() => Change::Bonded,
        ("org.bluez.Device1", "Connected") => Change::Linked,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn unlistening() -> Changes {
        Changes { kept: Arc::default(), task: tokio::spawn(async {}) }
    }

    #[tokio::test]
    async fn each_device_is_told_its_own_once_and_in_order() {
        let changes = unlistening();
        let note = |path: &str, at, volume| changes.note(path, Instant(at), TransportChange::Volume(volume));
        note("/org/bluez/hci0/dev_A/sep1/fd0", 5, 2);
        note("/org/bluez/hci0/dev_AB/sep1/fd1", 1, 9);
        note("/org/bluez/hci0/dev_A/sep1/fd0", 3, 1);
        let told = changes.take("/org/bluez/hci0/dev_A");
        let volumes = [TransportChange::Volume(1), TransportChange::Volume(2)];
        assert_eq!(told.into_iter().map(|told| told.what).collect::<Vec<_>>(), volumes);
        assert_eq!(changes.take("/org/bluez/hci0/dev_A"), []);
        assert_eq!(changes.take("/org/bluez/hci0/dev_AB").len(), 1);
    }

    #[tokio::test]
    async fn who_follows_gets_what_is_not_kept_too() {
        let changes = unlistening();
        let idle = Change::Transport(TransportChange::State("idle".to_owned()));
        changes.kept().changed("/a/fd0", Instant(1), idle.clone());
        let mut follower = changes.follow();
        changes.kept().changed("/a", Instant(2), Change::Bonded);
        changes.kept().changed("/a/fd0", Instant(3), idle.clone());
        assert_eq!(follower.recv().await, Some(("/a".to_owned(), Change::Bonded)));
        assert_eq!(follower.recv().await, Some(("/a/fd0".to_owned(), idle)));
        assert_eq!(changes.take("/a").len(), 2);
        changes.kept().changed("/a/fd0", Instant(4), Change::Transport(TransportChange::Volume(1)));
        changes.forget();
        assert_eq!(changes.take("/a"), []);
    }

    const TRANSPORT: &str = "org.bluez.MediaTransport1";
    const DEVICE: &str = "org.bluez.Device1";

    #[rstest]
    #[case(TRANSPORT, "State", "active".into(), Some(Change::Transport(TransportChange::State("active".to_owned()))))]
    #[case(
        TRANSPORT,
        "Delay",
        1500_u16.into(),
        Some(Change::Transport(TransportChange::ReportedDelay { ns: 150_000_000 }))
    )]
    #[case(TRANSPORT, "Volume", 64_u16.into(), Some(Change::Transport(TransportChange::Volume(64))))]
    #[case(TRANSPORT, "Volume", "loud".into(), None)]
    #[case(TRANSPORT, "Codec", 0_u8.into(), None)]
    #[case(DEVICE, "Bonded", true.into(), Some(Change::Bonded))]
    #[case(DEVICE, "Paired", true.into(), Some(Change::Bonded))]
    #[case(DEVICE, "Paired", false.into(), None)]
    #[case(DEVICE, "Connected", false.into(), Some(Change::Linked))]
    #[case("org.bluez.MediaControl1", "Connected", true.into(), None)]
    #[case("org.bluez.MediaPlayer1", "State", "active".into(), None)]
    fn properties_that_matter_are_understood(
        #[case] interface: &str,
        #[case] name: &str,
        #[case] value: Variant<'_>,
        #[case] expected: Option<Change>,
    ) {
        assert_eq!(change(interface, name, &value), expected);
    }
}
