//! What a controller is to the rest of the program.

use std::rc::Rc;

/// What a controller sent when it was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A packet of HCI to its host.
    Host(Vec<u8>),
    /// A link-layer packet.
    Air {
        /// Its octets.
        packet: Rc<[u8]>,
        /// 0 = LE, 1 = BR/EDR.
        phy: i32,
    },
}

/// A Bluetooth controller: takes packets and ticks, answers with what it sent at that.
pub(crate) trait Controller {
    /// Its host sent a packet of HCI.
    fn command(&mut self, packet: &[u8]) -> Vec<Sent>;
    /// A link-layer packet is heard.
    fn hear(&mut self, packet: &[u8], phy: i32, dbm: i8) -> Vec<Sent>;
    /// Some time went by: its timers may act.
    fn tick(&mut self) -> Vec<Sent>;
}
