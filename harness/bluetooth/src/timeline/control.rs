//! What commands and events say about links.

use super::{
    decoder::{NAMES_AT_MOST, World},
    link::{Happening, LinkEnd, Outcome, Phase, PhaseKind},
    live::Live,
    report::{Inquiry, Side},
};
use crate::hci::{self, Address, Command, Event, opcode};

/// A call that failed before this one began counts as a try of it, in ns.
const SAME_CALL_NS: i64 = 60_000_000_000;
/// Searches before a call of which one may have found the device.
const SEARCHES: usize = 32;
/// The longest name that is kept, in bytes: longer ones cannot be set.
const NAME_AT_MOST: usize = 248;
const SLOT_NS: i64 = 625_000;

impl World {
    fn of_address(&mut self, adapter: u16, address: Address) -> Option<&mut Live> {
        let is = |live: &&mut Live| live.link.adapter == adapter && live.link.address == Some(address);
        // A new call to an address begins before the old link is known to be gone.
        self.live.iter_mut().rev().find(is)
    }

    fn of_handle(&mut self, adapter: u16, handle: u16) -> Option<usize> {
        self.live.iter().position(|live| live.is(adapter, handle & 0x0FFF))
    }

    fn with_address(&mut self, adapter: u16, address: Address, act: impl FnOnce(&mut Live)) {
        if let Some(live) = self.of_address(adapter, address) {
            act(live);
        }
    }

    fn with_handle(&mut self, adapter: u16, handle: u16, act: impl FnOnce(&mut Live)) {
        if let Some(live) = self.of_handle(adapter, handle).and_then(|at| self.live.get_mut(at)) {
            act(live);
        }
    }

    fn note_address(&mut self, at_ns: i64, adapter: u16, address: Address, what: Happening) {
        let Self { live, budget, .. } = self;
        let is = |live: &&mut Live| live.link.adapter == adapter && live.link.address == Some(address);
        if let Some(live) = live.iter_mut().rev().find(is) {
            live.note(at_ns, what, budget);
        }
    }

    fn note_handle(&mut self, at_ns: i64, adapter: u16, handle: u16, what: Happening) {
        let Self { live, budget, .. } = self;
        if let Some(live) = live.iter_mut().find(|live| live.is(adapter, handle & 0x0FFF)) {
            live.note(at_ns, what, budget);
        }
    }

    fn end_phase(&mut self, at_ns: i64, adapter: u16, address: Address, kind: PhaseKind, outcome: Outcome) {
        let Self { live, budget, .. } = self;
        let is = |live: &&mut Live| live.link.adapter == adapter && live.link.address == Some(address);
        if let Some(live) = live.iter_mut().rev().find(is) {
            live.end_phase(kind, at_ns, outcome, budget);
        }
    }

    /// A call begins, by the host or by the peer.
    fn call(&mut self, at_ns: i64, adapter: u16, address: Address, by: Side) {
        if self.live.iter().any(|live| live.link.adapter == adapter && live.is_call_to(address)) {
            return;
        }
        let failed = |link: &&super::link::Link| {
            link.handle.is_none()
                && link.adapter == adapter
                && link.address == Some(address)
                && link.end.is_some_and(|end| at_ns - end.at_ns < SAME_CALL_NS)
        };
        let tries = self.ended.iter().rev().take(8).take_while(failed).count();
        let mut latest = self.inquiries.iter().rev().take(SEARCHES).filter(|inquiry| inquiry.adapter == adapter);
        let found = latest.find_map(|inquiry| {
            let found = inquiry.found.iter().find(|found| found.address == address)?;
            Some(Phase {
                kind: PhaseKind::Inquiry,
                by: Some(Side::Host),
                from_ns: inquiry.from_ns,
                to_ns: Some(found.at_ns),
                outcome: Outcome::Done,
                detail: found.rssi_dbm.map(|dbm| format!("heard at {dbm} dBm")),
                delays: vec![],
            })
        });
        let mut live = Live::call(at_ns, adapter, address, by);
        live.link.phases.extend(found);
        live.phases.begin(PhaseKind::Page, Some(by), Some(by.other()), at_ns);
        live.phases.tried_before(PhaseKind::Page, tries as u32);
        if self.controller(adapter).is_some() {
            self.add(live);
        }
    }

    pub(super) fn command(&mut self, at_ns: i64, adapter: u16, command: Command) {
        match command {
            Command::Inquiry => {
                let inquiry = Inquiry { adapter, from_ns: at_ns, to_ns: None, found: vec![] };
                let kept = self.controller(adapter).is_some();
                let Self { inquiries, budget, .. } = self;
                let at = (kept && budget.keep(inquiries, inquiry, 0)).then(|| self.inquiries.len() - 1);
                if let Some(controller) = self.controller(adapter) {
                    controller.inquiry = at;
                }
            }
            Command::InquiryCancel => self.end_inquiry(at_ns, adapter),
            Command::CreateConnection(address) => self.call(at_ns, adapter, address, Side::Host),
            Command::Disconnect { handle, .. } => self.with_handle(adapter, handle, |live| {
                live.phases.begin(PhaseKind::Disconnect, Some(Side::Host), Some(Side::Peer), at_ns);
            }),
            Command::LinkKeyReply { address, known } => {
                self.note_address(at_ns, adapter, address, Happening::LinkKey { known });
                let detail = if known { "with the stored key" } else { "no key stored: pairing" };
                self.with_address(adapter, address, |live| {
                    live.phases.detail(PhaseKind::Authentication, detail.to_owned());
                });
            }
            Command::AuthenticationRequested(handle) => self.with_handle(adapter, handle, |live| {
                live.phases.begin(PhaseKind::Authentication, Some(Side::Host), Some(Side::Peer), at_ns);
            }),
            Command::SetEncryption { handle, .. } => self.with_handle(adapter, handle, |live| {
                live.phases.begin(PhaseKind::Encryption, Some(Side::Host), Some(Side::Peer), at_ns);
            }),
            Command::PairingReply { address, .. } => {
                self.with_address(adapter, address, |live| live.phases.confirmation(at_ns, false));
            }
            Command::Reset => self.end_all(at_ns, adapter),
            Command::CreateConnectionCancel(_)
            | Command::AcceptConnection(_)
            | Command::RejectConnection { .. }
            | Command::SetupSynchronous
            | Command::Sniff(_)
            | Command::ExitSniff(_)
            | Command::SwitchRole(_)
            | Command::Other(_) => {}
        }
    }

    fn end_inquiry(&mut self, at_ns: i64, adapter: u16) {
        if let Some(inquiry) = self.inquiry(adapter) {
            inquiry.to_ns = Some(at_ns);
        }
        if let Some(controller) = self.controllers.get_mut(&adapter) {
            controller.inquiry = None;
        }
    }

    pub(super) fn event(&mut self, at_ns: i64, adapter: u16, event: Event<'_>) {
        if let (Some(room), Some(controller)) = (event.acl_buffers(), self.controller(adapter)) {
            controller.room = Some(room);
        }
        if let (Some(address), Some(controller)) = (event.own_address(), self.controller(adapter)) {
            controller.address = Some(address);
        }
        match event {
            Event::InquiryComplete { .. } => self.end_inquiry(at_ns, adapter),
            Event::InquiryResult(found) => {
                for one in found {
                    self.found(at_ns, adapter, one.address, one.rssi);
                    if let Some(name) = one.name {
                        self.named(one.address, name);
                    }
                }
            }
            Event::RemoteName { status: 0, address, name } => self.named(address, name),
            Event::ConnectionRequest { address, acl: true } => self.call(at_ns, adapter, address, Side::Peer),
            Event::ConnectionComplete { status, handle, address, acl: true } => {
                self.connected(at_ns, adapter, status, handle, address);
            }
            Event::ConnectionComplete { status, handle, address, acl: false }
            | Event::SynchronousComplete { status, handle, address } => {
                self.with_address(adapter, address, |live| live.add_voice(status, handle));
                self.note_address(at_ns, adapter, address, Happening::Voice { status, words: hci::reason(status) });
            }
            Event::DisconnectionComplete { status: 0, handle, reason } => {
                self.disconnected(at_ns, adapter, handle, reason);
            }
            Event::AuthenticationComplete { status, handle } => {
                let words = hci::reason(status);
                self.note_handle(at_ns, adapter, handle, Happening::Authentication { status, words });
                self.end_of_handle(at_ns, adapter, handle, PhaseKind::Authentication, status);
            }
            Event::EncryptionChange { status, handle, on } => self.encrypted(at_ns, adapter, status, handle, on),
            Event::RoleChange { status: 0, address, peripheral } => {
                let host_is = if peripheral { "peripheral" } else { "central" };
                self.note_address(at_ns, adapter, address, Happening::Role { host_is });
            }
            Event::CompletedPackets(pairs) => {
                for (handle, packets) in pairs {
                    self.with_handle(adapter, handle, |live| live.completed(packets));
                }
            }
            Event::ModeChange { status: 0, handle, mode, interval } => {
                let interval_ns = i64::from(interval) * SLOT_NS;
                let (word, resting) = match mode {
                    0 => ("active", None),
                    1 => ("hold", Some(interval_ns)),
                    2 => ("sniff", Some(interval_ns)),
                    _ => ("park", Some(interval_ns)),
                };
                self.with_handle(adapter, handle, |live| live.phases.mode(at_ns, resting));
                self.note_handle(at_ns, adapter, handle, Happening::Mode { mode: word, interval_ns });
            }
            Event::PinCodeRequest(address) => {
                self.begin_authentication(at_ns, adapter, address);
                self.note_address(at_ns, adapter, address, Happening::PinRequested);
                self.with_address(adapter, address, |live| live.phases.confirmation(at_ns, true));
            }
            Event::LinkKeyRequest(address)
            | Event::IoCapabilityRequest(address)
            | Event::IoCapabilityResponse(address) => self.begin_authentication(at_ns, adapter, address),
            Event::UserConfirmationRequest(address) => {
                self.with_address(adapter, address, |live| live.phases.confirmation(at_ns, true));
            }
            Event::LinkKeyNotification { address, key_type } => {
                let key_type = hci::key_type(key_type);
                self.note_address(at_ns, adapter, address, Happening::NewLinkKey { key_type });
                self.with_address(adapter, address, |live| {
                    live.phases.detail(PhaseKind::Authentication, format!("paired: {key_type}"));
                    live.phases.answered(PhaseKind::Authentication, at_ns);
                });
            }
            Event::SimplePairingComplete { status, address } => {
                let words = hci::reason(status);
                self.note_address(at_ns, adapter, address, Happening::Pairing { status, words });
                // The side that did not ask for authentication is told of its failure by this event alone.
                let ours = |live: &mut Live| live.authenticating_by_peer();
                let by_peer = self.of_address(adapter, address).is_some_and(ours);
                if status != 0 && by_peer {
                    let outcome = Outcome::Refused { code: status.into(), words };
                    self.end_phase(at_ns, adapter, address, PhaseKind::Authentication, outcome);
                }
            }
            Event::HardwareError(_) => {
                if let Some(controller) = self.controller(adapter) {
                    controller.hardware_errors += 1;
                }
            }
            Event::CommandStatus { status: failed @ 1.., opcode: opcode::CREATE_CONNECTION } => {
                let call =
                    self.live.iter().rposition(|live| live.link.adapter == adapter && live.link.handle.is_none());
                if let Some(at) = call {
                    self.failed_call(at_ns, at, failed);
                }
            }
            Event::LeConnectionComplete { status: 0, handle, address } => {
                let known = self.controller(adapter).is_some();
                known.then(|| self.add(Live::low_energy(at_ns, adapter, handle, address)));
            }
            _ => {}
        }
    }

    fn named(&mut self, address: Address, name: &[u8]) {
        let name = String::from_utf8_lossy(name.get(..NAME_AT_MOST).unwrap_or(name)).into_owned();
        if self.names.len() < NAMES_AT_MOST || self.names.contains_key(&address) {
            self.names.insert(address, name);
        }
    }

    fn begin_authentication(&mut self, at_ns: i64, adapter: u16, address: Address) {
        self.with_address(adapter, address, |live| {
            if !live.phases.is_open(PhaseKind::Authentication) {
                live.phases.begin(PhaseKind::Authentication, Some(Side::Peer), Some(Side::Peer), at_ns);
            }
        });
    }

    fn failed_call(&mut self, at_ns: i64, at: usize, status: u8) {
        let words = hci::reason(status);
        let by = (status != 0x04).then_some(Side::Peer);
        if let Some(live) = self.live.get_mut(at) {
            let outcome = Outcome::Refused { code: status.into(), words };
            live.end_phase(PhaseKind::Page, at_ns, outcome, &mut self.budget);
        }
        let end = LinkEnd { at_ns, by, reason: Some(status), words };
        self.end(at, Some(end), Outcome::LinkEnded);
    }

    fn connected(&mut self, at_ns: i64, adapter: u16, status: u8, handle: u16, address: Address) {
        let call = self.live.iter().position(|live| live.link.adapter == adapter && live.is_call_to(address));
        if status != 0 {
            if let Some(at) = call {
                self.failed_call(at_ns, at, status);
            }
            return;
        }
        // A handle that is given anew is not in use any more.
        if let Some(old) = self.of_handle(adapter, handle) {
            let end = LinkEnd { at_ns, by: None, reason: None, words: "its end is not in the capture" };
            self.end(old, Some(end), Outcome::LinkEnded);
        }
        let call = self.live.iter().position(|live| live.link.adapter == adapter && live.is_call_to(address));
        let Self { live, budget, .. } = self;
        match call.and_then(|at| live.get_mut(at)) {
            Some(live) => {
                live.link.handle = Some(handle);
                live.end_phase(PhaseKind::Page, at_ns, Outcome::Done, budget);
            }
            None => {
                let mut live = Live::from_before(at_ns, adapter, handle);
                live.link.address = Some(address);
                live.whole = true;
                if self.controller(adapter).is_some() {
                    self.add(live);
                }
            }
        }
    }

    fn disconnected(&mut self, at_ns: i64, adapter: u16, handle: u16, reason: u8) {
        let words = hci::reason(reason);
        let voice = self.live.iter_mut().position(|live| live.link.adapter == adapter && live.ends_voice(handle));
        if let Some(live) = voice.and_then(|at| self.live.get_mut(at)) {
            live.note(at_ns, Happening::VoiceEnded { reason, words }, &mut self.budget);
            return;
        }
        let Some(at) = self.of_handle(adapter, handle) else { return };
        let Some(live) = self.live.get_mut(at) else { return };
        let by = match reason {
            _ if live.phases.is_open(PhaseKind::Disconnect) => Some(Side::Host),
            0x13..=0x15 => Some(Side::Peer),
            0x16 => Some(Side::Host),
            _ => None,
        };
        if !live.phases.is_open(PhaseKind::Disconnect) {
            live.phases.begin(PhaseKind::Disconnect, by, None, at_ns);
        }
        live.phases.detail(PhaseKind::Disconnect, format!("{words} ({reason:#04x})"));
        live.end_phase(PhaseKind::Disconnect, at_ns, Outcome::Done, &mut self.budget);
        let end = LinkEnd { at_ns, by, reason: Some(reason), words };
        self.end(at, Some(end), Outcome::LinkEnded);
    }

    fn end_of_handle(&mut self, at_ns: i64, adapter: u16, handle: u16, kind: PhaseKind, status: u8) {
        let outcome = match status {
            0 => Outcome::Done,
            code => Outcome::Refused { code: code.into(), words: hci::reason(code) },
        };
        let Some(at) = self.of_handle(adapter, handle) else { return };
        if let Some(live) = self.live.get_mut(at) {
            live.end_phase(kind, at_ns, outcome, &mut self.budget);
        }
    }

    fn encrypted(&mut self, at_ns: i64, adapter: u16, status: u8, handle: u16, on: bool) {
        self.note_handle(at_ns, adapter, handle, Happening::Encryption { on, status });
        let Some(at) = self.of_handle(adapter, handle) else { return };
        let Some(live) = self.live.get_mut(at) else { return };
        // Who was authenticated by the peer learns of its end by this.
        if live.authenticating_by_peer() {
            live.end_phase(PhaseKind::Authentication, at_ns, Outcome::Done, &mut self.budget);
        }
        if !live.phases.is_open(PhaseKind::Encryption) {
            live.phases.begin(PhaseKind::Encryption, None, None, at_ns);
        }
        live.encrypted |= on && status == 0;
        if !on {
            live.phases.detail(PhaseKind::Encryption, "off".to_owned());
        }
        self.end_of_handle(at_ns, adapter, handle, PhaseKind::Encryption, status);
    }
}
