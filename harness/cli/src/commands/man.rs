//! `rigtone man`

use std::{fmt::Write as _, fs, io, path::Path};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use rigtone_report::exit::Code;

use crate::{args::Cli, printer, trouble::Trouble};

/// Pages of commands that end with the verdicts of a run, and that of all: they say what the exit codes mean.
const WITH_EXIT_STATUS: [&str; 5] =
    ["rigtone.1", "rigtone-run.1", "rigtone-merge.1", "rigtone-judge.1", "rigtone-report.1"];
/// The section that the exit codes stand before.
const VERSION: &str = ".SH VERSION";

/// Writes `rigtone.1` and a page for each command below it, such as `rigtone-rig-check.1`.
pub(crate) fn man(folder: &Path) -> Result<Code, Trouble> {
    let failed = |e| Trouble::usage(format!("writing manual pages into {} failed: {e}", folder.display()));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    pages(&command, folder).map_err(failed)?;
    printer::out(&format!("{}\n", folder.join("rigtone.1").display()));
    Ok(Code::Passed)
}

/// Writes the page of a command and of each below it.
fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, folder)?;
    }
    // A command below it is no program with a version of its own.
    let page = Man::new(command.clone()).source(concat!("rigtone ", env!("CARGO_PKG_VERSION")));
    let name = page.get_filename();
    let mut text = Vec::new();
    page.render(&mut text)?;
    if WITH_EXIT_STATUS.contains(&name.as_str()) {
        let mut whole = String::from_utf8_lossy(&text).into_owned();
        let at = whole.find(VERSION).unwrap_or(whole.len());
        whole.insert_str(at, &exit_status());
        text = whole.into_bytes();
    }
    fs::write(folder.join(name), text)
}

/// The section about exit codes. Its words have nothing that the formatter takes for an order.
fn exit_status() -> String {
    let mut codes = Code::ALL;
    codes.sort_by_key(|code| code.number());
    let mut text = ".SH \"EXIT STATUS\"\n".to_owned();
    for code in codes {
        // Writing to a string cannot fail.
        let _ = write!(text, ".TP\n\\fB{}\\fR\n{}\n", code.number(), code.meaning());
    }
    text
}
