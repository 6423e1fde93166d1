//! The protocol of Numato Lab's USB relay modules: lines of text, ended by CR; the baud rate of their CDC ACM port means
//! nothing.
//!
//! A module repeats what it is sent, and answers after LF and CR: some text or none, then LF, CR and `>`. Relays count from 0,
//! and how they are spelt depends on how many there are.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::power::{
    line::Line,
    port::{Heard, Port},
    word,
};

const BAUD: u32 = 9_600;
/// What others leave between two commands.
const SPACING: Duration = Duration::from_millis(50);
/// What ends every answer.
const PROMPT: &[u8] = b"\n\r>";
/// No answer of ours is longer.
const LONGEST: usize = 64;

/// A module.
pub(super) struct Numato {
    port: Port,
    channels: u8,
}

impl Numato {
    pub(super) fn new(member: &str, document: &document::Numato, channels: u8) -> Self {
        Self { port: Port::new(member, document.port(), BAUD, "`channels`"), channels }
    }

    /// Sends a command, and gives the text of its answer.
    fn ask<T>(
        &mut self,
        command: &str,
        doing: &str,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, InfrastructureFault> {
        self.open()?;
        let line = format!("{command}\r");
        self.port.ask(line.as_bytes(), doing, |received| answer(command, received, &read))
    }
}

impl Line for Numato {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        if self.port.open()? {
            // Whatever an earlier program left of a command is no part of the first one of ours.
            self.port.ask(b"\r", "waiting for its prompt", prompt)?;
        }
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        let doing = format!("switching channel {channel} {}", word(on));
        let command = format!("relay {} {}", word(on), spelling(channel, self.channels));
        self.ask(&command, &doing, |text| text.is_empty().then_some(()))?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let command = format!("relay read {}", spelling(channel, self.channels));
        self.ask(&command, &format!("asking for channel {channel}"), position).map(Some)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        // One that is gone is closed by this, and opened anew: it may have been plugged in again.
        let _ = self.port.present();
        self.open()
    }

    fn spacing(&self) -> Duration {
        SPACING
    }
}

/// A relay of a module with so many: one hexadecimal digit up to 16, digits and letters up to 32, else two decimals.
fn spelling(channel: NonZeroU8, channels: u8) -> String {
    let relay = channel.get() - 1;
    match channels {
        0..=16 => format!("{relay:x}"),
        17..=32 => char::from_digit(u32::from(relay), 36).map_or_else(String::new, |c| c.to_ascii_uppercase().into()),
        33.. => format!("{relay:02}"),
    }
}

/// The text that was asked for, once the prompt is there again.
fn answer<T>(command: &str, received: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Heard<T> {
    let rest = match received.strip_prefix(command.as_bytes()) {
        Some(rest) => rest,
        None if command.as_bytes().starts_with(received) => return Heard::Part,
        None => return Heard::Garbage,
    };
    match rest.strip_suffix(PROMPT) {
        // Without text, what ends the repeated command is what ends the answer.
        Some(text) => {
            let text = if text.is_empty() { Some(text) } else { text.strip_prefix(b"\n\r") };
            text.and_then(read).map_or(Heard::Garbage, Heard::Whole)
        }
        None if rest.len() > LONGEST || !rest.is_ascii() || rest.contains(&b'>') => Heard::Garbage,
        None => Heard::Part,
    }
}

fn position(text: &[u8]) -> Option<bool> {
    match text {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}

/// A prompt, whatever stands before it.
fn prompt(received: &[u8]) -> Heard<()> {
    match received.last() {
        Some(b'>') => Heard::Whole(()),
        _ if received.len() > 4 * LONGEST => Heard::Garbage,
        _ => Heard::Part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, 1, "0")]
    #[case(8, 8, "7")]
    #[case(11, 16, "a")]
    #[case(16, 16, "f")]
    #[case(10, 32, "9")]
    #[case(11, 32, "A")]
    #[case(32, 32, "V")]
    #[case(1, 64, "00")]
    #[case(32, 64, "31")]
    #[case(64, 64, "63")]
    fn a_relay_is_spelt_as_modules_of_its_size_want_it(#[case] channel: u8, #[case] channels: u8, #[case] spelt: &str) {
        assert_eq!(spelling(NonZeroU8::new(channel).expect("from 1"), channels), spelt);
    }

    #[rstest]
    #[case::on(b"relay read 0\n\ron\n\r>", Heard::Whole(true))]
    #[case::off(b"relay read 0\n\roff\n\r>", Heard::Whole(false))]
    #[case::nothing(b"", Heard::Part)]
    #[case::repeated(b"relay read 0\n\r", Heard::Part)]
    #[case::no_prompt(b"relay read 0\n\ron\n\r", Heard::Part)]
    #[case::nothing_said(b"relay read 0\n\r>", Heard::Garbage)]
    #[case::other_words(b"relay read 0\n\rmaybe\n\r>", Heard::Garbage)]
    #[case::no_line(b"relay read 0on\n\r>", Heard::Garbage)]
    #[case::another_command(b"relay read 1\n\ron\n\r>", Heard::Garbage)]
    #[case::more(b"relay read 0\n\ron\n\r>x", Heard::Garbage)]
    #[case::bytes(&[0xA0, 1, 0, 0xA1], Heard::Garbage)]
    fn the_text_between_command_and_prompt_is_the_answer(#[case] received: &[u8], #[case] heard: Heard<bool>) {
        assert_eq!(answer("relay read 0", received, position), heard);
    }

    #[rstest]
    #[case(b"relay on a\n\r>", Heard::Whole(()))]
    #[case(b"relay on a\n\r", Heard::Part)]
    #[case(b"relay on a\n\rinvalid\n\r>", Heard::Garbage)]
    fn an_order_is_answered_without_text(#[case] received: &[u8], #[case] heard: Heard<()>) {
        assert_eq!(answer("relay on a", received, |text| text.is_empty().then_some(())), heard);
    }

    #[rstest]
    #[case(b"\n\r>", Heard::Whole(()))]
    #[case(b"rel\n\rcommand error\n\r>", Heard::Whole(()))]
    #[case(b"\n\r", Heard::Part)]
    fn a_prompt_is_a_prompt_whatever_stands_before(#[case] received: &[u8], #[case] heard: Heard<()>) {
        assert_eq!(prompt(received), heard);
    }

    proptest! {
        #[test]
        fn an_answer_is_understood_when_all_of_it_is_there_and_not_sooner(channel in 1..=64_u8, on: bool) {
            let command = format!("relay read {}", spelling(NonZeroU8::new(channel).expect("from 1"), 64));
            let bytes = format!("{command}\n\r{}\n\r>", word(on)).into_bytes();
            for end in 0..bytes.len() {
                prop_assert_eq!(answer(&command, &bytes[..end], position), Heard::Part);
            }
            prop_assert_eq!(answer(&command, &bytes, position), Heard::Whole(on));
        }

        #[test]
        fn whatever_is_received_is_read(received in prop::collection::vec(any::<u8>(), 0..300), channels: u8, channel in 1..=u8::MAX) {
            let _ = answer("relay read 0", &received, position);
            let _ = prompt(&received);
            let _ = spelling(NonZeroU8::new(channel).expect("from 1"), channels);
        }
    }
}
