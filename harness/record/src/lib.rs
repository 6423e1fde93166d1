//! The run directory: what a run leaves behind, written so that a kill at any instant loses at most the trials in
//! flight, and read back with every fault named by file and line.
//!
//! `plan.json` · `environment.json` · `events.jsonl` (the truth) · `evidence/<combination>/<trial>/` · `verdicts.json` ·
//! `remeasured/<layer>/` (what the evidence said to a later analysis)

mod atomic;
mod error;
mod events;
mod evidence;
mod layer;
mod layout;
mod log;
mod open;
mod read;
mod skim;
mod space;
pub mod wav;
mod write;

pub use atomic::{deliver, replace};
pub use error::{EvidenceError, LayerError, ReadError, RecordError, ResumeError, is_of_path, os_hint};
pub use events::{Events, read_events};
pub use evidence::{Amiss, EvidenceFault, is_evidence_path, look_at_evidence, read_evidence};
pub use layer::{Layer, LayerWriter};
pub use layout::{ENVIRONMENT, EVENTS, EVIDENCE, PLAN, VERDICTS, evidence_name, evidence_path};
pub use open::file as open_file;
pub use read::{merged_of, read_environment, read_plan, read_verdicts};
pub use skim::skim_events;
pub use space::free_space;
pub use write::{Found, Quiet, RunWriter, Stored, keep_quiet, write_verdicts};
