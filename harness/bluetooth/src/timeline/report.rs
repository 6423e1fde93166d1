//! What is reported of a capture.

use schemars::JsonSchema;
use serde::Serialize;

use super::link::Link;
use crate::{
    capture::{Direction, Format},
    hci::Address,
};

/// Version of the report's form: raised when a reader of the old form would misread the new one.
pub const SCHEMA_VERSION: u32 = 1;

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The host on which the capture was recorded.
    Host,
    /// The device at the other end.
    Peer,
}

impl Side {
    /// Whose packet goes this way.
    pub const fn of(direction: Direction) -> Self {
        match direction {
            Direction::Sent => Self::Host,
            Direction::Received => Self::Peer,
        }
    }

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Host => Self::Peer,
            Self::Peer => Self::Host,
        }
    }
}

/// Everything that a capture says. All times but one are in nanoseconds since its first record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of this form.
    pub schema_version: u32,
    /// The file.
    pub capture: CaptureFacts,
    /// Whether it may be used as proof.
    pub proof: Proof,
    /// Controllers of the host.
    pub adapters: Vec<Adapter>,
    /// Searches for devices.
    pub inquiries: Vec<Inquiry>,
    /// Links, and calls that led to none, in the order of their beginning.
    pub links: Vec<Link>,
    /// Facts that are not listed because there were too many; they are counted where something is counted.
    pub left_out: u64,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CaptureFacts {
    /// Its format.
    pub format: Format,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its whole records.
    pub records: u64,
    /// The time of its first record by the recorder's clock, in nanoseconds since the beginning of 1970.
    pub begins_ns: i64,
    /// From its first record to its latest.
    pub length_ns: i64,
    /// HCI commands.
    pub commands: u64,
    /// HCI events.
    pub events: u64,
    /// ACL packets of the host.
    pub acl_sent: u64,
    /// ACL packets for the host.
    pub acl_received: u64,
    /// Packets of voice.
    pub synchronous: u64,
    /// Packets of LE Audio.
    pub isochronous: u64,
    /// Records that are not HCI traffic.
    pub others: u64,
    /// By how much at most a record of HCI traffic is older than one before it, in ns: times are not better than that.
    pub swapped_ns: i64,
}

/// Whether the capture may be used as proof: only when nothing of it is damaged.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Proof {
    /// It may.
    pub usable: bool,
    /// Why not.
    pub damage: Vec<Damage>,
}

/// What is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Damage {
    /// The file ends within a record.
    CutShort {
        /// Its number, from 1.
        record: u64,
        /// Where it begins, in bytes.
        offset: u64,
    },
    /// A record claims a length that cannot be; nothing after it was read.
    ImpossibleLength {
        /// Its number, from 1.
        record: u64,
        /// Where it begins, in bytes.
        offset: u64,
        /// The length it claims, in bytes.
        claimed: u64,
    },
    /// The recorder says that it lost packets.
    Dropped {
        /// How many.
        packets: u32,
    },
    /// The recorder kept only a part of packets, as filtered logs of Android do.
    CutPackets {
        /// How many.
        records: u64,
        /// The first, from 1.
        first: u64,
    },
    /// Packets that contradict their own header.
    Malformed {
        /// How many.
        records: u64,
        /// The first, from 1.
        first: u64,
    },
    /// Records are more than 20 ms older than one before them: the clock was set.
    OutOfOrder {
        /// How many.
        records: u64,
        /// The first, from 1.
        first: u64,
        /// By how much at most, in ns.
        by_ns: i64,
    },
    /// Packets were begun and never finished, because another one began.
    Unfinished {
        /// The controller.
        adapter: u16,
        /// The link.
        handle: u16,
        /// Whose.
        of: Side,
        /// How many.
        packets: u64,
    },
    /// Fragments go on with nothing.
    Orphans {
        /// The controller.
        adapter: u16,
        /// The link.
        handle: u16,
        /// Whose.
        of: Side,
        /// How many.
        fragments: u64,
    },
    /// Packets do not fit their own length.
    Misfits {
        /// The controller.
        adapter: u16,
        /// The link.
        handle: u16,
        /// Whose.
        of: Side,
        /// How many.
        packets: u64,
    },
    /// The controller reported more packets as sent than the capture has.
    MoreCompleted {
        /// The controller.
        adapter: u16,
        /// The link.
        handle: u16,
        /// ACL packets of the host in the capture.
        sent: u64,
        /// What the controller reported.
        completed: u64,
    },
    /// The controller held more packets than it has room for: reports are missing.
    FewerCompleted {
        /// The controller.
        adapter: u16,
        /// The link.
        handle: u16,
        /// How many it would have held.
        held: u64,
        /// How many it can hold.
        room: u64,
    },
    /// Sequence numbers of the host's own media packets are missing.
    MissingNumbers {
        /// The controller.
        adapter: u16,
        /// The link.
        handle: u16,
        /// Places where numbers are missing.
        gaps: u64,
        /// Numbers that are missing.
        missing: u64,
    },
}

/// A controller of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Adapter {
    /// Its number in the capture.
    pub index: u16,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// When it was taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone_ns: Option<i64>,
    /// Hardware errors that it reported.
    pub hardware_errors: u64,
}

/// A search for devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Inquiry {
    /// The controller.
    pub adapter: u16,
    /// When it began.
    pub from_ns: i64,
    /// When it ended; none when the capture ends before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_ns: Option<i64>,
    /// Each device when it was first heard.
    pub found: Vec<FoundDevice>,
}

/// A device that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FoundDevice {
    /// When.
    pub at_ns: i64,
    /// Its address.
    pub address: Address,
    /// Its strength in dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rssi_dbm: Option<i8>,
}
