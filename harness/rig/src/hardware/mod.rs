//! A rig that is reached through drivers: its clock, opening it, looking after it.

mod asked;
#[cfg(feature = "serial")]
mod buttons;
mod clock;
mod hold;
mod inventory;
mod keeper;
mod members;
mod open;
#[cfg(feature = "serial")]
mod relays;
mod sighting;
mod supply;
mod wear;

pub use clock::HostClock;
pub(crate) use clock::within;
pub use hold::Hold;
pub use inventory::{Inventory, Listing};
pub use open::{MadeSafe, Notes, OpenError, Selection, make_safe, open, runtime};
pub use sighting::{Sighting, sight};
pub use wear::{NotReplaced, WornContact, replaced, worn};
