//! What the library would end the whole program for although a host may do it, answered as a controller does: that it is disallowed.
//!
//! - Inquiry Cancel while no inquiry is going on: hosts do that when an inquiry ends by itself meanwhile.
//! - A second command to the link manager of a link that has not taken the first: hosts do that when they gave up waiting, such as when
//!   the other side goes out of range in mid-pairing.

use std::collections::BTreeMap;

use crate::h4::{COMMAND, EVENT};

const DISALLOWED: u8 = 0x0C;

// Commands
const INQUIRY: u16 = 0x0401;
const INQUIRY_CANCEL: u16 = 0x0402;
const RESET: u16 = 0x0C03;
/// To the link manager, by handle: Authentication Requested, Set Connection Encryption.
const BY_HANDLE: [u16; 2] = [0x0411, 0x0413];
/// To the link manager, by address: replies on link key, PIN, IO capability, confirmation, passkey and out-of-band data, with negative ones.
const BY_ADDRESS: [u16; 12] =
    [0x040B, 0x040C, 0x040D, 0x040E, 0x042B, 0x042C, 0x042D, 0x042E, 0x042F, 0x0430, 0x0433, 0x0434];

// Events
const INQUIRY_COMPLETE: u8 = 0x01;
const CONNECTION_COMPLETE: u8 = 0x03;
const DISCONNECTION_COMPLETE: u8 = 0x05;
const COMMAND_COMPLETE: u8 = 0x0E;
const COMMAND_STATUS: u8 = 0x0F;

type Handle = [u8; 2];
type Remote = [u8; 6];

/// What one controller is at, as its packets tell.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    inquiring: bool,
    links: BTreeMap<Handle, Remote>,
    /// Commands that the link manager has not answered.
    waiting: BTreeMap<Remote, u16>,
}

impl Guard {
    /// The answer to a packet of the host that the library must not be given.
    pub(crate) fn answer(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let [COMMAND, low, high, _, parameters @ ..] = packet else { return None };
        let code = u16::from_le_bytes([*low, *high]);
        if code == INQUIRY_CANCEL && !self.inquiring {
            return Some(vec![EVENT, COMMAND_COMPLETE, 4, 1, *low, *high, DISALLOWED]);
        }
        let remote = if BY_HANDLE.contains(&code) {
            parameters.first_chunk().and_then(|handle: &Handle| self.links.get(handle)).copied()
        } else {
            parameters.first_chunk().copied().filter(|_| BY_ADDRESS.contains(&code))
        }?;
        if self.waiting.contains_key(&remote) {
            return Some(vec![EVENT, COMMAND_STATUS, 4, DISALLOWED, 1, *low, *high]);
        }
        // About a link that is not there it is answered at once.
        self.waiting.insert(remote, code);
        None
    }

    /// A packet from the controller.
    pub(crate) fn note(&mut self, packet: &[u8]) {
        match *packet {
            [EVENT, INQUIRY_COMPLETE, ..] => self.inquiring = false,
            [EVENT, CONNECTION_COMPLETE, _, 0, low, high, a, b, c, d, e, f, ..] => {
                self.links.insert([low, high], [a, b, c, d, e, f]);
            }
            [EVENT, DISCONNECTION_COMPLETE, _, 0, low, high, ..] => {
                if let Some(remote) = self.links.remove(&[low, high]) {
                    self.waiting.remove(&remote);
                }
            }
            [EVENT, COMMAND_COMPLETE, _, _, low, high, ..] => self.answered(u16::from_le_bytes([low, high]), false),
            [EVENT, COMMAND_STATUS, _, status, _, low, high, ..] => {
                self.answered(u16::from_le_bytes([low, high]), status == 0);
            }
            _ => {}
        }
    }

    fn answered(&mut self, code: u16, begun: bool) {
        match code {
            INQUIRY if begun => self.inquiring = true,
            INQUIRY_CANCEL => self.inquiring = false,
            RESET => *self = Self::default(),
            _ => {
                // A status names no link; a host has hardly two of the same out.
                let remote = self.waiting.iter().find(|(_, waits)| **waits == code).map(|(remote, _)| *remote);
                remote.and_then(|remote| self.waiting.remove(&remote));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const CANCEL: &[u8] = &[1, 0x02, 0x04, 0];
    const BEGUN: &[u8] = &[4, 0x0F, 4, 0, 1, 0x01, 0x04];

    #[rstest]
    #[case::never_begun(&[], false)]
    #[case::going_on(&[BEGUN], true)]
    #[case::refused(&[&[4, 0x0F, 4, 0x0C, 1, 0x01, 0x04][..]], false)]
    #[case::status_of_something_else(&[&[4, 0x0F, 4, 0, 1, 0x05, 0x04][..]], false)]
    #[case::results_end_nothing(&[BEGUN, &[4, 0x2F, 255]], true)]
    #[case::ended_by_itself(&[BEGUN, &[4, 0x01, 1, 0]], false)]
    #[case::cancelled_before(&[BEGUN, &[4, 0x0E, 4, 1, 0x02, 0x04, 0]], false)]
    #[case::reset(&[BEGUN, &[4, 0x0E, 4, 1, 0x03, 0x0C, 0]], false)]
    #[case::begun_again(&[BEGUN, &[4, 0x01, 1, 0], BEGUN], true)]
    fn only_an_inquiry_can_be_cancelled(#[case] events: &[&[u8]], #[case] passed: bool) {
        let mut guard = Guard::default();
        events.iter().for_each(|event| guard.note(event));
        assert_eq!(guard.answer(CANCEL), (!passed).then(|| vec![4, 0x0E, 4, 1, 0x02, 0x04, 0x0C]));
        assert_eq!(guard.answer(&[1, 0x03, 0x0C, 0]), None);
    }

    /// Handle 1 is the link to `01`, handle 2 that to `02`.
    fn connected() -> Guard {
        let mut guard = Guard::default();
        for number in [1, 2] {
            guard.note(&[4, 0x03, 11, 0, number, 0, number, 0, 0, 0, 0, 0xD2, 1, 0]);
        }
        guard
    }

    const AUTHENTICATE: &[u8] = &[1, 0x11, 0x04, 2, 1, 0];
    const CONFIRM: &[u8] = &[1, 0x2C, 0x04, 6, 1, 0, 0, 0, 0, 0xD2];

    #[rstest]
    #[case::not_taken(&[], false)]
    #[case::answered_by_a_status(&[&[4, 0x0F, 4, 0, 1, 0x11, 0x04][..]], true)]
    #[case::refused(&[&[4, 0x0F, 4, 0x02, 1, 0x11, 0x04][..]], true)]
    #[case::answered_by_an_end(&[&[4, 0x0E, 10, 1, 0x11, 0x04, 0][..]], true)]
    #[case::another_was_answered(&[&[4, 0x0E, 10, 1, 0x2B, 0x04, 0][..]], false)]
    #[case::the_link_is_gone(&[&[4, 0x05, 4, 0, 1, 0, 8][..]], true)]
    #[case::a_second_link_to_the_same_is_no_new_manager(&[&[4, 0x03, 11, 0, 3, 0, 1, 0, 0, 0, 0, 0xD2, 1, 0][..]], false)]
    #[case::another_link_is_gone(&[&[4, 0x05, 4, 0, 2, 0, 8][..]], false)]
    #[case::the_link_would_not_go(&[&[4, 0x05, 4, 0x0C, 1, 0, 8][..]], false)]
    #[case::reset(&[&[4, 0x0E, 4, 1, 0x03, 0x0C, 0][..]], true)]
    fn a_link_manager_takes_one_command_at_a_time(#[case] events: &[&[u8]], #[case] passed: bool) {
        let mut guard = connected();
        assert_eq!(guard.answer(AUTHENTICATE), None);
        events.iter().for_each(|event| guard.note(event));
        let refused = guard.answer(CONFIRM);
        assert_eq!(refused, (!passed).then(|| vec![4, 0x0F, 4, 0x0C, 1, 0x2C, 0x04]));
    }

    #[rstest]
    #[case::to_another_link(&[1, 0x11, 0x04, 2, 2, 0])]
    #[case::reply_to_another_link(&[1, 0x2C, 0x04, 6, 2, 0, 0, 0, 0, 0xD2])]
    #[case::to_no_link(&[1, 0x11, 0x04, 2, 3, 0])]
    #[case::disconnect_is_not_for_it(&[1, 0x06, 0x04, 3, 1, 0, 0x13])]
    #[case::data(&[2, 0x11, 0x04, 2, 0, 1, 0])]
    #[case::cut(&[1, 0x2C, 0x04, 3, 1, 0, 0])]
    #[case::nothing(&[])]
    fn all_else_passes(#[case] packet: &[u8]) {
        let mut guard = connected();
        assert_eq!(guard.answer(AUTHENTICATE), None);
        assert_eq!(guard.answer(packet), None);
    }
}
