//! What was measured of a rig itself, and until when that is worth something.

use std::fmt::Write as _;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Calibrated, Rig, firmware::day_number};
use crate::quantity::{Distance, Duration, Level, Loudness};

/// What was measured of a rig. `rigtone rig calibrate` writes it to `calibration/RIG.yaml` beside the rig's document, where
/// every run of that rig finds it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Calibration {
    /// The id of the rig, the same as its file name.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"), extend("examples" = ["lab-1"]))]
    pub calibration: String,
    /// Its microphones, by their names in the rig's document.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub microphones: IndexMap<String, MeasuredLevel>,
    /// The ways of sound from its loudspeakers: by microphone, then by loudspeaker.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub paths: IndexMap<String, IndexMap<String, MeasuredPath>>,
}

/// What a calibrator showed of a microphone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MeasuredLevel {
    /// The sound pressure level of a full-scale signal.
    pub full_scale: Loudness,
    /// Its standard uncertainty: of the calibrator, and of how steady its tone was.
    pub uncertainty: Level,
    /// The sound pressure level of the calibrator.
    pub calibrator: Loudness,
    /// Which microphone it was: where it was plugged in, and what it said it was. Of another one the figure says nothing.
    #[schemars(length(min = 1), extend("examples" = ["USB port 1-2.4 (0d8c:0014), channel 1"]))]
    pub of: String,
    /// The day on which it was measured, in UTC.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), extend("examples" = ["2026-11-01"]))]
    pub on: String,
    /// How long that is worth something, in whole days; default `365 d`.
    #[serde(default = "MeasuredLevel::good_for")]
    pub good_for: Duration,
    /// The version of Rigtone that measured it.
    #[schemars(length(min = 1))]
    pub rigtone: String,
}

/// What a sound showed that went from a loudspeaker of the rig to a microphone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MeasuredPath {
    /// How far apart the times are that the card of the loudspeaker and that of the microphone give to one sound, its flight through the air
    /// taken off: what a latency may be off by that no wire tells.
    pub loopback: Duration,
    /// How far the farthest of several rounds lay from it.
    pub spread: Duration,
    /// How many rounds that were.
    #[schemars(range(min = 1, max = 20))]
    pub rounds: u32,
    /// From the loudspeaker to the microphone; only where a wire tells when the sound left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<Distance>,
    /// Its standard uncertainty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_uncertainty: Option<Distance>,
    /// Which microphone it was: where it was plugged in, and what it said it was. Of another one the figures say nothing.
    #[schemars(length(min = 1), extend("examples" = ["USB port 1-2.4 (0d8c:0014), channel 1"]))]
    pub of: String,
    /// The day on which it was measured, in UTC.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), extend("examples" = ["2026-11-01"]))]
    pub on: String,
    /// How long that is worth something, in whole days; default `365 d`.
    #[serde(default = "MeasuredLevel::good_for")]
    pub good_for: Duration,
    /// The version of Rigtone that measured it.
    #[schemars(length(min = 1))]
    pub rigtone: String,
}

/// What a measurement of some day is worth on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Worth {
    /// It holds.
    Holds,
    /// It holds, and soon ends: so many days are left.
    Ends(i64),
    /// It ended so many days ago.
    Ended(i64),
    /// It was measured on a day that has not come yet, or that is none.
    Unknown,
}

/// Whoever has the calibrator is told so many days before.
const SOON_D: i64 = 14;
/// What may have become of a microphone since its calibration ended, as a standard uncertainty in dB: electret capsules age
/// by some tenths of a decibel a year, and a gain that was touched is not noticed.
const AGED_DB: f64 = 1.0;

impl MeasuredLevel {
    const fn good_for() -> Duration {
        Duration::from_s(365 * 86_400)
    }

    /// What it is worth on a day, written as YYYY-MM-DD.
    pub fn worth(&self, today: &str) -> Worth {
        Worth::of(&self.on, self.good_for, today)
    }

    /// The figure as it is used on that day: once it has ended, less is known of it.
    pub fn figure(&self, today: &str) -> Calibrated {
        let uncertainty = match self.worth(today) {
            Worth::Holds | Worth::Ends(_) => self.uncertainty,
            Worth::Ended(_) | Worth::Unknown => {
                Level::from_db(self.uncertainty.db().hypot(AGED_DB)).unwrap_or(self.uncertainty)
            }
        };
        Calibrated { full_scale: self.full_scale, uncertainty }
    }
}

impl MeasuredPath {
    /// What it is worth on a day, written as YYYY-MM-DD.
    pub fn worth(&self, today: &str) -> Worth {
        Worth::of(&self.on, self.good_for, today)
    }

    /// What a latency may be off by.
    pub fn bound(&self) -> Duration {
        Duration::from_ns(self.loopback.ns().saturating_add(self.spread.ns()))
    }
}

impl Worth {
    /// What a measurement is worth on a day that was good for so long from another one, both written as YYYY-MM-DD.
    fn of(on: &str, good_for: Duration, today: &str) -> Self {
        let (Some(on), Some(today)) = (day_number(on), day_number(today)) else { return Self::Unknown };
        let left = on + good_for.ns() / 86_400_000_000_000 - today;
        match left {
            _ if on > today => Self::Unknown,
            ..0 => Self::Ended(-left),
            0..=SOON_D => Self::Ends(left),
            _ => Self::Holds,
        }
    }
}

impl Calibration {
    /// The ways of sound that were measured: microphone, loudspeaker, and what was found.
    pub fn ways(&self) -> impl Iterator<Item = (&str, &str, &MeasuredPath)> {
        self.paths.iter().flat_map(|(microphone, loudspeakers)| {
            loudspeakers
                .iter()
                .map(move |(loudspeaker, measured)| (microphone.as_str(), loudspeaker.as_str(), measured))
        })
    }

    /// Gives a rig's microphones what was measured of them. What the rig's own document states stays.
    pub fn apply(&self, rig: &mut Rig, today: &str) {
        for (name, measured) in &self.microphones {
            if let Some(microphone) = rig.microphones.get_mut(name) {
                microphone.calibrated.get_or_insert_with(|| measured.figure(today));
            }
        }
    }

    /// The document as a file holds it.
    pub fn text(&self) -> String {
        let mut text = "# yaml-language-server: $schema=../../reports/schemas/calibration.schema.json\n".to_owned();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# Written by `rigtone rig calibrate`: measure again rather than change a figure.");
        let _ = writeln!(text, "calibration: {}", self.calibration);
        if !self.microphones.is_empty() {
            let _ = writeln!(text, "microphones:");
        }
        for (name, measured) in &self.microphones {
            let _ = writeln!(text, "  {}:", quoted(name));
            let _ = writeln!(text, "    full-scale: {}", measured.full_scale);
            let _ = writeln!(text, "    uncertainty: {}", measured.uncertainty);
            let _ = writeln!(text, "    calibrator: {}", measured.calibrator);
            let _ = writeln!(text, "    of: {}", quoted(&measured.of));
            let _ = writeln!(text, "    on: {}", quoted(&measured.on));
            let _ = writeln!(text, "    good-for: {} d", measured.good_for.ns() / 86_400_000_000_000);
            let _ = writeln!(text, "    rigtone: {}", quoted(&measured.rigtone));
        }
        if !self.paths.is_empty() {
            let _ = writeln!(text, "paths:");
        }
        for (microphone, loudspeakers) in &self.paths {
            let _ = writeln!(text, "  {}:", quoted(microphone));
            for (loudspeaker, measured) in loudspeakers {
                let _ = writeln!(text, "    {}:", quoted(loudspeaker));
                let _ = writeln!(text, "      loopback: {}", measured.loopback);
                let _ = writeln!(text, "      spread: {}", measured.spread);
                let _ = writeln!(text, "      rounds: {}", measured.rounds);
                if let Some(distance) = measured.distance {
                    let _ = writeln!(text, "      distance: {distance}");
                }
                if let Some(uncertainty) = measured.distance_uncertainty {
                    let _ = writeln!(text, "      distance-uncertainty: {uncertainty}");
                }
                let _ = writeln!(text, "      of: {}", quoted(&measured.of));
                let _ = writeln!(text, "      on: {}", quoted(&measured.on));
                let _ = writeln!(text, "      good-for: {} d", measured.good_for.ns() / 86_400_000_000_000);
                let _ = writeln!(text, "      rigtone: {}", quoted(&measured.rigtone));
            }
        }
        text
    }
}

/// A text in double quotes, which YAML reads as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn measured(on: &str, days: i64) -> MeasuredLevel {
        MeasuredLevel {
            full_scale: "120.5 dB SPL".parse().expect("a loudness"),
            uncertainty: "0.3 dB".parse().expect("a level"),
            calibrator: "94 dB SPL".parse().expect("a loudness"),
            of: "USB port 1-2.4 (0d8c:0014, serial \"x\"), channel 1".to_owned(),
            on: on.to_owned(),
            good_for: Duration::from_s(days * 86_400),
            rigtone: "0.1.0".to_owned(),
        }
    }

    #[rstest]
    #[case("2026-11-01", Worth::Holds, "0.3 dB")]
    #[case("2026-11-16", Worth::Holds, "0.3 dB")]
    #[case("2026-11-17", Worth::Ends(14), "0.3 dB")]
    #[case("2026-12-01", Worth::Ends(0), "0.3 dB")]
    #[case("2026-12-02", Worth::Ended(1), "1.04 dB")]
    #[case("2026-10-31", Worth::Unknown, "1.04 dB")]
    fn a_figure_is_worth_something_for_its_days(#[case] today: &str, #[case] worth: Worth, #[case] uncertainty: &str) {
        let measured = measured("2026-11-01", 30);
        assert_eq!(measured.worth(today), worth);
        let used = measured.figure(today);
        assert!(used.uncertainty.to_string().starts_with(uncertainty), "{}", used.uncertainty);
        assert_eq!(used.full_scale, measured.full_scale);
    }

    #[test]
    fn a_day_that_is_none_is_worth_nothing() {
        assert_eq!(measured("2026-02-30", 30).worth("2026-03-01"), Worth::Unknown);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let microphones = [("bench-1".to_owned(), measured("2026-11-01", 365))].into_iter().collect();
        let path = MeasuredPath {
            loopback: "1.25 ms".parse().expect("a duration"),
            spread: "12 us".parse().expect("a duration"),
            rounds: 5,
            distance: Distance::from_metres(0.8504),
            distance_uncertainty: Distance::from_metres(0.012),
            of: "USB port 1-2 \"x\"".to_owned(),
            on: "2026-11-30".to_owned(),
            good_for: Duration::from_s(30 * 86_400),
            rigtone: "0.1.0".to_owned(),
        };
        let taped = MeasuredPath { distance: None, distance_uncertainty: None, ..path.clone() };
        let loudspeakers = [("desk".to_owned(), path), ("shelf".to_owned(), taped)].into_iter().collect();
        let paths = [("bench-1".to_owned(), loudspeakers)].into_iter().collect();
        let calibration = Calibration { calibration: "lab".to_owned(), microphones, paths };
        let bytes = calibration.text().into_bytes();
        let loaded = crate::load::load(vec![crate::load::SourceFile { path: "calibration/lab.yaml".into(), bytes }]);
        assert_eq!(loaded.diagnostics, []);
        assert_eq!(loaded.library.calibrations["lab"].value, calibration);
    }
}
