//! `rigtone rig calibrate`

mod path;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use rigtone_model::{
    document::{Calibration, MeasuredLevel, Worth},
    quantity::{Distance, Duration, Level, Loudness},
};
use rigtone_report::exit::Code;
use rigtone_rig::{
    calibration::{self, Refused, Tone},
    hardware::Selection,
};
use serde::Serialize;

use crate::{documents, open, printer, trouble::Trouble};

/// The days that a figure is worth something for.
const LONGEST_D: i64 = 3_660;
const DAY_NS: i64 = 86_400_000_000_000;

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct How {
    /// The microphone; all that is known of the rig is shown when left out.
    #[arg(requires = "figure")]
    microphone: Option<String>,
    /// The sound pressure level that is written on the calibrator, in dB SPL, such as `94` or `114`.
    #[arg(long, value_name = "LEVEL", value_parser = loudness, requires = "microphone", group = "figure")]
    level: Option<Loudness>,
    /// Play a sound through this loudspeaker of the rig instead, and measure what the clocks of the two sound cards are apart, and
    /// where a wire leads to the card of the microphone (`reference`) also how far they stand from each other.
    #[arg(long, value_name = "LOUDSPEAKER", requires = "microphone", group = "figure")]
    through: Option<String>,
    /// How far the microphone is from that loudspeaker, where no wire tells when the sound left.
    #[arg(long, value_name = "DISTANCE", requires = "through")]
    at: Option<Distance>,
    /// How often the sound is played, from 1 to 20.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "through", value_parser = clap::value_parser!(u32).range(1..=i64::from(calibration::ROUNDS_AT_MOST)))]
    rounds: u32,
    /// How well the calibrator keeps it, as a standard uncertainty: `0.2 dB` for class 1 of IEC 60942, `0.4 dB` for class 2.
    #[arg(long, value_name = "LEVEL", default_value = "0.2 dB")]
    uncertainty: Level,
    /// How long to listen, from `2 s` to `60 s`.
    #[arg(long, value_name = "DURATION", default_value = "5 s")]
    listen: Duration,
    /// How many days the figure is worth something.
    #[arg(long, value_name = "DURATION", default_value = "365 d")]
    good_for: Duration,
    /// Measure and tell, and keep nothing.
    #[arg(long, requires = "figure")]
    dry_run: bool,
    /// Print what was measured, or what is known, as JSON.
    #[arg(long)]
    json: bool,
}

fn loudness(text: &str) -> Result<Loudness, String> {
    let with_unit = if text.ends_with("dB SPL") { text.to_owned() } else { format!("{text} dB SPL") };
    with_unit.parse().map_err(|_| format!("`{text}` is no sound pressure level: write it in dB SPL, such as `94`"))
}

/// The form of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Told<'a> {
    schema: &'static str,
    rig: &'a str,
    microphone: &'a str,
    #[serde(flatten)]
    measured: &'a MeasuredLevel,
    /// How much the loudest second lay over the quietest, in dB.
    spread_db: f64,
    /// The figure that was in force before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Loudness>,
    /// Where it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

pub(crate) fn calibrate(rig: &Path, devices: &Path, how: &How) -> Result<Code, Trouble> {
    let (document, devices, known) = documents::rig_with_calibration(rig, devices)?;
    let days = how.good_for.ns() / DAY_NS;
    if !(1..=LONGEST_D).contains(&days) {
        return Err(Trouble::usage("--good-for takes 1 d to 3660 d"));
    }
    if let (Some(name), Some(through)) = (&how.microphone, &how.through) {
        let known = known.map(|known| known.document);
        return path::measure(
            &path::Asked { rig, document: &document, devices: &devices, name, through, days, how },
            known,
        );
    }
    let (Some(name), Some(level)) = (&how.microphone, how.level) else {
        return show(&document.rig, known.as_ref().map(|known| &known.document), how.json);
    };
    let seconds = how.listen.seconds();
    if !(2.0..=60.0).contains(&seconds) {
        return Err(Trouble::usage("--listen takes 2 s to 60 s"));
    }
    if how.uncertainty.db() <= 0.0 || how.uncertainty.db() > 3.0 {
        return Err(Trouble::usage("--uncertainty takes more than 0 dB and at most 3 dB"));
    }
    let mut calibration = known
        .map(|known| known.document)
        .unwrap_or_else(|| Calibration { calibration: document.rig.clone(), ..Calibration::default() });
    let stated = document.microphones.get(name).and_then(|microphone| microphone.calibrated);
    if stated.is_some() && !calibration.microphones.contains_key(name) {
        return Err(Trouble::usage(format!("the rig's document states `calibrated` of `{name}` itself"))
            .hint("delete it there: two figures would contradict each other"));
    }
    let wanted = Selection { microphones: BTreeSet::from([name.clone()]), ..Selection::default() };
    let wanted = if document.microphones.contains_key(name) { wanted } else { Selection::default() };
    let opened = open::open(&document, &devices, &wanted)?;
    let identity = opened.bench.keeper.identity(name);
    let tone = Tone { spl_db: level.db_spl(), uncertainty_db: how.uncertainty.db(), listen_ns: how.listen.ns() };
    let measured = opened.runtime.block_on(async {
        tokio::select! {
            biased;
            signal = super::stopped() => Err(Trouble::new(Code::Interrupted, format!("{signal}: nothing was kept"))),
            measured = calibration::level(&opened.bench, name, tone) => measured.map_err(|refused| trouble(&refused)),
        }
    })?;
    let outside = || Trouble::new(Code::Infrastructure, "what was measured is no figure of any microphone");
    let figure = MeasuredLevel {
        full_scale: Loudness::from_db_spl(measured.full_scale_db).ok_or_else(outside)?,
        uncertainty: Level::from_db(measured.uncertainty_db).ok_or_else(outside)?,
        calibrator: level,
        of: identity.ok_or_else(|| unknown_place(name))?,
        on: documents::today(),
        good_for: Duration::from_ns(days * DAY_NS),
        rigtone: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let before = calibration.microphones.insert(name.clone(), figure).map(|before| before.full_scale);
    let figure = &calibration.microphones[name];
    let file = if how.dry_run { None } else { Some(keep(rig, &document.rig, &calibration)?) };
    let told = Told {
        schema: "1.0",
        rig: &document.rig,
        microphone: name,
        measured: figure,
        spread_db: measured.spread_db,
        before,
        file,
    };
    if how.json {
        printer::json(&told)?;
    } else {
        printer::out(&text(&told));
    }
    Ok(Code::Passed)
}

fn unknown_place(microphone: &str) -> Trouble {
    let what = format!("where `{microphone}` is plugged in is not known, so its figure would prove nothing");
    Trouble::new(Code::Infrastructure, what).hint("see `rigtone rig list`")
}

fn trouble(refused: &Refused) -> Trouble {
    let code = match refused {
        Refused::NoSuch(_) | Refused::NoLoudspeaker { .. } => Code::Usage,
        Refused::Fault(_) | Refused::NoTone { .. } | Refused::NoPath { .. } => Code::Infrastructure,
    };
    Trouble::new(code, refused).hint(refused.hint())
}

/// Keeps it where runs find it, and people.
fn keep(rig: &Path, id: &str, calibration: &Calibration) -> Result<PathBuf, Trouble> {
    let beside = if rig.is_dir() { Some(rig.join("calibration").join(format!("{id}.yaml"))) } else { None };
    let file = beside
        .or_else(|| documents::calibration_file(rig))
        .ok_or_else(|| Trouble::usage(format!("{} is no document of a rig", rig.display())))?;
    let failed = |e: &dyn std::fmt::Display| {
        Trouble::new(Code::Infrastructure, format!("keeping the figure in {} failed: {e}", file.display()))
            .hint("let this user write there, or use `--dry-run`")
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
    }
    rigtone_record::replace(&file, |sink| sink.write_all(calibration.text().as_bytes())).map_err(|e| failed(&e))?;
    Ok(file)
}

fn text(told: &Told<'_>) -> String {
    let (measured, name) = (told.measured, told.microphone);
    let mut text = format!("{name}: {}\n", measured.of);
    let _ = writeln!(
        text,
        "  full scale   {} ± {} (k = 1), with a calibrator of {}",
        measured.full_scale, measured.uncertainty, measured.calibrator
    );
    let _ = writeln!(text, "  steady       within {:.2} dB from second to second", told.spread_db);
    if let Some(before) = told.before {
        let moved = measured.full_scale.db_spl() - before.db_spl();
        let _ = writeln!(text, "  before       {before}: it moved by {moved:+.2} dB");
    }
    let days = measured.good_for.ns() / DAY_NS;
    let kept = told.file.as_ref().map_or_else(|| "nowhere".to_owned(), |file| file.display().to_string());
    let _ = writeln!(text, "  good for     {days} d from {}", measured.on);
    let _ = writeln!(text, "  kept         {kept}");
    text
}

/// What a figure is worth today, in words.
fn worth(worth: Worth) -> String {
    match worth {
        Worth::Holds => "holds".to_owned(),
        Worth::Ends(days) => format!("ends in {days} d"),
        Worth::Ended(days) => format!("ended {days} d ago"),
        Worth::Unknown => "is of a day that has not come yet".to_owned(),
    }
}

/// What is known of a rig.
fn show(rig: &str, calibration: Option<&Calibration>, json: bool) -> Result<Code, Trouble> {
    let today = documents::today();
    let empty = Calibration { calibration: rig.to_owned(), ..Calibration::default() };
    let calibration = calibration.unwrap_or(&empty);
    if json {
        printer::json(calibration)?;
        return Ok(Code::Passed);
    }
    let mut text = String::new();
    for (name, measured) in &calibration.microphones {
        let worth = worth(measured.worth(&today));
        let used = measured.figure(&today);
        let _ = writeln!(
            text,
            "{name}: full scale {} ± {}, measured on {}, {worth}",
            used.full_scale, used.uncertainty, measured.on
        );
        let _ = writeln!(text, "  {}", measured.of);
    }
    for (microphone, loudspeaker, measured) in calibration.ways() {
        let worth = worth(measured.worth(&today));
        let _ = writeln!(
            text,
            "{microphone}, from {loudspeaker}: {}, measured on {}, {worth}",
            path::figures(measured),
            measured.on
        );
        let _ = writeln!(text, "  {}", measured.of);
    }
    if text.is_empty() {
        text = format!("nothing was measured of the rig `{rig}`: `rigtone rig calibrate RIG MICROPHONE --level 94`\n");
    }
    printer::out(&text);
    Ok(Code::Passed)
}
