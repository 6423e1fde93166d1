//! What the library would end the whole program for although a host may do it.
//!
//! Inquiry Cancel while no inquiry is going on: hosts do that when an inquiry ends by itself meanwhile. A controller answers that it is
//! disallowed.

use crate::h4::{COMMAND, EVENT};

const COMPLETE: u8 = 0x0E;
const INQUIRY_CANCEL: [u8; 3] = [COMMAND, 0x02, 0x04];
const DISALLOWED: u8 = 0x0C;

/// Whether an inquiry is going on, as the events of the controller tell.
#[derive(Debug, Default)]
pub(crate) struct Inquiry {
    going_on: bool,
}

impl Inquiry {
    /// The answer to a command that the library must not be given.
    pub(crate) fn answer(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let refused = !self.going_on && packet.starts_with(&INQUIRY_CANCEL);
        refused.then(|| vec![EVENT, COMPLETE, 4, 1, 0x02, 0x04, DISALLOWED])
    }

    /// A packet from the controller.
    pub(crate) fn note(&mut self, packet: &[u8]) {
        match packet {
            // Command Status of Inquiry
            [EVENT, 0x0F, _, 0, _, 0x01, 0x04, ..] => self.going_on = true,
            // Inquiry Complete; Command Complete of Inquiry Cancel and of Reset
            [EVENT, 0x01, ..] | [EVENT, COMPLETE, _, _, 0x02, 0x04, ..] | [EVENT, COMPLETE, _, _, 0x03, 0x0C, ..] => {
                self.going_on = false;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const CANCEL: [u8; 4] = [1, 0x02, 0x04, 0];
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
        let mut inquiry = Inquiry::default();
        events.iter().for_each(|event| inquiry.note(event));
        let answer = inquiry.answer(&CANCEL);
        assert_eq!(answer, (!passed).then(|| vec![4, 0x0E, 4, 1, 0x02, 0x04, 0x0C]));
        assert_eq!(inquiry.answer(&[1, 0x03, 0x0C, 0]), None);
    }
}
