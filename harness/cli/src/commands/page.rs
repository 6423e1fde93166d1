//! The HTML report: `rigtone report --format html`, and what `rigtone run` writes at its end.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use rigtone_html::{Logo, Theme, ThemeError};
use rigtone_page::{Options, Page};
use rigtone_report::{
    exit::{self, Code},
    sanitise,
};

use super::{report::policy, run::place_trouble};
use crate::{args::Inconclusive, printer, trouble::Trouble};

/// The file in the run directory.
pub(crate) const NAME: &str = "report.html";

/// How the HTML report looks.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Look {
    /// Of the HTML report: a style sheet that is put behind ours.
    #[arg(long, value_name = "FILE")]
    theme: Option<PathBuf>,
    /// Of the HTML report: its title.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Of the HTML report: a picture beside the title, as PNG, JPEG or SVG.
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
}

/// As nobody asked for anything else.
pub(crate) static PLAIN: rigtone_html::Look = rigtone_html::Look { theme: None, title: None, logo: None };

impl Look {
    /// Whether something was asked for that other formats do not have.
    pub(crate) fn is_asked(&self) -> bool {
        self.theme.is_some() || self.title.is_some() || self.logo.is_some()
    }

    /// The files that it names.
    pub(crate) fn read(&self) -> Result<rigtone_html::Look, Trouble> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|os| Trouble::usage(format!("reading {} failed: {os}", path.display())))
        };
        let refused = |path: &Path, e: ThemeError| Trouble::usage(format!("{}: {e}", path.display())).hint(e.hint());
        let theme = self.theme.as_ref().map(|path| {
            let css = String::from_utf8(read(path)?)
                .map_err(|_| Trouble::usage(format!("{} is not UTF-8", path.display())).hint("save it as UTF-8"))?;
            Theme::new(&css).map_err(|e| refused(path, e))
        });
        let logo = self.logo.as_ref().map(|path| Logo::new(read(path)?).map_err(|e| refused(path, e)));
        Ok(rigtone_html::Look { theme: theme.transpose()?, title: self.title.clone(), logo: logo.transpose()? })
    }
}

/// Makes the page of a run.
pub(crate) fn make(run: &Path, look: &rigtone_html::Look, inconclusive: Inconclusive) -> Result<Page, Trouble> {
    let made_unix_s = time::OffsetDateTime::now_utc().unix_timestamp();
    let options = Options { made_unix_s, policy: policy(inconclusive), look: look.clone() };
    rigtone_page::page(run, &options).map_err(|e| Trouble::usage(&e).hint(e.hint()))
}

/// Prints the page of a run, or writes it to a file, and says what is missing of it.
pub(crate) fn report(
    run: &Path,
    look: &rigtone_html::Look,
    inconclusive: Inconclusive,
    place: Option<&Path>,
) -> Result<Code, Trouble> {
    let page = make(run, look, inconclusive)?;
    for shortcoming in page.shortcomings.iter().filter(|s| !s.is_remark()) {
        printer::note(&format!("warning: {}", sanitise::line(&shortcoming.to_string())));
    }
    match place {
        None => printer::out(&page.html),
        Some(path) => {
            let written = rigtone_record::deliver(path, |file| file.write_all(page.html.as_bytes()));
            written.map_err(|error| place_trouble(&error))?;
            printer::out(&format!("{}\n", sanitise::line(&path.display().to_string())));
        }
    }
    Ok(page.verdicts.map_or(Code::Usage, |verdicts| exit::of(&verdicts, policy(inconclusive)).0))
}
