//! What was measured of a rig.

use super::dangling;
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Calibration, Worth, day_number},
    load::{Entry, Library},
    quantity::Duration,
};

/// A day.
const DAY: Duration = Duration::from_s(86_400);
/// Nobody calibrates for longer.
const LONGEST: Duration = Duration::from_s(3_660 * 86_400);

pub(super) fn check(entry: &Entry<Calibration>, library: &Library, faults: &mut Vec<Diagnostic>) {
    let calibration = &entry.value;
    let mut dated = |path: &[&str], on: &str, good_for: Duration| {
        let at = |key: &'static str| [path, &[key]].concat();
        if day_number(on).is_none() {
            let fault = entry.diagnostic(Code::UnfitValue, &at("on"), format!("there is no day `{on}`"));
            faults.push(fault.suggest("write a day such as `2026-11-01`"));
        }
        if good_for < DAY || good_for > LONGEST {
            let message = "a calibration is worth something for 1 d to 3660 d";
            faults.push(entry.diagnostic(Code::OutOfRange, &at("good-for"), message).suggest("write `365 d`"));
        }
    };
    for (name, measured) in &calibration.microphones {
        dated(&["microphones", name], &measured.on, measured.good_for);
    }
    for (microphone, loudspeaker, measured) in calibration.ways() {
        dated(&["paths", microphone, loudspeaker], &measured.on, measured.good_for);
    }
    if library.rigs.is_empty() || library.is_faulty(&calibration.calibration) {
        return;
    }
    let Some(rig) = library.rigs.get(&calibration.calibration) else {
        // Of several rigs one may have been left out on purpose.
        let known: Vec<&str> = library.rigs.keys().map(String::as_str).collect();
        faults.push(dangling(entry, &["calibration"], "rig", &calibration.calibration, &known));
        return;
    };
    let known: Vec<&str> = rig.value.microphones.keys().map(String::as_str).collect();
    for name in calibration.microphones.keys() {
        match rig.value.microphones.get(name) {
            None => faults.push(dangling(entry, &["microphones", name], "microphone", name, &known)),
            Some(microphone) if microphone.calibrated.is_some() => {
                let message = format!("the rig's document states a figure of `{name}` too");
                let own = ["microphones", name, "calibrated"];
                faults.push(
                    entry
                        .diagnostic(Code::NotExactlyOne, &["microphones", name], message)
                        .label(&rig.path, rig.position(&own), "it stands here")
                        .suggest("delete `calibrated` there: what was measured here has a day and a microphone to it"),
                );
            }
            Some(_) => {}
        }
    }
    let loudspeakers: Vec<&str> = rig.value.loudspeakers.keys().map(String::as_str).collect();
    for (microphone, loudspeaker, _) in calibration.ways() {
        if !rig.value.microphones.contains_key(microphone) {
            faults.push(dangling(entry, &["paths", microphone], "microphone", microphone, &known));
        } else if !rig.value.loudspeakers.contains_key(loudspeaker) {
            let path = ["paths", microphone, loudspeaker];
            faults.push(dangling(entry, &path, "loudspeaker", loudspeaker, &loudspeakers));
        }
    }
}

/// Figures that have come to their end, or soon will.
pub fn stale_calibrations(entry: &Entry<Calibration>, today: &str) -> Vec<Diagnostic> {
    let mut stale = Vec::new();
    let rig = &entry.value.calibration;
    for (microphone, loudspeaker, measured) in entry.value.ways() {
        let message = match measured.worth(today) {
            Worth::Ended(days) => format!(
                "what was measured of the way from `{loudspeaker}` to `{microphone}` ended {days} days ago, and is not used"
            ),
            Worth::Unknown if day_number(&measured.on).is_some() => {
                format!(
                    "the way from `{loudspeaker}` to `{microphone}` was measured on a day that has not come yet, and is not used"
                )
            }
            _ => continue,
        };
        let fault = entry.diagnostic(Code::StaleCalibration, &["paths", microphone, loudspeaker, "on"], message);
        let command =
            format!("run `rigtone rig calibrate RIG {microphone} --through {loudspeaker}` for the rig `{rig}`");
        stale.push(fault.suggest(command));
    }
    for (name, measured) in &entry.value.microphones {
        let message = match measured.worth(today) {
            Worth::Holds => continue,
            // What is no day is a fault of its own.
            Worth::Unknown if day_number(&measured.on).is_none() => continue,
            Worth::Unknown => {
                format!("`{name}` was calibrated on a day that has not come yet; its uncertainty is taken as larger")
            }
            Worth::Ends(0) => format!("the calibration of `{name}` ends today"),
            Worth::Ends(days) => format!("the calibration of `{name}` ends in {days} days"),
            Worth::Ended(days) => {
                format!("the calibration of `{name}` ended {days} days ago; its uncertainty is taken as larger")
            }
        };
        let fault = entry.diagnostic(Code::StaleCalibration, &["microphones", name, "on"], message);
        stale.push(fault.suggest(format!("put the calibrator on and run `rigtone rig calibrate` for the rig `{rig}`")));
    }
    stale
}
