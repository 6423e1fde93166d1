//! What BlueZ tells of transports: property changes of `MediaTransport1` with the time at which they came.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::StreamExt;
use rigtone_model::event::TransportChange;
use tokio::task::JoinHandle;
use zbus::{Connection, MatchRule, MessageStream, Variant, message::Type};

use super::errors::StackError;
use crate::{
    capability::Told,
    clock::{Clock, Instant},
    hardware::HostClock,
};

const INTERFACE: &str = "org.bluez.MediaTransport1";
/// What is kept until somebody asks; a device that floods its volume must not fill the memory.
const KEPT: usize = 1024;

/// A change, and the path of its transport.
type Note = (String, Told);

/// Listens to BlueZ as long as it lives.
pub(super) struct Changes {
    notes: Arc<Mutex<Vec<Note>>>,
    task: JoinHandle<()>,
}

impl Changes {
    pub(super) async fn begin(connection: &Connection, clock: HostClock) -> Result<Self, StackError> {
        // The path alone does not say which interface has changed: the first argument does.
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender("org.bluez")
            .interface("org.freedesktop.DBus.Properties")
            .member("PropertiesChanged")
            .arg(0, INTERFACE)
            .build()?;
        let mut stream = MessageStream::for_match_rule(rule, connection, None).await?;
        let notes = Arc::new(Mutex::new(Vec::new()));
        let kept = notes.clone();
        let task = tokio::spawn(async move {
            while let Some(message) = stream.next().await {
                let at = clock.now();
                let Ok(message) = message else { continue };
                let header = message.header();
                let Some(path) = header.path() else { continue };
                let body = message.body();
                let Ok((_, changed, _)) = body.deserialize::<(&str, HashMap<&str, Variant<'_>>, Vec<&str>)>() else {
                    continue;
                };
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                for (name, value) in &changed {
                    if let Some(what) = change(name, value)
                        && kept.len() < KEPT
                    {
                        kept.push((path.as_str().to_owned(), Told { at, what }));
                    }
                }
            }
        });
        Ok(Self { notes, task })
    }

    /// Notes what a property was when somebody asked.
    pub(super) fn note(&self, path: &str, at: Instant, what: TransportChange) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < KEPT {
            notes.push((path.to_owned(), Told { at, what }));
        }
    }

    /// What has changed of the transports below `device` since somebody asked last, in the order of time.
    pub(super) fn take(&self, device: &str) -> Vec<Told> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
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

/// What a changed property says, if it is one that matters. Delays are counted in tenths of a millisecond.
fn change(name: &str, value: &Variant<'_>) -> Option<TransportChange> {
    match name {
        "State" => Some(TransportChange::State(value.downcast_ref::<&str>().ok()?.to_owned())),
        "Delay" => Some(TransportChange::ReportedDelay { ns: i64::from(value.downcast_ref::<u16>().ok()?) * 100_000 }),
        "Volume" => Some(TransportChange::Volume(value.downcast_ref::<u16>().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_device_is_told_its_own_once_and_in_order() {
        let watch = Changes { notes: Arc::default(), task: tokio::spawn(async {}) };
        let note = |path: &str, at, volume| watch.note(path, Instant(at), TransportChange::Volume(volume));
        note("/org/bluez/hci0/dev_A/sep1/fd0", 5, 2);
        note("/org/bluez/hci0/dev_AB/sep1/fd1", 1, 9);
        note("/org/bluez/hci0/dev_A/sep1/fd0", 3, 1);
        let told = watch.take("/org/bluez/hci0/dev_A");
        let volumes = [TransportChange::Volume(1), TransportChange::Volume(2)];
        assert_eq!(told.into_iter().map(|told| told.what).collect::<Vec<_>>(), volumes);
        assert_eq!(watch.take("/org/bluez/hci0/dev_A"), []);
        assert_eq!(watch.take("/org/bluez/hci0/dev_AB").len(), 1);
    }

    #[test]
    fn properties_that_matter_are_understood() {
        assert_eq!(change("State", &Variant::from("active")), Some(TransportChange::State("active".to_owned())));
        assert_eq!(change("Delay", &Variant::from(1500_u16)), Some(TransportChange::ReportedDelay { ns: 150_000_000 }));
        assert_eq!(change("Volume", &Variant::from(64_u16)), Some(TransportChange::Volume(64)));
        assert_eq!(change("Volume", &Variant::from("loud")), None);
        assert_eq!(change("Codec", &Variant::from(0_u8)), None);
    }
}
