//! The forms in which a run is shown. Another one is a variant here, and its line in [`Format::parts`].

use std::{
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

use clap::ValueEnum;
use rigtone_html::Look;
use rigtone_model::{
    event::Event,
    plan::Plan,
    rig_kind::RigKind,
    verdict::{CombinationVerdict, ExpectationVerdict, RunVerdicts, Verdict},
};
use rigtone_record::{ReadError, read_events};
use rigtone_report::{
    baseline::{self, Baseline},
    exit::Code,
    figure, junit, markdown, observations, sanitise, terminal, trace,
};

use super::{policy, results};
use crate::{args::Inconclusive, commands::page, printer, trouble::Trouble};

/// A form in which a run is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Format {
    /// A table for a terminal.
    #[default]
    Terminal,
    /// One line for each combination: its verdict and its id. Below one that did not pass, indented, what of it failed or was not decided.
    List,
    /// JSON with a published schema.
    Json,
    /// JUnit XML for GitLab, Jenkins and Buildkite.
    Junit,
    /// Markdown for summaries of jobs and comments of pull requests.
    #[value(alias = "md")]
    Markdown,
    /// All observations, one row each.
    Csv,
    /// One file that opens offline: matrix, distributions, timelines and clips.
    Html,
    /// A trace that <https://ui.perfetto.dev> shows.
    #[value(alias = "trace")]
    Perfetto,
}

/// What every renderer is handed.
pub(crate) struct Material<'a> {
    /// The run directory.
    pub(crate) directory: &'a Path,
    pub(crate) plan: &'a Plan,
    pub(crate) verdicts: &'a RunVerdicts,
    /// What of the run is not there, as sentences.
    pub(crate) missing: &'a [String],
    pub(crate) inconclusive: Inconclusive,
    /// The most bytes of Markdown.
    pub(crate) limit: usize,
    /// When the run began, in seconds since 1970.
    pub(crate) started_unix_s: i64,
    /// What the rig is made of.
    pub(crate) kind: RigKind,
    /// Beside an earlier run.
    pub(crate) baseline: Option<&'a Baseline>,
    /// Whether the reader sits at this terminal.
    pub(crate) here: bool,
    /// How the page looks.
    pub(crate) look: &'a Look,
}

/// A report that was not written.
pub(crate) enum RenderError {
    /// The output takes no more.
    Io(io::Error),
    /// It cannot be made.
    Trouble(Trouble),
}

impl From<io::Error> for RenderError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Trouble> for RenderError {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Writes a report.
type Renderer = fn(&Material<'_>, &mut dyn Write) -> Result<(), RenderError>;

impl Format {
    /// Its name for people, the name of its file, and how it is written.
    const fn parts(self) -> (&'static str, &'static str, Renderer) {
        match self {
            Self::Terminal => ("table", "report.txt", for_a_terminal),
            Self::List => ("list", "list.txt", as_a_list),
            Self::Json => ("JSON", "results.json", as_json),
            Self::Junit => ("JUnit", "junit.xml", as_junit),
            Self::Markdown => ("Markdown", "report.md", as_markdown),
            Self::Csv => ("CSV", "observations.csv", as_csv),
            Self::Html => ("report", page::NAME, as_html),
            Self::Perfetto => ("trace", "trace.json", as_trace),
        }
    }

    /// The name of its file in a folder.
    pub(crate) const fn file_name(self) -> &'static str {
        self.parts().1
    }

    /// Writes it.
    pub(crate) fn write(self, material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
        (self.parts().2)(material, sink)
    }

    /// Its name for people.
    pub(crate) const fn title(self) -> &'static str {
        self.parts().0
    }

    /// Whether it shows what was recorded, and needs no verdicts.
    pub(crate) const fn is_of_the_log(self) -> bool {
        matches!(self, Self::Csv | Self::Perfetto | Self::Html)
    }
}

impl Material<'_> {
    /// What the failures follow, as sentences.
    pub(crate) fn causes(&self) -> Vec<String> {
        rigtone_judge::verdicts::causes(self.plan, self.verdicts)
    }

    /// The events of the run that can be read, in their order. What cannot be read was told when the run was looked at.
    pub(crate) fn events(&self) -> Result<impl Iterator<Item = Event>, Trouble> {
        let events = read_events(self.directory).map_err(|e| super::read_trouble(&e))?;
        let gone = |event: &Result<Event, ReadError>| !matches!(event, Err(ReadError::Io { .. }));
        Ok(events.take_while(gone).filter_map(Result::ok))
    }
}

fn for_a_terminal(material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
    let directory = material.directory.display().to_string();
    let view = terminal::View {
        width: if material.here { printer::width() } else { printer::ELSEWHERE },
        colour: material.here && printer::colour(),
        inconclusive: policy(material.inconclusive),
        directory: Some(&directory),
        causes: &material.causes(),
        kind: material.kind,
    };
    sink.write_all(terminal::summary(material.verdicts, material.plan, &view).as_bytes())?;
    if let Some(baseline) = material.baseline {
        sink.write_all(baseline::text(baseline).as_bytes())?;
    }
    Ok(())
}

fn as_a_list(material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
    let mut text = String::new();
    for combination in &material.verdicts.combinations {
        let known = combination.quarantined.as_ref().map(|known| {
            sanitise::line(&format!(" (in quarantine until {}, {}: {})", known.expires, known.owner, known.reason))
        });
        let (verdict, id) = (combination.verdict.word(), sanitise::line(combination.id.as_str()));
        let _ = writeln!(text, "{verdict:<12} {id}{}", known.unwrap_or_default());
        for reason in behind(combination) {
            let _ = writeln!(text, "{:13}{}", "", sanitise::line(&reason));
        }
    }
    sink.write_all(text.as_bytes())?;
    Ok(())
}

/// Why a combination did not pass.
fn behind(combination: &CombinationVerdict) -> Vec<String> {
    let told = |e: &ExpectationVerdict| {
        let word = match e.verdict {
            Verdict::Fail => "failed",
            Verdict::Inconclusive => "not decided",
            Verdict::Aborted => "ended before an answer",
            _ => return None,
        };
        Some(format!("{word}: {}; seen: {}", e.expected, e.seen))
    };
    let mut reasons: Vec<String> = combination.expectations.iter().filter(|e| e.gating).filter_map(told).collect();
    let given = format!("{} gave a result", figure::count(combination.trials as usize, "trial"));
    match &combination.verdict {
        Verdict::Skipped(reason) => reasons.push(format!("skipped: {reason}")),
        Verdict::InfraError => reasons.push(match combination.faults.last() {
            Some(fault) => format!("the rig failed: {fault}"),
            None => format!("the rig failed: {given}, {} lost", combination.lost),
        }),
        // It has no trials, or nothing of it decides.
        Verdict::Inconclusive | Verdict::Aborted if reasons.is_empty() => reasons.push(given),
        Verdict::Pass | Verdict::Fail | Verdict::Inconclusive | Verdict::Aborted => {}
    }
    reasons
}

fn as_json(material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
    sink.write_all(results(material)?.as_bytes())?;
    Ok(())
}

fn as_junit(material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
    let directory = material.directory.display().to_string();
    let options = junit::Options {
        inconclusive: policy(material.inconclusive),
        started_unix_s: material.started_unix_s,
        directory: Some(&directory),
        missing: material.missing,
    };
    junit::write(material.verdicts, material.plan, &options, sink).map_err(|error| match error {
        junit::JunitError::Io(error) => RenderError::Io(error),
        error @ junit::JunitError::Duplicate { .. } => {
            RenderError::Trouble(Trouble::new(Code::Internal, &error).hint(error.hint()))
        }
    })
}

fn as_markdown(material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
    let options = markdown::Options {
        inconclusive: policy(material.inconclusive),
        limit: material.limit,
        causes: &material.causes(),
        missing: material.missing,
        kind: material.kind,
        baseline: material.baseline,
    };
    Ok(markdown::write(material.verdicts, material.plan, &options, sink)?)
}

fn as_csv(material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
    Ok(observations::write(&material.verdicts.run, material.plan, material.events()?, sink)?)
}

fn as_html(material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
    // It looks at the run directory itself, and says at its top what is not there.
    let page = page::make(material.directory, material.look, material.inconclusive)?;
    sink.write_all(page.html.as_bytes())?;
    Ok(())
}

fn as_trace(material: &Material<'_>, sink: &mut dyn Write) -> Result<(), RenderError> {
    Ok(trace::write(&material.verdicts.run, material.plan, material.missing, material.events()?, sink)?)
}
