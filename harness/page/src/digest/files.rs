//! Whether the evidence that the log names is there.

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path},
};

use rigtone_record::EVIDENCE;

use crate::shortcoming::Shortcoming;

/// Files that are remembered one by one; more are counted.
const MOST: usize = 10_000;

/// What is wrong with one file, and with several.
type Wrong = (&'static str, &'static str);

const ELSEWHERE: Wrong = ("lies elsewhere than below `evidence`", "lie elsewhere than below `evidence`");
const MISSING: Wrong = ("is missing", "are missing");
const NO_FILE: Wrong = ("is not a file", "are not files");
const RESIZED: Wrong = ("has another size than when it was recorded", "have another size than when they were recorded");

/// What was found of the evidence.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    missing: BTreeMap<String, Wrong>,
    more: BTreeMap<Wrong, u64>,
}

/// Whether a path is one that evidence may have: below `evidence`, without detours.
pub(crate) fn is_evidence(file: &str) -> bool {
    let mut parts = Path::new(file).components();
    parts.next() == Some(Component::Normal(EVIDENCE.as_ref())) && parts.all(|p| matches!(p, Component::Normal(_)))
}

impl Files {
    /// Looks at a file of so many bytes; a log of before sizes were kept says 0.
    pub(crate) fn look(&mut self, run: &Path, file: &str, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        let wrong = match () {
            () if !is_evidence(file) => ELSEWHERE,
            () => match fs::metadata(run.join(file)) {
                Err(_) => MISSING,
                Ok(found) if !found.is_file() => NO_FILE,
                Ok(found) if bytes > 0 && found.len() != bytes => RESIZED,
                Ok(_) => return,
            },
        };
        if self.missing.len() < MOST {
            self.missing.insert(file.to_owned(), wrong);
        } else {
            *self.more.entry(wrong).or_default() += 1;
        }
    }

    /// What was taken away by plan is not missing.
    pub(crate) fn removed(&mut self, file: &str) {
        self.missing.remove(file);
    }

    pub(crate) fn shortcomings(&self) -> Vec<Shortcoming> {
        let mut found: BTreeMap<Wrong, (u64, &str)> = BTreeMap::new();
        for (file, wrong) in &self.missing {
            found.entry(*wrong).or_insert((0, file)).0 += 1;
        }
        for (wrong, count) in &self.more {
            if let Some(known) = found.get_mut(wrong) {
                known.0 += count;
            }
        }
        let shortcoming = |((what, of_several), (count, first)): (Wrong, (u64, &str))| Shortcoming::Evidence {
            what,
            of_several,
            count,
            first: first.to_owned(),
        };
        found.into_iter().map(shortcoming).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("evidence/a/0001/b.wav", true)]
    #[case("evidence/../plan.json", false)]
    #[case("/etc/passwd", false)]
    #[case("javascript:alert(1)", false)]
    #[case("plan.json", false)]
    #[case("", false)]
    fn evidence_lies_below_its_folder(#[case] file: &str, #[case] is: bool) {
        assert_eq!(is_evidence(file), is);
    }
}
