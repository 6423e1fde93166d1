//! From ACL fragments to packets.

use std::collections::BTreeMap;

use crate::{capture::Direction, hci::Acl};

/// Packets that are put together at the same time.
const PENDING_AT_MOST: usize = 128;
/// Directions of links that are counted.
const COUNTED_AT_MOST: usize = 4096;

/// A controller, a link and a direction.
pub(crate) type Key = (u16, u16, Direction);

/// A whole packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// The receiver's channel.
    pub channel: u16,
    /// Its length by its header, in bytes.
    pub length: usize,
    /// What it carries; shorter than `length` when the recorder cut it.
    pub data: &'a [u8],
    /// Its fragments are together as long as its header says; otherwise only its beginning is surely its own.
    pub fits: bool,
}

/// What does not fit together in one direction of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that were begun and never finished, because another one began.
    pub unfinished: u64,
    /// Fragments that go on with nothing.
    pub orphans: u64,
    /// Packets that do not fit their own length.
    pub malformed: u64,
}

impl Counts {
    /// Whether everything fits.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug)]
struct Pending {
    /// From the header of L2CAP on.
    data: Vec<u8>,
    /// How much there would be had the recorder cut nothing.
    length: usize,
}

/// Puts packets together, for every controller, link and direction. Memory is bounded by the longest packet (65 539 bytes)
/// times 128.
#[derive(Debug, Default)]
pub struct Assembler {
    pending: BTreeMap<Key, Pending>,
    counts: BTreeMap<Key, Counts>,
    whole: Vec<u8>,
}

/// What the header of a packet says: its length with the header, and its channel.
fn header(data: &[u8]) -> Option<(usize, u16)> {
    let [l0, l1, c0, c1] = *data.first_chunk()?;
    Some((usize::from(u16::from_le_bytes([l0, l1])) + 4, u16::from_le_bytes([c0, c1])))
}

impl Assembler {
    /// Takes a fragment; gives the packet that it completes.
    pub fn push<'a>(&'a mut self, adapter: u16, direction: Direction, acl: Acl<'a>) -> Option<Pdu<'a>> {
        let key = (adapter, acl.handle, direction);
        if !acl.continues {
            if !self.pending.is_empty() && self.pending.remove(&key).is_some() {
                self.count(key, |counts| counts.unfinished += 1);
            }
            if let Some((whole, channel)) = header(acl.data)
                && acl.length >= whole
            {
                let fits = acl.length == whole;
                if !fits {
                    self.count(key, |counts| counts.malformed += 1);
                }
                let data = acl.data.get(4..whole.min(acl.data.len())).unwrap_or_default();
                return Some(Pdu { channel, length: whole - 4, data, fits });
            }
            if self.pending.len() < PENDING_AT_MOST {
                self.pending.insert(key, Pending { data: acl.data.to_vec(), length: acl.length });
            }
            return None;
        }
        let Some(pending) = self.pending.get_mut(&key) else {
            self.count(key, |counts| counts.orphans += 1);
            return None;
        };
        // Bytes that the recorder cut out leave a hole: what follows is not put in its place.
        if pending.data.len() == pending.length {
            pending.data.extend_from_slice(acl.data);
        }
        pending.length += acl.length;
        let (whole, channel) = header(&pending.data)?;
        if pending.length < whole {
            return None;
        }
        let done = self.pending.remove(&key)?;
        let fits = done.length == whole;
        if !fits {
            self.count(key, |counts| counts.malformed += 1);
        }
        self.whole = done.data;
        self.whole.truncate(whole);
        Some(Pdu { channel, length: whole - 4, data: self.whole.get(4..).unwrap_or_default(), fits })
    }

    /// Forgets what was begun on a link, because it ended.
    pub fn end(&mut self, adapter: u16, handle: u16) {
        self.pending.remove(&(adapter, handle, Direction::Sent));
        self.pending.remove(&(adapter, handle, Direction::Received));
    }

    /// What does not fit together, since a link was asked for the last time.
    pub fn take_counts(&mut self, adapter: u16, handle: u16) -> (Counts, Counts) {
        let mut take = |direction| self.counts.remove(&(adapter, handle, direction)).unwrap_or_default();
        (take(Direction::Sent), take(Direction::Received))
    }

    /// Bytes of packets that are not whole yet.
    pub fn kept(&self) -> usize {
        self.pending.values().map(|pending| pending.data.len()).sum::<usize>() + self.whole.len()
    }

    fn count(&mut self, key: Key, change: impl FnOnce(&mut Counts)) {
        if self.counts.len() < COUNTED_AT_MOST || self.counts.contains_key(&key) {
            change(self.counts.entry(key).or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Received, Sent};
    use proptest::prelude::*;

    fn acl(continues: bool, data: &[u8]) -> Acl<'_> {
        Acl { handle: 2, continues, length: data.len(), data }
    }

    #[test]
    fn fragments_of_two_controllers_and_directions_do_not_mix() {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(0, Sent, acl(false, &[3, 0, 64, 0, 1])), None);
        assert_eq!(assembler.push(1, Sent, acl(false, &[3, 0, 65, 0, 7])), None);
        assert_eq!(
            assembler.push(0, Received, acl(false, &[1, 0, 66, 0, 9])).map(|pdu| pdu.data.to_vec()),
            Some(vec![9])
        );
        let pdu = assembler.push(1, Sent, acl(true, &[8, 9])).map(|pdu| (pdu.channel, pdu.data.to_vec()));
        assert_eq!(pdu, Some((65, vec![7, 8, 9])));
        let pdu = assembler.push(0, Sent, acl(true, &[2, 3])).map(|pdu| (pdu.channel, pdu.data.to_vec()));
        assert_eq!(pdu, Some((64, vec![1, 2, 3])));
        assert!(assembler.take_counts(0, 2).0.is_clean() && assembler.take_counts(1, 2).0.is_clean());
    }

    #[test]
    fn what_does_not_fit_together_is_counted() {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(0, Sent, acl(true, &[1])), None);
        assert_eq!(assembler.push(0, Sent, acl(false, &[3, 0, 64, 0, 1])), None);
        assert_eq!(assembler.push(0, Sent, acl(false, &[3, 0, 64, 0, 1])), None);
        let beyond = Pdu { channel: 64, length: 3, data: &[1, 2, 3], fits: false };
        assert_eq!(assembler.push(0, Sent, acl(true, &[2, 3, 4])), Some(beyond));
        let beyond = Pdu { channel: 64, length: 1, data: &[1], fits: false };
        assert_eq!(assembler.push(0, Sent, acl(false, &[1, 0, 64, 0, 1, 2])), Some(beyond));
        assert_eq!(assembler.take_counts(0, 2).0, Counts { unfinished: 1, orphans: 1, malformed: 2 });
        assert!(assembler.take_counts(0, 2).0.is_clean());
    }

    #[test]
    fn a_header_may_be_cut_into_fragments_too() {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(0, Sent, acl(false, &[2])), None);
        assert_eq!(assembler.push(0, Sent, acl(true, &[0, 64])), None);
        assert_eq!(assembler.push(0, Sent, acl(true, &[0, 5])), None);
        assert_eq!(
            assembler.push(0, Sent, acl(true, &[6])).map(|pdu| (pdu.channel, pdu.data.to_vec())),
            Some((64, vec![5, 6]))
        );
    }

    #[test]
    fn bytes_that_the_recorder_cut_are_not_replaced_by_later_ones() {
        let mut assembler = Assembler::default();
        let cut = Acl { handle: 2, continues: false, length: 9, data: &[10, 0, 64, 0, 1, 2] };
        assert_eq!(assembler.push(0, Sent, cut), None);
        let pdu = assembler.push(0, Sent, acl(true, &[6, 7, 8, 9, 10]));
        assert_eq!(pdu, Some(Pdu { channel: 64, length: 10, data: &[1, 2], fits: true }));
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_packets(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..10), size in 1usize..80,
        ) {
            let mut assembler = Assembler::default();
            for data in &packets {
                let whole = [&(data.len() as u16).to_le_bytes(), &[64, 0], data.as_slice()].concat();
                let fragments: Vec<&[u8]> = whole.chunks(size).collect();
                for (number, fragment) in fragments.iter().enumerate() {
                    let pdu = assembler.push(0, Sent, acl(number > 0, fragment));
                    prop_assert_eq!(pdu.is_some(), number + 1 == fragments.len());
                    if let Some(pdu) = pdu {
                        prop_assert_eq!(pdu.data, data.as_slice());
                    }
                }
            }
            prop_assert!(assembler.take_counts(0, 2).0.is_clean());
        }

        #[test]
        fn no_fragments_make_it_panic_or_grow(
            fragments in prop::collection::vec((any::<bool>(), 0u16..300, prop::collection::vec(any::<u8>(), 0..60), 0usize..9), 0..600),
        ) {
            let mut assembler = Assembler::default();
            for (continues, handle, data, more) in &fragments {
                let acl = Acl { handle: *handle, continues: *continues, length: data.len() + more, data };
                if let Some(pdu) = assembler.push(0, Sent, acl) {
                    prop_assert!(pdu.data.len() <= pdu.length);
                }
            }
            prop_assert!(assembler.kept() <= (PENDING_AT_MOST + 1) * 65_539);
        }
    }
}
