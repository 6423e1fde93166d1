//! Rigtone as the A2DP source on a dongle; searching, pairing and connecting as its sink too.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use async_trait::async_trait;
use futures::StreamExt;
use rigtone_audio::stimulus::{Name, Stimulus};
use rigtone_bluetooth::{
    aac, aptx,
    codec::CodecConfiguration,
    opus,
    packet::packetise,
    sbc::{self, Frequency},
    uuid::{A2DP_SINK, A2DP_SOURCE, ServiceClass},
};
use rigtone_model::{
    document::{Codec, Profile},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};

use super::{
    dongle::{Called, Dongle, Live},
    encode::encode,
    errors::{Call, StackError},
    media::{MediaTransportProxy, Offer},
    stream::Started,
};
use crate::{
    capability::{Address, Answer, Connecting, Found, Inquiry, Link, Pairing, Streamed, Streaming, Wish},
    clock::{Clock, Instant},
    hardware::within,
};

/// What a stimulus is, without its samples, and how it is encoded.
type Key = (Name, u32, u32, CodecConfiguration);

/// What Rigtone is on a dongle: one of both, never both at once, or devices that are both would race with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointRole {
    /// The A2DP source.
    Source,
    /// The A2DP sink.
    Sink,
}

impl EndpointRole {
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
}

impl Endpoint {
    /// What is on that dongle.
    pub fn new(dongle: Rc<Dongle>, role: EndpointRole) -> Self {
        Self { dongle, role, encoded: RefCell::default(), agreed: RefCell::default() }
    }

    pub(super) fn dongle(&self) -> &Dongle {
        &self.dongle
    }

    /// What is offered for a wish.
    fn offer(&self, wish: Wish) -> Result<Offer, InfrastructureFault> {
        match (self.role, wish.profile) {
            (EndpointRole::Sink, Profile::A2dp) => Offer::to_receive(wish.codec).ok_or_else(|| {
                let what = format!("cannot be the sink of {}", wish.codec);
                self.dongle.fault(what).hint("list only codecs that it can receive in its device document")
            }),
            _ => self.configuration(wish).map(Offer::only),
        }
    }

    /// The one configuration that a wish stands for, at the best quality that is usual.
    fn configuration(&self, wish: Wish) -> Result<CodecConfiguration, InfrastructureFault> {
        const HZ: u32 = 48_000;
        let aptx = |variant| CodecConfiguration::Aptx(aptx::Configuration { variant, hz: HZ });
        Ok(match (wish.profile, wish.codec) {
            (Profile::A2dp, Codec::Sbc) => {
                CodecConfiguration::Sbc(sbc::Configuration::high_quality(Frequency::Hz48000))
            }
            (Profile::A2dp, Codec::Aac) => CodecConfiguration::Aac(aac::Configuration::high_quality(HZ)),
            (Profile::A2dp, Codec::Aptx) => aptx(aptx::Variant::Classic),
            (Profile::A2dp, Codec::AptxHd) => aptx(aptx::Variant::Hd),
            (Profile::A2dp, Codec::Opus) => CodecConfiguration::Opus(opus::Configuration),
            (profile, codec) => {
                return Err(self.dongle.fault(format!("cannot be the source of {codec} over {profile}")).hint(
                    "list only codecs that the endpoint can send in its device document: sbc, aac, aptx, aptx-hd, opus",
                ));
            }
        })
    }

    /// What is encoded for a wish: what was agreed on, if that is of its codec, else what would be asked for.
    fn to_send(&self, wish: Wish) -> Result<CodecConfiguration, InfrastructureFault> {
        let wanted = self.configuration(wish)?;
        let agreed = self.agreed.borrow().filter(|agreed| agreed.codec() == wanted.codec());
        Ok(agreed.unwrap_or(wanted))
    }

    /// Whether BlueZ knows the device; an unknown one cannot be paired with.
    async fn knows(&self, live: &Live, target: Address, deadline: Instant) -> Result<bool, InfrastructureFault> {
        let known = self.dongle.ask("listing devices", deadline, || live.adapter.device_addresses()).await?;
        Ok(known.is_some_and(|known| known.iter().any(|address| address.0 == target.0)))
    }

    /// A pairing that begins while BlueZ still searches leaves 5.66 unable ever to search again.
    async fn until_quiet(&self, live: &Live, deadline: Instant) -> Result<(), InfrastructureFault> {
        while self.dongle.ask("watching the search", deadline, || live.adapter.is_discovering()).await? == Some(true) {
            if self.dongle.clock().now() >= deadline {
                return Err(self
                    .dongle
                    .fault("BlueZ did not stop searching before the deadline")
                    .hint("see that no other program searches, or restart bluetoothd"));
            }
            self.dongle.moment(deadline).await;
        }
        Ok(())
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

    /// After pairing BlueZ reads the service records; connecting meanwhile collides with that.
    async fn until_resolved(&self, device: &bluer::Device, deadline: Instant) -> Result<(), InfrastructureFault> {
        while self.is_connected(device, deadline).await?
            && self.dongle.ask("reading the services", deadline, || device.is_services_resolved()).await? == Some(false)
            && self.dongle.clock().now() < deadline
        {
            self.dongle.moment(deadline).await;
        }
        Ok(())
    }

    pub(super) async fn link(&self, transport: &MediaTransportProxy<'_>, deadline: Instant) -> Answer<Link> {
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
            Ok(other) => return Err(self.dongle.fault(format!("BlueZ agreed on {other:?}, which was never offered"))),
            Err(e) => return Err(self.dongle.fault(format!("BlueZ agreed on {codec_type:#04x} {octets:02x?}: {e}"))),
        };
        *self.agreed.borrow_mut() = configuration.ok();
        // A speaker that reports no delay has no such property. BlueZ counts in tenths of a millisecond.
        let delay = within(self.dongle.clock(), deadline, transport.delay()).await.and_then(Result::ok);
        let reported_delay_ns = delay.map(|tenths| i64::from(tenths) * 100_000);
        Ok(Ok(Link { codec, configuration: octets, reported_delay_ns }))
    }
}

#[async_trait(?Send)]
impl Inquiry for Endpoint {
    async fn find(&self, target: Address, deadline: Instant) -> Answer<Found> {
        let live = self.dongle.live(deadline).await?;
        let began = self.dongle.clock().now();
        let found = self.dongle.call(Call::Rig, "searching", deadline, || self.search(&live, target)).await?;
        // Ending a search takes a while of its own, which a search in vain must not lack.
        let quiet = self.dongle.clock().now().plus(5_000_000_000);
        self.until_quiet(&live, quiet).await?;
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
}

#[async_trait(?Send)]
impl Pairing for Endpoint {
    async fn pair(&self, target: Address, deadline: Instant) -> Answer<()> {
        let live = self.dongle.live(deadline).await?;
        if !self.knows(&live, target, deadline).await?
            && let Err(failure) = self.find(target, deadline).await?
        {
            return Ok(Err(failure));
        }
        self.until_quiet(&live, deadline).await?;
        let device = live.device(target).map_err(|e| self.dongle.fault(e.to_string()))?;
        match self.dongle.call(Call::Pair, "pairing", deadline, || device.pair()).await? {
            Called::Failed(failure) => return Ok(Err(failure)),
            Called::Late => {
                let detail = format!("{target} had not paired when the time was over");
                return Ok(Err(DeviceFailure::new(FailureClass::PairingTimedOut, detail)));
            }
            Called::Done(()) | Called::Already => {}
        }
        self.dongle.ask("trusting the device", deadline, || device.set_trusted(true)).await?;
        Ok(Ok(()))
    }

    async fn forget(&self, target: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        let live = self.dongle.live(deadline).await?;
        let address = bluer::Address(target.0);
        let late = || self.dongle.fault(format!("{target} was not forgotten before the deadline"));
        // Removing is asynchronous: the object stays for a while.
        while self.knows(&live, target, deadline).await? {
            let removed = self
                .dongle
                .call(Call::Leave, "forgetting the device", deadline, || live.adapter.remove_device(address));
            if let Called::Late = removed.await? {
                return Err(late());
            }
            self.dongle.moment(deadline).await;
            if self.dongle.clock().now() >= deadline {
                return Err(late());
            }
        }
        if self.role == EndpointRole::Sink {
            self.dongle.ask("ending the pairing mode", deadline, || live.adapter.set_discoverable(false)).await?;
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Connecting for Endpoint {
    async fn connect(&self, target: Address, wish: Wish, deadline: Instant) -> Answer<Link> {
        let offers = [self.offer(wish)?];
        let live = self.dongle.live(deadline).await?;
        if self.role == EndpointRole::Sink {
            self.dongle.ask("getting ready to receive", deadline, || live.media.receive(self.dongle.clock())).await?;
        }
        self.dongle.ask("offering the codec", deadline, || live.media.offer(self.role, &offers)).await?;
        let failed = |class, detail: String| Ok(Err(DeviceFailure::new(class, detail)));
        if !self.knows(&live, target, deadline).await? {
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
            Some(Ok(transport)) => self.link(&transport, deadline).await,
            Some(Err(e)) => Err(self.dongle.fault(format!("reading the stream failed: {e}"))),
            None => failed(FailureClass::NoStream, format!("{target} connected and set up no stream in time")),
        }
    }

    async fn disconnect(&self, target: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        let live = self.dongle.live(deadline).await?;
        if !self.knows(&live, target, deadline).await? {
            return Ok(());
        }
        let device = live.device(target).map_err(|e| self.dongle.fault(e.to_string()))?;
        let late = || self.dongle.fault(format!("{target} was not disconnected before the deadline"));
        let left = self.dongle.call(Call::Leave, "disconnecting", deadline, || device.disconnect());
        if let Called::Late = left.await? {
            return Err(late());
        }
        while self.is_connected(&device, deadline).await? {
            if self.dongle.clock().now() >= deadline {
                return Err(late());
            }
            self.dongle.moment(deadline).await;
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Streaming for Endpoint {
    async fn prepare(&self, stimulus: &Stimulus, wish: Wish, deadline: Instant) -> Result<(), InfrastructureFault> {
        let configuration = self.to_send(wish)?;
        self.encoded(stimulus, configuration, deadline).await.map(|_| ())
    }

    async fn stream(
        &self,
        target: Address,
        stimulus: &Stimulus,
        deadline: Instant,
    ) -> Result<Streamed, InfrastructureFault> {
        let live = self.dongle.live(deadline).await?;
        let path = live.path(target);
        let never = |failure| Ok(Streamed { emission: None, ended: Err(failure) });
        if !live.media.has_transport(&path) {
            let detail = format!("the stream of {target} was taken down before it began");
            return never(DeviceFailure::new(FailureClass::LinkLost, detail));
        }
        let transport = live.media.transport_of(&path).await.map_err(|e| self.dongle.fault(e.to_string()))?;
        let link = match self.link(&transport, deadline).await? {
            Ok(link) => link,
            Err(failure) => return never(failure),
        };
        let configuration = self.to_send(Wish { profile: Profile::A2dp, codec: link.codec })?;
        let encoded = self.encoded(stimulus, configuration, deadline).await?;
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
                .fault(format!("the deadline came before all of `{}` was sent", stimulus.name()))
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
        Ok(Streamed { emission: sent.emission, ended })
    }
}

impl Endpoint {
    async fn encoded(
        &self,
        stimulus: &Stimulus,
        configuration: CodecConfiguration,
        deadline: Instant,
    ) -> Result<Rc<Vec<u8>>, InfrastructureFault> {
        // These say what the samples are: the generator is deterministic.
        let key = (stimulus.name(), stimulus.rate(), stimulus.code(), configuration);
        if let Some(known) = self.encoded.borrow().get(&key) {
            return Ok(known.clone());
        }
        let late = || self.dongle.fault(format!("`{}` was not encoded before the deadline", stimulus.name()));
        let encoded =
            within(self.dongle.clock(), deadline, encode(stimulus, configuration)).await.ok_or_else(late)??;
        let encoded = Rc::new(encoded);
        self.encoded.borrow_mut().insert(key, encoded.clone());
        Ok(encoded)
    }
}
