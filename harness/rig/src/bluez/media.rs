//! Media over zbus: our A2DP endpoints and the transports that BlueZ makes for them.

#![expect(clippy::needless_pass_by_value, reason = "what a D-Bus method is given is its own")]

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use rigtone_bluetooth::codec::CodecConfiguration;
use tokio::sync::{Mutex, watch};
use zbus::{ObjectPath, OwnedFd, OwnedObjectPath, OwnedVariant, Variant, fdo};

use super::{
    changes::Changes, endpoint::EndpointRole, errors::StackError, offer::Offer, receiver::Receiver, tape::Tape,
    watch::Watch,
};
use crate::hardware::HostClock;

#[zbus::proxy(interface = "org.bluez.MediaTransport1", default_service = "org.bluez")]
pub(super) trait MediaTransport {
    fn acquire(&self) -> zbus::Result<(OwnedFd, u16, u16)>;
    fn try_acquire(&self) -> zbus::Result<(OwnedFd, u16, u16)>;
    fn release(&self) -> zbus::Result<()>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn codec(&self) -> zbus::Result<u8>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn configuration(&self) -> zbus::Result<Vec<u8>>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn delay(&self) -> zbus::Result<u16>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn set_delay(&self, tenths_of_ms: u16) -> zbus::Result<()>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn state(&self) -> zbus::Result<String>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn volume(&self) -> zbus::Result<u16>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn set_volume(&self, steps: u16) -> zbus::Result<()>;
}

#[zbus::proxy(interface = "org.bluez.Media1", default_service = "org.bluez")]
trait MediaAdapter {
    fn register_endpoint(&self, endpoint: &ObjectPath<'_>, properties: HashMap<&str, Variant<'_>>) -> zbus::Result<()>;
    fn unregister_endpoint(&self, endpoint: &ObjectPath<'_>) -> zbus::Result<()>;
}

/// What BlueZ has told our endpoints.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The transport of each device, by the paths of both.
    transports: BTreeMap<String, OwnedObjectPath>,
    /// Why we refused the last device's capabilities.
    refusal: Option<String>,
}

/// One of our endpoints as BlueZ sees it. It is called on the runtime and must answer within 3 s, so it only takes notes.
struct Served {
    offer: Offer,
    told: Arc<watch::Sender<Told>>,
}

#[zbus::interface(name = "org.bluez.MediaEndpoint1", spawn = false)]
impl Served {
    fn select_configuration(&self, capabilities: Vec<u8>) -> fdo::Result<Vec<u8>> {
        self.offer.choose(&capabilities).map(CodecConfiguration::octets).map_err(|refusal| {
            self.told.send_modify(|told| told.refusal = Some(refusal.clone()));
            fdo::Error::InvalidArgs(refusal)
        })
    }

    fn set_configuration(&self, transport: OwnedObjectPath, properties: HashMap<String, OwnedVariant>) {
        let device = properties.get("Device").and_then(|device| device.downcast_ref::<ObjectPath<'_>>().ok());
        if let Some(device) = device {
            self.told.send_modify(|told| {
                told.transports.insert(device.as_str().to_owned(), transport);
            });
        }
    }

    fn clear_configuration(&self, transport: OwnedObjectPath) {
        self.told.send_modify(|told| told.transports.retain(|_, known| *known != transport));
    }

    fn release(&self) {
        self.told.send_modify(|told| told.transports.clear());
    }
}

/// The media side of one adapter.
pub(super) struct Media {
    connection: zbus::Connection,
    adapter: String,
    clock: HostClock,
    told: Arc<watch::Sender<Told>>,
    registered: Mutex<Vec<Offer>>,
    /// What BlueZ tells of the adapter's devices and their transports.
    pub(super) changes: Changes,
    receiver: OnceCell<Receiver>,
}

impl Media {
    /// Opens the second connection to the system bus.
    pub(super) async fn open(adapter: String, clock: HostClock) -> Result<Self, StackError> {
        let connection = zbus::connection::Builder::system().build().await?;
        let changes = Changes::begin(&connection, &adapter, clock).await?;
        let told = Arc::new(watch::Sender::new(Told::default()));
        let (registered, receiver) = (Mutex::default(), OnceCell::new());
        Ok(Self { connection, adapter, clock, told, registered, changes, receiver })
    }

    /// Watches bluetoothd and the adapter, on this connection.
    pub(super) async fn watch(&self) -> Result<Watch, StackError> {
        Watch::start(&self.connection, self.adapter.clone()).await
    }

    /// The connection name of the bluetoothd that runs now.
    pub(super) async fn daemon(&self) -> Result<String, StackError> {
        let bus = fdo::DBusProxy::new(&self.connection).await?;
        let name = zbus::names::BusName::try_from("org.bluez")?;
        let owner = bus.get_name_owner(name).await.map_err(|e| StackError::from(zbus::Error::from(e)))?;
        Ok(owner.as_str().to_owned())
    }

    /// Whether anything is offered.
    pub(super) async fn is_offering(&self) -> bool {
        !self.registered.lock().await.is_empty()
    }

    /// Makes `offers` the only ones. Asking again for the same changes nothing.
    pub(super) async fn offer(&self, role: EndpointRole, offers: &[Offer]) -> Result<(), StackError> {
        self.told.send_modify(|told| told.refusal = None);
        let mut registered = self.registered.lock().await;
        if *registered == offers {
            return Ok(());
        }
        let adapter = MediaAdapterProxy::builder(&self.connection).path(self.adapter.as_str()).build().await?;
        let path = |number: usize| ObjectPath::try_from(format!("/rigtone/endpoint{number}"));
        while let Some(number) = registered.len().checked_sub(1) {
            let path = path(number)?;
            registered.pop();
            adapter.unregister_endpoint(&path).await?;
            self.connection.object_server().remove::<Served, _>(&path).await?;
        }
        let uuid = role.own().to_string();
        for (number, offer) in offers.iter().enumerate() {
            let path = path(number)?;
            let served = Served { offer: offer.clone(), told: self.told.clone() };
            self.connection.object_server().at(&path, served).await?;
            let properties = HashMap::from([
                ("UUID", Variant::from(uuid.as_str())),
                ("Codec", Variant::from(offer.codec_type)),
                ("Capabilities", Variant::from(offer.capabilities.clone())),
                ("DelayReporting", Variant::from(true)),
            ]);
            adapter.register_endpoint(&path, properties).await?;
            registered.push(offer.clone());
        }
        Ok(())
    }

    /// From now on every stream that a source starts is taken, and what comes of it goes to the tape.
    pub(super) fn receive(&self) -> &Arc<Tape> {
        let begin = || {
            let (connection, adapter) = (self.connection.clone(), self.adapter.clone());
            Receiver::begin(connection, adapter, self.changes.follow(), self.told.clone(), self.clock)
        };
        &self.receiver.get_or_init(begin).tape
    }

    /// Looks now, and again whenever BlueZ has told something, until there is a value.
    pub(super) async fn until<T, E, F: Future<Output = Result<Option<T>, E>>>(
        &self,
        mut look: impl FnMut() -> F,
    ) -> Result<Option<T>, E> {
        let mut told = self.told.subscribe();
        loop {
            told.borrow_and_update();
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            if told.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// Why the last device's capabilities were refused, if they were.
    pub(super) fn refusal(&self) -> Option<String> {
        self.told.borrow().refusal.clone()
    }

    /// Whether `device` has a transport now.
    pub(super) fn has_transport(&self, device: &str) -> bool {
        self.told.borrow().transports.contains_key(device)
    }

    /// Waits until `device` has a transport.
    pub(super) async fn transport_of(&self, device: &str) -> Result<MediaTransportProxy<'static>, StackError> {
        let mut told = self.told.subscribe();
        let path = loop {
            if let Some(path) = told.borrow_and_update().transports.get(device) {
                break path.clone();
            }
            if told.changed().await.is_err() {
                return Err(StackError::new("zbus", "the media endpoint is gone"));
            }
        };
        Ok(transport(&self.connection, path).await?)
    }
}

/// The transport at that path.
pub(super) async fn transport(
    connection: &zbus::Connection,
    path: impl TryInto<ObjectPath<'static>, Error: Into<zbus::Error>>,
) -> zbus::Result<MediaTransportProxy<'static>> {
    let transport = MediaTransportProxy::builder(connection).path(path);
    transport.cache_properties(zbus::proxy::CacheProperties::No).build().await
}
