//! Signals that were too long for one packet.

/// The longest signal that is put together, in bytes.
const LONGEST: usize = 4096;

/// Puts the signals of one direction of a link together.
#[derive(Debug, Default)]
pub struct Fragments {
    /// First byte, signal id, and what came so far; `None` while nothing is under way.
    begun: Option<Vec<u8>>,
    whole: Vec<u8>,
}

impl Fragments {
    /// Takes a packet of the signalling channel; gives the whole signal as if it had come in one packet.
    pub fn push<'a>(&'a mut self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let [first, rest @ ..] = packet else { return None };
        match (first >> 2 & 3, rest) {
            (0, _) => {
                self.begun = None;
                Some(packet)
            }
            (1, [_count, id, content @ ..]) => {
                self.begun = Some([&[first & !0x0C, *id], content].concat());
                None
            }
            (kind @ (2 | 3), content) => {
                let begun = self.begun.as_mut()?;
                let same = begun.first().is_some_and(|begun| begun >> 4 == first >> 4);
                if !same || begun.len() + content.len() > LONGEST {
                    self.begun = None;
                    return None;
                }
                begun.extend_from_slice(content);
                if kind == 2 {
                    return None;
                }
                self.whole = self.begun.take()?;
                Some(&self.whole)
            }
            _ => {
                self.begun = None;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_packets_are_one_signal() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.push(&[0x26, 3, 0x02, 1, 0]), None);
        assert_eq!(fragments.push(&[0x2A, 7, 6]), None);
        assert_eq!(fragments.push(&[0x2E, 0, 0, 0xFF]), Some([0x22, 0x02, 1, 0, 7, 6, 0, 0, 0xFF].as_slice()));
        // The rest of nothing is nothing.
        assert_eq!(fragments.push(&[0x2E, 0]), None);
    }

    #[test]
    fn a_whole_signal_in_between_and_another_label_end_it() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.push(&[0x26, 3, 0x02, 1, 0]), None);
        assert_eq!(fragments.push(&[0x30, 0x01]), Some([0x30, 0x01].as_slice()));
        assert_eq!(fragments.push(&[0x2E, 7]), None);
        assert_eq!(fragments.push(&[0x26, 2, 0x02, 1, 0]), None);
        assert_eq!(fragments.push(&[0x3E, 7]), None);
        assert_eq!(fragments.push(&[0x2E, 7]), None);
    }

    #[test]
    fn endless_continuing_is_not_kept() {
        let mut fragments = Fragments::default();
        fragments.push(&[0x26, 255, 0x02]);
        for _ in 0..100 {
            assert_eq!(fragments.push(&[0x2A; 200]), None);
        }
        assert_eq!(fragments.begun, None);
    }
}
