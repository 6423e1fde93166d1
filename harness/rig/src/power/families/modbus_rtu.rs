//! The protocol of relay boards that speak Modbus RTU, such as those of Waveshare: `address function register value crc`, 8N1.
//!
//! Source: Modbus Application Protocol 1.1b3, functions 01 and 05, and Modbus over Serial Line 1.02, section 6.2.2 (CRC); the
//! registers that switch a relay on for a while are Waveshare's own. Such boards tell all of their relays at once and no part
//! of them. An order is answered by itself; that it was obeyed is what the coils say afterwards.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::power::{
    line::{Line, OWN_SUPPLY},
    port::{Heard, Port},
    word,
};

/// What boards want between two requests.
const SPACING: Duration = Duration::from_millis(50);
/// Length of a request, and of the answer to an order.
const LENGTH: usize = 8;
/// Length of a refusal.
const REFUSAL: usize = 5;
/// Added to the function that is refused.
const REFUSED: u8 = 0x80;

const READ_COILS: u8 = 0x01;
const WRITE_COIL: u8 = 0x05;
/// The first of the registers that time a pulse.
const PULSES: u16 = 0x0200;
/// The unit in which they count.
const STEP: Duration = Duration::from_millis(100);
/// The longest pulse that is asked for, in steps.
const LONGEST: u16 = 0x7FFF;

/// A board on a line of its own.
pub(super) struct ModbusRtu {
    port: Port,
    address: u8,
    channels: u8,
    pulses: bool,
}

impl ModbusRtu {
    pub(super) fn new(member: &str, document: &document::ModbusRtu, channels: u8) -> Self {
        let port = Port::new(member, document.port(), document.baud, "`address`, `baud` and `channels`");
        Self { port, address: document.address, channels, pulses: document.pulses }
    }

    fn order(&mut self, request: [u8; LENGTH], doing: &str) -> Result<(), InfrastructureFault> {
        let told = self.port.ask(&request, doing, |received| acknowledged(request, received))?;
        self.granted(told, doing)
    }

    fn granted<T>(&self, told: Result<T, u8>, doing: &str) -> Result<T, InfrastructureFault> {
        told.map_err(|code| {
            let what = format!("{doing}: the board refuses it with exception {code:02X} ({})", exception(code));
            self.port
                .fault(what)
                .hint("correct `channels` and `pulses` in the rig file: the board has no such relay or register")
        })
    }
}

impl Line for ModbusRtu {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        self.port.open().map(drop)
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        self.order(switch(self.address, channel, on), &format!("switching channel {channel} {}", word(on)))?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let (address, channels, doing) = (self.address, self.channels, format!("asking for channel {channel}"));
        let told = self.port.ask(&ask(address, channels), &doing, |received| coils(address, channels, received))?;
        let coils = self.granted(told, &doing)?;
        match coils.get(usize::from(channel.get()) - 1) {
            Some(&on) => Ok(Some(on)),
            None => Err(self.port.fault(format!("{doing}: it has {channels}"))),
        }
    }

    fn pulse(&mut self, channel: NonZeroU8, held: Duration) -> Result<bool, InfrastructureFault> {
        let Some(steps) = steps(held).filter(|_| self.pulses) else { return Ok(false) };
        let doing = format!("switching channel {channel} on for {} ms", held.as_millis());
        self.order(pulse(self.address, channel, steps), &doing)?;
        Ok(true)
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

/// How many steps a pulse of that length has, if it is some whole number of them that the board can count.
fn steps(held: Duration) -> Option<u16> {
    let steps = u16::try_from(held.as_nanos() / STEP.as_nanos()).ok()?;
    ((1..=LONGEST).contains(&steps) && STEP * u32::from(steps) == held).then_some(steps)
}

/// The order that switches a channel.
fn switch(address: u8, channel: NonZeroU8, on: bool) -> [u8; LENGTH] {
    frame(address, WRITE_COIL, u16::from(channel.get()) - 1, if on { 0xFF00 } else { 0 })
}

/// The order that switches a channel on for so many steps.
fn pulse(address: u8, channel: NonZeroU8, steps: u16) -> [u8; LENGTH] {
    frame(address, WRITE_COIL, PULSES + u16::from(channel.get()) - 1, steps)
}

/// The question for all positions.
fn ask(address: u8, channels: u8) -> [u8; LENGTH] {
    frame(address, READ_COILS, 0, u16::from(channels))
}

fn frame(address: u8, function: u8, register: u16, value: u16) -> [u8; LENGTH] {
    let ([r1, r0], [v1, v0]) = (register.to_be_bytes(), value.to_be_bytes());
    let body = [address, function, r1, r0, v1, v0];
    let [c0, c1] = crc(&body).to_le_bytes();
    [address, function, r1, r0, v1, v0, c0, c1]
}

/// CRC-16 of Modbus: polynomial A001 reflected, from FFFF.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    })
}

fn is_whole(frame: &[u8]) -> bool {
    let Some((body, sum)) = frame.split_last_chunk::<2>() else { return false };
    crc(body) == u16::from_le_bytes(*sum)
}

/// Whether an order is acknowledged, which its own bytes do, or refused with a code.
fn acknowledged(request: [u8; LENGTH], received: &[u8]) -> Heard<Result<(), u8>> {
    match refusal(request[0], request[1], received) {
        Some(heard) => heard.map(Err),
        None if received == request => Heard::Whole(Ok(())),
        None if request.starts_with(received) => Heard::Part,
        None => Heard::Garbage,
    }
}

/// The positions of all channels, or the code with which they are refused.
fn coils(address: u8, channels: u8, received: &[u8]) -> Heard<Result<Vec<bool>, u8>> {
    if let Some(heard) = refusal(address, READ_COILS, received) {
        return heard.map(Err);
    }
    let count = channels.div_ceil(8);
    let head = [address, READ_COILS, count];
    let length = head.len() + usize::from(count) + 2;
    match received.strip_prefix(&head) {
        _ if received.len() > length => Heard::Garbage,
        Some(rest) if received.len() == length && is_whole(received) => {
            let bit = |channel: u8| rest[usize::from(channel / 8)] >> (channel % 8) & 1 == 1;
            Heard::Whole(Ok((0..channels).map(bit).collect()))
        }
        Some(_) if received.len() < length => Heard::Part,
        None if head.starts_with(received) => Heard::Part,
        _ => Heard::Garbage,
    }
}

/// What begins as a refusal, as far as it was received.
fn refusal(address: u8, function: u8, received: &[u8]) -> Option<Heard<u8>> {
    let rest = received.strip_prefix(&[address, function | REFUSED])?;
    Some(match rest.first() {
        Some(&code) if received.len() == REFUSAL && is_whole(received) => Heard::Whole(code),
        _ if received.len() < REFUSAL => Heard::Part,
        _ => Heard::Garbage,
    })
}

/// What the standard calls it.
const fn exception(code: u8) -> &'static str {
    match code {
        1 => "illegal function",
        2 => "illegal data address",
        3 => "illegal data value",
        4 => "the device failed",
        6 => "the device is busy",
        _ => "of no standard meaning",
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

    // Frames of Waveshare's manual.
    #[rstest]
    #[case::on(switch(1, number(1), true), [0x01, 0x05, 0, 0, 0xFF, 0, 0x8C, 0x3A])]
    #[case::off(switch(1, number(1), false), [0x01, 0x05, 0, 0, 0, 0, 0xCD, 0xCA])]
    #[case::second_on(switch(1, number(2), true), [0x01, 0x05, 0, 1, 0xFF, 0, 0xDD, 0xFA])]
    #[case::second_off(switch(1, number(2), false), [0x01, 0x05, 0, 1, 0, 0, 0x9C, 0x0A])]
    #[case::all(ask(1, 8), [0x01, 0x01, 0, 0, 0, 8, 0x3D, 0xCC])]
    #[case::for_a_while(pulse(1, number(1), 7), [0x01, 0x05, 0x02, 0, 0, 7, 0x8D, 0xB0])]
    fn requests_are_those_of_the_manual(#[case] made: [u8; 8], #[case] bytes: [u8; 8]) {
        assert_eq!(made, bytes);
    }

    const ON: [u8; 8] = [0x01, 0x05, 0, 0, 0xFF, 0, 0x8C, 0x3A];

    #[rstest]
    #[case::itself(&ON, Heard::Whole(Ok(())))]
    #[case::nothing(&[], Heard::Part)]
    #[case::half(&ON[..7], Heard::Part)]
    #[case::another_channel(&[0x01, 0x05, 0, 1, 0xFF, 0, 0xDD, 0xFA], Heard::Garbage)]
    #[case::another_value(&[0x01, 0x05, 0, 0, 0, 0, 0xCD, 0xCA], Heard::Garbage)]
    #[case::more(&[0x01, 0x05, 0, 0, 0xFF, 0, 0x8C, 0x3A, 0], Heard::Garbage)]
    #[case::text(b"CH1:ON", Heard::Garbage)]
    // Exception 02 to function 05, as the standard has it; its CRC by the same rule.
    #[case::refused(&[0x01, 0x85, 0x02, 0xC3, 0x51], Heard::Whole(Err(2)))]
    #[case::half_refused(&[0x01, 0x85, 0x02], Heard::Part)]
    #[case::badly_refused(&[0x01, 0x85, 0x02, 0xC3, 0x50], Heard::Garbage)]
    fn an_order_is_acknowledged_by_itself(#[case] received: &[u8], #[case] heard: Heard<Result<(), u8>>) {
        assert_eq!(acknowledged(ON, received), heard);
    }

    #[rstest]
    // The manual's example: relays 0 and 6 are on.
    #[case(&[0x01, 0x01, 0x01, 0x41, 0x91, 0xB8], Heard::Whole(Ok(vec![true, false, false, false, false, false, true, false])))]
    #[case::wrong_sum(&[0x01, 0x01, 0x01, 0x41, 0x91, 0xB9], Heard::Garbage)]
    #[case::another_board(&[0x02, 0x01, 0x01, 0x41], Heard::Garbage)]
    #[case::another_count(&[0x01, 0x01, 0x02], Heard::Garbage)]
    #[case::half(&[0x01, 0x01, 0x01, 0x41], Heard::Part)]
    #[case::refused(&[0x01, 0x81, 0x02, 0xC1, 0x91], Heard::Whole(Err(2)))]
    fn positions_are_told_all_at_once(#[case] received: &[u8], #[case] heard: Heard<Result<Vec<bool>, u8>>) {
        assert_eq!(coils(1, 8, received), heard);
    }

    #[rstest]
    #[case(700, Some(7))]
    #[case(100, Some(1))]
    #[case(0, None)]
    #[case(50, None)]
    #[case(250, None)]
    #[case(3_276_700, Some(0x7FFF))]
    #[case(3_276_800, None)]
    fn a_pulse_is_exact_or_none(#[case] ms: u64, #[case] count: Option<u16>) {
        assert_eq!(steps(Duration::from_millis(ms)), count);
    }

    fn answer(address: u8, positions: &[bool]) -> Vec<u8> {
        let byte = |eight: &[bool]| eight.iter().rev().fold(0, |byte, &on| byte << 1 | u8::from(on));
        let mut bytes = vec![address, 1, positions.len().div_ceil(8) as u8];
        bytes.extend(positions.chunks(8).map(byte));
        bytes.extend(crc(&bytes).to_le_bytes());
        bytes
    }

    proptest! {
        #[test]
        fn an_answer_is_understood_when_all_of_it_is_there_and_not_sooner(
            address in 1..=247_u8,
            positions in prop::collection::vec(any::<bool>(), 1..=64),
        ) {
            let (channels, bytes) = (positions.len() as u8, answer(address, &positions));
            for end in 0..bytes.len() {
                prop_assert_eq!(coils(address, channels, &bytes[..end]), Heard::Part);
            }
            prop_assert_eq!(coils(address, channels, &bytes), Heard::Whole(Ok(positions)));
        }

        #[test]
        fn one_wrong_bit_is_no_answer(
            positions in prop::collection::vec(any::<bool>(), 1..=64),
            place in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            let mut bytes = answer(1, &positions);
            let place = place.index(bytes.len());
            bytes[place] ^= 1_u8 << bit;
            prop_assert!(!matches!(coils(1, positions.len() as u8, &bytes), Heard::Whole(_)));
        }

        #[test]
        fn whatever_is_received_is_read(
            received in prop::collection::vec(any::<u8>(), 0..20),
            address in any::<u8>(),
            channels in any::<u8>(),
        ) {
            let _ = coils(address, channels, &received);
            let _ = acknowledged(switch(address, NonZeroU8::MIN, true), &received);
        }
    }
}
