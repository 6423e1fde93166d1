//! Whether the evidence that the log names is there.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, RandomState},
    path::Path,
};

use rigtone_record::{Amiss, look_at_evidence};

use crate::shortcoming::Shortcoming;

/// Files of which the name is kept; of the others only what was found.
const NAMED: usize = 10_000;

/// What was found of a file.
#[derive(Debug)]
struct Looked {
    bytes: u64,
    amiss: Option<Amiss>,
}

/// What was found of the evidence that was not taken away.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By a hash of the path: names of a million files would be too much.
    looked: HashMap<u64, Looked>,
    /// Names of files with which something is amiss.
    named: BTreeMap<String, Amiss>,
    /// With keys of its own, so that no log can be made in which two files are one.
    hasher: RandomState,
}

impl Files {
    fn key(&self, file: &str) -> u64 {
        self.hasher.hash_one(file)
    }

    /// Looks at a file of so many bytes.
    pub(crate) fn look(&mut self, run: &Path, file: &str, bytes: u64) {
        let (key, amiss) = (self.key(file), look_at_evidence(run, file, bytes));
        self.looked.insert(key, Looked { bytes, amiss });
        if let Some(amiss) = amiss.filter(|_| self.named.len() < NAMED) {
            self.named.insert(file.to_owned(), amiss);
        }
    }

    /// What was taken away by plan is neither there nor missing.
    pub(crate) fn removed(&mut self, file: &str) {
        let key = self.key(file);
        self.looked.remove(&key);
        self.named.remove(file);
    }

    pub(crate) fn count(&self) -> usize {
        self.looked.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.looked.values().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    /// What is amiss, and with how many files.
    fn amiss(&self) -> BTreeMap<Amiss, u64> {
        let mut counts = BTreeMap::new();
        for amiss in self.looked.values().filter_map(|file| file.amiss) {
            *counts.entry(amiss).or_default() += 1;
        }
        counts
    }

    fn first(&self, amiss: Amiss) -> Option<&str> {
        self.named.iter().find(|(_, of)| **of == amiss).map(|(name, _)| name.as_str())
    }

    /// What is amiss with files of which none is known by its name: those whose names were kept were taken away later.
    fn nameless(&self) -> Vec<Amiss> {
        self.amiss().into_keys().filter(|amiss| self.first(*amiss).is_none()).collect()
    }

    /// Whether names have to be looked up in the log.
    pub(crate) fn lacks_names(&self) -> bool {
        !self.nameless().is_empty()
    }

    /// Learns a name of each kind that has none from the files that the log names.
    pub(crate) fn learn(&mut self, mut names: impl Iterator<Item = String>) {
        let mut nameless = self.nameless();
        while !nameless.is_empty()
            && let Some(name) = names.next()
        {
            let amiss = self.looked.get(&self.key(&name)).and_then(|file| file.amiss);
            if let Some(amiss) = amiss.filter(|amiss| nameless.contains(amiss)) {
                nameless.retain(|other| *other != amiss);
                self.named.insert(name, amiss);
            }
        }
    }

    pub(crate) fn shortcomings(&self) -> Vec<Shortcoming> {
        let shortcoming = |(amiss, count): (Amiss, u64)| Shortcoming::Evidence {
            what: amiss.of_one(),
            of_several: amiss.of_several(),
            count,
            first: self.first(amiss).unwrap_or("one whose name cannot be read").to_owned(),
        };
        self.amiss().into_iter().map(shortcoming).collect()
    }
}
