//! The protocol of Velleman's K8090 and VM8090: frames of seven bytes, `04 command mask p1 p2 sum 0F`, at 19200 baud, 8N1.
//!
//! A board answers an order only when a relay really moves, and says so unasked as well when somebody presses its buttons. So
//! an order is waited for by asking for the positions after it, never by its answer. The last byte may occur within a frame:
//! frames are counted, not searched.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::power::{
    line::{Line, OWN_SUPPLY},
    port::{Heard, Port},
    word,
};

const BAUD: u32 = 19_200;
const SPACING: Duration = Duration::from_millis(50);
const LENGTH: usize = 7;
const HEAD: u8 = 0x04;
const TAIL: u8 = 0x0F;
const ON: u8 = 0x11;
const OFF: u8 = 0x12;
const ASK: u8 = 0x18;
/// What a board says of its relays: mask was, `p1` is, `p2` runs by a timer.
const STATUS: u8 = 0x51;
/// More frames than these do not come unasked before an answer.
const LONGEST: usize = 16 * LENGTH;

/// A board.
pub(super) struct K8090 {
    port: Port,
}

impl K8090 {
    pub(super) fn new(member: &str, document: &document::K8090) -> Self {
        Self { port: Port::new(member, document.port(), BAUD, "`k8090`") }
    }

    fn bit(&self, channel: NonZeroU8) -> Result<u8, InfrastructureFault> {
        let bit = 1_u8.checked_shl(u32::from(channel.get()) - 1);
        bit.ok_or_else(|| self.port.fault(format!("there is no channel {channel}; it has 8")))
    }
}

impl Line for K8090 {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        self.port.open().map(drop)
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        let order = frame(if on { ON } else { OFF }, self.bit(channel)?);
        self.port.tell(&order, &format!("switching channel {channel} {}", word(on)))?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let bit = self.bit(channel)?;
        let told = self.port.ask(&frame(ASK, 0), &format!("asking for channel {channel}"), status)?;
        Ok(Some(told & bit != 0))
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.port.alive()
    }

    fn spacing(&self) -> Duration {
        SPACING
    }

    fn keeps(&self) -> Option<&'static str> {
        Some(OWN_SUPPLY)
    }
}

fn frame(command: u8, mask: u8) -> [u8; LENGTH] {
    whole([HEAD, command, mask, 0, 0])
}

/// With the two's complement of the sum of what stands before it.
fn whole(body: [u8; LENGTH - 2]) -> [u8; LENGTH] {
    let [head, command, mask, p1, p2] = body;
    [head, command, mask, p1, p2, body.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte)), TAIL]
}

/// The positions, from the first status frame; others come unasked.
fn status(received: &[u8]) -> Heard<u8> {
    let mut rest = received;
    while let Some((found, behind)) = rest.split_first_chunk::<LENGTH>() {
        match found {
            [HEAD, command, mask, p1, p2, ..] if *found == whole([HEAD, *command, *mask, *p1, *p2]) => {
                if *command == STATUS {
                    return Heard::Whole(*p1);
                }
            }
            _ => return Heard::Garbage,
        }
        rest = behind;
    }
    match rest.first() {
        Some(&first) if first != HEAD => Heard::Garbage,
        _ if received.len() > LONGEST => Heard::Garbage,
        _ => Heard::Part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(frame(ON, 1), [0x04, 0x11, 0x01, 0, 0, 0xEA, 0x0F])]
    #[case(frame(OFF, 1), [0x04, 0x12, 0x01, 0, 0, 0xE9, 0x0F])]
    #[case(frame(ASK, 0), [0x04, 0x18, 0, 0, 0, 0xE4, 0x0F])]
    fn frames_are_those_of_the_manual(#[case] made: [u8; 7], #[case] bytes: [u8; 7]) {
        assert_eq!(made, bytes);
    }

    // The sum of 04 51 00 01 00 is 56; its complement is AA.
    const FIRST_ON: [u8; 7] = [0x04, 0x51, 0x00, 0x01, 0x00, 0xAA, 0x0F];
    // A frame of a button that was pressed: the sum of 04 50 01 00 00 is 55.
    const BUTTON: [u8; 7] = [0x04, 0x50, 0x01, 0x00, 0x00, 0xAB, 0x0F];

    #[rstest]
    #[case::status(FIRST_ON.to_vec(), Heard::Whole(1))]
    // A last byte that is no end: relays 1 to 4 are on. The sum of 04 51 0F 0F 00 is 73.
    #[case::tail_within(vec![0x04, 0x51, 0x0F, 0x0F, 0x00, 0x8D, 0x0F], Heard::Whole(0x0F))]
    #[case::behind_a_button([BUTTON, FIRST_ON].concat(), Heard::Whole(1))]
    #[case::a_button_alone(BUTTON.to_vec(), Heard::Part)]
    #[case::half(FIRST_ON[..5].to_vec(), Heard::Part)]
    #[case::wrong_sum(vec![0x04, 0x51, 0x00, 0x01, 0x00, 0xAB, 0x0F], Heard::Garbage)]
    #[case::no_tail(vec![0x04, 0x51, 0x00, 0x01, 0x00, 0xAA, 0x0E], Heard::Garbage)]
    #[case::no_head(vec![0xFF], Heard::Garbage)]
    #[case::buttons_without_end(BUTTON.repeat(20), Heard::Garbage)]
    fn positions_are_those_of_the_first_status(#[case] received: Vec<u8>, #[case] heard: Heard<u8>) {
        assert_eq!(status(&received), heard);
    }

    proptest! {
        #[test]
        fn an_answer_is_understood_when_all_of_it_is_there_and_not_sooner(was: u8, is: u8, timed: u8, buttons in 0..4_usize) {
            let answer = whole([HEAD, STATUS, was, is, timed]);
            let bytes = [BUTTON.repeat(buttons), answer.to_vec()].concat();
            for end in 0..bytes.len() {
                prop_assert_eq!(status(&bytes[..end]), Heard::Part);
            }
            prop_assert_eq!(status(&bytes), Heard::Whole(is));
        }

        #[test]
        fn whatever_is_received_is_read(received in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = status(&received);
        }
    }
}
