//! From the bytes of a file to its records.

use super::{
    error::{CaptureError, Foreign},
    record::{Direction, Format, Kind, Record},
};
use crate::cursor::Cursor;

/// The longest record that is believed, in bytes: the longest HCI packet has 65 540, logs stay far below.
pub const LARGEST_RECORD: usize = 1 << 17;

pub(super) const MAGIC: &[u8; 8] = b"btsnoop\0";
const BTSNOOP_HEADER: usize = 16;
const BTSNOOP_RECORD: usize = 24;
const PACKET_LOGGER_RECORD: usize = 13;
/// What the length field of PacketLogger counts beside the packet.
const PACKET_LOGGER_COUNTED: usize = 9;
/// Microseconds from the beginning of the year 0 to that of 1970.
pub(super) const EPOCH_US: i64 = 0x00dc_ddb3_0f2f_8000;

/// Commands and events of management, as the Linux monitor numbers them.
pub(super) const MONITOR_COMMAND: u16 = 16;
pub(super) const MONITOR_EVENT: u16 = 17;

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After a record.
    Whole,
    /// Within a record.
    Cut {
        /// Number of the record that is not whole.
        record: u64,
        /// Where it begins, in bytes.
        offset: u64,
    },
    /// A record claims a length that cannot be: nothing after it was read.
    Impossible {
        /// Its number.
        record: u64,
        /// Where it begins, in bytes.
        offset: u64,
        /// The length it claims, in bytes.
        claimed: u64,
    },
}

/// Reads a capture that it is fed with, slice by slice.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// What of the buffer was read.
    read: usize,
    /// Where the buffer begins in the file.
    offset: u64,
    /// Bytes that were fed.
    length: u64,
    records: u64,
    format: Option<Format>,
    impossible: Option<End>,
}

/// Where a record lies in the buffer, and what its header says.
struct Header {
    begin: usize,
    end: usize,
    original: usize,
    at_ns: i64,
    adapter: u16,
    direction: Direction,
    kind: Kind,
    drops: u32,
}

/// What stands at the front of the buffer.
enum Front {
    Whole(Header),
    /// More bytes are needed.
    Short,
    /// The length in bytes cannot be.
    Impossible(u64),
}

impl Reader {
    /// A reader at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the file. They are kept until [`record`](Self::record) has read them: slices of some 64 kB
    /// keep memory small.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.impossible.is_some() {
            return;
        }
        self.buffer.drain(..self.read);
        self.offset += self.read as u64;
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next record; `None` when the reader must be fed first.
    ///
    /// # Errors
    /// When the file is no capture. It then never gives a record.
    pub fn record(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        let Some(format) = self.format()? else { return Ok(None) };
        if self.impossible.is_some() {
            return Ok(None);
        }
        let front = self.buffer.get(self.read..).unwrap_or_default();
        let (size, offset) = (front.len(), self.offset + self.read as u64);
        let found = match format {
            Format::BtsnoopHci | Format::BtsnoopH4 | Format::BtsnoopMonitor => btsnoop(format, front),
            Format::PacketLogger => packet_logger(front, u32::from_be_bytes),
            Format::PacketLoggerLittleEndian => packet_logger(front, u32::from_le_bytes),
        };
        let header = match found {
            Some(Front::Whole(header)) if header.end <= size => header,
            None | Some(Front::Whole(_) | Front::Short) => return Ok(None),
            Some(Front::Impossible(claimed)) => {
                if self.records == 0 {
                    return Err(CaptureError::FirstRecord { offset, claimed });
                }
                self.impossible = Some(End::Impossible { record: self.records + 1, offset, claimed });
                return Ok(None);
            }
        };
        self.records += 1;
        let at = self.read;
        self.read += header.end;
        Ok(Some(Record {
            number: self.records,
            offset,
            end: offset + header.end as u64,
            at_ns: header.at_ns,
            adapter: header.adapter,
            direction: header.direction,
            kind: header.kind,
            data: self.buffer.get(at + header.begin..at + header.end).unwrap_or_default(),
            original: header.original,
            drops: header.drops,
        }))
    }

    /// The format, once enough of the file was seen.
    ///
    /// # Errors
    /// When it is none that is read.
    pub fn format(&mut self) -> Result<Option<Format>, CaptureError> {
        if self.format.is_none() && !self.buffer.is_empty() {
            let head = self.buffer.get(..BTSNOOP_HEADER).unwrap_or(&self.buffer);
            if MAGIC.starts_with(head) || (head.starts_with(MAGIC) && head.len() < BTSNOOP_HEADER) {
                return Ok(None);
            }
            if head.starts_with(MAGIC) {
                self.format = Some(datalink(head)?);
                self.read = BTSNOOP_HEADER;
            } else if head.len() >= PACKET_LOGGER_RECORD {
                self.format = Some(packet_logger_order(head).ok_or_else(|| foreign(&self.buffer))?);
            }
        }
        Ok(self.format)
    }

    /// How the file ended, when there are no more bytes, and how many records and bytes it had.
    ///
    /// # Errors
    /// When it gave no record.
    pub fn finish(mut self) -> Result<(End, u64, u64), CaptureError> {
        let length = self.length;
        if length == 0 {
            return Err(CaptureError::Empty);
        }
        let begun = MAGIC.starts_with(self.buffer.get(..MAGIC.len()).unwrap_or(&self.buffer));
        if self.format()?.is_none() && !begun {
            return Err(foreign(&self.buffer));
        }
        if self.records == 0 {
            return Err(CaptureError::NoRecord { length });
        }
        let offset = self.offset + self.read as u64;
        let end = match self.impossible {
            Some(end) => end,
            None if offset == length => End::Whole,
            None => End::Cut { record: self.records + 1, offset },
        };
        Ok((end, self.records, length))
    }

    /// Bytes that are kept.
    pub fn kept(&self) -> usize {
        self.buffer.len()
    }
}

fn foreign(bytes: &[u8]) -> CaptureError {
    CaptureError::Foreign(Foreign::of(bytes.get(..PACKET_LOGGER_RECORD).unwrap_or(bytes)))
}

fn datalink(header: &[u8]) -> Result<Format, CaptureError> {
    let mut header = Cursor::new(header.get(MAGIC.len()..).unwrap_or_default());
    match (header.be32(), header.be32()) {
        (Some(1), Some(1001)) => Ok(Format::BtsnoopHci),
        (Some(1), Some(1002)) => Ok(Format::BtsnoopH4),
        (Some(1), Some(2001)) => Ok(Format::BtsnoopMonitor),
        (Some(1), datalink) => Err(CaptureError::Datalink(datalink.unwrap_or_default())),
        (version, _) => Err(CaptureError::Version(version.unwrap_or_default())),
    }
}

/// PacketLogger has no magic: a first record that could be one in one of the orders, and of a type that is known.
fn packet_logger_order(head: &[u8]) -> Option<Format> {
    let fits = |order: fn([u8; 4]) -> u32| {
        let mut head = Cursor::new(head);
        let (length, _, micros, kind) = (head.array().map(order)?, head.be32()?, head.array().map(order)?, head.u8()?);
        let known = matches!(kind, 0..=3 | 8..=0x0B | 0x12 | 0x13 | 0xF7..=0xFE);
        (known && micros < 1_000_000 && (PACKET_LOGGER_COUNTED..=LARGEST_RECORD).contains(&(length as usize)))
            .then_some(())
    };
    if fits(u32::from_be_bytes).is_some() {
        Some(Format::PacketLogger)
    } else {
        fits(u32::from_le_bytes).map(|()| Format::PacketLoggerLittleEndian)
    }
}

fn btsnoop(format: Format, front: &[u8]) -> Option<Front> {
    let mut header = Cursor::new(front);
    let (original, included) = (header.be32()?, header.be32()?);
    let (flags, drops) = (header.be32()?, header.be32()?);
    let micros = i64::from_be_bytes(header.array()?).wrapping_sub(EPOCH_US);
    let included = included as usize;
    if included > LARGEST_RECORD {
        return Some(Front::Impossible(included as u64));
    }
    // The type of an H4 packet stands in its first byte.
    let first = header.rest().first().copied();
    if included > 0 && first.is_none() {
        return Some(Front::Short);
    }
    let flag_direction = if flags & 1 == 0 { Direction::Sent } else { Direction::Received };
    let (adapter, direction, kind, skip) = match format {
        Format::BtsnoopMonitor => {
            let (direction, kind) = monitor(flags as u16);
            ((flags >> 16) as u16, direction, kind, 0)
        }
        Format::BtsnoopH4 => {
            let kind = first.filter(|_| included > 0).map_or(Kind::Unknown, h4);
            (0, flag_direction, kind, usize::from(included > 0))
        }
        _ => {
            let kind = match flags & 3 {
                2 => Kind::Command,
                3 => Kind::Event,
                _ => Kind::Acl,
            };
            (0, flag_direction, kind, 0)
        }
    };
    Some(Front::Whole(Header {
        begin: BTSNOOP_RECORD + skip,
        end: BTSNOOP_RECORD + included,
        original: (original as usize).max(included).saturating_sub(skip),
        at_ns: micros.saturating_mul(1000),
        adapter,
        direction,
        kind,
        drops,
    }))
}

fn h4(kind: u8) -> Kind {
    match kind {
        1 => Kind::Command,
        2 => Kind::Acl,
        3 => Kind::Sco,
        4 => Kind::Event,
        5 => Kind::Iso,
        _ => Kind::Unknown,
    }
}

fn monitor(opcode: u16) -> (Direction, Kind) {
    use Direction::{Received, Sent};
    match opcode {
        0 => (Received, Kind::NewIndex),
        1 => (Received, Kind::DeleteIndex),
        2 => (Sent, Kind::Command),
        3 => (Received, Kind::Event),
        4 => (Sent, Kind::Acl),
        5 => (Received, Kind::Acl),
        6 => (Sent, Kind::Sco),
        7 => (Received, Kind::Sco),
        10 => (Received, Kind::IndexInfo),
        18 => (Sent, Kind::Iso),
        19 => (Received, Kind::Iso),
        _ => (Received, Kind::Other),
    }
}

fn packet_logger(front: &[u8], order: fn([u8; 4]) -> u32) -> Option<Front> {
    use Direction::{Received, Sent};
    let mut header = Cursor::new(front);
    let length = header.array().map(order)? as usize;
    if !(PACKET_LOGGER_COUNTED..=LARGEST_RECORD).contains(&length) {
        return Some(Front::Impossible(length as u64));
    }
    let (seconds, micros) = (header.array().map(order)?, header.array().map(order)?);
    let (direction, kind) = match header.u8()? {
        0x00 => (Sent, Kind::Command),
        0x01 => (Received, Kind::Event),
        0x02 => (Sent, Kind::Acl),
        0x03 => (Received, Kind::Acl),
        0x08 => (Sent, Kind::Sco),
        0x09 => (Received, Kind::Sco),
        0x12 => (Sent, Kind::Iso),
        0x13 => (Received, Kind::Iso),
        _ => (Received, Kind::Other),
    };
    let packet = length - PACKET_LOGGER_COUNTED;
    Some(Front::Whole(Header {
        begin: PACKET_LOGGER_RECORD,
        end: PACKET_LOGGER_RECORD + packet,
        original: packet,
        at_ns: i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1000,
        adapter: 0,
        direction,
        kind,
        drops: 0,
    }))
}
