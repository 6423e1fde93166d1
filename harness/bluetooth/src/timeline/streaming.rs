//! Streams of a link while they last.

use super::{
    budget::Budget,
    link::{Link, LinkEnd, Outcome, Phase, PhaseKind},
    report::Side,
    stream::{EndedBy, Start, Stream, StreamEnd},
};
use crate::{
    l2cap::{Channel, Pdu},
    media::Flow,
};

/// Streams of a link that are followed at the same time.
const STREAMS_AT_MOST: usize = 16;

/// A stream that has not ended.
#[derive(Debug)]
pub(super) struct Running {
    /// Its place in the report.
    pub(super) at: usize,
    /// The number of its media channel on the host.
    channel: Option<u16>,
    /// Whether START was asked for and is not answered.
    pub(super) starting: bool,
    flow: Option<Flow>,
}

/// The streams of one link.
#[derive(Debug, Default)]
pub(super) struct Streaming {
    running: Vec<Running>,
    /// The stream that was opened last: the next media channel is its.
    opened: Option<usize>,
}

impl Streaming {
    /// Follows a new stream; gives its place in the report.
    pub(super) fn add(&mut self, stream: Stream, link: &mut Link, budget: &mut Budget) -> Option<usize> {
        if self.running.len() >= STREAMS_AT_MOST || !budget.keep(&mut link.streams, stream, 512) {
            return None;
        }
        let at = link.streams.len() - 1;
        self.running.push(Running { at, channel: None, starting: false, flow: None });
        Some(at)
    }

    /// The stream whose endpoint on a side has this number. When the capture has not seen how it came about, a new one.
    pub(super) fn of_seid(&mut self, side: Side, seid: u8, link: &mut Link, budget: &mut Budget) -> Option<usize> {
        let is = |stream: &Stream| match side {
            Side::Host => stream.host_seid == Some(seid),
            Side::Peer => stream.peer_seid == Some(seid),
        };
        let of = |running: &&Running| link.streams.get(running.at).is_some_and(|s| is(s) && s.refusal.is_none());
        if let Some(running) = self.running.iter().rev().find(of) {
            return Some(running.at);
        }
        // One that only its media channel or the other side's number is known of is the same one.
        let half = |running: &&Running| {
            link.streams.get(running.at).is_some_and(|s| match side {
                Side::Host => s.host_seid.is_none() && s.configured_ns.is_none(),
                Side::Peer => s.peer_seid.is_none() && s.configured_ns.is_none(),
            })
        };
        let found = self.running.iter().rev().find(half).map(|running| running.at);
        let at = match found {
            Some(at) => at,
            None => self.add(Stream::default(), link, budget)?,
        };
        let stream = link.streams.get_mut(at)?;
        match side {
            Side::Host => stream.host_seid = Some(seid),
            Side::Peer => stream.peer_seid = Some(seid),
        }
        Some(at)
    }

    pub(super) fn running(&mut self, at: usize) -> Option<&mut Running> {
        self.running.iter_mut().find(|running| running.at == at)
    }

    /// Its configuration was refused: it is no stream.
    pub(super) fn refused(&mut self, at: usize) {
        self.running.retain(|running| running.at != at);
    }

    /// OPEN was accepted.
    pub(super) fn stream_opened(&mut self, at_ns: i64, at: usize, link: &mut Link) {
        self.opened = Some(at);
        if let Some(stream) = link.streams.get_mut(at) {
            stream.opened_ns = Some(at_ns);
        }
    }

    /// START begins, or is tried again.
    pub(super) fn start(&mut self, at_ns: i64, by: Side, at: usize, link: &mut Link, budget: &mut Budget) {
        self.settle(at, link, budget);
        let Some(running) = self.running.iter_mut().find(|running| running.at == at) else { return };
        let Some(stream) = link.streams.get_mut(at) else { return };
        let start = Start {
            at_ns: Some(at_ns),
            by: Some(by),
            accepted_ns: None,
            refusal: None,
            media_from: None,
            media: None,
            end: None,
        };
        running.starting = budget.keep(&mut stream.starts, start, 0);
    }

    /// SUSPEND, CLOSE or ABORT was accepted.
    pub(super) fn stopped(&mut self, end: StreamEnd, at: usize, link: &mut Link, budget: &mut Budget) {
        let Some(stream) = link.streams.get_mut(at) else { return };
        if let Some(start) = stream.starts.last_mut() {
            start.end.get_or_insert(end);
        }
        if end.how != EndedBy::Suspend {
            stream.end.get_or_insert(end);
            self.settle(at, link, budget);
            self.running.retain(|running| running.at != at);
        }
    }

    /// A media channel was opened.
    pub(super) fn channel_opened(&mut self, channel: &Channel, link: &mut Link, budget: &mut Budget) {
        let at = self.opened.take().filter(|at| self.running.iter().any(|running| running.at == *at));
        let at = at.or_else(|| self.running.last().map(|running| running.at));
        if let Some(at) = at.or_else(|| self.add(Stream::default(), link, budget))
            && let Some(running) = self.running(at)
        {
            running.channel = Some(channel.host);
            self.channel_configured(channel, link);
        }
    }

    /// A side said what it takes.
    pub(super) fn channel_configured(&mut self, channel: &Channel, link: &mut Link) {
        let of = |running: &&Running| running.channel == Some(channel.host);
        if let Some(stream) = self.running.iter().find(of).and_then(|running| link.streams.get_mut(running.at)) {
            stream.mtu_to_peer = channel.mtu_to_peer;
            stream.mtu_to_host = channel.mtu_to_host;
        }
    }

    /// A media channel was closed. The stream may go on: some reopen the channel.
    pub(super) fn channel_closed(&mut self, at_ns: i64, by: Side, channel: u16, link: &mut Link) {
        let Some(running) = self.running.iter_mut().find(|running| running.channel == Some(channel)) else { return };
        running.channel = None;
        let start = link.streams.get_mut(running.at).and_then(|stream| stream.starts.last_mut());
        if let Some(start) = start {
            start.end.get_or_insert(StreamEnd { at_ns, by: Some(by), how: EndedBy::Channel });
        }
    }

    /// A media packet; whether it is the first of its start.
    pub(super) fn media(
        &mut self,
        at_ns: i64,
        from: Side,
        channel: u16,
        pdu: Pdu<'_>,
        link: &mut Link,
        budget: &mut Budget,
    ) -> bool {
        let Some(running) = self.running.iter_mut().find(|running| running.channel == Some(channel)) else {
            return false;
        };
        if let Some(flow) = &mut running.flow {
            flow.push(at_ns, pdu.data, pdu.length);
            return false;
        }
        let Some(stream) = link.streams.get_mut(running.at) else { return false };
        if stream.starts.last().is_none_or(|start| start.media.is_some()) {
            let start = Start {
                at_ns: None,
                by: None,
                accepted_ns: None,
                refusal: None,
                media_from: None,
                media: None,
                end: None,
            };
            if !budget.keep(&mut stream.starts, start, 0) {
                return false;
            }
        }
        if let Some(start) = stream.starts.last_mut() {
            start.media_from = Some(from);
        }
        let mut flow = Flow::new(stream.codec.as_ref().map(|codec| (codec.codec_type, &codec.raw[..])));
        flow.push(at_ns, pdu.data, pdu.length);
        running.flow = Some(flow);
        true
    }

    /// What flowed since the last start goes into the report.
    pub(super) fn settle(&mut self, at: usize, link: &mut Link, budget: &mut Budget) {
        let Some(running) = self.running.iter_mut().find(|running| running.at == at) else { return };
        running.starting = false;
        let Some(facts) = running.flow.take().and_then(|flow| flow.facts()) else { return };
        let Some(start) = link.streams.get_mut(at).and_then(|stream| stream.starts.last_mut()) else { return };
        let phase = Phase {
            kind: PhaseKind::Media,
            by: start.media_from,
            from_ns: facts.first_ns,
            to_ns: Some(facts.last_ns),
            outcome: Outcome::Done,
            detail: None,
            delays: vec![],
        };
        start.media = Some(facts);
        super::live::keep(link, Some(phase), budget);
    }

    /// The link, or the capture, ended.
    pub(super) fn finish(&mut self, end: Option<LinkEnd>, link: &mut Link, budget: &mut Budget) {
        while let Some(at) = self.running.last().map(|running| running.at) {
            self.settle(at, link, budget);
            self.running.pop();
            let (Some(end), Some(stream)) = (end, link.streams.get_mut(at)) else { continue };
            let end = StreamEnd { at_ns: end.at_ns, by: end.by, how: EndedBy::Link };
            stream.end.get_or_insert(end);
            if let Some(start) = stream.starts.last_mut() {
                start.end.get_or_insert(end);
            }
        }
    }
}
