//! Rigtone as the A2DP source on a dongle; searching, pairing and connecting as its sink too.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use async_trait::async_trait;
use futures::StreamExt;
use rigtone_audio::stimulus::Name;
use rigtone_bluetooth::{
    aptx,
    codec::CodecConfiguration,
    packet::packetise,
    uuid::{A2DP_SINK, A2DP_SOURCE, ServiceClass},
};
use rigtone_model::{
    document::{Codec, Profile, Role},
    dongle,
    event::TransportChange,
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};

use super::{
    dongle::{Called, Dongle, Live},
    encode::encoded,
    errors::{Call, StackError},
    media::MediaTransportProxy,
    offer::Offer,
    stream::Started,
};
use crate::{
    capability::{
        Address, Answer, Connecting, Found, Inquiry, Link, Pairing, Programme, Streamed, Streaming, Told,
        VolumeControl, Watching, Wish,
    },
    clock::{Clock, Instant},
    hardware::within,
};

/// How long a pairing that was called off may take to end.
const CALLING_OFF_NS: i64 = 5_000_000_000;
/// How long something that was ordered may stay undone before it is ordered again.
const AGAIN_NS: i64 = 1_000_000_000;
/// How long the last question for a link may take when the wait for its end is over.
const LAST_LOOK_NS: i64 = 1_000_000_000;
/// The steps of the absolute volume of AVRCP.
const VOLUME_STEPS: f64 = 127.0;
/// How long a speaker may take to say which volume it has taken.
const VOLUME_SETTLES_NS: i64 = 1_000_000_000;

/// What a stimulus is, without its samples, how often and at which level it is sent, and how it is encoded.
type Key = (Name, u32, u32, (u32, u64), CodecConfiguration);

/// What Rigtone is on a dongle: one of both, never both at once, or devices that are both would race with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointRole {
    /// The A2DP source.
    Source,
    /// The A2DP sink.
    Sink,
}

impl EndpointRole {
    /// What it is called.
    const fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
        }
    }

    /// What to do about a codec that it does not know.
    fn known_codecs(self) -> String {
        let role = match self {
            Self::Source => Role::A2dpSource,
            Self::Sink => Role::A2dpSink,
        };
        format!("list only codecs that it knows in its device document: {}", dongle::codecs_in_words(role))
    }

    /// The service of its own.
    pub(super) const fn own(self) -> ServiceClass {
        match self {
            Self::Source => A2DP_SOURCE,
            Self::Sink => A2DP_SINK,
        }
    }

    /// The service at the other end.
    const fn peer(self) -> ServiceClass {
        match self {
            Self::Source => A2DP_SINK,
            Self::Sink => A2DP_SOURCE,
        }
    }
}

/// The A2DP source, or sink, of one dongle.
pub struct Endpoint {
    dongle: Rc<Dongle>,
    role: EndpointRole,
    encoded: RefCell<HashMap<Key, Rc<Vec<u8>>>>,
    /// What was agreed on last.
    agreed: RefCell<Option<CodecConfiguration>>,
    /// Bonds that were to be removed while the dongle or bluetoothd was away.
    owed: RefCell<BTreeSet<Address>>,
}

impl Endpoint {
    /// What is on that dongle.
    pub fn new(dongle: Rc<Dongle>, role: EndpointRole) -> Self {
        Self { dongle, role, encoded: RefCell::default(), agreed: RefCell::default(), owed: RefCell::default() }
    }

    pub(super) fn dongle(&self) -> &Dongle {
        &self.dongle
    }

    pub(super) const fn role(&self) -> EndpointRole {
        self.role
    }

    /// What is offered for a wish, the better first. SBC stands behind every other codec, as A2DP demands of all devices: whoever lacks what is
    /// wished for agrees on that. Who asks for one configuration asks for no other.
    pub(super) fn offers(&self, wish: Wish) -> Result<Vec<Offer>, InfrastructureFault> {
        let wished = self.offer(wish)?;
        let mandatory = Wish { codec: Codec::Sbc, ..wish };
        match (wish.configured, wish.codec) {
            (Some(_), _) | (None, Codec::Sbc) => Ok(vec![wished]),
            (None, _) => Ok(vec![wished, self.offer(mandatory)?]),
        }
    }

    fn offer(&self, wish: Wish) -> Result<Offer, InfrastructureFault> {
        match (self.role, wish.configured) {
            (EndpointRole::Source, configured) => Ok(Offer::only(self.configuration(wish)?, configured.is_some())),
            (EndpointRole::Sink, None) => self.to_receive(wish.codec),
            (EndpointRole::Sink, Some(_)) => {
                self.to_receive(wish.codec)?;
                Ok(Offer::only(self.configuration(wish)?, true))
            }
        }
    }

    /// All that is offered of a codec to whoever sends it.
    pub(super) fn to_receive(&self, codec: Codec) -> Result<Offer, InfrastructureFault> {
        Offer::to_receive(codec)
            .ok_or_else(|| self.dongle.fault(format!("cannot be the sink of {codec}")).hint(self.role.known_codecs()))
    }

    /// The one configuration that a wish stands for.
    fn configuration(&self, wish: Wish) -> Result<CodecConfiguration, InfrastructureFault> {
        wish.configuration().ok_or_else(|| {
            let as_asked = wish.configured.map(|wanted| format!(" at {wanted}")).unwrap_or_default();
            let what = format!("cannot be the {} of {}{as_asked} over {}", self.role.word(), wish.codec, wish.profile);
            self.dongle.fault(what).hint(self.role.known_codecs())
        })
    }

    /// What is encoded for a wish: what was agreed on, else what would be asked for.
    fn to_send(&self, wish: Wish) -> Result<CodecConfiguration, InfrastructureFault> {
        let agreed = *self.agreed.borrow();
        agreed.map_or_else(|| self.configuration(wish), Ok)
    }

    /// Whether BlueZ knows the device; an unknown one cannot be paired with.
    async fn knows(&self, live: &Live, target: Address, deadline: Instant) -> Result<bool, InfrastructureFault> {
        let known = self.dongle.ask("listing devices", deadline, || live.adapter.device_addresses()).await?;
        Ok(known.is_some_and(|known| known.iter().any(|address| address.0 == target.0)))
    }

    /// Removes a bond that was to be removed when nobody could.
    async fn settle(&self, target: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        let owed = self.owed.borrow().contains(&target);
        if owed { self.forget(target, deadline).await } else { Ok(()) }
    }

    /// A pairing that begins while BlueZ still searches leaves 5.66 unable ever to search again.
    pub(super) async fn until_quiet(&self, live: &Live, deadline: Instant) -> Result<(), InfrastructureFault> {
        // The events first: what changes after the question is among them.
        let events = self.dongle.ask("watching the search", deadline, || live.adapter.events()).await?;
        let mut events = std::pin::pin!(futures::stream::iter(events).flatten());
        while self.dongle.ask("watching the search", deadline, || live.adapter.is_discovering()).await? == Some(true) {
            let changed = async {
                while let Some(event) = events.next().await {
                    if let bluer::AdapterEvent::PropertyChanged(bluer::AdapterProperty::Discovering(_)) = event {
                        return;
                    }
                }
                // An adapter that is gone answers the next question with that.
                self.dongle.moment(deadline).await;
            };
            if within(self.dongle.clock(), deadline, changed).await.is_none() {
                return Err(self
                    .dongle
                    .fault("BlueZ did not stop searching before the deadline")
                    .hint("see that no other program searches, or restart bluetoothd"));
            }
        }
        Ok(())
    }

    /// Waits until a property of a device has changed, whichever, or `deadline`.
    async fn until_changed(
        &self,
        events: &mut (impl futures::Stream<Item = bluer::DeviceEvent> + Unpin),
        deadline: Instant,
    ) {
        if within(self.dongle.clock(), deadline, events.next()).await.flatten().is_none() {
            // The stream ends with its object; the next question tells that.
            self.dongle.moment(deadline).await;
        }
    }

    async fn search(&self, live: &Live, target: Address) -> Result<Found, StackError> {
        let filter = bluer::DiscoveryFilter { transport: bluer::DiscoveryTransport::BrEdr, ..Default::default() };
        live.adapter.set_discovery_filter(filter).await?;
        loop {
            let mut events = std::pin::pin!(live.adapter.discover_devices_with_changes().await?);
            while let Some(event) = events.next().await {
                if !matches!(event, bluer::AdapterEvent::DeviceAdded(address) if address.0 == target.0) {
                    continue;
                }
                // A search first repeats what is known; only what answers now has a signal strength. An object may
                // vanish between the event and the question.
                if let Ok(Some(rssi)) = live.device(target)?.rssi().await {
                    return Ok(Found { at: self.dongle.clock().now(), rssi_dbm: Some(rssi) });
                }
            }
            // BlueZ ended the search: an adapter that is gone says so when asked to search again.
            self.dongle.moment(Instant(i64::MAX)).await;
        }
    }

    pub(super) async fn is_connected(
        &self,
        device: &bluer::Device,
        deadline: Instant,
    ) -> Result<bool, InfrastructureFault> {
        let answer = self.dongle.call(Call::Leave, "reading the link's state", deadline, || device.is_connected());
        Ok(matches!(answer.await?, Called::Done(true)))
    }

    /// bluer calls a pairing off behind our back: what is asked of BlueZ before that has arrived is called off with it.
    async fn until_called_off(&self, device: &bluer::Device) -> Result<(), InfrastructureFault> {
        let deadline = self.dongle.clock().now().plus(CALLING_OFF_NS);
        self.dongle.moment(deadline).await;
        while self.is_connected(device, deadline).await? && self.dongle.clock().now() < deadline {
            self.dongle.moment(deadline).await;
        }
        Ok(())
    }

    /// After pairing BlueZ reads the service records; connecting meanwhile collides with that. Events only wake it: those of bluer do not
    /// say which interface of the device has changed, so the state itself is asked for.
    async fn until_resolved(&self, device: &bluer::Device, deadline: Instant) -> Result<(), InfrastructureFault> {
        let events = self.dongle.ask("watching the device", deadline, || device.events()).await?;
        let mut events = std::pin::pin!(futures::stream::iter(events).flatten());
        while self.is_connected(device, deadline).await?
            && self.dongle.ask("reading the services", deadline, || device.is_services_resolved()).await? == Some(false)
            && self.dongle.clock().now() < deadline
        {
            self.until_changed(&mut events, deadline).await;
        }
        Ok(())
    }

    pub(super) async fn link(
        &self,
        live: &Live,
        device: &str,
        transport: &MediaTransportProxy<'_>,
        deadline: Instant,
    ) -> Answer<Link> {
        let read = async || -> Result<(u8, Vec<u8>), zbus::Error> {
            Ok((transport.codec().await?, transport.configuration().await?))
        };
        let (codec_type, octets) = match self.dongle.call(Call::Acquire, "reading the stream", deadline, read).await? {
            Called::Done(read) => read,
            Called::Already | Called::Late => {
                return Err(self.dongle.fault("BlueZ did not describe the stream before the deadline"));
            }
            Called::Failed(failure) => return Ok(Err(failure)),
        };
        let configuration = CodecConfiguration::parse(codec_type, &octets);
        let codec = match &configuration {
            Ok(CodecConfiguration::Sbc(_)) => Codec::Sbc,
            Ok(CodecConfiguration::Aac(_)) => Codec::Aac,
            Ok(CodecConfiguration::Aptx(aptx)) if aptx.variant == aptx::Variant::Hd => Codec::AptxHd,
            Ok(CodecConfiguration::Aptx(_)) => Codec::Aptx,
            Ok(CodecConfiguration::Opus(_)) => Codec::Opus,
            Ok(CodecConfiguration::Ldac(_)) => Codec::Ldac,
            Ok(other) => return Err(self.dongle.fault(format!("BlueZ agreed on {other:?}, which was never offered"))),
            Err(e) => return Err(self.dongle.fault(format!("BlueZ agreed on {codec_type:#04x} {octets:02x?}: {e}"))),
        };
        let rate_hz = configuration.as_ref().map_or(0, |configuration| configuration.rate());
        *self.agreed.borrow_mut() = configuration.ok();
        // A speaker that reports no delay has no such property. BlueZ counts in tenths of a millisecond.
        let delay = within(self.dongle.clock(), deadline, transport.delay()).await.and_then(Result::ok);
        let reported_delay_ns = delay.map(|tenths| i64::from(tenths) * 100_000);
        // A device without AVRCP has no volume.
        if let Some(Ok(volume)) = within(self.dongle.clock(), deadline, transport.volume()).await {
            let (path, at) = (transport.inner().path().as_str().to_owned(), self.dongle.clock().now());
            live.media.changes.note(&path, at, TransportChange::Volume(volume));
        }
        let changes = live.media.changes.take(device);
        Ok(Ok(Link { codec, configuration: octets, rate_hz, reported_delay_ns, changes }))
    }
}

#[async_trait(?Send)]
impl Inquiry for Endpoint {
    async fn find(&self, target: Address, restart_ns: Option<i64>, deadline: Instant) -> Answer<Found> {
        self.settle(target, deadline).await?;
        let live = self.dongle.live(deadline).await?;
        self.dongle.unless_lost(&live, self.find_by(&live, target, restart_ns, deadline)).await
    }
}

#[async_trait(?Send)]
impl Pairing for Endpoint {
    async fn pair(&self, target: Address, deadline: Instant) -> Answer<()> {
        self.settle(target, deadline).await?;
        let live = self.dongle.live(deadline).await?;
        self.dongle.unless_lost(&live, self.pair_by(&live, target, deadline)).await
    }

    async fn forget(&self, target: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        self.owed.borrow_mut().insert(target);
        let live = self.dongle.live(deadline).await?;
        self.dongle.unless_lost(&live, self.forget_by(&live, target, deadline)).await?;
        self.owed.borrow_mut().remove(&target);
        Ok(())
    }
}

#[async_trait(?Send)]
impl Connecting for Endpoint {
    async fn connect(&self, target: Address, wish: Wish, deadline: Instant) -> Answer<Link> {
        let live = self.dongle.live(deadline).await?;
        self.dongle.unless_lost(&live, self.connect_by(&live, target, wish, deadline)).await
    }

    async fn disconnect(&self, target: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        let live = self.dongle.live(deadline).await?;
        self.dongle.unless_lost(&live, self.disconnect_by(&live, target, deadline)).await
    }
}

#[async_trait(?Send)]
impl Watching for Endpoint {
    async fn unlinked(&self, target: Address, deadline: Instant) -> Answer<()> {
        let live = self.dongle.live(deadline).await?;
        self.dongle.unless_lost(&live, self.unlinked_by(&live, target, deadline)).await
    }
}

#[async_trait(?Send)]
impl VolumeControl for Endpoint {
    async fn set_volume(&self, target: Address, share: f64, deadline: Instant) -> Answer<f64> {
        let live = self.dongle.live(deadline).await?;
        self.dongle.unless_lost(&live, self.volume_by(&live, target, share, deadline)).await
    }
}

#[async_trait(?Send)]
impl Streaming for Endpoint {
    async fn prepare(&self, programme: &Programme, wish: Wish, deadline: Instant) -> Result<(), InfrastructureFault> {
        let configuration = self.to_send(wish)?;
        self.encoded(programme, configuration, deadline).await.map(|_| ())
    }

    async fn stream(
        &self,
        target: Address,
        programme: &Programme,
        deadline: Instant,
    ) -> Result<Streamed, InfrastructureFault> {
        let live = self.dongle.live(deadline).await?;
        self.dongle.unless_lost(&live, self.stream_by(&live, target, programme, deadline)).await
    }
}

impl Endpoint {
    async fn encoded(
        &self,
        programme: &Programme,
        configuration: CodecConfiguration,
        deadline: Instant,
    ) -> Result<Rc<Vec<u8>>, InfrastructureFault> {
        // These say what the samples are: the generator is deterministic.
        let played = (programme.repeats(), programme.level_db().to_bits());
        let key = (programme.name(), programme.rate(), programme.code(), played, configuration);
        if let Some(known) = self.encoded.borrow().get(&key) {
            return Ok(known.clone());
        }
        let late = || self.dongle.fault(format!("`{}` was not encoded before the deadline", programme.name()));
        let encoding = encoded(programme, configuration);
        let encoded = within(self.dongle.clock(), deadline, encoding).await.ok_or_else(late)??;
        let encoded = Rc::new(encoded);
        self.encoded.borrow_mut().insert(key, encoded.clone());
        Ok(encoded)
    }
}

/// The same, by what is open as long as it is.
impl Endpoint {
    async fn find_by(&self, live: &Live, target: Address, restart_ns: Option<i64>, deadline: Instant) -> Answer<Found> {
        let began = self.dongle.clock().now();
        let found = loop {
            let end = restart_ns.map_or(deadline, |every| self.dongle.clock().now().plus(every.max(1)).min(deadline));
            let found = self.dongle.call(Call::Rig, "searching", end, || self.search(live, target)).await?;
            // Ending a search takes a while of its own, which a search in vain must not lack.
            let quiet = self.dongle.clock().now().plus(5_000_000_000);
            self.until_quiet(live, quiet).await?;
            if !matches!(found, Called::Late) || self.dongle.clock().now() >= deadline {
                break found;
            }
        };
        Ok(match found {
            Called::Done(found) => Ok(found),
            Called::Failed(failure) => Err(failure),
            Called::Already | Called::Late => {
                let seconds = deadline.since(began) as f64 / 1e9;
                let detail = format!("{target} did not answer the inquiry within {seconds:.1} s");
                Err(DeviceFailure::new(FailureClass::NotDiscovered, detail))
            }
        })
    }

    async fn pair_by(&self, live: &Live, target: Address, deadline: Instant) -> Answer<()> {
        if !self.knows(live, target, deadline).await?
            && let Err(failure) = self.find(target, None, deadline).await?
        {
            return Ok(Err(failure));
        }
        self.until_quiet(live, deadline).await?;
        let device = live.device(target).map_err(|e| self.dongle.fault(e.to_string()))?;
        match self.dongle.call(Call::Pair, "pairing", deadline, || device.pair()).await? {
            Called::Failed(failure) => return Ok(Err(failure)),
            Called::Late => {
                self.until_called_off(&device).await?;
                let detail = format!("{target} had not paired when the time was over");
                return Ok(Err(DeviceFailure::new(FailureClass::PairingTimedOut, detail)));
            }
            Called::Done(()) | Called::Already => {}
        }
        self.dongle.ask("trusting the device", deadline, || device.set_trusted(true)).await?;
        Ok(Ok(()))
    }

    async fn forget_by(&self, live: &Live, target: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        let address = bluer::Address(target.0);
        let late = || self.dongle.fault(format!("{target} was not forgotten before the deadline"));
        let events = self.dongle.ask("watching the devices", deadline, || live.adapter.events()).await?;
        let mut events = std::pin::pin!(futures::stream::iter(events).flatten());
        // Removing is asynchronous: the object stays for a while.
        while self.knows(live, target, deadline).await? {
            let removed = self
                .dongle
                .call(Call::Leave, "forgetting the device", deadline, || live.adapter.remove_device(address));
            if let Called::Late = removed.await? {
                return Err(late());
            }
            let gone = async {
                while let Some(event) = events.next().await {
                    if matches!(event, bluer::AdapterEvent::DeviceRemoved(gone) if gone == address) {
                        return;
                    }
                }
            };
            // It is asked for again when nothing came of it.
            let again = self.dongle.clock().now().plus(AGAIN_NS).min(deadline);
            within(self.dongle.clock(), again, gone).await;
            if self.dongle.clock().now() >= deadline {
                return Err(late());
            }
        }
        if self.role == EndpointRole::Sink {
            self.dongle.ask("ending the pairing mode", deadline, || live.adapter.set_discoverable(false)).await?;
        }
        Ok(())
    }

    async fn connect_by(&self, live: &Live, target: Address, wish: Wish, deadline: Instant) -> Answer<Link> {
        let offers = self.offers(wish)?;
        self.agreed.take();
        if self.role == EndpointRole::Sink {
            live.media.receive();
        }
        // What was told since the last stream belongs to none.
        live.media.changes.take(&live.path(target));
        self.dongle.ask("offering the codec", deadline, || live.media.offer(self.role, &offers)).await?;
        let failed = |class, detail: String| Ok(Err(DeviceFailure::new(class, detail)));
        if !self.knows(live, target, deadline).await? {
            return failed(FailureClass::NotConnected, format!("{target} is neither paired nor found"));
        }
        let device = live.device(target).map_err(|e| self.dongle.fault(e.to_string()))?;
        if self.dongle.ask("reading the bond", deadline, || device.is_paired()).await? != Some(true) {
            return failed(FailureClass::NotConnected, format!("{target} is not paired"));
        }
        self.until_resolved(&device, deadline).await?;
        let service = bluer::Uuid::from_u128(self.role.peer().as_u128());
        match self.dongle.call(Call::Connect, "connecting", deadline, || device.connect_profile(&service)).await? {
            Called::Done(()) | Called::Already => {}
            Called::Late => return failed(FailureClass::NotConnected, format!("{target} had not connected in time")),
            // BlueZ has one word for every I/O error; that we refused is a better one.
            Called::Failed(failure) => match live.media.refusal() {
                Some(refusal) => return failed(FailureClass::Unsupported, refusal),
                None => return Ok(Err(failure)),
            },
        }
        let path = live.path(target);
        let transport = live.media.transport_of(&path);
        match within(self.dongle.clock(), deadline, transport).await {
            Some(Ok(transport)) => self.link(live, &path, &transport, deadline).await,
            Some(Err(e)) => Err(self.dongle.fault(format!("reading the stream failed: {e}"))),
            None => failed(FailureClass::NoStream, format!("{target} connected and set up no stream in time")),
        }
    }

    async fn disconnect_by(&self, live: &Live, target: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        if !self.knows(live, target, deadline).await? {
            return Ok(());
        }
        let device = live.device(target).map_err(|e| self.dongle.fault(e.to_string()))?;
        let late = || self.dongle.fault(format!("{target} was not disconnected before the deadline"));
        let events = self.dongle.ask("watching the device", deadline, || device.events()).await?;
        let mut events = std::pin::pin!(futures::stream::iter(events).flatten());
        let left = self.dongle.call(Call::Leave, "disconnecting", deadline, || device.disconnect());
        if let Called::Late = left.await? {
            return Err(late());
        }
        while self.is_connected(&device, deadline).await? {
            if self.dongle.clock().now() >= deadline {
                return Err(late());
            }
            self.until_changed(&mut events, deadline).await;
        }
        Ok(())
    }

    async fn unlinked_by(&self, live: &Live, target: Address, deadline: Instant) -> Answer<()> {
        if !self.knows(live, target, deadline).await? {
            return Ok(Ok(()));
        }
        let device = live.device(target).map_err(|e| self.dongle.fault(e.to_string()))?;
        let events = self.dongle.ask("watching the device", deadline, || device.events()).await?;
        let mut events = std::pin::pin!(futures::stream::iter(events).flatten());
        // The question at the end may take a moment more than the wait.
        let answered = deadline.plus(LAST_LOOK_NS);
        while self.is_connected(&device, answered).await? {
            if self.dongle.clock().now() >= deadline {
                let detail = format!("{target} was still connected when the time was over");
                return Ok(Err(DeviceFailure::new(FailureClass::Untimely, detail)));
            }
            self.until_changed(&mut events, deadline).await;
        }
        Ok(Ok(()))
    }

    async fn volume_by(&self, live: &Live, target: Address, share: f64, deadline: Instant) -> Answer<f64> {
        let path = live.path(target);
        if !live.media.has_transport(&path) {
            let detail = format!("the stream of {target} was taken down before its volume was set");
            return Ok(Err(DeviceFailure::new(FailureClass::LinkLost, detail)));
        }
        let transport = live.media.transport_of(&path).await.map_err(|e| self.dongle.fault(e.to_string()))?;
        let unsupported = |why: String| {
            let detail = format!("{target} lets no source set its volume (AVRCP absolute volume): {why}");
            Ok(Err(DeviceFailure::new(FailureClass::Unsupported, detail)))
        };
        // Without absolute volume the transport has no such property.
        match within(self.dongle.clock(), deadline, transport.volume()).await {
            Some(Ok(_)) => {}
            Some(Err(e)) => return unsupported(e.to_string()),
            None => return Err(self.dongle.fault("BlueZ did not tell the volume before the deadline")),
        }
        let steps = (share.clamp(0.0, 1.0) * VOLUME_STEPS).round() as u16;
        match within(self.dongle.clock(), deadline, transport.set_volume(steps)).await {
            Some(Ok(())) => {}
            Some(Err(e)) => return unsupported(e.to_string()),
            None => return Err(self.dongle.fault("BlueZ did not set the volume before the deadline")),
        }
        // The speaker says which step it took, a moment later; it may have fewer of them.
        let settled = self.dongle.clock().now().plus(VOLUME_SETTLES_NS).min(deadline);
        loop {
            self.dongle.moment(deadline).await;
            let taken = within(self.dongle.clock(), deadline, transport.volume()).await.and_then(Result::ok);
            match taken {
                Some(taken) if taken == steps || self.dongle.clock().now() >= settled => {
                    return Ok(Ok(f64::from(taken) / VOLUME_STEPS));
                }
                Some(_) => {}
                None => return Err(self.dongle.fault("BlueZ did not tell the volume before the deadline")),
            }
        }
    }

    async fn stream_by(
        &self,
        live: &Live,
        target: Address,
        programme: &Programme,
        deadline: Instant,
    ) -> Result<Streamed, InfrastructureFault> {
        let path = live.path(target);
        let never = |failure| Ok(Streamed { emission: None, pacing: None, changes: Vec::new(), ended: Err(failure) });
        if !live.media.has_transport(&path) {
            let detail = format!("the stream of {target} was taken down before it began");
            return never(DeviceFailure::new(FailureClass::LinkLost, detail));
        }
        let transport = live.media.transport_of(&path).await.map_err(|e| self.dongle.fault(e.to_string()))?;
        let link = match self.link(live, &path, &transport, deadline).await? {
            Ok(link) => link,
            Err(failure) => return never(failure),
        };
        let configuration = self.to_send(Wish { profile: Profile::A2dp, codec: link.codec, configured: None })?;
        let encoded = self.encoded(programme, configuration, deadline).await?;
        let acquired = self.dongle.call(Call::Acquire, "starting the stream", deadline, || transport.acquire()).await?;
        let (socket, _, mtu) = match acquired {
            Called::Done(acquired) => acquired,
            Called::Failed(failure) => return never(failure),
            Called::Already | Called::Late => {
                let detail = format!("{target} did not start the stream in time");
                return never(DeviceFailure::new(FailureClass::NoStream, detail));
            }
        };
        let mut started = Started::new(transport, socket.into());
        let packets = packetise(configuration, &encoded, usize::from(mtu))
            .map_err(|e| self.dongle.fault(format!("making packets failed: {e}")))?;
        let (clock, linked) = (self.dongle.clock(), || live.media.has_transport(&path));
        let sending = started.send(&packets, configuration.rate(), &clock, linked);
        let Some(sent) = within(clock, deadline, sending).await else {
            return Err(self
                .dongle
                .fault(format!("the deadline came before all of `{}` was sent", programme.name()))
                .hint("give the step more time than the stimulus lasts"));
        };
        let sent = sent?;
        let released = within(self.dongle.clock(), deadline, started.release()).await.flatten();
        let device = live.device(target).map_err(|e| self.dongle.fault(e.to_string()))?;
        let ended = match (sent.ended, released) {
            (Err(failure), _) => Err(failure),
            (Ok(()), Some(Err(e))) => {
                let detail = format!("the stream could not be suspended: {}", StackError::from(e));
                Err(DeviceFailure::new(FailureClass::LinkLost, detail))
            }
            (Ok(()), _) if !self.is_connected(&device, deadline).await? => {
                Err(DeviceFailure::new(FailureClass::LinkLost, format!("the link of {target} went down")))
            }
            (Ok(()), _) => Ok(()),
        };
        let mut changes = link.changes;
        changes.extend(live.media.changes.take(&path));
        // What the suspending changes is told beside its answer, not before it.
        let is_idle = |told: &Told| told.what == TransportChange::State("idle".to_owned());
        if ended.is_ok() && !changes.iter().any(is_idle) {
            self.dongle.moment(deadline).await;
            changes.extend(live.media.changes.take(&path));
        }
        Ok(Streamed { emission: sent.emission, pacing: Some(sent.pacing), changes, ended })
    }
}
