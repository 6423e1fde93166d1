//! A link while it lasts.

use super::{
    budget::Budget,
    link::{Happening, Link, LinkEnd, Moment, Outcome, Phase, PhaseKind},
    negotiation::Negotiation,
    phases::Phases,
    profiles::Profiles,
    report::{Damage, Side},
    streaming::Streaming,
};
use crate::{
    capture::Direction,
    hci::Address,
    l2cap::{
        AVCTP, AVDTP, Change, Channel, Channels, FIRST_DYNAMIC, Pdu, RFCOMM, Role, SDP, SIGNALLING, Signals, psm_name,
    },
};

/// Handles of voice that are remembered.
const VOICE_AT_MOST: usize = 8;

/// A link, or a call, that has not ended.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) link: Link,
    pub(super) phases: Phases,
    /// It was seen from its beginning.
    pub(super) whole: bool,
    pub(super) encrypted: bool,
    channels: Channels,
    negotiation: Negotiation,
    streaming: Streaming,
    profiles: Profiles,
    voice: Vec<u16>,
    sent: u64,
    completed: u64,
    held_most: u64,
}

impl Live {
    fn new(at_ns: i64, adapter: u16, handle: Option<u16>, address: Option<Address>) -> Self {
        let link = Link {
            adapter,
            handle,
            address,
            name: None,
            low_energy: false,
            called_by: None,
            from_ns: at_ns,
            end: None,
            phases: vec![],
            services: vec![],
            endpoints: vec![],
            streams: vec![],
            unread: 0,
            moments: vec![],
            signals: vec![],
            findings: vec![],
        };
        Self {
            link,
            phases: Phases::default(),
            whole: false,
            encrypted: false,
            channels: Channels::default(),
            negotiation: Negotiation::default(),
            streaming: Streaming::default(),
            profiles: Profiles::default(),
            voice: vec![],
            sent: 0,
            completed: 0,
            held_most: 0,
        }
    }

    /// A call.
    pub(super) fn call(at_ns: i64, adapter: u16, address: Address, by: Side) -> Self {
        let mut live = Self::new(at_ns, adapter, None, Some(address));
        live.link.called_by = Some(by);
        live.whole = true;
        live
    }

    /// A link that was there before the capture.
    pub(super) fn from_before(at_ns: i64, adapter: u16, handle: u16) -> Self {
        Self::new(at_ns, adapter, Some(handle), None)
    }

    /// A link of Low Energy.
    pub(super) fn low_energy(at_ns: i64, adapter: u16, handle: u16, address: Address) -> Self {
        let mut live = Self::new(at_ns, adapter, Some(handle), Some(address));
        live.link.low_energy = true;
        live
    }

    pub(super) fn is(&self, adapter: u16, handle: u16) -> bool {
        self.link.adapter == adapter && self.link.handle == Some(handle)
    }

    pub(super) fn is_call_to(&self, address: Address) -> bool {
        self.link.handle.is_none() && self.link.address == Some(address)
    }

    pub(super) fn authenticating_by_peer(&self) -> bool {
        self.phases.began_by(PhaseKind::Authentication) == Some(Side::Peer)
    }

    pub(super) fn add_voice(&mut self, status: u8, handle: u16) {
        if status == 0 && self.voice.len() < VOICE_AT_MOST {
            self.voice.push(handle);
        }
    }

    pub(super) fn ends_voice(&mut self, handle: u16) -> bool {
        let before = self.voice.len();
        self.voice.retain(|voice| *voice != handle);
        self.voice.len() < before
    }

    pub(super) fn note(&mut self, at_ns: i64, what: Happening, budget: &mut Budget) {
        budget.keep(&mut self.link.moments, Moment { at_ns, what }, 0);
    }

    pub(super) fn end_phase(&mut self, kind: PhaseKind, at_ns: i64, outcome: Outcome, budget: &mut Budget) {
        let ended = self.phases.end(kind, at_ns, outcome);
        keep(&mut self.link, ended, budget);
    }

    /// An ACL packet went over the link.
    pub(super) fn packet(&mut self, at_ns: i64, direction: Direction) {
        self.phases.seen(at_ns);
        if direction == Direction::Sent {
            self.sent += 1;
            self.held_most = self.held_most.max(self.sent.saturating_sub(self.completed));
        }
    }

    pub(super) fn completed(&mut self, packets: u16) {
        self.completed += u64::from(packets);
    }

    /// What does not add up between packets of the host and reports of the controller, and in the host's own media.
    pub(super) fn flow_damage(&self, handle: u16, room: Option<u16>) -> Vec<Damage> {
        let adapter = self.link.adapter;
        let mut damage = Vec::new();
        if self.whole && !self.link.low_energy {
            let (sent, completed) = (self.sent, self.completed);
            if completed > sent {
                damage.push(Damage::MoreCompleted { adapter, handle, sent, completed });
            }
            if let Some(room) = room.map(u64::from)
                && self.held_most > room
                && room > 0
            {
                damage.push(Damage::FewerCompleted { adapter, handle, held: self.held_most, room });
            }
        }
        let (mut gaps, mut missing) = (0, 0);
        for start in self.link.streams.iter().flat_map(|stream| &stream.starts) {
            if let (Some(Side::Host), Some(sequence)) =
                (start.media_from, start.media.as_ref().and_then(|m| m.sequence))
            {
                gaps += sequence.gaps;
                missing += sequence.missing;
            }
        }
        if gaps > 0 {
            damage.push(Damage::MissingNumbers { adapter, handle, gaps, missing });
        }
        damage
    }

    /// A whole packet of L2CAP.
    pub(super) fn pdu(&mut self, at_ns: i64, direction: Direction, pdu: Pdu<'_>, budget: &mut Budget) {
        if pdu.channel == SIGNALLING {
            if !is_whole(&pdu) {
                return;
            }
            for signal in Signals::new(pdu.data) {
                if let Some(change) = self.channels.follow(direction, signal) {
                    self.channel(at_ns, change, budget);
                }
            }
            return;
        }
        let Some(channel) = self.channels.find(direction, pdu.channel).copied() else {
            self.link.unread += u64::from(pdu.channel >= FIRST_DYNAMIC);
            return;
        };
        // A media packet was sent, whatever became of its end; half a signal may say something that was never said.
        if !is_whole(&pdu) && channel.role != Role::Media {
            return;
        }
        let by = Side::of(direction);
        let Self { link, phases, negotiation, streaming, profiles, .. } = self;
        match (channel.psm, channel.role) {
            (AVDTP, Role::Media) => {
                let first = streaming.media(at_ns, by, channel.host, pdu, link, budget);
                if first {
                    let ended = phases.end(PhaseKind::FirstMedia, at_ns, Outcome::Done);
                    keep(link, ended, budget);
                }
            }
            (AVDTP, _) => negotiation.packet(at_ns, by, pdu.data, link, phases, streaming, budget),
            (SDP, _) => profiles.sdp(at_ns, by, channel.host, pdu.data, link, phases, budget),
            (AVCTP, _) => profiles.avctp(at_ns, by, pdu.data, link, budget),
            (RFCOMM, _) => profiles.rfcomm(at_ns, by, pdu.data, link, budget),
            _ => {}
        }
    }

    fn channel(&mut self, at_ns: i64, change: Change, budget: &mut Budget) {
        match change {
            Change::Asked(channel) => {
                let kind = self.phase_of(&channel);
                // Both sides may look for services at the same time: that is no other try.
                if let Some(kind) = kind.filter(|kind| *kind != PhaseKind::Sdp || !self.phases.is_open(*kind)) {
                    let by = Side::of(channel.asked);
                    self.phases.begin(kind, Some(by), Some(by.other()), at_ns);
                }
            }
            Change::Pending(channel) => {
                if let Some(kind) = self.phase_of(&channel) {
                    self.phases.pending(kind, at_ns);
                }
            }
            Change::Opened(channel) => {
                let (psm, by) = (channel.psm, Side::of(channel.asked));
                match channel.role {
                    Role::Media => {
                        self.end_phase(PhaseKind::MediaChannel, at_ns, Outcome::Done, budget);
                        self.streaming.channel_opened(&channel, &mut self.link, budget);
                    }
                    Role::AvdtpSignals => self.end_phase(PhaseKind::Signalling, at_ns, Outcome::Done, budget),
                    Role::Plain => {}
                }
                self.note(at_ns, Happening::ChannelOpened { psm, service: psm_name(psm), by }, budget);
            }
            Change::Refused(channel, code) => {
                let (psm, by, words) = (channel.psm, Side::of(channel.asked), refusal(code));
                if let Some(kind) = self.phase_of(&channel) {
                    self.end_phase(kind, at_ns, Outcome::Refused { code, words }, budget);
                }
                let service = psm_name(psm);
                self.note(at_ns, Happening::ChannelRefused { psm, service, by, code, words }, budget);
            }
            Change::NotAgreed(channel) => {
                if let Some(kind) = self.phase_of(&channel) {
                    self.phases.tried_before(kind, 1);
                }
            }
            Change::Configured(channel) => {
                if channel.role == Role::Media {
                    self.streaming.channel_configured(&channel, &mut self.link);
                }
            }
            Change::Closed(channel, asked) => {
                let (psm, by) = (channel.psm, Side::of(asked));
                match (psm, channel.role) {
                    (AVDTP, Role::Media) => self.streaming.channel_closed(at_ns, by, channel.host, &mut self.link),
                    (AVDTP, _) => {
                        let ended = self.phases.end_at_answer(PhaseKind::Capabilities);
                        keep(&mut self.link, ended, budget);
                    }
                    (SDP, _) => {
                        self.profiles.sdp_closed(channel.host);
                        let ended = self.phases.end_at_answer(PhaseKind::Sdp);
                        keep(&mut self.link, ended, budget);
                    }
                    _ => {}
                }
                self.note(at_ns, Happening::ChannelClosed { psm, service: psm_name(psm), by }, budget);
            }
        }
    }

    /// The phase that a channel's opening is, while it is not open.
    fn phase_of(&self, channel: &Channel) -> Option<PhaseKind> {
        match channel.psm {
            SDP => Some(PhaseKind::Sdp),
            AVDTP if self.channels.open().any(|open| open.role == Role::AvdtpSignals) => Some(PhaseKind::MediaChannel),
            AVDTP => Some(PhaseKind::Signalling),
            _ => None,
        }
    }

    /// Ends everything that goes on.
    pub(super) fn finish(&mut self, at_ns: i64, end: Option<LinkEnd>, outcome: Outcome, budget: &mut Budget) {
        let left = self.phases.end_at_answer(PhaseKind::Capabilities);
        keep(&mut self.link, left, budget);
        for phase in self.phases.end_all(at_ns, outcome) {
            keep(&mut self.link, Some(phase), budget);
        }
        self.streaming.finish(end, &mut self.link, budget);
        self.link.end = end;
    }
}

/// All of it is there, and nothing else.
fn is_whole(pdu: &Pdu<'_>) -> bool {
    pdu.fits && pdu.data.len() == pdu.length
}

/// Adds a phase to the report.
pub(super) fn keep(link: &mut Link, phase: Option<Phase>, budget: &mut Budget) {
    if let Some(phase) = phase {
        let more = phase.detail.as_ref().map_or(0, String::len) + phase.delays.len() * 32;
        budget.keep(&mut link.phases, phase, more);
    }
}

/// Why a channel is refused.
const fn refusal(code: u16) -> &'static str {
    match code {
        2 => "service not there",
        3 => "security block",
        4 => "no resources",
        6 => "invalid channel number",
        7 => "channel number in use",
        _ => "another reason",
    }
}
