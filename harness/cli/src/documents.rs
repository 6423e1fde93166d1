//! Reading documents, showing their faults, and making plans of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use indexmap::IndexMap;
use rigtone_audio::stimulus;
use rigtone_judge::verdicts::RunPlan;
use rigtone_model::{
    check::{Stimulus, Vocabulary, check, expired, stale_calibrations, stale_declarations, unmarked},
    diagnostic::{self, Diagnostic},
    document::{Calibration, Device, Expectation, Rig, Scenario, Suite},
    id::CombinationId,
    load::{self, Entry, Library, SourceFile},
    observation::Quantity,
    plan::{Combination, Expansion, Plan, PlannedScenario, Selector, expand, placeholders},
    quantity::Duration,
    verdict::Verdict,
};
use rigtone_report::{exit::Code, figure::count};
use rigtone_rig::{reaction, response};
use serde::{Deserialize, Serialize};

use crate::{
    args::{Again, What},
    printer,
    trouble::Trouble,
};

/// Documents that were read, with everything that is wrong with them.
pub(crate) struct Read {
    pub(crate) library: Library,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) sources: Vec<SourceFile>,
}

/// Reads and checks documents.
pub(crate) fn read(paths: &[PathBuf]) -> Read {
    let (files, mut diagnostics) = load::read(paths);
    let loaded = load::load(files);
    diagnostics.extend(loaded.diagnostics);
    let carried: Vec<(String, Vec<Quantity>)> = stimulus::Name::ALL
        .into_iter()
        .map(|name| (name.to_string(), rigtone_witness::sound::carries(&name.to_string())))
        .collect();
    let stimuli: Vec<Stimulus<'_>> = carried.iter().map(|(name, carries)| Stimulus { name, carries }).collect();
    diagnostics.extend(check(&loaded.library, &Vocabulary { stimuli: &stimuli, rates: &stimulus::RATES }));
    diagnostics.extend(undecidable(&loaded.library));
    diagnostics.extend(uncalibrated(&loaded.library));
    diagnostics.extend(lost(&loaded.library));
    diagnostics.extend(unheard(&loaded.library));
    let today = today();
    diagnostics.extend(loaded.library.rigs.values().flat_map(|entry| stale_declarations(entry, &today)));
    diagnostics.extend(loaded.library.calibrations.values().flat_map(|entry| stale_calibrations(entry, &today)));
    diagnostic::sort(&mut diagnostics);
    Read { library: loaded.library, diagnostics, sources: loaded.sources }
}

/// This day in UTC, as documents write days.
pub(crate) fn today() -> String {
    written(time::OffsetDateTime::now_utc().date())
}

/// A time in seconds since 1970 as its day in UTC; a time that no calendar holds as what it is.
pub(crate) fn day(unix_s: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(unix_s);
    at.map_or_else(|_| format!("{unix_s} s after 1970"), |at| written(at.date()))
}

fn written(date: time::Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// Reads what is known to fail, and puts it into a plan in place of what was there.
pub(crate) fn quarantine(file: &Path, run: &mut RunPlan) -> Result<(), Trouble> {
    let read = read(&[file.to_owned()]).with_expired();
    let not_one = || {
        Trouble::usage(format!("{} is not one quarantine", file.display()))
            .hint("name a document that begins with `quarantine:`")
    };
    if read.library.quarantines.is_empty() && read.has_others() {
        return Err(not_one());
    }
    read.must_be_right()?;
    let mut all = read.library.quarantines.values();
    let (Some(entry), None) = (all.next(), all.next()) else { return Err(not_one()) };
    for (n, quarantined) in entry.value.entries.iter().enumerate() {
        // One quarantine serves jobs of which each has a part of the scenarios: an entry for others has keys of theirs.
        let is_of = |scenario: &Scenario| quarantined.select.iter().all(|selector| selector.is_of(scenario));
        if !run.plan.scenarios.iter().any(|planned| is_of(&planned.document)) {
            continue;
        }
        for (m, selector) in quarantined.select.iter().enumerate() {
            selector.fits(run.plan.scenarios.iter().map(|s| &s.document)).map_err(|e| {
                let at = entry.position(&["entries", &n.to_string(), "select", &m.to_string()]);
                Trouble::usage(format!("{}:{}:{}: {e}", file.display(), at.line, at.column))
            })?;
        }
    }
    run.quarantine.clone_from(&entry.value.entries);
    for idle in run.idle_quarantine() {
        let selected = idle.selected();
        printer::note(&format!("warning: nothing of the plan is in the quarantine of {selected} ({})", idle.owner));
    }
    Ok(())
}

/// Expectations whose trials cannot decide, or seldom would, even with a good device.
fn undecidable(library: &Library) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for entry in library.scenarios.values() {
        let scenario = &entry.value;
        for index in 0..scenario.expect.len() {
            let name = scenario.expect[index].expectation().name();
            if let Some((code, message, suggestion)) = rigtone_judge::verdicts::doubt(scenario, index) {
                let path = ["expect".to_owned(), index.to_string(), name.to_owned()];
                found.push(entry.diagnostic(code, &path, message).suggest(suggestion));
            }
        }
    }
    found
}

impl Read {
    /// The same with what has come to its end today: for those who look after quarantines, or name one.
    pub(crate) fn with_expired(mut self) -> Self {
        let today = today();
        self.diagnostics.extend(self.library.quarantines.values().flat_map(|entry| expired(entry, &today)));
        diagnostic::sort(&mut self.diagnostics);
        self
    }

    /// The same with facts of devices that nobody has marked: for those who look after the documents.
    pub(crate) fn with_unmarked(mut self) -> Self {
        self.diagnostics.extend(self.library.devices.values().flat_map(unmarked));
        diagnostic::sort(&mut self.diagnostics);
        self
    }

    /// The same where no devices were read: what a matrix refers to is not known then, and does not matter.
    pub(crate) fn must_be_right_without_devices(mut self) -> Result<Library, Trouble> {
        self.diagnostics.retain(|d| !d.document_path.starts_with("matrix"));
        self.must_be_right()?;
        Ok(self.library)
    }

    /// Shows every fault on standard error; an error among them ends the command.
    /// Whether there are devices, scenarios or rigs among them: what refers to others is then at fault by its kind, not by what it names.
    fn has_others(&self) -> bool {
        let library = &self.library;
        !(library.scenarios.is_empty() && library.devices.is_empty() && library.rigs.is_empty())
    }

    pub(crate) fn must_be_right(&self) -> Result<(), Trouble> {
        if !self.diagnostics.is_empty() {
            printer::note(diagnostic::render(&self.diagnostics, &self.sources, printer::colour_of_notes()).trim_end());
        }
        if self.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(Trouble::usage("the documents have faults").hint("mend them; `rigtone check` shows them all"));
        }
        Ok(())
    }
}

/// The suite of a document.
pub(crate) fn suite(file: &Path) -> Result<Entry<Suite>, Trouble> {
    let mut read = read(&[file.to_owned()]);
    let not_one = || {
        Trouble::usage(format!("{} is not one suite", file.display()))
            .hint("name a document that begins with `suite:`, such as `suites/smoke.yaml`; scenarios are named without `--suite`")
    };
    if read.library.suites.is_empty() && read.has_others() {
        return Err(not_one());
    }
    // Warnings are shown when it is read again, with everything that it names.
    read.diagnostics.retain(Diagnostic::is_error);
    read.must_be_right()?;
    let mut all = read.library.suites.into_values();
    match (all.next(), all.next()) {
        (Some(entry), None) => Ok(entry),
        _ => Err(not_one()),
    }
}

/// Paths of suites that lead nowhere.
fn lost(library: &Library) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for entry in library.suites.values() {
        let root = Suite::root(&entry.path);
        for (n, path) in entry.value.paths(&entry.path).iter().enumerate().filter(|(_, path)| !path.exists()) {
            let at = ["scenarios", &n.to_string(), "path"];
            let fault = entry.diagnostic(diagnostic::Code::NotFound, &at, format!("there is no {}", path.display()));
            let from = if root.as_os_str().is_empty() { Path::new(".") } else { &root };
            found.push(fault.suggest(format!("name a file or a folder of scenarios from {}", from.display())));
        }
    }
    found
}

/// What of the scenarios is asked for: everything, or what a suite chooses of each.
struct Order {
    /// Files and folders, in the order in which scenarios stand in the plan.
    paths: Vec<PathBuf>,
    /// The suite, if one is asked for.
    suite: Option<Entry<Suite>>,
}

impl Order {
    fn of(what: &What) -> Result<Self, Trouble> {
        let suite = what.suite.as_deref().map(suite).transpose()?;
        let paths = match &suite {
            Some(entry) => entry.value.paths(&entry.path),
            None if what.scenarios.is_empty() => vec![PathBuf::from("scenarios/starter")],
            None => what.scenarios.clone(),
        };
        Ok(Self { paths, suite })
    }

    /// The place of a scenario among those of the suite; files below a folder keep their order.
    fn place(&self, scenario: &Path) -> usize {
        match self.suite {
            Some(_) => self.paths.iter().position(|path| scenario.starts_with(path)).unwrap_or(usize::MAX),
            None => 0,
        }
    }

    /// What the suite selects of a scenario: one of these has to match as a whole.
    fn selections(&self, scenario: &Path) -> Vec<&[Selector]> {
        let Some(entry) = &self.suite else { return vec![&[]] };
        let named = self.paths.iter().zip(&entry.value.scenarios).filter(|(path, _)| scenario.starts_with(path));
        named.map(|(_, chosen)| &chosen.select[..]).collect()
    }
}

/// A plan with everything it was made of.
pub(crate) struct Planned {
    pub(crate) run: RunPlan,
    pub(crate) rig: Rig,
    pub(crate) devices: IndexMap<String, Device>,
    pub(crate) origin: Origin,
    pub(crate) calibration: Option<Calibrated>,
}

/// What was measured of a rig, with the file that says so.
#[derive(Debug, Clone)]
pub(crate) struct Calibrated {
    pub(crate) path: PathBuf,
    pub(crate) hash: String,
    pub(crate) document: Calibration,
}

impl Calibrated {
    fn of(library: &Library, rig: &str) -> Option<Self> {
        let entry = library.calibrations.get(rig)?;
        Some(Self { path: entry.path.clone(), hash: entry.hash.clone(), document: entry.value.clone() })
    }

    /// For the run's environment: what was known of the rig, and what it was worth on this day.
    pub(crate) fn environment(&self) -> serde_json::Value {
        let today = today();
        let microphones = self.document.microphones.iter().map(|(name, measured)| {
            let used = measured.figure(&today);
            (name.clone(), serde_json::json!({ "measured": measured, "worth": measured.worth(&today), "used": used }))
        });
        let microphones: serde_json::Map<_, _> = microphones.collect();
        let paths = self.document.ways().map(|(microphone, loudspeaker, measured)| {
            serde_json::json!({
                "microphone": microphone, "loudspeaker": loudspeaker, "measured": measured, "worth": measured.worth(&today),
            })
        });
        let paths: Vec<_> = paths.collect();
        serde_json::json!({ "file": self.path, "sha256": self.hash, "microphones": microphones, "paths": paths })
    }
}

/// Where the figures of a rig lie that `rigtone rig calibrate` measured.
pub(crate) fn calibration_file(rig: &Path) -> Option<PathBuf> {
    Some(rig.parent()?.join("calibration").join(rig.file_name()?))
}

/// The same where they were measured. A folder is read with everything below it.
fn measured(rig: &Path) -> Option<PathBuf> {
    if rig.is_dir() { None } else { calibration_file(rig).filter(|file| file.exists()) }
}

/// Reads what is asked for and plans it.
pub(crate) fn plan(what: &What) -> Result<Planned, Trouble> {
    let order = Order::of(what)?;
    let earlier = Earlier::of(what)?;
    // Its own scenarios stand in its plan: those that were written since have other combinations anyway.
    let own = earlier.as_ref().filter(|_| what.scenarios.is_empty() && what.suite.is_none());
    let mut paths = if own.is_some() { Vec::new() } else { order.paths.clone() };
    paths.extend(what.suite.clone());
    // A run may come from another machine: then its paths lead nowhere.
    let from = earlier.as_ref().and_then(|earlier| earlier.origin.as_ref()).filter(|origin| origin.rig.exists());
    let (rig_path, devices_path) = match from {
        Some(origin) => (what.rig_or(&origin.rig), what.devices_or(&origin.devices)),
        None => (what.rig_or("rigs/simulated.yaml"), what.devices_or("devices")),
    };
    paths.extend([rig_path.clone(), devices_path.clone()]);
    paths.extend(measured(&rig_path));
    let read = read(&paths);
    read.must_be_right()?;
    let (rig, rig_hash) = only_rig(&read.library, &rig_path)?;
    let devices: IndexMap<String, Device> = devices_of(&read.library);
    let mut chosen: Vec<&Entry<Scenario>> = read.library.scenarios.values().collect();
    chosen.sort_by_key(|entry| order.place(&entry.path));
    let given = chosen.into_iter().map(|entry| {
        let planned = PlannedScenario { document: entry.value.clone(), hash: entry.hash.clone() };
        (planned, order.selections(&entry.path))
    });
    let of_run = own.into_iter().flat_map(|earlier| &earlier.scenarios).map(|s| (s.clone(), vec![&[][..]]));
    let scenarios: Vec<(PlannedScenario, Vec<&[Selector]>)> = of_run.chain(given).collect();
    if scenarios.is_empty() {
        return Err(
            Trouble::usage("no scenario was given").hint("name scenario files or folders, such as `scenarios/starter`")
        );
    }
    let length = |name: &str| stimulus_length(name);
    let expansion = Expansion { rig: &rig, devices: &devices, signal_length: &length };
    for selector in &what.select {
        selector.fits(scenarios.iter().map(|(s, _)| &s.document)).map_err(Trouble::usage)?;
    }
    let absent = order.suite.iter().flat_map(|suite| &suite.value.placeholders).collect::<Vec<_>>();
    let mut combinations = Vec::new();
    for (planned, selections) in &scenarios {
        let mut all = expand(planned, &expansion).map_err(Trouble::usage)?;
        all.retain(|c| selections.iter().any(|all| all.iter().all(|s| s.matches(c, &planned.document))));
        for absent in absent.iter().filter(|absent| absent.scenario == planned.document.scenario) {
            all.extend(placeholders(absent, &planned.document, &all));
        }
        let wanted = earlier.as_ref().map(|earlier| together(&planned.document, &all, &earlier.wanted));
        let chosen = |c: &Combination| {
            what.select.iter().all(|s| s.matches(c, &planned.document))
                && what.partition.is_none_or(|p| p.holds(c))
                && wanted.as_ref().is_none_or(|ids| ids.contains(&c.id))
        };
        combinations.extend(all.into_iter().filter(chosen));
    }
    if let Some(Earlier { wanted: ids, .. }) = &earlier {
        let found: BTreeSet<&CombinationId> = combinations.iter().map(|c| &c.id).collect();
        let gone = ids.iter().filter(|id| !found.contains(id)).count();
        if gone > 0 {
            let gone = count(gone, "combination");
            printer::note(&format!("warning: {gone} of the earlier run left out: not part of what was given"));
        }
    }
    // Scenarios of which nothing was chosen are no part of the run.
    let used = |s: &PlannedScenario| combinations.iter().any(|c| *c.scenario == *s.document.scenario);
    let scenarios: Vec<PlannedScenario> = scenarios.into_iter().map(|(s, _)| s).filter(used).collect();
    let plan = Plan {
        schema: Plan::SCHEMA.to_owned(),
        rig: rig.rig.clone(),
        rig_hash,
        retries: rig.retries.infrastructure,
        bench_after: rig.retries.bench_after,
        scenarios,
        combinations,
    };
    let run = RunPlan::new(plan).map_err(Trouble::usage)?;
    let mut origin = Origin::of(&rig_path, &devices_path, &rig, &read.library);
    origin.suite = order.suite.map(|entry| OfSuite { id: entry.value.suite, sha256: entry.hash });
    let calibration = Calibrated::of(&read.library, &rig.rig);
    Ok(Planned { run, rig, devices, origin, calibration })
}

/// An earlier run, of which some is to be run again.
struct Earlier {
    /// The combinations that it did not answer as one would like.
    wanted: BTreeSet<CombinationId>,
    /// Its scenarios, as they were.
    scenarios: Vec<PlannedScenario>,
    /// Where its rig and its devices came from, if it says so.
    origin: Option<Origin>,
}

impl Earlier {
    fn of(what: &What) -> Result<Option<Self>, Trouble> {
        let Some((again, run)) = what.only().map_err(Trouble::usage)? else { return Ok(None) };
        let (plan, verdicts) = crate::commands::judge::judged(&run)?;
        let wanted = |verdict: &Verdict| match again {
            Again::Failed => *verdict == Verdict::Fail,
            Again::Undecided => {
                matches!(verdict, Verdict::Inconclusive | Verdict::InfraError | Verdict::Aborted)
                    || verdict.is_out_of_time()
            }
        };
        let wanted = verdicts.combinations.into_iter().filter(|c| wanted(&c.verdict)).map(|c| c.id).collect();
        let environment = rigtone_record::read_environment(&run).ok();
        let origin = environment.and_then(|told| Origin::deserialize(&told["run"]["documents"]).ok());
        Ok(Some(Self { wanted, scenarios: plan.plan.scenarios, origin }))
    }
}

/// What is wanted of a scenario's combinations; where it compares some with each other, whole groups of them.
fn together(scenario: &Scenario, all: &[Combination], wanted: &BTreeSet<CombinationId>) -> BTreeSet<CombinationId> {
    let compares = scenario.expect.iter().any(|e| matches!(e.expectation(), Expectation::Difference(_)));
    let groups: BTreeSet<u64> = all.iter().filter(|c| compares && wanted.contains(&c.id)).map(|c| c.group).collect();
    all.iter().filter(|c| wanted.contains(&c.id) || groups.contains(&c.group)).map(|c| c.id.clone()).collect()
}

/// Where the documents of a run came from, so that it can go on with the same ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// The rig's document.
    pub(crate) rig: PathBuf,
    /// The folder of device documents.
    pub(crate) devices: PathBuf,
    /// SHA-256 of the document of each device that stands in the rig.
    pub(crate) hashes: BTreeMap<String, String>,
    /// SHA-256 of what was measured of the rig, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) calibration: Option<String>,
    /// The suite that was asked for. The plan has everything of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suite: Option<OfSuite>,
}

/// A suite, as the run that was asked for it keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfSuite {
    /// Its id.
    pub(crate) id: String,
    /// SHA-256 of its document.
    pub(crate) sha256: String,
}

impl Origin {
    fn of(rig_path: &Path, devices_path: &Path, rig: &Rig, library: &Library) -> Self {
        // The run may go on from another folder.
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let hash = |id: &String| library.devices.get(id).map(|entry| (id.clone(), entry.hash.clone()));
        Self {
            rig: absolute(rig_path),
            devices: absolute(devices_path),
            hashes: rig.units.values().filter_map(|unit| hash(&unit.device)).collect(),
            calibration: library.calibrations.get(&rig.rig).map(|entry| entry.hash.clone()),
            suite: None,
        }
    }
}

/// The rig of a run that goes on, the devices by id, and what was measured of the rig.
pub(crate) type OfRun = (Rig, IndexMap<String, Device>, Option<Calibrated>);

/// The documents of a run that goes on, which must be those that it began with.
pub(crate) fn of_run(what: &What, plan: &Plan, origin: &Origin) -> Result<OfRun, Trouble> {
    let (rig_path, devices_path) = (what.rig_or(&origin.rig), what.devices_or(&origin.devices));
    let mut paths = vec![rig_path.clone(), devices_path.clone()];
    paths.extend(measured(&rig_path));
    let read = read(&paths);
    read.must_be_right()?;
    let (rig, rig_hash) = only_rig(&read.library, &rig_path)?;
    let changed = |what: String| {
        Trouble::usage(format!("{what} has changed since the run began"))
            .hint("bring it back as it was, or begin a new run: `rigtone run --only undecided RUN` takes what is open")
    };
    if rig_hash != plan.rig_hash {
        return Err(changed(rig_path.display().to_string()));
    }
    let now = Origin::of(&rig_path, &devices_path, &rig, &read.library);
    if let Some((device, _)) = origin.hashes.iter().find(|(device, hash)| now.hashes.get(*device) != Some(hash)) {
        return Err(changed(format!("the document of device `{device}`")));
    }
    if now.calibration != origin.calibration {
        return Err(changed(format!("what was measured of the rig `{}`", rig.rig)));
    }
    let devices = devices_of(&read.library);
    let calibration = Calibrated::of(&read.library, &rig.rig);
    Ok((rig, devices, calibration))
}

/// The rig and the devices of a document, for commands that need no scenario.
pub(crate) fn rig(rig: &Path, devices: &Path) -> Result<(Rig, IndexMap<String, Device>), Trouble> {
    let (document, devices, _) = rig_with_calibration(rig, devices)?;
    Ok((document, devices))
}

/// The same, with what was measured of the rig.
pub(crate) fn rig_with_calibration(rig: &Path, devices: &Path) -> Result<OfRun, Trouble> {
    let mut paths = vec![rig.to_owned(), devices.to_owned()];
    paths.extend(measured(rig));
    let read = read(&paths);
    read.must_be_right()?;
    let (document, _) = only_rig(&read.library, rig)?;
    let devices = devices_of(&read.library);
    let calibration = Calibrated::of(&read.library, &document.rig);
    Ok((document, devices, calibration))
}

/// The devices by id.
fn devices_of(library: &Library) -> IndexMap<String, Device> {
    let devices = library.devices.iter().map(|(id, entry)| {
        let mut device = entry.value.clone();
        device.beside(&folder_of(&entry.path));
        (id.clone(), device)
    });
    devices.collect()
}

/// Recordings of reactions that cannot be looked for.
fn unheard(library: &Library) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (entry, device) in library.devices.values().zip(devices_of(library).values()) {
        if let Some(error) = device.reaction.as_ref().and_then(|reaction| reaction::read(reaction).err()) {
            let path = ["reaction", "sound"];
            let fault = entry.diagnostic(diagnostic::Code::UnusableFile, &path, error.to_string());
            found.push(fault.suggest("record the sound as PCM of 16 bits, or delete `reaction`"));
        }
    }
    found
}

/// Calibration files of microphones that cannot be used.
fn uncalibrated(library: &Library) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for entry in library.rigs.values() {
        let mut rig = entry.value.clone();
        rig.beside(&folder_of(&entry.path));
        let files = rig.microphones.iter().filter_map(|(name, m)| Some((name, m.calibration_file.as_ref()?)));
        for (name, file) in files {
            if let Err(error) = response::read(file) {
                let path = ["microphones", name, "calibration-file", "file"];
                let fault = entry.diagnostic(diagnostic::Code::UnusableFile, &path, error.to_string());
                found.push(fault.suggest("take the maker's file for this microphone, or delete `calibration-file`"));
            }
        }
    }
    found
}

/// The folder that a document lies in.
fn folder_of(document: &Path) -> PathBuf {
    document.parent().map(Path::to_owned).unwrap_or_default()
}

fn only_rig(library: &Library, path: &Path) -> Result<(Rig, String), Trouble> {
    let mut rigs = library.rigs.values();
    match (rigs.next(), rigs.next()) {
        (Some(entry), None) => {
            let mut rig = entry.value.clone();
            rig.beside(&folder_of(&entry.path));
            if let Some(measured) = library.calibrations.get(&rig.rig) {
                measured.value.apply(&mut rig, &today());
            }
            Ok((rig, entry.hash.clone()))
        }
        (None, _) => {
            Err(Trouble::usage(format!("{} holds no rig", path.display())).hint("name a rig's document with --rig"))
        }
        (Some(_), Some(_)) => {
            Err(Trouble::usage("more than one rig was given").hint("a run has one rig: name its file with --rig"))
        }
    }
}

fn stimulus_length(name: &str) -> Option<Duration> {
    let positions = stimulus::Positions::of(name.parse().ok()?, 48_000, 0).ok()?;
    Some(Duration::from_ns((positions.duration_s() * 1e9) as i64))
}

/// The scenario of a plan, by id.
pub(crate) fn scenario<'a>(plan: &'a Plan, id: &str) -> Result<&'a Scenario, Trouble> {
    plan.scenario(id).ok_or_else(|| Trouble::new(Code::Internal, format!("the plan lacks its scenario `{id}`")))
}
