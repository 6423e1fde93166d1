//! `rigtone timeline`

mod damage;
mod text;
mod trial;

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use rigtone_bluetooth::{
    capture::CaptureError,
    timeline::{Decoder, Report},
};
use rigtone_model::schema::sorted;
use rigtone_record::PLAN;
use rigtone_report::{exit::Code, sanitise};
use schemars::generate::SchemaSettings;

pub(crate) use self::trial::choose;
use crate::{printer, trouble::Trouble};

/// Bytes that are read at once.
const SLICE: usize = 1 << 16;

/// Which capture, or which trial.
#[derive(Debug, Args)]
pub(crate) struct Timeline {
    /// A capture: btsnoop as of `btmon -w` or Android, or Apple's PacketLogger. Or a run directory: then one of its trials is shown on one time
    /// axis, relays, stack, air and sound together.
    #[arg(value_name = "CAPTURE|RUN")]
    capture: PathBuf,
    /// Of a run: the combination, by its id or a part of it; needed when it has several.
    #[arg(long, value_name = "ID")]
    combination: Option<String>,
    /// Of a run: the trial; the first one when left out.
    #[arg(long, value_name = "N")]
    trial: Option<u32>,
    /// Print everything as JSON; its schema is `timeline.schema.json`, of a trial `trial.schema.json`.
    #[arg(long)]
    json: bool,
}

/// Decodes a capture and prints what it says.
pub(crate) fn timeline(what: &Timeline) -> Result<Code, Trouble> {
    if what.capture.join(PLAN).is_file() {
        let which = trial::Which { combination: what.combination.as_deref(), trial: what.trial };
        return trial::show(&what.capture, &which, what.json);
    }
    if what.combination.is_some() || what.trial.is_some() {
        let path = what.capture.display();
        return Err(Trouble::usage(format!("{path} is no run directory: it has no trials"))
            .hint("leave --combination and --trial out for a capture"));
    }
    let report = read(&what.capture)?;
    if what.json {
        let mut shown = Shown(String::new());
        serde_json::to_writer_pretty(&mut shown, &report).map_err(|e| Trouble::new(Code::Internal, e))?;
        printer::out(&format!("{}\n", shown.0));
    } else {
        printer::out(&text::text(&what.capture, &report));
    }
    Ok(Code::Passed)
}

/// Shows JSON piece by piece: as a whole a night's would need more memory than decoding it.
struct Shown(String);

impl Write for Shown {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        // The writer of JSON cuts at characters of ASCII alone.
        let text = std::str::from_utf8(piece).map_err(std::io::Error::other)?;
        self.0.push_str(&sanitise::json(text));
        if self.0.len() >= SLICE {
            printer::out(&self.0);
            self.0.clear();
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn read(path: &Path) -> Result<Report, Trouble> {
    let no_file = |error: &std::io::Error| Trouble::usage(format!("reading {} failed: {error}", path.display()));
    if path.is_dir() {
        return Err(Trouble::usage(format!("{} is a folder, and no run directory", path.display()))
            .hint("name the capture in it"));
    }
    let mut file = File::open(path).map_err(|e| no_file(&e))?;
    let mut decoder = Decoder::new();
    let mut slice = vec![0; SLICE];
    loop {
        match file.read(&mut slice) {
            Ok(0) => break,
            Ok(read) => {
                let bytes = slice.get(..read).unwrap_or_default();
                decoder.feed(bytes).map_err(|e| capture_trouble(path, &e))?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(no_file(&error)),
        }
    }
    decoder.finish().map_err(|e| capture_trouble(path, &e))
}

/// What is no capture is wrong usage; a capture that holds nothing is the recorder's fault.
pub(crate) fn capture_trouble(path: &Path, error: &CaptureError) -> Trouble {
    let code = match error {
        CaptureError::Empty | CaptureError::NoRecord { .. } | CaptureError::FirstRecord { .. } => Code::Infrastructure,
        CaptureError::Foreign(_) | CaptureError::Version(_) | CaptureError::Datalink(_) => Code::Usage,
    };
    Trouble::new(code, format!("{}: {error}", path.display())).hint(error.hint())
}

/// The schema of a trial (draft 2020-12), its keys in alphabetical order.
pub(crate) fn trial_schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    sorted(generator.into_root_schema_for::<rigtone_witness::axis::Axis>().to_value())
}

/// The schema of a report (draft 2020-12), its keys in alphabetical order.
pub(crate) fn schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    sorted(generator.into_root_schema_for::<Report>().to_value())
}
