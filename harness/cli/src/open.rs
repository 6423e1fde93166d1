//! Opening the rig that a document describes.

use indexmap::IndexMap;
use rigtone_model::{
    document::{Device, Rig, World},
    trial::InfrastructureFault,
};
use rigtone_report::exit::Code;
use rigtone_rig::{
    bench::Bench,
    hardware::{self, Hold, MadeSafe, OpenError, Selection},
    lock::LockError,
    simulated::{self, VirtualClock},
};
use tokio::runtime::Runtime;

use crate::{printer, trouble::Trouble};

/// A rig that is open, and the runtime that drives it. A bench of hardware holds the locks of everything it drives.
pub(crate) struct Opened {
    pub(crate) bench: Bench,
    pub(crate) runtime: Runtime,
}

/// What a crash left is told as it is found: the rig may be refused afterwards.
fn note(text: &str) {
    printer::note(&format!("warning: {text}"));
}

pub(crate) fn locked(error: &LockError) -> Trouble {
    let code = match error {
        LockError::Taken { .. } => Code::InUse,
        LockError::Io { .. } => Code::Infrastructure,
    };
    Trouble::new(code, error).hint(error.hint())
}

pub(crate) fn refused(rig: &Rig, error: &OpenError) -> Trouble {
    match error {
        OpenError::Fault(fault) => infrastructure(rig, fault),
        OpenError::NotBuilt { member, feature } => {
            Trouble::usage(format!("{member} needs the driver `{feature}`, which this build does not have"))
                .hint("build rigtone with its feature `hardware`, which is on by default")
        }
        OpenError::Document { .. } => Trouble::usage(error),
    }
}

pub(crate) fn infrastructure(rig: &Rig, fault: &InfrastructureFault) -> Trouble {
    let trouble = Trouble::new(Code::Infrastructure, format!("opening the rig `{}` failed: {fault}", rig.rig));
    match &fault.hint {
        Some(hint) => trouble.hint(hint),
        None => trouble,
    }
}

/// Brings every output of a rig with hardware to its safe state. Needs the relay boards alone.
pub(crate) fn make_safe(rig: &Rig) -> Result<MadeSafe, Trouble> {
    let mut hold = Hold::take(rig, &Selection::default()).map_err(|error| locked(&error))?;
    hardware::make_safe(rig, &mut hold, &mut |text| note(&text)).map_err(|error| refused(rig, &error))
}

/// Opens a rig; only one process at a time may have a rig with hardware, and each device behind it.
///
/// Only the members in `wanted` are touched, and outputs that a dead process left outside their safe state.
pub(crate) fn open(rig: &Rig, devices: &IndexMap<String, Device>, wanted: &Selection) -> Result<Opened, Trouble> {
    match rig.world {
        World::Simulated => {
            let clock = VirtualClock::new();
            let runtime = clock.runtime().map_err(|e| Trouble::new(Code::Internal, format!("no event queue: {e}")))?;
            let bench =
                simulated::open(rig, &|id| devices.get(id).cloned(), &clock).map_err(|f| infrastructure(rig, &f))?;
            Ok(Opened { bench, runtime })
        }
        World::Hardware => {
            let hold = Hold::take(rig, wanted).map_err(|error| locked(&error))?;
            let runtime =
                hardware::runtime().map_err(|e| Trouble::new(Code::Internal, format!("no event queue: {e}")))?;
            let entered = runtime.enter();
            let opened = hardware::open(rig, &|id| devices.get(id).cloned(), wanted, hold, &mut |text| note(&text));
            drop(entered);
            let bench = opened.map_err(|error| refused(rig, &error))?;
            Ok(Opened { bench, runtime })
        }
    }
}
