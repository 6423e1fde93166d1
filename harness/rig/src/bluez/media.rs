//! Media over zbus: our A2DP endpoints and the transports that BlueZ makes for them.

#![expect(clippy::needless_pass_by_value, reason = "what a D-Bus method is given is its own")]

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures::StreamExt;
use rigtone_bluetooth::{
    aac, aptx,
    codec::{AAC, CodecConfiguration, SBC, VENDOR},
    opus,
    sbc::{self, Frequency},
};
use rigtone_model::document::Codec;
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};
use zbus::{MatchRule, MessageStream, ObjectPath, OwnedFd, OwnedObjectPath, OwnedVariant, Variant, fdo, message::Type};

use super::{
    endpoint::EndpointRole,
    errors::{Call, Meaning, StackError, meaning},
    tape::Tape,
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
}

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

#[zbus::proxy(interface = "org.bluez.Media1", default_service = "org.bluez")]
trait MediaAdapter {
    fn register_endpoint(&self, endpoint: &ObjectPath<'_>, properties: HashMap<&str, Variant<'_>>) -> zbus::Result<()>;
    fn unregister_endpoint(&self, endpoint: &ObjectPath<'_>) -> zbus::Result<()>;
}

/// What one endpoint offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    codec_type: u8,
    capabilities: Vec<u8>,
    /// What is chosen when we choose: the first that the other end has.
    choices: Vec<CodecConfiguration>,
}

impl Offer {
    /// This configuration and no other.
    pub(super) fn only(configuration: CodecConfiguration) -> Self {
        let (codec_type, capabilities) = (configuration.codec_type(), configuration.octets());
        Self { codec_type, capabilities, choices: vec![configuration] }
    }

    /// All that a sink can receive of a codec, the better first; none where it cannot.
    pub(super) fn to_receive(codec: Codec) -> Option<Self> {
        const RATES: [u32; 2] = [48_000, 44_100];
        let both = |of: &dyn Fn(u32) -> CodecConfiguration| {
            let choices: Vec<CodecConfiguration> = RATES.into_iter().map(of).collect();
            // Each choice has one bit for each field, so what has any of them is all of them.
            let capabilities = choices
                .iter()
                .map(|choice| choice.octets())
                .reduce(|all, one| all.into_iter().zip(one).map(|(a, b)| a | b).collect());
            (capabilities.unwrap_or_default(), choices)
        };
        let aptx = |variant| both(&move |hz| CodecConfiguration::Aptx(aptx::Configuration { variant, hz }));
        let (codec_type, (capabilities, choices)) = match codec {
            Codec::Sbc => {
                let rates = [Frequency::Hz48000, Frequency::Hz44100];
                let choices = rates.map(|rate| CodecConfiguration::Sbc(sbc::Configuration::high_quality(rate)));
                // Every field of SBC that there is, with the bitpools that are usual.
                (SBC, (vec![0xFF, 0xFF, sbc::SMALLEST_BITPOOL, 53], choices.to_vec()))
            }
            Codec::Aac => (AAC, both(&|hz| CodecConfiguration::Aac(aac::Configuration::high_quality(hz)))),
            Codec::Aptx => (VENDOR, aptx(aptx::Variant::Classic)),
            Codec::AptxHd => (VENDOR, aptx(aptx::Variant::Hd)),
            Codec::Opus => {
                let only = CodecConfiguration::Opus(opus::Configuration);
                (VENDOR, (only.octets(), vec![only]))
            }
            _ => return None,
        };
        Some(Self { codec_type, capabilities, choices })
    }

    /// What is chosen from the capabilities of the other end, or why nothing can be.
    fn choose(&self, capabilities: &[u8]) -> Result<CodecConfiguration, String> {
        let mut refusal = None;
        for choice in &self.choices {
            let why = match choice.choose(capabilities) {
                Ok(Ok(chosen)) => return Ok(chosen),
                Ok(Err(lacking)) => {
                    format!("the device offers {capabilities:02x?}, which lacks {}", lacking.join(", "))
                }
                Err(e) => format!("the device offers {capabilities:02x?}: {e}"),
            };
            refusal.get_or_insert(why);
        }
        Err(refusal.unwrap_or_else(|| "nothing is offered".to_owned()))
    }
}

/// What BlueZ has told our endpoints.
#[derive(Debug, Default)]
struct Told {
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
    told: Arc<watch::Sender<Told>>,
    registered: Mutex<Vec<Offer>>,
    receiver: Mutex<Option<Receiver>>,
}

/// What a sink receives is followed by a task of its own until the media side is gone.
struct Receiver {
    tape: Arc<Tape>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Media {
    /// Opens the second connection to the system bus.
    pub(super) async fn open(adapter: String) -> Result<Self, StackError> {
        let connection = zbus::connection::Builder::system().build().await?;
        let told = Arc::new(watch::Sender::new(Told::default()));
        Ok(Self { connection, adapter, told, registered: Mutex::default(), receiver: Mutex::default() })
    }

    /// The connection name of the bluetoothd that runs now.
    pub(super) async fn daemon(&self) -> Result<String, StackError> {
        let bus = fdo::DBusProxy::new(&self.connection).await?;
        let name = zbus::names::BusName::try_from("org.bluez")?;
        let owner = bus.get_name_owner(name).await.map_err(|e| StackError::from(zbus::Error::from(e)))?;
        Ok(owner.as_str().to_owned())
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
    pub(super) async fn receive(&self, clock: HostClock) -> Result<Arc<Tape>, StackError> {
        let mut receiver = self.receiver.lock().await;
        if let Some(receiver) = receiver.as_ref().filter(|receiver| !receiver.task.is_finished()) {
            return Ok(receiver.tape.clone());
        }
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender("org.bluez")
            .interface("org.freedesktop.DBus.Properties")
            .member("PropertiesChanged")
            .path_namespace(self.adapter.as_str())
            .build();
        let changes = MessageStream::for_match_rule(rule?, &self.connection, None).await?;
        let tape = Arc::new(Tape::new(clock));
        let follower = Follower {
            connection: self.connection.clone(),
            adapter: self.adapter.clone(),
            told: self.told.clone(),
            tape: tape.clone(),
        };
        let task = tokio::spawn(follower.follow(changes));
        *receiver = Some(Receiver { tape: tape.clone(), task });
        Ok(tape)
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
        let transport = MediaTransportProxy::builder(&self.connection)
            .path(path)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        Ok(transport)
    }
}

/// Follows what BlueZ says of the properties below one adapter. State comes from these alone, each keyed by its interface: other
/// interfaces of one object have properties of the same names.
struct Follower {
    connection: zbus::Connection,
    adapter: String,
    told: Arc<watch::Sender<Told>>,
    tape: Arc<Tape>,
}

impl Follower {
    async fn follow(self, mut changes: MessageStream) {
        while let Some(Ok(message)) = changes.next().await {
            let Some(path) = message.header().path().map(|path| path.as_str().to_owned()) else { continue };
            let Some(signal) = fdo::PropertiesChanged::from_message(message) else { continue };
            let Ok(arguments) = signal.args() else { continue };
            let changed = arguments.changed_properties();
            let truth = |name: &str| changed.get(name).and_then(|value| value.downcast_ref::<bool>().ok());
            match arguments.interface_name().as_str() {
                "org.bluez.MediaTransport1" => {
                    let state = changed.get("State").and_then(|value| value.downcast_ref::<&str>().ok());
                    match state {
                        Some("pending") => self.take(&path).await,
                        Some("idle") => self.tape.ends(&path),
                        _ => {}
                    }
                }
                "org.bluez.Device1" => {
                    // `Paired` of a source that asked for it is told with its services: late, when it may have been refused already.
                    if truth("Bonded") == Some(true) || truth("Paired") == Some(true) {
                        // Who is not trusted may not set up a stream.
                        if let Err(error) = self.trust(&path).await {
                            let what = format!("trusting a source failed: {}", StackError::from(error));
                            self.tape.broke(what, "see bluetoothd's log for the cause");
                        }
                        // Paired is what the pairing mode was for; it ends by itself if this should fail.
                        let _ = self.hide().await;
                    }
                    if truth("Connected").is_some() {
                        // Who waits for a link looks again.
                        self.told.send_modify(|_| {});
                    }
                }
                _ => {}
            }
        }
    }

    async fn trust(&self, device: &str) -> zbus::Result<()> {
        let device = DeviceProxy::builder(&self.connection).path(device);
        device.cache_properties(zbus::proxy::CacheProperties::No).build().await?.set_trusted(true).await
    }

    async fn hide(&self) -> zbus::Result<()> {
        let adapter = AdapterProxy::builder(&self.connection).path(self.adapter.as_str());
        adapter.cache_properties(zbus::proxy::CacheProperties::No).build().await?.set_discoverable(false).await
    }

    /// Takes a stream that its source has started.
    async fn take(&self, path: &str) {
        let taken = async {
            let transport = MediaTransportProxy::builder(&self.connection).path(path);
            let transport = transport.cache_properties(zbus::proxy::CacheProperties::No).build().await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Codec::Sbc, 0, &[0xFF, 0xFF, 2, 53])]
    #[case(Codec::Aac, 2, &[0x80, 0x01, 0x84, 0x03, 0xE8, 0x00])]
    #[case(Codec::Aptx, 0xFF, &[0x4F, 0, 0, 0, 1, 0, 0x32])]
    #[case(Codec::AptxHd, 0xFF, &[0xD7, 0, 0, 0, 0x24, 0, 0x32, 0, 0, 0, 0])]
    #[case(Codec::Opus, 0xFF, &[0xE0, 0, 0, 0, 1, 0, 0x92])]
    fn a_sink_offers_all_that_it_decodes(#[case] codec: Codec, #[case] codec_type: u8, #[case] capabilities: &[u8]) {
        let offer = Offer::to_receive(codec).expect("a codec that is decoded");
        assert_eq!((offer.codec_type, &offer.capabilities[..]), (codec_type, capabilities));
        // Whatever a source may choose of it is understood, and each of our choices lies within.
        for choice in &offer.choices {
            assert_eq!(choice.choose(capabilities), Ok(Ok(*choice)));
        }
    }

    #[rstest]
    #[case::better_first(&[0xFF, 0xFF, 2, 250], Ok([0x11, 0x15, 2, 53]))]
    #[case::what_there_is(&[0x2F, 0xFF, 2, 35], Ok([0x21, 0x15, 2, 35]))]
    #[case::neither(&[0xCF, 0xFF, 2, 53], Err("lacks 48 kHz"))]
    #[case::nonsense(&[1], Err("4 octets"))]
    fn we_choose_what_the_source_has(#[case] source: &[u8], #[case] chosen: Result<[u8; 4], &str>) {
        let found = Offer::to_receive(Codec::Sbc).expect("SBC").choose(source);
        match (found, chosen) {
            (Ok(found), Ok(chosen)) => assert_eq!(found.octets(), chosen),
            (Err(found), Err(said)) => assert!(found.contains(said), "{found}"),
            (found, _) => panic!("{found:?}"),
        }
    }
}
