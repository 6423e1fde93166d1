//! Service records of simulated units: their roles, as their natures have them.

use async_trait::async_trait;
use rigtone_model::document::Role;

use super::{traffic::Span, units::SimulatedUnit};
use crate::{
    capability::{Address, Answer, FailureClass, InfrastructureFault, ServiceRecords},
    clock::{Clock, Instant},
};

/// A call, a question and its answer.
const READ_NS: i64 = 400_000_000;

fn classes(roles: &[Role]) -> Vec<u16> {
    let mut classes: Vec<u16> = roles.iter().map(|role| role.service_class()).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

#[async_trait(?Send)]
impl ServiceRecords for SimulatedUnit {
    async fn own(&self, _deadline: Instant) -> Result<Vec<u16>, InfrastructureFault> {
        self.radio(async { Ok(classes(&self.world.borrow_mut().body(&self.name).roles)) }).await
    }

    async fn of(&self, target: Address, deadline: Instant) -> Answer<Vec<u16>> {
        self.radio(async {
            let from = self.clock.now();
            if !self.calls(target, deadline).await {
                return self.unanswered(target, FailureClass::NotConnected, "page timeout");
            }
            if self.clock.now().plus(READ_NS) > deadline {
                self.clock.sleep_until(deadline).await;
                return Self::failed(FailureClass::NotConnected, "its service records were not read in time");
            }
            self.pass(READ_NS).await;
            let mut world = self.world.borrow_mut();
            let now = self.clock.now();
            let Some(body) = world.at(target, now).filter(|body| body.is_awake(now)) else {
                return Self::failed(FailureClass::LinkLost, "it went while its service records were read");
            };
            body.state.proven = true;
            let found = classes(&body.roles);
            if let Some((traffic, awake)) = world.traffic(&self.name, target) {
                traffic.read_services(Span { from, to: now }, target, awake, &found);
            }
            Ok(Ok(found))
        })
        .await
    }
}
