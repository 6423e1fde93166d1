//! The clock of timers and log: the monotonic one of the kernel, as the other programs of the rig have it.

use std::{fmt, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// The time since the kernel's boot.
pub(crate) fn now() -> Duration {
    clock_gettime(ClockId::Monotonic).try_into().unwrap_or_default()
}

/// Says on stderr what happened.
#[cfg_attr(test, expect(clippy::print_stderr, reason = "the test harness captures this alone"))]
pub(crate) fn log(what: fmt::Arguments<'_>) {
    let line = format!("[{:.6}] {what}\n", now().as_secs_f64());
    #[cfg(test)]
    eprint!("{line}");
    // Unlike the macro it does not panic when nobody is left to be told.
    #[cfg(not(test))]
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}
