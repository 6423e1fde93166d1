//! Media over zbus: our A2DP endpoint and the transports that BlueZ makes for it.

#![expect(clippy::needless_pass_by_value, reason = "what a D-Bus method is given is its own")]

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use rigtone_bluetooth::{codec::CodecConfiguration, uuid::A2DP_SOURCE};
use tokio::sync::{Mutex, watch};
use zbus::{ObjectPath, OwnedFd, OwnedObjectPath, OwnedVariant, Variant, fdo};

use super::{errors::StackError, transport::Changes, watch::Watch};
use crate::hardware::HostClock;

#[zbus::proxy(interface = "org.bluez.MediaTransport1", default_service = "org.bluez")]
pub(super) trait MediaTransport {
    fn acquire(&self) -> zbus::Result<(OwnedFd, u16, u16)>;
    fn release(&self) -> zbus::Result<()>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn codec(&self) -> zbus::Result<u8>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn configuration(&self) -> zbus::Result<Vec<u8>>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn delay(&self) -> zbus::Result<u16>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn state(&self) -> zbus::Result<String>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn volume(&self) -> zbus::Result<u16>;
}

#[zbus::proxy(interface = "org.bluez.Media1", default_service = "org.bluez")]
trait MediaAdapter {
    fn register_endpoint(&self, endpoint: &ObjectPath<'_>, properties: HashMap<&str, Variant<'_>>) -> zbus::Result<()>;
    fn unregister_endpoint(&self, endpoint: &ObjectPath<'_>) -> zbus::Result<()>;
}

/// What BlueZ has told our endpoint.
#[derive(Debug, Default)]
struct Told {
    /// The transport of each device, by the paths of both.
    transports: BTreeMap<String, OwnedObjectPath>,
    /// Why we refused the last device's capabilities.
    refusal: Option<String>,
}

/// What our endpoint offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) configuration: CodecConfiguration,
    /// Whether the device must take the whole of it, the bitpool too.
    pub(super) whole: bool,
}

/// Our endpoint as BlueZ sees it. It is called on the runtime and must answer within 3 s, so it only takes notes.
struct Served {
    offer: Offer,
    told: Arc<watch::Sender<Told>>,
}

#[zbus::interface(name = "org.bluez.MediaEndpoint1", spawn = false)]
impl Served {
    fn select_configuration(&self, capabilities: Vec<u8>) -> fdo::Result<Vec<u8>> {
        let Offer { configuration, whole } = self.offer;
        let chosen =
            if whole { configuration.choose_whole(&capabilities) } else { configuration.choose(&capabilities) };
        let refusal = match chosen {
            Ok(Ok(chosen)) => return Ok(chosen.octets()),
            Ok(Err(lacking)) => format!("the device offers {capabilities:02x?}, which lacks {}", lacking.join(", ")),
            Err(e) => format!("the device offers {capabilities:02x?}: {e}"),
        };
        self.told.send_modify(|told| told.refusal = Some(refusal.clone()));
        Err(fdo::Error::InvalidArgs(refusal))
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

/// The media side of one adapter: at most one endpoint, which offers exactly one configuration.
pub(super) struct Media {
    connection: zbus::Connection,
    adapter: String,
    told: Arc<watch::Sender<Told>>,
    registered: Mutex<Option<Offer>>,
    /// What BlueZ tells of transports.
    pub(super) changes: Changes,
}

const ENDPOINT: &str = "/rigtone/a2dp_source";

impl Media {
    /// Opens the second connection to the system bus.
    pub(super) async fn open(adapter: String, clock: HostClock) -> Result<Self, StackError> {
        let connection = zbus::connection::Builder::system().build().await?;
        let changes = Changes::begin(&connection, clock).await?;
        let told = Arc::new(watch::Sender::new(Told::default()));
        Ok(Self { connection, adapter, told, registered: Mutex::new(None), changes })
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

    /// Makes `configuration` the only one that is offered. Asking again for the same changes nothing.
    pub(super) async fn offer(&self, offer: Offer) -> Result<(), StackError> {
        self.told.send_modify(|told| told.refusal = None);
        let mut registered = self.registered.lock().await;
        if *registered == Some(offer) {
            return Ok(());
        }
        let adapter = MediaAdapterProxy::builder(&self.connection).path(self.adapter.as_str()).build().await?;
        let path = ObjectPath::try_from(ENDPOINT)?;
        if registered.take().is_some() {
            adapter.unregister_endpoint(&path).await?;
            self.connection.object_server().remove::<Served, _>(&path).await?;
        }
        let Offer { configuration, .. } = offer;
        let served = Served { offer, told: self.told.clone() };
        self.connection.object_server().at(&path, served).await?;
        let uuid = A2DP_SOURCE.to_string();
        let properties = HashMap::from([
            ("UUID", Variant::from(uuid.as_str())),
            ("Codec", Variant::from(configuration.codec_type())),
            ("Capabilities", Variant::from(configuration.octets())),
            ("DelayReporting", Variant::from(true)),
        ]);
        adapter.register_endpoint(&path, properties).await?;
        *registered = Some(offer);
        Ok(())
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
        let transport = MediaTransportProxy::builder(&self.connection)
            .path(path)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        Ok(transport)
    }
}
