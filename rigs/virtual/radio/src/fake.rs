//! A controller for tests: what its host says in commands is heard as events by the hosts of all others.

use crate::{
    controller::{Controller, Sent},
    h4::{COMMAND, EVENT},
};

/// Echoes between hosts, counts ticks.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    pub(crate) ticks: u32,
}

impl Fake {
    /// The command that sends these octets into the air.
    pub(crate) fn say(octets: &[u8]) -> Vec<u8> {
        [&[COMMAND, 0, 0xFC, octets.len() as u8], octets].concat()
    }

    /// The event of having heard them.
    pub(crate) fn heard(octets: &[u8], dbm: i8) -> Vec<u8> {
        [&[EVENT, 0xFF, octets.len() as u8 + 1, dbm as u8], octets].concat()
    }
}

impl Controller for Fake {
    fn command(&mut self, packet: &[u8]) -> Vec<Sent> {
        packet.get(4..).map(|octets| Sent::Air { packet: octets.into(), phy: 1 }).into_iter().collect()
    }

    fn hear(&mut self, packet: &[u8], _phy: i32, dbm: i8) -> Vec<Sent> {
        vec![Sent::Host(Self::heard(packet, dbm))]
    }

    fn tick(&mut self) -> Vec<Sent> {
        self.ticks += 1;
        Vec::new()
    }
}
