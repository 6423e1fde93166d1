//! What has to be done to leave a board safe.

use std::collections::BTreeMap;

use rigtone_model::document::{Output, SafeState};

use crate::safety::{Entry, Journal};

/// An output of the board that is wired to something.
#[derive(Debug, Clone)]
pub struct Wired {
    /// What it is wired to, such as `power of kitchen-speaker`.
    pub what: String,
    /// The output.
    pub output: Output,
}

/// An output and its safe position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The channel, from 1.
    pub channel: u8,
    /// What it is wired to.
    pub what: String,
    /// Whether it is safe when energised.
    pub on: bool,
    /// The journal's entry, when a dead process left it outside its safe state.
    pub left: Option<Entry>,
    /// Whether a dead process may have left it outside its safe state.
    pub owed: bool,
}

/// Which outputs are made safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that a dead process may have left outside their safe state.
    Owed,
    /// All that are wired, and those.
    All,
}

impl Which {
    /// Whether it means this output.
    pub fn holds(self, target: &Target) -> bool {
        self == Self::All || target.owed
    }
}

/// The position, where there is one to go to.
pub(super) fn position(safe: SafeState) -> Option<bool> {
    match safe {
        SafeState::On => Some(true),
        SafeState::Off => Some(false),
        SafeState::Keep => None,
    }
}

/// The outputs of a board with `channels`: what the document wires, and what the journals say beyond it. The document
/// decides about what it still wires.
pub(super) fn targets(wired: &[Wired], journals: &[Journal], channels: u8) -> Vec<Target> {
    let mut targets: BTreeMap<u8, Target> = BTreeMap::new();
    let target = |channel, on, what: &str| Target { channel, on, what: what.to_owned(), left: None, owed: false };
    for Wired { what, output } in wired {
        if let Some(on) = position(output.safe) {
            targets.insert(output.channel, target(output.channel, on, what));
        }
    }
    let damaged = journals.iter().any(|journal| journal.damage().is_some());
    let mut keep: Vec<u8> =
        wired.iter().filter(|w| w.output.safe == SafeState::Keep).map(|w| w.output.channel).collect();
    for entry in journals.iter().flat_map(Journal::entries) {
        match position(entry.safe) {
            Some(on) if entry.left || (damaged && !keep.contains(&entry.channel)) => {
                let target = targets.entry(entry.channel).or_insert_with(|| target(entry.channel, on, &entry.what));
                target.owed = true;
                if entry.left {
                    target.left = Some(entry.clone());
                }
            }
            None => keep.push(entry.channel),
            Some(_) => {}
        }
    }
    // Where records are lost, every channel may have been one of theirs; released is how a board starts.
    for channel in (1..=channels).filter(|channel| damaged && !keep.contains(channel)) {
        targets.entry(channel).or_insert_with(|| target(channel, false, "an output that is not wired")).owed = true;
    }
    targets.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::State;
    use rigtone_model::document::{Lcus, RelayBoard};
    use rstest::rstest;

    fn wired(channel: u8, safe: SafeState) -> Wired {
        Wired { what: format!("document {channel}"), output: Output { relay: "b".into(), channel, safe } }
    }

    fn entry(channel: u8, safe: SafeState, left: bool) -> Entry {
        let board = RelayBoard { lcus: Some(Lcus::at("/dev/b")), ..RelayBoard::default() };
        Entry { left, ..Entry::new("lab", &board, channel, safe, &format!("journal {channel}")) }
    }

    /// Channel, position, what, owed.
    fn found(document: &[Wired], entries: &[Entry], damaged: bool) -> Vec<(u8, bool, String, bool)> {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::at(folder.path().to_owned()).expect("usable");
        let mut journal = state.journal("relay b", "/dev/b").expect("a journal");
        for entry in entries {
            if entry.left { journal.leaving(entry) } else { journal.wired(std::slice::from_ref(entry)) }
                .expect("written");
        }
        if damaged {
            let mut bytes = std::fs::read(journal.path()).expect("there");
            bytes.extend(b"garbage\n");
            std::fs::write(journal.path(), bytes).expect("written");
        }
        drop(journal);
        let journals = [state.journal("relay b", "/dev/b").expect("a journal")];
        targets(document, &journals, 4).into_iter().map(|t| (t.channel, t.on, t.what, t.owed)).collect()
    }

    #[rstest]
    // What left is owed, wherever it is known from; the document decides about what it wires.
    #[case::left(&[wired(1, SafeState::On), wired(2, SafeState::Off)], &[entry(1, SafeState::Off, true)], false,
        &[(1, true, "document 1", true), (2, false, "document 2", false)])]
    #[case::gone(&[wired(1, SafeState::Off)], &[entry(3, SafeState::On, true), entry(4, SafeState::Off, false)], false,
        &[(1, false, "document 1", false), (3, true, "journal 3", true)])]
    #[case::kept(&[wired(1, SafeState::Keep)], &[], false, &[])]
    #[case::kept_since(&[wired(1, SafeState::Keep)], &[entry(1, SafeState::Off, true)], false,
        &[(1, false, "journal 1", true)])]
    #[case::damaged(&[wired(1, SafeState::On)], &[entry(2, SafeState::On, false), entry(3, SafeState::Keep, false)], true,
        &[(1, true, "document 1", true), (2, true, "journal 2", true), (4, false, "an output that is not wired", true)])]
    #[case::damaged_but_kept(&[wired(1, SafeState::Keep)], &[entry(1, SafeState::Off, false)], true,
        &[(2, false, "an output that is not wired", true), (3, false, "an output that is not wired", true),
          (4, false, "an output that is not wired", true)])]
    fn an_output_is_owed_its_safe_state(
        #[case] document: &[Wired],
        #[case] entries: &[Entry],
        #[case] damaged: bool,
        #[case] expected: &[(u8, bool, &str, bool)],
    ) {
        let expected: Vec<_> = expected.iter().map(|&(c, on, what, owed)| (c, on, what.to_owned(), owed)).collect();
        assert_eq!(found(document, entries, damaged), expected);
    }
}
