//! Arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rigtone_model::{
    plan::{Partition, Selector},
    quantity::Duration,
};

/// Tells, with evidence and stated confidence, which Bluetooth speaker works with which source at which firmware.
#[derive(Debug, Parser)]
#[command(name = "rigtone", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    /// Say nothing but the result and errors: no progress, no warnings, no notes.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Use no colours. NO_COLOR in the environment does the same; a terminal `dumb` gets none and no moving display.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Validate documents and show all faults of all files.
    Check {
        /// Files and folders; `scenarios`, `devices` and `rigs` when left out.
        paths: Vec<PathBuf>,
        /// Print the faults as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show combinations, trials, resources and expected lab time.
    Plan {
        #[command(flatten)]
        what: What,
        /// Print the whole plan as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run scenarios on a rig, judge and report.
    Run {
        #[command(flatten)]
        what: What,
        /// The run directory; a new one below `runs` when left out.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Go on with a run that was interrupted: what was done stays, what was in flight is run again.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["scenarios", "suite", "select", "partition", "only", "out", "seed", "quarantine"])]
        resume: Option<PathBuf>,
        /// The seed of everything that is left to chance.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// End the run after this long on the rig's clock, such as "8 h".
        #[arg(long, value_name = "DURATION")]
        max_time: Option<Duration>,
        /// How long SIGTERM and SIGHUP allow for an orderly end before the run is given up and its outputs made safe.
        #[arg(long, value_name = "DURATION", default_value = "30 s")]
        stop_within: Duration,
        /// Of which trials recordings are kept; all of them when left out.
        #[arg(long, value_enum, value_name = "WHICH")]
        keep_evidence: Option<KeepEvidence>,
        /// How much recordings may need, such as "20 GB"; trials that went as expected make room first.
        #[arg(long, value_name = "SIZE", value_parser = size)]
        evidence_budget: Option<u64>,
        /// What an inconclusive verdict means for exit code and JUnit, now and in every report of the run; `error` when left out.
        #[arg(long, value_enum)]
        inconclusive: Option<Inconclusive>,
        /// An earlier run: say which failures are new since, which are fixed, and which are still there.
        #[arg(long, value_name = "RUN")]
        baseline: Option<PathBuf>,
        /// A document of what is known to fail: it is tried and shown, and decides nothing.
        #[arg(long, value_name = "FILE")]
        quarantine: Option<PathBuf>,
        /// Reports to write into the run directory at the end, separated by commas, beside `verdicts.json` and `junit.xml`.
        #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMAT")]
        report: Vec<crate::commands::report::Format>,
        #[command(flatten)]
        look: Box<crate::commands::page::Look>,
        /// Print the results as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Join runs of parts of one plan, such as those of `--partition`, into one run.
    Merge {
        /// The run directories.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// The directory of the whole, which must be new.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// What an inconclusive verdict means for exit code and JUnit; `error` when left out.
        #[arg(long, value_enum)]
        inconclusive: Option<Inconclusive>,
        #[command(flatten)]
        look: Box<crate::commands::page::Look>,
        /// Print the results as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Judge a recorded run again, with the rules of its plan or with changed limits.
    Judge {
        /// The run directory.
        run: PathBuf,
        /// Scenario files or folders whose limits are taken in place of those of the plan; what they do must be the same.
        #[arg(long, value_name = "PATH", num_args = 1..)]
        scenarios: Vec<PathBuf>,
        /// Measure its recordings again, and judge by what they say now. The record stays what it is: the new values become a layer below the run.
        #[arg(long, conflicts_with = "layer")]
        remeasure: bool,
        /// Judge by what was measured again before, by the number of that layer.
        #[arg(long, value_name = "N")]
        layer: Option<u32>,
        /// An earlier run: say which failures are new since, which are fixed, and which are still there.
        #[arg(long, value_name = "RUN")]
        baseline: Option<PathBuf>,
        /// A document of what is known to fail, in place of that of the run.
        #[arg(long, value_name = "FILE")]
        quarantine: Option<PathBuf>,
        /// What an inconclusive verdict means for the exit code; as when the run was begun when left out.
        #[arg(long, value_enum)]
        inconclusive: Option<Inconclusive>,
        /// Print the verdicts as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare two runs, firmware versions, conditions or values of an axis.
    Compare(Box<crate::commands::compare::Compare>),
    /// Show many runs together: how each combination stands, since when, and where it changed.
    ///
    /// Runs are looked up in an index that is made from their directories and can be deleted at any time.
    #[cfg(feature = "history")]
    History(Box<crate::commands::history::What>),
    /// Show the verdicts of a run, or write reports of it.
    ///
    /// What is not there of a run, because it is still being written, was killed or only half copied, is named on standard error and
    /// in the report; what is there is shown.
    Report(crate::commands::report::Report),
    /// Show what runs say of the claims of the field: confirmed, refuted, cannot tell, not tested.
    ///
    /// A run on a simulated or a virtual rig confirms nothing of a real device: what it shows stands beside it.
    Claims(crate::commands::claims::Claims),
    /// Make a signed certificate of what a run proved of a device at a firmware.
    ///
    /// It is a folder: the record of the run with the hashes of its evidence, plan, verdicts, environment and documents, and a manifest that is
    /// signed. Refused are runs on simulated and virtual rigs, an unverified firmware, a calibration that has ended, quarantines, limits
    /// other than those of the suite, and whatever was not passed.
    Certify(Box<crate::commands::certify::Certify>),
    /// Check a certificate, without a rig: every hash, the signature, and the verdicts, which are judged again from its record.
    Verify(crate::commands::certify::Verify),
    /// Make keys that sign certificates.
    Key {
        #[command(subcommand)]
        command: crate::commands::certify::Key,
    },
    /// Write a stimulus as a WAV file.
    Signal {
        /// Its name, such as `smoke` or `full`.
        name: String,
        /// Frames a second: 44100 or 48000.
        #[arg(long, default_value_t = 48_000)]
        rate: u32,
        /// The identity that it carries.
        #[arg(long, default_value_t = 0)]
        code: u32,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Write where its parts lie into this file, as JSON.
        #[arg(long, value_name = "FILE")]
        positions: Option<PathBuf>,
    },
    /// Measure a recording of a stimulus.
    Measure(Box<crate::commands::measure::Measure>),
    /// Decode a capture of HCI traffic, or show a trial of a run on one time axis.
    Timeline(crate::commands::timeline::Timeline),
    /// Add a capture of HCI traffic that somebody else recorded, as a phone or `btmon`, to the evidence of a trial.
    ///
    /// `rigtone timeline RUN` then shows it beside everything else. The run must have ended.
    Attach(crate::commands::attach::Attach),
    /// Make documents of devices.
    Device {
        #[command(subcommand)]
        command: crate::commands::device::DeviceCommand,
    },
    /// Look at a rig.
    Rig {
        #[command(subcommand)]
        command: RigCommand,
    },
    /// Print or write the JSON Schemas of the documents.
    Schema {
        /// Write them into this folder instead of listing them.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Write a manual page for each command.
    Man {
        /// The folder to write them into.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RigCommand {
    /// Print a rig's document made of what is plugged into this host.
    ///
    /// Nothing is opened and no device is asked. What nobody can see from here, such as the protocol of a relay board, is a
    /// part of the document that is commented out, with how to find out.
    Suggest {
        /// The id of the rig, which is also the name of its file.
        #[arg(long, default_value = "lab")]
        name: String,
        /// Print what was found, and the document, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the members of a rig, and what is plugged in where.
    List {
        /// The rig's document.
        rig: PathBuf,
        /// The folder of device documents.
        #[arg(long, default_value = "devices")]
        devices: PathBuf,
        /// Print them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prove the rig's own chain: every member answers and is the one expected.
    ///
    /// Nothing leaves its safe state unless `--switch` is given.
    Check {
        /// The rig's document.
        rig: PathBuf,
        /// The folder of device documents.
        #[arg(long, default_value = "devices")]
        devices: PathBuf,
        #[command(flatten)]
        how: crate::commands::rig::How,
    },
    /// Measure a microphone, and keep the figures beside the rig's document.
    ///
    /// With a calibrator that sits on it (`--level`) its levels become sound pressure: touch the gain of the card afterwards, and that is
    /// wrong. With a sound of a loudspeaker (`--through`) it becomes known how well the rig knows the time of what it hears, and how far
    /// it stands from there. The figures have a date, an end, and the microphone that they are of: they stand in
    /// `calibration/RIG.yaml`, where every run of the rig finds them.
    Calibrate {
        /// The rig's document.
        rig: PathBuf,
        /// The folder of device documents.
        #[arg(long, default_value = "devices")]
        devices: PathBuf,
        #[command(flatten)]
        how: Box<crate::commands::rig::Measuring>,
    },
    /// Bring every output to its safe state.
    ///
    /// Opens the relay boards alone: whatever else of the rig is missing does not matter. Outputs that a killed run
    /// left outside their safe state are made safe too when the document wires them no more; they are on record in
    /// $RIGTONE_STATE, else in /var/lib/rigtone, else in ~/.local/state/rigtone. Names every output that cannot be
    /// reached, with the position to switch it to by hand (exit code 12). A rig that a run has is left to it (13).
    Safe {
        /// The rig's document.
        rig: PathBuf,
        /// The folder of device documents.
        #[arg(long, default_value = "devices")]
        devices: PathBuf,
        /// Print what became of it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show how often the contacts of the relay boards have worked, and how long they will.
    ///
    /// Operations are counted in $RIGTONE_STATE, else in /var/lib/rigtone, else in ~/.local/state/rigtone, for each
    /// board: rigs that share one agree. One operation is on and off again, as makers count.
    Wear(crate::commands::wear::Wear),
}

/// What is planned or run.
#[derive(Debug, Args)]
pub(crate) struct What {
    /// Scenario files or folders; `scenarios/starter` when left out.
    pub(crate) scenarios: Vec<PathBuf>,
    /// A suite's document, such as `suites/smoke.yaml`, in place of scenarios.
    #[arg(long, value_name = "FILE", conflicts_with = "scenarios")]
    pub(crate) suite: Option<PathBuf>,
    /// The rig's document; `rigs/simulated.yaml` when left out, or that of the run that goes on.
    #[arg(long)]
    rig: Option<PathBuf>,
    /// The folder of device documents; `devices` when left out, or that of the run that goes on.
    #[arg(long)]
    devices: Option<PathBuf>,
    /// Only combinations that match, such as `speaker=charge-5*`; several must all match.
    #[arg(long, value_name = "KEY=PATTERN")]
    pub(crate) select: Vec<Selector>,
    /// Only this part of the combinations, such as `hash:1/4`.
    #[arg(long, value_name = "hash:I/N")]
    pub(crate) partition: Option<Partition>,
    /// Only combinations that failed in an earlier run, or that it left undecided: `failed RUN` or `undecided RUN`. Scenarios, rig and devices
    /// are those of the run when they are left out.
    #[arg(long, num_args = 2, value_names = ["failed|undecided", "RUN"])]
    only: Vec<String>,
}

/// Verdicts to go for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Again {
    /// Those that failed.
    Failed,
    /// Those without an answer: inconclusive, aborted, lost to the rig or to the time.
    Undecided,
}

impl What {
    /// The rig's document, or what stands for it.
    pub(crate) fn rig_or(&self, other: impl Into<PathBuf>) -> PathBuf {
        self.rig.clone().unwrap_or_else(|| other.into())
    }

    /// The folder of device documents, or what stands for it.
    pub(crate) fn devices_or(&self, other: impl Into<PathBuf>) -> PathBuf {
        self.devices.clone().unwrap_or_else(|| other.into())
    }

    /// The earlier run to choose from, and how.
    pub(crate) fn only(&self) -> Result<Option<(Again, PathBuf)>, String> {
        let [which, run] = &self.only[..] else { return Ok(None) };
        Again::from_str(which, false)
            .map(|again| Some((again, PathBuf::from(run))))
            .map_err(|_| format!("--only takes `failed` or `undecided` and a run directory, not `{which}`"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeepEvidence {
    /// Of all.
    All,
    /// Of those that did not go as expected.
    Failures,
    /// Of none.
    None,
}

/// Reads a number of bytes, such as `20 GB`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size: write a number and one of B, kB, MB, GB, TB, such as `20 GB`");
    let at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let factor = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let bytes = number * factor;
    if bytes.is_finite() && (0.0..9e18).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Inconclusive {
    /// Exit code 11, an error in JUnit.
    #[default]
    Error,
    /// As if it had passed.
    Pass,
    /// As if it had failed.
    Fail,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0 B", Some(0))]
    #[case("20 GB", Some(20_000_000_000))]
    #[case("1.5kB", Some(1_500))]
    #[case("20", None)]
    #[case("GB", None)]
    #[case("-1 GB", None)]
    #[case("20 GiB", None)]
    #[case("NaN B", None)]
    #[case("1e30 TB", None)]
    fn a_size_has_a_unit(#[case] text: &str, #[case] bytes: Option<u64>) {
        assert_eq!(size(text).ok(), bytes);
    }
}
