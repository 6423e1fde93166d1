//! The virtual clock: time passes only while nothing is left to do.
//!
//! The runtime tells when it is about to sleep; the clock then leaps to the next timer and wakes it, one at a time and
//! in the order of their times, so the same run has the same events however fast the host is. Work that needs the
//! processor runs on threads of its own and re-enters at its planned time.

use std::{
    collections::BTreeMap,
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel, sync_channel},
    },
    task::{Context, Poll, Waker},
    thread,
};

use async_trait::async_trait;

use crate::clock::{Clock, Instant};

type Job = Box<dyn FnOnce() + Send>;

/// A clock that stands still while there is anything to do.
#[derive(Clone)]
pub struct VirtualClock {
    shared: Arc<Mutex<Shared>>,
    jobs: Sender<Job>,
}

#[derive(Default)]
struct Shared {
    now: i64,
    next: u64,
    /// By time, then by the order in which they were set.
    timers: BTreeMap<(i64, u64), Timer>,
    /// Jumps that are planted: when, and how far.
    jumps: BTreeMap<i64, i64>,
    jumped: i64,
}

#[derive(Default)]
struct Timer {
    waker: Option<Waker>,
    /// Work that must be done before the timer may fire.
    work: Option<Receiver<()>>,
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl VirtualClock {
    /// A clock that shows zero, with a thread for each processor to work on.
    pub fn new() -> Self {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    // Whoever waits for the result sees that there is none.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            });
        }
        Self { shared: Arc::default(), jobs }
    }

    /// A runtime on the calling thread that drives this clock.
    ///
    /// # Errors
    /// When the operating system gives no event queue.
    pub fn runtime(&self) -> io::Result<tokio::runtime::Runtime> {
        let clock = self.clone();
        tokio::runtime::Builder::new_current_thread().enable_all().on_thread_park(move || clock.leap()).build()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plants a jump, as of a host that slept: at `at` it is suddenly `by_ns` later.
    pub(super) fn plant_jump(&self, at: Instant, by_ns: i64) {
        let mut shared = self.lock();
        let by = shared.jumps.entry(at.0).or_default();
        *by = by.saturating_add(by_ns);
    }

    /// How far it has jumped so far: what a second reference tells.
    pub(super) fn jumped_ns(&self) -> i64 {
        self.lock().jumped
    }

    /// Leaps to the next timer and wakes it; does nothing when there is none.
    fn leap(&self) {
        let mut shared = self.lock();
        let Some((key, timer)) = shared.timers.pop_first() else { return };
        while let Some(jump) = shared.jumps.first_entry().filter(|jump| *jump.key() <= key.0) {
            let (at, by) = jump.remove_entry();
            shared.now = shared.now.max(at).saturating_add(by);
            shared.jumped = shared.jumped.saturating_add(by);
        }
        drop(shared);
        if let Some(work) = timer.work {
            // An error means that the job panicked: its result is missing, and the waiting task will say so.
            let _ = work.recv();
        }
        let mut shared = self.lock();
        shared.now = shared.now.max(key.0);
        drop(shared);
        if let Some(waker) = timer.waker {
            waker.wake();
        }
    }

    fn timer(&self, when: i64, work: Option<Receiver<()>>) -> Sleep {
        let mut shared = self.lock();
        let key = (when.max(shared.now), shared.next);
        shared.next += 1;
        shared.timers.insert(key, Timer { waker: None, work });
        Sleep { clock: self.clone(), key }
    }
}

/// Ready when its timer has fired; takes its timer away when dropped.
struct Sleep {
    clock: VirtualClock,
    key: (i64, u64),
}

impl Future for Sleep {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.clock.lock().timers.get_mut(&self.key) {
            Some(timer) => {
                timer.waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.lock().timers.remove(&self.key);
    }
}

#[async_trait(?Send)]
impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        Instant(self.lock().now)
    }

    async fn sleep_until(&self, when: Instant) {
        if when > self.now() {
            self.timer(when.0, None).await;
        }
    }

    async fn work(&self, nominal_ns: i64, job: Job) {
        let (done, work) = sync_channel(1);
        let job: Job = Box::new(move || {
            job();
            // Nobody waits any more when the run was cancelled.
            let _ = done.send(());
        });
        if let Err(returned) = self.jobs.send(job) {
            // The workers live as long as the clock; without them the work is done here.
            (returned.0)();
        }
        self.timer(self.now().0.saturating_add(nominal_ns.max(0)), Some(work)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc, time::Duration};

    use futures::{StreamExt, stream::FuturesUnordered};

    use super::*;
    use crate::clock::compute;

    fn run<T>(clock: &VirtualClock, future: impl Future<Output = T>) -> T {
        clock.runtime().expect("an event queue").block_on(future)
    }

    #[test]
    fn a_year_passes_at_once() {
        let clock = VirtualClock::new();
        let year = 365 * 24 * 3600 * 1_000_000_000;
        run(&clock, clock.sleep_until(Instant(year)));
        assert_eq!(clock.now(), Instant(year));
    }

    #[test]
    fn timers_fire_in_the_order_of_their_times_and_then_of_their_setting() {
        let clock = VirtualClock::new();
        let order = Rc::new(RefCell::new(Vec::new()));
        let tasks: FuturesUnordered<_> = [(30, 'c'), (10, 'a'), (30, 'd'), (20, 'b')]
            .into_iter()
            .map(|(when, name)| {
                let (clock, order) = (clock.clone(), order.clone());
                async move {
                    clock.sleep_until(Instant(when)).await;
                    order.borrow_mut().push((name, clock.now().0));
                }
            })
            .collect();
        run(&clock, tasks.collect::<Vec<()>>());
        assert_eq!(*order.borrow(), [('a', 10), ('b', 20), ('c', 30), ('d', 30)]);
    }

    #[test]
    fn work_takes_its_nominal_time_however_long_it_takes() {
        let clock = VirtualClock::new();
        let slow = || {
            // Stands for work of the processor; nothing waits on this time.
            thread::sleep(Duration::from_millis(30));
            7
        };
        assert_eq!(run(&clock, compute(&clock, 5, slow)), Some(7));
        assert_eq!(clock.now(), Instant(5));
    }

    #[test]
    fn work_that_panics_has_no_result_and_hurts_nobody() {
        let clock = VirtualClock::new();
        assert_eq!(run(&clock, compute(&clock, 5, || -> i32 { panic!("planted") })), None);
        assert_eq!(run(&clock, compute(&clock, 5, || 1)), Some(1));
    }

    #[test]
    fn a_jump_makes_every_timer_late_that_it_passes_and_is_known_apart() {
        let clock = VirtualClock::new();
        clock.plant_jump(Instant(15), 1000);
        run(&clock, clock.sleep_until(Instant(10)));
        assert_eq!((clock.now(), clock.jumped_ns()), (Instant(10), 0));
        run(&clock, clock.sleep_until(Instant(20)));
        assert_eq!((clock.now(), clock.jumped_ns()), (Instant(1015), 1000));
        run(&clock, clock.sleep_until(Instant(2000)));
        assert_eq!((clock.now(), clock.jumped_ns()), (Instant(2000), 1000));
    }

    #[test]
    fn a_sleep_that_is_dropped_holds_nothing_up() {
        let clock = VirtualClock::new();
        run(&clock, async {
            let long = clock.sleep_until(Instant(1_000_000));
            let short = clock.sleep_until(Instant(10));
            futures::pin_mut!(long, short);
            futures::future::select(long, short).await;
        });
        run(&clock, clock.sleep_until(Instant(20)));
        assert_eq!(clock.now(), Instant(20));
    }
}
