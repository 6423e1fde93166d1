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
    for (name, measured) in &calibration.microphones {
        if day_number(&measured.on).is_none() {
            let path = ["microphones", name, "on"];
            let fault = entry.diagnostic(Code::UnfitValue, &path, format!("there is no day `{}`", measured.on));
            faults.push(fault.suggest("write a day such as `2026-11-01`"));
        }
        if measured.good_for < DAY || measured.good_for > LONGEST {
            let path = ["microphones", name, "good-for"];
            let fault = entry.diagnostic(Code::OutOfRange, &path, "a calibration is worth something for 1 d to 3660 d");
            faults.push(fault.suggest("write `365 d`"));
        }
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
}

/// Figures that have come to their end, or soon will.
pub fn stale_calibrations(entry: &Entry<Calibration>, today: &str) -> Vec<Diagnostic> {
    let mut stale = Vec::new();
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
        let rig = &entry.value.calibration;
        stale.push(fault.suggest(format!("put the calibrator on and run `rigtone rig calibrate` for the rig `{rig}`")));
    }
    stale
}
