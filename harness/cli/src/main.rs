//! The `rigtone` command: arguments, printing, exit codes. What it does is done in the crates below it.

mod args;
mod commands;
mod display;
mod documents;
mod open;
mod printer;
mod trouble;

use std::process::ExitCode;

use args::{Cli, Command, RigCommand};
use clap::{ColorChoice, CommandFactory, FromArgMatches, error::ErrorKind};
use commands::{
    device::DeviceCommand,
    judge::{By, How},
};
use rigtone_report::exit::Code;

fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            let shown = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let printed = error.print();
            if shown {
                printer::written(printed);
            }
            return end(if shown { Code::Passed } else { Code::Usage });
        }
    };
    printer::set_up(cli.quiet, cli.no_color);
    let done = match cli.command {
        Command::Check { paths, json } => commands::check::check(&paths, json),
        Command::Plan { what, json } => commands::plan::plan(&what, json),
        Command::Run {
            what,
            out,
            resume,
            seed,
            max_time,
            stop_within,
            keep_evidence,
            evidence_budget,
            inconclusive,
            baseline,
            quarantine,
            report,
            look,
            json,
        } => {
            let how = commands::run::How {
                out,
                seed,
                max_time,
                stop_within,
                keep_evidence,
                evidence_budget,
                inconclusive,
                baseline,
                quarantine,
                reports: report,
                look: *look,
                json,
            };
            match resume {
                Some(directory) => commands::run::resume(&what, &directory, &how),
                None => commands::run::run(&what, &how),
            }
        }
        Command::Merge { runs, out, inconclusive, look, json } => {
            commands::merge::merge(&runs, &out, &commands::merge::How { inconclusive, look: *look, json })
        }
        Command::Judge { run, scenarios, remeasure, layer, baseline, quarantine, inconclusive, json } => {
            let (baseline, quarantine) = (baseline.as_deref(), quarantine.as_deref());
            let by = match layer {
                Some(number) => By::Layer(number),
                None if remeasure => By::EvidenceAnew,
                None => By::Record,
            };
            commands::judge::judge(&run, &How { scenarios: &scenarios, by, baseline, quarantine, inconclusive, json })
        }
        Command::Attach(what) => commands::attach::attach(&what),
        Command::Compare(what) => commands::compare::run(&what),
        #[cfg(feature = "history")]
        Command::History(what) => commands::history::history(&what),
        Command::Report(what) => commands::report::report(&what),
        Command::Device { command: DeviceCommand::New(what) } => commands::device::new(*what),
        Command::Rig { command } => match command {
            RigCommand::Suggest { name, json } => commands::rig::suggest(&name, json),
            RigCommand::List { rig, devices, json } => commands::rig::list(&rig, &devices, json),
            RigCommand::Check { rig, devices, how } => commands::rig::check(&rig, &devices, &how),
            RigCommand::Calibrate { rig, devices, how } => commands::rig::calibrate(&rig, &devices, &how),
            RigCommand::Safe { rig, devices, json } => commands::rig::safe(&rig, &devices, json),
            RigCommand::Wear(what) => commands::wear::wear(&what),
        },
        Command::Claims(what) => commands::claims::claims(&what),
        Command::Certify(what) => commands::certify::certify(&what),
        Command::Verify(what) => commands::certify::verify(&what),
        Command::Key { command } => commands::certify::key(&command),
        Command::Signal { name, rate, code, out, positions } => {
            let (out, positions) = (&*out, positions.as_deref());
            commands::signal::signal(&commands::signal::Signal { name: &name, rate, code, out, positions })
        }
        Command::Measure(what) => commands::measure::measure(&what),
        Command::Timeline(what) => commands::timeline::timeline(&what),
        Command::Schema { out } => commands::schema::schema(out.as_deref()),
        Command::Man { out } => commands::man::man(&out),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "rigtone", &mut text);
            printer::out(&String::from_utf8_lossy(&text));
            Ok(Code::Passed)
        }
    };
    match done {
        Ok(code) => end(code),
        Err(trouble) => {
            printer::note(&trouble.to_string());
            end(trouble.code)
        }
    }
}

/// Ends with `code`; output that is not whole is no success.
fn end(code: Code) -> ExitCode {
    match printer::cut() {
        Some(trouble) => {
            printer::note(&trouble.to_string());
            exit(if code == Code::Passed { trouble.code } else { code })
        }
        None => exit(code),
    }
}

/// Reads the arguments. Help and faults are shown before anything is known of them, and keep to `--no-color` all the same.
fn parse() -> Result<Cli, clap::Error> {
    let plain = std::env::args_os().any(|argument| argument == "--no-color");
    let command = Cli::command().color(if plain { ColorChoice::Never } else { ColorChoice::Auto });
    command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches))
}

fn exit(code: Code) -> ExitCode {
    ExitCode::from(code.number())
}
