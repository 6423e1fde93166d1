//! Documents, diagnostics, plans, events and verdicts of Rigtone.
//!
//! Everything here is data and pure functions over it: no hardware, no clock, no async, and no input or output beyond
//! reading the files it is handed.

pub mod check;
pub mod claim;
pub mod comparison;
pub mod diagnostic;
pub mod document;
pub mod dongle;
pub mod draft;
pub mod event;
pub mod id;
pub mod inspection;
pub mod layer;
pub mod load;
pub mod observation;
pub mod plan;
pub mod quantity;
pub mod rig_kind;
pub mod schema;
pub mod trial;
pub mod verdict;
