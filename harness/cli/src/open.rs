//! Opening the rig that a document describes.

use indexmap::IndexMap;
use rigtone_model::document::{Device, Rig, World};
use rigtone_report::exit::Code;
use rigtone_rig::{
    bench::Bench,
    hardware::{self, OpenError, Selection},
    lock::{Lock, LockError},
    simulated::{self, VirtualClock},
};
use tokio::runtime::Runtime;

use crate::trouble::Trouble;

/// A rig that is open, and the runtime that drives it. Holds the rig's lock.
pub(crate) struct Opened {
    pub(crate) bench: Bench,
    pub(crate) runtime: Runtime,
    _lock: Option<Lock>,
}

/// Opens a rig; only one process at a time may have a rig with hardware.
///
/// Only the members in `wanted` are touched.
pub(crate) fn open(rig: &Rig, devices: &IndexMap<String, Device>, wanted: &Selection) -> Result<Opened, Trouble> {
    let infrastructure = |fault: &rigtone_model::trial::InfrastructureFault| {
        let trouble = Trouble::new(Code::Infrastructure, format!("opening the rig `{}` failed: {fault}", rig.rig));
        match &fault.hint {
            Some(hint) => trouble.hint(hint),
            None => trouble,
        }
    };
    match rig.world {
        World::Simulated => {
            let clock = VirtualClock::new();
            let runtime = clock.runtime().map_err(|e| Trouble::new(Code::Internal, format!("no event queue: {e}")))?;
            let bench = simulated::open(rig, &|id| devices.get(id).cloned(), &clock).map_err(|f| infrastructure(&f))?;
            Ok(Opened { bench, runtime, _lock: None })
        }
        World::Hardware => {
            let lock = Lock::take(&rig.rig).map_err(|error| match error {
                LockError::Taken { .. } => Trouble::new(Code::InUse, error).hint("wait for the other run, or end it"),
                LockError::Io { .. } => Trouble::new(Code::Infrastructure, error),
            })?;
            let runtime =
                hardware::runtime().map_err(|e| Trouble::new(Code::Internal, format!("no event queue: {e}")))?;
            let entered = runtime.enter();
            let opened = hardware::open(rig, &|id| devices.get(id).cloned(), wanted);
            drop(entered);
            let bench = opened.map_err(|error| match &error {
                OpenError::Fault(fault) => infrastructure(fault),
                OpenError::NotBuilt { member, feature } => {
                    Trouble::usage(format!("{member} needs the driver `{feature}`, which this build does not have"))
                        .hint("build rigtone with its feature `hardware`, which is on by default")
                }
                OpenError::Document { .. } => Trouble::usage(&error),
            })?;
            Ok(Opened { bench, runtime, _lock: Some(lock) })
        }
    }
}
