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
        /// The seed of everything that is left to chance.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// End the run after this long on the rig's clock, such as "8 h".
        #[arg(long, value_name = "DURATION")]
        max_time: Option<Duration>,
        /// What an inconclusive verdict means for exit code and JUnit.
        #[arg(long, value_enum, default_value_t)]
        inconclusive: Inconclusive,
        /// Print the results as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Judge a recorded run again, with the rules of its plan.
    Judge {
        /// The run directory.
        run: PathBuf,
        /// What an inconclusive verdict means for the exit code.
        #[arg(long, value_enum, default_value_t)]
        inconclusive: Inconclusive,
        /// Print the verdicts as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the verdicts of a run.
    Report {
        /// The run directory.
        run: PathBuf,
        /// How to show them.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// What an inconclusive verdict means for exit code and JUnit.
        #[arg(long, value_enum, default_value_t)]
        inconclusive: Inconclusive,
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
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RigCommand {
    /// List the members of a rig.
    List {
        /// The rig's document.
        rig: PathBuf,
        /// The folder of device documents.
        #[arg(long, default_value = "devices")]
        devices: PathBuf,
    },
    /// Prove the rig's own chain: every member answers and is the one expected.
    Check {
        /// The rig's document.
        rig: PathBuf,
        /// The folder of device documents.
        #[arg(long, default_value = "devices")]
        devices: PathBuf,
    },
    /// Bring every output to its safe state.
    Safe {
        /// The rig's document.
        rig: PathBuf,
        /// The folder of device documents.
        #[arg(long, default_value = "devices")]
        devices: PathBuf,
    },
}

/// What is planned or run.
#[derive(Debug, Args)]
pub(crate) struct What {
    /// Scenario files or folders; `scenarios/starter` when left out.
    pub(crate) scenarios: Vec<PathBuf>,
    /// The rig's document.
    #[arg(long, default_value = "rigs/simulated.yaml")]
    pub(crate) rig: PathBuf,
    /// The folder of device documents.
    #[arg(long, default_value = "devices")]
    pub(crate) devices: PathBuf,
    /// Only combinations that match, such as `speaker=charge-5*`; several must all match.
    #[arg(long, value_name = "KEY=PATTERN")]
    pub(crate) select: Vec<Selector>,
    /// Only this part of the combinations, such as `hash:1/4`.
    #[arg(long, value_name = "hash:I/N")]
    pub(crate) partition: Option<Partition>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Inconclusive {
    /// Exit code 11, an error in JUnit.
    #[default]
    Error,
    /// As if it had passed.
    Pass,
    /// As if it had failed.
    Fail,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for a terminal.
    #[default]
    Terminal,
    /// One line for each combination: its verdict and its id.
    List,
    /// JSON.
    Json,
    /// JUnit XML.
    Junit,
}
