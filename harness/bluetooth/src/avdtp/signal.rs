//! Signals.

use super::capability::Capability;
use crate::cursor::Cursor;

/// Signal identifiers.
pub mod signal_id {
    #![expect(missing_docs, reason = "they are named as in the specification")]
    pub const DISCOVER: u8 = 0x01;
    pub const GET_CAPABILITIES: u8 = 0x02;
    pub const SET_CONFIGURATION: u8 = 0x03;
    pub const GET_CONFIGURATION: u8 = 0x04;
    pub const RECONFIGURE: u8 = 0x05;
    pub const OPEN: u8 = 0x06;
    pub const START: u8 = 0x07;
    pub const CLOSE: u8 = 0x08;
    pub const SUSPEND: u8 = 0x09;
    pub const ABORT: u8 = 0x0A;
    pub const SECURITY_CONTROL: u8 = 0x0B;
    pub const GET_ALL_CAPABILITIES: u8 = 0x0C;
    pub const DELAY_REPORT: u8 = 0x0D;
}

/// The name of a signal.
pub const fn name(id: u8) -> &'static str {
    match id {
        signal_id::DISCOVER => "discover",
        signal_id::GET_CAPABILITIES => "get-capabilities",
        signal_id::SET_CONFIGURATION => "set-configuration",
        signal_id::GET_CONFIGURATION => "get-configuration",
        signal_id::RECONFIGURE => "reconfigure",
        signal_id::OPEN => "open",
        signal_id::START => "start",
        signal_id::CLOSE => "close",
        signal_id::SUSPEND => "suspend",
        signal_id::ABORT => "abort",
        signal_id::SECURITY_CONTROL => "security-control",
        signal_id::GET_ALL_CAPABILITIES => "get-all-capabilities",
        signal_id::DELAY_REPORT => "delay-report",
        _ => "unknown",
    }
}

/// Question or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Message {
    /// A question.
    Command,
    /// The signal is not known there.
    GeneralReject,
    /// Yes.
    Accept,
    /// No.
    Reject,
}

/// An endpoint as an answer to DISCOVER lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Its number, 1 to 62.
    pub seid: u8,
    /// A stream has it.
    pub in_use: bool,
    /// 0: audio.
    pub media_type: u8,
    /// It plays; otherwise it sends.
    pub sink: bool,
}

/// What a signal carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// Nothing that is read.
    None,
    /// Endpoints it is about.
    Seids(Vec<u8>),
    /// The answer to DISCOVER.
    Endpoints(Vec<Endpoint>),
    /// The answer to a question for capabilities or the configuration.
    Capabilities(Vec<Capability<'a>>),
    /// SET_CONFIGURATION and RECONFIGURE.
    Configuration {
        /// The endpoint of the receiver.
        acceptor: u8,
        /// The endpoint of the sender; 0 in RECONFIGURE.
        initiator: u8,
        /// What it shall do.
        capabilities: Vec<Capability<'a>>,
    },
    /// DELAY_REPORT.
    Delay {
        /// The endpoint of the receiver.
        seid: u8,
        /// In tenths of a millisecond.
        tenths: u16,
    },
    /// A refusal.
    Refusal {
        /// The category that is refused.
        category: Option<u8>,
        /// The endpoint that is refused.
        seid: Option<u8>,
        /// Why; 0 when it was cut off.
        code: u8,
    },
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal<'a> {
    /// Answers carry the label of their question, 0 to 15.
    pub label: u8,
    /// Question or answer.
    pub message: Message,
    /// Which signal.
    pub id: u8,
    /// What it carries.
    pub body: Body<'a>,
}

impl<'a> Signal<'a> {
    /// Reads a whole signal; `None` when it is shorter than its header. What is cut off of its content is left out.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut p = Cursor::new(bytes);
        let first = p.u8()?;
        let message = match first & 3 {
            0 => Message::Command,
            1 => Message::GeneralReject,
            2 => Message::Accept,
            _ => Message::Reject,
        };
        // A general reject may come without its signal.
        let id = match (p.u8(), message) {
            (Some(id), _) => id & 0x3F,
            (None, Message::GeneralReject) => 0,
            (None, _) => return None,
        };
        let body = Self::body(message, id, p).unwrap_or(Body::None);
        Some(Self { label: first >> 4, message, id, body })
    }

    fn body(message: Message, id: u8, mut p: Cursor<'a>) -> Option<Body<'a>> {
        use signal_id::{
            DELAY_REPORT, DISCOVER, GET_ALL_CAPABILITIES, GET_CAPABILITIES, GET_CONFIGURATION, RECONFIGURE,
            SET_CONFIGURATION, START, SUSPEND,
        };
        Some(match (message, id) {
            (Message::Command, DISCOVER) => Body::None,
            (Message::Command, SET_CONFIGURATION) => Body::Configuration {
                acceptor: p.u8()? >> 2,
                initiator: p.u8()? >> 2,
                capabilities: Capability::list(p.rest()),
            },
            (Message::Command, RECONFIGURE) => {
                Body::Configuration { acceptor: p.u8()? >> 2, initiator: 0, capabilities: Capability::list(p.rest()) }
            }
            (Message::Command, DELAY_REPORT) => Body::Delay { seid: p.u8()? >> 2, tenths: p.be16()? },
            (Message::Command, START | SUSPEND) => Body::Seids(p.rest().iter().map(|seid| seid >> 2).collect()),
            (Message::Command, _) => Body::Seids(vec![p.u8()? >> 2]),
            (Message::Accept, DISCOVER) => Body::Endpoints(endpoints(p.rest())),
            (Message::Accept, GET_CAPABILITIES | GET_ALL_CAPABILITIES | GET_CONFIGURATION) => {
                Body::Capabilities(Capability::list(p.rest()))
            }
            (Message::Accept | Message::GeneralReject, _) => Body::None,
            (Message::Reject, SET_CONFIGURATION | RECONFIGURE) => match p.rest() {
                [category, code, ..] => Body::Refusal { category: Some(*category), seid: None, code: *code },
                // Some leave the category out.
                [code] => Body::Refusal { category: None, seid: None, code: *code },
                [] => Body::Refusal { category: None, seid: None, code: 0 },
            },
            (Message::Reject, START | SUSPEND) => {
                let seid = p.u8().map(|seid| seid >> 2);
                Body::Refusal { category: None, seid, code: p.u8().unwrap_or_default() }
            }
            (Message::Reject, _) => Body::Refusal { category: None, seid: None, code: p.u8().unwrap_or_default() },
        })
    }
}

fn endpoints(bytes: &[u8]) -> Vec<Endpoint> {
    let one = |pair: &[u8]| match pair {
        [first, second] => {
            Some(Endpoint { seid: first >> 2, in_use: first & 2 != 0, media_type: second >> 4, sink: second & 8 != 0 })
        }
        _ => None,
    };
    bytes.chunks(2).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avdtp::codec_of;
    use Message::{Accept, Command, GeneralReject, Reject};
    use proptest::prelude::*;
    use rstest::rstest;

    fn read(bytes: &[u8]) -> (u8, Message, u8, Body<'_>) {
        let signal = Signal::parse(bytes).expect("a signal");
        (signal.label, signal.message, signal.id, signal.body)
    }

    #[rstest]
    #[case(&[0x00, 0x01], (0, Command, 1, Body::None))]
    #[case(&[0xF2, 0x01, 0x14, 0x08, 0x06, 0x00], (15, Accept, 1, Body::Endpoints(vec![
        Endpoint { seid: 5, in_use: false, media_type: 0, sink: true },
        Endpoint { seid: 1, in_use: true, media_type: 0, sink: false },
    ])))]
    #[case(&[0x10, 0x0C, 0x14], (1, Command, 12, Body::Seids(vec![5])))]
    #[case(&[0x10, 0x07, 0x04, 0x08], (1, Command, 7, Body::Seids(vec![1, 2])))]
    #[case(&[0x13, 0x03, 0x07, 0x29], (1, Reject, 3, Body::Refusal { category: Some(7), seid: None, code: 0x29 }))]
    #[case(&[0x13, 0x07, 0x04, 0x31], (1, Reject, 7, Body::Refusal { category: None, seid: Some(1), code: 0x31 }))]
    #[case(&[0x13, 0x06, 0x31], (1, Reject, 6, Body::Refusal { category: None, seid: None, code: 0x31 }))]
    #[case(&[0x13, 0x06], (1, Reject, 6, Body::Refusal { category: None, seid: None, code: 0 }))]
    #[case(&[0x20, 0x0D, 0x04, 0x05, 0xDC], (2, Command, 13, Body::Delay { seid: 1, tenths: 1500 }))]
    #[case(&[0x21], (2, GeneralReject, 0, Body::None))]
    #[case(&[0x20, 0x03, 0x04], (2, Command, 3, Body::None))]
    fn signals_are_read(#[case] bytes: &[u8], #[case] expected: (u8, Message, u8, Body<'_>)) {
        assert_eq!(read(bytes), expected);
    }

    // The whole list of a headset's aptX endpoint.
    #[test]
    fn a_list_of_capabilities_tells_codec_and_protection() {
        let list = [0x01, 0, 0x07, 9, 0, 0xFF, 0x4F, 0, 0, 0, 1, 0, 0xF2, 4, 2, 2, 0];
        let bytes = [&[0x22, 0x02], list.as_slice()].concat();
        let (_, _, _, Body::Capabilities(capabilities)) = read(&bytes) else { panic!("no capabilities") };
        assert_eq!(capabilities.iter().map(|one| one.category).collect::<Vec<_>>(), [1, 7, 4]);
        assert_eq!(codec_of(&capabilities), Some((0xFF, [0x4F, 0, 0, 0, 1, 0, 0xF2].as_slice())));
    }

    #[test]
    fn a_configuration_names_both_endpoints() {
        let bytes = [0x40, 0x03, 0x04, 0x08, 1, 0, 7, 6, 0, 0, 0x11, 0x15, 2, 0x35];
        let (_, _, _, Body::Configuration { acceptor, initiator, capabilities }) = read(&bytes) else {
            panic!("no configuration")
        };
        assert_eq!((acceptor, initiator), (1, 2));
        assert_eq!(codec_of(&capabilities), Some((0, [0x11, 0x15, 2, 0x35].as_slice())));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Signal::parse(&bytes);
        }
    }
}
