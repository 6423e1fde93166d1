//! One record of a capture, whatever the file's format.

use schemars::JsonSchema;
use serde::Serialize;

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// btsnoop, datalink 1001: packets without a type byte.
    BtsnoopHci,
    /// btsnoop, datalink 1002: packets with a type byte, as of a UART; Android's log.
    BtsnoopH4,
    /// btsnoop, datalink 2001: the monitor of Linux, as `btmon` writes it.
    BtsnoopMonitor,
    /// Apple's PacketLogger with numbers in network order.
    PacketLogger,
    /// Apple's PacketLogger with the lowest byte first.
    PacketLoggerLittleEndian,
}

impl Format {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::BtsnoopHci => "btsnoop, HCI",
            Self::BtsnoopH4 => "btsnoop, H4",
            Self::BtsnoopMonitor => "btsnoop, Linux monitor",
            Self::PacketLogger => "PacketLogger",
            Self::PacketLoggerLittleEndian => "PacketLogger, little-endian",
        }
    }
}

/// Which way a packet went, seen from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From the host to its controller.
    Sent,
    /// From the controller to the host.
    Received,
}

impl Direction {
    /// The other way.
    pub const fn other(self) -> Self {
        match self {
            Self::Sent => Self::Received,
            Self::Received => Self::Sent,
        }
    }
}

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An HCI command.
    Command,
    /// An HCI event.
    Event,
    /// ACL data.
    Acl,
    /// Synchronous data: voice.
    Sco,
    /// Isochronous data: LE Audio.
    Iso,
    /// A controller appeared: type, bus, address (6), name (8).
    NewIndex,
    /// A controller went.
    DeleteIndex,
    /// A controller's address (6) and manufacturer.
    IndexInfo,
    /// Something else than HCI traffic: logs, notes, management, vendors' diagnostics.
    Other,
    /// An H4 packet of a type that is not known, or without a type.
    Unknown,
}

impl Kind {
    /// Whether it went between host and controller.
    pub const fn is_hci(self) -> bool {
        matches!(self, Self::Command | Self::Event | Self::Acl | Self::Sco | Self::Iso)
    }
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number in the file, from 1.
    pub number: u64,
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Where it ends in the file, in bytes; its data are the last before that.
    pub end: u64,
    /// Nanoseconds since the beginning of 1970, as the recorder's clock had it.
    pub at_ns: i64,
    /// The controller; 0 where the format knows only one, `0xffff` where the record belongs to none.
    pub adapter: u16,
    /// Which way.
    pub direction: Direction,
    /// What.
    pub kind: Kind,
    /// The packet from its header on, without the type byte of H4.
    pub data: &'a [u8],
    /// How long the packet was; more than `data` when the recorder cut it.
    pub original: usize,
    /// Packets that the recorder says it lost since the beginning of the file.
    pub drops: u32,
}

impl Record<'_> {
    /// Whether the recorder kept only a part of the packet.
    pub const fn is_cut(&self) -> bool {
        self.data.len() < self.original
    }
}
