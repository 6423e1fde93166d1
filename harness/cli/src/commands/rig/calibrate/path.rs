//! `rigtone rig calibrate RIG MICROPHONE --through LOUDSPEAKER`

use std::path::PathBuf;

use indexmap::IndexMap;
use rigtone_model::{
    document::{Calibration, Device, MeasuredPath, Rig},
    quantity::{Distance, Duration},
};
use rigtone_report::exit::Code;
use rigtone_rig::{
    calibration::{self, Walk},
    hardware::Selection,
};
use serde::Serialize;

use super::{DAY_NS, How, keep, trouble, unknown_place};
use crate::{documents, open, printer, trouble::Trouble};

/// What is asked for.
pub(super) struct Asked<'a> {
    pub(super) rig: &'a std::path::Path,
    pub(super) document: &'a Rig,
    pub(super) devices: &'a IndexMap<String, Device>,
    pub(super) name: &'a str,
    pub(super) through: &'a str,
    pub(super) days: i64,
    pub(super) how: &'a How,
}

/// The form of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Told<'a> {
    schema: &'static str,
    rig: &'a str,
    microphone: &'a str,
    loudspeaker: &'a str,
    #[serde(flatten)]
    measured: &'a MeasuredPath,
    /// Where it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

pub(super) fn measure(asked: &Asked<'_>, known: Option<Calibration>) -> Result<Code, Trouble> {
    let &Asked { rig, document, devices, name, through, days, how } = asked;
    // What is no member of the rig is told by name, without opening anything.
    let there = |known: bool, name: &str| known.then(|| name.to_owned()).into_iter().collect();
    let wanted = Selection {
        microphones: there(document.microphones.contains_key(name), name),
        loudspeakers: there(document.loudspeakers.contains_key(through), through),
        ..Selection::default()
    };
    let opened = open::open(document, devices, &wanted)?;
    let identity = opened.bench.keeper.identity(name);
    let walk =
        Walk { microphone: name, loudspeaker: through, distance_m: how.at.map(Distance::metres), rounds: how.rounds };
    let found = opened.runtime.block_on(async {
        tokio::select! {
            biased;
            signal = super::super::stopped() => Err(Trouble::new(Code::Interrupted, format!("{signal}: nothing was kept"))),
            found = calibration::path(&opened.bench, walk) => found.map_err(|refused| trouble(&refused)),
        }
    })?;
    // Finer than a microsecond nobody knows it.
    let duration = |s: f64| Duration::from_ns((s.abs() * 1e6).round() as i64 * 1000);
    let measured = MeasuredPath {
        loopback: duration(found.loopback_s),
        spread: duration(found.spread_s),
        rounds: found.rounds,
        distance: found.distance_m.and_then(|(metres, _)| Distance::from_metres(metres)),
        distance_uncertainty: found.distance_m.and_then(|(_, metres)| Distance::from_metres(metres)),
        of: identity.ok_or_else(|| unknown_place(name))?,
        on: documents::today(),
        good_for: Duration::from_ns(days * DAY_NS),
        rigtone: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut calibration =
        known.unwrap_or_else(|| Calibration { calibration: document.rig.clone(), ..Calibration::default() });
    calibration.paths.entry(name.to_owned()).or_default().insert(through.to_owned(), measured.clone());
    let file = if how.dry_run { None } else { Some(keep(rig, &document.rig, &calibration)?) };
    if how.json {
        let (rig, measured) = (document.rig.as_str(), &measured);
        printer::json(&Told { schema: "1.0", rig, microphone: name, loudspeaker: through, measured, file })?;
        return Ok(Code::Passed);
    }
    let kept = file.map_or_else(|| "nowhere".to_owned(), |file| file.display().to_string());
    let mut text = format!("{name}, from {through}: {}\n", measured.of);
    for figure in figures(&measured).split("; ") {
        text += &format!("  {figure}\n");
    }
    if measured.distance.is_some() {
        text += "  write it under `heard-by` of a unit that stands where this loudspeaker stood\n";
    }
    text += &format!("  good for {days} d from {}\n  kept in {kept}\n", measured.on);
    printer::out(&text);
    Ok(Code::Passed)
}

/// What was found, in words.
pub(super) fn figures(measured: &MeasuredPath) -> String {
    let MeasuredPath { loopback, spread, rounds, .. } = measured;
    let times = if *rounds == 1 { "round" } else { "rounds" };
    let clocks = format!("clocks {loopback} apart (within {spread} in {rounds} {times})");
    match (measured.distance, measured.distance_uncertainty) {
        (Some(distance), Some(uncertainty)) => format!("{clocks}; {distance} ± {uncertainty} (k = 1) from each other"),
        _ => clocks,
    }
}
