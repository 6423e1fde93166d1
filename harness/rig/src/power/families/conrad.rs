//! The protocol of the relay cards 197720 and 197730 of Conrad: frames of four bytes, `command address data xor`, at 19200 baud,
//! 8N1. Cards are chained behind one port, and count from 1 along the chain, as their channels do here: 9 is the first of the
//! second card.
//!
//! A card answers with `FF - command`, its own address and its positions. It takes nothing before it was given an address.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::power::{
    line::{Line, OWN_SUPPLY},
    port::{Heard, Port},
    word,
};

const BAUD: u32 = 19_200;
const SPACING: Duration = Duration::from_millis(50);
const LENGTH: usize = 4;
/// The relays of a card.
const RELAYS: u8 = 8;
const INIT: u8 = 1;
const POSITIONS: u8 = 2;
const ON: u8 = 6;
const OFF: u8 = 7;
/// How long is waited for a frame between two bytes that are to bring cards back into step.
const IN_STEP: Duration = Duration::from_millis(100);
/// After so many bytes every card has a whole frame, whatever it had before.
const BYTES: usize = LENGTH;

/// A chain of cards.
pub(super) struct Conrad {
    port: Port,
    cards: u8,
}

impl Conrad {
    pub(super) fn new(member: &str, document: &document::Conrad, channels: u8) -> Self {
        Self { port: Port::new(member, document.port(), BAUD, "`channels`"), cards: channels.div_ceil(RELAYS) }
    }

    /// Brings the cards into step, and has them count themselves.
    fn begin(&mut self) -> Result<(), InfrastructureFault> {
        let mut in_step = Err(self.port.fault("it was not asked"));
        for _ in 0..BYTES {
            in_step = self.port.ask_within(IN_STEP, &[0], "waiting for a whole frame", first);
            if in_step.is_ok() {
                break;
            }
        }
        in_step?;
        let cards = self.cards;
        self.port.ask(&frame(INIT, 1, 0), "having the cards count themselves", |received| counted(cards, received))
    }

    fn ask(&mut self, command: u8, card: u8, data: u8, doing: &str) -> Result<u8, InfrastructureFault> {
        self.open()?;
        let told = self.port.ask(&frame(command, card, data), doing, |received| answer(command, card, received));
        if told.is_err() {
            // Nobody knows where in a frame the cards are: opening brings them into step.
            self.port.close();
        }
        told
    }

    fn place(&self, channel: NonZeroU8) -> Result<(u8, u8), InfrastructureFault> {
        let (card, bit) = place(channel);
        if card > self.cards {
            return Err(self.port.fault(format!("there is no channel {channel} on {} cards", self.cards)));
        }
        Ok((card, bit))
    }
}

impl Line for Conrad {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        if self.port.open()? {
            let begun = self.begin();
            if begun.is_err() {
                self.port.close();
            }
            return begun;
        }
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        let (card, bit) = self.place(channel)?;
        self.ask(if on { ON } else { OFF }, card, bit, &format!("switching channel {channel} {}", word(on)))?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let (card, bit) = self.place(channel)?;
        let told = self.ask(POSITIONS, card, 0, &format!("asking for channel {channel}"))?;
        Ok(Some(told & bit != 0))
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
        Some(OWN_SUPPLY)
    }
}

/// The card of a channel, and the bit that it has there.
fn place(channel: NonZeroU8) -> (u8, u8) {
    let place = channel.get() - 1;
    (place / RELAYS + 1, 1 << (place % RELAYS))
}

const fn frame(command: u8, card: u8, data: u8) -> [u8; LENGTH] {
    [command, card, data, command ^ card ^ data]
}

fn is_whole([command, card, data, xor]: [u8; LENGTH]) -> bool {
    command ^ card ^ data == xor
}

/// Any whole frame.
fn first(received: &[u8]) -> Heard<()> {
    match received.first_chunk() {
        Some(&found) if is_whole(found) => Heard::Whole(()),
        Some(_) => Heard::Garbage,
        None => Heard::Part,
    }
}

/// A frame of every card, and the command, which has gone through all of them.
fn counted(cards: u8, received: &[u8]) -> Heard<()> {
    let (frames, rest) = received.as_chunks::<LENGTH>();
    let of_card = |frame: &[u8; LENGTH]| frame[0] == u8::MAX - INIT && (1..=cards).contains(&frame[1]);
    let sound = frames.iter().all(|frame| is_whole(*frame)) && frames.iter().take(usize::from(cards)).all(of_card);
    match frames.len().cmp(&(usize::from(cards) + 1)) {
        _ if !sound => Heard::Garbage,
        std::cmp::Ordering::Less => Heard::Part,
        std::cmp::Ordering::Equal if rest.is_empty() => Heard::Whole(()),
        _ => Heard::Garbage,
    }
}

/// What a card answers: its positions.
fn answer(command: u8, card: u8, received: &[u8]) -> Heard<u8> {
    let head = [u8::MAX - command, card];
    match <[u8; LENGTH]>::try_from(received) {
        Ok(found) if found.starts_with(&head) && is_whole(found) => Heard::Whole(found[2]),
        Err(_) if head.starts_with(received) || (received.len() < LENGTH && received.starts_with(&head)) => Heard::Part,
        _ => Heard::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(frame(INIT, 1, 0), [0x01, 0x01, 0x00, 0x00])]
    #[case(frame(POSITIONS, 1, 0), [0x02, 0x01, 0x00, 0x03])]
    #[case(frame(ON, 1, 1), [0x06, 0x01, 0x01, 0x06])]
    #[case(frame(OFF, 1, 1), [0x07, 0x01, 0x01, 0x07])]
    fn frames_are_those_of_the_manual(#[case] made: [u8; 4], #[case] bytes: [u8; 4]) {
        assert_eq!(made, bytes);
    }

    #[rstest]
    #[case(1, (1, 0x01))]
    #[case(8, (1, 0x80))]
    #[case(9, (2, 0x01))]
    #[case(64, (8, 0x80))]
    fn channels_count_along_the_chain(#[case] channel: u8, #[case] at: (u8, u8)) {
        assert_eq!(place(NonZeroU8::new(channel).expect("from 1")), at);
    }

    #[rstest]
    #[case::positions(POSITIONS, 1, &[0xFD, 0x01, 0x05, 0xF9], Heard::Whole(5))]
    #[case::on(ON, 2, &[0xF9, 0x02, 0x01, 0xFA], Heard::Whole(1))]
    #[case::off(OFF, 1, &[0xF8, 0x01, 0x00, 0xF9], Heard::Whole(0))]
    #[case::another_card(ON, 1, &[0xF9, 0x02, 0x01, 0xFA], Heard::Garbage)]
    #[case::another_command(ON, 1, &[0xF8, 0x01], Heard::Garbage)]
    #[case::wrong_sum(ON, 1, &[0xF9, 0x01, 0x01, 0xF8], Heard::Garbage)]
    #[case::more(ON, 1, &[0xF9, 0x01, 0x01, 0xF9, 0x00], Heard::Garbage)]
    #[case::half(ON, 1, &[0xF9, 0x01, 0x01], Heard::Part)]
    #[case::nothing(ON, 1, &[], Heard::Part)]
    fn a_card_answers_in_its_own_name(
        #[case] command: u8,
        #[case] card: u8,
        #[case] received: &[u8],
        #[case] heard: Heard<u8>,
    ) {
        assert_eq!(answer(command, card, received), heard);
    }

    const CARD_1: [u8; 4] = [0xFE, 0x01, 0x0A, 0xF5];
    const CARD_2: [u8; 4] = [0xFE, 0x02, 0x0A, 0xF6];
    const THROUGH: [u8; 4] = [0x01, 0x03, 0x00, 0x02];

    #[rstest]
    #[case::two(2, [CARD_1, CARD_2, THROUGH].concat(), Heard::Whole(()))]
    #[case::one_of_two(2, [CARD_1, THROUGH].concat(), Heard::Garbage)]
    #[case::two_of_one(1, [CARD_1, CARD_2, THROUGH].concat(), Heard::Garbage)]
    #[case::half(2, [CARD_1, CARD_2].concat(), Heard::Part)]
    #[case::wrong_sum(1, vec![0xFE, 0x01, 0x0A, 0xF4], Heard::Garbage)]
    fn cards_are_counted(#[case] cards: u8, #[case] received: Vec<u8>, #[case] heard: Heard<()>) {
        assert_eq!(counted(cards, &received), heard);
    }

    proptest! {
        #[test]
        fn an_answer_is_understood_when_all_of_it_is_there_and_not_sooner(
            command in 2..=8_u8, card in 1..=8_u8, state: u8, cards in 1..=8_u8,
        ) {
            let bytes = frame(0xFF - command, card, state);
            for end in 0..LENGTH {
                prop_assert_eq!(answer(command, card, &bytes[..end]), Heard::Part);
            }
            prop_assert_eq!(answer(command, card, &bytes), Heard::Whole(state));
            let mut all: Vec<u8> = (1..=cards).flat_map(|card| frame(0xFE, card, state)).collect();
            all.extend(frame(INIT, cards + 1, 0));
            for end in 0..all.len() {
                prop_assert_eq!(counted(cards, &all[..end]), Heard::Part);
            }
            prop_assert_eq!(counted(cards, &all), Heard::Whole(()));
        }

        #[test]
        fn whatever_is_received_is_read(received in prop::collection::vec(any::<u8>(), 0..40), command: u8, card: u8) {
            let _ = (answer(command, card, &received), counted(card, &received), first(&received));
        }
    }
}
