//! Recording the HCI traffic of a simulated dongle.

use async_trait::async_trait;

use super::{clock::VirtualClock, traffic::Traffic, world::Shared};
use crate::{
    capability::{Address, Capture, CaptureClock, HciTap, HciTape, InfrastructureFault},
    clock::{Clock, Instant},
};

/// A simulated dongle that can be recorded.
pub(super) struct SimulatedTap {
    pub(super) dongle: String,
    /// The dongle as faults name it.
    pub(super) member: String,
    pub(super) address: Address,
    pub(super) keeps: Capture,
    pub(super) world: Shared,
    pub(super) clock: VirtualClock,
}

/// Its recording, as long as this lives.
struct Tape {
    dongle: String,
    world: Shared,
}

#[async_trait(?Send)]
impl HciTap for SimulatedTap {
    fn member(&self) -> &str {
        &self.member
    }

    fn keeps(&self) -> Capture {
        self.keeps
    }

    async fn record(&self, _: Instant) -> Result<Box<dyn HciTape>, InfrastructureFault> {
        let traffic = Traffic::begin(self.clock.now(), self.address);
        self.world.borrow_mut().traffic.insert(self.dongle.clone(), traffic);
        Ok(Box::new(Tape { dongle: self.dongle.clone(), world: self.world.clone() }))
    }
}

impl HciTape for Tape {
    fn so_far(&mut self) -> Result<Vec<u8>, InfrastructureFault> {
        Ok(self.world.borrow().traffic.get(&self.dongle).map(|traffic| traffic.bytes().to_vec()).unwrap_or_default())
    }

    fn clock(&self) -> CaptureClock {
        Traffic::clock()
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.world.borrow_mut().traffic.remove(&self.dongle);
    }
}
