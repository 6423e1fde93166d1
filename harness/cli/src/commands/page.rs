//! The HTML report: `rigtone report --format html`, and what `rigtone run` writes at its end.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use rigtone_page::{Logo, Options, Page, Theme};
use rigtone_report::exit::{self, Code};

use super::report::policy;
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
pub(crate) const PLAIN: Look = Look { theme: None, title: None, logo: None };

impl Look {
    /// Whether something was asked for that other formats do not have.
    pub(crate) fn is_asked(&self) -> bool {
        self.theme.is_some() || self.title.is_some() || self.logo.is_some()
    }

    fn options(&self, inconclusive: Inconclusive) -> Result<Options, Trouble> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|os| Trouble::usage(format!("reading {} failed: {os}", path.display())))
        };
        let refused = |path: &Path, e: rigtone_page::ThemeError| {
            Trouble::usage(format!("{}: {e}", path.display())).hint(e.hint())
        };
        let theme = self.theme.as_ref().map(|path| {
            let css = String::from_utf8(read(path)?)
                .map_err(|_| Trouble::usage(format!("{} is not UTF-8", path.display())).hint("save it as UTF-8"))?;
            Theme::new(&css).map_err(|e| refused(path, e))
        });
        let logo = self.logo.as_ref().map(|path| Logo::new(read(path)?).map_err(|e| refused(path, e)));
        Ok(Options {
            made_unix_s: time::OffsetDateTime::now_utc().unix_timestamp(),
            policy: policy(inconclusive),
            theme: theme.transpose()?,
            title: self.title.clone(),
            logo: logo.transpose()?,
        })
    }
}

/// Makes the page of a run.
pub(crate) fn make(run: &Path, look: &Look, inconclusive: Inconclusive) -> Result<Page, Trouble> {
    let options = look.options(inconclusive)?;
    rigtone_page::page(run, &options).map_err(|e| Trouble::usage(&e).hint(e.hint()))
}

/// Prints the page of a run, and says what is missing of it.
pub(crate) fn report(run: &Path, look: &Look, inconclusive: Inconclusive) -> Result<Code, Trouble> {
    let page = make(run, look, inconclusive)?;
    for shortcoming in page.shortcomings.iter().filter(|s| !s.is_remark()) {
        printer::note(&format!("warning: {}", rigtone_report::sanitise::line(&shortcoming.to_string())));
    }
    printer::out(&page.html);
    Ok(page.verdicts.map_or(Code::Usage, |verdicts| exit::of(&verdicts, policy(inconclusive)).0))
}
