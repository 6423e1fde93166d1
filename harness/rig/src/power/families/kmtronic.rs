//! The protocol of KMTronic's USB relay boards: `FF channel operation` at 9600 baud, 8N1, without a checksum.
//!
//! Orders are not answered. Boards with one or two channels tell one position at a time, those with four or eight all of them
//! in answer to a question that is an order on a line with several boards: such lines are not for this family.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::power::{
    line::Line,
    port::{Heard, Port},
    word,
};

const BAUD: u32 = 9_600;
const SPACING: Duration = Duration::from_millis(50);
const HEAD: u8 = 0xFF;
const ASK: u8 = 0x03;
/// In place of a channel: all of them.
const ALL: u8 = 0x09;
/// Boards of up to so many channels tell one at a time.
const FEW: u8 = 2;
/// Boards at times answer in part, or not: a question does no harm when it is asked again.
const QUESTIONS: usize = 2;

/// A board.
pub(super) struct KmTronic {
    port: Port,
    channels: u8,
}

impl KmTronic {
    pub(super) fn new(member: &str, document: &document::KmTronic, channels: u8) -> Self {
        Self { port: Port::new(member, document.port(), BAUD, "`channels`"), channels }
    }
}

impl Line for KmTronic {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        self.port.open().map(drop)
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        self.port.tell(&switch(channel, on), &format!("switching channel {channel} {}", word(on)))?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let (channels, doing) = (self.channels, format!("asking for channel {channel}"));
        let mut told = Err(self.port.fault("it was not asked"));
        for _ in 0..QUESTIONS {
            told = self.port.ask(&ask(channel, channels), &doing, |received| position(channel, channels, received));
            if told.is_ok() {
                break;
            }
        }
        told.map(Some)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.port.alive()
    }

    fn spacing(&self) -> Duration {
        SPACING
    }
}

fn switch(channel: NonZeroU8, on: bool) -> [u8; 3] {
    [HEAD, channel.get(), u8::from(on)]
}

fn ask(channel: NonZeroU8, channels: u8) -> [u8; 3] {
    if channels <= FEW { [HEAD, channel.get(), ASK] } else { [HEAD, ALL, 0] }
}

/// The position of a channel, from the answer to [`ask`].
fn position(channel: NonZeroU8, channels: u8, received: &[u8]) -> Heard<bool> {
    let (head, states): (&[u8], _) =
        if channels <= FEW { (&[HEAD, channel.get()], 1) } else { (&[], usize::from(channels)) };
    let place = if channels <= FEW { 0 } else { usize::from(channel.get()) - 1 };
    match received.strip_prefix(head) {
        None if head.starts_with(received) => Heard::Part,
        None => Heard::Garbage,
        Some(rest) if rest.len() > states || rest.iter().any(|&state| state > 1) => Heard::Garbage,
        Some(rest) if rest.len() < states => Heard::Part,
        Some(rest) => rest.get(place).map_or(Heard::Garbage, |&state| Heard::Whole(state == 1)),
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
    #[case(switch(number(1), true), [0xFF, 1, 1])]
    #[case(switch(number(8), false), [0xFF, 8, 0])]
    #[case(ask(number(2), 2), [0xFF, 2, 3])]
    #[case(ask(number(1), 1), [0xFF, 1, 3])]
    #[case(ask(number(2), 4), [0xFF, 9, 0])]
    #[case(ask(number(2), 8), [0xFF, 9, 0])]
    fn bytes_are_those_of_the_vendors_list(#[case] made: [u8; 3], #[case] bytes: [u8; 3]) {
        assert_eq!(made, bytes);
    }

    #[rstest]
    #[case::on(2, 2, &[0xFF, 2, 1], Heard::Whole(true))]
    #[case::off(1, 2, &[0xFF, 1, 0], Heard::Whole(false))]
    #[case::of_another(1, 2, &[0xFF, 2, 0], Heard::Garbage)]
    #[case::half(1, 2, &[0xFF, 1], Heard::Part)]
    #[case::no_state(1, 2, &[0xFF, 1, 2], Heard::Garbage)]
    #[case::more(1, 2, &[0xFF, 1, 1, 1], Heard::Garbage)]
    #[case::one_of_four(3, 4, &[0, 0, 1, 0], Heard::Whole(true))]
    #[case::short(3, 4, &[0, 0, 1], Heard::Part)]
    #[case::eight_for_four(3, 4, &[0, 0, 1, 0, 0, 0, 0, 0], Heard::Garbage)]
    #[case::last_of_eight(8, 8, &[1, 1, 1, 1, 1, 1, 1, 0], Heard::Whole(false))]
    #[case::not_there(5, 4, &[0, 0, 0, 0], Heard::Garbage)]
    fn positions_are_told_in_two_ways(
        #[case] channel: u8,
        #[case] channels: u8,
        #[case] received: &[u8],
        #[case] heard: Heard<bool>,
    ) {
        assert_eq!(position(number(channel), channels, received), heard);
    }

    proptest! {
        #[test]
        fn an_answer_is_understood_when_all_of_it_is_there_and_not_sooner(
            positions in prop::sample::select(vec![1_usize, 2, 4, 8])
                .prop_flat_map(|channels| prop::collection::vec(any::<bool>(), channels)),
            place in any::<prop::sample::Index>(),
        ) {
            let (channels, place) = (positions.len() as u8, place.index(positions.len()));
            let channel = number(place as u8 + 1);
            let states: Vec<u8> = positions.iter().map(|&on| u8::from(on)).collect();
            let bytes = if channels <= 2 { vec![0xFF, channel.get(), states[place]] } else { states };
            for end in 0..bytes.len() {
                prop_assert_eq!(position(channel, channels, &bytes[..end]), Heard::Part);
            }
            prop_assert_eq!(position(channel, channels, &bytes), Heard::Whole(positions[place]));
        }

        #[test]
        fn whatever_is_received_is_read(
            received in prop::collection::vec(any::<u8>(), 0..12), channel in 1..=u8::MAX, channels: u8,
        ) {
            let _ = position(number(channel), channels, &received);
        }
    }
}
