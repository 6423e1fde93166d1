//! A look at a log and at the evidence that it names: what can be read, and what is not there.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use rigtone_model::{
    event::{Body, Event},
    id::CombinationId,
    verdict::RunVerdicts,
};
use rigtone_record::{Amiss, EVENTS, ReadError, look_at_evidence, open_file, read_events};
use rigtone_report::{
    figure::count,
    outline::{self, Mismatch, Outline},
};

/// Faults of a log that are told; the others are counted.
const TOLD: usize = 3;
/// So much of a log is skimmed at a time, and the longest line of it.
const BLOCK: usize = 256 << 10;
const LONGEST_LINE: u64 = 16 << 20;
/// How the kind stands in a line that we wrote; no text can hold it, for there quotes have a backslash.
const KIND: &[u8] = b"\"kind\":\"";
/// The kinds that tell when a run began and on what, and which evidence it has.
const MORE_KINDS: [&str; 3] = ["run-started", "evidence", "evidence-removed"];

/// What a log holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The id of the run.
    pub(super) run: String,
    pub(super) rig: Option<String>,
    /// When it began, in seconds since 1970.
    pub(super) started_unix_s: Option<i64>,
    /// Whether every event was looked at.
    whole: bool,
    outline: Outline,
    faults: Vec<String>,
    more_faults: u64,
    /// Events of kinds that a newer version wrote.
    unknown: u64,
    /// Evidence that is not as it was recorded, by attempt.
    amiss: BTreeMap<(CombinationId, u32, u32), Vec<(String, Amiss)>>,
}

impl Scan {
    /// Goes through the log of a run.
    pub(super) fn of(run: &Path) -> Self {
        let mut scan = Self { whole: true, ..Self::default() };
        match read_events(run) {
            Err(ReadError::Io { os, .. }) if os.kind() == io::ErrorKind::NotFound => {
                scan.fault("events.jsonl is not there: of single trials nothing is known".to_owned());
            }
            Err(error) => scan.fault(error.to_string()),
            Ok(mut events) => {
                for event in events.by_ref() {
                    match event {
                        Ok(event) => scan.take(run, event),
                        Err(error) => scan.fault(error.to_string()),
                    }
                }
                scan.run = events.run().unwrap_or_default().to_owned();
            }
        }
        scan
    }

    /// Goes through the log of a run for what tells when it began, whether verdicts are its own, and which evidence it has: of a long night the
    /// other events are not even decoded. Nothing when something is amiss, for then all of it has to be looked at.
    pub(super) fn skim(run: &Path) -> Option<Self> {
        let mut scan = Self::default();
        let mut reader = BufReader::with_capacity(BLOCK, open_file(&run.join(EVENTS)).ok()?);
        let (mut line, mut due) = (Vec::new(), 0);
        while reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).ok()? > 0 {
            // Cut off, or too long.
            if line.pop() != Some(b'\n') {
                return None;
            }
            if tells(&line) {
                let (of, event) = Event::from_line(str::from_utf8(&line).ok()?).ok()?;
                if scan.run.is_empty() {
                    scan.run = of.into_owned();
                } else if scan.run != of {
                    return None;
                }
                if event.seq < due {
                    return None;
                }
                due = event.seq.saturating_add(1);
                scan.take(run, event);
            }
            line.clear();
        }
        Some(scan)
    }

    /// Whether all of the log was looked at, and not only what tells of the run as a whole.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Why verdicts are not those of this log, if they are not.
    pub(super) fn mismatch(&self, verdicts: &RunVerdicts) -> Option<Mismatch> {
        let run = Some(&*self.run).filter(|run| !run.is_empty());
        self.outline.mismatch(run, verdicts)
    }

    fn fault(&mut self, fault: String) {
        self.outline.take_damage();
        if self.faults.len() < TOLD {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }

    /// Looks at the evidence that verdicts name.
    pub(super) fn look_by(&mut self, run: &Path, verdicts: &RunVerdicts) {
        for combination in &verdicts.combinations {
            for file in &combination.evidence {
                self.look(run, (combination.id.clone(), 0, 0), file.clone(), 0);
            }
        }
    }

    /// Most of it is as it was: only the rest takes memory.
    fn look(&mut self, run: &Path, key: (CombinationId, u32, u32), file: String, bytes: u64) {
        if let Some(amiss) = look_at_evidence(run, &file, bytes) {
            self.amiss.entry(key).or_default().push((file, amiss));
        }
    }

    fn take(&mut self, run: &Path, event: Event) {
        self.outline.take(&event);
        let key = event.at.map(|at| (at.combination, at.trial, at.attempt));
        match (event.body, key) {
            (Body::RunStarted { rig, unix_s, .. }, _) => {
                self.rig.get_or_insert(rig);
                self.started_unix_s.get_or_insert(unix_s);
            }
            (Body::Unknown { .. }, _) => self.unknown += 1,
            (Body::Evidence { file, bytes, .. }, Some(key)) => self.look(run, key, file, bytes),
            (Body::EvidenceRemoved { file, .. }, Some(key)) => {
                if let Some(amiss) = self.amiss.get_mut(&key) {
                    amiss.retain(|(known, _)| *known != file);
                }
            }
            // Its evidence was put aside.
            (Body::TrialDiscarded { .. }, Some(key)) => drop(self.amiss.remove(&key)),
            _ => {}
        }
    }

    /// What is not there, as sentences.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut missing = self.faults.clone();
        if self.more_faults > 0 {
            missing.push(format!("{} of the log", count(self.more_faults as usize, "more fault")));
        }
        if self.outline.is_cut_off() {
            missing.push("the log ends before its run does: what came after is not known".to_owned());
        }
        if self.unknown > 0 {
            let events = count(self.unknown as usize, "event");
            missing.push(format!("{events} of kinds that this version does not know: not shown"));
        }
        let mut kinds: BTreeMap<Amiss, (usize, &str)> = BTreeMap::new();
        for (file, amiss) in self.amiss.values().flatten() {
            kinds.entry(*amiss).or_insert((0, file.as_str())).0 += 1;
        }
        missing.extend(kinds.into_iter().map(|(amiss, (n, first))| match n {
            1 => format!("1 evidence file {}: {first}", amiss.of_one()),
            n => format!("{n} evidence files {}, such as {first}", amiss.of_several()),
        }));
        missing
    }
}

/// Whether a line may tell of the run as a whole. What is written in another way than ours is decoded to see.
fn tells(line: &[u8]) -> bool {
    let Some(at) = line.windows(KIND.len()).position(|part| part == KIND) else { return true };
    let kind = line.get(at + KIND.len()..).unwrap_or_default();
    let is = |known: &str| kind.strip_prefix(known.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'"'));
    MORE_KINDS.iter().chain(&outline::KINDS).any(|known| is(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::of_the_run(r#"{"schema":"1.0","run":"r","kind":"trial-finished","payload":{}}"#, true)]
    #[case::of_evidence(r#"{"schema":"1.0","run":"r","kind":"evidence","payload":{}}"#, true)]
    #[case::of_a_trial(r#"{"schema":"1.0","run":"r","kind":"observed","payload":{}}"#, false)]
    #[case::longer(r#"{"schema":"1.0","run":"r","kind":"trial-finished-twice","payload":{}}"#, false)]
    #[case::in_a_text(r#"{"schema":"1.0","run":"\"kind\":\"run-started\"","kind":"observed"}"#, false)]
    #[case::with_spaces(r#"{"schema": "1.0", "run": "r", "kind": "observed"}"#, true)]
    #[case::no_event("", true)]
    fn what_tells_of_a_run_is_found_without_decoding(#[case] line: &str, #[case] found: bool) {
        assert_eq!(tells(line.as_bytes()), found);
    }
}
