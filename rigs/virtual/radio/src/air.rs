//! What lies between the controllers: who hears whom, how strongly, what is lost and how late it comes.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    rc::Rc,
    time::Duration,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::address::Address;

/// First octet of a link-layer packet that carries ACL data. Procedures of the link manager have no retries here: they are never lost.
const ACL: u8 = 1;
const NORMAL_DBM: i8 = -50;

/// What a controller sends by, and what may be wrong with it. Outlives the controller.
#[derive(Debug)]
pub(crate) struct Antenna {
    /// Nothing is sent, nothing received.
    pub(crate) away: bool,
    /// Signal strength; between two the lower one counts, both ways: the inquirer is told the responder's view.
    pub(crate) dbm: i8,
    /// Share of ACL packets lost; between two the higher one counts, both ways.
    pub(crate) loss: f64,
    /// How much later packets come, both ways; between two they add up.
    pub(crate) delay: Duration,
    power: Option<Life>,
}

/// Which of the controllers that had this address one after the other.
type Life = u64;

/// A packet that reached a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) to: Address,
    pub(crate) packet: Rc<[u8]>,
    pub(crate) phy: i32,
    pub(crate) dbm: i8,
    life: Life,
}

/// From one controller to another.
struct Path {
    dice: ChaCha8Rng,
    last: Duration,
}

/// The air between the controllers of these addresses.
pub(crate) struct Air {
    seed: u64,
    antennas: BTreeMap<Address, Antenna>,
    paths: BTreeMap<(Address, Address), Path>,
    /// By arrival and order of departure.
    flights: BTreeMap<(Duration, u64), Arrival>,
    departures: u64,
    lives: Life,
}

impl Air {
    pub(crate) fn new(seed: u64, addresses: impl IntoIterator<Item = Address>) -> Self {
        let antenna = || Antenna { away: false, dbm: NORMAL_DBM, loss: 0.0, delay: Duration::ZERO, power: None };
        Self {
            seed,
            antennas: addresses.into_iter().map(|address| (address, antenna())).collect(),
            paths: BTreeMap::new(),
            flights: BTreeMap::new(),
            departures: 0,
            lives: 0,
        }
    }

    /// The antenna of an address, whether its controller is on or not.
    pub(crate) fn antenna(&mut self, address: Address) -> Option<&mut Antenna> {
        self.antennas.get_mut(&address)
    }

    /// A controller begins or ends. What was on its way to the one before is never heard.
    pub(crate) fn power(&mut self, address: Address, on: bool) {
        self.lives += 1;
        if let Some(antenna) = self.antennas.get_mut(&address) {
            antenna.power = on.then_some(self.lives);
        }
    }

    /// Sends a packet from one controller to all others. What has left arrives, whatever becomes of its sender.
    pub(crate) fn send(&mut self, now: Duration, from: Address, packet: &Rc<[u8]>, phy: i32) {
        let Some(sender) = self.antennas.get(&from).filter(|sender| sender.power.is_some() && !sender.away) else {
            return;
        };
        for (&to, receiver) in &self.antennas {
            let Some(life) = receiver.power.filter(|_| to != from && !receiver.away) else { continue };
            let path = match self.paths.entry((from, to)) {
                Entry::Occupied(path) => path.into_mut(),
                Entry::Vacant(none) => none.insert(Path { dice: dice(self.seed, from, to), last: Duration::ZERO }),
            };
            let loss = sender.loss.max(receiver.loss);
            if packet.first() == Some(&ACL) && loss > 0.0 && path.dice.random::<f64>() < loss {
                continue;
            }
            path.last = path.last.max(now + sender.delay + receiver.delay);
            let dbm = sender.dbm.min(receiver.dbm);
            self.flights
                .insert((path.last, self.departures), Arrival { to, packet: Rc::clone(packet), phy, dbm, life });
            self.departures += 1;
        }
    }

    /// When the next packet arrives.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.flights.first_key_value().map(|((at, _), _)| *at)
    }

    /// What has arrived by now and is heard, in order.
    pub(crate) fn arrivals(&mut self, now: Duration) -> Vec<Arrival> {
        let later = self.flights.split_off(&(now, u64::MAX));
        let arrived = std::mem::replace(&mut self.flights, later);
        arrived.into_values().filter(|arrival| self.hears(arrival)).collect()
    }

    fn hears(&self, arrival: &Arrival) -> bool {
        self.antennas.get(&arrival.to).is_some_and(|antenna| !antenna.away && antenna.power == Some(arrival.life))
    }
}

/// The losses of a path depend on nothing but the seed and its two ends.
fn dice(seed: u64, from: Address, to: Address) -> ChaCha8Rng {
    let mut key = [0; 32];
    let words = seed.to_le_bytes().into_iter().chain(from.to_air()).chain(to.to_air());
    key.iter_mut().zip(words).for_each(|(octet, word)| *octet = word);
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use rstest::rstest;

    const LMP: u8 = 0x34;

    fn address(number: u8) -> Address {
        format!("D2:00:00:00:00:{number:02X}").parse().unwrap()
    }

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// An air of three controllers that are on.
    fn air(seed: u64) -> Air {
        let mut air = Air::new(seed, (1..=3).map(address));
        (1..=3).for_each(|number| air.power(address(number), true));
        air
    }

    fn set(air: &mut Air, number: u8, act: impl FnOnce(&mut Antenna)) {
        act(air.antenna(address(number)).unwrap());
    }

    fn send(air: &mut Air, now: Duration, from: u8, octets: &[u8]) {
        air.send(now, address(from), &octets.into(), 1);
    }

    /// Who heard what, by the last number of the address and the last octet of the packet.
    fn heard(air: &mut Air, now: Duration) -> Vec<(u8, u8)> {
        let short = |a: Arrival| (a.to.to_air()[0], *a.packet.last().unwrap());
        air.arrivals(now).into_iter().map(short).collect()
    }

    #[rstest]
    #[case::all_but_the_sender(&[], &[(1, 7), (3, 7)])]
    #[case::not_who_is_away(&[3], &[(1, 7)])]
    #[case::a_sender_that_is_away_is_not_heard(&[2], &[])]
    fn in_range_all_others_hear(#[case] away: &[u8], #[case] expected: &[(u8, u8)]) {
        let mut air = air(1);
        away.iter().for_each(|&number| set(&mut air, number, |a| a.away = true));
        send(&mut air, ms(5), 2, &[LMP, 7]);
        assert_eq!(heard(&mut air, ms(5)), expected);
        assert_eq!(air.next(), None);
        away.iter().for_each(|&number| set(&mut air, number, |a| a.away = false));
        send(&mut air, ms(6), 2, &[LMP, 8]);
        assert_eq!(heard(&mut air, ms(6)), [(1, 8), (3, 8)]);
    }

    #[rstest]
    #[case(None, None, -50)]
    #[case(Some(-71), None, -71)]
    #[case(None, Some(-90), -90)]
    #[case(Some(-71), Some(-90), -90)]
    #[case(Some(-90), Some(-71), -90)]
    #[case::a_strong_one_does_not_help_the_other(Some(-20), None, -50)]
    fn both_ends_see_the_lower_strength(#[case] first: Option<i8>, #[case] second: Option<i8>, #[case] dbm: i8) {
        let mut air = air(1);
        air.power(address(3), false);
        for (number, dbm) in [(1, first), (2, second)] {
            dbm.into_iter().for_each(|dbm| set(&mut air, number, |a| a.dbm = dbm));
        }
        for from in [1, 2] {
            send(&mut air, ms(0), from, &[LMP]);
            assert_eq!(air.arrivals(ms(0)).iter().map(|a| a.dbm).collect::<Vec<_>>(), [dbm]);
        }
    }

    /// Which of 1000 packets of a kind from 1 to 2 were lost.
    fn lost(seed: u64, kind: u8, shares: [f64; 2], others: bool) -> Vec<u16> {
        let mut air = air(seed);
        for (number, share) in [1, 2].into_iter().zip(shares) {
            set(&mut air, number, |a| a.loss = share);
        }
        (0..1000_u16)
            .filter(|number| {
                if others {
                    send(&mut air, ms(0), 3, &[ACL, 0]);
                    send(&mut air, ms(0), 2, &[ACL, 0]);
                    air.arrivals(ms(0));
                }
                send(&mut air, ms(0), 1, &[&[kind], &number.to_be_bytes()[..]].concat());
                !air.arrivals(ms(0)).iter().any(|a| a.to == address(2))
            })
            .collect()
    }

    #[rstest]
    #[case::all(ACL, [1.0, 0.0], 1000..=1000)]
    #[case::none(ACL, [0.0, 0.0], 0..=0)]
    // 4 standard deviations of a binomial of 1000: 27.6 at 5 %, 50.6 at 20 %.
    #[case::of_the_sender(ACL, [0.05, 0.0], 23..=77)]
    #[case::of_the_receiver(ACL, [0.0, 0.05], 23..=77)]
    #[case::the_higher_one(ACL, [0.2, 0.05], 150..=250)]
    #[case::procedures_are_never_lost(LMP, [1.0, 1.0], 0..=0)]
    fn a_share_of_acl_is_lost(
        #[case] kind: u8,
        #[case] shares: [f64; 2],
        #[case] count: std::ops::RangeInclusive<usize>,
    ) {
        let lost = lost(1, kind, shares, false).len();
        assert!(count.contains(&lost), "{lost}");
    }

    #[test]
    fn losses_depend_on_seed_and_path_alone() {
        let alone = lost(7, ACL, [0.1, 0.0], false);
        assert_eq!(alone, lost(7, ACL, [0.1, 0.0], true));
        assert_ne!(alone, lost(8, ACL, [0.1, 0.0], false));
    }

    #[rstest]
    #[case::neither(0, 0, 0)]
    #[case::sender(20, 0, 20)]
    #[case::receiver(0, 30, 30)]
    #[case::both(20, 30, 50)]
    fn delays_add_up(#[case] first: u64, #[case] second: u64, #[case] after: u64) {
        let mut air = air(1);
        set(&mut air, 1, |a| a.delay = ms(first));
        set(&mut air, 2, |a| a.delay = ms(second));
        set(&mut air, 3, |a| a.away = true);
        for (from, to) in [(1, 2), (2, 1)] {
            send(&mut air, ms(100), from, &[LMP, 7]);
            assert_eq!(air.next(), Some(ms(100 + after)));
            assert_eq!(heard(&mut air, (ms(100 + after)).saturating_sub(Duration::from_nanos(1))), []);
            assert_eq!(heard(&mut air, ms(100 + after)), [(to, 7)]);
        }
    }

    #[test]
    fn a_shorter_delay_overtakes_nothing() {
        let mut air = air(1);
        air.power(address(3), false);
        set(&mut air, 1, |a| a.delay = ms(50));
        send(&mut air, ms(0), 1, &[LMP, 1]);
        set(&mut air, 1, |a| a.delay = ms(0));
        send(&mut air, ms(10), 1, &[LMP, 2]);
        assert_eq!(heard(&mut air, ms(49)), []);
        assert_eq!(heard(&mut air, ms(50)), [(2, 1), (2, 2)]);
        send(&mut air, ms(60), 1, &[LMP, 3]);
        assert_eq!(heard(&mut air, ms(60)), [(2, 3)]);
    }

    #[rstest]
    #[case::the_receiver_goes(2, false, &[])]
    #[case::the_receiver_is_another_one_now(2, true, &[])]
    #[case::what_has_left_arrives(1, false, &[(2, 7)])]
    fn unplugged_in_mid_flight(#[case] who: u8, #[case] again: bool, #[case] expected: &[(u8, u8)]) {
        let mut air = air(1);
        air.power(address(3), false);
        set(&mut air, 2, |a| a.delay = ms(20));
        send(&mut air, ms(0), 1, &[LMP, 7]);
        air.power(address(who), false);
        if again {
            air.power(address(who), true);
        }
        assert_eq!(heard(&mut air, ms(20)), expected);
    }

    #[test]
    fn out_of_range_in_mid_flight() {
        let mut air = air(1);
        set(&mut air, 2, |a| a.delay = ms(20));
        send(&mut air, ms(0), 1, &[LMP, 7]);
        set(&mut air, 2, |a| a.away = true);
        assert_eq!(heard(&mut air, ms(20)), [(3, 7)]);
    }

    proptest! {
        #[test]
        fn on_every_path_order_is_kept(steps in vec((1_u8..=3, 0_u64..40, 0_u64..60), 1..60)) {
            let mut air = air(1);
            let mut now = Duration::ZERO;
            let mut expected = [0_u8; 4];
            let mut sent = [0_u8; 4];
            let mut check = |arrivals: Vec<Arrival>| {
                for arrival in arrivals.into_iter().filter(|a| a.to == address(3)) {
                    let [_, from, number] = *arrival.packet else { panic!("{arrival:?}") };
                    assert_eq!(number, expected[usize::from(from)]);
                    expected[usize::from(from)] += 1;
                }
                expected
            };
            for (from, pause, delay) in steps {
                set(&mut air, from, |a| a.delay = ms(delay));
                send(&mut air, now, from, &[LMP, from, sent[usize::from(from)]]);
                sent[usize::from(from)] += 1;
                now += ms(pause);
                check(air.arrivals(now));
            }
            let all = check(air.arrivals(now + ms(10_000)));
            prop_assert_eq!(all[1..3].to_vec(), sent[1..3].to_vec());
            prop_assert_eq!(air.next(), None);
        }
    }
}
