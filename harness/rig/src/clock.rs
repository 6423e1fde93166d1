//! Time: each rig has a clock of its own, and the runner takes no other.

use std::fmt;

use async_trait::async_trait;

/// A point in time on the rig's clock, in nanoseconds since the bench was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// This many nanoseconds later.
    pub const fn plus(self, ns: i64) -> Self {
        Self(self.0.saturating_add(ns))
    }
    /// Nanoseconds from `earlier` to here; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.0 as f64 / 1e9)
    }
}

/// The clock of a rig.
///
/// Cancel-safe throughout: a future that is dropped leaves nothing behind.
#[async_trait(?Send)]
pub trait Clock {
    /// Now.
    fn now(&self) -> Instant;
    /// Sleeps until `when`; returns at once when that has passed.
    async fn sleep_until(&self, when: Instant);
    /// Does work that needs the processor, on another thread.
    ///
    /// On a virtual clock it ends `nominal_ns` later however long it really took, so that no result depends on the
    /// speed of the host.
    async fn work(&self, nominal_ns: i64, job: Box<dyn FnOnce() + Send>);
}

/// Runs `job` on another thread by [`Clock::work`] and gives its result; `None` when the job panicked.
pub async fn compute<T: Send + 'static>(
    clock: &dyn Clock,
    nominal_ns: i64,
    job: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (give, take) = std::sync::mpsc::sync_channel(1);
    let job = Box::new(move || {
        // The taker may be gone when the run was cancelled.
        let _ = give.send(job());
    });
    clock.work(nominal_ns, job).await;
    take.try_recv().ok()
}
