//! The protocol of DLP Design's DLP-IOR4: one character for each order, at 9600 baud, 8N1. Its relays latch, and it tells no
//! position: what is known of them is what they were told.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::power::{
    line::{LATCHES, Line},
    port::{Heard, Port},
    word,
};

const BAUD: u32 = 9_600;
const SPACING: Duration = Duration::from_millis(100);
/// By channel: the keys of a keyboard below each other.
const ON: [u8; 4] = *b"1234";
const OFF: [u8; 4] = *b"QWER";
const PING: u8 = b'\'';
const PONG: u8 = b'R';

/// A module.
pub(super) struct DlpIor4 {
    port: Port,
}

impl DlpIor4 {
    pub(super) fn new(member: &str, document: &document::DlpIor4) -> Self {
        Self { port: Port::new(member, document.port(), BAUD, "`dlp-ior4`") }
    }

    fn ping(&mut self) -> Result<(), InfrastructureFault> {
        self.port.ask(&[PING], "asking whether it is there", pong)
    }
}

impl Line for DlpIor4 {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        self.port.open().map(drop)
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        let Some(order) = switch(channel, on) else {
            return Err(self.port.fault(format!("there is no channel {channel}; it has {}", ON.len())));
        };
        self.port.tell(&[order], &format!("switching channel {channel} {}", word(on)))?;
        Ok(None)
    }

    fn position(&mut self, _channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        Ok(None)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.port.alive()?;
        self.ping()
    }

    fn spacing(&self) -> Duration {
        SPACING
    }

    fn keeps(&self) -> Option<&'static str> {
        Some(LATCHES)
    }
}

fn switch(channel: NonZeroU8, on: bool) -> Option<u8> {
    let orders = if on { ON } else { OFF };
    orders.get(usize::from(channel.get()) - 1).copied()
}

fn pong(received: &[u8]) -> Heard<()> {
    match received {
        [] => Heard::Part,
        [PONG] => Heard::Whole(()),
        _ => Heard::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, true, Some(b'1'))]
    #[case(4, true, Some(b'4'))]
    #[case(1, false, Some(b'Q'))]
    #[case(2, false, Some(b'W'))]
    #[case(3, false, Some(b'E'))]
    #[case(4, false, Some(b'R'))]
    #[case(5, true, None)]
    fn orders_are_characters(#[case] channel: u8, #[case] on: bool, #[case] order: Option<u8>) {
        assert_eq!(switch(NonZeroU8::new(channel).expect("from 1"), on), order);
    }

    #[rstest]
    #[case(b"", Heard::Part)]
    #[case(b"R", Heard::Whole(()))]
    #[case(b"RR", Heard::Garbage)]
    #[case(b"r", Heard::Garbage)]
    fn it_answers_one_question(#[case] received: &[u8], #[case] heard: Heard<()>) {
        assert_eq!(pong(received), heard);
    }
}
