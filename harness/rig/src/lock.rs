//! One process at a time may have a rig, and one at a time each thing of the host that a rig is made of.
//!
//! Locks are of the whole system and of the kernel (`flock`): they end with the process, however it ends. A file that a
//! dead process left holds nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, File, Permissions},
    io::{self, Read, Seek, Write},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock, major, minor},
    io::Errno,
};
use thiserror::Error;

/// The one folder that every user may write and that every process sees alike.
const FOLDER: &str = "/tmp";
/// More than any holder writes about itself.
const HOLDER: u64 = 256;

/// Something of the host that one process at a time may use. Its key is what it really is, whatever a rig calls it.
#[derive(Debug, Clone)]
pub struct Resource {
    key: String,
    what: String,
}

impl Resource {
    /// A rig, by its id.
    pub fn rig(id: &str) -> Self {
        Self { key: format!("-{}", escape(id)), what: format!("the rig `{id}`") }
    }

    /// A relay board on a serial port: the same device under another path is the same resource.
    pub fn serial(board: &str, port: &str) -> Self {
        let key = match fs::metadata(port) {
            Ok(found) if found.file_type().is_char_device() => {
                format!("tty-{}:{}", major(found.rdev()), minor(found.rdev()))
            }
            _ => fs::canonicalize(port).map_or_else(|_| escape(port), |path| escape(&path.to_string_lossy())),
        };
        Self { key: format!("+{key}"), what: format!("relay {board} on {port}") }
    }

    /// A relay board that is no file of this host, by what tells it from every other one.
    pub fn board(board: &str, key: &str) -> Self {
        Self { key: format!("+board-{}", escape(key)), what: format!("relay {board} at {key}") }
    }

    /// A dongle, by its Bluetooth address.
    pub fn dongle(name: &str, address: &str) -> Self {
        let key = format!("+dongle-{}", escape(&address.to_ascii_uppercase()));
        Self { key, what: format!("dongle {name} ({address})") }
    }

    /// A microphone on an ALSA device. A card that is named and one that is counted are the same card.
    pub fn alsa(microphone: &str, device: &str) -> Self {
        let card = |id: &str| fs::read_link(Path::new("/proc/asound").join(id)).ok();
        let key = alsa_key(device, &|id| card(id).map(|path| path.to_string_lossy().into_owned()));
        Self { key: format!("+alsa-{}", escape(&key)), what: format!("microphone {microphone} ({device})") }
    }

    /// A loudspeaker on an ALSA device: its card may be a microphone's too.
    pub fn loudspeaker(name: &str, device: &str) -> Self {
        let key = Self::alsa(name, device).key.replacen("+alsa-", "+alsa-playback-", 1);
        Self { key, what: format!("loudspeaker {name} ({device})") }
    }

    /// A phone, by its serial number.
    pub fn phone(unit: &str, serial: &str) -> Self {
        Self { key: format!("+phone-{}", escape(serial)), what: format!("unit {unit} (phone {serial})") }
    }

    /// What tells it from every other resource of the host.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Of `hw:CARD=MIC,DEV=1`, `plughw:MIC,1` and `hw:2,1` the card and the device; of anything else the text itself.
pub(crate) fn alsa_key(device: &str, card_of: &dyn Fn(&str) -> Option<String>) -> String {
    let Some((_, rest)) = device.split_once(':').filter(|(plugin, _)| ["hw", "plughw"].contains(plugin)) else {
        return device.to_owned();
    };
    let (mut card, mut number) = ("0", "0");
    for (index, part) in rest.split(',').enumerate() {
        match (part.split_once('=').unwrap_or(("", part)), index) {
            (("CARD", value), _) | (("", value), 0) => card = value,
            (("DEV", value), _) | (("", value), 1) => number = value,
            _ => {}
        }
    }
    let card = match card.parse::<u32>() {
        Ok(counted) => format!("card{counted}"),
        Err(_) => card_of(card).unwrap_or_else(|| card.to_owned()),
    };
    format!("{card}-{number}")
}

/// A file name of any text: what is not plain is written as `%2F`.
pub(crate) fn escape(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'_' | b':' | b'-' => name.push(char::from(byte)),
            _ => {
                let _ = write!(name, "%{byte:02X}");
            }
        }
    }
    name
}

/// The locks of a rig and of what it uses, held until they are dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Locks {
    rig: String,
    folder: PathBuf,
    held: BTreeMap<String, File>,
}

/// A lock that was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("{what} is in use by {holder} (lock {})", path.display())]
    Taken {
        /// What is in use.
        what: String,
        /// The process that has it, and its rig.
        holder: String,
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be used.
    #[error("locking {what} with {} failed: {source}", path.display())]
    Io {
        /// What was to be locked.
        what: String,
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LockError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Taken { .. } => "wait for the other run, or end it".to_owned(),
            Self::Io { path, source, .. } => match source.kind() {
                // A link in its place is not followed.
                _ if path.is_symlink() => format!("a link stands in its place: delete {}", path.display()),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput if path.exists() => {
                    format!("make sure that no rigtone runs, and delete {}", path.display())
                }
                _ => format!("locks are kept in {FOLDER}, which every user must be able to write"),
            },
        }
    }
}

impl Locks {
    /// Takes the locks of a rig and of `resources`: all of them at once, or none. Nobody waits.
    ///
    /// # Errors
    /// When another process has one of them, or a lock file cannot be used.
    pub fn take(rig: &str, resources: impl IntoIterator<Item = Resource>) -> Result<Self, LockError> {
        Self::in_folder(Path::new(FOLDER), rig, resources)
    }

    fn in_folder(folder: &Path, rig: &str, resources: impl IntoIterator<Item = Resource>) -> Result<Self, LockError> {
        let mut locks = Self { rig: rig.to_owned(), folder: folder.to_owned(), held: BTreeMap::new() };
        let mut resources: Vec<Resource> = resources.into_iter().collect();
        resources.sort_by(|a, b| a.key.cmp(&b.key));
        locks.add(&Resource::rig(rig))?;
        for resource in &resources {
            locks.add(resource)?;
        }
        Ok(locks)
    }

    /// Takes one more; having it already is fine.
    ///
    /// # Errors
    /// As [`Locks::take`]; what is held stays held.
    pub fn add(&mut self, resource: &Resource) -> Result<(), LockError> {
        if self.held.contains_key(&resource.key) {
            return Ok(());
        }
        let path = self.folder.join(format!("rigtone{}.lock", resource.key));
        let io = |source| LockError::Io { what: resource.what.clone(), path: path.clone(), source };
        let mut file = open(&path).map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = Vec::new();
                file.take(HOLDER).read_to_end(&mut holder).map_err(io)?;
                let holder = describe(&String::from_utf8_lossy(&holder));
                return Err(LockError::Taken { what: resource.what.clone(), holder, path });
            }
            Err(error) => return Err(io(error.into())),
        }
        // The holder's name is a help, not the lock: where it cannot be written, the lock holds all the same.
        let holder = format!("{} {}", std::process::id(), self.rig);
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
        self.held.insert(resource.key.clone(), file);
        Ok(())
    }

    /// Gives one back before the others.
    pub fn give_back(&mut self, resource: &Resource) {
        self.held.remove(&resource.key);
    }

    /// The keys of what is held.
    pub fn held(&self) -> BTreeSet<&str> {
        self.held.keys().map(String::as_str).collect()
    }
}

/// What a holder wrote about itself: its process, then its rig.
fn describe(holder: &str) -> String {
    let mut words = holder.split_whitespace();
    match (words.next().and_then(|pid| pid.parse::<u32>().ok()), words.next()) {
        (Some(pid), Some(rig)) => format!("process {pid} of the rig `{}`", rig.escape_default()),
        (Some(pid), None) => format!("process {pid}"),
        (None, _) => "another process".to_owned(),
    }
}

/// Opens a lock file, for writing where that is possible: `flock` needs none.
fn open(path: &Path) -> io::Result<File> {
    // Anybody may put anything there: a link to a precious file is not followed, a pipe not waited for.
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let attempt = |flags| rustix::fs::open(path, flags, Mode::from_raw_mode(0o666)).map(File::from);
    // A file that another user made in a sticky folder can be opened, but not with the wish to create it.
    let file = match attempt(flags | OFlags::RDWR) {
        Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => attempt(flags | OFlags::RDONLY),
        Err(Errno::NOENT) => attempt(flags | OFlags::RDWR | OFlags::CREATE).inspect(|file| {
            // Whatever the umask says: the next holder may be another user, and writes its name too.
            let _ = file.set_permissions(Permissions::from_mode(0o666));
        }),
        other => other,
    }?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::os::unix::fs::symlink;

    fn take(folder: &Path, rig: &str, dongles: &[&str]) -> Result<Locks, LockError> {
        Locks::in_folder(folder, rig, dongles.iter().map(|address| Resource::dongle("d", address)))
    }

    #[test]
    fn a_lock_is_taken_once_and_free_again_when_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = take(folder.path(), "bench", &[]).expect("a free lock");
        let error = take(folder.path(), "bench", &[]).expect_err("a taken lock").to_string();
        let holder = format!("the rig `bench` is in use by process {} of the rig `bench`", std::process::id());
        assert!(error.starts_with(&holder), "{error}");
        drop(first);
        take(folder.path(), "bench", &[]).expect("a lock that was given back");
    }

    #[test]
    fn rigs_that_share_a_dongle_exclude_each_other_and_others_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let _one = take(folder.path(), "one", &["AA:00", "BB:00"]).expect("free");
        let error = take(folder.path(), "two", &["CC:00", "bb:00"]).expect_err("shared").to_string();
        assert!(error.contains("dongle d (bb:00) is in use by") && error.contains("of the rig `one`"), "{error}");
        take(folder.path(), "three", &["CC:00"]).expect("what was taken before the refusal is free again");
    }

    #[test]
    fn a_file_that_a_dead_process_left_holds_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("rigtone-bench.lock"), "1 bench").expect("a file");
        take(folder.path(), "bench", &[]).expect("free");
    }

    #[test]
    fn a_link_in_place_of_the_file_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let precious = folder.path().join("precious");
        fs::write(&precious, "keep me").expect("a file");
        symlink(&precious, folder.path().join("rigtone-bench.lock")).expect("a link");
        let error = take(folder.path(), "bench", &[]).expect_err("a link");
        assert!(matches!(error, LockError::Io { .. }), "{error}");
        assert_eq!(fs::read_to_string(&precious).expect("still there"), "keep me");
    }

    #[test]
    fn what_is_no_file_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("rigtone-bench.lock")).expect("a folder");
        let error = take(folder.path(), "bench", &[]).expect_err("a folder");
        assert!(error.to_string().contains("rigtone-bench.lock") && !error.hint().is_empty(), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let error = take(Path::new("/proc"), "bench", &[]).expect_err("nobody writes there");
        assert!(error.to_string().contains("locking the rig `bench` with /proc/rigtone-bench.lock failed"), "{error}");
        assert!(error.hint().contains("/tmp"), "{}", error.hint());
    }

    #[rstest]
    #[case("hw:CARD=MIC,DEV=1", "card2-1")]
    #[case("plughw:MIC,1", "card2-1")]
    #[case("hw:2,1,0", "card2-1")]
    #[case("hw:CARD=MIC", "card2-0")]
    #[case("hw:CARD=OTHER,DEV=1", "OTHER-1")]
    #[case("pulse", "pulse")]
    fn an_alsa_device_is_known_by_its_card(#[case] device: &str, #[case] key: &str) {
        assert_eq!(alsa_key(device, &|id| (id == "MIC").then(|| "card2".to_owned())), key);
    }

    #[test]
    fn two_paths_of_one_port_are_one_resource() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("board");
        symlink("/dev/null", &link).expect("a link");
        let (a, b) = (Resource::serial("a", "/dev/null"), Resource::serial("b", &link.to_string_lossy()));
        assert_eq!((a.key(), b.key()), ("+tty-1:3", "+tty-1:3"));
        assert_ne!(Resource::serial("c", "/dev/zero").key(), a.key());
    }

    #[test]
    fn a_rig_and_a_resource_never_share_a_file() {
        assert_ne!(Resource::rig("dongle-AA").key(), Resource::dongle("x", "AA").key());
        assert_eq!(Resource::rig("../x").key(), "-..%2Fx", "nothing leaves the folder");
    }
}
