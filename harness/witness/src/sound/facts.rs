//! What a survey says, in the words of the record.

use std::{collections::BTreeMap, fmt::Display};

use rigtone_audio::{
    channels::{Carries, Layout as Played},
    continuity::{Continuity, EventKind, Origin},
    fingerprint::Family,
    measure::{Findings, Outcome, Polarity as Sign, Presence},
    stimulus::{Name, Positions},
    survey::{self, Carried, ChannelFindings, Corner, Floor, Loudness, Survey},
};
use rigtone_model::{
    document::{Fingerprint, Layout, Polarity},
    observation::{Method, Quantity, Value},
};

use super::RATE;

/// The response is always recorded at this frequency in Hz: bass is what codecs and firmware differ in.
const BASS_HZ: f64 = 60.0;
/// How well a level is known, in dB.
const LEVEL_DB: f64 = 0.5;
/// Half the width of an interval in standard uncertainties.
const K: f64 = 2.0;

/// One thing that a survey says.
#[derive(Clone)]
pub(super) struct Fact {
    pub(super) quantity: Quantity,
    pub(super) at_hz: Option<f64>,
    pub(super) value: Value,
    pub(super) method: Method,
    pub(super) quality: BTreeMap<String, f64>,
}

impl Fact {
    /// The channel that should tell when the stimulus left did not hold it.
    pub(super) fn without_reference(&mut self) {
        if self.quantity == Quantity::Latency && matches!(self.value, Value::Inconclusive { .. } | Value::Number { .. })
        {
            self.value = inconclusive(&"the reference channel does not hold the stimulus");
        }
    }
}

/// What a recording of the stimulus `name` answers; nothing if there is no such stimulus.
pub fn carries(name: &str) -> Vec<Quantity> {
    use Quantity as Q;
    let positions = name.parse::<Name>().and_then(|name| Positions::of(name, RATE, 0));
    let Ok(carried) = positions.map(|positions| Carried::by(&positions)) else { return Vec::new() };
    let parts: [(bool, &[Quantity]); 8] = [
        (true, &[Q::Presence, Q::Latency, Q::Level, Q::Snr, Q::Drift]),
        (carried.floor, &[Q::NoiseFloor, Q::AWeightedNoise, Q::Hum]),
        (carried.channels, &[Q::Channels, Q::Polarity, Q::Doubled]),
        (carried.chain, &[Q::GainControl]),
        (carried.response, &[Q::Response, Q::LowerCorner, Q::UpperCorner]),
        (carried.fingerprint, &[Q::Fingerprint, Q::Bandwidth]),
        (carried.thd_n, &[Q::ThdN]),
        (
            carried.noise,
            &[
                Q::AWeightedLevel,
                Q::SoundPressure,
                Q::Howling,
                Q::Dropouts,
                Q::LongestDropout,
                Q::Skips,
                Q::Clicks,
                Q::LevelChanges,
                Q::LevelRange,
                Q::StartUpLoss,
            ],
        ),
    ];
    parts.into_iter().filter(|(there, _)| *there).flat_map(|(_, quantities)| quantities.iter().copied()).collect()
}

/// Everything that a survey says; `bound_ns` is what the rig does not know of the microphone's clock, and the response is
/// wanted at `hz` too.
pub(super) fn facts(survey: &Survey, bound_ns: i64, hz: &[f64]) -> Vec<Fact> {
    let findings = &survey.findings;
    let continuity = survey.steadiness.as_ref().map(|found| &found.continuity);
    let mut facts = Facts { all: Vec::new(), method: named(findings.method, findings.method_version) };
    facts.arrival(findings, bound_ns);
    if !matches!(continuity, Some(Outcome::Measured(_))) {
        // Without a noise that is followed the markers tell.
        facts.outcome(Quantity::Drift, &findings.arrival, |found| {
            (number(found.drift_ppm, K * found.drift_uncertainty_ppm, "ppm"), vec![])
        });
    }
    facts.method = named(survey::METHOD, survey::METHOD_VERSION);
    if let Some(floor) = &survey.floor {
        facts.floor(floor);
    }
    if let Some(channels) = &survey.channels {
        facts.channels(channels);
    }
    if let Some(chain) = &survey.chain {
        facts.outcome(Quantity::GainControl, chain, |found| {
            let quality = vec![
                ("slope", found.slope),
                ("slope-uncertainty", found.slope_uncertainty),
                ("hysteresis-db", found.hysteresis_db),
            ];
            (Value::Truth(found.controlled), quality)
        });
    }
    if let Some(response) = &survey.response {
        let mut wanted: Vec<f64> = std::iter::once(BASS_HZ).chain(hz.iter().copied()).collect();
        wanted.sort_by(f64::total_cmp);
        wanted.dedup();
        for hz in wanted {
            let at = match response {
                Outcome::Measured(found) => found.relative(hz),
                Outcome::Inconclusive(why) => Outcome::Inconclusive(*why),
            };
            facts.outcome(Quantity::Response, &at, |found| {
                (number(found.db, K * found.uncertainty_db, "dB"), vec![("snr-db", found.snr_db)])
            });
            if let Some(fact) = facts.all.last_mut() {
                fact.at_hz = Some(hz);
            }
        }
        let corner = |of: fn(&survey::ResponseFigures) -> &Outcome<Corner>| match response {
            Outcome::Measured(found) => *of(found),
            Outcome::Inconclusive(why) => Outcome::Inconclusive(*why),
        };
        let at = |corner: &Corner, beyond: fn(f64) -> Value| match *corner {
            Corner::At { hz, uncertainty_hz } => number(hz, K * uncertainty_hz, "Hz"),
            Corner::Beyond { hz } => beyond(hz),
        };
        let (lower, upper) = (corner(|found| &found.lower_corner), corner(|found| &found.upper_corner));
        facts.outcome(Quantity::LowerCorner, &lower, |found| (at(found, |hz| at_most(hz, "Hz")), vec![]));
        facts.outcome(Quantity::UpperCorner, &upper, |found| (at(found, |hz| at_least(hz, "Hz")), vec![]));
    }
    if let Some(fingerprint) = &survey.fingerprint {
        facts.outcome(Quantity::Fingerprint, fingerprint, |found| {
            (Value::Word(family(found.family).to_string()), vec![("snr-db", found.snr_db)])
        });
        facts.outcome(Quantity::Bandwidth, fingerprint, |found| match found.edge {
            Some(edge) => {
                let quality = vec![("edge-at-20-db-hz", edge.hz), ("slope-db-per-khz", edge.db_per_khz)];
                (number(edge.upper_hz, K * edge.uncertainty_hz, "Hz"), quality)
            }
            None => (at_least(found.clear_to_hz, "Hz"), vec![]),
        });
    }
    if let Some(thd_n) = &survey.thd_n {
        facts.outcome(Quantity::ThdN, thd_n, |found| {
            let quality = vec![("percent", found.percent), ("noise-db", found.noise_db)];
            (number(found.db, K * found.uncertainty_db, "dB"), quality)
        });
    }
    if let Some(loudness) = &survey.loudness {
        facts.loudness(loudness);
    }
    if let Some(steadiness) = &survey.steadiness {
        facts.outcome(Quantity::Howling, &steadiness.howling, |found| {
            let loudest = found.howls.iter().max_by(|a, b| a.dbfs.total_cmp(&b.dbfs));
            let quality = loudest.map_or_else(Vec::new, |howl| vec![("hz", howl.hz), ("dbfs", howl.dbfs)]);
            (Value::Truth(!found.howls.is_empty()), quality)
        });
        facts.continuity(&steadiness.continuity);
    }
    facts.all
}

/// A jump of the recording itself, at so many seconds: the rig lost or made up samples.
pub(super) fn seam(survey: &Survey) -> Option<f64> {
    let continuity = survey.steadiness.as_ref()?.continuity.measured()?;
    let in_capture = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Skip { origin: Origin::Capture, .. }
                | EventKind::Stall { origin: Origin::Capture, .. }
                | EventKind::Repeat { origin: Origin::Capture, .. }
        )
    };
    continuity.events.iter().find(|event| in_capture(&event.kind)).map(|event| event.from_s)
}

struct Facts {
    all: Vec<Fact>,
    method: Method,
}

impl Facts {
    fn put(&mut self, quantity: Quantity, value: Value, quality: BTreeMap<String, f64>) {
        self.all.push(Fact { quantity, at_hz: None, value, method: self.method.clone(), quality });
    }

    fn outcome<T>(
        &mut self,
        quantity: Quantity,
        outcome: &Outcome<T>,
        say: impl FnOnce(&T) -> (Value, Vec<(&'static str, f64)>),
    ) {
        match outcome {
            Outcome::Measured(found) => {
                let (value, quality) = say(found);
                let finite = quality.into_iter().filter(|(_, figure)| figure.is_finite());
                self.put(quantity, value, finite.map(|(name, figure)| (name.to_owned(), figure)).collect());
            }
            Outcome::Inconclusive(why) => self.put(quantity, inconclusive(why), BTreeMap::new()),
        }
    }

    fn arrival(&mut self, findings: &Findings, bound_ns: i64) {
        let presence = match &findings.presence {
            Presence::Present => Value::Truth(true),
            Presence::Partial { .. } | Presence::Absent | Presence::Foreign => Value::Truth(false),
            Presence::Inconclusive { why } => inconclusive(why),
        };
        let latency = match &findings.latency {
            // What the rig does not know about its own clock comes on top.
            Outcome::Measured(latency) => {
                number(latency.value_s * 1e3, K * 1e3 * latency.uncertainty_s + bound_ns as f64 / 1e6, "ms")
            }
            Outcome::Inconclusive(why) => inconclusive(why),
        };
        let quality = quality(findings);
        self.put(Quantity::Presence, presence, quality.clone());
        self.put(Quantity::Latency, latency, quality.clone());
        let (level, snr) = match &findings.level {
            Outcome::Measured(level) => {
                (number(level.rms_dbfs, LEVEL_DB, "dBFS"), number(level.snr_band_db, LEVEL_DB, "dB"))
            }
            Outcome::Inconclusive(why) => (inconclusive(why), inconclusive(why)),
        };
        self.put(Quantity::Level, level, quality.clone());
        self.put(Quantity::Snr, snr, quality);
    }

    fn floor(&mut self, floor: &Floor) {
        for (quantity, a_weighted) in [(Quantity::NoiseFloor, false), (Quantity::AWeightedNoise, true)] {
            self.outcome(quantity, &floor.noise, |found| {
                let dbfs = if a_weighted { found.a_dbfs } else { found.z_dbfs };
                (number(dbfs, K * found.uncertainty_db, "dBFS"), vec![("seconds", found.seconds)])
            });
        }
        let noise = floor.noise.measured().map(|noise| noise.z_dbfs);
        self.outcome(Quantity::Hum, &floor.hum, |found| {
            let quality = vec![("lines", found.lines.len() as f64), ("threshold-db", found.threshold_db)];
            let uncertainty = found.lines.iter().map(|line| line.uncertainty_db).fold(0.0, f64::max);
            let value = match (found.dbfs, noise) {
                (Some(dbfs), _) => number(dbfs, K * uncertainty, "dBFS"),
                // What was not seen is part of the noise at most.
                (None, Some(noise)) => at_most(noise, "dBFS"),
                (None, None) => inconclusive(&"no line stands out of a noise that was not measured"),
            };
            (value, quality)
        });
    }

    fn channels(&mut self, channels: &ChannelFindings) {
        let layout = match (&channels.heard, &channels.layout) {
            (Outcome::Inconclusive(why), _) | (_, Some(Outcome::Inconclusive(why))) => inconclusive(why),
            (_, Some(Outcome::Measured(layout))) => word(match layout {
                Played::Stereo => Layout::Stereo,
                Played::Swapped => Layout::Swapped,
                Played::MonoSum => Layout::Mono,
                Played::LeftOnly => Layout::LeftOnly,
                Played::RightOnly => Layout::RightOnly,
            }),
            (Outcome::Measured(heard), None) => match heard.carries {
                Carries::Left => word(Layout::LeftOnly),
                Carries::Right => word(Layout::RightOnly),
                Carries::Sum => word(Layout::Mono),
                Carries::Both => inconclusive(
                    &"stereo or swapped: say in the rig's document which driver the microphone is nearer to (`nearer`)",
                ),
            },
        };
        let quality = channels.heard.measured().map(|heard| {
            let likeness = heard.likeness.map(|likeness| ("likeness".to_owned(), likeness));
            likeness.into_iter().chain([("left-over-right-db".to_owned(), heard.ratio_db)]).collect()
        });
        self.put(Quantity::Channels, layout, quality.unwrap_or_default());
        self.outcome(Quantity::Polarity, &channels.polarity, |found| {
            let polarity = match found.polarity {
                Sign::Normal => Polarity::Normal,
                Sign::Inverted => Polarity::Inverted,
            };
            (word(polarity), vec![("margin-db", found.margin_db), ("over-noise-db", found.over_noise_db)])
        });
        self.outcome(Quantity::Doubled, &channels.doubled, |found| {
            let mut quality = vec![("detectable-db", found.detectable_db)];
            if let Some(copy) = found.copies.get(1) {
                quality.extend([("copy-after-ms", copy.lag_s * 1e3), ("copy-db", copy.db)]);
            }
            (Value::Truth(found.doubled), quality)
        });
    }

    fn loudness(&mut self, loudness: &Loudness) {
        self.outcome(Quantity::AWeightedLevel, &loudness.a_weighted, |found| {
            (number(found.dbfs, K * found.uncertainty_db, "dBFS"), vec![("seconds", found.seconds)])
        });
        match &loudness.sound_pressure {
            Some(pressure) => self.outcome(Quantity::SoundPressure, pressure, |found| {
                (number(found.spl_db, K * found.uncertainty_db, "dB SPL"), vec![])
            }),
            None => {
                let why = "the microphone is not calibrated: add `calibrated` to it in the rig's document";
                self.put(Quantity::SoundPressure, inconclusive(&why), BTreeMap::new());
            }
        }
    }

    fn continuity(&mut self, continuity: &Outcome<Continuity>) {
        let found = match continuity {
            Outcome::Measured(found) => found,
            Outcome::Inconclusive(why) => {
                for quantity in [
                    Quantity::Dropouts,
                    Quantity::LongestDropout,
                    Quantity::Skips,
                    Quantity::Clicks,
                    Quantity::LevelChanges,
                    Quantity::LevelRange,
                    Quantity::StartUpLoss,
                ] {
                    self.put(quantity, inconclusive(why), BTreeMap::new());
                }
                return;
            }
        };
        self.method = named(found.method, found.method_version);
        let smallest_ms = found.quality.as_ref().map(|quality| quality.minimum_gap_s * 1e3);
        self.outcome(Quantity::Dropouts, &found.dropouts, |found| {
            let mut quality = vec![("listened-s", found.listened_s), ("total-ms", found.total_s * 1e3)];
            quality.extend(smallest_ms.map(|ms| ("smallest-found-ms", ms)));
            (count(found.count), quality)
        });
        self.outcome(Quantity::LongestDropout, &found.dropouts, |found| {
            let value = match (found.count, smallest_ms) {
                // A shorter one would not have been found.
                (0, Some(ms)) => Value::Range { low: Some(0.0), high: Some(ms), unit: "ms".to_owned() },
                _ => number(found.longest_s * 1e3, K * found.uncertainty_s * 1e3, "ms"),
            };
            (value, vec![])
        });
        self.outcome(Quantity::Skips, &found.jumps, |found| {
            let quality = vec![
                ("skips", found.skips as f64),
                ("stalls", found.stalls as f64),
                ("repeats", found.repeats as f64),
                ("net-frames", found.net_frames as f64),
            ];
            (count(found.skips + found.stalls + found.repeats), quality)
        });
        self.outcome(Quantity::Clicks, &found.clicks, |found| {
            let quality = vec![("clicks", found.clicks as f64), ("bursts", found.bursts as f64)];
            (count(found.clicks + found.bursts), quality)
        });
        self.outcome(Quantity::LevelChanges, &found.levels, |found| {
            let quality = vec![("steps", found.steps as f64), ("fades", found.fades as f64)];
            (count(found.steps + found.fades), quality)
        });
        self.outcome(Quantity::LevelRange, &found.levels, |found| {
            (number(found.range_db, K * found.uncertainty_db, "dB"), vec![("minimum-db", found.minimum_db)])
        });
        self.outcome(Quantity::StartUpLoss, &found.start_up, |found| {
            (number(found.lost_s * 1e3, K * found.uncertainty_s * 1e3, "ms"), vec![])
        });
        self.outcome(Quantity::Drift, &found.clock, |found| {
            let quality = vec![("steady", f64::from(u8::from(found.steady))), ("residual-s", found.residual_s)];
            (number(found.drift_ppm, K * found.uncertainty_ppm, "ppm"), quality)
        });
    }
}

fn named(name: &str, version: u32) -> Method {
    Method { name: name.to_owned(), version }
}

fn inconclusive(reason: &dyn Display) -> Value {
    Value::Inconclusive { reason: reason.to_string() }
}

fn number(value: f64, uncertainty: f64, unit: &str) -> Value {
    Value::Number { value, unit: unit.to_owned(), uncertainty }
}

fn count(times: usize) -> Value {
    number(times as f64, 0.0, "times")
}

fn at_most(high: f64, unit: &str) -> Value {
    Value::Range { low: None, high: Some(high), unit: unit.to_owned() }
}

fn at_least(low: f64, unit: &str) -> Value {
    Value::Range { low: Some(low), high: None, unit: unit.to_owned() }
}

fn word(word: impl Display) -> Value {
    Value::Word(word.to_string())
}

fn family(family: Family) -> Fingerprint {
    match family {
        Family::Cvsd => Fingerprint::Cvsd,
        Family::MSbc => Fingerprint::Msbc,
        Family::BrickWall => Fingerprint::BrickWall,
        Family::SoftEdge => Fingerprint::SoftEdge,
        Family::OtherEdge => Fingerprint::OtherEdge,
        Family::FullBand => Fingerprint::FullBand,
        Family::NotHandsFree => Fingerprint::NotHandsFree,
    }
}

fn quality(findings: &Findings) -> BTreeMap<String, f64> {
    let mut quality = BTreeMap::new();
    let weakest = findings.quality.markers.iter().map(|m| m.psr).fold(f64::INFINITY, f64::min);
    let mut put = |name: &str, value: f64| {
        if value.is_finite() {
            quality.insert(name.to_owned(), value);
        }
    };
    put("weakest-marker-psr", weakest);
    put("markers-found", findings.quality.markers.iter().filter(|m| m.found).count() as f64);
    put("recorded-s", findings.capture.duration_s);
    put("peak-dbfs", findings.capture.peak_dbfs);
    if let Presence::Partial { heard_until_s, .. } = findings.presence {
        put("heard-until-s", heard_until_s);
    }
    if let Outcome::Measured(arrival) = &findings.arrival {
        put("drift-ppm", arrival.drift_ppm);
        put("marker-residual-s", arrival.residual_s);
    }
    quality
}
