//! What the simulated world remembers of units from one trial to the next, as the record keeps it.

use std::collections::{BTreeMap, BTreeSet};

use rigtone_model::document::Codec;
use serde::{Deserialize, Serialize};

use super::{
    body::{Body, LinkState, State},
    world::World,
};
use crate::{capability::Address, clock::Instant};

/// The units of a trial, by name.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    units: BTreeMap<String, Remembered>,
}

/// A unit. Times are counted from when its trial ended: its own time stands still from there.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Remembered {
    mains: bool,
    /// In how long it answers; absent while it is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    awake_ns: Option<i64>,
    /// For how long it has had no power at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    dark_ns: Option<i64>,
    #[serde(skip_serializing_if = "is_false")]
    pairing_mode: bool,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    bonds: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    stale: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    links: BTreeMap<String, RememberedLink>,
    #[serde(skip_serializing_if = "is_false")]
    frozen: bool,
    /// For how long nothing has sounded.
    #[serde(skip_serializing_if = "is_zero")]
    quiet_ns: i64,
    /// What its battery has left.
    #[serde(skip_serializing_if = "is_zero")]
    charge_ns: i64,
    #[serde(skip_serializing_if = "is_false")]
    proven: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    settings: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RememberedLink {
    codec: Codec,
    latency_ns: i64,
    /// Without music it is one for voice.
    #[serde(default = "always", skip_serializing_if = "is_true")]
    music: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    hands_free: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    taken_over: bool,
}

fn always() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

impl RememberedLink {
    fn of(link: &LinkState) -> Self {
        let LinkState { codec, latency_ns, music, hands_free, taken_over, .. } = *link;
        Self { codec, latency_ns, music, hands_free, taken_over }
    }

    fn state(&self, made: Instant) -> LinkState {
        let Self { codec, latency_ns, music, hands_free, taken_over } = *self;
        LinkState { codec, latency_ns, made, music, hands_free, taken_over }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

fn written(addresses: &BTreeSet<Address>) -> BTreeSet<String> {
    addresses.iter().map(ToString::to_string).collect()
}

fn read(addresses: &BTreeSet<String>) -> BTreeSet<Address> {
    addresses.iter().filter_map(|text| text.parse().ok()).collect()
}

impl Remembered {
    fn of(body: &Body, now: Instant) -> Self {
        let (own, state) = (body.own(now), &body.state);
        Self {
            mains: state.mains,
            // How long it has been awake makes no difference, nor how long past its discharge it was dark.
            awake_ns: state.awake.map(|at| at.saturating_sub(own).max(0)),
            dark_ns: state.dark.map(|since| own.saturating_sub(since).min(body.discharge_ns)),
            pairing_mode: state.pairing_mode,
            bonds: written(&state.bonds),
            stale: written(&state.stale),
            links: state.links.iter().map(|(peer, link)| (peer.to_string(), RememberedLink::of(link))).collect(),
            frozen: state.frozen,
            quiet_ns: if body.minds_quiet() { own.saturating_sub(state.quiet) } else { 0 },
            charge_ns: body.charge_ns(own),
            proven: state.proven,
            settings: state.settings.clone(),
        }
    }

    fn state(&self, body: &Body, now: Instant) -> State {
        let own = body.own(now);
        let links = self.links.iter().filter_map(|(peer, link)| Some((peer.parse().ok()?, link.state(now))));
        State {
            mains: self.mains,
            awake: self.awake_ns.map(|ns| own.saturating_add(ns)),
            dark: self.dark_ns.map(|ns| own.saturating_sub(ns)),
            pairing_mode: self.pairing_mode,
            bonds: read(&self.bonds),
            stale: read(&self.stale),
            links: links.collect(),
            frozen: self.frozen,
            quiet: own.saturating_sub(self.quiet_ns),
            charge: (self.charge_ns, own),
            proven: self.proven,
            settings: self.settings.clone(),
        }
    }
}

impl World {
    /// What lives on of these units.
    pub(super) fn memory(&self, units: &[&str], now: Instant) -> serde_json::Value {
        let bodies = units.iter().filter_map(|unit| self.bodies.get(*unit));
        let units = bodies.map(|body| (body.name.to_string(), Remembered::of(body, now))).collect();
        serde_json::to_value(Memory { units }).unwrap_or_default()
    }

    /// Brings units back to where a memory has them. What it does not name stays as it is.
    pub(super) fn remember(&mut self, memory: &serde_json::Value, now: Instant) {
        let Ok(memory) = Memory::deserialize(memory) else { return };
        for (name, remembered) in &memory.units {
            let Some(body) = self.bodies.get_mut(name.as_str()) else { continue };
            body.state = remembered.state(body, now);
            if let Some(output) = &body.power {
                self.boards.set(&output.relay, output.channel, remembered.mains);
            }
        }
    }
}
