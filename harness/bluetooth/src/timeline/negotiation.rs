//! The signals of AVDTP on one link: which answer belongs to which question, and what they change.

use super::{
    budget::Budget,
    link::{Link, Outcome, PhaseKind},
    live::keep,
    phases::Phases,
    report::Side,
    stream::{CodecFacts, DelayFacts, EndedBy, EndpointFacts, Refusal, SignalFacts, Stream, StreamEnd, protection},
    streaming::Streaming,
};
use crate::avdtp::{Body, Capability, Endpoint, Fragments, Message, Signal, category, name, signal_id};

/// Questions without an answer that are remembered; labels tell 16 in each direction apart.
const ASKED_AT_MOST: usize = 32;

/// A question that was not answered yet.
#[derive(Debug)]
struct Asked {
    by: Side,
    label: u8,
    id: u8,
    seid: Option<u8>,
    /// The streams it is about, by their places in the report.
    streams: Vec<usize>,
    codec: Option<CodecFacts>,
}

/// The state of AVDTP on one link.
#[derive(Debug, Default)]
pub(super) struct Negotiation {
    host_fragments: Fragments,
    peer_fragments: Fragments,
    asked: Vec<Asked>,
}

/// The parts of a link that signals change.
struct Parts<'a> {
    link: &'a mut Link,
    phases: &'a mut Phases,
    streaming: &'a mut Streaming,
    budget: &'a mut Budget,
}

impl Negotiation {
    /// A packet of the signalling channel.
    #[expect(clippy::too_many_arguments, reason = "the parts of one link")]
    pub(super) fn packet(
        &mut self,
        at_ns: i64,
        by: Side,
        packet: &[u8],
        link: &mut Link,
        phases: &mut Phases,
        streaming: &mut Streaming,
        budget: &mut Budget,
    ) {
        let Self { host_fragments, peer_fragments, asked } = self;
        let fragments = if by == Side::Host { host_fragments } else { peer_fragments };
        let Some(signal) = fragments.push(packet).and_then(Signal::parse) else { return };
        let facts = facts(at_ns, by, &signal);
        let more = facts.codec.as_ref().map_or(0, |codec| codec.words.len() + codec.octets.len()) + facts.seids.len();
        budget.keep(&mut link.signals, facts, more);
        let mut parts = Parts { link, phases, streaming, budget };
        if signal.message == Message::Command {
            if let Some(question) = parts.command(at_ns, by, &signal) {
                if asked.len() >= ASKED_AT_MOST {
                    asked.remove(0);
                }
                asked.push(question);
            }
            return;
        }
        let fits = |asked: &Asked| {
            asked.by == by.other()
                && asked.label == signal.label
                && (asked.id == signal.id || signal.message == Message::GeneralReject)
        };
        if let Some(at) = asked.iter().rposition(fits) {
            let asked = asked.remove(at);
            parts.answer(at_ns, &asked, &signal);
        }
    }
}

fn facts(at_ns: i64, by: Side, signal: &Signal<'_>) -> SignalFacts {
    let mut facts = SignalFacts {
        at_ns,
        by,
        label: signal.label,
        message: signal.message.into(),
        signal: name(signal.id),
        id: signal.id,
        seids: vec![],
        codec: None,
        delay_ms: None,
        refusal: None,
    };
    match &signal.body {
        Body::None => {}
        Body::Seids(seids) => facts.seids.clone_from(seids),
        Body::Endpoints(endpoints) => facts.seids = endpoints.iter().map(|endpoint| endpoint.seid).collect(),
        Body::Capabilities(capabilities) => facts.codec = CodecFacts::of(capabilities),
        Body::Configuration { acceptor, initiator, capabilities } => {
            facts.seids = [*acceptor, *initiator].into_iter().filter(|seid| *seid > 0).collect();
            facts.codec = CodecFacts::of(capabilities);
        }
        Body::Delay { seid, tenths } => {
            facts.seids = vec![*seid];
            facts.delay_ms = Some(f64::from(*tenths) / 10.0);
        }
        Body::Refusal { category, code, .. } => facts.refusal = Some(Refusal::new(*category, *code)),
    }
    if signal.message == Message::GeneralReject {
        facts.refusal = Some(Refusal::UNKNOWN_SIGNAL);
    }
    // Frames are held against what a stream has.
    if let Some(codec) = &mut facts.codec {
        codec.raw = vec![];
    }
    facts
}

/// The phase that a question begins.
const fn phase_of(id: u8) -> Option<PhaseKind> {
    match id {
        signal_id::DISCOVER => Some(PhaseKind::Discover),
        signal_id::GET_CAPABILITIES | signal_id::GET_ALL_CAPABILITIES => Some(PhaseKind::Capabilities),
        signal_id::SET_CONFIGURATION | signal_id::RECONFIGURE => Some(PhaseKind::Configuration),
        signal_id::OPEN => Some(PhaseKind::Open),
        signal_id::START => Some(PhaseKind::Start),
        signal_id::SUSPEND => Some(PhaseKind::Suspend),
        signal_id::CLOSE => Some(PhaseKind::Close),
        signal_id::ABORT => Some(PhaseKind::Abort),
        _ => None,
    }
}

impl Parts<'_> {
    /// A question; what must be remembered of it until it is answered.
    fn command(&mut self, at_ns: i64, by: Side, signal: &Signal<'_>) -> Option<Asked> {
        let other = by.other();
        if let Some(kind) = phase_of(signal.id) {
            // Capabilities are asked for one endpoint after the other: that is one phase, and no other try.
            if kind != PhaseKind::Capabilities {
                let ended = self.phases.end_at_answer(PhaseKind::Capabilities);
                keep(self.link, ended, self.budget);
            }
            if kind != PhaseKind::Capabilities || !self.phases.is_open(kind) {
                self.phases.begin(kind, Some(by), Some(other), at_ns);
            }
        }
        let mut asked = Asked { by, label: signal.label, id: signal.id, seid: None, streams: vec![], codec: None };
        match (&signal.body, signal.id) {
            (Body::Configuration { acceptor, initiator, capabilities }, signal_id::SET_CONFIGURATION) => {
                let (host_seid, peer_seid) = match by {
                    Side::Host => (*initiator, *acceptor),
                    Side::Peer => (*acceptor, *initiator),
                };
                let stream = configured(at_ns, by, host_seid, peer_seid, capabilities);
                if let Some(codec) = &stream.codec {
                    self.phases.detail(PhaseKind::Configuration, format!("{} ({})", codec.words, codec.octets));
                }
                asked.streams.extend(self.streaming.add(stream, self.link, self.budget));
            }
            (Body::Configuration { acceptor, capabilities, .. }, _) => {
                asked.streams.extend(self.streaming.of_seid(other, *acceptor, self.link, self.budget));
                asked.codec = CodecFacts::of(capabilities);
                if let Some(codec) = &asked.codec {
                    self.phases.detail(PhaseKind::Configuration, format!("{} ({})", codec.words, codec.octets));
                }
            }
            (Body::Delay { seid, tenths }, _) => {
                let at = self.streaming.of_seid(other, *seid, self.link, self.budget)?;
                let delay = DelayFacts { at_ns, of: by, delay_ms: f64::from(*tenths) / 10.0 };
                let stream = self.link.streams.get_mut(at)?;
                self.budget.keep(&mut stream.delays, delay, 0);
            }
            (Body::Seids(seids), signal_id::GET_CAPABILITIES | signal_id::GET_ALL_CAPABILITIES) => {
                asked.seid = seids.first().copied();
            }
            (
                Body::Seids(seids),
                signal_id::OPEN | signal_id::START | signal_id::SUSPEND | signal_id::CLOSE | signal_id::ABORT,
            ) => {
                for seid in seids.iter().take(ASKED_AT_MOST) {
                    asked.streams.extend(self.streaming.of_seid(other, *seid, self.link, self.budget));
                }
                if signal.id == signal_id::START {
                    self.start(at_ns, by, &asked.streams);
                }
            }
            _ => {}
        }
        Some(asked)
    }

    fn start(&mut self, at_ns: i64, by: Side, streams: &[usize]) {
        for at in streams {
            let again = self.streaming.running(*at).is_some_and(|running| running.starting);
            if !again {
                self.streaming.start(at_ns, by, *at, self.link, self.budget);
                self.phases.drop(PhaseKind::FirstMedia);
                self.phases.begin(PhaseKind::FirstMedia, Some(by), Some(by.other()), at_ns);
            }
        }
    }

    fn answer(&mut self, at_ns: i64, asked: &Asked, signal: &Signal<'_>) {
        let refusal = match (signal.message, &signal.body) {
            (Message::GeneralReject, _) => Some(Refusal::UNKNOWN_SIGNAL),
            (Message::Reject, Body::Refusal { category, code, .. }) => Some(Refusal::new(*category, *code)),
            (Message::Reject, _) => Some(Refusal::new(None, 0)),
            _ => None,
        };
        match (phase_of(asked.id), refusal) {
            (Some(PhaseKind::Capabilities), _) => self.phases.answered(PhaseKind::Capabilities, at_ns),
            (Some(kind), None) => {
                let ended = self.phases.end(kind, at_ns, Outcome::Done);
                keep(self.link, ended, self.budget);
            }
            (Some(kind), Some(refusal)) => {
                let outcome = Outcome::Refused { code: refusal.code.into(), words: refusal.words };
                let ended = self.phases.end(kind, at_ns, outcome);
                keep(self.link, ended, self.budget);
            }
            (None, _) => {}
        }
        let of = asked.by.other();
        match (&signal.body, asked.id) {
            (Body::Endpoints(endpoints), _) => endpoints.iter().for_each(|endpoint| self.endpoint(of, *endpoint)),
            (Body::Capabilities(capabilities), signal_id::GET_CAPABILITIES | signal_id::GET_ALL_CAPABILITIES) => {
                self.capabilities(of, asked.seid, capabilities);
            }
            _ => {}
        }
        for at in &asked.streams {
            match refusal {
                Some(refusal) => self.refused(*at, asked, refusal),
                None => self.accepted(at_ns, *at, asked),
            }
        }
    }

    fn refused(&mut self, at: usize, asked: &Asked, refusal: Refusal) {
        let Some(stream) = self.link.streams.get_mut(at) else { return };
        match asked.id {
            signal_id::SET_CONFIGURATION => {
                stream.refusal = Some(refusal);
                self.streaming.refused(at);
            }
            signal_id::START => {
                if let Some(start) = stream.starts.last_mut() {
                    start.refusal = Some(refusal);
                }
                self.phases.drop(PhaseKind::FirstMedia);
                self.streaming.settle(at, self.link, self.budget);
            }
            _ => {}
        }
    }

    fn accepted(&mut self, at_ns: i64, at: usize, asked: &Asked) {
        let ended = |how| StreamEnd { at_ns, by: Some(asked.by), how };
        match asked.id {
            signal_id::SET_CONFIGURATION => {
                if let Some(stream) = self.link.streams.get_mut(at) {
                    stream.accepted_ns = Some(at_ns);
                }
            }
            signal_id::RECONFIGURE => {
                self.streaming.settle(at, self.link, self.budget);
                if let (Some(stream), Some(codec)) = (self.link.streams.get_mut(at), &asked.codec) {
                    stream.codec = Some(codec.clone());
                }
            }
            signal_id::OPEN => self.streaming.stream_opened(at_ns, at, self.link),
            signal_id::START => {
                if let Some(running) = self.streaming.running(at) {
                    running.starting = false;
                }
                let start = self.link.streams.get_mut(at).and_then(|stream| stream.starts.last_mut());
                if let Some(start) = start {
                    start.accepted_ns = Some(at_ns);
                }
                // The next word is with who sends.
                let sink = |side| {
                    self.link
                        .streams
                        .get(at)
                        .and_then(|stream| match side {
                            Side::Host => stream.host_seid,
                            Side::Peer => stream.peer_seid,
                        })
                        .and_then(|seid| self.link.endpoints.iter().find(|e| e.of == side && e.seid == seid))
                        .map(|endpoint| endpoint.sink)
                };
                let source = match (sink(Side::Peer), sink(Side::Host)) {
                    (Some(true), _) | (_, Some(false)) => Side::Host,
                    (Some(false), _) | (_, Some(true)) => Side::Peer,
                    (None, None) => asked.by,
                };
                self.phases.awaits(PhaseKind::FirstMedia, source);
            }
            signal_id::SUSPEND => self.streaming.stopped(ended(EndedBy::Suspend), at, self.link, self.budget),
            signal_id::CLOSE => self.streaming.stopped(ended(EndedBy::Close), at, self.link, self.budget),
            signal_id::ABORT => self.streaming.stopped(ended(EndedBy::Abort), at, self.link, self.budget),
            _ => {}
        }
        if matches!(asked.id, signal_id::SUSPEND | signal_id::CLOSE | signal_id::ABORT) {
            // A start that brought no media is not waited for any longer.
            self.phases.drop(PhaseKind::FirstMedia);
        }
    }

    fn endpoint(&mut self, of: Side, endpoint: Endpoint) {
        let Endpoint { seid, in_use, media_type, sink } = endpoint;
        let known = self.link.endpoints.iter_mut().find(|known| known.of == of && known.seid == seid);
        if let Some(known) = known {
            known.in_use = in_use;
            return;
        }
        let facts = EndpointFacts {
            of,
            seid,
            sink,
            audio: media_type == 0,
            in_use,
            codec: None,
            delay_reporting: false,
            content_protection: vec![],
        };
        // Room for what its capabilities will say.
        self.budget.keep(&mut self.link.endpoints, facts, 1024);
    }

    fn capabilities(&mut self, of: Side, seid: Option<u8>, capabilities: &[Capability<'_>]) {
        let Some(seid) = seid else { return };
        if let Some(known) = self.link.endpoints.iter_mut().find(|known| known.of == of && known.seid == seid) {
            known.take(capabilities);
        }
    }
}

fn configured(at_ns: i64, by: Side, host_seid: u8, peer_seid: u8, capabilities: &[Capability<'_>]) -> Stream {
    Stream {
        configured_ns: Some(at_ns),
        chosen_by: Some(by),
        host_seid: Some(host_seid),
        peer_seid: Some(peer_seid),
        codec: CodecFacts::of(capabilities),
        delay_reporting: capabilities.iter().any(|one| one.category == category::DELAY_REPORTING),
        content_protection: protection(capabilities),
        ..Stream::default()
    }
}
