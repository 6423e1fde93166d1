//! The protocol of LCUS relay boards: `A0 channel operation sum` at 9600 baud, 8N1.
//!
//! The name covers four firmwares. All of them switch by the same orders, which none of them answers; they differ in how
//! they tell the position of a coil, if they tell it at all. A question of one is an order of another kind of board, so
//! the rig document says which firmware it is, and nothing is tried out.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{
    document::{self, LcusReports},
    trial::InfrastructureFault,
};

use crate::power::{
    line::Line,
    port::{Heard, Port},
    word,
};

/// Bits a second.
const BAUD: u32 = 9_600;
/// Boards lose an order that follows the one before too soon.
const SPACING: Duration = Duration::from_millis(50);
/// Length of an order, and of a report in frames.
const LENGTH: usize = 4;

const HEAD: u8 = 0xA0;
const ASK: u8 = 0x05;
const ASK_ALL: u8 = 0xFF;
/// `CH64:OFF`, CR and LF with the blank before them.
const LONGEST_LINE: usize = 11;

/// A board, and what it tells.
pub(super) struct Lcus {
    port: Port,
    reports: Option<LcusReports>,
    channels: u8,
}

impl Lcus {
    pub(super) fn new(member: &str, document: &document::Lcus, channels: u8) -> Self {
        let port = Port::new(member, document.port(), BAUD, "`reports` and `channels`");
        Self { port, reports: document.reports, channels }
    }
}

impl Line for Lcus {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        self.port.open().map(drop)
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        self.port.tell(&switch(channel, on), &format!("switching channel {channel} {}", word(on)))?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let Some(reports) = self.reports else { return Ok(None) };
        let channels = self.channels;
        let read = |received: &[u8]| report(reports, channel, channels, received);
        self.port.ask(&ask(reports, channel), &format!("asking for channel {channel}"), read).map(Some)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.port.alive()
    }

    fn spacing(&self) -> Duration {
        SPACING
    }
}

/// The order that switches a channel, counted from 1.
const fn switch(channel: NonZeroU8, on: bool) -> [u8; LENGTH] {
    frame(channel.get(), on as u8)
}

const fn frame(channel: u8, operation: u8) -> [u8; LENGTH] {
    [HEAD, channel, operation, HEAD.wrapping_add(channel).wrapping_add(operation)]
}

/// The question for the position of a channel.
fn ask(reports: LcusReports, channel: NonZeroU8) -> Vec<u8> {
    match reports {
        LcusReports::Frames => frame(channel.get(), ASK).to_vec(),
        LcusReports::Text | LcusReports::Bytes => vec![ASK_ALL],
    }
}

/// Reads the answer to [`ask`], as far as it was received; the board has `channels`.
fn report(reports: LcusReports, channel: NonZeroU8, channels: u8, received: &[u8]) -> Heard<bool> {
    match reports {
        LcusReports::Frames => of_frames(channel.get(), received),
        LcusReports::Text => of_text(channel.get(), channels, received),
        LcusReports::Bytes => of_bytes(channel.get(), channels, received),
    }
}

fn of_frames(channel: u8, received: &[u8]) -> Heard<bool> {
    let states = [false, true];
    match states.into_iter().find(|&on| frame(channel, u8::from(on)) == received) {
        Some(on) => Heard::Whole(on),
        None if states.into_iter().any(|on| frame(channel, u8::from(on)).starts_with(received)) => Heard::Part,
        None => Heard::Garbage,
    }
}

fn of_bytes(channel: u8, channels: u8, received: &[u8]) -> Heard<bool> {
    let sound = received.len() <= usize::from(channels) && received.iter().all(|&byte| byte <= 1);
    match received.get(usize::from(channel) - 1) {
        _ if !sound => Heard::Garbage,
        // All of it, or what comes later would be taken for the answer to the next question.
        Some(&position) if received.len() == usize::from(channels) => Heard::Whole(position == 1),
        _ => Heard::Part,
    }
}

/// One line for each channel: `CH1:OFF` or `CH1:ON`.
fn of_text(channel: u8, channels: u8, received: &[u8]) -> Heard<bool> {
    let mut position = None;
    let mut lines = received.split(|&byte| byte == b'\n');
    // What stands behind the last end of line is not all of a line yet.
    let rest = lines.next_back().unwrap_or_default();
    let mut number = 0_u8;
    for line in lines {
        number = number.saturating_add(1);
        let of_line = line.trim_ascii_end().strip_prefix(format!("CH{number}:").as_bytes());
        let on = match of_line {
            Some(b"ON") => true,
            Some(b"OFF") => false,
            _ => return Heard::Garbage,
        };
        if number == channel {
            position = Some(on);
        }
    }
    match position {
        _ if number > channels || rest.len() > LONGEST_LINE || !rest.is_ascii() => Heard::Garbage,
        Some(on) if number == channels && rest.is_empty() => Heard::Whole(on),
        _ if number == channels => Heard::Garbage,
        _ => Heard::Part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LcusReports::{Bytes, Frames, Text};
    use proptest::prelude::*;
    use rstest::rstest;

    const OFF: Heard<bool> = Heard::Whole(false);
    const ON: Heard<bool> = Heard::Whole(true);

    fn number(channel: u8) -> NonZeroU8 {
        NonZeroU8::new(channel).expect("from 1")
    }

    #[rstest]
    #[case(1, false, [0xA0, 1, 0, 0xA1])]
    #[case(1, true, [0xA0, 1, 1, 0xA2])]
    #[case(2, false, [0xA0, 2, 0, 0xA2])]
    #[case(2, true, [0xA0, 2, 1, 0xA3])]
    #[case(8, false, [0xA0, 8, 0, 0xA8])]
    #[case(8, true, [0xA0, 8, 1, 0xA9])]
    // The sum is kept in one byte.
    #[case(0x60, true, [0xA0, 0x60, 1, 0x01])]
    fn orders_are_those_of_the_vendors_table(#[case] channel: u8, #[case] on: bool, #[case] bytes: [u8; 4]) {
        assert_eq!(switch(number(channel), on), bytes);
    }

    #[rstest]
    #[case(Frames, 1, &[0xA0, 1, 5, 0xA6])]
    #[case(Frames, 2, &[0xA0, 2, 5, 0xA7])]
    #[case(Text, 2, &[0xFF])]
    #[case(Bytes, 2, &[0xFF])]
    fn questions_are_those_of_the_vendors_table(
        #[case] reports: LcusReports,
        #[case] channel: u8,
        #[case] bytes: &[u8],
    ) {
        assert_eq!(ask(reports, number(channel)), bytes);
    }

    #[rstest]
    #[case::off(Frames, 1, &[0xA0, 1, 0, 0xA1], OFF)]
    #[case::on(Frames, 1, &[0xA0, 1, 1, 0xA2], ON)]
    #[case::of_another_channel(Frames, 1, &[0xA0, 2, 1, 0xA3], Heard::Garbage)]
    #[case::wrong_sum(Frames, 1, &[0xA0, 1, 1, 0xA3], Heard::Garbage)]
    #[case::an_order(Frames, 1, &[0xA0, 1, 2, 0xA3], Heard::Garbage)]
    #[case::too_long(Frames, 1, &[0xA0, 1, 0, 0xA1, 0], Heard::Garbage)]
    #[case::half(Frames, 1, &[0xA0, 1], Heard::Part)]
    #[case::nothing(Frames, 1, &[], Heard::Part)]
    #[case::off(Text, 1, b"CH1:OFF \r\nCH2:ON \r\n", OFF)]
    #[case::on(Text, 2, b"CH1:OFF \r\nCH2:ON \r\n", ON)]
    #[case::without_blanks(Text, 2, b"CH1:OFF\r\nCH2:ON\r\n", ON)]
    #[case::half_a_line(Text, 1, b"CH1:OFF \r\nCH2:O", Heard::Part)]
    #[case::without_its_end(Text, 2, b"CH1:OFF \r\nCH2:ON", Heard::Part)]
    #[case::another_order(Text, 1, b"CH2:OFF \r\nCH1:ON \r\n", Heard::Garbage)]
    #[case::more_channels(Text, 1, b"CH1:OFF \r\nCH2:ON \r\nCH3:ON \r\n", Heard::Garbage)]
    #[case::more_text(Text, 1, b"CH1:OFF \r\nCH2:ON \r\nC", Heard::Garbage)]
    #[case::no_line_ends(Text, 1, b"CH1:OFFCH2:ONCH3", Heard::Garbage)]
    #[case::other_words(Text, 1, b"READY\r\n", Heard::Garbage)]
    #[case::off(Bytes, 1, &[0, 1], OFF)]
    #[case::on(Bytes, 2, &[0, 1], ON)]
    #[case::half(Bytes, 1, &[1], Heard::Part)]
    #[case::more_channels(Bytes, 1, &[0, 1, 0], Heard::Garbage)]
    #[case::text(Bytes, 1, b"CH", Heard::Garbage)]
    fn reports_are_told_from_parts_and_garbage(
        #[case] reports: LcusReports,
        #[case] channel: u8,
        #[case] received: &[u8],
        #[case] expected: Heard<bool>,
    ) {
        assert_eq!(report(reports, number(channel), 2, received), expected);
    }

    fn whole(reports: LcusReports, channel: u8, positions: &[bool]) -> Vec<u8> {
        match reports {
            Frames => frame(channel, u8::from(positions[usize::from(channel) - 1])).to_vec(),
            Bytes => positions.iter().map(|&on| u8::from(on)).collect(),
            Text => {
                let line = |(at, on): (usize, &bool)| format!("CH{}:{} \r\n", at + 1, if *on { "ON" } else { "OFF" });
                positions.iter().enumerate().map(line).collect::<String>().into_bytes()
            }
        }
    }

    proptest! {
        #[test]
        fn an_answer_is_understood_when_all_of_it_is_there_and_not_sooner(
            positions in prop::collection::vec(any::<bool>(), 1..=64),
            seed in any::<prop::sample::Index>(),
            reports in prop::sample::select(vec![Frames, Text, Bytes]),
        ) {
            let (channels, place) = (positions.len() as u8, seed.index(positions.len()));
            let channel = number(place as u8 + 1);
            let bytes = whole(reports, channel.get(), &positions);
            for end in 0..bytes.len() {
                prop_assert_eq!(report(reports, channel, channels, &bytes[..end]), Heard::Part);
            }
            prop_assert_eq!(report(reports, channel, channels, &bytes), Heard::Whole(positions[place]));
        }

        #[test]
        fn whatever_is_received_is_read(
            received in prop::collection::vec(any::<u8>(), 0..80),
            channel in 1..=u8::MAX,
            channels in any::<u8>(),
            reports in prop::sample::select(vec![Frames, Text, Bytes]),
        ) {
            let _ = report(reports, number(channel), channels, &received);
        }
    }
}
