//! `rigtone check`

use std::path::{Path, PathBuf};

use rigtone_model::diagnostic::{self, Diagnostic};
use rigtone_report::{exit::Code, figure::count};

use crate::{documents, printer, trouble::Trouble};

pub(crate) fn check(paths: &[PathBuf], json: bool) -> Result<Code, Trouble> {
    let usual = || {
        ["scenarios", "devices", "rigs", "suites"].iter().filter(|p| Path::new(p).exists()).map(PathBuf::from).collect()
    };
    let paths: Vec<PathBuf> = if paths.is_empty() { usual() } else { paths.to_vec() };
    if paths.is_empty() {
        return Err(Trouble::usage("there is nothing to check here")
            .hint("name files or folders, or go where `scenarios`, `devices` and `rigs` are"));
    }
    let read = documents::read(&paths).with_expired().with_unmarked();
    if json {
        let text = serde_json::to_string_pretty(&read.diagnostics).map_err(|e| Trouble::new(Code::Internal, e))?;
        printer::out(&format!("{text}\n"));
    } else {
        printer::out(&diagnostic::render(&read.diagnostics, &read.sources, printer::colour()));
        let library = &read.library;
        let always =
            [(library.scenarios.len(), "scenario"), (library.devices.len(), "device"), (library.rigs.len(), "rig")];
        let seldom = [(library.suites.len(), "suite"), (library.quarantines.len(), "quarantine")];
        let kinds = always.into_iter().chain(seldom.into_iter().filter(|(n, _)| *n > 0));
        printer::out(&format!(
            "{}: {}; {}\n",
            count(read.sources.len(), "file"),
            kinds.map(|(n, kind)| count(n, kind)).collect::<Vec<_>>().join(", "),
            diagnostic::summary(&read.diagnostics)
        ));
    }
    Ok(if read.diagnostics.iter().any(Diagnostic::is_error) { Code::Usage } else { Code::Passed })
}
