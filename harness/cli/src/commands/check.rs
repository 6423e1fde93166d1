//! `rigtone check`

use std::path::{Path, PathBuf};

use rigtone_model::diagnostic::{self, Diagnostic};
use rigtone_report::exit::Code;

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
        let (files, library) = (read.sources.len(), &read.library);
        let (scenarios, devices, rigs) = (library.scenarios.len(), library.devices.len(), library.rigs.len());
        let suites = match library.suites.len() {
            0 => String::new(),
            n => format!(", {n} suites"),
        };
        let quarantines = match library.quarantines.len() {
            0 => String::new(),
            n => format!(", {n} quarantines"),
        };
        printer::out(&format!(
            "{files} files: {scenarios} scenarios, {devices} devices, {rigs} rigs{suites}{quarantines}; {}\n",
            diagnostic::summary(&read.diagnostics)
        ));
    }
    Ok(if read.diagnostics.iter().any(Diagnostic::is_error) { Code::Usage } else { Code::Passed })
}
