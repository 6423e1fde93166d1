//! Writing a capture: btsnoop with the records of the Linux monitor.

use super::{
    reader::{EPOCH_US, MAGIC},
    record::{Direction, Kind},
};

/// Writes a capture, record by record.
#[derive(Debug, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
    drops: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// A capture without records.
    pub fn new() -> Self {
        let bytes = [MAGIC.as_slice(), &1_u32.to_be_bytes(), &2001_u32.to_be_bytes()].concat();
        Self { bytes, drops: 0 }
    }

    /// Adds a record of the monitor as the kernel gives it: `code` says what it is, the time is in nanoseconds since the
    /// beginning of 1970.
    pub fn monitored(&mut self, at_ns: i64, adapter: u16, code: u16, data: &[u8]) {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let flags = u32::from(adapter) << 16 | u32::from(code);
        for number in [length, length, flags, self.drops] {
            self.bytes.extend(number.to_be_bytes());
        }
        self.bytes.extend((at_ns.div_euclid(1000) + EPOCH_US).to_be_bytes());
        self.bytes.extend(data);
    }

    /// Adds a packet from its header on.
    pub fn packet(&mut self, at_ns: i64, adapter: u16, direction: Direction, kind: Kind, data: &[u8]) {
        let received = u16::from(direction == Direction::Received);
        let code = match kind {
            Kind::NewIndex => 0,
            Kind::DeleteIndex => 1,
            Kind::Command => 2,
            Kind::Event => 3,
            Kind::Acl => 4 + received,
            Kind::Sco => 6 + received,
            Kind::IndexInfo => 10,
            Kind::Iso => 18 + received,
            Kind::Other | Kind::Unknown => 12,
        };
        self.monitored(at_ns, adapter, code, data);
    }

    /// Packets were lost: the records that follow say so.
    pub fn lost(&mut self, packets: u32) {
        self.drops = self.drops.saturating_add(packets);
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it has no record.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() <= MAGIC.len() + 8
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
