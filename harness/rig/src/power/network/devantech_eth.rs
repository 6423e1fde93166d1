//! Relay boards of Devantech on the network: bytes over TCP, without frames and without a greeting.
//!
//! Source: libsigrok `devantech-eth008`, pdudaemon `devantech.py`, and the vendor's command tables. `20 n t` switches output n on
//! and `21 n t` off, for t tenths of a second or, with 0, for good, and is answered by `00`; `24` is answered by the mask of
//! all outputs, low byte first; `79` and the password by `01`. What it does not know it does not answer.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    num::NonZeroU8,
    time::{Duration, Instant},
};

use rigtone_model::{document, trial::InfrastructureFault};

use super::{
    client::{Trouble, late, not_reached, reach},
    secret,
};
use crate::power::{
    line::{Line, OWN_SUPPLY},
    word,
};

/// Where it listens.
const PORT: u16 = 17_494;
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(1);

const ON: u8 = 0x20;
const OFF: u8 = 0x21;
const ASK: u8 = 0x24;
const LOGIN: u8 = 0x79;
const DONE: u8 = 0x00;
const LOGGED_IN: u8 = 0x01;

/// The order that switches an output, for good.
const fn switch(channel: NonZeroU8, on: bool) -> [u8; 3] {
    [if on { ON } else { OFF }, channel.get(), 0]
}

/// The order that switches an output on for a while; none for what is no number of tenths of a second that it can count.
fn pulse(channel: NonZeroU8, held: Duration) -> Option<[u8; 3]> {
    let ms = held.as_millis();
    let tenths = u8::try_from(ms / 100).ok().filter(|&tenths| tenths > 0)?;
    (Duration::from_millis(u64::from(tenths) * 100) == held).then_some([ON, channel.get(), tenths])
}

/// How many bytes the positions of so many outputs have.
const fn width(channels: u8) -> usize {
    channels.div_ceil(8) as usize
}

/// Whether an output is on, by the positions of all; none when it is beyond them.
fn is_on(mask: &[u8], channel: NonZeroU8) -> Option<bool> {
    let place = channel.get() - 1;
    mask.get(usize::from(place / 8)).map(|byte| byte >> (place % 8) & 1 == 1)
}

/// The conversation with such a board: a connection for each order, since nothing tells where an answer ends.
pub(crate) struct DevantechEth {
    member: String,
    document: document::DevantechEth,
    channels: u8,
    address: String,
}

impl DevantechEth {
    pub(crate) fn new(member: &str, document: &document::DevantechEth, channels: u8) -> Self {
        let address = super::with_port(&document.host, PORT);
        Self { member: member.to_owned(), document: document.clone(), channels, address }
    }

    fn connected<T>(
        &self,
        doing: &str,
        talk: impl FnOnce(&mut TcpStream) -> Result<T, Trouble>,
    ) -> Result<T, InfrastructureFault> {
        let talked = || {
            let mut stream = reach(&self.address, ANSWER)?;
            // Three bytes shall not wait for more.
            stream.set_nodelay(true).map_err(|error| not_reached(&self.address, &error))?;
            if let Some(password) = &self.document.password {
                let order = [&[LOGIN], secret::read(password)?.as_bytes()].concat();
                let [answer] = self.ask(&mut stream, &order)?;
                if answer != LOGGED_IN {
                    let what = format!("{}: it refused the password with {answer:02X}", self.address);
                    return Err(Trouble::new(what, "check the password"));
                }
            }
            talk(&mut stream)
        };
        talked().map_err(|trouble| trouble.into_fault(&self.member, doing))
    }

    fn ask<const N: usize>(&self, stream: &mut TcpStream, order: &[u8]) -> Result<[u8; N], Trouble> {
        let mut answer = [0; N];
        self.read(stream, order, &mut answer)?;
        Ok(answer)
    }

    fn read(&self, stream: &mut TcpStream, order: &[u8], answer: &mut [u8]) -> Result<(), Trouble> {
        let failed = |error: io::Error| not_reached(&self.address, &error);
        let end = Instant::now() + ANSWER;
        stream.set_write_timeout(Some(ANSWER)).and_then(|()| stream.write_all(order)).map_err(failed)?;
        let mut have = 0;
        while have < answer.len() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.silent(order, have));
            }
            match stream.set_read_timeout(Some(left)).and_then(|()| stream.read(&mut answer[have..])) {
                Ok(0) => return Err(failed(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => have += count,
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Err(self.silent(order, have));
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Ok(())
    }

    /// A board that wants a password answers nothing else, and none answers what it does not know.
    fn silent(&self, order: &[u8], have: usize) -> Trouble {
        if have > 0 {
            let what = format!("{}: half an answer, of {have} bytes", self.address);
            return Trouble::new(
                what,
                "check `channels` in the rig file: the board answers as many bytes as it has relays",
            );
        }
        let trouble = late(&self.address, ANSWER);
        let order = order.first().copied().unwrap_or_default();
        let what = format!("{} to the order {order:02X}", trouble.what);
        Trouble::new(what, "check that it is such a board, and whether it wants a `password`")
    }

    fn positions(&self, stream: &mut TcpStream) -> Result<Vec<u8>, Trouble> {
        let mut mask = vec![0; width(self.channels)];
        self.read(stream, &[ASK], &mut mask)?;
        Ok(mask)
    }

    fn order(&self, stream: &mut TcpStream, order: [u8; 3]) -> Result<(), Trouble> {
        match self.ask(stream, &order)? {
            [DONE] => Ok(()),
            [other] => {
                let what = format!("{}: it answered {other:02X}, which is no acknowledgement", self.address);
                Err(Trouble::new(what, "check that the board has this channel"))
            }
        }
    }
}

impl Line for DevantechEth {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        // Five at once may be connected: nobody is kept out longer than an order takes.
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        self.connected(&format!("switching channel {channel} {}", word(on)), |stream| {
            self.order(stream, switch(channel, on))?;
            // Others may switch it too: only what it says now is known.
            Ok(is_on(&self.positions(stream)?, channel))
        })
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let mask = self.connected(&format!("asking for channel {channel}"), |stream| self.positions(stream))?;
        Ok(is_on(&mask, channel))
    }

    fn pulse(&mut self, channel: NonZeroU8, held: Duration) -> Result<bool, InfrastructureFault> {
        let Some(order) = pulse(channel, held) else { return Ok(false) };
        self.connected(&format!("holding channel {channel}"), |stream| self.order(stream, order)).map(|()| true)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.connected("looking for it", |stream| self.positions(stream)).map(drop)
    }

    fn spacing(&self) -> Duration {
        Duration::from_millis(20)
    }

    fn keeps(&self) -> Option<&'static str> {
        Some(OWN_SUPPLY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::fake::{Bytes, number};
    use proptest::prelude::*;
    use rigtone_model::document::Secret;
    use rstest::rstest;
    use std::sync::{Arc, Mutex};

    #[test]
    fn orders_are_those_of_the_vendors_table() {
        assert_eq!(switch(number(1), true), [0x20, 1, 0]);
        assert_eq!(switch(number(20), false), [0x21, 20, 0]);
    }

    #[rstest]
    #[case(100, Some([0x20, 3, 1]))]
    #[case(2_500, Some([0x20, 3, 25]))]
    #[case(25_500, Some([0x20, 3, 255]))]
    #[case(25_600, None)]
    #[case(50, None)]
    #[case(150, None)]
    #[case(0, None)]
    fn it_counts_tenths_of_a_second(#[case] ms: u64, #[case] due: Option<[u8; 3]>) {
        assert_eq!(pulse(number(3), Duration::from_millis(ms)), due);
    }

    #[rstest]
    #[case(&[0b0000_0010], 2, Some(true))]
    #[case(&[0b0000_0010], 1, Some(false))]
    #[case(&[0, 0, 0b1000], 20, Some(true))]
    #[case(&[0xFF], 9, None)]
    #[case(&[], 1, None)]
    fn the_low_byte_comes_first(#[case] mask: &[u8], #[case] channel: u8, #[case] due: Option<bool>) {
        assert_eq!(is_on(mask, number(channel)), due);
    }

    proptest! {
        #[test]
        fn as_many_bytes_come_as_its_channels_need(channels in 1..=64_u8, channel in 1..=64_u8) {
            let known = is_on(&vec![0xFF; width(channels)], number(channel));
            prop_assert!(known == Some(true) || channel > channels);
        }
    }

    /// A board with 20 relays, as the table has it.
    fn board(password: Option<&'static str>, relays: Arc<Mutex<[bool; 20]>>) -> Bytes {
        Bytes::serve(move |read, write| {
            let mut open = password.is_none();
            let mut take = |count: usize| -> Option<Vec<u8>> {
                let mut bytes = vec![0; count];
                read.read_exact(&mut bytes).ok().map(|()| bytes)
            };
            while let Some(head) = take(1) {
                let answer = match (head[0], open) {
                    (LOGIN, _) => {
                        let due = password.unwrap_or_default();
                        let said = take(due.len());
                        open = said.as_deref() == Some(due.as_bytes());
                        vec![u8::from(open)]
                    }
                    (ON | OFF, true) => {
                        let Some(rest) = take(2) else { return };
                        relays.lock().expect("a lock")[usize::from(rest[0]) - 1] = head[0] == ON;
                        vec![DONE]
                    }
                    (ASK, true) => {
                        let relays = relays.lock().expect("a lock");
                        let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &on| byte << 1 | u8::from(on));
                        relays.chunks(8).map(byte).collect()
                    }
                    _ => Vec::new(),
                };
                if write.write_all(&answer).is_err() {
                    return;
                }
            }
        })
    }

    fn line(host: &str, password: Option<Secret>) -> DevantechEth {
        let document = document::DevantechEth { host: host.to_owned(), password };
        DevantechEth::new("relay eth", &document, 20)
    }

    #[test]
    fn a_board_is_switched_and_asked() {
        let relays = Arc::new(Mutex::new([false; 20]));
        let board = board(None, relays.clone());
        let mut line = line(board.host(), None);
        assert_eq!(line.switch(number(20), true), Ok(Some(true)));
        assert!(relays.lock().expect("a lock")[19]);
        assert_eq!(line.position(number(20)), Ok(Some(true)));
        assert_eq!(line.position(number(1)), Ok(Some(false)));
        assert_eq!(line.switch(number(20), false), Ok(Some(false)));
        assert_eq!(line.pulse(number(2), Duration::from_secs(2)), Ok(true));
        assert_eq!((line.alive(), line.keeps().is_some()), (Ok(()), true));
    }

    #[test]
    fn a_password_opens_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = |text: &str| {
            let path = folder.path().join(text);
            std::fs::write(&path, text).expect("written");
            Some(Secret::from_file(&path.display().to_string()))
        };
        let board = board(Some("geheim"), Arc::default());
        assert_eq!(line(board.host(), secret("geheim")).switch(number(1), true), Ok(Some(true)));
        let fault = line(board.host(), secret("falsch")).switch(number(1), true).expect_err("refused");
        assert!(fault.what.contains("refused the password") && !format!("{fault:?}").contains("falsch"), "{fault:?}");
        let fault = line(board.host(), None).alive().expect_err("no answer without it");
        assert!(fault.hint.as_deref().is_some_and(|hint| hint.contains("`password`")), "{fault:?}");
    }

    #[rstest]
    #[case::nothing(&[], "no whole answer within 1 s to the order 24")]
    #[case::half(&[1, 0], "half an answer, of 2 bytes")]
    fn a_board_that_does_not_answer_is_the_rigs_fault(#[case] answer: &'static [u8], #[case] said: &str) {
        let board = Bytes::serve(move |read, write| {
            let _ = read.read_exact(&mut [0]).and_then(|()| write.write_all(answer));
            // It stays connected.
            let _ = read.read_exact(&mut [0]);
        });
        let fault = line(board.host(), None).alive().expect_err("no answer");
        assert!(fault.what.contains(said) && fault.hint.is_some(), "{fault:?}");
    }

    #[test]
    fn what_it_refuses_and_where_nobody_listens_is_said() {
        let board = Bytes::serve(|read, write| {
            let _ = read.read_exact(&mut [0; 3]).and_then(|()| write.write_all(&[1]));
        });
        let fault = line(board.host(), None).switch(number(1), true).expect_err("refused");
        assert!(fault.what.contains("answered 01, which is no acknowledgement"), "{fault:?}");
        let host = board.host().to_owned();
        drop(board);
        let fault = line(&host, None).alive().expect_err("nobody");
        assert!(fault.what.contains("refused") && fault.hint.is_some(), "{fault:?}");
    }
}
