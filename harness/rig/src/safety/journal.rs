//! The journal of one relay board: what its outputs are wired to, and which of them have left their safe state.
//!
//! A file of lines, each a checksum and a record of one channel; the last record of a channel counts. A record is one
//! write. That an output leaves its safe state is on the disk before the output moves; that it is safe again may get
//! lost, which costs one needless order at the next start. Whoever holds the board's lock writes; an entry of an output
//! that has left, found by the next holder, is that of a dead process.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rigtone_model::document::{Lcus, RelayBoard, SafeState};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    file::{put, sync_folder},
    state::share,
};

/// How the names of journals end.
pub(super) const SUFFIX: &str = ".journal";
/// A file that has grown to this is written anew.
const COMPACT: u64 = 64 * 1024;
/// No journal of ours is larger: what lies behind is not ours.
const READ: u64 = 4 * 1024 * 1024;

/// What is known of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The channel, from 1.
    pub channel: u8,
    /// Whether it has left its safe state and not come back.
    pub left: bool,
    /// Its safe position.
    pub safe: SafeState,
    /// What it is wired to, such as `power of kitchen-speaker`.
    pub what: String,
    /// The id of the rig.
    pub rig: String,
    /// The board's family, such as `lcus`.
    pub protocol: String,
    /// What tells the board from every other one: its port, or whatever its family has in place of one.
    pub port: String,
    /// What its document said of the board, so that it is reached when no document names it any more. Records of earlier
    /// versions lack it. It is kept as it was read: a later version may write families that this one does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<serde_json::Value>,
    /// The process that wrote this.
    pub pid: u32,
    /// When, in seconds of Unix time.
    pub unix_s: i64,
}

impl Entry {
    /// An output in its safe state, written by this process now.
    pub fn new(rig: &str, board: &RelayBoard, channel: u8, safe: SafeState, what: &str) -> Self {
        let protocol = board.stated().first().map_or_else(String::new, |stated| stated.family.to_owned());
        let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        Self {
            channel,
            left: false,
            safe,
            what: what.to_owned(),
            rig: rig.to_owned(),
            protocol,
            port: board.key().unwrap_or_default(),
            // What has no words in JSON has none in a document.
            board: serde_json::to_value(board).ok(),
            pid: std::process::id(),
            unix_s,
        }
    }

    /// The board as its document had it; of no family when this version does not know how it is reached.
    pub fn board(&self) -> RelayBoard {
        match &self.board {
            Some(board) => serde_json::from_value(board.clone()).unwrap_or_default(),
            // Once there was one family, and nothing else to say of it.
            None if self.protocol == "lcus" => RelayBoard { lcus: Some(Lcus::at(&self.port)), ..RelayBoard::default() },
            None => RelayBoard::default(),
        }
    }

    /// Whether both say the same about the wiring.
    fn agrees(&self, other: &Self) -> bool {
        let said = |e: &Self| (e.channel, e.safe, e.what.clone(), e.rig.clone(), e.board.clone());
        said(self) == said(other)
    }
}

/// The journal of a relay board.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    compact_at: u64,
    /// The file does not end with a whole line.
    torn: bool,
    entries: BTreeMap<u8, Entry>,
    damage: Option<String>,
}

/// What a journal held.
#[derive(Debug, Default, PartialEq)]
struct Contents {
    entries: BTreeMap<u8, Entry>,
    records: usize,
    damaged: usize,
    torn: bool,
}

/// FNV-1a (Fowler, Noll, Vo), 64 bit: tells torn and flipped bytes, not malice.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A record with its checksum, as a line.
pub(super) fn line<T: Serialize>(record: &T) -> io::Result<Vec<u8>> {
    let record = serde_json::to_vec(record).map_err(io::Error::other)?;
    let mut line = format!("{:016x} ", checksum(&record)).into_bytes();
    line.extend(record);
    line.push(b'\n');
    Ok(line)
}

/// The record of a line that is whole.
pub(super) fn record<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (sum, record) = line.split_at_checked(17)?;
    let sum = u64::from_str_radix(std::str::from_utf8(sum).ok()?.strip_suffix(' ')?, 16).ok()?;
    (sum == checksum(record)).then(|| serde_json::from_slice(record).ok()).flatten()
}

/// Everything that is whole; how much is not.
fn contents(bytes: &[u8]) -> Contents {
    let mut found = Contents { torn: bytes.last().is_some_and(|&last| last != b'\n'), ..Contents::default() };
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        match record(line).filter(|entry: &Entry| entry.channel > 0) {
            Some(entry) => {
                found.records += 1;
                found.entries.insert(entry.channel, entry);
            }
            None => found.damaged += 1,
        }
    }
    // A last line that is whole but for its end was written in full: only its newline is missing.
    found
}

impl Journal {
    pub(super) fn open(path: PathBuf, port: &str) -> io::Result<Self> {
        let existed = path.exists();
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if !existed {
            share(&path)?;
            sync_folder(&path)?;
        }
        let mut bytes = Vec::new();
        let mut damage = match Read::by_ref(&mut file).take(READ).read_to_end(&mut bytes) {
            Ok(_) if metadata.len() > READ => Some(format!("it is larger than {READ} bytes")),
            Ok(_) => None,
            Err(e) => Some(format!("reading it failed: {e}")),
        };
        let mut found = contents(&bytes);
        // A record of another board is no record of this one.
        found.entries.retain(|_, entry| {
            entry.port == port || {
                found.damaged += 1;
                false
            }
        });
        if found.damaged > 0 && damage.is_none() {
            damage = Some(format!("{} of {} records cannot be read", found.damaged, found.records + found.damaged));
        }
        Ok(Self {
            path,
            file,
            length: metadata.len(),
            compact_at: COMPACT,
            torn: found.torn || metadata.len() > READ,
            entries: found.entries,
            damage,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known, by channel.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// What could not be read. Every output of the board may have left its safe state then.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Records the wiring, where it is news. Outputs that have left stay so.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn wired(&mut self, outputs: &[Entry]) -> io::Result<()> {
        for output in outputs {
            let known = self.entries.get(&output.channel);
            if known.is_none_or(|known| !known.left && !known.agrees(output)) {
                self.append(output.clone(), false)?;
            }
        }
        Ok(())
    }

    /// Records that an output is about to leave its safe state: on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written. The output must not be switched then.
    pub fn leaving(&mut self, output: &Entry) -> io::Result<()> {
        if self.entries.get(&output.channel).is_some_and(|known| known.left && known.agrees(output)) {
            return Ok(());
        }
        self.append(Entry { left: true, ..output.clone() }, true)
    }

    /// Strikes an output out: it is in its safe state.
    ///
    /// # Errors
    /// When it cannot be written; the output is made safe once more at the next start, which does no harm.
    pub fn safe_again(&mut self, channel: u8) -> io::Result<()> {
        match self.entries.get(&channel) {
            Some(known) if known.left => self.append(Entry { left: false, ..known.clone() }, false),
            _ => Ok(()),
        }
    }

    /// Every output of the board is safe: what could not be read has no meaning any more.
    ///
    /// # Errors
    /// When the file cannot be written anew.
    pub fn mended(&mut self) -> io::Result<()> {
        if self.damage.is_some() {
            self.compact()?;
        }
        Ok(())
    }

    fn append(&mut self, entry: Entry, durable: bool) -> io::Result<()> {
        let mut bytes = line(&entry)?;
        if self.torn {
            bytes.insert(0, b'\n');
        }
        let written = self.file.write_all(&bytes).and_then(|()| if durable { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            // What stands there in part is cut off; where that fails too, the next record begins a line of its own.
            self.torn = self.file.set_len(self.length).is_err() || self.torn;
            return Err(error);
        }
        self.torn = false;
        self.length += bytes.len() as u64;
        self.entries.insert(entry.channel, entry);
        // A damaged file is evidence until every output is safe.
        if self.length >= self.compact_at && self.damage.is_none() {
            // The record is written: a file that stays long is no reason to stop.
            let _ = self.compact();
            self.compact_at = COMPACT.max(self.length * 2);
        }
        Ok(())
    }

    /// Writes a new file with one record for each channel, and puts it in the place of the old one.
    fn compact(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        for entry in self.entries.values() {
            bytes.extend(line(entry)?);
        }
        let file = put(&self.path, &bytes)?;
        // From here on this is the journal, whatever else fails.
        self.file = file;
        self.length = bytes.len() as u64;
        self.torn = false;
        self.damage = None;
        sync_folder(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rigtone_model::document::LcusReports;
    use serde_json::json;
    use std::fs;
    use tempfile::TempDir;

    const PORT: &str = "/dev/ttyBOARD";

    fn board(reports: Option<LcusReports>) -> RelayBoard {
        RelayBoard { lcus: Some(Lcus { reports, ..Lcus::at(PORT) }), channels: 4, ..RelayBoard::default() }
    }

    fn output(channel: u8) -> Entry {
        Entry::new("lab", &board(None), channel, SafeState::Off, &format!("power of unit-{channel}"))
    }

    fn journal(folder: &TempDir) -> Journal {
        Journal::open(folder.path().join("b.journal"), PORT).expect("a journal")
    }

    fn left(journal: &Journal) -> Vec<u8> {
        journal.entries().filter(|entry| entry.left).map(|entry| entry.channel).collect()
    }

    fn folder() -> TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn outputs_that_left_are_known_to_the_next_process_until_they_are_struck_out() {
        let folder = folder();
        let mut first = journal(&folder);
        first.wired(&[output(1), output(2)]).expect("written");
        first.leaving(&output(1)).expect("written");
        first.leaving(&output(2)).expect("written");
        first.safe_again(1).expect("written");
        let second = journal(&folder);
        assert_eq!((left(&second), second.damage()), (vec![2], None));
        assert_eq!(
            second.entries().map(|e| e.what.as_str()).collect::<Vec<_>>(),
            ["power of unit-1", "power of unit-2"]
        );
    }

    #[test]
    fn what_is_on_record_is_not_written_twice() {
        let folder = folder();
        let mut journal = journal(&folder);
        journal.leaving(&output(1)).expect("written");
        let length = journal.length;
        journal.leaving(&output(1)).expect("known");
        journal.wired(&[output(1)]).expect("known");
        journal.safe_again(2).expect("never left");
        assert_eq!(journal.length, length);
        assert_eq!(left(&journal), [1], "wiring does not make it safe");
    }

    #[test]
    fn a_record_says_how_its_board_is_reached() {
        let folder = folder();
        let telling = board(Some(LcusReports::Text));
        journal(&folder).leaving(&Entry::new("lab", &telling, 1, SafeState::Off, "power")).expect("written");
        assert_eq!(journal(&folder).entries().map(Entry::board).collect::<Vec<_>>(), [telling]);
    }

    /// Records as version 0.1 wrote them, and as a later one may.
    #[test]
    fn records_of_other_versions_are_read_as_far_as_they_are_understood() {
        let (folder, old) = (folder(), Entry { left: true, board: None, ..output(1) });
        let newer = Entry { left: true, board: Some(json!({"channels": 4, "telepathy": {}})), ..output(2) };
        let mut records = serde_json::to_value(&old).map(|old| vec![old]).expect("a record");
        assert!(records[0].get("board").is_none(), "the key is new");
        records.push(serde_json::to_value(&newer).expect("a record"));
        let lines = records.iter().map(|record| {
            let record = record.to_string();
            format!("{:016x} {record}\n", checksum(record.as_bytes()))
        });
        fs::write(folder.path().join("b.journal"), lines.collect::<String>()).expect("written");
        let found = journal(&folder);
        assert_eq!((left(&found), found.damage()), (vec![1, 2], None));
        let boards: Vec<RelayBoard> = found.entries().map(Entry::board).collect();
        assert_eq!((boards[0].key().as_deref(), boards[1].key()), (Some(PORT), None));
    }

    #[test]
    fn a_board_that_is_reached_in_another_way_is_news() {
        let folder = folder();
        let mut journal = journal(&folder);
        journal.wired(&[output(1)]).expect("written");
        let length = journal.length;
        journal
            .wired(&[Entry::new("lab", &board(Some(LcusReports::Bytes)), 1, SafeState::Off, "power of unit-1")])
            .expect("written");
        assert!(journal.length > length);
    }

    #[test]
    fn its_size_is_bounded_and_compaction_loses_nothing() {
        let folder = folder();
        let mut busy = journal(&folder);
        busy.leaving(&output(9)).expect("written");
        let mut longest = 0;
        for _ in 0..500 {
            busy.leaving(&output(1)).expect("written");
            busy.safe_again(1).expect("written");
            longest = longest.max(fs::metadata(busy.path()).expect("there").len());
        }
        assert!(longest < 2 * COMPACT, "{longest}");
        let next = journal(&folder);
        assert_eq!((left(&next), next.damage(), next.length), (vec![9], None, busy.length));
    }

    #[test]
    fn a_disk_that_is_full_is_told_and_leaves_the_output_where_it_was() {
        let folder = folder();
        let mut full = journal(&folder);
        full.file = OpenOptions::new().append(true).open("/dev/full").expect("Linux has it");
        let error = full.leaving(&output(1)).expect_err("no space");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(left(&full).is_empty());
    }

    #[test]
    fn a_record_that_was_torn_leaves_those_before_whole_and_never_hides_those_behind() {
        let folder = folder();
        let mut whole = journal(&folder);
        whole.leaving(&output(1)).expect("written");
        let before = usize::try_from(whole.length).expect("small");
        whole.leaving(&output(2)).expect("written");
        let bytes = fs::read(whole.path()).expect("there");
        for end in before..bytes.len() {
            fs::write(whole.path(), &bytes[..end]).expect("written");
            let mut next = journal(&folder);
            let all = end >= bytes.len() - 1;
            assert_eq!(left(&next), if all { vec![1, 2] } else { vec![1] }, "at {end}");
            assert_eq!(next.damage().is_some(), end > before && !all, "at {end}");
            next.leaving(&output(3)).expect("written");
            assert!(left(&journal(&folder)).contains(&3), "at {end}");
        }
    }

    #[test]
    fn damage_stays_on_record_until_every_output_is_safe() {
        let folder = folder();
        fs::write(folder.path().join("b.journal"), b"\xff\x00garbage\n").expect("written");
        let mut damaged = journal(&folder);
        damaged.leaving(&output(1)).expect("written");
        let mut again = journal(&folder);
        assert_eq!((again.damage(), left(&again)), (Some("1 of 2 records cannot be read"), vec![1]));
        again.mended().expect("written");
        let mended = journal(&folder);
        assert_eq!((mended.damage(), left(&mended)), (None, vec![1]));
    }

    #[test]
    fn a_record_of_another_board_counts_as_damage() {
        let folder = folder();
        journal(&folder).leaving(&output(1)).expect("written");
        let other = Journal::open(folder.path().join("b.journal"), "/dev/ttyOTHER").expect("a journal");
        assert!(other.damage().is_some() && left(&other).is_empty());
    }

    #[test]
    fn a_file_without_end_is_read_in_part_and_said_to_be_damaged() {
        let folder = folder();
        let path = folder.path().join("b.journal");
        journal(&folder).leaving(&output(1)).expect("written");
        OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
        let found = journal(&folder);
        assert_eq!((left(&found), found.damage().is_some()), (vec![1], true));
    }

    #[test]
    fn a_folder_in_its_place_is_refused() {
        let folder = folder();
        fs::create_dir(folder.path().join("b.journal")).expect("a folder");
        Journal::open(folder.path().join("b.journal"), PORT).expect_err("a folder");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever happens to the bytes: an output that left is known to have left, or the damage is.
        #[test]
        fn no_damage_hides_that_an_output_has_left(
            moves in prop::collection::vec((1..=8_u8, any::<bool>()), 1..20),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in any::<Option<prop::sample::Index>>(),
        ) {
            let mut bytes = Vec::new();
            let mut known = BTreeMap::new();
            for (channel, leaves) in moves {
                bytes.extend(line(&Entry { left: leaves, ..output(channel) }).expect("a record"));
                known.insert(channel, leaves);
            }
            let original = bytes.clone();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            // Records that are missing altogether at the end were never written: a cut leaves a part of one.
            if let Some(cut) = cut {
                let last = original[..original.len() - 1].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
                bytes.truncate(last + 1 + cut.index(original.len() - last));
            }
            let found = contents(&bytes);
            if found.damaged == 0 {
                let left: BTreeMap<u8, bool> = found.entries.iter().map(|(&c, e)| (c, e.left)).collect();
                prop_assert_eq!(left, known);
            }
        }

        #[test]
        fn no_bytes_make_reading_fail(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let found = contents(&bytes);
            prop_assert!(found.damaged > 0 || bytes.iter().all(|&b| b == b'\n') || !found.entries.is_empty());
        }
    }
}
