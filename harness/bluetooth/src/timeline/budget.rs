//! How much a report may hold.

/// Bytes of facts that are kept at most, roughly.
const KEPT_AT_MOST: usize = 32 << 20;

/// Counts what is kept. A hostile capture, or one of a whole night, has more to tell than anybody reads.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    left_out: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: KEPT_AT_MOST, left_out: 0 }
    }
}

impl Budget {
    /// Whether something of this size in bytes may be kept; otherwise it is counted.
    pub(super) fn allows(&mut self, size: usize) -> bool {
        match self.left.checked_sub(size) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.left_out += 1;
                false
            }
        }
    }

    /// Adds to a list while there is room. `more` is what an item holds beside its own size, in bytes.
    pub(super) fn keep<T>(&mut self, list: &mut Vec<T>, item: T, more: usize) -> bool {
        // A list that grows has room for twice its items.
        let kept = self.allows(2 * size_of::<T>() + more);
        if kept {
            list.push(item);
        }
        kept
    }

    /// Counts something for which there is no room elsewhere.
    pub(super) fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// What was not kept.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}
