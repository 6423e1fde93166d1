//! Cutting the supply of a dongle that hangs: by its hub's port, or by a relay.

use std::rc::Rc;

use rigtone_model::trial::InfrastructureFault;

use crate::{
    capability::Power,
    clock::{Clock, Instant},
    hardware::HostClock,
    usb::{HubPort, Refusal},
};

/// The time that a board has to restore a supply, whatever was left for cutting it.
const FEEDING_NS: i64 = 5_000_000_000;

/// What cuts the supply.
pub enum Switch {
    /// The hub that the dongle is plugged into.
    Hub(HubPort),
    /// A relay channel.
    Relay {
        /// The channel.
        power: Rc<dyn Power>,
        /// As messages name it, such as `relay board-1 channel 3`.
        name: String,
        /// The position in which the dongle has its supply, which is the safe one.
        fed: bool,
    },
}

/// The supply of a dongle, and how long it is cut.
pub struct Supply {
    /// What cuts it.
    pub switch: Switch,
    /// For how long, in nanoseconds.
    pub off_ns: i64,
}

impl Supply {
    /// Cuts it and restores it; gives what was done. Dropping the future restores it: a hub's port at once, a relay
    /// when its board is made safe.
    ///
    /// # Errors
    /// When it could not be cut, or not be restored.
    pub async fn cycle(
        &self,
        member: &str,
        clock: HostClock,
        deadline: Instant,
    ) -> Result<String, InfrastructureFault> {
        let refused = |refusal: Refusal| InfrastructureFault::new(member, refusal.what).hint(refusal.hint);
        let seconds = self.off_ns as f64 / 1e9;
        let pause = || clock.sleep_until(clock.now().plus(self.off_ns));
        match &self.switch {
            Switch::Hub(port) => {
                let of_hub = port.clone();
                let cut = aside(move || of_hub.cut()).await.map_err(refused)?;
                pause().await;
                aside(move || cut.end()).await.map_err(refused)?;
                Ok(format!("{} was off for {seconds} s", port.name()))
            }
            Switch::Relay { power, name, fed } => {
                let cut = power.switch(!fed, deadline).await;
                if cut.is_ok() {
                    pause().await;
                }
                // Of an order that failed nobody knows whether it was obeyed. A dongle is not left dark because time is up either.
                let fed_again = power.switch(*fed, clock.now().plus(FEEDING_NS)).await;
                cut.and(fed_again)?;
                Ok(format!("{name} cut its supply for {seconds} s (commanded)"))
            }
        }
    }

    /// What will keep it from being cut, if anything will. Nothing is switched.
    pub fn obstacle(&self) -> Option<Refusal> {
        match &self.switch {
            Switch::Hub(port) => port.usable().err(),
            // Its board is a member of its own, and checked as such.
            Switch::Relay { .. } => None,
        }
    }

    /// Turns on a hub's port that a dead process left off. Relays have their boards and journals for that.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn restore(&self) -> Result<(), Refusal> {
        match &self.switch {
            Switch::Hub(port) if port.is_off() => port.feed(),
            Switch::Hub(_) | Switch::Relay { .. } => Ok(()),
        }
    }
}

/// The kernel takes its time to let go of a device that hangs; nothing else has to wait for that.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    let died = |e| Refusal::new(format!("switching the port failed: {e}"), "report it: this is a bug of Rigtone");
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(died(e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capability::{Switched, Truth},
        usb::tree::Tree,
    };
    use rstest::rstest;
    use std::{cell::RefCell, fs};

    const FILE: &str = "bus/usb/devices/1-2:1.0/1-2-port3/disable";
    const OFF_NS: i64 = 20_000_000;

    fn hub(tree: &Tree) -> Supply {
        let port = "1-2.3".parse().expect("a port");
        Supply { switch: Switch::Hub(HubPort::of(&tree.sysfs(), &port)), off_ns: OFF_NS }
    }

    fn value(tree: &Tree) -> String {
        fs::read_to_string(tree.path(FILE)).expect("there").trim().to_owned()
    }

    #[tokio::test]
    async fn a_hub_port_is_off_as_long_as_is_stated_and_on_again() {
        let tree = Tree::new();
        tree.file(FILE, b"0");
        let (clock, supply) = (HostClock::start(), hub(&tree));
        let cycling = supply.cycle("dongle d", clock, Instant(i64::MAX));
        tokio::pin!(cycling);
        while value(&tree) != "1" {
            assert!(futures::poll!(&mut cycling).is_pending());
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let done = cycling.await.expect("switched");
        assert!(clock.now().0 >= OFF_NS);
        assert_eq!((value(&tree).as_str(), done.as_str()), ("0", "port 3 of the USB hub 1-2 was off for 0.02 s"));
    }

    #[tokio::test]
    async fn a_cycle_that_is_given_up_leaves_the_port_on() {
        let tree = Tree::new();
        tree.file(FILE, b"0");
        let supply = Supply { off_ns: i64::MAX / 4, ..hub(&tree) };
        {
            let cycling = supply.cycle("dongle d", HostClock::start(), Instant(i64::MAX));
            tokio::pin!(cycling);
            while value(&tree) != "1" {
                assert!(futures::poll!(&mut cycling).is_pending());
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            // It is in the pause now, or on its way there.
            assert!(futures::poll!(&mut cycling).is_pending());
        }
        while value(&tree) != "0" {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn a_port_that_a_dead_process_left_off_is_turned_on() {
        let tree = Tree::new();
        tree.file(FILE, b"1\n");
        hub(&tree).restore().expect("switched");
        assert!(value(&tree).starts_with('0'));
        tree.file(FILE, b"0\n");
        hub(&tree).restore().expect("nothing to do");
        assert_eq!(value(&tree), "0");
    }

    #[tokio::test]
    async fn what_cannot_be_switched_is_told_before_it_is_needed() {
        let supply = hub(&Tree::new());
        assert!(supply.obstacle().is_some());
        let fault = supply.cycle("dongle d", HostClock::start(), Instant(i64::MAX)).await.expect_err("no hub");
        assert!(fault.member == "dongle d" && fault.hint.is_some(), "{fault:?}");
    }

    /// Refuses orders whose time is over, as boards do, and fails to cut when it is told to.
    struct Relay {
        clock: HostClock,
        cuts: bool,
        orders: RefCell<Vec<bool>>,
    }

    #[async_trait::async_trait(?Send)]
    impl Power for Relay {
        async fn switch(&self, on: bool, deadline: Instant) -> Result<Switched, InfrastructureFault> {
            if self.clock.now() >= deadline {
                return Err(InfrastructureFault::new("relay board", "no time was left for it"));
            }
            self.orders.borrow_mut().push(on);
            let obeys = self.cuts || on;
            if obeys { Ok(Truth::Reported.into()) } else { Err(InfrastructureFault::new("relay board", "no answer")) }
        }
    }

    #[rstest]
    #[case::its_answer_was_lost(false, 10_000_000_000, "no answer")]
    #[case::time_is_up_while_it_is_cut(true, OFF_NS / 2, "cut its supply for 0.02 s")]
    #[tokio::test]
    async fn a_dongle_is_fed_again_whatever_became_of_the_cut(
        #[case] cuts: bool,
        #[case] left_ns: i64,
        #[case] said: &str,
    ) {
        let clock = HostClock::start();
        let relay = Rc::new(Relay { clock, cuts, orders: RefCell::default() });
        let switch = Switch::Relay { power: relay.clone(), name: "relay board channel 3".to_owned(), fed: true };
        let cycled = Supply { switch, off_ns: OFF_NS }.cycle("dongle d", clock, clock.now().plus(left_ns)).await;
        let told = cycled.unwrap_or_else(|fault| fault.what);
        assert!(told.contains(said), "{told}");
        assert_eq!(*relay.orders.borrow(), [false, true]);
    }

    #[cfg(feature = "serial")]
    #[tokio::test]
    async fn a_relay_cuts_by_leaving_its_safe_position_and_returns_to_it() {
        use crate::{
            power::{Board, Boards, Outlet, Setup, Wired},
            safety::State,
            test_port::Pty,
        };
        use rigtone_model::document::{Lcus, Output, RelayBoard, SafeState};
        let mut pty = Pty::open();
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::at(folder.path().to_owned()).expect("usable");
        let output = Output { relay: "board".into(), channel: 3, safe: SafeState::Off, longest_on: None, settle: None };
        let wired = vec![Wired { what: "supply of dongle d".into(), output: output.clone(), button: None }];
        let journals = vec![state.journal("relay board", pty.path()).expect("a journal")];
        let setup = Setup {
            name: "board".into(),
            board: RelayBoard { lcus: Some(Lcus::at(pty.path())), channels: 4, ..RelayBoard::default() },
            rig: "lab".into(),
            channels: 4,
            wired,
            journals,
            wear: None,
        };
        let clock = HostClock::start();
        let mut boards = Boards::default();
        boards.insert("board", Board::open(setup, clock).expect("the port is there"));
        let board = boards.get("board").expect("just added").clone();
        let power = Rc::new(Outlet { board, channel: 3 });
        let supply = Supply { switch: Switch::Relay { power, name: output.member(), fed: false }, off_ns: OFF_NS };
        let left = || {
            let journal = state.journal("relay board", pty.path()).expect("a journal");
            journal.entries().filter(|entry| entry.left).map(|entry| entry.what.clone()).collect::<Vec<_>>()
        };
        {
            let cycling = supply.cycle("dongle d", clock, Instant(i64::MAX));
            tokio::pin!(cycling);
            let cut = clock.now().plus(10_000_000_000);
            while left().is_empty() && clock.now() < cut {
                assert!(futures::poll!(&mut cycling).is_pending());
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            assert_eq!(left(), ["supply of dongle d"], "on record while it is cut");
            cycling.await.expect("switched");
        }
        assert_eq!(left(), [""; 0]);
        assert_eq!(pty.read(8), [0xA0, 3, 1, 0xA4, 0xA0, 3, 0, 0xA3], "cut, fed");
    }
}
