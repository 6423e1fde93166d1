//! `rigtone report`

mod formats;
mod gathered;
mod scan;

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use rigtone_model::{plan::Plan, rig_kind::RigKind, verdict::RunVerdicts};
use rigtone_record::{ENVIRONMENT, EVENTS, PLAN, ReadError, VERDICTS, read_environment};
use rigtone_report::{
    baseline::Baseline,
    exit::{self, Code, InconclusivePolicy},
    json, markdown, sanitise,
};
use serde::Deserialize as _;

use crate::{args::Inconclusive, commands::page, printer, trouble::Trouble};

pub(crate) use formats::{Format, Material, RenderError};

/// What is said where nobody can tell what an inconclusive verdict means.
const GUESSED: &str = "what counts as inconclusive is not known, so it counts as an error";

/// What an inconclusive verdict of a run means.
pub(crate) struct Counted {
    pub(crate) inconclusive: Inconclusive,
    /// Why nobody can tell what the run was on, as a sentence.
    unknown: Option<String>,
    /// That it was guessed, as a sentence.
    guessed: Option<&'static str>,
}

impl Counted {
    /// What is not there, as sentences.
    pub(crate) fn missing(&self) -> Vec<String> {
        self.unknown.iter().cloned().chain(self.guessed.map(str::to_owned)).collect()
    }
}

/// What an inconclusive verdict of a run means: as is asked for, else as when the run was begun.
pub(crate) fn counted_as(run: &Path, asked: Option<Inconclusive>) -> Counted {
    let kept = match read_environment(run) {
        // Runs of before it could be chosen do not tell.
        Ok(environment) if environment["run"]["inconclusive"].is_null() => Ok(Inconclusive::default()),
        Ok(environment) => Inconclusive::deserialize(&environment["run"]["inconclusive"]).map_err(|e| e.to_string()),
        Err(ReadError::Io { os, .. }) if os.kind() == io::ErrorKind::NotFound => Err("it is missing".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let guessed = (kept.is_err() && asked.is_none()).then_some(GUESSED);
    let unknown = kept.as_ref().err().map(|why| format!("{ENVIRONMENT}: {why}; on what it ran is not known"));
    Counted { inconclusive: asked.or(kept.ok()).unwrap_or_default(), unknown, guessed }
}

pub(crate) fn policy(inconclusive: Inconclusive) -> InconclusivePolicy {
    match inconclusive {
        Inconclusive::Error => InconclusivePolicy::AsError,
        Inconclusive::Pass => InconclusivePolicy::AsPass,
        Inconclusive::Fail => InconclusivePolicy::AsFailure,
    }
}

pub(crate) fn read_trouble(error: &ReadError) -> Trouble {
    Trouble::usage(error).hint(error.hint())
}

/// What the rig of a run is made of; a run without an environment does not tell.
pub(crate) fn kind(run: &Path, plan: &Plan) -> RigKind {
    RigKind::of(read_environment(run).ok().as_ref(), &plan.combinations)
}

/// The verdicts of a run that is whole, for a renderer.
pub(crate) fn material<'a>(
    verdicts: &'a RunVerdicts,
    plan: &'a Plan,
    inconclusive: Inconclusive,
    directory: &'a Path,
    baseline: Option<&'a Baseline>,
) -> Material<'a> {
    Material {
        directory,
        plan,
        verdicts,
        missing: &[],
        inconclusive,
        limit: markdown::SUMMARY,
        started_unix_s: 0,
        kind: kind(directory, plan),
        baseline,
        here: true,
        look: &page::PLAIN,
    }
}

/// The results as JSON, for people's scripts.
pub(crate) fn results(material: &Material<'_>) -> Result<String, Trouble> {
    let named = |name: &str| {
        let path = material.directory.join(name);
        let what = name.split('.').next().unwrap_or(name).to_owned();
        path.is_file().then(|| (what, path.display().to_string()))
    };
    let names = [PLAN, EVENTS, VERDICTS, Format::Junit.file_name(), Format::Html.file_name()];
    let paths: BTreeMap<String, String> = names.into_iter().filter_map(named).collect();
    let inconclusive = policy(material.inconclusive);
    let Material { verdicts, plan, missing, baseline, .. } = material;
    let value = json::results(verdicts, plan, inconclusive, &paths, missing, *baseline);
    serde_json::to_string_pretty(&value).map(|t| t + "\n").map_err(|e| Trouble::new(Code::Internal, e))
}

/// Shows a report on standard output; a reader that went away ends the output, not the program.
pub(crate) fn show(format: Format, material: &Material<'_>) -> Result<(), Trouble> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = format.write(material, &mut out).and_then(|()| Ok(out.flush()?));
    // What is left in the buffer would be written once more.
    let _ = out.into_parts();
    match written {
        Err(RenderError::Trouble(trouble)) => return Err(trouble),
        Err(RenderError::Io(error)) => printer::written(Err(error)),
        Ok(()) => {}
    }
    Ok(())
}

/// Writes a report to a file: the old one stays until the new one is whole.
pub(crate) fn write(format: Format, material: &Material<'_>, path: &Path) -> Result<(), Trouble> {
    let mut trouble = None;
    let written = rigtone_record::deliver(path, |file| {
        format.write(material, file).map_err(|error| match error {
            RenderError::Io(error) => error,
            RenderError::Trouble(what) => {
                trouble = Some(what);
                io::Error::other("it cannot be made")
            }
        })
    });
    match (trouble, written) {
        (Some(trouble), _) => Err(trouble),
        (None, Err(error)) => Err(super::run::place_trouble(&error)),
        (None, Ok(())) => Ok(()),
    }
}

/// What to show of a run, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// How to show them; several separated by commas go to files, with `--out`.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "terminal")]
    format: Vec<Format>,
    /// Write into this file instead of printing, or into this folder: as `report.txt`, `list.txt`, `results.json`, `junit.xml`,
    /// `report.md`, `observations.csv`, `report.html` and `trace.json`.
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
    /// The most bytes of Markdown: 65536 for a comment on GitHub. What finds no room is counted.
    #[arg(long, value_name = "BYTES", default_value_t = markdown::SUMMARY as u64,
          value_parser = clap::value_parser!(u64).range(markdown::SMALLEST as u64..))]
    limit: u64,
    /// What an inconclusive verdict means for exit code and JUnit; as when the run was begun when left out.
    #[arg(long, value_enum)]
    inconclusive: Option<Inconclusive>,
    #[command(flatten)]
    look: page::Look,
}

pub(crate) fn report(what: &Report) -> Result<Code, Trouble> {
    let mut formats = what.format.clone();
    formats.sort_unstable();
    formats.dedup();
    if what.look.is_asked() && !formats.contains(&Format::Html) {
        return Err(Trouble::usage("--theme, --title and --logo are for `--format html` alone"));
    }
    let look = what.look.read()?;
    let counted = counted_as(&what.run, what.inconclusive);
    let inconclusive = counted.inconclusive;
    let places = places(&formats, what.out.as_deref(), &what.run)?;
    // The page looks at the run itself: it shows whatever is there of it, be it only its log.
    if let ([Format::Html], [place]) = (&formats[..], &places[..]) {
        // What is missing it says itself, but not what that means for the exit code.
        counted.guessed.iter().for_each(|guessed| printer::note(&format!("note: {guessed}")));
        return page::report(&what.run, &look, inconclusive, place.as_deref());
    }
    let of_the_log = formats.iter().any(|format| format.is_of_the_log());
    let mut gathered = gathered::gather(&what.run, of_the_log)?;
    // Without verdicts the record may be there all the same.
    if let Some(trouble) = gathered.unjudged.as_ref().filter(|_| !of_the_log) {
        return Err(trouble.clone());
    }
    gathered.missing.extend(counted.missing());
    for missing in &gathered.missing {
        printer::note(&format!("note: {}", sanitise::line(missing)));
    }
    let material = Material {
        directory: &what.run,
        plan: &gathered.plan,
        verdicts: &gathered.verdicts,
        missing: &gathered.missing,
        inconclusive,
        limit: usize::try_from(what.limit).unwrap_or(usize::MAX),
        started_unix_s: gathered.started_unix_s,
        kind: gathered.kind,
        baseline: None,
        here: what.out.is_none(),
        look: &look,
    };
    let mut unmade = Vec::new();
    for (format, place) in formats.iter().zip(&places) {
        let made = match &gathered.unjudged {
            Some(trouble) if !format.is_of_the_log() => Err(trouble.clone()),
            _ => make(*format, &material, place.as_deref()),
        };
        match made {
            Ok(()) => {}
            Err(trouble) if formats.len() == 1 => return Err(trouble),
            // The others can be made all the same.
            Err(trouble) => {
                unmade.push(trouble.code);
                printer::note(&trouble.of(format.file_name()).to_string());
            }
        }
    }
    if let Some(first) = unmade.first() {
        return Ok(if unmade.contains(&Code::Usage) { Code::Usage } else { *first });
    }
    if let Some(trouble) = &gathered.unjudged {
        // What was asked for is whole; the code says nothing of the devices.
        printer::note(&format!("exit code {}: nothing is judged", trouble.code.number()));
        return Ok(trouble.code);
    }
    Ok(exit::of(&gathered.verdicts, policy(inconclusive)).0)
}

/// Shows a report, or writes it where it goes and says where that is.
fn make(format: Format, material: &Material<'_>, place: Option<&Path>) -> Result<(), Trouble> {
    let Some(path) = place else { return show(format, material) };
    write(format, material, path)?;
    printer::out(&format!("{}\n", sanitise::line(&path.display().to_string())));
    Ok(())
}

/// Where each report goes; nowhere is standard output.
fn places(formats: &[Format], out: Option<&Path>, run: &Path) -> Result<Vec<Option<PathBuf>>, Trouble> {
    let Some(out) = out else {
        return match formats {
            [_] => Ok(vec![None]),
            _ => Err(Trouble::usage("several reports cannot go to one output").hint("name a folder with --out")),
        };
    };
    let folder = formats.len() > 1 || out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
    if folder {
        std::fs::create_dir_all(out)
            .map_err(|e| Trouble::usage(format!("making the folder {} failed: {e}", out.display())))?;
        return Ok(formats.iter().map(|format| Some(out.join(format.file_name()))).collect());
    }
    // The record of a run is never changed.
    let is_record = [PLAN, ENVIRONMENT, EVENTS, VERDICTS].iter().any(|name| out.file_name() == Some(name.as_ref()));
    let beside = out.parent().and_then(|parent| match parent.as_os_str().is_empty() {
        true => Path::new(".").canonicalize().ok(),
        false => parent.canonicalize().ok(),
    });
    if is_record && beside.is_some() && beside == run.canonicalize().ok() {
        return Err(Trouble::usage(format!("{} is a part of the run's own record", out.display()))
            .hint("name another file with --out"));
    }
    Ok(vec![Some(out.to_owned())])
}
