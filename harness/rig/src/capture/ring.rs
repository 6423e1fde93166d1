//! A ring for one writer and one reader that neither locks nor allocates: what an audio callback may use.

use std::sync::atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering};

/// A place in a ring.
pub trait Slot: Send + Sync {
    /// What it holds.
    type Value: Copy;
    /// An empty place.
    fn empty() -> Self;
    /// Reads it.
    fn get(&self) -> Self::Value;
    /// Writes it.
    fn set(&self, value: Self::Value);
}

macro_rules! slot {
    ($atomic:ty, $value:ty) => {
        impl Slot for $atomic {
            type Value = $value;
            fn empty() -> Self {
                Self::new(0)
            }
            fn get(&self) -> $value {
                // The counters of the ring order these accesses.
                self.load(Ordering::Relaxed)
            }
            fn set(&self, value: $value) {
                self.store(value, Ordering::Relaxed);
            }
        }
    };
}
slot!(AtomicI32, i32);
slot!(AtomicI64, i64);

/// The ring. One thread may write and one may read at any time.
#[derive(Debug)]
pub struct Ring<S> {
    slots: Box<[S]>,
    written: AtomicUsize,
    read: AtomicUsize,
}

impl<S: Slot> Ring<S> {
    /// A ring of so many places.
    pub fn new(capacity: usize) -> Self {
        let slots = (0..capacity.max(1)).map(|_| S::empty()).collect();
        Self { slots, written: AtomicUsize::new(0), read: AtomicUsize::new(0) }
    }

    /// Writes all of `values`, or nothing when there is no room; says which.
    pub fn write(&self, values: impl ExactSizeIterator<Item = S::Value>) -> bool {
        let written = self.written.load(Ordering::Relaxed);
        let used = written.wrapping_sub(self.read.load(Ordering::Acquire));
        if values.len() > self.slots.len() - used {
            return false;
        }
        let count = values.len();
        for (offset, value) in values.enumerate() {
            self.slots[written.wrapping_add(offset) % self.slots.len()].set(value);
        }
        self.written.store(written.wrapping_add(count), Ordering::Release);
        true
    }

    /// Moves everything that was written to the end of `into`.
    pub fn read(&self, into: &mut Vec<S::Value>) {
        let read = self.read.load(Ordering::Relaxed);
        let count = self.written.load(Ordering::Acquire).wrapping_sub(read);
        into.extend((0..count).map(|offset| self.slots[read.wrapping_add(offset) % self.slots.len()].get()));
        self.read.store(read.wrapping_add(count), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{collections::VecDeque, thread};

    proptest! {
        #[test]
        fn it_is_a_bounded_queue(capacity in 1usize..20, steps in prop::collection::vec(prop::collection::vec(any::<i32>(), 0..12), 0..60)) {
            let ring = Ring::<AtomicI32>::new(capacity);
            let mut model = VecDeque::<i32>::new();
            for (number, values) in steps.iter().enumerate() {
                let fits = model.len() + values.len() <= capacity;
                prop_assert_eq!(ring.write(values.iter().copied()), fits);
                if fits { model.extend(values); }
                if number % 3 == 2 {
                    let mut out = Vec::new();
                    ring.read(&mut out);
                    prop_assert_eq!(out, model.drain(..).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn what_one_thread_writes_another_reads_in_order() {
        const COUNT: i64 = 50_000;
        let ring = Ring::<AtomicI64>::new(64);
        let mut heard = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                for value in 0..COUNT {
                    while !ring.write([value].into_iter()) {
                        thread::yield_now();
                    }
                }
            });
            while heard.len() < COUNT as usize {
                ring.read(&mut heard);
                thread::yield_now();
            }
        });
        assert!(heard.into_iter().eq(0..COUNT));
    }
}
