//! From a file to its report.

use std::collections::BTreeMap;

use super::{
    budget::Budget,
    findings,
    integrity::Integrity,
    link::{Link, LinkEnd, Outcome},
    live::Live,
    report::{Adapter, CaptureFacts, Damage, FoundDevice, Inquiry, Proof, Report, SCHEMA_VERSION, Side},
};
use crate::{
    capture::{CaptureError, Direction, End, Format, Kind, Reader, Record},
    hci::{Acl, Address, Command, Event},
    l2cap::Assembler,
};

/// Nine years: the longest time in a capture that is believed, in ns.
const LONGEST_NS: i64 = 1 << 58;
/// Controllers that are followed; a host has a few.
const ADAPTERS_AT_MOST: usize = 64;
/// Links that are followed at the same time; a controller has seven, and some of Low Energy.
const LINKS_AT_MOST: usize = 128;
/// Devices of one search that are listed.
const FOUND_AT_MOST: usize = 512;
/// Names of devices that are remembered.
pub(super) const NAMES_AT_MOST: usize = 512;

/// A controller as it is followed.
#[derive(Debug, Default)]
pub(super) struct Controller {
    pub(super) address: Option<Address>,
    pub(super) gone_ns: Option<i64>,
    pub(super) hardware_errors: u64,
    /// ACL packets that it has room for.
    pub(super) room: Option<u16>,
    /// The inquiry that goes on: its place in the report.
    pub(super) inquiry: Option<usize>,
}

/// Decodes a capture that it is fed with, slice by slice.
#[derive(Debug, Default)]
pub struct Decoder {
    reader: Option<Reader>,
    pub(super) world: World,
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct World {
    format: Option<Format>,
    begins_ns: Option<i64>,
    length_ns: i64,
    counts: [u64; 7],
    pub(super) integrity: Integrity,
    pub(super) budget: Budget,
    pub(super) assembler: Assembler,
    pub(super) controllers: BTreeMap<u16, Controller>,
    pub(super) names: BTreeMap<Address, String>,
    pub(super) inquiries: Vec<Inquiry>,
    pub(super) live: Vec<Live>,
    pub(super) ended: Vec<Link>,
}

impl Decoder {
    /// A decoder at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// When the file is no capture.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), CaptureError> {
        let reader = self.reader.get_or_insert_default();
        reader.feed(bytes);
        if self.world.format.is_none() {
            self.world.format = reader.format()?;
        }
        while let Some(record) = reader.record()? {
            self.world.record(&record);
        }
        Ok(())
    }

    /// What the capture says, when there are no more bytes.
    ///
    /// # Errors
    /// When the file is no capture, or has no record.
    pub fn finish(self) -> Result<Report, CaptureError> {
        let (end, records, bytes) = self.reader.unwrap_or_default().finish()?;
        Ok(self.world.report(end, records, bytes))
    }
}

impl World {
    fn record(&mut self, record: &Record<'_>) {
        let begins_ns = *self.begins_ns.get_or_insert(record.at_ns);
        // A capture of years is damaged; its times can still be added to one another.
        let at_ns = record.at_ns.saturating_sub(begins_ns).clamp(-LONGEST_NS, LONGEST_NS);
        self.length_ns = self.length_ns.max(at_ns);
        self.integrity.look(record);
        let place = match (record.kind, record.direction) {
            (Kind::Command, _) => 0,
            (Kind::Event, _) => 1,
            (Kind::Acl, Direction::Sent) => 2,
            (Kind::Acl, Direction::Received) => 3,
            (Kind::Sco, _) => 4,
            (Kind::Iso, _) => 5,
            _ => 6,
        };
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        // Half a packet of the control traffic would say something that was never said.
        let whole = !record.is_cut();
        match record.kind {
            Kind::Command => match Command::parse(record.data) {
                Some(command) => self.command(at_ns, record.adapter, command),
                None if whole => self.integrity.malformed(record),
                None => {}
            },
            Kind::Event => match Event::parse(record.data) {
                Some(event) => self.event(at_ns, record.adapter, event),
                None if whole => self.integrity.malformed(record),
                None => {}
            },
            Kind::Acl => match Acl::parse(record.data) {
                Some(acl) if !whole || acl.data.len() == acl.length => {
                    self.acl(at_ns, record.adapter, record.direction, acl);
                }
                _ => self.integrity.malformed(record),
            },
            Kind::NewIndex => {
                let address = record.data.get(2..).and_then(|rest| rest.first_chunk()).copied();
                self.known(record.adapter, address.map(Address::from_air));
            }
            Kind::IndexInfo => {
                self.known(record.adapter, record.data.first_chunk().copied().map(Address::from_air));
            }
            Kind::DeleteIndex => {
                if let Some(controller) = self.controller(record.adapter) {
                    controller.gone_ns = Some(at_ns);
                }
                self.end_all(at_ns, record.adapter);
            }
            Kind::Unknown => self.integrity.malformed(record),
            Kind::Sco | Kind::Iso | Kind::Other => {}
        }
    }

    /// The controller of this number; `None` when there are too many.
    pub(super) fn controller(&mut self, adapter: u16) -> Option<&mut Controller> {
        if self.controllers.len() >= ADAPTERS_AT_MOST && !self.controllers.contains_key(&adapter) {
            return None;
        }
        Some(self.controllers.entry(adapter).or_default())
    }

    fn known(&mut self, adapter: u16, address: Option<Address>) {
        // Before it is powered a controller may have no address.
        let address = address.filter(|address| address.0 != [0; 6]);
        if let Some(controller) = self.controller(adapter) {
            controller.address = address.or(controller.address);
        }
    }

    /// Follows a new link or call.
    pub(super) fn add(&mut self, live: Live) -> Option<&mut Live> {
        if self.live.len() >= LINKS_AT_MOST {
            self.budget.leave_out();
            return None;
        }
        if !self.budget.allows(2 * size_of::<Link>()) {
            return None;
        }
        self.live.push(live);
        self.live.last_mut()
    }

    /// The link with this handle, even if it was there before the capture.
    fn link(&mut self, at_ns: i64, adapter: u16, handle: u16) -> Option<usize> {
        let found = self.live.iter().position(|live| live.is(adapter, handle));
        if found.is_none() {
            self.controller(adapter)?;
            self.add(Live::from_before(at_ns, adapter, handle))?;
            return self.live.len().checked_sub(1);
        }
        found
    }

    fn acl(&mut self, at_ns: i64, adapter: u16, direction: Direction, acl: Acl<'_>) {
        let Some(at) = self.link(at_ns, adapter, acl.handle) else { return };
        let Self { live, assembler, budget, .. } = self;
        let Some(live) = live.get_mut(at) else { return };
        live.packet(at_ns, direction);
        if live.link.low_energy {
            return;
        }
        if let Some(pdu) = assembler.push(adapter, direction, acl) {
            live.pdu(at_ns, direction, pdu, budget);
        }
    }

    /// Ends a link or a call.
    pub(super) fn end(&mut self, at: usize, end: Option<LinkEnd>, outcome: Outcome) {
        if at >= self.live.len() {
            return;
        }
        let mut live = self.live.remove(at);
        let (adapter, at_ns) = (live.link.adapter, end.map_or(self.length_ns, |end| end.at_ns));
        live.finish(at_ns, end, outcome, &mut self.budget);
        if let Some(handle) = live.link.handle {
            let (sent, received) = self.assembler.take_counts(adapter, handle);
            self.integrity.fragments(adapter, handle, Side::Host, sent);
            self.integrity.fragments(adapter, handle, Side::Peer, received);
            self.assembler.end(adapter, handle);
            let room = self.controllers.get(&adapter).and_then(|controller| controller.room);
            for damage in live.flow_damage(handle, room) {
                self.integrity.add(damage);
            }
        }
        self.ended.push(live.link);
    }

    /// Ends every link of a controller that forgot them.
    pub(super) fn end_all(&mut self, at_ns: i64, adapter: u16) {
        while let Some(at) = self.live.iter().position(|live| live.link.adapter == adapter) {
            let end = LinkEnd { at_ns, by: None, reason: None, words: "the controller was reset or taken away" };
            self.end(at, Some(end), Outcome::LinkEnded);
        }
    }

    /// An inquiry that goes on, on this controller.
    pub(super) fn inquiry(&mut self, adapter: u16) -> Option<&mut Inquiry> {
        let at = self.controllers.get(&adapter)?.inquiry?;
        self.inquiries.get_mut(at)
    }

    /// A device answered an inquiry.
    pub(super) fn found(&mut self, at_ns: i64, adapter: u16, address: Address, rssi_dbm: Option<i8>) {
        let Some(at) = self.controllers.get(&adapter).and_then(|controller| controller.inquiry) else { return };
        let Some(inquiry) = self.inquiries.get_mut(at) else { return };
        if inquiry.found.iter().any(|found| found.address == address) {
            return;
        }
        if inquiry.found.len() < FOUND_AT_MOST {
            self.budget.keep(&mut inquiry.found, FoundDevice { at_ns, address, rssi_dbm }, 0);
        } else {
            self.budget.leave_out();
        }
    }

    fn report(mut self, end: End, records: u64, bytes: u64) -> Report {
        match end {
            End::Whole => {}
            End::Cut { record, offset } => self.integrity.add(Damage::CutShort { record, offset }),
            End::Impossible { record, offset, claimed } => {
                self.integrity.add(Damage::ImpossibleLength { record, offset, claimed });
            }
        }
        while !self.live.is_empty() {
            self.end(0, None, Outcome::CaptureEnded);
        }
        let swapped_ns = self.integrity.swapped_ns();
        let damage = self.integrity.damage();
        let mut links = self.ended;
        links.sort_by_key(|link| link.from_ns);
        for link in &mut links {
            link.name = link.address.and_then(|address| self.names.get(&address).cloned());
            link.phases.sort_by_key(|phase| phase.from_ns);
            link.moments.sort_by_key(|moment| moment.at_ns);
            findings::find(link, !damage.is_empty(), &mut self.budget);
        }
        let [commands, events, acl_sent, acl_received, synchronous, isochronous, others] = self.counts;
        let adapters = self.controllers.into_iter().map(|(index, controller)| Adapter {
            index,
            address: controller.address,
            gone_ns: controller.gone_ns,
            hardware_errors: controller.hardware_errors,
        });
        Report {
            schema_version: SCHEMA_VERSION,
            capture: CaptureFacts {
                // A file with a record has a format.
                format: self.format.unwrap_or(Format::BtsnoopH4),
                bytes,
                records,
                begins_ns: self.begins_ns.unwrap_or_default(),
                length_ns: self.length_ns,
                commands,
                events,
                acl_sent,
                acl_received,
                synchronous,
                isochronous,
                others,
                swapped_ns,
            },
            proof: Proof { usable: damage.is_empty(), damage },
            adapters: adapters.collect(),
            inquiries: self.inquiries,
            links,
            left_out: self.budget.left_out(),
        }
    }
}
