//! The clock of a rig that is reached through drivers.

use std::time::Duration;

use async_trait::async_trait;
use rustix::time::{ClockId, clock_gettime};

use crate::clock::{Clock, Instant};

/// `CLOCK_MONOTONIC` of the host, counted from when the bench was opened. Drivers hand it to their threads.
#[derive(Debug, Clone, Copy)]
pub struct HostClock {
    origin_ns: i64,
}

fn monotonic_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

impl HostClock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self { origin_ns: monotonic_ns() }
    }
}

#[async_trait(?Send)]
impl Clock for HostClock {
    fn now(&self) -> Instant {
        Instant(monotonic_ns() - self.origin_ns)
    }

    async fn sleep_until(&self, when: Instant) {
        // Timers of the runtime are coarse: what is left is slept again.
        while let left @ 1.. = when.since(self.now()) {
            tokio::time::sleep(Duration::from_nanos(left.unsigned_abs())).await;
        }
    }

    async fn work(&self, _nominal_ns: i64, job: Box<dyn FnOnce() + Send>) {
        // A job that panicked has given no result, which is how its owner learns of it.
        let _ = tokio::task::spawn_blocking(job).await;
    }
}

/// What `work` gives, unless `deadline` comes first.
pub(crate) async fn within<T>(clock: HostClock, deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        result = work => Some(result),
        () = clock.sleep_until(deadline) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::compute;

    #[tokio::test]
    async fn it_sleeps_until_the_instant_and_not_less() {
        let clock = HostClock::start();
        let when = clock.now().plus(1_500_000);
        clock.sleep_until(when).await;
        assert!(clock.now() >= when);
        clock.sleep_until(Instant(0)).await;
    }

    #[tokio::test]
    async fn work_gives_its_result_and_a_panic_gives_none() {
        let clock = HostClock::start();
        assert_eq!(compute(&clock, 0, || 6 * 7).await, Some(42));
        assert_eq!(compute(&clock, 0, || -> u8 { panic!("planted") }).await, None);
    }
}
