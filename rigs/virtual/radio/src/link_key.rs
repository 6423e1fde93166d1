//! The mask over link keys, between a controller and the kernel.
//!
//! Pairing with the library ends with a link key of zeros, which Linux refuses since CVE-2020-26555: the kernel is shown another one.

use crate::h4::{COMMAND, EVENT};

const MASK: u8 = 0x5A;
const KEY: usize = 16;
/// Link Key Notification: address and key follow.
const NOTIFICATION: [u8; 2] = [EVENT, 0x18];
/// Link Key Request Reply: address and key follow.
const REPLY: [u8; 3] = [COMMAND, 0x0B, 0x04];

/// A packet of a controller as the kernel is shown it.
pub(crate) fn for_kernel(mut packet: Vec<u8>) -> Vec<u8> {
    if packet.starts_with(&NOTIFICATION) {
        mask(&mut packet, 9);
    }
    packet
}

/// A packet of the kernel as the controller is given it.
pub(crate) fn from_kernel(mut packet: Vec<u8>) -> Vec<u8> {
    if packet.starts_with(&REPLY) {
        mask(&mut packet, 10);
    }
    packet
}

fn mask(packet: &mut [u8], at: usize) {
    for octet in packet.get_mut(at..at + KEY).unwrap_or_default() {
        *octet ^= MASK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ADDRESS: [u8; 6] = [1, 0, 0, 0, 0, 0xD2];

    #[rstest]
    #[case::masked(
        &[&[4, 0x18, 23][..], &ADDRESS, &[0; 16], &[4]].concat(),
        &[&[4, 0x18, 23][..], &ADDRESS, &[0x5A; 16], &[4]].concat()
    )]
    #[case::too_short_for_a_key(&[4, 0x18, 2, 0, 0], &[4, 0x18, 2, 0, 0])]
    #[case::another_event(&[&[4, 0x17, 22][..], &[0; 22]].concat(), &[&[4, 0x17, 22][..], &[0; 22]].concat())]
    #[case::data_that_looks_alike(&[&[2, 0x18, 23][..], &[0; 23]].concat(), &[&[2, 0x18, 23][..], &[0; 23]].concat())]
    #[case::nothing(&[], &[])]
    fn the_kernel_sees_no_key_of_zeros(#[case] packet: &[u8], #[case] shown: &[u8]) {
        assert_eq!(for_kernel(packet.to_vec()), shown);
    }

    #[rstest]
    #[case::unmasked(
        &[&[1, 0x0B, 0x04, 22][..], &ADDRESS, &[0x5A; 16]].concat(),
        &[&[1, 0x0B, 0x04, 22][..], &ADDRESS, &[0; 16]].concat()
    )]
    #[case::negative_reply(&[&[1, 0x0C, 0x04, 6][..], &ADDRESS].concat(), &[&[1, 0x0C, 0x04, 6][..], &ADDRESS].concat())]
    #[case::too_short_for_a_key(&[1, 0x0B, 0x04, 1, 7], &[1, 0x0B, 0x04, 1, 7])]
    fn the_controller_sees_its_own_key(#[case] packet: &[u8], #[case] given: &[u8]) {
        assert_eq!(from_kernel(packet.to_vec()), given);
    }

    #[test]
    fn what_the_kernel_was_shown_comes_back() {
        let key: Vec<u8> = (0..16).map(|n| n * 17).collect();
        let shown = for_kernel([&[4, 0x18, 23][..], &ADDRESS, &key, &[4]].concat());
        let back = from_kernel([&[1, 0x0B, 0x04, 22][..], &shown[3..25]].concat());
        assert_eq!(back[10..], key);
    }
}
