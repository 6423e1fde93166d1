//! The supply of a unit: its relay, what has to settle after it, and what it says about whether the unit is on.

use std::{cell::RefCell, rc::Rc};

use async_trait::async_trait;
use rigtone_model::{quantity::Duration, trial::InfrastructureFault};

use super::HostClock;
use crate::{
    capability::{Power, Switched},
    clock::{Clock, Instant},
    gesture::Knowledge,
};

pub(super) struct Supply {
    pub(super) outlet: Rc<dyn Power>,
    /// How long nothing may be relied on after it was switched.
    pub(super) settle: Duration,
    pub(super) knowledge: Rc<RefCell<Knowledge>>,
    pub(super) clock: HostClock,
}

#[async_trait(?Send)]
impl Power for Supply {
    async fn switch(&self, on: bool, deadline: Instant) -> Result<Switched, InfrastructureFault> {
        // Until the order is known to be obeyed nobody knows where the supply is, also when nobody waits for it any more.
        let before = self.knowledge.borrow_mut().supply_begins();
        let switched = self.outlet.switch(on, deadline).await?;
        self.knowledge.borrow_mut().supply_ends(before, on, self.clock.now());
        // What was asked for is to hold when this returns: the deadline is that of the order.
        self.clock.sleep_until(self.clock.now().plus(self.settle.ns())).await;
        Ok(switched)
    }

    fn settles_ns(&self) -> i64 {
        self.settle.ns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Truth;
    use rigtone_model::document::{Device, Unit};
    use serde_json::json;

    struct Relay {
        obeys: bool,
    }

    #[async_trait(?Send)]
    impl Power for Relay {
        async fn switch(&self, _on: bool, _deadline: Instant) -> Result<Switched, InfrastructureFault> {
            if self.obeys { Ok(Truth::Reported.into()) } else { Err(InfrastructureFault::new("relay b", "no answer")) }
        }
    }

    fn supply(obeys: bool, settle: Duration) -> (Supply, Device) {
        let device: Device = serde_json::from_value(json!({
            "device": "a/b", "title": "B", "roles": ["a2dp-sink"], "codecs": ["sbc"],
            "gestures": {"key": {"press": [{"buttons": ["power"], "for": "1 s"}], "power": "over"}},
        }))
        .expect("a device");
        let unit: Unit =
            serde_json::from_value(json!({"device": "a/b", "firmware": "1", "address": "D2:00:00:00:00:01"}))
                .expect("a unit");
        let knowledge = Rc::new(RefCell::new(Knowledge::of("lamp", &unit, &device)));
        (Supply { outlet: Rc::new(Relay { obeys }), settle, knowledge, clock: HostClock::start() }, device)
    }

    #[tokio::test]
    async fn a_supply_that_went_off_and_on_is_known_when_it_has_settled() {
        let (supply, device) = supply(true, Duration::from_ms(20));
        let began = supply.clock.now();
        let key = &device.gestures["key"];
        for on in [false, true] {
            assert!(supply.knowledge.borrow().may("key", key).is_err());
            supply.switch(on, Instant(i64::MAX)).await.expect("it obeys");
        }
        assert_eq!(supply.knowledge.borrow().may("key", key), Ok(()));
        assert!(supply.clock.now().since(began) >= 2 * 20_000_000);
        assert_eq!(supply.settles_ns(), 20_000_000, "whoever waits for it has to know");
    }

    #[tokio::test]
    async fn after_an_order_that_failed_nobody_knows_where_the_supply_is() {
        let (supply, device) = supply(false, Duration::ZERO);
        supply.knowledge.borrow_mut().supply(false, Instant(0));
        supply.knowledge.borrow_mut().supply(true, Instant(0));
        supply.switch(true, Instant(i64::MAX)).await.expect_err("it does not obey");
        assert!(supply.knowledge.borrow().may("key", &device.gestures["key"]).is_err());
    }
}
