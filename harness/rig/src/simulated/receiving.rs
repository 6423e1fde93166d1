//! Links as either end of them sees them: a simulated sink that is Rigtone's own, and a source that has made one.

use async_trait::async_trait;

use super::{traffic, units::SimulatedUnit};
use crate::{
    capability::{Address, Answer, Codec, DeviceFailure, FailureClass, InfrastructureFault, Link, Receiving, Watching},
    clock::{Clock, Instant},
};

/// How often it looks.
const LOOK_NS: i64 = 20_000_000;

impl SimulatedUnit {
    /// Who of `sources` has a link to it, and with which codec; anybody when none is named.
    fn visitor(&self, sources: &[Address]) -> Option<(Address, Codec, u8)> {
        let now = self.clock.now();
        let mut world = self.world.borrow_mut();
        world.settle(&self.name, now);
        // What those at the other end did by themselves ended their links too.
        let peers: Vec<Address> = world.body(&self.name).state.links.keys().copied().collect();
        for peer in peers {
            world.at(peer, now);
        }
        let body = world.body(&self.name);
        let (links, bitpool) = (&body.state.links, body.bitpool());
        let mut meant = links.iter().filter(|(peer, _)| sources.is_empty() || sources.contains(peer));
        meant.next().map(|(peer, link)| (*peer, link.codec, bitpool))
    }

    async fn until<T>(&self, deadline: Instant, look: impl Fn() -> Option<T>) -> Option<T> {
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            if self.clock.now() >= deadline {
                return None;
            }
            self.clock.sleep_until(self.clock.now().plus(LOOK_NS).min(deadline)).await;
        }
    }
}

#[async_trait(?Send)]
impl Watching for SimulatedUnit {
    async fn unlinked(&self, target: Address, deadline: Instant) -> Answer<()> {
        self.radio(async {
            // A link that the rig has lost is no sign of the device.
            let look = || match self.link_to(target) {
                Ok(link) => link.is_none().then_some(Ok(())),
                Err(fault) => Some(Err(fault)),
            };
            let ended = self.until(deadline, look).await.transpose()?;
            Ok::<_, InfrastructureFault>(ended.ok_or_else(still_linked))
        })
        .await
    }
}

fn still_linked() -> DeviceFailure {
    DeviceFailure::new(FailureClass::Untimely, "it was still connected when the time was over")
}

#[async_trait(?Send)]
impl Receiving for SimulatedUnit {
    fn offer(&self, codecs: &[Codec]) {
        let mut world = self.world.borrow_mut();
        world.body(&self.name).offer(codecs);
    }

    async fn connected(&self, sources: &[Address], deadline: Instant) -> Answer<(Address, Link)> {
        self.radio(async {
            let found = self.until(deadline, || self.visitor(sources)).await;
            Ok::<_, InfrastructureFault>(match found {
                Some((source, codec, bitpool)) => {
                    let configuration = traffic::configuration(codec, bitpool);
                    let (rate_hz, changes) = (super::microphone::RATE, Vec::new());
                    Ok((source, Link { codec, configuration, rate_hz, reported_delay_ns: None, changes }))
                }
                None => {
                    let detail = "no source had connected when the time was over";
                    Err(DeviceFailure::new(FailureClass::NotConnected, detail))
                }
            })
        })
        .await
    }

    async fn disconnected(&self, sources: &[Address], deadline: Instant) -> Answer<()> {
        self.radio(async {
            let gone = self.until(deadline, || self.visitor(sources).is_none().then_some(())).await;
            Ok::<_, InfrastructureFault>(gone.ok_or_else(still_linked))
        })
        .await
    }
}
