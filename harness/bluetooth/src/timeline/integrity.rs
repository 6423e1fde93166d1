//! What is damaged in a capture.

use super::report::{Damage, Side};
use crate::{capture::Record, l2cap::Counts};

/// Kinds of damage that are listed; more of a damaged file proves nothing either.
const LISTED_AT_MOST: usize = 256;

/// How much older than one before it a record may be, in ns: a recorder reads events and data by different ways, and may
/// swap what came at almost the same time. Clocks that are set make longer steps.
const SWAPPED_NS: i64 = 20_000_000;

/// How many records, and which was the first.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    records: u64,
    first: u64,
}

impl Tally {
    fn count(&mut self, record: &Record<'_>) {
        self.records += 1;
        if self.records == 1 {
            self.first = record.number;
        }
    }
}

/// Collects damage.
#[derive(Debug, Default)]
pub(super) struct Integrity {
    dropped: u32,
    cut: Tally,
    malformed: Tally,
    disordered: Tally,
    backwards_ns: i64,
    latest_ns: Option<i64>,
    listed: Vec<Damage>,
}

impl Integrity {
    /// Looks at a record.
    pub(super) fn look(&mut self, record: &Record<'_>) {
        self.dropped = self.dropped.max(record.drops);
        if record.is_cut() && record.kind.is_hci() {
            self.cut.count(record);
        }
        // Logs and management traffic come to the recorder by other ways, with a delay of their own.
        if !record.kind.is_hci() {
            return;
        }
        match self.latest_ns {
            Some(latest) if record.at_ns < latest => {
                let by_ns = latest.saturating_sub(record.at_ns);
                self.backwards_ns = self.backwards_ns.max(by_ns);
                if by_ns > SWAPPED_NS {
                    self.disordered.count(record);
                }
            }
            _ => self.latest_ns = Some(record.at_ns),
        }
    }

    /// A packet that contradicts its own header.
    pub(super) fn malformed(&mut self, record: &Record<'_>) {
        self.malformed.count(record);
    }

    pub(super) fn add(&mut self, damage: Damage) {
        if self.listed.len() < LISTED_AT_MOST {
            self.listed.push(damage);
        }
    }

    /// What did not fit together in the packets of a link.
    pub(super) fn fragments(&mut self, adapter: u16, handle: u16, of: Side, counts: Counts) {
        let Counts { unfinished, orphans, malformed } = counts;
        if unfinished > 0 {
            self.add(Damage::Unfinished { adapter, handle, of, packets: unfinished });
        }
        if orphans > 0 {
            self.add(Damage::Orphans { adapter, handle, of, fragments: orphans });
        }
        if malformed > 0 {
            self.add(Damage::Misfits { adapter, handle, of, packets: malformed });
        }
    }

    /// By how much at most a record is older than one before it, in ns.
    pub(super) fn swapped_ns(&self) -> i64 {
        self.backwards_ns
    }

    /// Everything that was found.
    pub(super) fn damage(self) -> Vec<Damage> {
        let Tally { records: cut, first: first_cut } = self.cut;
        let Tally { records: malformed, first: first_malformed } = self.malformed;
        let Tally { records: disordered, first: first_disordered } = self.disordered;
        let whole = [
            (self.dropped > 0).then_some(Damage::Dropped { packets: self.dropped }),
            (cut > 0).then_some(Damage::CutPackets { records: cut, first: first_cut }),
            (malformed > 0).then_some(Damage::Malformed { records: malformed, first: first_malformed }),
            (disordered > 0).then_some(Damage::OutOfOrder {
                records: disordered,
                first: first_disordered,
                by_ns: self.backwards_ns,
            }),
        ];
        whole.into_iter().flatten().chain(self.listed).collect()
    }
}
