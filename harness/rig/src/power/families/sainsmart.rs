//! The protocol of SainSmart's USB relay board with 16 channels: Modbus ASCII at 9600 baud, 8N1.
//!
//! Source: Modbus over Serial Line 1.02, section 2.5.2: `:`, two hexadecimal digits for each byte, the LRC, CR and LF. The board
//! sends every order back. Not every one tells its positions: the document says whether this one does.

use std::{fmt::Write as _, num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::power::{
    line::Line,
    port::{Heard, Port},
    word,
};

const BAUD: u32 = 9_600;
const SPACING: Duration = Duration::from_millis(50);
const READ_COILS: u8 = 0x01;
const WRITE_COIL: u8 = 0x05;
const CHANNELS: u8 = 16;

/// A board.
pub(super) struct SainSmart {
    port: Port,
    address: u8,
    reports: bool,
}

impl SainSmart {
    pub(super) fn new(member: &str, document: &document::SainSmart) -> Self {
        let port = Port::new(member, document.port(), BAUD, "`address` and `reports`");
        Self { port, address: document.address, reports: document.reports }
    }

    fn check(&self, channel: NonZeroU8) -> Result<(), InfrastructureFault> {
        if channel.get() > CHANNELS {
            return Err(self.port.fault(format!("there is no channel {channel}; it has {CHANNELS}")));
        }
        Ok(())
    }
}

impl Line for SainSmart {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        self.port.open().map(drop)
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        self.check(channel)?;
        let order = switch(self.address, channel, on);
        let doing = format!("switching channel {channel} {}", word(on));
        self.port.ask(order.as_bytes(), &doing, |received| sent_back(&order, received))?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        self.check(channel)?;
        if !self.reports {
            return Ok(None);
        }
        let (question, address) = (ask(self.address), self.address);
        let doing = format!("asking for channel {channel}");
        let told = self.port.ask(question.as_bytes(), &doing, |received| coils(address, received))?;
        Ok(Some(told >> (channel.get() - 1) & 1 == 1))
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.port.alive()
    }

    fn spacing(&self) -> Duration {
        SPACING
    }
}

fn switch(address: u8, channel: NonZeroU8, on: bool) -> String {
    frame(&[address, WRITE_COIL, 0, channel.get() - 1, if on { 0xFF } else { 0 }, 0])
}

/// The question for all positions.
fn ask(address: u8) -> String {
    frame(&[address, READ_COILS, 0, 0, 0, CHANNELS])
}

/// The bytes, and what makes their sum zero.
fn frame(bytes: &[u8]) -> String {
    let lrc = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte));
    let mut text = String::from(":");
    for byte in bytes.iter().chain([&lrc]) {
        let _ = write!(text, "{byte:02X}");
    }
    text + "\r\n"
}

fn sent_back(order: &str, received: &[u8]) -> Heard<()> {
    match order.as_bytes() {
        order if order == received => Heard::Whole(()),
        order if order.starts_with(received) => Heard::Part,
        _ => Heard::Garbage,
    }
}

/// The positions of all channels, the first in the lowest bit.
fn coils(address: u8, received: &[u8]) -> Heard<u16> {
    let head = format!(":{address:02X}{READ_COILS:02X}02");
    // Head, two bytes, LRC, and the end of the line.
    let length = head.len() + 8;
    let rest = match received.strip_prefix(head.as_bytes()) {
        Some(rest) => rest,
        None if head.as_bytes().starts_with(received) => return Heard::Part,
        None => return Heard::Garbage,
    };
    let digits = rest.iter().take(6).all(u8::is_ascii_hexdigit);
    let end = rest.get(6..).unwrap_or_default();
    if !digits || received.len() > length || !b"\r\n".starts_with(end) {
        return Heard::Garbage;
    }
    if received.len() < length {
        return Heard::Part;
    }
    let byte = |at: usize| str::from_utf8(&rest[at..at + 2]).ok().and_then(|text| u8::from_str_radix(text, 16).ok());
    match (byte(0), byte(2)) {
        (Some(low), Some(high)) if received == frame(&[address, READ_COILS, 2, low, high]).as_bytes() => {
            Heard::Whole(u16::from_le_bytes([low, high]))
        }
        _ => Heard::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn number(channel: u8) -> NonZeroU8 {
        NonZeroU8::new(channel).expect("from 1")
    }

    #[rstest]
    #[case(switch(0xFE, number(1), true), ":FE050000FF00FE\r\n")]
    #[case(switch(0xFE, number(1), false), ":FE0500000000FD\r\n")]
    #[case(switch(0xFE, number(16), true), ":FE05000FFF00EF\r\n")]
    #[case(switch(0xFE, number(16), false), ":FE05000F0000EE\r\n")]
    #[case(ask(0xFE), ":FE0100000010F1\r\n")]
    fn frames_are_those_that_are_published(#[case] made: String, #[case] text: &str) {
        assert_eq!(made, text);
    }

    #[rstest]
    // The sum of FE 01 02 01 80 is 182: its complement is 7E.
    #[case::first_and_last(b":FE010201807E\r\n", Heard::Whole(0x8001))]
    #[case::none(b":FE01020000FF\r\n", Heard::Whole(0))]
    #[case::wrong_sum(b":FE010201807F\r\n", Heard::Garbage)]
    #[case::the_question(b":FE0100000010F1\r\n", Heard::Garbage)]
    #[case::half(b":FE0102018", Heard::Part)]
    #[case::no_end(b":FE010201807E", Heard::Part)]
    #[case::no_digit(b":FE0102018Z", Heard::Garbage)]
    #[case::more(b":FE010201807E\r\n:", Heard::Garbage)]
    fn positions_are_told_in_two_bytes(#[case] received: &[u8], #[case] heard: Heard<u16>) {
        assert_eq!(coils(0xFE, received), heard);
    }

    #[rstest]
    #[case(b":FE050000FF00FE\r\n", Heard::Whole(()))]
    #[case(b":FE0500", Heard::Part)]
    #[case(b":FE0501", Heard::Garbage)]
    #[case(b":FE050000FF00FE\r\n\r\n", Heard::Garbage)]
    fn an_order_comes_back(#[case] received: &[u8], #[case] heard: Heard<()>) {
        assert_eq!(sent_back(&switch(0xFE, number(1), true), received), heard);
    }

    proptest! {
        #[test]
        fn an_answer_is_understood_when_all_of_it_is_there_and_not_sooner(address: u8, positions: u16) {
            let [low, high] = positions.to_le_bytes();
            let bytes = frame(&[address, READ_COILS, 2, low, high]).into_bytes();
            for end in 0..bytes.len() {
                prop_assert_eq!(coils(address, &bytes[..end]), Heard::Part);
            }
            prop_assert_eq!(coils(address, &bytes), Heard::Whole(positions));
        }

        #[test]
        fn whatever_is_received_is_read(received in prop::collection::vec(any::<u8>(), 0..40), address: u8) {
            let _ = coils(address, &received);
            let _ = sent_back(&ask(address), &received);
        }
    }
}
