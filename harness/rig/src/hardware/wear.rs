//! How worn the contacts of a rig's relay boards are.

use std::collections::{BTreeMap, BTreeSet};

use rigtone_model::{
    document::{RelayBoard, Rig},
    trial::InfrastructureFault,
};

use super::hold::{Hold, outputs_of};
use crate::{
    lock::{LockError, Resource},
    safety::{State, Worn},
};

/// The share of its rated operations from which a contact should be replaced.
const DUE: f64 = 0.8;

/// A contact of a rig, and what it has done.
#[derive(Debug, Clone, PartialEq)]
pub struct WornContact {
    /// The board's name in the rig.
    pub relay: String,
    /// The channel, from 1.
    pub channel: u8,
    /// What the rig's document wires to it, such as `power of kitchen-speaker`; nothing of a channel that worked once.
    pub wired: Option<String>,
    /// The operations that it is good for, where that is known.
    pub rated: Option<u32>,
    /// What it has done; nothing when it never worked.
    pub worn: Option<Worn>,
}

impl WornContact {
    /// Its operations so far.
    pub fn operations(&self) -> u64 {
        self.worn.as_ref().map_or(0, |worn| worn.operations)
    }

    /// Its operations as a share of those that it is good for, where that is known.
    pub fn share(&self) -> Option<f64> {
        self.rated.map(|rated| self.operations() as f64 / f64::from(rated))
    }

    /// Whether it should be replaced.
    pub fn is_due(&self) -> bool {
        self.share().is_some_and(|share| share >= DUE)
    }

    /// What a person should know before trials rely on it.
    pub fn warning(&self) -> Option<String> {
        let (share, rated) = (self.share().filter(|_| self.is_due())?, self.rated?);
        let Self { relay, channel, .. } = self;
        let wired = self.wired.as_ref().map(|wired| format!(" ({wired})")).unwrap_or_default();
        Some(format!(
            "relay {relay} channel {channel}{wired} has done {} operations, {:.0} % of the {rated} that it is good for: \
             replace the board, and say so with `rigtone rig wear RIG --reset {relay}/{channel}`",
            self.operations(),
            100.0 * share
        ))
    }
}

fn fault(name: &str, what: String) -> InfrastructureFault {
    InfrastructureFault::new(format!("relay {name}"), what)
}

/// The keys under which the operations of a board are counted: its own first, then those that mean the same board now.
fn keys(state: &State, name: &str, board: &RelayBoard) -> Result<Vec<String>, InfrastructureFault> {
    let Some(own) = board.key() else { return Ok(Vec::new()) };
    let resource = super::hold::board(name, &own);
    let all = state.worn_keys().map_err(|e| fault(name, format!("listing the counts of operations failed: {e}")))?;
    let same = all.into_iter().filter(|key| *key != own && super::hold::board(name, key).key() == resource.key());
    Ok(std::iter::once(own.clone()).chain(same).collect())
}

/// What the contacts of a rig's boards have done: those that are wired, and those that ever worked.
///
/// # Errors
/// When what was counted cannot be read.
pub fn worn(rig: &Rig, state: &State) -> Result<Vec<WornContact>, InfrastructureFault> {
    let mut all = Vec::new();
    for (name, board) in &rig.relays {
        let mut found: BTreeMap<u8, Worn> = BTreeMap::new();
        for key in keys(state, name, board)? {
            for worn in state.worn(&format!("relay {name}"), &key)? {
                let channel = worn.channel;
                let joined = match found.remove(&channel) {
                    Some(known) => known.joined(&worn),
                    None => worn,
                };
                found.insert(channel, joined);
            }
        }
        let outputs = outputs_of(rig).filter(|(_, _, output)| output.relay == *name);
        let wired: BTreeMap<u8, String> = outputs.map(|(_, what, output)| (output.channel, what)).collect();
        let channels: BTreeSet<u8> = wired.keys().chain(found.keys()).copied().collect();
        all.extend(channels.into_iter().map(|channel| WornContact {
            relay: name.clone(),
            channel,
            wired: wired.get(&channel).cloned(),
            rated: board.rated(),
            worn: found.remove(&channel),
        }));
    }
    Ok(all)
}

/// What a person should know of the contacts of a rig before trials rely on them, a sentence for each.
pub(super) fn warnings(rig: &Rig, hold: &Hold) -> Vec<String> {
    // Without a state directory nothing leaves its safe state, and that is said elsewhere.
    let Ok(state) = &hold.state else { return Vec::new() };
    match worn(rig, state) {
        Ok(contacts) => contacts.iter().filter_map(WornContact::warning).collect(),
        Err(fault) => vec![fault.to_string()],
    }
}

/// Why it could not be recorded that something was replaced.
#[derive(Debug)]
pub enum NotReplaced {
    /// Another process uses the board.
    Taken(LockError),
    /// It cannot be recorded.
    Fault(InfrastructureFault),
}

/// Records that a board, or the relay of one channel, was replaced. Gives the operations that the old one had done, by
/// channel.
///
/// # Errors
/// When there is no such board, a run uses it, or it cannot be recorded.
pub fn replaced(
    rig: &Rig,
    hold: &mut Hold,
    name: &str,
    channel: Option<u8>,
    now_s: i64,
) -> Result<Vec<(u8, u64)>, NotReplaced> {
    let state = hold.state.clone().map_err(NotReplaced::Fault)?;
    let known = rig.relays.get(name).and_then(|board| Some((board, board.key()?)));
    let Some((board, own)) = known.filter(|(board, _)| channel.is_none_or(|c| (1..=board.channels).contains(&c)))
    else {
        let known: Vec<&str> = rig.relays.keys().map(String::as_str).collect();
        let channel = channel.map(|channel| format!("/{channel}")).unwrap_or_default();
        let hint = format!("name a board of the rig and one of its channels; there are {}", known.join(", "));
        return Err(NotReplaced::Fault(fault(name, format!("the rig has no real board `{name}{channel}`")).hint(hint)));
    };
    let resource: Resource = super::hold::board(name, &own);
    hold.locks.add(&resource).map_err(NotReplaced::Taken)?;
    let mut done: BTreeMap<u8, u64> = BTreeMap::new();
    for key in keys(&state, name, board).map_err(NotReplaced::Fault)? {
        let mut wear = state.wear(&format!("relay {name}"), &key).map_err(NotReplaced::Fault)?;
        let path = wear.path().display().to_string();
        let of_key = wear.replace(channel, now_s).map_err(|e| {
            NotReplaced::Fault(
                fault(name, format!("writing {path} failed: {e}")).hint("make it writable, or free space"),
            )
        })?;
        for (channel, operations) in of_key {
            *done.entry(channel).or_default() += operations;
        }
    }
    Ok(done.into_iter().collect())
}
