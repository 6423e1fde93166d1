//! HCI: the commands and events that tell how a link came about, was kept and ended.
//!
//! Source: Bluetooth Core Specification, volume 4, part E.

mod acl;
mod address;
mod command;
mod event;
mod words;

pub use acl::Acl;
pub use address::Address;
pub use command::{Command, opcode};
pub use event::{Event, Found};
pub use words::{key_type, reason};
