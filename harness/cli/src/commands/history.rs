//! `rigtone history`

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use clap::Args;
use rigtone_history::{
    Filter, Found, History, INDEX, IndexError, Look as Looked, TakeError, find, look, page, since, text,
};
use rigtone_model::{plan::Selector, quantity::Duration};
use rigtone_report::{exit::Code, sanitise};

use super::{
    page::Look,
    run::{now, place_trouble},
};
use crate::{printer, trouble::Trouble};

/// How many directories that are no run are named on the terminal; JSON names all of them.
const NAMED: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct What {
    /// Run directories, or folders of some; `runs` when left out.
    runs: Vec<PathBuf>,
    /// Only combinations that match, such as `speaker=charge-5*`; several must all match.
    #[arg(long, value_name = "KEY=PATTERN")]
    select: Vec<Selector>,
    /// Only this scenario; `*` stands for anything.
    #[arg(long, value_name = "SCENARIO", value_parser = scenario)]
    scenario: Option<Selector>,
    /// Only runs that began on this day or later, in UTC, such as `2026-11-30`; what was proven before is not looked at.
    #[arg(long, value_name = "DAY", value_parser = day)]
    since: Option<i64>,
    /// From which age on evidence is stale.
    #[arg(long, value_name = "DURATION", default_value = "30 d")]
    stale: Duration,
    /// Show the newest evidence of every point of the matrix, and the points that were never tried.
    #[arg(long, conflicts_with_all = ["json", "trend", "firmware"])]
    matrix: bool,
    /// Show every run of every expectation; what is shown of a single combination in any case.
    #[arg(long, conflicts_with_all = ["json", "firmware"])]
    trend: bool,
    /// Show the firmware versions of each device beside each other, everything else alike.
    #[arg(long, conflicts_with = "json")]
    firmware: bool,
    /// Write the matrix and its trends into this file, as a page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The index; `.rigtone-history.sqlite` in the folder of the runs when left out. It can be deleted at any time.
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// Make the index anew from the run directories.
    #[arg(long)]
    rebuild: bool,
    /// Print everything as JSON; its schema is `history.schema.json`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    look: Look,
}

fn scenario(text: &str) -> Result<Selector, String> {
    format!("scenario={text}").parse().map_err(|_| "it is empty: write the id of a scenario".to_owned())
}

fn day(text: &str) -> Result<i64, String> {
    since(text).ok_or_else(|| format!("`{text}` is no day: write one such as `2026-11-30`"))
}

pub(crate) fn history(what: &What) -> Result<Code, Trouble> {
    if what.look.is_asked() && what.html.is_none() {
        return Err(Trouble::usage("--theme, --title and --logo are for `--html` alone"));
    }
    let themed = what.look.read()?;
    let roots = if what.runs.is_empty() { vec![PathBuf::from("runs")] } else { what.runs.clone() };
    let found = find(&roots).map_err(|error| trouble(&error))?;
    if found.runs.is_empty() {
        name(&found.skipped);
        let named: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
        return Err(Trouble::new(Code::Nothing, format!("there is no run in {}", named.join(", ")))
            .hint("`rigtone run` makes one; name the folder of the runs if it is elsewhere"));
    }
    let path = what.index.clone().unwrap_or_else(|| place(&roots, &found));
    let select = what.select.iter().chain(&what.scenario).cloned().collect();
    let filter = Filter { select, since_unix_s: what.since };
    let Looked { loaded, refreshed, notes } =
        look(&path, &roots, found, what.rebuild, &filter).map_err(|error| trouble(&error))?;
    notes.iter().for_each(|note| printer::note(&format!("note: {}", sanitise::line(note))));
    name(&refreshed.skipped);
    for selector in &filter.select {
        selector.fits(&loaded.scenarios).map_err(Trouble::usage)?;
    }
    for (directory, why) in &loaded.doubled {
        printer::note(&format!("note: skipped: {}: {why}", shown(directory)));
    }
    let stale_after_s = what.stale.ns() / 1_000_000_000;
    let history = History::of(&loaded, &refreshed.skipped, now(), stale_after_s);
    if let Some(file) = &what.html {
        write(file, &page::html(&history, &page::Links::from(file), &themed))?;
    }
    show(what, &history)?;
    Ok(if history.combinations.is_empty() { Code::Nothing } else { Code::Passed })
}

fn show(what: &What, history: &History) -> Result<(), Trouble> {
    // What another program reads has whole lines.
    let width = io::stdout().is_terminal().then(printer::width);
    let view = text::View { unicode: unicode(), colour: printer::colour(), width };
    if what.json {
        return printer::json(history);
    }
    if what.matrix {
        printer::out(&text::matrices(history, view));
    } else if what.firmware {
        printer::out(&text::firmware(history, view));
    } else if what.trend {
        printer::out(&text::trends(history, view));
    } else if what.html.is_none() {
        printer::out(&text::summary(history, view));
        if history.combinations.len() == 1 {
            printer::out(&format!("\n{}", text::trends(history, view)));
        }
    }
    if let Some(file) = &what.html {
        printer::out(&format!("page      {}\n", shown(file)));
    }
    Ok(())
}

/// Where the index lies: in the first folder that was named, beside a run directory that was.
fn place(roots: &[PathBuf], found: &Found) -> PathBuf {
    let first = roots.first().map_or(Path::new("."), PathBuf::as_path);
    let real = first.canonicalize().unwrap_or_else(|_| first.to_owned());
    match real.parent() {
        Some(parent) if found.runs.contains(&real) => parent.join(INDEX),
        _ => first.join(INDEX),
    }
}

/// Names what is no run, or cannot be read.
fn name(skipped: &[(PathBuf, TakeError)]) {
    for (directory, why) in skipped.iter().take(NAMED) {
        printer::note(&format!("note: skipped: {}: {}", shown(directory), sanitise::line(&why.to_string())));
    }
    if skipped.len() > NAMED {
        printer::note(&format!("note: skipped: {} more; `--json` names all of them", skipped.len() - NAMED));
    }
}

/// Paths are somebody else's text.
fn shown(path: &Path) -> String {
    sanitise::line(&path.display().to_string())
}

fn write(file: &Path, html: &str) -> Result<(), Trouble> {
    rigtone_record::deliver(file, |out| out.write_all(html.as_bytes())).map_err(|error| place_trouble(&error))
}

fn trouble(error: &IndexError) -> Trouble {
    let code = match error {
        IndexError::Foreign { .. } | IndexError::Io { .. } => Code::Usage,
        IndexError::Busy { .. } => Code::InUse,
        IndexError::Database { .. } => Code::Infrastructure,
    };
    Trouble::new(code, error).hint(error.hint())
}

/// Whether the terminal's language has characters beyond ASCII.
fn unicode() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let language = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let language = language.to_ascii_lowercase();
    language.contains("utf-8") || language.contains("utf8")
}
