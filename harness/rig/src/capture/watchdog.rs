//! Notices a device that delivers nothing: some stall without an error.

use crate::clock::Instant;

/// How long a device may take for its first frames, in nanoseconds.
const FIRST_NS: i64 = 2_000_000_000;
/// How long it may be quiet afterwards, in nanoseconds.
pub const STALL_NS: i64 = 500_000_000;

/// Watches the number of frames that have arrived.
#[derive(Debug, Clone, Copy)]
pub struct Watchdog {
    frames: u64,
    since: Instant,
}

impl Watchdog {
    /// Begins to watch.
    pub const fn start(now: Instant) -> Self {
        Self { frames: 0, since: now }
    }

    /// Takes the number of frames that have arrived by `now`; gives how long the device has been quiet when that is too
    /// long, in nanoseconds.
    pub fn look(&mut self, frames: u64, now: Instant) -> Option<i64> {
        if frames != self.frames {
            *self = Self { frames, since: now };
        }
        let patience = if frames == 0 { FIRST_NS } else { STALL_NS };
        Some(now.since(self.since)).filter(|quiet| *quiet > patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const MS: i64 = 1_000_000;

    #[rstest]
    #[case(&[(0, 1900), (4800, 2000), (9600, 2100)], None)]
    #[case(&[(0, 2001)], Some(2001))]
    #[case(&[(4800, 100), (4800, 600)], None)]
    #[case(&[(4800, 100), (4800, 601)], Some(501))]
    #[case(&[(4800, 100), (4800, 590), (9600, 1080), (9600, 1570)], None)]
    fn a_quiet_device_is_noticed_in_time(#[case] looks: &[(u64, i64)], #[case] quiet_ms: Option<i64>) {
        let mut watchdog = Watchdog::start(Instant(0));
        let mut found = None;
        for (frames, at_ms) in looks {
            found = watchdog.look(*frames, Instant(at_ms * MS));
        }
        assert_eq!(found, quiet_ms.map(|ms| ms * MS));
    }
}
