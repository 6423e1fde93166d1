//! How often the contacts of a relay board have worked: relays wear out, and a contact that sticks fails whole nights.
//!
//! One operation is on and off again, as makers count. A file of lines for each board, each a checksum and what is known
//! of one channel; the last line of a channel counts, and says how many operations there were in all: nothing is counted
//! twice. A line is written when an order has been given. A process that is killed loses one operation of each board at
//! most; a host that loses power loses what it had not brought to the disk, at most 64 operations of each board.
//! Whoever holds the board's lock writes; anybody may read. The file belongs to the board's port, not to a rig.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{
    file::{put, sync_folder},
    journal::{line, record},
    state::share,
};

/// How the names of these files end.
pub(super) const SUFFIX: &str = ".wear";
/// Operations after which the file is brought to the disk.
pub(super) const SYNC: u32 = 64;
/// A file that has grown to this is written anew.
const COMPACT: u64 = 64 * 1024;
/// No file of ours is larger: what lies behind is not ours.
const READ: u64 = 1024 * 1024;
/// Days that are remembered one by one, for a forecast.
const DAYS: usize = 14;
/// Replacements that are remembered.
const REPLACEMENTS: usize = 8;
const DAY_S: i64 = 86_400;

/// What is known of the contact of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worn {
    /// The channel, from 1.
    pub channel: u8,
    /// Its operations since it has been counted.
    pub operations: u64,
    /// Since when, in seconds of Unix time.
    pub since_s: i64,
    /// What it was wired to when it last worked, such as `power of kitchen-speaker`.
    pub what: String,
    /// The rig that it last worked for.
    pub rig: String,
    /// The last days on which it worked, counted from 1970, each with its operations.
    pub days: Vec<(i64, u32)>,
    /// The boards before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
}

/// A board that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// When that was said, in seconds of Unix time.
    pub unix_s: i64,
    /// The operations of this channel by then.
    pub operations: u64,
}

impl Worn {
    fn new(channel: u8, now_s: i64) -> Self {
        Self {
            channel,
            operations: 0,
            since_s: now_s,
            what: String::new(),
            rig: String::new(),
            days: Vec::new(),
            replaced: Vec::new(),
        }
    }

    fn works(&mut self, now_s: i64) {
        self.operations = self.operations.saturating_add(1);
        let today = now_s.div_euclid(DAY_S);
        match self.days.last_mut().filter(|(day, _)| *day == today) {
            Some((_, operations)) => *operations = operations.saturating_add(1),
            None => self.days.push((today, 1)),
        }
        let surplus = self.days.len().saturating_sub(DAYS);
        self.days.drain(..surplus);
    }

    /// Operations a day, of the days up to now that are remembered, idle ones included; none when there are none.
    pub fn per_day(&self, now_s: i64) -> Option<f64> {
        let today = now_s.div_euclid(DAY_S);
        let first_counted = today - DAYS as i64 + 1;
        let recent = || self.days.iter().filter(|(day, _)| (first_counted..=today).contains(day));
        let first = recent().map(|(day, _)| *day).min()?;
        let operations: u64 = recent().map(|(_, operations)| u64::from(*operations)).sum();
        Some(operations as f64 / (today - first + 1) as f64)
    }

    /// Days until so many operations are done at the pace of these days; none when it does not work, or has done them.
    pub fn days_left(&self, rated: u32, now_s: i64) -> Option<f64> {
        let left = u64::from(rated).checked_sub(self.operations)?;
        self.per_day(now_s).filter(|pace| *pace > 0.0).map(|pace| left as f64 / pace)
    }

    /// The same contact, known under several names of its port: their operations are added up.
    pub fn joined(mut self, other: &Self) -> Self {
        self.operations = self.operations.saturating_add(other.operations);
        self.since_s = self.since_s.min(other.since_s);
        let mut days: BTreeMap<i64, u32> = self.days.into_iter().collect();
        for (day, operations) in &other.days {
            let sum = days.entry(*day).or_default();
            *sum = sum.saturating_add(*operations);
        }
        self.days = days.into_iter().collect();
        if self.what.is_empty() {
            (self.what, self.rig) = (other.what.clone(), other.rig.clone());
        }
        self.replaced.extend(other.replaced.iter().cloned());
        self.replaced.sort_by_key(|replaced| replaced.unix_s);
        self
    }
}

/// Seconds of Unix time.
pub fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

/// The file of a relay board.
#[derive(Debug)]
pub struct Wear {
    path: PathBuf,
    file: File,
    length: u64,
    /// The file does not end with a whole line.
    torn: bool,
    unsynced: u32,
    contacts: BTreeMap<u8, Worn>,
    damaged: usize,
}

/// What a file held, and how many lines of it cannot be read.
fn contents(bytes: &[u8]) -> (BTreeMap<u8, Worn>, usize) {
    let (mut contacts, mut damaged) = (BTreeMap::new(), 0);
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        match record(line).filter(|worn: &Worn| worn.channel > 0) {
            Some(worn) => drop(contacts.insert(worn.channel, worn)),
            None => damaged += 1,
        }
    }
    (contacts, damaged)
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    Read::by_ref(file).take(READ).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Wear {
    /// What a file says. One that is not there says nothing.
    pub(super) fn look(path: &Path) -> io::Result<Vec<Worn>> {
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            opened => Ok(contents(&read(&mut opened?)?).0.into_values().collect()),
        }
    }

    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let existed = path.exists();
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let bytes = read(&mut file)?;
        if !existed {
            share(&path)?;
            sync_folder(&path)?;
        }
        let (contacts, damaged) = contents(&bytes);
        let torn = bytes.last().is_some_and(|&last| last != b'\n');
        let length = file.metadata()?.len();
        let mut wear = Self { path, file, length, torn, unsynced: 0, contacts, damaged };
        if wear.length > READ || wear.damaged > 0 {
            // What cannot be read is nothing to keep; what can be is not lost by it.
            wear.compact()?;
        }
        Ok(wear)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known, by channel.
    pub fn contacts(&self) -> impl Iterator<Item = &Worn> {
        self.contacts.values()
    }

    /// Lines that could not be read when it was opened: some operations may be missing.
    pub fn damaged(&self) -> usize {
        self.damaged
    }

    /// A contact has worked once more, for that rig and what is wired to it there. What cannot be written now is
    /// written with the next operation of the channel.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn count(&mut self, channel: u8, what: &str, rig: &str, now_s: i64) -> io::Result<()> {
        let worn = self.contacts.entry(channel).or_insert_with(|| Worn::new(channel, now_s));
        worn.works(now_s);
        if (worn.what.as_str(), worn.rig.as_str()) != (what, rig) {
            (worn.what, worn.rig) = (what.to_owned(), rig.to_owned());
        }
        let bytes = line(worn)?;
        self.append(bytes)?;
        self.unsynced += 1;
        if self.unsynced >= SYNC {
            self.sync()?;
        }
        Ok(())
    }

    /// The board, or the relay of one channel, was replaced: its operations count from now on, and what the old one had
    /// done stays on record. Gives the operations that it had done by channel.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace(&mut self, channel: Option<u8>, now_s: i64) -> io::Result<Vec<(u8, u64)>> {
        let chosen = self.contacts.values().filter(|worn| channel.is_none_or(|channel| channel == worn.channel));
        let mut done = Vec::new();
        for worn in chosen.cloned().collect::<Vec<_>>() {
            let mut new =
                Worn { what: worn.what, rig: worn.rig, replaced: worn.replaced, ..Worn::new(worn.channel, now_s) };
            new.replaced.push(Replaced { unix_s: now_s, operations: worn.operations });
            let surplus = new.replaced.len().saturating_sub(REPLACEMENTS);
            new.replaced.drain(..surplus);
            let bytes = line(&new)?;
            self.append(bytes)?;
            done.push((new.channel, worn.operations));
            self.contacts.insert(new.channel, new);
        }
        self.sync()?;
        Ok(done)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        self.file.sync_data()
    }

    fn append(&mut self, mut bytes: Vec<u8>) -> io::Result<()> {
        if self.torn {
            bytes.insert(0, b'\n');
        }
        if let Err(error) = self.file.write_all(&bytes) {
            // What stands there in part is cut off; where that fails too, the next line begins anew.
            self.torn = self.file.set_len(self.length).is_err() || self.torn;
            return Err(error);
        }
        self.torn = false;
        self.length += bytes.len() as u64;
        if self.length >= COMPACT { self.compact() } else { Ok(()) }
    }

    /// Writes a new file with one line for each channel, and puts it in the place of the old one.
    fn compact(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        for worn in self.contacts.values() {
            bytes.extend(line(worn)?);
        }
        let file = put(&self.path, &bytes)?;
        (self.file, self.length, self.torn, self.unsynced) = (file, bytes.len() as u64, false, 0);
        sync_folder(&self.path)
    }
}

impl Drop for Wear {
    fn drop(&mut self) {
        if self.unsynced > 0 {
            // It is written; only a loss of power right now could take it.
            let _ = self.sync();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::fs;
    use tempfile::TempDir;

    const NOON: i64 = 20_000 * DAY_S + DAY_S / 2;

    fn wear(folder: &TempDir) -> Wear {
        Wear::open(folder.path().join("b.wear")).expect("a file")
    }

    fn folder() -> TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn operations(folder: &TempDir) -> Vec<(u8, u64)> {
        let found = Wear::look(&folder.path().join("b.wear")).expect("readable");
        found.iter().map(|worn| (worn.channel, worn.operations)).collect()
    }

    #[test]
    fn operations_are_counted_over_processes_and_rigs() {
        let folder = folder();
        assert_eq!(operations(&folder), []);
        for (rig, times) in [("one", 3), ("two", 2)] {
            let mut wear = wear(&folder);
            for _ in 0..times {
                wear.count(1, "power of lamp", rig, NOON).expect("written");
            }
            // Not dropped in order, as a killed process does not.
            std::mem::forget(wear);
        }
        wear(&folder).count(7, "button power of lamp", "two", NOON).expect("written");
        assert_eq!(operations(&folder), [(1, 5), (7, 1)]);
        let found = Wear::look(&folder.path().join("b.wear")).expect("readable");
        assert_eq!((found[0].rig.as_str(), found[0].what.as_str(), found[0].since_s), ("two", "power of lamp", NOON));
    }

    #[test]
    fn the_file_is_bounded_and_loses_nothing() {
        let (folder, mut longest) = (folder(), 0);
        let mut busy = wear(&folder);
        for n in 0..2_000_u32 {
            busy.count((n % 8 + 1) as u8, "power of a unit with quite a long name", "lab", NOON).expect("written");
            longest = longest.max(fs::metadata(busy.path()).expect("there").len());
        }
        assert!(longest < COMPACT + 1024, "{longest}");
        assert_eq!(operations(&folder), (1..=8).map(|channel| (channel, 250)).collect::<Vec<_>>());
    }

    #[test]
    fn wherever_a_line_is_torn_at_most_that_operation_is_lost_and_none_counts_twice() {
        let folder = folder();
        let mut whole = wear(&folder);
        for _ in 0..3 {
            whole.count(1, "power", "lab", NOON).expect("written");
        }
        let before = whole.length as usize;
        whole.count(1, "power", "lab", NOON).expect("written");
        let bytes = fs::read(whole.path()).expect("there");
        for end in before..=bytes.len() {
            fs::write(folder.path().join("b.wear"), &bytes[..end]).expect("written");
            let all = end >= bytes.len() - 1;
            assert_eq!(operations(&folder), [(1, if all { 4 } else { 3 })], "at {end}");
            let mut next = wear(&folder);
            next.count(1, "power", "lab", NOON).expect("written");
            assert_eq!(operations(&folder), [(1, if all { 5 } else { 4 })], "at {end}");
        }
    }

    #[test]
    fn a_full_disk_is_told_and_the_next_operation_that_is_written_says_all() {
        let folder = folder();
        let mut full = wear(&folder);
        full.count(1, "power", "lab", NOON).expect("written");
        let good = std::mem::replace(&mut full.file, OpenOptions::new().append(true).open("/dev/full").expect("Linux"));
        let error = full.count(1, "power", "lab", NOON).expect_err("no space");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        full.file = good;
        full.count(1, "power", "lab", NOON).expect("written");
        assert_eq!(operations(&folder), [(1, 3)]);
    }

    #[test]
    fn a_replaced_board_begins_anew_and_what_the_old_one_did_stays_on_record() {
        let folder = folder();
        let mut wear = wear(&folder);
        for channel in [1, 1, 2] {
            wear.count(channel, "power", "lab", NOON).expect("written");
        }
        assert_eq!(wear.replace(Some(1), NOON + 5).expect("written"), [(1, 2)]);
        wear.count(1, "power", "lab", NOON + 6).expect("written");
        assert_eq!(operations(&folder), [(1, 1), (2, 1)]);
        assert_eq!(wear.replace(None, NOON + 7).expect("written"), [(1, 1), (2, 1)]);
        let of_first = Wear::look(wear.path()).expect("readable").remove(0);
        let replaced = [Replaced { unix_s: NOON + 5, operations: 2 }, Replaced { unix_s: NOON + 7, operations: 1 }];
        assert_eq!((of_first.operations, of_first.since_s, of_first.replaced), (0, NOON + 7, replaced.to_vec()));
    }

    #[rstest]
    #[case::never(&[], None)]
    #[case::today(&[(0, 800)], Some(800.0))]
    #[case::idle_days_count(&[(-3, 800), (-1, 400)], Some(300.0))]
    #[case::long_ago(&[(-40, 800)], None)]
    #[case::part_of_it_long_ago(&[(-40, 800), (0, 10)], Some(10.0))]
    #[case::a_clock_that_was_wrong(&[(-1, 10), (500, 900)], Some(5.0))]
    fn the_pace_is_that_of_the_last_days(#[case] days: &[(i64, u32)], #[case] pace: Option<f64>) {
        let today = NOON.div_euclid(DAY_S);
        let days = days.iter().map(|(day, operations)| (today + day, *operations)).collect();
        let worn = Worn { days, operations: 60_000, ..Worn::new(1, 0) };
        assert_eq!(worn.per_day(NOON), pace);
        // power.md: 800 a night make 100 000 in 125 nights; here 60 000 are done.
        assert_eq!(worn.days_left(100_000, NOON), pace.map(|pace| 40_000.0 / pace));
        assert_eq!(worn.days_left(60_000, NOON), pace.map(|_| 0.0));
        assert_eq!(worn.days_left(59_999, NOON), None);
    }

    #[test]
    fn days_are_remembered_for_a_fortnight() {
        let mut worn = Worn::new(1, NOON);
        for day in 0..40 {
            (0..3).for_each(|_| worn.works(NOON + day * DAY_S));
        }
        assert_eq!((worn.operations, worn.days.len(), worn.per_day(NOON + 39 * DAY_S)), (120, DAYS, Some(3.0)));
    }

    #[test]
    fn a_board_under_two_names_is_one_board() {
        let of = |operations, day, what: &str| Worn {
            operations,
            days: vec![(day, operations as u32)],
            what: what.to_owned(),
            ..Worn::new(3, day)
        };
        let both = of(5, 7, "").joined(&of(6, 8, "power of lamp")).joined(&of(1, 7, "another"));
        assert_eq!(
            (both.operations, both.since_s, both.days, both.what.as_str()),
            (12, 7, vec![(7, 6), (8, 6)], "power of lamp")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_bytes_make_reading_fail(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let (contacts, damaged) = contents(&bytes);
            prop_assert!(damaged > 0 || !contacts.is_empty() || bytes.iter().all(|&b| b == b'\n'));
        }

        /// Whatever happens to the bytes: no count is larger than what was done.
        #[test]
        fn damage_never_adds_operations(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let mut bytes = Vec::new();
            let mut worn = Worn::new(1, NOON);
            for _ in 0..6 {
                worn.works(NOON);
                bytes.extend(line(&worn).expect("a record"));
            }
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let (contacts, _) = contents(&bytes);
            prop_assert!(contacts.values().all(|found| found.channel == 1 && found.operations <= 6));
        }
    }
}
