//! Schedule, trials, events.
//!
//! The runner knows the traits of [`rigtone_rig`] and no driver, takes all time from the rig's clock, and tells
//! everything it does in one stream of events. What ends a run early, it ends in order: cleanup, safe state, record.

mod asked;
mod campaign;
mod cancel;
mod emit;
mod forecast;
mod hearing;
mod lines;
mod past;
mod radio;
mod reaction;
mod recovery;
mod retain;
mod run;
mod schedule;
mod services;
mod step;
mod trial;
mod voice;
mod volume;

pub use cancel::Cancel;
pub use emit::Observer;
pub use forecast::{Cost, Forecast};
pub use past::Past;
pub use retain::{Keep, Retention};
pub use run::{Interruption, Options, RunError, run};
