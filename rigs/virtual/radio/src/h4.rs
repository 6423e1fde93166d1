//! H4: packets of HCI one after the other, each behind an octet that tells its type. A packet in this program is one of H4.

/// Type of a command.
pub(crate) const COMMAND: u8 = 1;
/// Type of ACL data.
pub(crate) const ACL: u8 = 2;
/// Type of synchronous data.
pub(crate) const SCO: u8 = 3;
/// Type of an event.
pub(crate) const EVENT: u8 = 4;
/// Type of isochronous data.
pub(crate) const ISO: u8 = 5;

/// Where a packet should begin there is none that a host may send.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("octet {0:#04x} where an H4 packet of a host should begin")]
pub(crate) struct Garbage(u8);

/// Cuts what a host sends into packets.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    rest: Vec<u8>,
}

impl Framer {
    /// Takes what came.
    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.rest.extend_from_slice(octets);
    }

    /// The next whole packet; none until more has come.
    ///
    /// # Errors
    /// When there is no packet: nothing that follows can be understood either.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Garbage> {
        Ok(length(&self.rest)?
            .filter(|&length| length <= self.rest.len())
            .map(|length| self.rest.drain(..length).collect()))
    }

    /// How many octets there are of a packet that is not whole.
    pub(crate) fn rest(&self) -> usize {
        self.rest.len()
    }
}

/// How long the packet is that begins here; none until its header is whole.
fn length(octets: &[u8]) -> Result<Option<usize>, Garbage> {
    let wide = |mask: u16| match octets {
        [_, _, _, low, high, ..] => Some(5 + usize::from(u16::from_le_bytes([*low, *high]) & mask)),
        _ => None,
    };
    match octets.first() {
        None => Ok(None),
        Some(&(COMMAND | SCO)) => Ok(octets.get(3).map(|&size| 4 + usize::from(size))),
        Some(&ACL) => Ok(wide(u16::MAX)),
        Some(&ISO) => Ok(wide(0x3FFF)),
        Some(&other) => Err(Garbage(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use rstest::rstest;

    fn all(octets: &[u8]) -> (Vec<Vec<u8>>, Result<usize, Garbage>) {
        let mut framer = Framer::default();
        framer.push(octets);
        drain(&mut framer)
    }

    fn drain(framer: &mut Framer) -> (Vec<Vec<u8>>, Result<usize, Garbage>) {
        let mut packets = Vec::new();
        loop {
            match framer.next() {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => return (packets, Ok(framer.rest())),
                Err(garbage) => return (packets, Err(garbage)),
            }
        }
    }

    #[rstest]
    #[case::reset(&[1, 3, 0x0C, 0], &[4], Ok(0))]
    #[case::two(&[1, 3, 0x0C, 0, 2, 1, 0x20, 2, 0, 7, 8], &[4, 7], Ok(0))]
    #[case::acl_of_300(&[&[2, 1, 0x20, 0x2C, 1][..], &[0; 300]].concat(), &[305], Ok(0))]
    #[case::sco(&[3, 1, 0, 2, 5, 6], &[6], Ok(0))]
    #[case::the_upper_bits_of_iso_are_no_length(&[5, 1, 0, 1, 0xC0, 9], &[6], Ok(0))]
    #[case::half_a_header(&[2, 1, 0x20, 2], &[], Ok(4))]
    #[case::half_a_packet(&[1, 3, 0x0C, 0, 1, 1, 4, 5, 0x33], &[4], Ok(5))]
    #[case::a_host_sends_no_event(&[4, 0x0E, 0], &[], Err(Garbage(4)))]
    #[case::garbage_behind_a_packet(&[1, 3, 0x0C, 0, b'G', b'E', b'T'], &[4], Err(Garbage(b'G')))]
    #[case::nothing(&[], &[], Ok(0))]
    fn packets_are_as_long_as_their_headers_say(
        #[case] octets: &[u8],
        #[case] lengths: &[usize],
        #[case] end: Result<usize, Garbage>,
    ) {
        let (packets, ended) = all(octets);
        assert_eq!(packets.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        assert_eq!(ended, end);
        assert!(octets.starts_with(&packets.concat()));
    }

    fn packet() -> impl Strategy<Value = Vec<u8>> {
        let narrow = (prop_oneof![Just(COMMAND), Just(SCO)], any::<[u8; 2]>(), vec(any::<u8>(), 0..=255))
            .prop_map(|(kind, head, body)| [&[kind], &head[..], &[body.len() as u8], &body].concat());
        let wide = (prop_oneof![Just(ACL), Just(ISO)], any::<[u8; 2]>(), vec(any::<u8>(), 0..=1100))
            .prop_map(|(kind, head, body)| [&[kind], &head[..], &(body.len() as u16).to_le_bytes(), &body].concat());
        prop_oneof![narrow, wide]
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(packets in vec(packet(), 0..8), cuts in vec(1_usize..40, 1..20), lost in 0_usize..40) {
            let whole = packets.concat();
            let came = &whole[..whole.len().saturating_sub(lost)];
            let mut framer = Framer::default();
            let mut read = Vec::new();
            let (mut rest, mut cuts) = (came, cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                framer.push(piece);
                let (packets, end) = drain(&mut framer);
                prop_assert!(end.is_ok());
                read.extend(packets);
                rest = after;
            }
            prop_assert!(packets.starts_with(&read));
            prop_assert_eq!(read.concat().len() + framer.rest(), came.len());
            prop_assert!(lost > 0 || read.len() == packets.len());
        }

        #[test]
        fn garbage_is_cut_or_refused(octets in vec(any::<u8>(), 0..600)) {
            let (packets, end) = all(&octets);
            let read = packets.concat();
            prop_assert!(octets.starts_with(&read));
            match end {
                Ok(rest) => prop_assert_eq!(read.len() + rest, octets.len()),
                Err(Garbage(octet)) => prop_assert_eq!(octet, octets[read.len()]),
            }
        }
    }
}
