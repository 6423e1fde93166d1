//! The index: what runs came to, in one file of SQLite that is derived from their directories and can be made again at any time.

mod load;
mod schema;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

pub use load::{Answer, Entry, Loaded, Run, Subject};

use crate::{
    error::{IndexError, TakeError},
    find::Found,
    take,
};
use schema::{APPLICATION, TABLES, VERSION};
use store::Store;

/// The name of an index that nobody named.
pub const INDEX: &str = ".rigtone-history.sqlite";

/// How long another process is waited for.
const PATIENCE_S: u64 = 30;

/// The first bytes of every database of SQLite.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// An open index.
pub struct Index {
    connection: Connection,
    /// Nothing for one that lives in memory only.
    path: Option<PathBuf>,
    /// Why it was made anew, or is not kept.
    note: Option<String>,
}

/// What a look at the run directories has changed.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Runs that are new, or had changed.
    pub taken: usize,
    /// Runs that are as they were.
    pub known: usize,
    /// Runs that are no longer there.
    pub forgotten: usize,
    /// What is no run, or cannot be read, and why. The index has none of it.
    pub skipped: Vec<(PathBuf, TakeError)>,
}

impl Index {
    /// Opens an index, or makes a new one. One of another version, or one that is damaged, is made anew.
    ///
    /// # Errors
    /// When the file belongs to somebody else, or cannot be used. One that this user may not write is no error: the index then lives in
    /// memory.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let foreign = || IndexError::Foreign { path: path.to_owned() };
        let named_by_us = path.file_name().is_some_and(|name| name == INDEX);
        if !named_by_us && !may_be_a_database(path) {
            return Err(foreign());
        }
        match Self::prepared(path) {
            Ok(index) => Ok(index),
            Err(Refused::Foreign) => Err(foreign()),
            Err(Refused::Database(cause)) => match cause.sqlite_error_code() {
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::anew(path, "it was damaged"),
                Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                    Self::instead_of(path, &cause)
                }
                _ if has_no_room(&cause) => Self::instead_of(path, &cause),
                _ => Err(database(path, cause)),
            },
        }
    }

    /// Makes an index anew from nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn rebuild(path: &Path) -> Result<Self, IndexError> {
        let mut index = Self::open(path)?;
        index.note = index.note.take().filter(|_| index.path.is_none());
        index.clear(true).map_err(|cause| database(path, cause))?;
        Ok(index)
    }

    /// An index that is kept nowhere.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory(note: Option<String>) -> Result<Self, IndexError> {
        let made = || {
            let connection = Connection::open_in_memory()?;
            connection.execute_batch(TABLES)?;
            Ok(connection)
        };
        let connection = made().map_err(|cause| database(Path::new(":memory:"), cause))?;
        Ok(Self { connection, path: None, note })
    }

    /// One in memory, and why it is there.
    fn instead_of(path: &Path, cause: &rusqlite::Error) -> Result<Self, IndexError> {
        let why = format!("the index `{}` cannot be written ({cause}): it was made in memory", path.display());
        Self::in_memory(Some(why))
    }

    /// What its user should know of it: that it was made anew, or that it is not kept.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Looks at run directories: takes what is new or has changed, and forgets runs below `roots` that are gone. One transaction for each
    /// run: a command that is killed has lost nothing, and two commands at once do each other's work.
    ///
    /// # Errors
    /// When the index cannot be written; one whose disk is full goes on in memory. A run that cannot be read is skipped and named.
    pub fn refresh(&mut self, found: Found, roots: &[PathBuf]) -> Result<Refreshed, IndexError> {
        let path = self.path.clone().unwrap_or_else(|| PathBuf::from(":memory:"));
        let failed = |cause| database(&path, cause);
        let before = self.number("schema_version").map_err(failed)?;
        let mut done = match self.refreshed(&found.runs, roots) {
            Err(cause) if self.path.is_some() && has_no_room(&cause) => {
                *self = Self::instead_of(&path, &cause)?;
                return self.refresh(found, roots);
            }
            other => other.map_err(failed)?,
        };
        // Another command made the index anew in between: what was taken before is gone.
        if self.number("schema_version").map_err(failed)? != before {
            done = self.refreshed(&found.runs, roots).map_err(failed)?;
        }
        done.skipped.extend(found.skipped);
        done.skipped.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(done)
    }

    fn refreshed(&mut self, runs: &BTreeSet<PathBuf>, roots: &[PathBuf]) -> rusqlite::Result<Refreshed> {
        let mut done = Refreshed::default();
        let mut known = self.known()?;
        let mut store = Store::default();
        let mut replaced = false;
        for directory in runs {
            let before = known.remove(directory);
            let taken = match take::state(directory) {
                Ok(state) if before.as_ref() == Some(&state) => {
                    done.known += 1;
                    continue;
                }
                Ok(state) => take::take(directory).map(|taken| (state, taken)),
                Err(why) => Err(why),
            };
            match taken {
                Ok((state, taken)) => {
                    let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                    store.put(&change, directory, &state, &taken)?;
                    change.commit()?;
                    done.taken += 1;
                    replaced |= before.is_some();
                }
                Err(why) => {
                    done.forgotten += usize::from(before.is_some() && self.forget(directory)?);
                    done.skipped.push((directory.clone(), why));
                }
            }
        }
        let roots: Vec<PathBuf> = roots.iter().filter_map(|root| fs::canonicalize(root).ok()).collect();
        for gone in known.into_keys().filter(|directory| roots.iter().any(|root| directory.starts_with(root))) {
            done.forgotten += usize::from(self.forget(&gone)?);
        }
        // Once for all: it goes through every answer. What a command that was killed has left goes the next time.
        if replaced || done.forgotten > 0 {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            store::tidy(&change)?;
            change.commit()?;
        }
        Ok(done)
    }

    /// The runs that it has, with the state of their files.
    fn known(&self) -> rusqlite::Result<BTreeMap<PathBuf, String>> {
        let mut all = self.connection.prepare("SELECT directory, state FROM run")?;
        let rows = all.query_map([], |row| {
            let directory: Vec<u8> = row.get(0)?;
            Ok((PathBuf::from(std::ffi::OsString::from_vec(directory)), row.get(1)?))
        })?;
        rows.collect()
    }

    fn forget(&mut self, directory: &Path) -> rusqlite::Result<bool> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let was_there = store::forget(&change, directory.as_os_str().as_bytes())?;
        change.commit()?;
        Ok(was_there)
    }

    /// What it knows of these run directories.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(&self, runs: &BTreeSet<PathBuf>, filter: &crate::Filter) -> Result<Loaded, IndexError> {
        let path = self.path.clone().unwrap_or_else(|| PathBuf::from(":memory:"));
        load::load(&self.connection, runs, filter).map_err(|cause| database(&path, cause))
    }

    /// Opens a file and makes its tables what this version needs.
    fn prepared(path: &Path) -> Result<Self, Refused> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(PATIENCE_S))?;
        let mut index = Self { connection, path: Some(path.to_owned()), note: None };
        let (whose, version) = whose(&index.connection.unchecked_transaction()?)?;
        // Nothing is changed before it is known that the file is ours.
        if whose == Whose::Foreign {
            return Err(Refused::Foreign);
        }
        // Readers do not wait for writers, and a transaction needs no wait for the disk. Another command may be setting it just now.
        match index.connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(cause) if is_busy(&cause) => {}
            other => other?,
        }
        index
            .connection
            .execute_batch("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -64000; PRAGMA temp_store = MEMORY;")?;
        if whose != Whose::Ours {
            if whose == Whose::OtherVersion {
                let which = if version > VERSION { "a newer" } else { "an older" };
                index.note = Some(format!(
                    "the index `{}` was of {which} version of Rigtone: it was made anew from the run directories",
                    path.display()
                ));
            }
            index.clear(false)?;
        }
        Ok(index)
    }

    fn number(&self, pragma: &str) -> rusqlite::Result<i32> {
        self.connection.pragma_query_value(None, pragma, |row| row.get(0))
    }

    /// Makes its tables anew, without anything in them; unless another command has just done so, if that is enough.
    fn clear(&mut self, in_any_case: bool) -> rusqlite::Result<()> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        if !in_any_case && whose(&change)?.0 == Whose::Ours {
            return Ok(());
        }
        for name in tables(&change)? {
            change.execute_batch(&format!("DROP TABLE \"{}\"", name.replace('"', "\"\"")))?;
        }
        change.execute_batch(TABLES)?;
        change.pragma_update(None, "application_id", APPLICATION)?;
        change.pragma_update(None, "user_version", VERSION)?;
        change.commit()
    }

    /// Takes a damaged file away and makes a new one.
    pub(crate) fn anew(path: &Path, why: &str) -> Result<Self, IndexError> {
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            match fs::remove_file(&name) {
                Err(os) if os.kind() != io::ErrorKind::NotFound => {
                    return Err(IndexError::Io { attempted: "remove the damaged index", path: name.into(), os });
                }
                _ => {}
            }
        }
        let mut index = Self::prepared(path).map_err(|refused| match refused {
            Refused::Foreign => IndexError::Foreign { path: path.to_owned() },
            Refused::Database(cause) => database(path, cause),
        })?;
        index.note = Some(format!("the index `{}` was made anew from the run directories: {why}", path.display()));
        Ok(index)
    }
}

/// Who wrote a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Nobody yet.
    Nobody,
    /// This version of Rigtone.
    Ours,
    /// Another version of it.
    OtherVersion,
    /// Somebody else.
    Foreign,
}

/// Who wrote it, and in which version. All of it is read in one transaction: between two of its own another command may have made the
/// tables, and half of the one state with half of the other is nobody's.
fn whose(database: &Transaction<'_>) -> rusqlite::Result<(Whose, i32)> {
    let number = |pragma: &str| database.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let whose = match (tables(database)?.is_empty(), application, version) {
        (true, 0 | APPLICATION, _) => Whose::Nobody,
        (false, APPLICATION, VERSION) => Whose::Ours,
        (false, APPLICATION, _) => Whose::OtherVersion,
        _ => Whose::Foreign,
    };
    Ok((whose, version))
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    connection.prepare(names)?.query_map([], |row| row.get(0))?.collect()
}

fn is_busy(cause: &rusqlite::Error) -> bool {
    matches!(cause.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Why a file is not opened as an index.
enum Refused {
    Foreign,
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Database(cause)
    }
}

/// A file that does not exist, is empty, or begins like a database.
fn may_be_a_database(path: &Path) -> bool {
    let Ok(mut file) = fs::File::open(path) else { return true };
    let mut first = Vec::new();
    match file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut first) {
        Ok(_) => first.is_empty() || first == MAGIC,
        Err(_) => false,
    }
}

/// Whether the disk took no more of it.
fn has_no_room(cause: &rusqlite::Error) -> bool {
    matches!(cause.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure))
}

fn database(path: &Path, cause: rusqlite::Error) -> IndexError {
    if is_busy(&cause) {
        return IndexError::Busy { path: path.to_owned(), seconds: PATIENCE_S };
    }
    IndexError::Database { path: path.to_owned(), cause }
}
