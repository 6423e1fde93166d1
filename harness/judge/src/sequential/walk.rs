//! The exact distribution of the number of failures among the trials that are still undecided.

/// Mass by number of failures; `mass[i]` belongs to `first + i` failures.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    success: f64,
    failure: f64,
    /// What is smaller at an edge of the distribution is dropped.
    negligible: f64,
    mass: Vec<f64>,
    /// Start of the live part of `mass`; what lies before it was taken.
    start: usize,
    /// Failures of `mass[start]`.
    first: u32,
}

impl Walk {
    /// No trial yet, of a device with this success rate. Over n trials at most 2n times `negligible` is lost.
    pub(super) fn new(rate: f64, negligible: f64) -> Self {
        Self { success: rate, failure: 1.0 - rate, negligible, mass: vec![1.0], start: 0, first: 0 }
    }

    /// The same, begun with so many failures.
    pub(super) fn after(self, failures: u32) -> Self {
        Self { first: failures, ..self }
    }

    /// One more trial.
    pub(super) fn step(&mut self) {
        if self.live().is_empty() {
            return;
        }
        let mut before = 0.0;
        for cell in &mut self.mass[self.start..] {
            let old = *cell;
            *cell = old * self.success + before;
            before = old * self.failure;
        }
        self.mass.push(before);
        while self.live().last().is_some_and(|m| *m <= self.negligible) {
            self.mass.pop();
        }
        while self.live().first().is_some_and(|m| *m <= self.negligible) {
            self.start += 1;
            self.first += 1;
        }
    }

    /// Takes out everything with at most this many failures.
    pub(super) fn take_up_to(&mut self, failures: u32) -> f64 {
        if failures < self.first {
            return 0.0;
        }
        let count = (failures - self.first) as usize + 1;
        let count = count.min(self.live().len());
        let taken = self.live()[..count].iter().sum();
        self.start += count;
        self.first += count as u32;
        taken
    }

    /// Takes out everything with at least this many failures.
    pub(super) fn take_from(&mut self, failures: u32) -> f64 {
        let kept = (failures.saturating_sub(self.first) as usize).min(self.live().len());
        let taken = self.live()[kept..].iter().sum();
        self.mass.truncate(self.start + kept);
        taken
    }

    /// Takes out everything with `from` up to, not including, `below` failures.
    pub(super) fn take_between(&mut self, from: u32, below: u32) -> f64 {
        let mut taken = 0.0;
        let first = self.first;
        for (i, cell) in self.mass[self.start..].iter_mut().enumerate() {
            let failures = first + i as u32;
            if failures >= from && failures < below {
                taken += std::mem::take(cell);
            }
        }
        taken
    }

    /// Numbers of failures that are possible.
    pub(super) fn width(&self) -> usize {
        self.live().len()
    }

    /// All that is undecided.
    pub(super) fn total(&self) -> f64 {
        self.live().iter().sum()
    }

    /// The mass at this number of failures.
    pub(super) fn at(&self, failures: u32) -> f64 {
        let index = failures.checked_sub(self.first);
        index.and_then(|i| self.live().get(i as usize)).copied().unwrap_or(0.0)
    }

    fn live(&self) -> &[f64] {
        &self.mass[self.start..]
    }
}
