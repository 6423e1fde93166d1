//! `rigtone measure`

mod text;

use std::path::{Path, PathBuf};

use clap::Args;
use rigtone_audio::{
    channels::Side,
    loudness::Calibration,
    measure::speed_of_sound,
    response::MicrophoneResponse,
    stimulus::{Name, PartKind, Positions, RATES, Stimulus},
    survey,
};
use rigtone_measure::{MeasureError, Report, Request, Sound, Source};
use rigtone_model::quantity::{Distance, Duration};
use rigtone_record::wav::WavReadError;
use rigtone_report::exit::Code;

use crate::{printer, trouble::Trouble};

/// Air temperature at which sound flies, in degrees Celsius: 5 degrees more or less are 26 us at 1 m.
const CELSIUS: f64 = 20.0;
/// How well a field calibrator of class 1 and a steady hand know the sound pressure, in dB.
const CALIBRATION_DB: f64 = 0.3;

/// What is measured, and what is known of it.
#[derive(Debug, Args)]
pub(crate) struct Measure {
    /// The recording: WAV of 16, 24 or 32 bits or float, 1 to 8 channels, any rate from 16 kHz on.
    recording: PathBuf,
    /// What was played: the name of a stimulus; a file that `rigtone signal` wrote, with its `--positions`; or any other
    /// sound of 50 ms to 10 minutes as a WAV file: then presence, latency and continuity are measured.
    #[arg(long, value_name = "NAME|FILE")]
    stimulus: String,
    /// Where the stimulus's parts lie, as `rigtone signal` wrote it: name, rate and code come from it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "code"])]
    positions: Option<PathBuf>,
    /// The rate at which the stimulus was made; that of the recording where stimuli are made at it, else 48000.
    #[arg(long)]
    rate: Option<u32>,
    /// The identity that the stimulus carries; 0 when left out.
    #[arg(long)]
    code: Option<u32>,
    /// The microphone's channel, from 0.
    #[arg(long, default_value_t = 0)]
    channel: usize,
    /// The channel with the sound as it was emitted: latency counts from there.
    #[arg(long, value_name = "CHANNEL", conflicts_with = "emitted_at")]
    reference_channel: Option<usize>,
    /// When the stimulus was emitted, such as "1.5 s" after the start of the recording.
    #[arg(long, value_name = "DURATION")]
    emitted_at: Option<Duration>,
    /// From speaker to microphone, such as "0.3 m": the flight is taken off the latency.
    #[arg(long)]
    distance: Option<Distance>,
    /// The driver that the microphone is nearer to.
    #[arg(long, value_enum)]
    nearer: Option<Nearer>,
    /// The microphone's calibration file: frequency and deviation.
    #[arg(long, value_name = "FILE")]
    microphone: Option<PathBuf>,
    /// Sound pressure level of full scale in dB: 94 less the level that a calibrator of 94 dB reads.
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    full_scale_spl: Option<f64>,
    /// The shortest hole that must be found, such as "10 ms".
    #[arg(long, value_name = "DURATION")]
    gap: Option<Duration>,
    /// Another recording of the same stimulus at the same geometry: the responses are compared.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Zeros are silence, and not a dead microphone.
    #[arg(long)]
    digital_silence: bool,
    /// Print the report as JSON; its schema is `measurement.schema.json`.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Nearer {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// What was played.
enum Played {
    Stimulus(Stimulus),
    Sound(Sound),
}

impl Played {
    fn report(&self, path: &Path, request: &Request) -> Result<Report, MeasureError> {
        match self {
            Self::Stimulus(stimulus) => {
                rigtone_measure::measure(&mut Source::open(path, stimulus.rate())?, stimulus, request)
            }
            Self::Sound(sound) => {
                rigtone_measure::measure_sound(&mut Source::open(path, sound.rate())?, sound, request)
            }
        }
    }

    fn has_sweep(&self) -> bool {
        match self {
            Self::Stimulus(played) => played.positions().first(|kind| matches!(kind, PartKind::Sweep { .. })).is_some(),
            Self::Sound(_) => false,
        }
    }
}

/// Measures a recording and prints what it says.
pub(crate) fn measure(what: &Measure) -> Result<Code, Trouble> {
    let played = played(what)?;
    let request = request(what)?;
    if what.against.is_some() && !played.has_sweep() {
        return Err(Trouble::usage(format!("`{}` has no sweep: there are no responses to compare", what.stimulus))
            .hint("play and record `sweep` or `full`"));
    }
    let of = |path: &Path| played.report(path, &request).map_err(|e| recording_trouble(path, &e));
    let mut report: Report = of(&what.recording)?;
    if let Some(other) = &what.against {
        report.against = Some(rigtone_measure::compare(&report, &of(other)?));
    }
    if what.json {
        let text = serde_json::to_string_pretty(&report).map_err(|e| Trouble::new(Code::Internal, e))?;
        printer::out(&format!("{text}\n"));
    } else {
        printer::out(&text::text(&what.recording, &report));
    }
    Ok(Code::Passed)
}

/// What is wrong with a recording. One without samples is no wrong file: whatever recorded it failed.
fn recording_trouble(path: &Path, error: &MeasureError) -> Trouble {
    match error {
        MeasureError::File(WavReadError::Empty) => {
            Trouble::new(Code::Infrastructure, format!("{}: {error}", path.display())).hint("record it again")
        }
        _ => trouble(path, error),
    }
}

fn trouble(path: &Path, error: &MeasureError) -> Trouble {
    let what = format!("{}: {error}", path.display());
    match error {
        MeasureError::File(_) => Trouble::usage(what).hint("name a WAV file of 1 to 8 channels"),
        MeasureError::TooSlow { need, .. } => Trouble::usage(what)
            .hint(format!("record at {need} Hz or more; where the header of the file is wrong, put it right")),
        MeasureError::NoSuchChannel { .. } => Trouble::usage(what).hint("channels are counted from 0"),
        MeasureError::Unfit(_) | MeasureError::TooLong { .. } => {
            Trouble::usage(what).hint("name a sound of 50 ms to 10 minutes, or a stimulus")
        }
        MeasureError::EmittedOutside { .. } => {
            Trouble::usage(what).hint("`--emitted-at` counts from the start of the recording")
        }
        MeasureError::Capture { .. } => Trouble::new(Code::Infrastructure, what)
            .hint("record it again; if a digital path was silent on purpose, add `--digital-silence`"),
    }
}

fn request(what: &Measure) -> Result<Request, Trouble> {
    let microphone = match &what.microphone {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|e| Trouble::usage(format!("reading {} failed: {e}", path.display())))?;
            let parsed = MicrophoneResponse::parse(&text);
            Some(parsed.map_err(|e| Trouble::usage(format!("{}: {e}", path.display())))?)
        }
    };
    let full_scale = what.full_scale_spl;
    if full_scale.is_some_and(|db| !(0.0..=300.0).contains(&db)) {
        return Err(Trouble::usage("--full-scale-spl takes a sound pressure level from 0 to 300 dB"));
    }
    let defaults = survey::Settings::default();
    Ok(Request {
        channel: what.channel,
        reference_channel: what.reference_channel,
        emitted_at_s: what.emitted_at.map(Duration::seconds),
        flight_s: what.distance.map_or(0.0, Distance::metres) / speed_of_sound(CELSIUS),
        minimum_level_dbfs: None,
        digital_silence: what.digital_silence,
        settings: survey::Settings {
            nearer: what.nearer.map(|side| match side {
                Nearer::Left => Side::Left,
                Nearer::Right => Side::Right,
            }),
            calibration: full_scale.map(|full_scale_db| Calibration { full_scale_db, uncertainty_db: CALIBRATION_DB }),
            microphone,
            wanted_gap_s: what.gap.map_or(defaults.wanted_gap_s, Duration::seconds),
            ..defaults
        },
    })
}

fn played(what: &Measure) -> Result<Played, Trouble> {
    let path = Path::new(&what.stimulus);
    // A name is a name, whatever files there are.
    if what.positions.is_some() || what.stimulus.parse::<Name>().is_ok() || !path.is_file() {
        return stimulus(what).map(Played::Stimulus);
    }
    if what.code.is_some() || what.rate.is_some() {
        return Err(Trouble::usage("`--code` and `--rate` belong to stimuli by name, not to a sound of one's own"));
    }
    Sound::open(path).map(Played::Sound).map_err(|e| trouble(path, &e))
}

fn stimulus(what: &Measure) -> Result<Stimulus, Trouble> {
    let positions = what.positions.as_deref().map(positions).transpose()?;
    let named: Result<Name, _> = what.stimulus.parse();
    let (name, rate, code) = match (&named, &positions) {
        (Ok(name), Some(positions)) if *name != positions.name => {
            return Err(Trouble::usage(format!("the positions are those of `{}`, not of `{name}`", positions.name)));
        }
        (_, Some(positions)) => (positions.name, positions.rate, positions.code),
        (Ok(name), None) => (*name, what.rate.unwrap_or(recorded_rate(&what.recording)), what.code.unwrap_or(0)),
        (Err(error), None) => return Err(Trouble::usage(error)),
    };
    let stimulus = Stimulus::build(name, rate, code).map_err(Trouble::usage)?;
    if positions.as_ref().is_some_and(|positions| positions != stimulus.positions()) {
        return Err(Trouble::usage("the positions are those of another version of Rigtone")
            .hint("write the stimulus anew with `rigtone signal` and record it again"));
    }
    if named.is_err() {
        same(Path::new(&what.stimulus), &stimulus)?;
    }
    Ok(stimulus)
}

fn positions(path: &Path) -> Result<Positions, Trouble> {
    let wrong = |what: &dyn std::fmt::Display| {
        Trouble::usage(format!("{}: {what}", path.display())).hint("`rigtone signal --positions` writes such a file")
    };
    // The positions of the longest stimulus need 4 kB.
    let long = std::fs::metadata(path).is_ok_and(|file| file.len() > 1 << 20);
    if long {
        return Err(wrong(&"too long for positions"));
    }
    let text = std::fs::read(path).map_err(|e| wrong(&e))?;
    serde_json::from_slice(&text).map_err(|e| wrong(&e))
}

/// The recording's own rate where stimuli are made at it.
fn recorded_rate(path: &Path) -> u32 {
    let rate = Source::open(path, RATES[1]).map(|source| source.recorded_at());
    rate.ok().filter(|rate| RATES.contains(rate)).unwrap_or(RATES[1])
}

/// The file holds that stimulus, as well as 16 bits can.
fn same(path: &Path, stimulus: &Stimulus) -> Result<(), Trouble> {
    let mut source = Source::open(path, stimulus.rate()).map_err(|e| trouble(path, &e))?;
    let held = source.recorded_at() == stimulus.rate() && source.frames() == stimulus.samples().len() as u64;
    let alike = |samples: &[f32]| samples.iter().zip(stimulus.samples()).all(|(a, b)| (a - b).abs() < 1e-4);
    if held && alike(&source.read(0, 0, stimulus.samples().len()).map_err(|e| trouble(path, &e))?) {
        return Ok(());
    }
    Err(Trouble::usage(format!("{} does not hold the stimulus of the positions", path.display()))
        .hint("name the file that `rigtone signal` wrote beside them"))
}
