//! Conversations between a host, its controller and a speaker, packet by packet.

use rigtone_bluetooth::{
    capture::{
        Direction::{self, Received, Sent},
        Format, Kind,
    },
    timeline::{Class, Finding, Happening, Link, Phase, PhaseKind, Report, Side},
};

use crate::{
    build::{Packet, file, packet},
    recorded::report,
};

/// The speaker, in the order of the air: 00:18:6B:01:02:03.
pub(crate) const SPEAKER: [u8; 6] = [3, 2, 1, 0x6B, 0x18, 0];
pub(crate) const HANDLE: u16 = 2;
/// SBC at 44.1 kHz, as a whole list of capabilities.
pub(crate) const SBC: [u8; 10] = [1, 0, 7, 6, 0, 0, 0x21, 0x15, 2, 0x35];

/// What happens, in the order of time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scene {
    pub(crate) packets: Vec<Packet>,
    /// Now, in us since the beginning.
    pub(crate) now: u64,
    /// The longest ACL packet in bytes; 0: as long as needed.
    pub(crate) fragments: usize,
    pub(crate) label: u8,
}

impl Scene {
    /// Lets time pass, in ms.
    pub(crate) fn wait(mut self, ms: u64) -> Self {
        self.now += ms * 1000;
        self
    }

    fn add(mut self, direction: Direction, kind: Kind, data: &[u8]) -> Self {
        self.packets.push(packet(self.now, direction, kind, data));
        self
    }

    pub(crate) fn command(self, opcode: u16, parameters: &[u8]) -> Self {
        let [low, high] = opcode.to_le_bytes();
        self.add(Sent, Kind::Command, &[&[low, high, parameters.len() as u8], parameters].concat())
    }

    pub(crate) fn event(self, code: u8, parameters: &[u8]) -> Self {
        self.add(Received, Kind::Event, &[&[code, parameters.len() as u8], parameters].concat())
    }

    /// A packet of L2CAP in as many fragments as it takes; what is sent is reported as sent.
    pub(crate) fn l2cap(mut self, direction: Direction, channel: u16, data: &[u8]) -> Self {
        let whole = [&(data.len() as u16).to_le_bytes(), channel.to_le_bytes().as_slice(), data].concat();
        let size = if self.fragments == 0 { whole.len() } else { self.fragments };
        for (number, fragment) in whole.chunks(size).enumerate() {
            self = self.acl(direction, number > 0, fragment);
            if direction == Sent {
                self = self.event(0x13, &[1, HANDLE as u8, 0, 1, 0]);
            }
        }
        self
    }

    pub(crate) fn acl(self, direction: Direction, continues: bool, fragment: &[u8]) -> Self {
        let head = HANDLE | if continues { 0x1000 } else { 0x2000 };
        let length = (fragment.len() as u16).to_le_bytes();
        self.add(direction, Kind::Acl, &[head.to_le_bytes().as_slice(), &length, fragment].concat())
    }

    /// A call that is answered after some ms.
    pub(crate) fn call(self, ms: u64) -> Self {
        let parameters = [SPEAKER.as_slice(), &[0x18, 0xCC, 2, 0, 0, 0, 1]].concat();
        self.command(0x0405, &parameters).wait(ms).connected(0)
    }

    pub(crate) fn connected(self, status: u8) -> Self {
        self.event(0x03, &[&[status, HANDLE as u8, 0], SPEAKER.as_slice(), &[1, 0]].concat())
    }

    /// Opens a channel that this side asks for: its number, and that of the other side.
    pub(crate) fn channel(self, asked: Direction, psm: u16, source: u8, destination: u8) -> Self {
        let [low, high] = psm.to_le_bytes();
        self.l2cap(asked, 1, &[2, 1, 4, 0, low, high, source, 0])
            .wait(2)
            .l2cap(asked.other(), 1, &[3, 1, 8, 0, destination, 0, source, 0, 0, 0, 0, 0])
            .l2cap(asked.other(), 1, &[4, 2, 8, 0, source, 0, 0, 0, 1, 2, 0, 8])
    }

    /// The channels of AVDTP as the host opens them: signals on 64 and 65, media on 66 and 67.
    pub(crate) fn signalling(self) -> Self {
        self.channel(Sent, 25, 64, 65)
    }

    pub(crate) fn media_channel(self) -> Self {
        self.channel(Sent, 25, 66, 67)
    }

    /// A question of a side on the signalling channel.
    pub(crate) fn ask(mut self, by: Direction, id: u8, content: &[u8]) -> Self {
        self.label = (self.label + 1) % 16;
        let bytes = [&[self.label << 4, id], content].concat();
        self.signal(by, &bytes)
    }

    /// The yes to the last question, and the no.
    pub(crate) fn accept(self, by: Direction, id: u8, content: &[u8]) -> Self {
        let bytes = [&[self.label << 4 | 2, id], content].concat();
        self.signal(by, &bytes)
    }

    pub(crate) fn reject(self, by: Direction, id: u8, content: &[u8]) -> Self {
        let bytes = [&[self.label << 4 | 3, id], content].concat();
        self.signal(by, &bytes)
    }

    pub(crate) fn signal(self, by: Direction, bytes: &[u8]) -> Self {
        self.l2cap(by, if by == Sent { 65 } else { 64 }, bytes)
    }

    /// A link with a stream of SBC that is open: the host's endpoint 3 with the speaker's endpoint 1.
    pub(crate) fn opened() -> Self {
        Self::default()
            .call(100)
            .wait(10)
            .signalling()
            .wait(10)
            .ask(Sent, 0x01, &[])
            .wait(5)
            .accept(Received, 0x01, &[1 << 2, 0x08])
            .ask(Sent, 0x0C, &[1 << 2])
            .wait(5)
            .accept(Received, 0x0C, &[1, 0, 7, 6, 0, 0, 0xFF, 0xFF, 2, 0x35, 8, 0])
            .ask(Sent, 0x03, &[&[1 << 2, 3 << 2], SBC.as_slice()].concat())
            .wait(5)
            .accept(Received, 0x03, &[])
            .ask(Sent, 0x06, &[1 << 2])
            .wait(5)
            .accept(Received, 0x06, &[])
            .media_channel()
            .wait(500)
    }

    pub(crate) fn start(self) -> Self {
        self.ask(Sent, 0x07, &[1 << 2]).wait(10).accept(Received, 0x07, &[])
    }

    /// A media packet of the host with this sequence number.
    pub(crate) fn media(self, sequence: u16) -> Self {
        self.l2cap(Sent, 67, &sbc_packet(sequence))
    }

    /// The controller says that the link ended.
    pub(crate) fn disconnected(self, reason: u8) -> Self {
        self.event(0x05, &[0, HANDLE as u8, 0, reason])
    }

    pub(crate) fn report(&self, format: Format) -> Report {
        report(&file(format, &self.packets))
    }

    /// What is said of the only link.
    pub(crate) fn link(&self) -> Link {
        let mut report = self.report(Format::BtsnoopH4);
        assert!(report.proof.usable, "{:?}", report.proof);
        assert_eq!(report.links.len(), 1, "{:#?}", report.links);
        report.links.remove(0)
    }
}

/// 5 frames of SBC at 44.1 kHz with bitpool 53: 640 samples.
pub(crate) fn sbc_packet(sequence: u16) -> Vec<u8> {
    let timestamp = u32::from(sequence) * 640;
    let frame = [[0x9C, 0xBD, 0x35].as_slice(), &[0x55; 116]].concat();
    [&[0x80, 0x60], sequence.to_be_bytes().as_slice(), &timestamp.to_be_bytes(), &[0, 0, 0, 1, 5], &frame.repeat(5)]
        .concat()
}

/// The only phase of a kind.
#[track_caller]
pub(crate) fn phase(link: &Link, kind: PhaseKind) -> &Phase {
    let found: Vec<&Phase> = link.phases.iter().filter(|phase| phase.kind == kind).collect();
    let [phase] = found[..] else { panic!("{} phases of {kind:?}: {:#?}", found.len(), link.phases) };
    phase
}

/// How long the only phase of a kind took, in ms, and who began it.
#[track_caller]
pub(crate) fn took(link: &Link, kind: PhaseKind) -> (f64, Option<Side>) {
    let phase = phase(link, kind);
    ((phase.to_ns.unwrap() - phase.from_ns) as f64 / 1e6, phase.by)
}

pub(crate) fn classes(link: &Link) -> Vec<Class> {
    link.findings.iter().map(|Finding { class, .. }| *class).collect()
}

pub(crate) fn happened(link: &Link) -> Vec<&Happening> {
    link.moments.iter().map(|moment| &moment.what).collect()
}

/// A whole evening: call, agree, play 40 packets, suspend, close, part.
pub(crate) fn evening() -> Scene {
    let mut scene = Scene::opened().start().wait(20);
    for sequence in 0..40 {
        scene = scene.media(sequence).wait(15);
    }
    scene
        .ask(Sent, 0x09, &[1 << 2])
        .wait(7)
        .accept(Received, 0x09, &[])
        .wait(100)
        .ask(Sent, 0x08, &[1 << 2])
        .wait(8)
        .accept(Received, 0x08, &[])
        .wait(50)
        .command(0x0406, &[HANDLE as u8, 0, 0x13])
        .wait(9)
        .disconnected(0x16)
}
