//! What goes over the HCI of a simulated dongle: enough of it for a capture that reads like one of a real host.
//!
//! Calls are written down when they have ended, with the times at which their parts were due.

use std::collections::BTreeMap;

use rigtone_bluetooth::{
    capture::{
        Direction::{self, Received, Sent},
        Kind, Writer,
    },
    sdp::Query,
};

use crate::{
    capability::{Address, CaptureClock, Codec},
    clock::Instant,
};

/// 2026-01-01: the beginning of every simulated run by the captures' clock.
const BEGINS_UNIX_NS: i64 = 1_767_225_600_000_000_000;
/// The dongle's number on its host.
const CONTROLLER: u16 = 0;
pub(super) const DONE: u8 = 0;
pub(super) const PAGE_TIMEOUT: u8 = 0x04;
pub(super) const SUPERVISION_TIMEOUT: u8 = 0x08;
pub(super) const LIMITED_RESOURCES: u8 = 0x0D;
pub(super) const ENDED_BY_PEER: u8 = 0x13;
const AUTHENTICATION_FAILED: u8 = 0x05;
const ENDED_BY_HOST: u8 = 0x16;
/// Channels of the host and of the peer: service discovery, signals, media.
const DISCOVERY: (u8, u8) = (0x40, 0x41);
const SIGNALS: (u8, u8) = (0x42, 0x43);
const MEDIA: (u8, u8) = (0x44, 0x45);
const PSM_SDP: u16 = 1;
const PSM_AVDTP: u16 = 25;
/// The host's endpoint.
const OWN_SEID: u8 = 1;
/// Parts of the time that a connection takes: service discovery until the first, signals until the second.
const DISCOVERED: f64 = 0.3;
const OPENED: f64 = 0.98;

/// An interval on the rig's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Instant,
    pub(super) to: Instant,
}

impl Span {
    /// A part of it, both as fractions.
    pub(super) fn part(self, from: f64, to: f64) -> Self {
        let at = |part: f64| self.from.plus((self.to.since(self.from) as f64 * part) as i64);
        Self { from: at(from), to: at(to) }
    }
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// With a bond from before.
    Known,
    /// A new bond.
    Paired,
    /// The peer refused.
    Refused,
}

/// The traffic of one dongle since its recording began.
#[derive(Debug)]
pub(super) struct Traffic {
    writer: Writer,
    links: BTreeMap<Address, Link>,
    handles: u16,
    label: u8,
}

/// A link with another device.
#[derive(Debug, Clone, Copy)]
struct Link {
    handle: u16,
    /// Since when the device has been awake, by its own time: a link does not outlive that.
    awake: Option<i64>,
    /// The endpoint of the stream that is open.
    stream: Option<u8>,
    sequence: u16,
}

fn on_air(address: Address) -> [u8; 6] {
    let mut bytes = address.0;
    bytes.reverse();
    bytes
}

/// The number of a codec's endpoint.
fn seid(place: usize) -> u8 {
    u8::try_from(place + 1).unwrap_or(u8::MAX) & 0x3F
}

/// Type and octets of a codec: everything that it can be, or one configuration.
fn octets(codec: Codec, one: bool, bitpool: u8) -> (u8, Vec<u8>) {
    let of = |all: &[u8], chosen: &[u8]| if one { chosen.to_vec() } else { all.to_vec() };
    match codec {
        Codec::Aac => (2, of(&[0x80, 0x01, 0x8C, 0x83, 0xE8, 0x00], &[0x80, 0x00, 0x84, 0x83, 0xE8, 0x00])),
        Codec::Aptx => (0xFF, of(&[0x4F, 0, 0, 0, 1, 0, 0x32], &[0x4F, 0, 0, 0, 1, 0, 0x12])),
        Codec::AptxLl => (0xFF, of(&[0x0A, 0, 0, 0, 2, 0, 0x32, 0], &[0x0A, 0, 0, 0, 2, 0, 0x12, 0])),
        Codec::AptxHd => {
            (0xFF, of(&[0xD7, 0, 0, 0, 0x24, 0, 0x32, 0, 0, 0, 0], &[0xD7, 0, 0, 0, 0x24, 0, 0x12, 0, 0, 0, 0]))
        }
        Codec::Ldac => (0xFF, of(&[0x2D, 1, 0, 0, 0xAA, 0, 0x3C, 7], &[0x2D, 1, 0, 0, 0xAA, 0, 0x10, 1])),
        Codec::Opus => (0xFF, of(&[0xE0, 0, 0, 0, 1, 0, 0x9A], &[0xE0, 0, 0, 0, 1, 0, 0x92])),
        _ => (0, of(&[0xFF, 0xFF, 2, bitpool], &[0x11, 0x15, 2, bitpool])),
    }
}

/// The configuration that is agreed on for a codec; the bitpool is that of SBC.
pub(super) fn configuration(codec: Codec, bitpool: u8) -> Vec<u8> {
    octets(codec, true, bitpool).1
}

/// A media packet's content and how long it plays, in ns.
fn media(codec: Codec, bitpool: u8) -> (Vec<u8>, i64) {
    match codec {
        // Two frames in each packet.
        Codec::Ldac => ([[2, 0xAA, 0x10].as_slice(), &[0x55; 656]].concat(), 5_333_333),
        Codec::Aac => ([[0x20, 0x00, 0x11, 0x90].as_slice(), &[0x55; 400]].concat(), 21_333_333),
        Codec::AptxHd | Codec::Opus => (vec![0x73; 600], 10_000_000),
        Codec::Aptx | Codec::AptxLl => ([0x4B, 0xBF].repeat(300), 6_250_000),
        // Five frames at 48 kHz: of 16 blocks and 8 subbands in joint stereo, 119 bytes with bitpool 53.
        _ => {
            let rest = vec![0x55; 10 + 2 * usize::from(bitpool)];
            let frame = [[0x9C, 0xFD, bitpool].as_slice(), &rest].concat();
            ([[5].as_slice(), &frame.repeat(5)].concat(), 13_333_333)
        }
    }
}

impl Traffic {
    /// Recording begins; the kernel tells first which dongle there is.
    pub(super) fn begin(now: Instant, own: Address) -> Self {
        let mut traffic = Self { writer: Writer::new(), links: BTreeMap::new(), handles: 0, label: 0 };
        let index = [[0, 1].as_slice(), &on_air(own), b"hci0\0\0\0\0"].concat();
        traffic.put(now, Received, Kind::NewIndex, &index);
        traffic.put(now, Received, Kind::IndexInfo, &[on_air(own).as_slice(), &[2, 0]].concat());
        traffic
    }

    /// The capture so far.
    pub(super) fn bytes(&self) -> &[u8] {
        self.writer.bytes()
    }

    /// Its clock beside the rig's.
    pub(super) const fn clock() -> CaptureClock {
        // The file counts in microseconds.
        CaptureClock { unix_ns: BEGINS_UNIX_NS, t_ns: 0, uncertainty_ns: 1_000 }
    }

    fn put(&mut self, at: Instant, direction: Direction, kind: Kind, data: &[u8]) {
        self.writer.packet(BEGINS_UNIX_NS + at.0, CONTROLLER, direction, kind, data);
    }

    fn event(&mut self, at: Instant, code: u8, parameters: &[&[u8]]) {
        let parameters = parameters.concat();
        self.put(at, Received, Kind::Event, &[[code, parameters.len() as u8].as_slice(), &parameters].concat());
    }

    /// A command, and that it was understood.
    fn command(&mut self, at: Instant, opcode: u16, parameters: &[&[u8]]) {
        let ([low, high], parameters) = (opcode.to_le_bytes(), parameters.concat());
        self.put(at, Sent, Kind::Command, &[[low, high, parameters.len() as u8].as_slice(), &parameters].concat());
        self.event(at, 0x0F, &[&[DONE, 1, low, high]]);
    }

    fn l2cap(&mut self, at: Instant, direction: Direction, handle: u16, channel: u8, data: &[u8]) {
        let length = data.len() as u16;
        let head = (handle | if direction == Sent { 0 } else { 0x2000 }).to_le_bytes();
        let acl = [
            head.as_slice(),
            &(length + 4).to_le_bytes(),
            &length.to_le_bytes(),
            &u16::from(channel).to_le_bytes(),
            data,
        ];
        self.put(at, direction, Kind::Acl, &acl.concat());
        if direction == Sent {
            self.event(at, 0x13, &[&[1], &handle.to_le_bytes(), &[1, 0]]);
        }
    }

    /// A channel that the host opens.
    fn channel(&mut self, at: Instant, handle: u16, psm: u16, (own, other): (u8, u8)) {
        let [low, high] = psm.to_le_bytes();
        self.l2cap(at, Sent, handle, 1, &[2, 1, 4, 0, low, high, own, 0]);
        self.l2cap(at, Received, handle, 1, &[3, 1, 8, 0, other, 0, own, 0, 0, 0, 0, 0]);
        self.l2cap(at, Sent, handle, 1, &[4, 2, 8, 0, other, 0, 0, 0, 1, 2, 0xA0, 2]);
        self.l2cap(at, Received, handle, 1, &[5, 2, 6, 0, own, 0, 0, 0, 0, 0]);
    }

    fn close_channel(&mut self, at: Instant, handle: u16, (own, other): (u8, u8)) {
        self.l2cap(at, Sent, handle, 1, &[6, 3, 4, 0, other, 0, own, 0]);
        self.l2cap(at, Received, handle, 1, &[7, 3, 4, 0, other, 0, own, 0]);
    }

    /// A question of the host on the channel for signals, and its answer: yes, or a no.
    fn ask(&mut self, span: Span, handle: u16, signal: u8, content: &[u8], answer: Result<&[u8], &[u8]>) {
        self.label = (self.label + 1) % 16;
        let label = self.label << 4;
        self.l2cap(span.from, Sent, handle, SIGNALS.1, &[&[label, signal], content].concat());
        let (kind, more) = match answer {
            Ok(more) => (2, more),
            Err(more) => (3, more),
        };
        self.l2cap(span.to, Received, handle, SIGNALS.0, &[&[label | kind, signal], more].concat());
    }

    /// A search, and the device that it found.
    pub(super) fn inquiry(&mut self, span: Span, found: Option<(Address, i8)>) {
        self.command(span.from, 0x0401, &[&[0x33, 0x8B, 0x9E, 8, 0]]);
        match found {
            Some((address, rssi)) => {
                self.event(span.to, 0x22, &[&[1], &on_air(address), &[1, 0, 0x14, 0x04, 0x24, 0, 0, rssi as u8]]);
                self.put(span.to, Sent, Kind::Command, &[0x02, 0x04, 0]);
                self.event(span.to, 0x0E, &[&[1, 0x02, 0x04, DONE]]);
            }
            None => self.event(span.to, 0x01, &[&[DONE]]),
        }
    }

    /// Whether there is a link with a device that has been awake since `awake`; one that did not live so long is lost.
    pub(super) fn is_linked(&mut self, now: Instant, to: Address, awake: Option<i64>) -> bool {
        match self.links.get(&to) {
            Some(link) if link.awake == awake => true,
            Some(_) => {
                self.ended(now, to, SUPERVISION_TIMEOUT);
                false
            }
            None => false,
        }
    }

    /// A call, and how it ended: 0 with a link.
    pub(super) fn page(&mut self, span: Span, to: Address, awake: Option<i64>, status: u8) {
        self.command(span.from, 0x0405, &[&on_air(to), &[0x18, 0xCC, 2, 0, 0, 0, 1]]);
        if status != DONE {
            self.event(span.to, 0x03, &[&[status, 0, 0], &on_air(to), &[1, 0]]);
            return;
        }
        // Real controllers take turns with a few.
        self.handles = self.handles % 0x80 + 1;
        let handle = self.handles;
        self.event(span.to, 0x03, &[&[DONE], &handle.to_le_bytes(), &on_air(to), &[1, 0]]);
        self.links.insert(to, Link { handle, awake, stream: None, sequence: 0 });
    }

    /// Proving who is there, and encryption when that went well.
    pub(super) fn authenticate(&mut self, span: Span, to: Address, proof: Proof) {
        let Some(Link { handle, .. }) = self.links.get(&to).copied() else { return };
        let (handle, peer) = (handle.to_le_bytes(), on_air(to));
        // Whoever reads it in evidence has found a leak: captures are kept without keys.
        let key: Vec<u8> = peer.iter().chain(b"not a key!").copied().collect();
        self.command(span.from, 0x0411, &[&handle]);
        self.event(span.from, 0x17, &[&peer]);
        let proven = span.part(0.9, 1.0);
        match proof {
            Proof::Known => self.command(span.from, 0x040B, &[&peer, &key]),
            Proof::Paired | Proof::Refused => {
                self.command(span.from, 0x040C, &[&peer]);
                self.event(span.from, 0x31, &[&peer]);
                self.command(span.from, 0x042B, &[&peer, &[3, 0, 2]]);
                let answered = span.part(0.3, 0.3).from;
                self.event(answered, 0x32, &[&peer, &[3, 0, 2]]);
                self.event(answered, 0x33, &[&peer, &[0, 0, 0, 0]]);
                self.command(answered, 0x042C, &[&peer]);
            }
        }
        match proof {
            Proof::Known => {}
            Proof::Paired => {
                self.event(proven.from, 0x36, &[&[DONE], &peer]);
                self.event(proven.from, 0x18, &[&peer, &key, &[4]]);
            }
            Proof::Refused => self.event(proven.from, 0x36, &[&[AUTHENTICATION_FAILED], &peer]),
        }
        let status = if proof == Proof::Refused { AUTHENTICATION_FAILED } else { DONE };
        self.event(proven.from, 0x06, &[&[status], &handle]);
        if proof == Proof::Refused {
            self.ended(proven.to, to, AUTHENTICATION_FAILED);
            return;
        }
        self.command(proven.from, 0x0413, &[&handle, &[1]]);
        self.event(proven.to, 0x08, &[&[DONE], &handle, &[1]]);
    }

    /// Looking for an A2DP sink.
    fn discover_services(&mut self, span: Span, handle: u16, is_sink: bool) {
        self.channel(span.from, handle, PSM_SDP, DISCOVERY);
        let search = [0x35, 3, 0x19, 0x11, 0x0B, 0xFF, 0xFF, 0x35, 5, 0x0A, 0, 0, 0xFF, 0xFF, 0];
        let ask = [[6, 0, 1, 0, search.len() as u8].as_slice(), &search].concat();
        self.l2cap(span.from, Sent, handle, DISCOVERY.1, &ask);
        let record = [0x35, 8, 0x09, 0, 1, 0x35, 3, 0x19, 0x11, 0x0B];
        let list = if is_sink { [[0x35, record.len() as u8].as_slice(), &record].concat() } else { vec![0x35, 0] };
        let length = list.len() as u8;
        let answer = [[7, 0, 1, 0, length + 3, 0, length].as_slice(), &list, &[0]].concat();
        self.l2cap(span.to, Received, handle, DISCOVERY.0, &answer);
        self.close_channel(span.to, handle, DISCOVERY);
    }

    /// Setting up a stream with a device that offers these codecs: the agreed one, or the one that is refused.
    pub(super) fn set_up(
        &mut self,
        span: Span,
        to: Address,
        offered: &[Codec],
        choice: Result<Codec, Codec>,
        bitpool: u8,
    ) {
        let Some(Link { handle, .. }) = self.links.get(&to).copied() else { return };
        self.discover_services(span.part(0.0, DISCOVERED), handle, true);
        let signals = span.part(DISCOVERED, OPENED);
        self.channel(signals.from, handle, PSM_AVDTP, SIGNALS);
        let endpoints: Vec<u8> = (0..offered.len()).flat_map(|place| [seid(place) << 2, 0x08]).collect();
        self.ask(signals.part(0.05, 0.1), handle, 0x01, &[], Ok(&endpoints));
        for (place, codec) in offered.iter().enumerate() {
            let (kind, octets) = octets(*codec, false, bitpool);
            let capability = [[1, 0, 7, octets.len() as u8 + 2, 0, kind].as_slice(), &octets].concat();
            let step = 0.5 / offered.len() as f64;
            let asked = signals.part(0.1 + step * place as f64, 0.1 + step * (place + 1) as f64);
            self.ask(asked, handle, 0x0C, &[seid(place) << 2], Ok(&capability));
        }
        let (Ok(codec) | Err(codec)) = choice;
        let peer = seid(offered.iter().position(|one| *one == codec).unwrap_or_default());
        let (kind, octets) = octets(codec, true, bitpool);
        let head = [peer << 2, OWN_SEID << 2, 1, 0, 7, octets.len() as u8 + 2, 0, kind];
        let content = [head.as_slice(), &octets].concat();
        // Unsupported configuration, of the category of media codecs.
        let answer = if choice.is_ok() { Ok(&[][..]) } else { Err(&[7, 0x29][..]) };
        self.ask(signals.part(0.6, 0.8), handle, 0x03, &content, answer);
        if choice.is_err() {
            self.close_channel(signals.to, handle, SIGNALS);
            return;
        }
        self.ask(signals.part(0.8, 0.9), handle, 0x06, &[peer << 2], Ok(&[]));
        self.channel(signals.to, handle, PSM_AVDTP, MEDIA);
        if let Some(link) = self.links.get_mut(&to) {
            link.stream = Some(peer);
        }
    }

    /// A call for the service classes of a device alone, and its end.
    pub(super) fn read_services(&mut self, span: Span, to: Address, awake: Option<i64>, classes: &[u16]) {
        let linked = self.is_linked(span.from, to, awake);
        if !linked {
            self.page(span.part(0.0, 0.5), to, awake, DONE);
        }
        let Some(Link { handle, .. }) = self.links.get(&to).copied() else { return };
        let asked = span.part(0.5, 0.9);
        self.channel(asked.from, handle, PSM_SDP, DISCOVERY);
        self.l2cap(asked.from, Sent, handle, DISCOVERY.1, &Query::default().packet());
        let record = |class: &u16| {
            let [high, low] = class.to_be_bytes();
            [0x35, 8, 0x09, 0, 1, 0x35, 3, 0x19, high, low]
        };
        let records: Vec<u8> = classes.iter().flat_map(record).collect();
        let list = [[0x35, records.len() as u8].as_slice(), &records].concat();
        let length = list.len() as u8;
        let answer = [[7, 0, 0, 0, length + 3, 0, length].as_slice(), &list, &[0]].concat();
        self.l2cap(asked.to, Received, handle, DISCOVERY.0, &answer);
        self.close_channel(asked.to, handle, DISCOVERY);
        if !linked {
            self.disconnect(span.part(0.95, 1.0), to);
        }
    }

    /// A device without an A2DP sink.
    pub(super) fn no_sink(&mut self, span: Span, to: Address) {
        if let Some(Link { handle, .. }) = self.links.get(&to).copied() {
            self.discover_services(span, handle, false);
        }
    }

    /// A stream from its start, asked for before the first packet, until it ended.
    pub(super) fn stream(&mut self, asked: Instant, span: Span, to: Address, codec: Codec, bitpool: u8) {
        let Some(Link { handle, stream: Some(peer), mut sequence, .. }) = self.links.get(&to).copied() else { return };
        let accepted = Span { from: asked, to: span.from }.part(0.0, 0.7);
        self.ask(accepted, handle, 0x07, &[peer << 2], Ok(&[]));
        let (content, each_ns) = media(codec, bitpool);
        let has_rtp = !matches!(codec, Codec::Aptx | Codec::AptxLl);
        let mut at = span.from;
        while at < span.to {
            let samples = u32::from(sequence).wrapping_mul((each_ns as u64 * 48 / 1_000_000) as u32);
            let rtp =
                [&[0x80, 0x60], sequence.to_be_bytes().as_slice(), &samples.to_be_bytes(), &[0, 0, 0, 1]].concat();
            let head = if has_rtp { rtp } else { Vec::new() };
            self.l2cap(at, Sent, handle, MEDIA.1, &[head, content.clone()].concat());
            sequence = sequence.wrapping_add(1);
            at = at.plus(each_ns);
        }
        if let Some(link) = self.links.get_mut(&to) {
            link.sequence = sequence;
        }
    }

    /// The end of a stream that was not lost.
    pub(super) fn suspend(&mut self, now: Instant, to: Address) {
        if let Some(Link { handle, stream: Some(peer), .. }) = self.links.get(&to).copied() {
            self.ask(Span { from: now, to: now }, handle, 0x09, &[peer << 2], Ok(&[]));
        }
    }

    /// The host ends the link, if there is one.
    pub(super) fn disconnect(&mut self, span: Span, to: Address) {
        if let Some(Link { handle, .. }) = self.links.get(&to).copied() {
            self.command(span.from, 0x0406, &[&handle.to_le_bytes(), &[0x13]]);
            self.ended(span.to, to, ENDED_BY_HOST);
        }
    }

    /// The link ended, if there was one, with a reason as the controller gives it.
    pub(super) fn ended(&mut self, now: Instant, to: Address, reason: u8) {
        if let Some(Link { handle, .. }) = self.links.remove(&to) {
            self.event(now, 0x05, &[&[DONE], &handle.to_le_bytes(), &[reason]]);
        }
    }
}
