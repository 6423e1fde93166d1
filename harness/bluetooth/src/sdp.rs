//! SDP: which services were looked for, and what the answer lists.
//!
//! Source: Bluetooth Core Specification, volume 3, part B.

mod query;

use crate::cursor::Cursor;

pub use query::{Query, QueryError};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// A question for records that have all of these services.
    Search {
        /// Ties the answer to it.
        transaction: u16,
        /// Short UUIDs.
        services: Vec<u16>,
        /// It asks for more of an answer.
        continues: bool,
    },
    /// A question for attributes of a record.
    Attributes {
        /// Ties the answer to it.
        transaction: u16,
        /// It asks for more of an answer.
        continues: bool,
    },
    /// An answer, or a part of one.
    Answer {
        /// That of the question.
        transaction: u16,
        /// Lists of attributes; empty in the answer to a search for handles.
        attributes: &'a [u8],
        /// Records that a search for handles found.
        handles: Option<u16>,
        /// More follows.
        continues: bool,
    },
    /// The question was refused.
    Error {
        /// That of the question.
        transaction: u16,
        /// Why.
        code: u16,
    },
}

impl<'a> Message<'a> {
    /// Reads a message; `None` when it is cut off or of no known kind.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let mut p = Cursor::new(packet);
        let (kind, transaction) = (p.u8()?, p.be16()?);
        let length = usize::from(p.be16()?);
        let mut p = Cursor::new(p.take(length)?);
        Some(match kind {
            1 => Self::Error { transaction, code: p.be16()? },
            2 | 6 => {
                let services = uuids(element(&mut p)?);
                p.be16()?;
                if kind == 6 {
                    element(&mut p)?;
                }
                Self::Search { transaction, services, continues: continues(p.rest()) }
            }
            3 => {
                let (total, here) = (p.be16()?, p.be16()?);
                p.take(usize::from(here) * 4)?;
                Self::Answer { transaction, attributes: &[], handles: Some(total), continues: continues(p.rest()) }
            }
            4 => {
                p.take(6)?;
                element(&mut p)?;
                Self::Attributes { transaction, continues: continues(p.rest()) }
            }
            5 | 7 => {
                let bytes = usize::from(p.be16()?);
                let attributes = p.take(bytes)?;
                Self::Answer { transaction, attributes, handles: None, continues: continues(p.rest()) }
            }
            _ => return None,
        })
    }
}

/// A continuation state that is not empty.
fn continues(state: &[u8]) -> bool {
    state.first().is_some_and(|length| *length > 0)
}

/// A data element: its type and its content.
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    kind: u8,
    content: &'a [u8],
}

const UUID: u8 = 3;
const SEQUENCE: u8 = 6;

fn element<'a>(p: &mut Cursor<'a>) -> Option<Element<'a>> {
    let head = p.u8()?;
    let kind = head >> 3;
    let size = match head & 7 {
        0 if kind == 0 => 0,
        size @ 0..=4 => 1 << size,
        5 => usize::from(p.u8()?),
        6 => usize::from(p.be16()?),
        _ => p.be32()? as usize,
    };
    Some(Element { kind, content: p.take(size)? })
}

fn elements<'a>(sequence: Element<'a>) -> impl Iterator<Item = Element<'a>> {
    let mut p = Cursor::new(if sequence.kind == SEQUENCE { sequence.content } else { &[] });
    std::iter::from_fn(move || element(&mut p))
}

/// A UUID in its short form, when it has one.
fn short(uuid: Element<'_>) -> Option<u16> {
    const BASE: [u8; 12] = [0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5F, 0x9B, 0x34, 0xFB];
    match (uuid.kind, uuid.content) {
        (UUID, [high, low] | [0, 0, high, low]) => Some(u16::from_be_bytes([*high, *low])),
        (UUID, [0, 0, high, low, base @ ..]) if *base == BASE => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

fn uuids(sequence: Element<'_>) -> Vec<u16> {
    elements(sequence).filter_map(short).collect()
}

/// A service record, as far as it tells roles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceRecord {
    /// Its service classes.
    pub classes: Vec<u16>,
    /// Profiles and their versions: `0x0103` is 1.3.
    pub profiles: Vec<(u16, u16)>,
}

/// The records of a whole answer: lists of attributes, one for each record; or the one list of a single record.
pub fn records(attributes: &[u8]) -> Vec<ServiceRecord> {
    let Some(lists) = element(&mut Cursor::new(attributes)) else { return vec![] };
    let nested = elements(lists).next().is_some_and(|first| first.kind == SEQUENCE);
    let record = |list: Element<'_>| {
        let mut record = ServiceRecord::default();
        let mut pairs = elements(list);
        while let (Some(id), Some(value)) = (pairs.next(), pairs.next()) {
            match id.content {
                [0, 1] => record.classes = uuids(value),
                [0, 9] => record.profiles = elements(value).filter_map(profile).collect(),
                _ => {}
            }
        }
        record
    };
    match (nested, lists.content) {
        (true, _) => elements(lists).map(record).collect(),
        (false, []) => vec![],
        (false, _) => vec![record(lists)],
    }
}

fn profile(descriptor: Element<'_>) -> Option<(u16, u16)> {
    let mut parts = elements(descriptor);
    let uuid = short(parts.next()?)?;
    match parts.next()?.content {
        [high, low] => Some((uuid, u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_search_names_its_services() {
        let short = [6, 0, 1, 0, 15, 0x35, 3, 0x19, 0x11, 0x0B, 0xFF, 0xFF, 0x35, 5, 0x0A, 0, 0, 0xFF, 0xFF, 0];
        let expected = Message::Search { transaction: 1, services: vec![0x110B], continues: false };
        assert_eq!(Message::parse(&short), Some(expected));
        let long = [
            [2, 0, 2, 0, 24, 0x35, 17, 0x1C].as_slice(),
            &[0, 0, 0x11, 0x0A, 0, 0, 0x10, 0, 0x80, 0, 0, 0x80, 0x5F, 0x9B, 0x34, 0xFB, 0, 9, 2, 7, 7],
        ]
        .concat();
        let expected = Message::Search { transaction: 2, services: vec![0x110A], continues: true };
        assert_eq!(Message::parse(&long), Some(expected));
    }

    #[test]
    fn records_tell_classes_and_profiles() {
        let record = [
            [0x35, 23].as_slice(),
            &[0x09, 0, 1, 0x35, 3, 0x19, 0x11, 0x0B],
            &[0x09, 0, 9, 0x35, 8, 0x35, 6, 0x19, 0x11, 0x0D, 0x09, 1, 3, 0x08, 7],
        ]
        .concat();
        let expected = ServiceRecord { classes: vec![0x110B], profiles: vec![(0x110D, 0x0103)] };
        assert_eq!(records(&record), std::slice::from_ref(&expected));
        let lists = [&[0x35, 50], record.as_slice(), &record].concat();
        assert_eq!(records(&lists), [expected.clone(), expected]);
        assert_eq!(records(&[0x35, 0]), []);
        assert_eq!(records(&[]), []);
    }

    #[test]
    fn answers_and_errors_are_read() {
        let answer = [7, 0, 1, 0, 5, 0, 2, 0x35, 0, 0];
        let expected = Message::Answer { transaction: 1, attributes: &[0x35, 0], handles: None, continues: false };
        assert_eq!(Message::parse(&answer), Some(expected));
        assert_eq!(Message::parse(&[1, 0, 1, 0, 2, 0, 3]), Some(Message::Error { transaction: 1, code: 3 }));
        assert_eq!(Message::parse(&[7, 0, 1, 0, 9, 0, 2]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0u8..9, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Message::parse(&[[kind, 0, 1, 0, bytes.len() as u8].as_slice(), &bytes].concat());
            let _ = records(&bytes);
            let _ = records(&[&[0x35, bytes.len() as u8], bytes.as_slice()].concat());
        }
    }
}
