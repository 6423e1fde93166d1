//! Why bytes are no capture.

use std::fmt;

use thiserror::Error;

/// Why a file gives no records at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CaptureError {
    /// There is not a single byte.
    #[error("the file is empty")]
    Empty,
    /// It begins like a capture and ends before its first record.
    #[error("the file ends at byte {length}, before its first record is whole")]
    NoRecord {
        /// Length of the file in bytes.
        length: u64,
    },
    /// The length of its first record cannot be.
    #[error("record 1 at byte {offset} claims {claimed} bytes")]
    FirstRecord {
        /// Where it begins.
        offset: u64,
        /// Its length as it says.
        claimed: u64,
    },
    /// Something else.
    #[error("no HCI capture: {0}")]
    Foreign(Foreign),
    /// A version of btsnoop that is not known.
    #[error("btsnoop of version {0} (at byte 8); only version 1 is known")]
    Version(u32),
    /// Packets of a kind that is not read.
    #[error("btsnoop with packets of kind {0} (at byte 12); read are 1001 (HCI), 1002 (H4) and 2001 (Linux monitor)")]
    Datalink(u32),
}

impl CaptureError {
    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::NoRecord { .. } => "record again, and stop the recorder before the file is copied",
            Self::FirstRecord { .. } => "the file is damaged from its beginning: record again",
            Self::Foreign(what) => what.hint(),
            Self::Version(_) => "record with `btmon -w FILE`",
            Self::Datalink(_) => "convert it with `tshark -r FILE -F btsnoop -w OUT`, or record with `btmon -w FILE`",
        }
    }
}

/// What a file is instead, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// A pcap file.
    Pcap,
    /// A pcapng file.
    Pcapng,
    /// A ZIP archive, such as a bug report of Android.
    Zip,
    /// Compressed by gzip.
    Gzip,
    /// Text.
    Text,
    /// None of these.
    Unknown {
        /// Its first bytes.
        first: [u8; 4],
    },
}

impl Foreign {
    /// By the first bytes, of which there are some.
    pub(super) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0xA1, 0xB2, 0xC3 | 0x23, 0xD4 | 0x4D | 0x3C, ..]
            | [0xD4 | 0x4D | 0x3C, 0xC3 | 0x23 | 0x4D, 0xB2, 0xA1, ..] => Self::Pcap,
            [0x0A, 0x0D, 0x0D, 0x0A, ..] => Self::Pcapng,
            [b'P', b'K', 3 | 5 | 7, ..] => Self::Zip,
            [0x1F, 0x8B, ..] => Self::Gzip,
            _ if bytes.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..)) => Self::Text,
            _ => {
                let mut first = [0; 4];
                first.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                Self::Unknown { first }
            }
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Self::Pcap | Self::Pcapng => "convert it with `tshark -r FILE -F btsnoop -w OUT`",
            Self::Zip => {
                "unpack it; in a bug report of Android the capture is `FS/data/misc/bluetooth/logs/btsnoop_hci.log`"
            }
            Self::Gzip => "unpack it with `gunzip`",
            Self::Text => "give the capture itself, not what a program printed of it: `btmon -w FILE` writes one",
            Self::Unknown { .. } => {
                "give a file of `btmon -w FILE`, the HCI log of Android, or one of Apple's PacketLogger (.pklg)"
            }
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pcap => f.write_str("a pcap file"),
            Self::Pcapng => f.write_str("a pcapng file"),
            Self::Zip => f.write_str("a ZIP archive"),
            Self::Gzip => f.write_str("compressed by gzip"),
            Self::Text => f.write_str("text"),
            Self::Unknown { first: [a, b, c, d] } => write!(f, "it begins with {a:02x} {b:02x} {c:02x} {d:02x}"),
        }
    }
}
