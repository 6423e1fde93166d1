//! One trial: its timeline, what was heard, its events and its files.

use std::path::Path;

use rigtone_html::{Markup, coordinate, link};
use rigtone_record::is_evidence_path;
use rigtone_report::figure::count;
use rigtone_witness::axis::{Axis, Moment};

use super::words::size;
use crate::{
    digest::{Ending, Facts, File, Kept},
    draw::{Lane, Scene, lanes, timeline, timeline_place},
    sound::{Drawn, Painter, load},
};

/// Rows of a table of events or facts; `rigtone timeline` shows all.
const MOST_ROWS: usize = 120;
/// Recordings that are drawn of one trial.
const MOST_SOUNDS: usize = 2;

/// What a trial may take of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) sounds: bool,
    pub(crate) clips: bool,
}

/// A trial as it is shown. Times on its axis need its evidence, which is read here.
pub(crate) fn trial(m: &mut Markup, run: &Path, combination: usize, kept: Kept, painter: &mut Painter, room: Room) {
    let Kept { facts: kept, axis } = kept;
    let (symbol, word, class) = match kept.ending {
        Ending::Failed => ("✗", "failed", "v-fail"),
        Ending::Untold => ("?", "not told", "v-open"),
        Ending::Lost => ("!", "lost to the rig", "v-infra"),
        Ending::Held => ("✓", "held, for comparison", "v-pass"),
    };
    let again = if kept.attempt > 1 { format!(", attempt {}", kept.attempt) } else { String::new() };
    let title = format!("Trial {}{again}", kept.trial);
    let id = format!("c{combination}t{}a{}", kept.trial, kept.attempt);
    let axis = axis.finish(run);
    let lanes = lanes(&kept, &axis);
    m.open("details", &[("class", &format!("trial {class}")), ("id", &id)]);
    m.open("summary", &[]).open("span", &[("class", &format!("badge {class}"))]);
    m.leaf("span", &[("aria-hidden", "true")], symbol).text(" ").text(word).close("span").text(" ");
    m.leaf("b", &[], &title).text(" ").leaf("span", &[("class", "small")], &kept.words).close("summary");
    m.open("div", &[("class", "body")]);
    let codecs = axis.codecs.to_string();
    if !codecs.is_empty() {
        m.leaf("p", &[("class", "small")], &format!("Codec: {codecs}"));
    }
    if !axis.doubts.is_empty() {
        m.open("ul", &[("class", "notice")]);
        for doubt in axis.doubts.iter().take(20) {
            m.leaf("li", &[], doubt);
        }
        m.close("ul");
    }
    whole(m, &kept, &lanes, &title);
    let mut states: Vec<(usize, String)> = Vec::new();
    if room.sounds {
        sounds(m, run, &kept, &lanes, painter, room.clips, &mut states);
    }
    events(m, &axis);
    facts(m, &kept);
    files(m, run, &kept, &states);
    m.ours("</div></details>");
}

fn scrolled(m: &mut Markup, label: &str, inside: impl FnOnce(&mut Markup)) {
    m.element("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "group"), ("aria-label", label)], inside);
}

fn whole(m: &mut Markup, kept: &Facts, lanes: &[Lane], title: &str) {
    let to = kept.ended_ns.saturating_sub(kept.began_ns) as f64 / 1e9;
    let words =
        format!("{title}: {} on one axis of {to:.1} s; the table of events says the same", count(lanes.len(), "lane"));
    let label = format!("Timeline of {title}");
    scrolled(m, &label, |m| timeline(m, &Scene { lanes, from: 0.0, to: to.max(1e-3), sound: None, words: &words }));
    m.leaf(
        "p",
        &[("class", "small")],
        "Seconds since the trial began. A pale line before a mark: it happened between there and the mark.",
    );
}

fn sounds(
    m: &mut Markup,
    run: &Path,
    kept: &Facts,
    lanes: &[Lane],
    painter: &mut Painter,
    clips: bool,
    states: &mut Vec<(usize, String)>,
) {
    let recordings = kept.files.iter().enumerate().filter(|(_, f)| !f.anchors.is_empty() && f.removed.is_none());
    for (at, file) in recordings.take(MOST_SOUNDS) {
        let heard = match load(run, file, kept.began_ns) {
            Ok(heard) => heard,
            Err(why) => {
                states.push((at, why));
                continue;
            }
        };
        states.push((at, "as recorded".to_owned()));
        // What matters is what was to be heard: it begins when the stimulus left.
        let emitted = kept.emitted_ns.iter().find(|(step, _)| *step == file.step).or(kept.emitted_ns.first());
        let around = emitted.map_or(heard.first, |(_, t_ns)| t_ns.saturating_sub(kept.began_ns) as f64 / 1e9);
        let wanted = (clips && kept.ending == Ending::Failed).then_some(around);
        if let Some(drawn) = painter.draw(&heard, wanted) {
            sound(m, file, &drawn, lanes);
        }
    }
}

fn sound(m: &mut Markup, file: &File, drawn: &Drawn, lanes: &[Lane]) {
    let words = format!(
        "{} from {:.2} s to {:.2} s, waveform and spectrogram; peak {}",
        file.about,
        drawn.from,
        drawn.to,
        drawn.peak_words()
    );
    m.element("figure", &[("class", "sound")], |m| {
        m.leaf("figcaption", &[], &file.about);
        let scene = Scene { lanes, from: drawn.from, to: drawn.to, sound: Some(drawn), words: &words };
        scrolled(m, &file.about, |m| timeline(m, &scene));
        let Some(clip) = &drawn.clip else { return };
        let [left, width, from, to] = timeline_place(&scene).map(|n| format!("{n}"));
        let begin = format!("{}", clip.from);
        m.open(
            "p",
            &[
                ("class", "clip"),
                ("data-left", &left),
                ("data-width", &width),
                ("data-from", &from),
                ("data-to", &to),
                ("data-begin", &begin),
            ],
        );
        m.open(
            "audio",
            &[
                ("controls", ""),
                ("preload", "none"),
                ("aria-label", &format!("Clip of {}", file.about)),
                ("src", &format!("data:audio/wav;base64,{}", clip.wav)),
            ],
        )
        .close("audio");
        let gain = if clip.gain_db >= 0.05 {
            format!("amplified by {:.0} dB", clip.gain_db)
        } else {
            format!("{:.0} dB", clip.gain_db)
        };
        m.leaf(
            "span",
            &[("class", "small")],
            &format!("{} s from {} s on, {gain}, 16 kHz", coordinate(clip.seconds), coordinate(clip.from)),
        );
        m.close("p");
    });
}

fn table(m: &mut Markup, title: &str, heads: &[&str], rows: impl FnOnce(&mut Markup)) {
    m.open("details", &[("class", "more")]).leaf("summary", &[], title);
    scrolled(m, title, |m| {
        m.ours("<table><thead><tr>");
        for head in heads {
            m.leaf("th", &[("scope", "col")], head);
        }
        m.ours("</tr></thead><tbody>");
        rows(m);
        m.ours("</tbody></table>");
    });
    m.close("details");
}

fn known(moment: &Moment) -> String {
    let before = moment.at_ns.saturating_sub(moment.earliest_ns);
    let after = moment.latest_ns.saturating_sub(moment.at_ns);
    let ms = |ns: i64| format!("{:.1} ms", ns as f64 / 1e6);
    match (before, after) {
        (0, 0) => String::new(),
        (before, after) if before == after => format!("± {}", ms(after)),
        (before, _) => format!("− {}", ms(before)),
    }
}

fn events(m: &mut Markup, axis: &Axis) {
    let title = format!("Events ({})", axis.moments.len());
    table(m, &title, &["at s", "known to", "took", "from", "what"], |m| {
        for moment in axis.moments.iter().take(MOST_ROWS) {
            m.open("tr", &[]).leaf("td", &[("class", "number")], &format!("{:.4}", moment.at_ns as f64 / 1e9));
            m.leaf("td", &[("class", "number")], &known(moment));
            let took = moment.took_ns.map(|ns| format!("{:.1} ms", ns as f64 / 1e6)).unwrap_or_default();
            m.leaf("td", &[("class", "number")], &took);
            m.leaf("td", &[], moment.source.as_str()).leaf("td", &[], &moment.what).close("tr");
        }
        more(m, axis.moments.len(), 5);
    });
}

fn more(m: &mut Markup, all: usize, columns: usize) {
    if all > MOST_ROWS {
        let text = format!("{} more; `rigtone timeline` shows them", all - MOST_ROWS);
        m.open("tr", &[]).leaf("td", &[("colspan", &columns.to_string())], &text).close("tr");
    }
}

fn facts(m: &mut Markup, kept: &Facts) {
    if kept.observations.is_empty() {
        return;
    }
    let title = format!("Observations ({})", kept.observations.len());
    table(m, &title, &["step", "quantity", "value", "method"], |m| {
        for seen in kept.observations.iter().take(MOST_ROWS) {
            let hz = seen.at_hz.map(|hz| format!(" at {hz:.0} Hz")).unwrap_or_default();
            let at = format!("{hz}{}", seen.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default());
            m.open("tr", &[]).leaf("td", &[], &seen.of);
            m.leaf("td", &[], &format!("{}{at}", seen.quantity.as_str())).leaf("td", &[], &seen.value.to_string());
            let method = seen.method.as_ref().map(|method| format!("{} {}", method.name, method.version));
            m.leaf("td", &[], &method.unwrap_or_else(|| "as told".to_owned())).close("tr");
        }
        more(m, kept.observations.len(), 4);
    });
}

fn files(m: &mut Markup, run: &Path, kept: &Facts, states: &[(usize, String)]) {
    if kept.files.is_empty() {
        m.leaf("p", &[("class", "small")], "This trial has no evidence files.");
        return;
    }
    m.open("ul", &[("class", "files")]);
    for (at, file) in kept.files.iter().enumerate() {
        m.open("li", &[]);
        let there = is_evidence_path(&file.file) && run.join(&file.file).is_file();
        let name = file.file.rsplit('/').next().unwrap_or(&file.file);
        if there && file.removed.is_none() {
            m.leaf("a", &[("href", &link(file.file.as_bytes()))], name);
        } else {
            m.leaf("code", &[], name);
        }
        let hash: String = file.sha256.chars().take(12).collect();
        m.text(&format!(": {}, {}, SHA-256 ", file.about, size(file.bytes)));
        m.leaf("code", &[("title", &file.sha256)], &format!("{hash}…"));
        let state = states.iter().find(|(of, _)| *of == at).map(|(_, state)| state.as_str());
        match (&file.removed, there, state) {
            (Some(why), ..) => _ = m.text(&format!("; taken away: {why}")),
            (None, false, _) => _ = m.leaf("b", &[("class", "bad")], "; it is missing"),
            (None, true, Some("as recorded")) => _ = m.text("; as recorded"),
            (None, true, Some(state)) => _ = m.leaf("b", &[("class", "bad")], &format!("; {state}")),
            (None, true, None) => {}
        }
        m.close("li");
    }
    m.close("ul");
}
