//! Rigtone as the A2DP sink on a dongle, for sources that connect by themselves.

use std::{cell::RefCell, rc::Rc};

use async_trait::async_trait;
use rigtone_model::{
    document::Codec,
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};

use super::{
    dongle::Live,
    endpoint::{Endpoint, EndpointRole},
    offer::Offer,
};
use crate::{
    capability::{Address, Answer, Link, PairingMode, Receiving},
    clock::Instant,
    hardware::within,
};

/// BlueZ itself ends the pairing mode of a program that was killed, after so many seconds.
const DISCOVERABLE_S: u32 = 300;

/// The A2DP sink of one dongle.
pub struct Sink {
    endpoint: Rc<Endpoint>,
    /// What its document lists.
    codecs: Vec<Codec>,
    /// What is offered now.
    offered: RefCell<Vec<Codec>>,
}

impl Sink {
    /// The sink on the dongle of `endpoint`, which receives these codecs.
    pub fn new(endpoint: Rc<Endpoint>, codecs: &[Codec]) -> Self {
        Self { endpoint, codecs: codecs.to_vec(), offered: RefCell::new(codecs.to_vec()) }
    }

    fn offers(&self) -> Result<Vec<Offer>, InfrastructureFault> {
        self.offered.borrow().iter().map(|codec| self.endpoint.to_receive(*codec)).collect()
    }

    /// Those of `sources` that BlueZ knows; all that it knows when none is named.
    async fn known(
        &self,
        live: &Live,
        sources: &[Address],
        deadline: Instant,
    ) -> Result<Vec<Address>, InfrastructureFault> {
        let known = self.endpoint.dongle().ask("listing devices", deadline, || live.adapter.device_addresses()).await?;
        let known = known.unwrap_or_default().into_iter().map(|address| Address(address.0));
        Ok(known.filter(|address| sources.is_empty() || sources.contains(address)).collect())
    }

    /// Those of them with a link.
    async fn linked(
        &self,
        live: &Live,
        sources: &[Address],
        deadline: Instant,
    ) -> Result<Vec<Address>, InfrastructureFault> {
        let mut linked = Vec::new();
        for source in self.known(live, sources, deadline).await? {
            let device = live.device(source).map_err(|e| self.endpoint.dongle().fault(e.to_string()))?;
            if self.endpoint.is_connected(&device, deadline).await? {
                linked.push(source);
            }
        }
        Ok(linked)
    }

    /// What is known of a source that set up no stream in time.
    async fn missing(&self, live: &Live, sources: &[Address]) -> Result<DeviceFailure, InfrastructureFault> {
        let deadline = self.endpoint.dongle().afterwards(Instant(0));
        let names = |all: &[Address]| all.iter().map(Address::to_string).collect::<Vec<_>>().join(", ");
        if let linked @ [_, ..] = &*self.linked(live, sources, deadline).await? {
            let detail = format!("{} connected and set up no stream in time", names(linked));
            return Ok(DeviceFailure::new(FailureClass::NoStream, detail));
        }
        let mut paired = Vec::new();
        for source in self.known(live, sources, deadline).await? {
            let device = live.device(source).map_err(|e| self.endpoint.dongle().fault(e.to_string()))?;
            if self.endpoint.dongle().ask("reading the bond", deadline, || device.is_paired()).await? == Some(true) {
                paired.push(source);
            }
        }
        let detail = match (&*paired, sources) {
            ([], []) => "no source had paired when the time was over".to_owned(),
            ([], sources) => format!("{} had not paired when the time was over", names(sources)),
            (paired, _) => format!("{} had paired and not connected when the time was over", names(paired)),
        };
        Ok(DeviceFailure::new(FailureClass::NotConnected, detail))
    }
}

#[async_trait(?Send)]
impl PairingMode for Sink {
    async fn enter(&self, deadline: Instant) -> Answer<()> {
        let dongle = self.endpoint.dongle();
        let live = dongle.live(deadline).await?;
        dongle.unless_lost(&live, self.enter_by(&live, deadline)).await
    }
}

#[async_trait(?Send)]
impl Receiving for Sink {
    fn offer(&self, codecs: &[Codec]) {
        let codecs = if codecs.is_empty() { &self.codecs } else { codecs };
        *self.offered.borrow_mut() = codecs.to_vec();
    }

    async fn connected(&self, sources: &[Address], deadline: Instant) -> Answer<(Address, Link)> {
        let dongle = self.endpoint.dongle();
        let live = dongle.live(deadline).await?;
        dongle.unless_lost(&live, self.connected_by(&live, sources, deadline)).await
    }

    async fn disconnected(&self, sources: &[Address], deadline: Instant) -> Answer<()> {
        let dongle = self.endpoint.dongle();
        let live = dongle.live(deadline).await?;
        dongle.unless_lost(&live, self.disconnected_by(&live, sources, deadline)).await
    }
}

/// The same, by what is open as long as it is.
impl Sink {
    async fn enter_by(&self, live: &Live, deadline: Instant) -> Answer<()> {
        let offers = self.offers()?;
        let dongle = self.endpoint.dongle();
        live.media.receive();
        // What was told before belongs to no link that is to come.
        live.media.changes.forget();
        dongle.ask("offering codecs", deadline, || live.media.offer(EndpointRole::Sink, &offers)).await?;
        let adapter = &live.adapter;
        dongle
            .ask("entering the pairing mode", deadline, || async {
                adapter.set_pairable(true).await?;
                adapter.set_discoverable_timeout(DISCOVERABLE_S).await?;
                adapter.set_discoverable(true).await
            })
            .await?;
        Ok(Ok(()))
    }

    async fn connected_by(&self, live: &Live, sources: &[Address], deadline: Instant) -> Answer<(Address, Link)> {
        let dongle = self.endpoint.dongle();
        let look = async || -> Result<Option<Address>, InfrastructureFault> {
            let known = self.known(live, sources, deadline).await?;
            Ok(known.into_iter().find(|source| live.media.has_transport(&live.path(*source))))
        };
        let found = within(dongle.clock(), deadline, live.media.until(look)).await.transpose()?.flatten();
        let Some(source) = found else {
            return Ok(Err(self.missing(live, sources).await?));
        };
        let path = live.path(source);
        let transport = live.media.transport_of(&path).await;
        let transport = transport.map_err(|e| dongle.fault(format!("reading the stream failed: {e}")))?;
        let link = self.endpoint.link(live, &path, &transport, dongle.afterwards(deadline)).await?;
        Ok(link.map(|link| (source, link)))
    }

    async fn disconnected_by(&self, live: &Live, sources: &[Address], deadline: Instant) -> Answer<()> {
        live.media.receive();
        let look = async || -> Result<Option<()>, InfrastructureFault> {
            let linked = self.linked(live, sources, deadline).await?;
            Ok(linked.is_empty().then_some(()))
        };
        let clock = self.endpoint.dongle().clock();
        let gone = within(clock, deadline, live.media.until(look)).await.transpose()?.flatten();
        Ok(gone
            .ok_or_else(|| DeviceFailure::new(FailureClass::Untimely, "it was still connected when the time was over")))
    }
}
