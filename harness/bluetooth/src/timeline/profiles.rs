//! What other protocols say on a link: services, remote control, hands-free.

use super::{
    budget::Budget,
    link::{Happening, Link, Moment, PhaseKind, ServiceSearch},
    phases::Phases,
    report::Side,
};
use crate::{
    avrcp::{self, Playback},
    hfp::{self, Line, Lines},
    sdp::{self, Message},
    uuid::ServiceClass,
};

/// Channels of service discovery that are followed at the same time.
const SESSIONS_AT_MOST: usize = 4;
/// Classes and profiles of one answer that are listed.
const LISTED_AT_MOST: usize = 64;
/// The longest answer in parts, in bytes.
const ANSWER_AT_MOST: usize = 1 << 14;

/// One channel of service discovery.
#[derive(Debug)]
struct Session {
    /// The number of its channel on the host.
    channel: u16,
    /// Its question in the report.
    search: Option<usize>,
    /// Parts of an answer.
    answer: Vec<u8>,
}

/// The state of these protocols on one link.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    sessions: Vec<Session>,
    host_lines: Lines,
    peer_lines: Lines,
}

fn service(uuid: u16) -> String {
    format!("{uuid:04x} {}", ServiceClass(uuid).name())
}

impl Profiles {
    /// A packet of service discovery.
    #[expect(clippy::too_many_arguments, reason = "the parts of one link")]
    pub(super) fn sdp(
        &mut self,
        at_ns: i64,
        by: Side,
        channel: u16,
        packet: &[u8],
        link: &mut Link,
        phases: &mut Phases,
        budget: &mut Budget,
    ) {
        let Some(message) = Message::parse(packet) else { return };
        let known = self.sessions.iter().position(|session| session.channel == channel);
        if known.is_none() {
            if self.sessions.len() >= SESSIONS_AT_MOST {
                self.sessions.remove(0);
            }
            self.sessions.push(Session { channel, search: None, answer: vec![] });
        }
        let at = known.unwrap_or(self.sessions.len() - 1);
        let Some(session) = self.sessions.get_mut(at) else { return };
        match message {
            Message::Search { continues: false, services, .. } => {
                let search = ServiceSearch {
                    at_ns,
                    by,
                    services: services.into_iter().map(service).collect(),
                    answered_ns: None,
                    records: 0,
                    error: None,
                    classes: vec![],
                    profiles: vec![],
                };
                let more = search.services.iter().map(|name| name.len() + 24).sum();
                let kept = budget.keep(&mut link.services, search, more);
                session.search = kept.then(|| link.services.len() - 1);
                session.answer.clear();
            }
            Message::Search { .. } | Message::Attributes { .. } => {}
            Message::Error { code, .. } => {
                phases.answered(PhaseKind::Sdp, at_ns);
                if let Some(search) = session.search.and_then(|at| link.services.get_mut(at)) {
                    (search.error, search.answered_ns) = (Some(code), Some(at_ns));
                }
            }
            Message::Answer { attributes, handles, continues, .. } => {
                if session.answer.len() + attributes.len() <= ANSWER_AT_MOST {
                    session.answer.extend_from_slice(attributes);
                }
                if continues {
                    return;
                }
                phases.answered(PhaseKind::Sdp, at_ns);
                let whole = std::mem::take(&mut session.answer);
                let Some(search) = session.search.and_then(|at| link.services.get_mut(at)) else { return };
                search.answered_ns = Some(at_ns);
                match handles {
                    Some(handles) => search.records = u32::from(handles),
                    None => answer(search, &whole, budget),
                }
            }
        }
    }

    /// Its channel was closed.
    pub(super) fn sdp_closed(&mut self, channel: u16) {
        self.sessions.retain(|session| session.channel != channel);
    }

    /// A packet of the remote control.
    pub(super) fn avctp(&mut self, at_ns: i64, by: Side, packet: &[u8], link: &mut Link, budget: &mut Budget) {
        use avrcp::Message;
        let what = match Message::parse(packet) {
            Some(Message::SetVolume(value)) => Happening::Volume { by, said: "set", value },
            Some(Message::VolumeSet(value)) => Happening::Volume { by, said: "taken", value },
            Some(Message::Volume { value, changed: true }) => Happening::Volume { by, said: "changed", value },
            Some(Message::Volume { value, changed: false }) => Happening::Volume { by, said: "reported", value },
            Some(Message::Refused { volume: true }) => Happening::VolumeRefused { by },
            Some(Message::Playback { status, changed }) => {
                let status = match status {
                    Playback::Stopped => "stopped",
                    Playback::Playing => "playing",
                    Playback::Paused => "paused",
                    Playback::Seeking => "seeking",
                    Playback::Error => "error",
                };
                Happening::Playback { by, status, changed }
            }
            Some(Message::Key { code, pressed }) => Happening::Key { by, key: avrcp::key_name(code), pressed },
            Some(Message::Watch { .. } | Message::Refused { volume: false }) | None => return,
        };
        budget.keep(&mut link.moments, Moment { at_ns, what }, 0);
    }

    /// A packet of a serial line.
    pub(super) fn rfcomm(&mut self, at_ns: i64, by: Side, packet: &[u8], link: &mut Link, budget: &mut Budget) {
        let Some(text) = hfp::text(packet) else { return };
        let lines = if by == Side::Host { &mut self.host_lines } else { &mut self.peer_lines };
        for line in lines.push(text) {
            let codec = |said, codecs: &[u8]| Happening::HandsFreeCodec {
                by,
                said,
                codecs: codecs.iter().map(|code| hfp::codec_name(*code)).collect(),
            };
            let what = match line {
                Line::UnitFeatures(features) | Line::GatewayFeatures(features) => {
                    Happening::HandsFreeFeatures { by, features }
                }
                Line::Codecs(codecs) => codec("offered", &codecs),
                Line::CodecChosen(code) => codec("chosen", &[code]),
                Line::CodecAgreed(code) => codec("agreed", &[code]),
                Line::Indicator { number, value } => Happening::HandsFreeIndicator { by, number, value },
            };
            // A line of 256 characters lists at most 128 codecs.
            budget.keep(&mut link.moments, Moment { at_ns, what }, 128 * size_of::<&str>());
        }
    }
}

fn answer(search: &mut ServiceSearch, attributes: &[u8], budget: &mut Budget) {
    let records = sdp::records(attributes);
    search.records = search.records.max(u32::try_from(records.len()).unwrap_or(u32::MAX));
    for record in records {
        for class in record.classes {
            let name = service(class);
            let more = name.len();
            if search.classes.len() < LISTED_AT_MOST && !search.classes.contains(&name) {
                budget.keep(&mut search.classes, name, more);
            }
        }
        for (profile, version) in record.profiles {
            let name = format!("{} {}.{}", service(profile), version >> 8, version & 0xFF);
            let more = name.len();
            if search.profiles.len() < LISTED_AT_MOST && !search.profiles.contains(&name) {
                budget.keep(&mut search.profiles, name, more);
            }
        }
    }
}
