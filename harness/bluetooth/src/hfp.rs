//! HFP: the lines of text by which a hands-free unit and its gateway agree on voice.
//!
//! Source: 3GPP TS 07.10 as RFCOMM has it; Hands-Free Profile, section 4.34.

use crate::cursor::Cursor;

/// The longest line that is kept, in bytes.
const LONGEST_LINE: usize = 256;

/// The text that a frame of RFCOMM carries; `None` for other frames.
pub fn text(frame: &[u8]) -> Option<&[u8]> {
    let mut p = Cursor::new(frame);
    let (address, control) = (p.u8()?, p.u8()?);
    // Data of a channel other than the one of the multiplexer.
    if address >> 2 == 0 || control & 0xEF != 0xEF {
        return None;
    }
    let low = p.u8()?;
    let length = usize::from(low >> 1) | if low & 1 == 0 { usize::from(p.u8()?) << 7 } else { 0 };
    if control & 0x10 != 0 {
        let _credits = p.u8()?;
    }
    p.take(length)
}

/// What a line says, of what is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Features of the hands-free unit.
    UnitFeatures(u32),
    /// Features of the gateway.
    GatewayFeatures(u32),
    /// Codecs of the hands-free unit: 1 CVSD, 2 mSBC, 3 LC3-SWB.
    Codecs(Vec<u8>),
    /// The codec that the gateway chose.
    CodecChosen(u8),
    /// The unit agrees to it.
    CodecAgreed(u8),
    /// An indicator changed.
    Indicator {
        /// Its number in the gateway's list.
        number: u8,
        /// Its value.
        value: u8,
    },
}

impl Line {
    /// Reads a line.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let after = |head: &str| line.strip_prefix(head).map(str::trim);
        let numbers = |text: &str| text.split(',').map(|part| part.trim().parse().ok()).collect::<Option<Vec<u8>>>();
        if let Some(text) = after("AT+BRSF=") {
            return text.parse().ok().map(Self::UnitFeatures);
        }
        if let Some(text) = after("+BRSF:") {
            return text.parse().ok().map(Self::GatewayFeatures);
        }
        if let Some(text) = after("AT+BAC=") {
            return numbers(text).map(Self::Codecs);
        }
        if let Some(text) = after("+BCS:") {
            return text.parse().ok().map(Self::CodecChosen);
        }
        if let Some(text) = after("AT+BCS=") {
            return text.parse().ok().map(Self::CodecAgreed);
        }
        match numbers(after("+CIEV:")?)?[..] {
            [number, value] => Some(Self::Indicator { number, value }),
            _ => None,
        }
    }
}

/// Cuts a stream of text into lines.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// Takes more text; gives what is understood of the lines that it ends.
    pub fn push(&mut self, text: &[u8]) -> Vec<Line> {
        let mut found = Vec::new();
        for byte in text {
            if !matches!(byte, b'\r' | b'\n') {
                if self.line.len() < LONGEST_LINE {
                    self.line.push(*byte);
                }
                continue;
            }
            found.extend(std::str::from_utf8(&self.line).ok().and_then(Line::parse));
            self.line.clear();
        }
        found
    }
}

/// The name of a codec of voice.
pub const fn codec_name(code: u8) -> &'static str {
    match code {
        1 => "CVSD",
        2 => "mSBC",
        3 => "LC3-SWB",
        _ => "another codec",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[0x0B, 0xEF, 0x07, b'A', b'T', b'\r', 0x9A], Some(b"AT\r".as_slice()))]
    #[case(&[0x0B, 0xFF, 0x07, 7, b'A', b'T', b'\r', 0x9A], Some(b"AT\r".as_slice()))]
    #[case(&[0x0B, 0xEF, 0x06, 0, b'A', b'T', b'\r', 0x9A], Some(b"AT\r".as_slice()))]
    #[case(&[0x03, 0xEF, 0x07, b'A', b'T', b'\r', 0x9A], None)]
    #[case(&[0x0B, 0x3F, 0x01, 0x9A], None)]
    #[case(&[0x0B, 0xEF, 0x0F, b'A'], None)]
    fn frames_carry_text(#[case] frame: &[u8], #[case] expected: Option<&[u8]>) {
        assert_eq!(text(frame), expected);
    }

    #[rstest]
    #[case("AT+BRSF=155", Some(Line::UnitFeatures(155)))]
    #[case("+BRSF: 871", Some(Line::GatewayFeatures(871)))]
    #[case("AT+BAC=1,2", Some(Line::Codecs(vec![1, 2])))]
    #[case("+BCS: 2", Some(Line::CodecChosen(2)))]
    #[case("AT+BCS=2", Some(Line::CodecAgreed(2)))]
    #[case("+CIEV: 3,1", Some(Line::Indicator { number: 3, value: 1 }))]
    #[case("+CIEV: 3", None)]
    #[case("AT+BRSF=99999999999", None)]
    #[case("OK", None)]
    fn lines_are_read(#[case] line: &str, #[case] expected: Option<Line>) {
        assert_eq!(Line::parse(line), expected);
    }

    #[test]
    fn a_line_may_come_in_pieces_and_several_at_once() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"AT+BR"), []);
        assert_eq!(lines.push(b"SF=155\r\n+BCS: 2\r\n+CI"), [Line::UnitFeatures(155), Line::CodecChosen(2)]);
        assert_eq!(lines.push(b"EV: 1,1\r"), [Line::Indicator { number: 1, value: 1 }]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_grow(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = text(&bytes);
            let mut lines = Lines::default();
            lines.push(&bytes);
            prop_assert!(lines.line.len() <= LONGEST_LINE);
        }
    }
}
