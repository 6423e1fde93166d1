//! Files of captured HCI traffic: btsnoop with HCI, H4 or Linux monitor packets, and Apple's PacketLogger.
//!
//! Source: BlueZ, `doc/btsnoop-protocol.rst` and `src/shared/btsnoop.c`; for PacketLogger's byte order also Wireshark's reader.
//!
//! A [`Reader`] is fed with slices of a file and gives its records. It keeps no more than one record and the slice it was
//! fed with. A file that ends in the middle of a record gives every record before it.

mod error;
mod keys;
mod reader;
mod record;
mod write;

pub use error::{CaptureError, Foreign};
pub use keys::without_keys;
pub use reader::{End, LARGEST_RECORD, Reader};
pub use record::{Direction, Format, Kind, Record};
pub use write::Writer;
