//! Encoded stimuli, kept from one run to the next by what they were made from.
//!
//! An entry is a file named by the hash of samples, configuration and encoder; its first line is the hash of what follows. What does not fit
//! its hash is damaged and made anew. A cache that cannot be used costs time and nothing else.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rigtone_model::id::sha256_hex;

/// The most that is kept, in bytes; what was used longest ago goes first.
const MOST_BYTES: u64 = 256 << 20;
const EXTENSION: &str = "encoded";
/// Length of a hash in hexadecimal, and the end of its line.
const HEAD: usize = 65;

/// A folder of encoded stimuli.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
    most_bytes: u64,
}

impl Cache {
    /// The user's: `RIGTONE_CACHE`, or `rigtone` in the cache folder of the desktop's standard.
    pub(super) fn of_user() -> Self {
        let given = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = given("RIGTONE_CACHE")
            .or_else(|| given("XDG_CACHE_HOME").map(|folder| folder.join("rigtone")))
            .or_else(|| given("HOME").map(|folder| folder.join(".cache/rigtone")));
        Self { folder: folder.map(|folder| folder.join("encoded")), most_bytes: MOST_BYTES }
    }

    #[cfg(test)]
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), most_bytes: MOST_BYTES }
    }

    /// Why it cannot be used, if it cannot.
    pub(super) fn trouble(&self) -> Option<String> {
        let Some(folder) = &self.folder else { return Some("neither RIGTONE_CACHE nor HOME is set".to_owned()) };
        let probe = folder.join(format!(".probe-{}", std::process::id()));
        let tried =
            fs::create_dir_all(folder).and_then(|()| fs::write(&probe, b"")).and_then(|()| fs::remove_file(&probe));
        tried.err().map(|e| format!("{} cannot be written: {e}", folder.display()))
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{key}.{EXTENSION}")))
    }

    /// What is kept under that key; nothing if there is none, or it is damaged.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.path(key)?;
        let mut bytes = fs::read(&path).ok()?;
        let is_whole = bytes.len() >= HEAD && {
            let (head, content) = bytes.split_at(HEAD);
            head.strip_suffix(b"\n") == Some(sha256_hex(content).as_bytes())
        };
        if !is_whole {
            let _ = fs::remove_file(&path);
            return None;
        }
        // So that what is used stays.
        let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        bytes.drain(..HEAD);
        Some(bytes)
    }

    /// Keeps it. Whoever reads meanwhile sees the whole entry or none.
    pub(super) fn put(&self, key: &str, content: &[u8]) -> io::Result<()> {
        let (Some(path), Some(folder)) = (self.path(key), &self.folder) else { return Ok(()) };
        fs::create_dir_all(folder)?;
        let new = folder.join(format!(".{key}-{}", std::process::id()));
        let bytes = [sha256_hex(content).as_bytes(), b"\n", content].concat();
        let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written?;
        self.shrink(folder)
    }

    fn shrink(&self, folder: &Path) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(folder)?
            .filter_map(Result::ok)
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == EXTENSION))
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .collect();
        entries.sort();
        let mut bytes: u64 = entries.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in entries {
            if bytes <= self.most_bytes {
                break;
            }
            // Another process may have been faster.
            let _ = fs::remove_file(path);
            bytes -= length;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn cache(most_bytes: u64) -> (tempfile::TempDir, Cache) {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Some(home.path().join("a/b"));
        (home, Cache { folder, most_bytes })
    }

    #[test]
    fn what_was_put_is_got_and_what_was_not_is_none() {
        let (_home, cache) = cache(1000);
        assert_eq!(cache.get("one"), None);
        cache.put("one", b"sound").expect("room");
        assert_eq!(cache.get("one").as_deref(), Some(b"sound".as_slice()));
        cache.put("one", b"").expect("room");
        assert_eq!(cache.get("one").as_deref(), Some(b"".as_slice()));
        assert_eq!((cache.get("two"), cache.trouble()), (None, None));
    }

    #[test]
    fn every_damaged_byte_is_noticed_and_the_entry_goes() {
        let (_home, cache) = cache(1000);
        let path = cache.path("one").expect("a folder");
        cache.put("one", b"sound").expect("room");
        let whole = fs::read(&path).expect("an entry");
        let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
        let flipped = (0..whole.len()).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        });
        for damaged in cut.chain(flipped) {
            fs::write(&path, &damaged).expect("an entry");
            assert_eq!(cache.get("one"), None, "{damaged:02x?}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let (_home, cache) = cache(3 * (HEAD as u64 + 10));
        let old = |key: &str, seconds| {
            let file = fs::File::open(cache.path(key).expect("a folder")).expect("an entry");
            file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).expect("a time");
        };
        for (key, age) in [("a", 30), ("b", 20), ("c", 10)] {
            cache.put(key, &[7; 10]).expect("room");
            old(key, age);
        }
        assert!(cache.get("a").is_some());
        cache.put("d", &[7; 10]).expect("room");
        let kept = ["a", "b", "c", "d"].map(|key| cache.get(key).is_some());
        assert_eq!(kept, [true, false, true, true]);
    }

    #[test]
    fn without_a_folder_it_keeps_nothing_and_says_so() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let cache = Cache { folder: Some(file.path().join("below")), most_bytes: 1000 };
        assert!(cache.put("one", b"sound").is_err());
        assert_eq!(cache.get("one"), None);
        assert!(cache.trouble().is_some_and(|words| words.contains("cannot be written")));
        let nowhere = Cache { folder: None, most_bytes: 1000 };
        assert!(nowhere.put("one", b"sound").is_ok() && nowhere.get("one").is_none() && nowhere.trouble().is_some());
    }
}
