//! SNMP, as far as a power strip needs it: reading and setting one number, versions 1 and 2c.
//!
//! Source: RFC 1157 (version 1), RFC 1901 and 3416 (2c), X.690 for the encoding. Pure: bytes in, bytes out.

use rigtone_model::document::SnmpVersion;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const GET: u8 = 0xA0;
const RESPONSE: u8 = 0xA2;
const SET: u8 = 0xA3;
/// Values that say that there is none: `noSuchObject`, `noSuchInstance`, `endOfMibView`.
const ABSENT: std::ops::RangeInclusive<u8> = 0x80..=0x82;

/// An object identifier, from its first number on.
pub(crate) type Oid = Vec<u32>;

/// Reads an identifier, such as `.1.3.6.1`.
pub(crate) fn oid(text: &str) -> Option<Oid> {
    let numbers: Option<Oid> = text.strip_prefix('.').unwrap_or(text).split('.').map(|n| n.parse().ok()).collect();
    // The first two share a number: X.690, 8.19.4.
    numbers.filter(|oid| matches!(oid.as_slice(), [0 | 1, 0..=39, ..] | [2, 0..=0xFFFF_FF00, ..]))
}

/// What is asked of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Its value.
    Get,
    /// To take this value.
    Set(i32),
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is none to this question, but to another one.
    Stray,
    /// The value of the object.
    Number(i64),
    /// The value of the object, which is no number.
    OtherValue,
    /// There is no such object.
    Absent,
    /// The device refused: the error status of RFC 1157 and 3416.
    Refused(i64),
    /// It is no answer at all.
    Garbage,
}

fn length(bytes: &mut Vec<u8>, length: usize) {
    match length {
        0..=0x7F => bytes.push(length as u8),
        _ => {
            let big = length.to_be_bytes();
            let used = big.iter().position(|&byte| byte != 0).unwrap_or(big.len());
            bytes.push(0x80 | (big.len() - used) as u8);
            bytes.extend(&big[used..]);
        }
    }
}

fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    length(&mut bytes, content.len());
    bytes.extend(content);
    bytes
}

fn integer(number: i32) -> Vec<u8> {
    let big = number.to_be_bytes();
    // The fewest bytes that keep the sign.
    let spare = |at: usize| (big[at] == 0 && big[at + 1] < 0x80) || (big[at] == 0xFF && big[at + 1] >= 0x80);
    let from = (0..big.len() - 1).find(|&at| !spare(at)).unwrap_or(big.len() - 1);
    field(INTEGER, &big[from..])
}

fn identifier(oid: &[u32]) -> Vec<u8> {
    let (first, rest) = match oid {
        [first, second, rest @ ..] => (first * 40 + second, rest),
        _ => (0, oid),
    };
    let mut content = Vec::new();
    for &number in std::iter::once(&first).chain(rest) {
        let groups = (1..5).rev().find(|&group| number >> (7 * group) != 0).unwrap_or(0);
        for group in (0..=groups).rev() {
            let more = if group > 0 { 0x80 } else { 0 };
            content.push((number >> (7 * group)) as u8 & 0x7F | more);
        }
    }
    field(IDENTIFIER, &content)
}

/// The packet that asks for, or sets, one object.
pub(crate) fn question(version: SnmpVersion, community: &str, id: i32, oid: &[u32], ask: Ask) -> Vec<u8> {
    let (tag, value) = match ask {
        Ask::Get => (GET, field(NULL, &[])),
        Ask::Set(number) => (SET, integer(number)),
    };
    let binding = field(SEQUENCE, &[identifier(oid), value].concat());
    let bindings = field(SEQUENCE, &binding);
    let body = field(tag, &[integer(id), integer(0), integer(0), bindings].concat());
    let head = [integer(spoken(version)), field(OCTETS, community.as_bytes())].concat();
    field(SEQUENCE, &[head, body].concat())
}

const fn spoken(version: SnmpVersion) -> i32 {
    match version {
        SnmpVersion::V1 => 0,
        SnmpVersion::V2c => 1,
    }
}

/// The field that stands at the beginning of some bytes, and what follows it.
fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (big, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (big.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn expect(due: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    take(bytes).filter(|(tag, ..)| *tag == due).map(|(_, content, rest)| (content, rest))
}

fn number(content: &[u8]) -> Option<i64> {
    let first = *content.first()?;
    let sign = if first >= 0x80 { -1 } else { 0 };
    (content.len() <= 8).then(|| content.iter().fold(sign, |number, &byte| number << 8 | i64::from(byte)))
}

/// Reads the answer to the question with that id about that object.
pub(crate) fn answer(version: SnmpVersion, id: i32, oid: &[u32], bytes: &[u8]) -> Answer {
    read(version, id, oid, bytes).unwrap_or(Answer::Garbage)
}

fn read(version: SnmpVersion, id: i32, oid: &[u32], bytes: &[u8]) -> Option<Answer> {
    let (message, _) = expect(SEQUENCE, bytes)?;
    let (said_version, rest) = expect(INTEGER, message)?;
    if number(said_version)? != i64::from(spoken(version)) {
        return None;
    }
    let (_, rest) = expect(OCTETS, rest)?;
    let (body, _) = expect(RESPONSE, rest)?;
    let (said_id, rest) = expect(INTEGER, body)?;
    let (status, rest) = expect(INTEGER, rest)?;
    let (_, rest) = expect(INTEGER, rest)?;
    if number(said_id)? != i64::from(id) {
        return Some(Answer::Stray);
    }
    match number(status)? {
        0 => {}
        status => return Some(Answer::Refused(status)),
    }
    let (bindings, _) = expect(SEQUENCE, rest)?;
    let (binding, _) = expect(SEQUENCE, bindings)?;
    let asked = identifier(oid);
    let (tag, value, _) = take(binding.strip_prefix(asked.as_slice())?)?;
    Some(match tag {
        INTEGER => Answer::Number(number(value)?),
        tag if ABSENT.contains(&tag) => Answer::Absent,
        _ => Answer::OtherValue,
    })
}

/// An error status in the words of RFC 3416.
pub(crate) const fn status_name(status: i64) -> &'static str {
    match status {
        1 => "tooBig",
        2 => "noSuchName",
        3 => "badValue",
        4 => "readOnly",
        5 => "genErr",
        6 => "noAccess",
        7 => "wrongType",
        10 => "wrongValue",
        16 => "authorizationError",
        17 => "notWritable",
        _ => "an error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SnmpVersion::{V1, V2c};
    use proptest::prelude::*;
    use rstest::rstest;

    /// The whole packet, worked out by hand from X.690 and RFC 1157.
    #[test]
    fn a_question_is_encoded_as_the_standards_have_it() {
        let oid = oid(".1.3.6.1.4.1.318.1.1.4.4.2.1.3.1").expect("an identifier");
        let bytes = question(V1, "public", 1, &oid, Ask::Get);
        let due = [
            &[0x30, 0x2D, 0x02, 0x01, 0x00, 0x04, 0x06][..],
            b"public",
            &[0xA0, 0x20, 0x02, 0x01, 0x01, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00],
            &[0x30, 0x15, 0x30, 0x13, 0x06, 0x0F],
            &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x3E, 0x01, 0x01, 0x04, 0x04, 0x02, 0x01, 0x03, 0x01],
            &[0x05, 0x00],
        ];
        assert_eq!(bytes, due.concat());
    }

    #[rstest]
    #[case(0, &[0x02, 1, 0])]
    #[case(127, &[0x02, 1, 0x7F])]
    #[case(128, &[0x02, 2, 0, 0x80])]
    #[case(256, &[0x02, 2, 1, 0])]
    #[case(-1, &[0x02, 1, 0xFF])]
    #[case(-128, &[0x02, 1, 0x80])]
    #[case(-129, &[0x02, 2, 0xFF, 0x7F])]
    #[case(i32::MAX, &[0x02, 4, 0x7F, 0xFF, 0xFF, 0xFF])]
    fn numbers_have_the_fewest_bytes_that_keep_their_sign(#[case] number: i32, #[case] bytes: &[u8]) {
        assert_eq!(integer(number), bytes);
    }

    #[rstest]
    #[case(".1.3.6.1.4.1.318", &[0x06, 7, 0x2B, 6, 1, 4, 1, 0x82, 0x3E])]
    #[case("2.999.1", &[0x06, 3, 0x88, 0x37, 1])]
    #[case("1.3.4294967295", &[0x06, 6, 0x2B, 0x8F, 0xFF, 0xFF, 0xFF, 0x7F])]
    fn identifiers_are_written_in_groups_of_seven_bits(#[case] text: &str, #[case] bytes: &[u8]) {
        assert_eq!(identifier(&oid(text).expect("an identifier")), bytes);
    }

    #[rstest]
    #[case("")]
    #[case("1")]
    #[case("1.40.1")]
    #[case("3.1.1")]
    #[case("1.3.x")]
    #[case("1.3.4294967296")]
    #[case("1..3")]
    fn anything_else_is_no_identifier(#[case] text: &str) {
        assert_eq!(oid(text), None);
    }

    fn response(version: SnmpVersion, id: i32, status: i32, oid: &[u32], value: &[u8]) -> Vec<u8> {
        let bindings = field(SEQUENCE, &field(SEQUENCE, &[&identifier(oid), value].concat()));
        let body = field(RESPONSE, &[integer(id), integer(status), integer(0), bindings].concat());
        field(SEQUENCE, &[integer(spoken(version)), field(OCTETS, b"c"), body].concat())
    }

    #[rstest]
    #[case::number(&response(V1, 7, 0, &[1, 3, 9], &integer(2)), Answer::Number(2))]
    #[case::negative(&response(V1, 7, 0, &[1, 3, 9], &integer(-3)), Answer::Number(-3))]
    #[case::another_question(&response(V1, 6, 0, &[1, 3, 9], &integer(2)), Answer::Stray)]
    #[case::refused(&response(V1, 7, 2, &[1, 3, 9], &field(NULL, &[])), Answer::Refused(2))]
    #[case::absent(&response(V1, 7, 0, &[1, 3, 9], &field(0x80, &[])), Answer::Absent)]
    #[case::text(&response(V1, 7, 0, &[1, 3, 9], &field(OCTETS, b"on")), Answer::OtherValue)]
    #[case::another_object(&response(V1, 7, 0, &[1, 3, 8], &integer(2)), Answer::Garbage)]
    #[case::another_version(&response(V2c, 7, 0, &[1, 3, 9], &integer(2)), Answer::Garbage)]
    #[case::a_question(&question(V1, "c", 7, &[1, 3, 9], Ask::Get), Answer::Garbage)]
    #[case::empty(&[], Answer::Garbage)]
    #[case::endless(&[0x30, 0x80, 0, 0], Answer::Garbage)]
    #[case::huge(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], Answer::Garbage)]
    fn answers_are_told_from_garbage(#[case] bytes: &[u8], #[case] due: Answer) {
        assert_eq!(answer(V1, 7, &[1, 3, 9], bytes), due);
    }

    proptest! {
        #[test]
        fn whatever_is_received_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200), id in any::<i32>()) {
            let _ = answer(V1, id, &[1, 3, 6, 1], &bytes);
        }

        #[test]
        fn an_answer_that_was_damaged_is_read(value in any::<i32>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = response(V2c, 5, 0, &[1, 3, 6, 1, 4, 1, 318], &integer(value));
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = answer(V2c, 5, &[1, 3, 6, 1, 4, 1, 318], &bytes);
        }

        #[test]
        fn an_answer_is_understood_when_it_is_whole(
            value in any::<i32>(),
            id in any::<i32>(),
            rest in prop::collection::vec(any::<u32>(), 0..30),
        ) {
            let oid: Oid = [vec![1, 3], rest].concat();
            let bytes = response(V2c, id, 0, &oid, &integer(value));
            prop_assert_eq!(answer(V2c, id, &oid, &bytes), Answer::Number(value.into()));
            for end in 0..bytes.len() {
                prop_assert_eq!(answer(V2c, id, &oid, &bytes[..end]), Answer::Garbage);
            }
        }
    }
}
