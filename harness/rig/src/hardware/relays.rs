//! Opening the relay boards of a rig, after what a dead process left has been made safe.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rigtone_model::{
    document::{RelayBoard, Rig, SafeState},
    trial::InfrastructureFault,
};
use time::{OffsetDateTime, macros::format_description};

use super::{
    HostClock,
    hold::{self, Hold, outputs_of},
    open::{MadeSafe, Notes, OpenError, Selection, document},
};
use crate::{
    lock::{LockError, Resource},
    power::{Board, Boards, Settled, Setup, Which, Wired, unsafe_still},
    safety::{Entry, Journal, State},
};

/// How long all boards together may take to make their outputs safe.
const LIMIT: Duration = Duration::from_secs(20);

/// Opens the boards that the wanted units hang on. All outputs of such a board are left safe in the end, those of other
/// units too: the board is one resource. First every output that a dead process left outside its safe state is made
/// safe, on these boards, on the rig's others, and on those that the rig has no more.
pub(super) fn open(
    rig: &Rig,
    wanted: &Selection,
    hold: &mut Hold,
    clock: HostClock,
    notes: Notes<'_>,
) -> Result<Boards, OpenError> {
    let outputs = outputs_of(rig).filter(|(unit, ..)| wanted.units.contains(*unit));
    let needed: BTreeSet<&str> = outputs.map(|(_, _, output)| output.relay.as_str()).collect();
    for name in &needed {
        sound(rig, name)?;
    }
    let mut boards = Boards::default();
    let state = match &hold.state {
        Ok(state) => state.clone(),
        // Nothing can be on record, and nothing will be switched.
        Err(_) if needed.is_empty() => return Ok(boards),
        Err(fault) => return Err(fault.clone().into()),
    };
    let finder = Finder::new(rig, Some(&state), notes);
    let mut refused = Vec::new();
    for name in &needed {
        let (mut setup, kept) = finder.setup(name);
        tell_damage(&setup, notes);
        match kept.and_then(|()| setup.record()).and_then(|()| Board::open(setup, clock)) {
            Ok(board) => boards.insert(name, board),
            Err(fault) => refused.push(fault),
        }
    }
    let Others { boards: others, unreached, taken, locked } = finder.others(&needed, hold, clock, notes);
    for error in taken {
        notes(error.to_string());
    }
    let settled = settle(&boards, Which::Owed, &others);
    tell(&settled, notes);
    // They are not used in this run: others may have them.
    drop(others);
    locked.iter().for_each(|resource| hold.locks.give_back(resource));
    let (own, foreign): (Vec<Settled>, Vec<Settled>) =
        settled.into_iter().partition(|settled| boards.iter().any(|board| board.member() == settled.member));
    // What this run does not need is no reason not to run.
    for fault in unreached.into_iter().chain(foreign.into_iter().filter_map(|settled| settled.result.err())) {
        notes(full(&fault));
    }
    refused.extend(own.into_iter().filter_map(|settled| settled.result.err()));
    let mut refused = refused.into_iter();
    let Some(first) = refused.next() else { return Ok(boards) };
    refused.for_each(|fault| notes(full(&fault)));
    Err(first.into())
}

/// Brings every output of a rig to its safe state, with nothing but its boards. Boards that another rig has are left to
/// it: it has made safe what was on record when it began.
pub(super) fn make_safe(rig: &Rig, hold: &mut Hold, notes: Notes<'_>) -> MadeSafe {
    let clock = HostClock::start();
    let mut done = MadeSafe::default();
    let state = match &hold.state {
        Ok(state) => Some(state.clone()),
        Err(fault) => {
            let what = format!("{}; outputs that the document does not wire are not known", fault.what);
            done.faults.push(InfrastructureFault { what, ..fault.clone() });
            None
        }
    };
    let finder = Finder::new(rig, state.as_ref(), notes);
    let wired: BTreeSet<&str> = outputs_of(rig).map(|(_, _, output)| output.relay.as_str()).collect();
    let mut boards = Boards::default();
    for name in &wired {
        // An output that cannot be is named; those that can be are made safe.
        if let Err(error) = sound(rig, name) {
            done.faults.push(InfrastructureFault::new(format!("relay {name}"), error.to_string()));
        }
        let Some(key) = key(rig, name) else { continue };
        match hold.locks.add(&hold::board(name, &key)) {
            Ok(()) => {}
            Err(error @ LockError::Taken { .. }) => {
                done.taken.push(error);
                continue;
            }
            // The rig's own lock is held: no reason to leave an output on.
            Err(error @ LockError::Io { .. }) => notes(error.to_string()),
        }
        let (mut setup, kept) = finder.setup(name);
        tell_damage(&setup, notes);
        if let Err(fault) = kept.and_then(|()| setup.record()) {
            notes(full(&fault));
        }
        let targets = setup.targets();
        match Board::open(setup, clock) {
            Ok(board) => boards.insert(name, board),
            Err(fault) => {
                done.faults.extend(targets.iter().map(|target| unsafe_still(&fault.member, fault.clone(), target)));
            }
        }
    }
    let Others { boards: others, unreached, taken, .. } = finder.others(&wired, hold, clock, notes);
    done.faults.extend(unreached);
    done.taken.extend(taken);
    let settled = settle(&boards, Which::All, &others);
    tell(&settled, notes);
    for Settled { result, .. } in settled {
        match result {
            Ok(()) => done.safe += 1,
            Err(fault) => done.faults.push(fault),
        }
    }
    done
}

/// Makes outputs safe, those of the other boards that are owed it too, all boards side by side.
fn settle(boards: &Boards, which: Which, others: &Boards) -> Vec<Settled> {
    Boards::settle(&[(boards, which), (others, Which::Owed)], LIMIT)
}

/// What tells a board of the document from every other one.
fn key(rig: &Rig, relay: &str) -> Option<String> {
    rig.relays.get(relay)?.key()
}

/// A board that the document describes, with outputs that it has.
fn sound(rig: &Rig, relay: &str) -> Result<(), OpenError> {
    let member = format!("relay {relay}");
    let board = rig.relays.get(relay).ok_or_else(|| document(&member, "there is no such board"))?;
    if board.key().is_none() {
        return Err(document(&member, "it is of no family of boards"));
    }
    for (_, what, output) in outputs_of(rig).filter(|(_, _, output)| output.relay == relay) {
        if output.channel == 0 || output.channel > board.channels {
            let what = format!("{what} is on channel {}; it has {}", output.channel, board.channels);
            return Err(document(member, what));
        }
    }
    Ok(())
}

fn wired(rig: &Rig, relay: &str) -> Vec<Wired> {
    let channels = rig.relays.get(relay).map_or(0, |board| board.channels);
    outputs_of(rig)
        .map(|(_, what, output)| Wired { what, output: output.clone() })
        .filter(|wired| wired.output.relay == relay && (1..=channels).contains(&wired.output.channel))
        .collect()
}

/// Finds the journals that concern a rig.
struct Finder<'a> {
    rig: &'a Rig,
    state: Option<&'a State>,
    /// The keys that have journals, by the device that they are: a board may be known under several.
    keys: BTreeMap<String, Vec<String>>,
}

impl<'a> Finder<'a> {
    fn new(rig: &'a Rig, state: Option<&'a State>, notes: Notes<'_>) -> Self {
        let found = state.map_or_else(|| Ok(Vec::new()), State::keys).unwrap_or_else(|e| {
            notes(format!("listing the journals of outputs failed: {e}"));
            Vec::new()
        });
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for key in found {
            keys.entry(hold::board("", &key).key().to_owned()).or_default().push(key);
        }
        Self { rig, state, keys }
    }

    /// A board of the document with its journals, and whether it has one of its own. Its lock must be held.
    fn setup(&self, relay: &str) -> (Setup, Result<(), InfrastructureFault>) {
        let key = key(self.rig, relay).unwrap_or_default();
        let others = self.keys.get(hold::board(relay, &key).key()).into_iter().flatten();
        self.assemble(relay, &key, others.filter(|other| **other != key))
    }

    fn assemble<'p>(
        &self,
        name: &str,
        key: &str,
        other_keys: impl Iterator<Item = &'p String>,
    ) -> (Setup, Result<(), InfrastructureFault>) {
        let member = format!("relay {name}");
        let mut journals = Vec::new();
        let mut kept = Ok(());
        if let Some(state) = self.state {
            match state.journal(&member, key) {
                Ok(own) => {
                    journals.push(own);
                    for other in other_keys {
                        match state.journal(&member, other) {
                            Ok(journal) => journals.push(journal),
                            Err(fault) => kept = Err(fault),
                        }
                    }
                }
                Err(fault) => kept = Err(fault),
            }
        }
        let document = self.rig.relays.get(name);
        let setup = Setup {
            name: name.to_owned(),
            board: document.cloned().unwrap_or_else(|| on_record(&journals)),
            rig: self.rig.rig.clone(),
            channels: document.map_or(0, |board| board.channels),
            wired: wired(self.rig, name),
            journals,
        };
        (setup, kept)
    }

    /// Boards that are not used now, on which outputs of this rig were left outside their safe state.
    fn others(&self, used: &BTreeSet<&str>, hold: &mut Hold, clock: HostClock, notes: Notes<'_>) -> Others {
        let (mut boards, mut unreached, mut taken) = (Boards::default(), Vec::new(), Vec::new());
        let mut locked = Vec::new();
        let device_of = |relay: &str| Some(hold::board(relay, &key(self.rig, relay)?).key().to_owned());
        let used: BTreeSet<String> = used.iter().filter_map(|relay| device_of(relay)).collect();
        for (device, keys) in self.keys.iter().filter(|(device, _)| !used.contains(*device)) {
            let Some(first) = keys.first() else { continue };
            let known = self.rig.relays.keys().find(|relay| device_of(relay).as_ref() == Some(device));
            let name = known.unwrap_or(first);
            let key = known.and_then(|relay| key(self.rig, relay)).unwrap_or_else(|| first.clone());
            let look = || self.assemble(name, &key, keys.iter().filter(|other| **other != key));
            let of_this_rig = |setup: &Setup| {
                let mut entries = setup.journals.iter().flat_map(Journal::entries);
                known.is_some() || entries.any(|entry| entry.left && entry.rig == self.rig.rig)
            };
            let owes = |setup: &Setup| of_this_rig(setup) && setup.targets().iter().any(|target| target.owed);
            let (setup, kept) = look();
            // What cannot be read may name outputs of this rig: that is said, and never taken for nothing.
            if let Err(fault) = kept {
                unreached.push(fault.hint("see what the board switches, and let this user read and write its journal"));
                continue;
            }
            // No document tells what a damaged journal may have named.
            let unknown = |setup: &Setup| setup.channels == 0 && setup.journals.iter().any(|j| j.damage().is_some());
            if !owes(&setup) && !unknown(&setup) {
                continue;
            }
            let resource = hold::board(name, &key);
            match hold.locks.add(&resource) {
                Ok(()) => locked.push(resource),
                // Whoever has it knows what it is doing.
                Err(LockError::Taken { .. }) if !owes(&setup) => continue,
                Err(error @ LockError::Taken { .. }) => {
                    notes(format!("outputs on {key} were left outside their safe state"));
                    taken.push(error);
                    continue;
                }
                // The rig's own lock is held: no reason to leave an output on.
                Err(error @ LockError::Io { .. }) => notes(error.to_string()),
            }
            // Only what is read under the lock is that of a dead process.
            let (setup, kept) = look();
            if let Err(fault) = kept {
                notes(full(&fault));
            }
            if unknown(&setup) {
                let journals = setup.journals.iter().map(|journal| journal.path().display().to_string());
                let journals = journals.collect::<Vec<_>>().join(" and ");
                let what = format!("its journal {journals} is damaged, and no document wires the board");
                let hint = "see that what it switches is safe, and delete that file";
                unreached.push(InfrastructureFault::new(setup.member(), what).hint(hint));
            }
            if !owes(&setup) {
                continue;
            }
            tell_damage(&setup, notes);
            let owed: Vec<_> = setup.targets().into_iter().filter(|target| target.owed).collect();
            let journal = setup.journals.first().map(|journal| journal.path().display().to_string());
            match Board::open(setup, clock) {
                Ok(board) => boards.insert(name, board),
                Err(fault) => unreached.extend(owed.iter().map(|target| {
                    let still = unsafe_still(&fault.member, fault.clone(), target);
                    let by_hand = still.hint.clone().unwrap_or_default();
                    still.hint(format!("{by_hand}, and delete {}", journal.as_deref().unwrap_or("its journal")))
                })),
            }
        }
        Others { boards, unreached, taken, locked }
    }
}

/// A board that no document names any more, as it stands on record where an output of it was left last.
fn on_record(journals: &[Journal]) -> RelayBoard {
    let entries = journals.iter().flat_map(Journal::entries);
    entries.max_by_key(|entry| (entry.left, entry.unix_s)).map_or_else(RelayBoard::default, Entry::board)
}

/// Boards that are not used now, and what is owed to them.
struct Others {
    /// Those on which outputs of this rig were left outside their safe state.
    boards: Boards,
    /// What nobody knows about, or cannot be reached.
    unreached: Vec<InfrastructureFault>,
    /// Those that another process has.
    taken: Vec<LockError>,
    /// What was locked for them.
    locked: Vec<Resource>,
}

/// A fault with what to do, in one sentence.
fn full(fault: &InfrastructureFault) -> String {
    match &fault.hint {
        Some(hint) => format!("{fault}; {hint}"),
        None => fault.to_string(),
    }
}

fn tell_damage(setup: &Setup, notes: Notes<'_>) {
    for journal in &setup.journals {
        if let Some(damage) = journal.damage() {
            let (path, member) = (journal.path().display(), setup.member());
            notes(format!(
                "{member}: its journal {path} is damaged ({damage}): every output of the board is made safe"
            ));
        }
    }
}

fn tell(settled: &[Settled], notes: Notes<'_>) {
    for Settled { member, target, result } in settled {
        let (Some(left), Ok(())) = (&target.left, result) else { continue };
        let position = if left.safe == SafeState::On { "off" } else { "on" };
        let when = OffsetDateTime::from_unix_timestamp(left.unix_s)
            .ok()
            .and_then(|when| when.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC")).ok())
            .unwrap_or_else(|| "an unknown time".to_owned());
        notes(format!(
            "{} (channel {} of {member}) was left {position} by process {} of the rig `{}` at {when}; it is safe now",
            target.what, target.channel, left.pid, left.rig
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lock::Locks, test_port::Pty};
    use serde_json::{Value, json};
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        thread,
    };
    use tempfile::TempDir;

    /// A rig that has no board any more, with locks of its own: tests run side by side.
    fn rig() -> (Rig, Locks) {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let id = format!("relays-{}-{}", std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed));
        let document = json!({
            "rig": id, "title": "A lab", "world": "hardware", "rooms": {"room": {}},
            "units": {"speaker": {"device": "a/speaker", "firmware": "1", "address": "D2:00:00:00:00:01"}},
        });
        let locks = Locks::take(&id, []).expect("nobody else has that name");
        let _ = std::fs::remove_file(format!("/tmp/rigtone-{id}.lock"));
        (serde_json::from_value(document).expect("a rig"), locks)
    }

    /// What becomes of an output that a dead process left on, of a board that only its journal knows.
    fn made_safe(board: &Value, key: &str, change: impl FnOnce(&mut Entry)) -> (MadeSafe, Vec<Entry>, TempDir) {
        let (rig, locks) = rig();
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::at(folder.path().to_owned()).expect("usable");
        let board: RelayBoard = serde_json::from_value(board.clone()).expect("a board");
        let mut entry = Entry::new(&rig.rig, &board, 2, SafeState::Off, "power of one that is gone");
        change(&mut entry);
        state
            .journal("relay b", key)
            .and_then(|mut journal| {
                journal.leaving(&entry).map_err(|e| InfrastructureFault::new("relay b", e.to_string()))
            })
            .expect("written");
        let mut hold = Hold { locks, state: Ok(state.clone()) };
        let done = make_safe(&rig, &mut hold, &mut |_| {});
        let entries = state.journal("relay b", key).expect("a journal").entries().cloned().collect();
        (done, entries, folder)
    }

    #[test]
    fn a_board_of_any_family_that_no_document_names_is_made_safe_as_its_journal_says() {
        let mut pty = Pty::open();
        let path = pty.path().to_owned();
        let board = json!({"modbus-rtu": {"port": path}, "channels": 8});
        let played = thread::spawn(move || {
            let off = [1, 5, 0, 1, 0, 0, 0x9C, 0x0A];
            assert_eq!(pty.read(8), off);
            pty.say(&off);
            assert_eq!(pty.read(8), [1, 1, 0, 0, 0, 8, 0x3D, 0xCC]);
            pty.say(&[1, 1, 1, 0, 0x51, 0x88]);
            // The other end closes it: orders that would come then are none of these.
            pty
        });
        let (done, entries, _folder) = made_safe(&board, &path, |_| {});
        assert_eq!((done.safe, done.faults, done.taken.len()), (1, vec![], 0));
        assert!(entries.iter().all(|entry| !entry.left), "{entries:?}");
        drop(played);
    }

    #[test]
    fn a_record_without_a_board_is_one_of_lcus() {
        let mut pty = Pty::open();
        let path = pty.path().to_owned();
        let (done, entries, _folder) =
            made_safe(&json!({"lcus": {"port": path}, "channels": 4}), &path, |entry| entry.board = None);
        assert_eq!((pty.read(4), done.safe, done.faults), (vec![0xA0, 2, 0, 0xA2], 1, vec![]));
        assert!(entries.iter().all(|entry| !entry.left), "{entries:?}");
    }

    #[test]
    fn a_board_that_this_version_does_not_know_stays_on_record_and_is_told() {
        let board = json!({"lcus": {"port": "/dev/rigtone-none"}, "channels": 4});
        let (done, entries, _folder) = made_safe(&board, "/dev/rigtone-none", |entry| {
            entry.board = Some(json!({"telepathy": {}, "channels": 4}));
        });
        let told: Vec<&str> = done.faults.iter().map(|fault| fault.what.as_str()).collect();
        assert!(
            told.len() == 1 && told[0].contains("power of one that is gone may not be in its safe state"),
            "{told:?}"
        );
        assert!(told[0].contains("of no family of boards that this version can reach"), "{told:?}");
        assert!(entries.iter().all(|entry| entry.left), "{entries:?}");
    }
}
