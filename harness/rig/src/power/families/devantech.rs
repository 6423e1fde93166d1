//! The protocol of Devantech's USB relay modules (USB-RLY and USB-OPTO-RLY): single bytes on a CDC ACM port whose baud rate
//! means nothing.
//!
//! Nothing frames a command: what a module does not know is dropped, and the bytes that were meant to follow it are commands
//! then. So the document says which model it is and what it can do beyond switching, the module's own id is held against that
//! before anything else is sent, and what the document does not state is never tried.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{
    document::{self, DevantechModel},
    trial::InfrastructureFault,
};

use crate::power::{
    line::{LATCHES, Line},
    port::{Heard, Port},
    word,
};

const BAUD: u32 = 9_600;
const SPACING: Duration = Duration::from_millis(50);

/// Which module it is: two bytes, its id and its firmware.
const WHICH: u8 = 0x5A;
/// All positions, in one byte.
const POSITIONS: u8 = 0x5B;
/// Its serial number, eight bytes.
const NUMBER: u8 = 0x38;
/// Switches on for a while: then the relay, and how long.
const PULSE: u8 = 0x5E;
/// What is added to a channel to switch it on or off.
const ON: u8 = 0x64;
const OFF: u8 = 0x6E;
/// Orders end at this channel: what follows means something else.
const CHANNELS: u8 = 8;
/// The unit in which pulses count.
const STEP: Duration = Duration::from_millis(10);

/// A module.
pub(super) struct Devantech {
    port: Port,
    document: document::Devantech,
}

impl Devantech {
    pub(super) fn new(member: &str, document: &document::Devantech) -> Self {
        let port = Port::new(member, document.port(), BAUD, "`model`");
        Self { port, document: document.clone() }
    }

    fn introduce(&mut self) -> Result<(), InfrastructureFault> {
        let model = self.document.model;
        let [id, firmware] = self.port.ask(&[WHICH], "asking which module it is", bytes::<2>)?;
        if let Some(due) = id_of(model).filter(|due| *due != id) {
            let what = format!("it is a module of the id {id} (firmware {firmware}), where {due} is due");
            return Err(self.port.fault(what).hint("correct `model` in the rig file, or plug the right board in"));
        }
        let Some(due) = self.document.number.clone() else { return Ok(()) };
        let number = self.port.ask(&[NUMBER], "asking for its serial number", bytes::<8>)?;
        let number = printed(&number);
        if number != due {
            let what = format!("it is the module of the serial number {number}, where {due} is due");
            return Err(self.port.fault(what).hint("correct `number` in the rig file, or plug the right board in"));
        }
        Ok(())
    }

    fn tell(&mut self, bytes: &[u8], doing: &str) -> Result<(), InfrastructureFault> {
        self.open()?;
        self.port.tell(bytes, doing)
    }

    fn channel(&self, channel: NonZeroU8) -> Result<u8, InfrastructureFault> {
        let there = Some(channel.get()).filter(|channel| *channel <= CHANNELS);
        there.ok_or_else(|| self.port.fault(format!("there is no channel {channel}; modules have at most {CHANNELS}")))
    }
}

impl Line for Devantech {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        if self.port.open()? {
            let known = self.introduce();
            if known.is_err() {
                // Nothing is said to it before it has said what it is.
                self.port.close();
            }
            return known;
        }
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        let order = switch(self.channel(channel)?, on);
        self.tell(&[order], &format!("switching channel {channel} {}", word(on)))?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let place = self.channel(channel)? - 1;
        self.open()?;
        let [mask] = self.port.ask(&[POSITIONS], &format!("asking for channel {channel}"), bytes::<1>)?;
        Ok(Some(mask >> place & 1 == 1))
    }

    fn pulse(&mut self, channel: NonZeroU8, held: Duration) -> Result<bool, InfrastructureFault> {
        let Some(steps) = steps(held).filter(|_| self.document.pulses) else { return Ok(false) };
        let order = pulse(self.channel(channel)?, steps);
        self.tell(&order, &format!("switching channel {channel} on for {} ms", held.as_millis()))?;
        Ok(true)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        // One that is gone is closed by this, and opened anew: it may have been plugged in again.
        let _ = self.port.present();
        self.open()
    }

    fn spacing(&self) -> Duration {
        SPACING
    }

    fn keeps(&self) -> Option<&'static str> {
        (self.document.model == DevantechModel::Rly16l).then_some(LATCHES)
    }
}

/// The id of a model, where one is published.
const fn id_of(model: DevantechModel) -> Option<u8> {
    match model {
        DevantechModel::Rly08 => Some(8),
        DevantechModel::Rly16 => Some(9),
        DevantechModel::Rly02 => Some(10),
        DevantechModel::Rly16l => Some(15),
        DevantechModel::Rly82 | DevantechModel::OptoRly88 | DevantechModel::OptoRly816 => None,
    }
}

const fn switch(channel: u8, on: bool) -> u8 {
    if on { ON + channel } else { OFF + channel }
}

fn pulse(channel: u8, steps: u16) -> [u8; 4] {
    let [high, low] = steps.to_be_bytes();
    [PULSE, channel, high, low]
}

/// How many steps a pulse of that length has, if it is some whole number of them that the module can count.
fn steps(held: Duration) -> Option<u16> {
    let steps = u16::try_from(held.as_nanos() / STEP.as_nanos()).ok()?;
    (steps > 0 && STEP * u32::from(steps) == held).then_some(steps)
}

/// An answer of so many bytes: any are possible.
fn bytes<const N: usize>(received: &[u8]) -> Heard<[u8; N]> {
    match <[u8; N]>::try_from(received) {
        Ok(answer) => Heard::Whole(answer),
        Err(_) if received.len() < N => Heard::Part,
        Err(_) => Heard::Garbage,
    }
}

/// A serial number as it is printed on the module: in characters, or in hexadecimal digits where it has others.
fn printed(number: &[u8; 8]) -> String {
    match str::from_utf8(number) {
        Ok(text) if number.iter().all(u8::is_ascii_graphic) => text.to_owned(),
        _ => number.iter().map(|byte| format!("{byte:02X}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, true, 0x65)]
    #[case(8, true, 0x6C)]
    #[case(1, false, 0x6F)]
    #[case(8, false, 0x76)]
    fn an_order_is_one_byte(#[case] channel: u8, #[case] on: bool, #[case] byte: u8) {
        assert_eq!(switch(channel, on), byte);
    }

    #[rstest]
    #[case(1, 500, Some([0x5E, 1, 0, 50]))]
    #[case(8, 5_200, Some([0x5E, 8, 0x02, 0x08]))]
    #[case(1, 655_350, Some([0x5E, 1, 0xFF, 0xFF]))]
    #[case::too_long(1, 655_360, None)]
    #[case::no_step(1, 255, None)]
    #[case::nothing(1, 0, None)]
    fn a_pulse_counts_hundredths_of_a_second(#[case] channel: u8, #[case] ms: u64, #[case] bytes: Option<[u8; 4]>) {
        assert_eq!(steps(Duration::from_millis(ms)).map(|steps| pulse(channel, steps)), bytes);
    }

    #[rstest]
    #[case(b"00001234", "00001234")]
    #[case(&[0, 0, 0, 0, 0, 1, 0xE2, 0x40], "000000000001E240")]
    fn a_serial_number_is_compared_as_it_is_printed(#[case] number: &[u8; 8], #[case] text: &str) {
        assert_eq!(printed(number), text);
    }

    proptest! {
        #[test]
        fn an_answer_is_understood_when_all_of_it_is_there_and_not_sooner(answer: [u8; 8], more: u8) {
            for end in 0..8 {
                prop_assert_eq!(bytes::<8>(&answer[..end]), Heard::Part);
            }
            prop_assert_eq!(bytes::<8>(&answer), Heard::Whole(answer));
            prop_assert_eq!(bytes::<8>(&[answer.as_slice(), &[more]].concat()), Heard::Garbage);
        }

        #[test]
        fn whatever_is_received_is_read(received in prop::collection::vec(any::<u8>(), 0..12)) {
            let _ = (bytes::<1>(&received), bytes::<2>(&received), bytes::<8>(&received));
        }

        #[test]
        fn no_order_is_another_command(channel in 1..=CHANNELS, on: bool) {
            prop_assert!((0x65..=0x6C).contains(&switch(channel, on)) == on);
            prop_assert!((0x6F..=0x76).contains(&switch(channel, on)) != on);
        }
    }
}
