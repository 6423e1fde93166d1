//! The protocol of ICStation's USB relay boards (ICSE012A, 013A, 014A): one byte, the mask of all relays, at 9600 baud, 8N1.
//!
//! A board takes masks once it is in its command mode, which it leaves with its supply alone. To ask one that is in that mode
//! which board it is (50), or to bring it there again (51), is an order: the byte is a mask. Neither is known from outside, so
//! neither is ever sent: the document has to say that the board is in command mode, and that its relays may be taken to be off
//! when it is opened. One that was away is not spoken to again: it lost its mode with its supply, and would take nothing.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::power::{line::Line, port::Port, word};

const BAUD: u32 = 9_600;
const SPACING: Duration = Duration::from_millis(50);
const HINT: &str = "plug it out and in, send it 50 and 51 once, and start anew";

/// A board, and what its relays were told.
pub(super) struct IcStation {
    port: Port,
    state: u8,
    was_open: bool,
}

impl IcStation {
    pub(super) fn new(member: &str, document: &document::IcStation) -> Self {
        // That the state may be assumed is stated, or the document would not have been read.
        let document::AssumedState::Assumed = document.state_after_open;
        Self { port: Port::new(member, document.port(), BAUD, "`icstation`"), state: 0, was_open: false }
    }
}

impl Line for IcStation {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        if self.port.is_open() {
            return Ok(());
        }
        if self.was_open {
            let what = "it was away, and with its supply it lost the mode in which it takes orders";
            return Err(self.port.fault(what).hint(HINT));
        }
        self.port.open()?;
        self.was_open = true;
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        self.open()?;
        let Some(state) = after(self.state, channel, on) else {
            return Err(self.port.fault(format!("there is no channel {channel}; it has at most 8")));
        };
        self.port.tell(&[mask(state)], &format!("switching channel {channel} {}", word(on)))?;
        self.state = state;
        Ok(None)
    }

    fn position(&mut self, _channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        Ok(None)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.port.present()?;
        self.open()
    }

    fn spacing(&self) -> Duration {
        SPACING
    }
}

/// The relays after an order, the first in the lowest bit.
fn after(state: u8, channel: NonZeroU8, on: bool) -> Option<u8> {
    let bit = 1_u8.checked_shl(u32::from(channel.get()) - 1)?;
    Some(if on { state | bit } else { state & !bit })
}

/// What is sent: a relay that is on is a zero.
const fn mask(state: u8) -> u8 {
    !state
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(0b0000_0000, 1, true, 0b1111_1110)]
    #[case(0b0000_0001, 8, true, 0b0111_1110)]
    #[case(0b1000_0001, 1, false, 0b0111_1111)]
    #[case(0b0000_0000, 3, false, 0b1111_1111)]
    fn every_order_says_where_all_relays_are(
        #[case] state: u8,
        #[case] channel: u8,
        #[case] on: bool,
        #[case] sent: u8,
    ) {
        let channel = NonZeroU8::new(channel).expect("from 1");
        assert_eq!(after(state, channel, on).map(mask), Some(sent));
    }

    proptest! {
        #[test]
        fn an_order_moves_one_relay_and_no_other(state: u8, channel in 1..=8_u8, on: bool) {
            let after = after(state, NonZeroU8::new(channel).expect("from 1"), on).expect("a relay");
            prop_assert_eq!((after ^ state) & !(1 << (channel - 1)), 0);
            prop_assert_eq!(after >> (channel - 1) & 1 == 1, on);
        }
    }
}
