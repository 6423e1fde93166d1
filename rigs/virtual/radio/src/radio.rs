//! The controllers that are on, their timers, and the air between them.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    address::Address,
    air::{Air, Antenna},
    controller::{Controller, Sent},
};

/// How often the timers of the link layer act.
const TICK: Duration = Duration::from_millis(5);

struct Live<C> {
    controller: C,
    pulse: Pulse,
}

/// Whether a controller runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pulse {
    Runs,
    /// Neither takes nor gives anything, until then or for good.
    Frozen(Option<Duration>),
}

/// All controllers and the air. Times are those of one clock, whichever.
pub(crate) struct Radio<C> {
    air: Air,
    live: BTreeMap<Address, Live<C>>,
    tick: Option<Duration>,
    for_hosts: Vec<(Address, Vec<u8>)>,
}

impl<C: Controller> Radio<C> {
    pub(crate) const fn new(air: Air) -> Self {
        Self { air, live: BTreeMap::new(), tick: None, for_hosts: Vec::new() }
    }

    /// The antenna of an address.
    pub(crate) fn antenna(&mut self, address: Address) -> Option<&mut Antenna> {
        self.air.antenna(address)
    }

    /// Switches a controller on, in place of the one that may be on.
    pub(crate) fn on(&mut self, now: Duration, address: Address, controller: C) {
        self.air.power(address, true);
        self.live.insert(address, Live { controller, pulse: Pulse::Runs });
        self.tick.get_or_insert(now + TICK);
    }

    /// Switches a controller off.
    pub(crate) fn off(&mut self, address: Address) {
        self.air.power(address, false);
        self.live.remove(&address);
        if self.live.is_empty() {
            self.tick = None;
        }
    }

    /// Stops a controller for a while or until it is switched off: what comes to it meanwhile is lost. False if there is none.
    pub(crate) fn freeze(&mut self, address: Address, until: Option<Duration>) -> bool {
        self.live.get_mut(&address).map(|live| live.pulse = Pulse::Frozen(until)).is_some()
    }

    /// A host sent a packet.
    pub(crate) fn command(&mut self, now: Duration, from: Address, packet: &[u8]) {
        self.call(now, from, |controller| controller.command(packet));
    }

    /// Does all that is due by now. What is sent at that is not heard before the next time, be it of the same instant.
    pub(crate) fn run(&mut self, now: Duration) {
        for live in self.live.values_mut() {
            if matches!(live.pulse, Pulse::Frozen(Some(until)) if until <= now) {
                live.pulse = Pulse::Runs;
            }
        }
        for arrival in self.air.arrivals(now) {
            self.call(now, arrival.to, |controller| controller.hear(&arrival.packet, arrival.phy, arrival.dbm));
        }
        if let Some(due) = self.tick.filter(|due| *due <= now) {
            // Those that a busy machine missed are not made up for.
            self.tick = Some(if due + TICK > now { due + TICK } else { now + TICK });
            let addresses: Vec<Address> = self.live.keys().copied().collect();
            for address in addresses {
                self.call(now, address, C::tick);
            }
        }
    }

    /// When there is something to do again.
    pub(crate) fn next(&self) -> Option<Duration> {
        let thaws = self.live.values().filter_map(|live| match live.pulse {
            Pulse::Frozen(until) => until,
            Pulse::Runs => None,
        });
        thaws.chain(self.tick).chain(self.air.next()).min()
    }

    /// What the controllers have for their hosts, in order.
    pub(crate) fn take_for_hosts(&mut self) -> Vec<(Address, Vec<u8>)> {
        std::mem::take(&mut self.for_hosts)
    }

    fn call(&mut self, now: Duration, address: Address, act: impl FnOnce(&mut C) -> Vec<Sent>) {
        let Some(live) = self.live.get_mut(&address).filter(|live| live.pulse == Pulse::Runs) else { return };
        for sent in act(&mut live.controller) {
            match sent {
                Sent::Host(packet) => self.for_hosts.push((address, packet)),
                Sent::Air { packet, phy } => self.air.send(now, address, &packet, phy),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;
    use rstest::rstest;

    const HOST: &str = "AA:BB:CC:00:00:01";
    const PEER: &str = "D2:00:00:00:00:01";

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// Two controllers, on since 0.
    fn radio() -> Radio<Fake> {
        let mut radio = Radio::new(Air::new(1, [HOST, PEER].map(address)));
        for at in [HOST, PEER] {
            radio.on(ms(0), address(at), Fake::default());
        }
        radio
    }

    /// Runs until then as the loop does; what the controllers had for their hosts, with the time in ms.
    fn until(radio: &mut Radio<Fake>, end: Duration) -> Vec<(u128, Address, Vec<u8>)> {
        let mut said = Vec::new();
        let mut now = Duration::ZERO;
        while let Some(next) = radio.next().filter(|next| *next <= end) {
            now = now.max(next);
            radio.run(now);
            said.extend(radio.take_for_hosts().into_iter().map(|(to, packet)| (now.as_millis(), to, packet)));
        }
        said
    }

    fn ticks(radio: &Radio<Fake>, at: &str) -> u32 {
        radio.live[&address(at)].controller.ticks
    }

    #[test]
    fn what_one_host_sends_the_other_hears() {
        let mut radio = radio();
        radio.command(ms(0), address(HOST), &Fake::say(b"hello"));
        assert_eq!(radio.take_for_hosts(), [], "nothing is heard from within a call");
        assert_eq!(until(&mut radio, ms(4)), [(0, address(PEER), Fake::heard(b"hello", -50))]);
    }

    #[test]
    fn controllers_tick_every_5_ms_while_they_are_on() {
        let mut radio = radio();
        until(&mut radio, ms(100));
        assert_eq!((ticks(&radio, HOST), ticks(&radio, PEER)), (20, 20));
        radio.off(address(PEER));
        until(&mut radio, ms(200));
        assert_eq!(ticks(&radio, HOST), 40);
        radio.off(address(HOST));
        assert_eq!(radio.next(), None, "nothing to wait for when all are off");
        radio.on(ms(333), address(HOST), Fake::default());
        assert_eq!(radio.next(), Some(ms(338)));
    }

    #[test]
    fn ticks_that_were_missed_are_not_made_up_for() {
        let mut radio = radio();
        radio.run(ms(1002));
        assert_eq!(ticks(&radio, HOST), 1);
        assert_eq!(radio.next(), Some(ms(1007)));
    }

    #[rstest]
    #[case::for_good(None, 0, false)]
    #[case::for_a_while(Some(50), 20, true)]
    fn a_frozen_controller_neither_takes_nor_gives(#[case] thaws: Option<u64>, #[case] more: u32, #[case] then: bool) {
        let mut radio = radio();
        assert!(radio.freeze(address(PEER), thaws.map(ms)));
        radio.command(ms(0), address(PEER), &Fake::say(b"lost"));
        radio.command(ms(0), address(HOST), &Fake::say(b"lost too"));
        assert_eq!(until(&mut radio, ms(49)), []);
        assert_eq!(ticks(&radio, PEER), 0);
        until(&mut radio, ms(147));
        assert_eq!(ticks(&radio, PEER), more);
        radio.command(ms(147), address(HOST), &Fake::say(b"heard?"));
        assert_eq!(until(&mut radio, ms(149)).len(), usize::from(then));
    }

    #[test]
    fn only_a_controller_that_is_on_can_freeze_and_switching_it_thaws_it() {
        let mut radio = radio();
        radio.freeze(address(PEER), None);
        radio.off(address(PEER));
        assert!(!radio.freeze(address(PEER), None));
        radio.on(ms(0), address(PEER), Fake::default());
        radio.command(ms(0), address(HOST), &Fake::say(b"hello"));
        assert_eq!(until(&mut radio, ms(1)).len(), 1);
    }

    #[test]
    fn packets_wait_for_their_delay_and_not_for_a_tick() {
        let mut radio = radio();
        radio.antenna(address(PEER)).unwrap().delay = ms(12);
        radio.command(ms(0), address(HOST), &Fake::say(b"late"));
        assert_eq!(until(&mut radio, ms(20)), [(12, address(PEER), Fake::heard(b"late", -50))]);
    }
}
