//! The clock of timers and log: the monotonic one of the kernel, as the other programs of the rig have it.

use std::{
    fmt,
    io::{self, Write},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// The time since the kernel's boot.
pub(crate) fn now() -> Duration {
    clock_gettime(ClockId::Monotonic).try_into().unwrap_or_default()
}

/// Says on stderr what happened.
pub(crate) fn log(what: fmt::Arguments<'_>) {
    // Nobody is left to be told when stderr is gone.
    let _ = writeln!(io::stderr(), "[{:.6}] {what}", now().as_secs_f64());
}
