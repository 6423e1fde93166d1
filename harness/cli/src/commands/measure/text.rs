//! A report for people: one line for each measurement, with its uncertainty or with the reason why there is none.

use std::{fmt::Display, fmt::Write as _, path::Path};

use rigtone_audio::{
    continuity::{Continuity, Event, EventKind},
    measure::{Outcome, Presence},
    survey::{Corner, Survey},
};
use rigtone_measure::{Report, SoundFindings};
use rigtone_report::{figure::count, sanitise};
use serde::Serialize;

pub(super) fn text(path: &Path, report: &Report) -> String {
    let mut rows = Rows(String::new());
    let facts = &report.recording;
    let _ = writeln!(
        rows.0,
        "{}: {:.2} s, {} channels at {} Hz, peak {:.1} dBFS",
        sanitise::line(&path.display().to_string()),
        facts.figures.duration_s,
        facts.channels,
        facts.rate,
        facts.figures.peak_dbfs
    );
    if let Some(remark) = facts.remark {
        rows.row("file", word(&remark));
    }
    if let Some(reference) = &report.reference {
        rows.row("reference heard", presence(&reference.presence));
    }
    if let Some(found) = &report.survey {
        survey(&mut rows, found);
    }
    if let Some(found) = &report.sound {
        sound(&mut rows, found);
    }
    if let Some(against) = &report.against {
        for at in &against.response {
            rows.measured(&format!("difference at {:.0} Hz", at.hz), &at.difference, |found| {
                format!("{:+.2} ± {:.2} dB", found.db, found.uncertainty_db)
            });
        }
    }
    rows.0
}

struct Rows(String);

impl Rows {
    fn row(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "  {name:<24}{value}");
    }

    fn measured<T>(&mut self, name: &str, outcome: &Outcome<T>, show: impl FnOnce(&T) -> String) {
        match outcome {
            Outcome::Measured(value) => self.row(name, show(value)),
            Outcome::Inconclusive(why) => self.row(name, format!("inconclusive: {why}")),
        }
    }
}

/// The word that JSON has for a value, or the kind of one with fields.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Object(fields)) => {
            fields.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned()
        }
        _ => String::new(),
    }
}

fn presence(presence: &Presence) -> String {
    match presence {
        Presence::Present => "yes".to_owned(),
        Presence::Partial { heard_until_s, missing } => {
            format!("in part: {} stretches missing, heard until {heard_until_s:.2} s", missing.len())
        }
        Presence::Absent => "no".to_owned(),
        Presence::Foreign => "another stimulus, or another code: that of another speaker or rig".to_owned(),
        Presence::Inconclusive { why } => format!("inconclusive: {why}"),
    }
}

fn sound(rows: &mut Rows, found: &SoundFindings) {
    rows.measured("heard", &found.heard, |heard| if *heard { "yes" } else { "no" }.to_owned());
    if let Some(place) = found.place {
        rows.row("likeliest place", format!("frame {:.1}, likeness {:.2}", place.frame, place.likeness));
    }
    rows.measured("arrival", &found.arrival, |found| {
        format!("frame {:.2} ± {:.1} us, {}", found.frame, found.uncertainty_s * 1e6, word(&found.polarity))
    });
    rows.measured("latency", &found.latency, |found| {
        format!("{:.3} ± {:.3} ms", found.value_s * 1e3, found.uncertainty_s * 1e3)
    });
    match &found.continuity {
        Outcome::Inconclusive(why) => rows.row("continuity", format!("inconclusive: {why}")),
        Outcome::Measured(found) => continuity(rows, found),
    }
}

fn survey(rows: &mut Rows, survey: &Survey) {
    let findings = &survey.findings;
    rows.row("heard", presence(&findings.presence));
    rows.measured("arrival", &findings.arrival, |found| {
        format!("frame {:.2} ± {:.1} us", found.frame, found.uncertainty_s * 1e6)
    });
    rows.measured("latency", &findings.latency, |found| {
        format!("{:.3} ± {:.3} ms", found.value_s * 1e3, found.uncertainty_s * 1e3)
    });
    rows.measured("level", &findings.level, |found| {
        format!("{:.1} dBFS, {:.1} dB over the noise", found.rms_dbfs, found.snr_band_db)
    });
    if let Some(floor) = &survey.floor {
        rows.measured("noise floor", &floor.noise, |found| {
            format!("{:.1} dBFS, {:.1} dBFS(A) ± {:.1} dB", found.z_dbfs, found.a_dbfs, found.uncertainty_db)
        });
        rows.measured("hum", &floor.hum, |found| match found.dbfs {
            Some(dbfs) => format!("{dbfs:.1} dBFS in {}", count(found.lines.len(), "line")),
            None => "none".to_owned(),
        });
        rows.measured("signal to noise", &floor.snr, |found| {
            format!("{:.1} ± {:.1} dB", found.value_db, found.uncertainty_db)
        });
    }
    if let Some(channels) = &survey.channels {
        rows.measured("channels", &channels.heard, |found| {
            format!("{}, left over right {:+.1} dB", word(&found.carries), found.ratio_db)
        });
        if let Some(layout) = &channels.layout {
            rows.measured("layout", layout, word);
        }
        rows.measured("polarity", &channels.polarity, |found| word(&found.polarity));
        rows.measured("doubled", &channels.doubled, |found| match found.copies.first() {
            Some(copy) if found.doubled => format!("yes: {:.1} ms later at {:.1} dB", copy.lag_s * 1e3, copy.db),
            _ => "no".to_owned(),
        });
    }
    if let Some(chain) = &survey.chain {
        rows.measured("gain control", chain, |found| {
            let answer = if found.controlled { "yes" } else { "no" };
            format!("{answer}: {:.3} ± {:.3} dB per dB", found.slope, found.slope_uncertainty)
        });
    }
    if let Some(response) = &survey.response {
        rows.measured("response at 60 Hz", response, |found| match &found.at_60_hz {
            Outcome::Measured(at) => format!("{:+.2} ± {:.2} dB re 1 kHz", at.db, at.uncertainty_db),
            Outcome::Inconclusive(why) => format!("inconclusive: {why}"),
        });
        if let Outcome::Measured(found) = response {
            rows.measured("lower corner", &found.lower_corner, corner);
            rows.measured("upper corner", &found.upper_corner, corner);
        }
    }
    if let Some(fingerprint) = &survey.fingerprint {
        rows.measured("bandwidth", fingerprint, |found| {
            format!("{}, clear up to {:.0} Hz", word(&found.family), found.clear_to_hz)
        });
    }
    if let Some(thd_n) = &survey.thd_n {
        rows.measured("THD+N", thd_n, |found| format!("{:.1} ± {:.1} dB", found.db, found.uncertainty_db));
    }
    if let Some(loudness) = &survey.loudness {
        rows.measured("A-weighted", &loudness.a_weighted, |found| {
            format!("{:.1} ± {:.1} dBFS(A)", found.dbfs, found.uncertainty_db)
        });
        if let Some(pressure) = &loudness.sound_pressure {
            rows.measured("sound pressure", pressure, |found| {
                format!("{:.1} ± {:.1} dB(A)", found.spl_db, found.uncertainty_db)
            });
        }
    }
    if let Some(steadiness) = &survey.steadiness {
        rows.measured("howling", &steadiness.howling, |found| match found.howls.first() {
            Some(howl) => format!("yes: {:.0} Hz at {:.1} dBFS", howl.hz, howl.dbfs),
            None => "no".to_owned(),
        });
        match &steadiness.continuity {
            Outcome::Inconclusive(why) => rows.row("continuity", format!("inconclusive: {why}")),
            Outcome::Measured(found) => continuity(rows, found),
        }
    }
}

fn corner(corner: &Corner) -> String {
    match corner {
        Corner::At { hz, uncertainty_hz } => format!("{hz:.0} ± {uncertainty_hz:.0} Hz"),
        Corner::Beyond { hz } => format!("beyond {hz:.0} Hz"),
    }
}

fn continuity(rows: &mut Rows, found: &Continuity) {
    rows.measured("dropouts", &found.dropouts, |found| match found.count {
        0 => format!("none in {:.1} s", found.listened_s),
        count => format!("{count} in {:.1} s, the longest {:.2} ms", found.listened_s, found.longest_s * 1e3),
    });
    rows.measured("skips, stalls, repeats", &found.jumps, |found| {
        format!("{}, {}, {}: {:+} frames in all", found.skips, found.stalls, found.repeats, found.net_frames)
    });
    rows.measured("clicks", &found.clicks, |found| format!("{}, and {}", found.clicks, count(found.bursts, "burst")));
    rows.measured("level changes", &found.levels, |found| {
        format!("{} steps, {} fades, range {:.1} dB", found.steps, found.fades, found.range_db)
    });
    rows.measured("start-up loss", &found.start_up, |found| {
        format!("{:.2} ± {:.2} ms", found.lost_s * 1e3, found.uncertainty_s * 1e3)
    });
    rows.measured("clock drift", &found.clock, |found| {
        let steady = if found.steady { "steady" } else { "changing" };
        format!("{:+.2} ± {:.2} ppm, {steady}", found.drift_ppm, found.uncertainty_ppm)
    });
    // What could not be measured has no events to be believed.
    let is_known = |event: &&Event| match event.kind {
        EventKind::Mute { .. } | EventKind::Garbled | EventKind::Lost => found.dropouts.measured().is_some(),
        EventKind::Skip { .. } | EventKind::Stall { .. } | EventKind::Repeat { .. } => found.jumps.measured().is_some(),
        EventKind::Click { .. } | EventKind::Burst { .. } => found.clicks.measured().is_some(),
        EventKind::Step { .. } | EventKind::Fade { .. } => found.levels.measured().is_some(),
    };
    let events: Vec<&Event> = found.events.iter().filter(is_known).collect();
    for event in events.iter().take(20) {
        let (from, length) = (event.from_s, event.length_s() * 1e3);
        rows.row("", format!("{from:.3} s: {}, {length:.2} ms", word(&event.kind)));
    }
    if events.len() > 20 {
        rows.row("", format!("and {} more: see --json", events.len() - 20));
    }
}
