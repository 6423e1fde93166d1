//! `rigtone man`

use std::path::Path;

use clap::CommandFactory as _;
use rigtone_report::exit::Code;

use crate::{args::Cli, printer, trouble::Trouble};

/// Writes `rigtone.1` and a page for each command below it, such as `rigtone-rig-check.1`.
pub(crate) fn man(folder: &Path) -> Result<Code, Trouble> {
    let failed = |e| Trouble::usage(format!("writing manual pages into {} failed: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    printer::out(&format!("{}\n", folder.join("rigtone.1").display()));
    Ok(Code::Passed)
}
