//! `rigtone report`

mod formats;
mod gathered;
mod scan;

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use rigtone_model::{plan::Plan, verdict::RunVerdicts};
use rigtone_record::{ENVIRONMENT, EVENTS, PLAN, ReadError, VERDICTS, read_environment};
use rigtone_report::{
    baseline::Baseline,
    exit::{self, Code, InconclusivePolicy},
    json, markdown, sanitise,
};
use serde::Deserialize as _;

use crate::{
    args::Inconclusive,
    commands::page::{self, Look},
    printer,
    trouble::Trouble,
};

pub(crate) use formats::{Format, Material, RenderError};

/// What an inconclusive verdict of a run means: as is asked for, else as when the run was begun.
pub(crate) fn counted_as(run: &Path, asked: Option<Inconclusive>) -> Inconclusive {
    let kept = || Inconclusive::deserialize(&read_environment(run).ok()?["run"]["inconclusive"]).ok();
    asked.or_else(kept).unwrap_or_default()
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
        baseline,
        here: true,
        look: &page::PLAIN,
    }
}

/// The results as JSON, for people's scripts.
pub(crate) fn results(material: &Material<'_>) -> Result<String, Trouble> {
    let paths = [PLAN, EVENTS, VERDICTS, Format::Junit.file_name()].map(|name| {
        (name.split('.').next().unwrap_or(name).to_owned(), material.directory.join(name).display().to_string())
    });
    let inconclusive = policy(material.inconclusive);
    let Material { verdicts, plan, missing, baseline, .. } = material;
    let value = json::results(verdicts, plan, inconclusive, &paths.into(), missing, *baseline);
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
    look: Look,
}

pub(crate) fn report(what: &Report) -> Result<Code, Trouble> {
    let mut formats = what.format.clone();
    formats.sort_unstable();
    formats.dedup();
    if what.look.is_asked() && !formats.contains(&Format::Html) {
        return Err(Trouble::usage("--theme, --title and --logo are for `--format html` alone"));
    }
    let inconclusive = counted_as(&what.run, what.inconclusive);
    // The page shows of a run whatever is there of it, be it only its log.
    if let ([Format::Html], None) = (&formats[..], &what.out) {
        return page::report(&what.run, &what.look, inconclusive);
    }
    let places = places(&formats, what.out.as_deref(), &what.run)?;
    let of_the_log = formats.iter().any(|format| format.is_of_the_log());
    let gathered = gathered::gather(&what.run, of_the_log)?;
    let nothing_else = formats.iter().all(|format| format.is_of_the_log());
    // Without verdicts the record may be there all the same.
    let unjudged = match gathered.unjudged {
        Some(trouble) if !nothing_else => return Err(trouble),
        unjudged => unjudged,
    };
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
        baseline: None,
        here: what.out.is_none(),
        look: &what.look,
    };
    for (format, place) in formats.iter().zip(&places) {
        match place {
            None => show(*format, &material)?,
            Some(path) => {
                write(*format, &material, path)?;
                printer::out(&format!("{}\n", sanitise::line(&path.display().to_string())));
            }
        }
    }
    match unjudged {
        Some(trouble) => Err(trouble),
        None => Ok(exit::of(&gathered.verdicts, policy(inconclusive)).0),
    }
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
