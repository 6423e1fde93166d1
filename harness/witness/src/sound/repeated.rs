//! A stimulus that was sent again and again: each time is measured by itself, and all of them are told as one.
//!
//! The recording is gone through in windows, one for each time. A window begins and ends later than the time itself by the delay of the sound,
//! as the time before it had it, so that the markers of its neighbours lie outside.

use std::collections::BTreeMap;

use rigtone_model::{
    event::Anchor,
    observation::{Quantity, Value},
};

use super::{Emitted, Fact, HearError, Heard, Take, frame_at, once};
use rigtone_audio::stimulus::{PartKind, Stimulus};

/// What of a window lies before its time: less than the silence at the end of every stimulus.
const LEAD_S: f64 = 0.1;
/// What of a window lies behind its time, where the delay of the sound is known.
const TAIL_S: f64 = 0.25;
/// The longest delay that is looked for while it is not known.
const DELAY_S: f64 = 0.9;
/// What lies between a window and the first marker of the next time, at the least.
const GUARD_S: f64 = 0.05;

/// More than what lies behind the last marker but one of any stimulus: a time of which less is missing was heard to its end.
const END_S: f64 = 1.0;

/// One time that the stimulus was sent.
struct Piece {
    facts: Vec<Fact>,
    /// When it was sent, in seconds after the first.
    at_s: f64,
    presence: Option<bool>,
    /// How long of it was heard, where it was heard in part.
    heard_s: Option<f64>,
}

impl Piece {
    /// Whether nothing was heard of it from some moment on.
    fn is_silent_at_its_end(&self, period_s: f64) -> bool {
        self.presence == Some(false) && self.heard_s.is_none_or(|heard_s| period_s - heard_s > END_S)
    }
}

/// What the recording of a stimulus says that was sent `times` times.
pub(super) fn hear(take: &Take<'_>, stimulus: &Stimulus, hz: &[f64], times: u32) -> Result<Heard, HearError> {
    let Some(emitted) = take.emitted else {
        // Nobody knows where the times begin, so that only the first can be found.
        return once(take, stimulus, hz);
    };
    let rate = f64::from(take.rate);
    let period_s = stimulus.duration_s();
    let first = frame_at(take.anchors, emitted.t_ns).unwrap_or(0.0);
    let markers = stimulus.positions().parts.iter().filter(|part| matches!(part.kind, PartKind::Marker { .. }));
    let before_markers_s = markers.map(|part| part.start).min().unwrap_or(0) as f64 / rate - GUARD_S;
    let mut delay_s = None;
    let (mut pieces, mut seam_s): (Vec<Piece>, Option<f64>) = (Vec::new(), None);
    for time in 0..times {
        let at_s = period_s * f64::from(time);
        let begin = first + at_s * rate;
        let tail_s = delay_s.map_or(DELAY_S.min(before_markers_s), |delay| delay + TAIL_S.min(before_markers_s));
        let lead = if time == 0 { begin } else { (LEAD_S - delay_s.unwrap_or(0.0)) * rate };
        let from = (begin - lead).max(0.0) as usize;
        let to = ((begin + (period_s + tail_s) * rate).max(0.0) as usize).min(take.samples.len());
        // A recording that broke off says nothing of what would have followed.
        if to <= from || (to as f64) < begin + period_s * rate * 0.5 {
            break;
        }
        let anchors: Vec<Anchor> =
            take.anchors.iter().map(|anchor| Anchor { frame: anchor.frame - from as f64, ..*anchor }).collect();
        let t_ns = emitted.t_ns.saturating_add((at_s * 1e9) as i64);
        let window = Take {
            samples: &take.samples[from..to],
            reference: take.reference.map(|samples| &samples[from.min(samples.len())..to.min(samples.len())]),
            anchors: &anchors,
            emitted: Some(Emitted { t_ns, ..emitted }),
            ..*take
        };
        let heard = once(&window, stimulus, hz)?;
        seam_s = seam_s.or(heard.seam_s.map(|seam| seam + from as f64 / rate));
        let presence = find(&heard.facts, Quantity::Presence);
        if let Some(Fact { value: Value::Number { value, .. }, .. }) = find(&heard.facts, Quantity::Latency) {
            delay_s = Some(value / 1e3);
        }
        let heard_s = presence.and_then(|fact| fact.quality.get("heard-until-s").copied());
        let presence = presence.and_then(|fact| match fact.value {
            Value::Truth(heard) => Some(heard),
            _ => None,
        });
        pieces.push(Piece { facts: heard.facts, at_s, presence, heard_s });
    }
    if pieces.is_empty() {
        return once(take, stimulus, hz);
    }
    Ok(Heard { facts: together(&pieces, times as usize, period_s), seam_s })
}

fn find(facts: &[Fact], quantity: Quantity) -> Option<&Fact> {
    facts.iter().find(|fact| fact.quantity == quantity)
}

/// What all times say, as one.
fn together(pieces: &[Piece], times: usize, period_s: f64) -> Vec<Fact> {
    let mut keys: Vec<(Quantity, Option<f64>)> = Vec::new();
    for fact in pieces.iter().flat_map(|piece| &piece.facts) {
        if !keys.contains(&(fact.quantity, fact.at_hz)) {
            keys.push((fact.quantity, fact.at_hz));
        }
    }
    let silences = silences(pieces, period_s);
    let mut facts: Vec<Fact> = keys
        .into_iter()
        .filter_map(|(quantity, at_hz)| {
            let same = |fact: &&Fact| (fact.quantity, fact.at_hz) == (quantity, at_hz);
            // What is missing of a time that broke off is a silence, and no hole beside it.
            let counts = quantity != Quantity::Dropouts && quantity != Quantity::LongestDropout;
            let whole = pieces.iter().filter(|piece| counts || !piece.is_silent_at_its_end(period_s));
            let mut each: Vec<&Fact> = whole.filter_map(|piece| piece.facts.iter().find(same)).collect();
            if each.is_empty() {
                each.extend(pieces.iter().find_map(|piece| piece.facts.iter().find(same)));
            }
            one(quantity, &each, &silences)
        })
        .collect();
    if let Some(presence) = facts.iter_mut().find(|fact| fact.quantity == Quantity::Presence) {
        tell_presence(presence, pieces, times);
    }
    for fact in &mut facts {
        fact.quality.insert("times-sent".to_owned(), times as f64);
    }
    facts
}

/// Stretches in which nothing was heard between times that were, or behind them, in seconds.
fn silences(pieces: &[Piece], period_s: f64) -> Vec<f64> {
    let mut found: Vec<f64> = Vec::new();
    let (mut heard, mut open) = (false, false);
    for piece in pieces {
        match (piece.presence, piece.heard_s) {
            (Some(false), Some(heard_s)) if piece.is_silent_at_its_end(period_s) => {
                // What is missing of it is the beginning of a silence.
                found.push((period_s - heard_s).max(0.0));
                (heard, open) = (true, true);
            }
            // A time with holes was heard to its end.
            (Some(true), _) | (Some(false), Some(_)) => (heard, open) = (true, false),
            (Some(false), None) if open => *found.last_mut().expect("it is open") += period_s,
            (Some(false), None) if heard => {
                found.push(period_s);
                open = true;
            }
            (Some(false), None) | (None, _) => open = false,
        }
    }
    found
}

fn tell_presence(fact: &mut Fact, pieces: &[Piece], times: usize) {
    let unheard = pieces.iter().find(|piece| piece.presence == Some(false));
    let known = pieces.iter().all(|piece| piece.presence.is_some());
    fact.value = match unheard {
        Some(_) => Value::Truth(false),
        None if known && pieces.len() == times => Value::Truth(true),
        None if known => super::inconclusive_after(pieces.len(), times),
        None => pieces
            .iter()
            .filter(|piece| piece.presence.is_none())
            .find_map(|piece| find(&piece.facts, Quantity::Presence).map(|fact| fact.value.clone()))
            .unwrap_or_else(|| super::inconclusive_after(pieces.len(), times)),
    };
    fact.quality.remove("heard-until-s");
    let times_heard = pieces.iter().filter(|piece| piece.presence == Some(true)).count();
    fact.quality.insert("times-heard".to_owned(), times_heard as f64);
    if let Some(piece) = unheard
        && (times_heard > 0 || piece.heard_s.is_some())
    {
        fact.quality.insert("heard-until-s".to_owned(), piece.at_s + piece.heard_s.unwrap_or(0.0));
    }
}

/// One quantity of all times.
fn one(quantity: Quantity, each: &[&Fact], silences: &[f64]) -> Option<Fact> {
    let told: Vec<&Fact> =
        each.iter().copied().filter(|fact| !matches!(fact.value, Value::Inconclusive { .. })).collect();
    let first = *told.first().or(each.first())?;
    let mut whole = first.clone();
    if told.is_empty() {
        return Some(whole);
    }
    match quantity {
        // What happens at the beginning is told of the beginning.
        Quantity::Presence | Quantity::Latency | Quantity::StartUpLoss => whole = (*each.first()?).clone(),
        Quantity::NoiseFloor | Quantity::AWeightedNoise | Quantity::Hum => {}
        Quantity::Dropouts => {
            whole = summed(first, &told);
            if let Value::Number { value, .. } = &mut whole.value {
                *value += silences.len() as f64;
            }
            for key in ["total-ms", "listened-s"] {
                let scale = if key == "total-ms" { 1e3 } else { 1.0 };
                *whole.quality.entry(key.to_owned()).or_default() += scale * silences.iter().sum::<f64>();
            }
        }
        Quantity::Skips | Quantity::Clicks | Quantity::LevelChanges => whole = summed(first, &told),
        Quantity::LongestDropout => {
            let silent = silences.iter().copied().fold(0.0, f64::max) * 1e3;
            whole = greatest(&told).clone();
            if number(&whole.value).is_none_or(|longest| longest < silent) && silent > 0.0 {
                // As well as a time is known to have been heard or not.
                whole.value = Value::Number { value: silent, unit: "ms".to_owned(), uncertainty: 100.0 };
            }
        }
        Quantity::LevelRange => whole = greatest(&told).clone(),
        _ => match &first.value {
            Value::Truth(_) => {
                let yes = told.iter().find(|fact| fact.value == Value::Truth(true));
                whole = (*yes.unwrap_or(&first)).clone();
            }
            Value::Word(word) => {
                if let Some(other) = told.iter().find(|fact| fact.value != first.value) {
                    let reason = format!("it is not the same all the time: {word}, and {}", other.value);
                    whole.value = Value::Inconclusive { reason };
                }
            }
            _ => whole = middle(&told).clone(),
        },
    }
    whole.quality.insert("times-measured".to_owned(), told.len() as f64);
    Some(whole)
}

/// A count of all times, with what was listened to.
fn summed(first: &Fact, told: &[&Fact]) -> Fact {
    let mut whole = first.clone();
    let sum = told.iter().filter_map(|fact| number(&fact.value)).sum();
    if let Value::Number { value, .. } = &mut whole.value {
        *value = sum;
    }
    let mut quality: BTreeMap<String, f64> = BTreeMap::new();
    for (name, figure) in told.iter().flat_map(|fact| &fact.quality) {
        let known = quality.entry(name.clone()).or_default();
        *known = if name == "smallest-found-ms" { known.max(*figure) } else { *known + figure };
    }
    whole.quality = quality;
    whole
}

/// A number, or the bound where only that is known.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number { value, .. } => Some(*value),
        Value::Range { low, high, .. } => low.filter(|low| *low > 0.0).or(*high).or(*low),
        _ => None,
    }
}

fn ranked<'f>(told: &[&'f Fact]) -> Vec<&'f Fact> {
    let mut ranked = told.to_vec();
    ranked.sort_by(|a, b| number(&a.value).unwrap_or(0.0).total_cmp(&number(&b.value).unwrap_or(0.0)));
    ranked
}

/// A measured number outranks a bound: what was not found is not longer than what was.
fn greatest<'f>(told: &[&'f Fact]) -> &'f Fact {
    let is_number = |fact: &&Fact| matches!(fact.value, Value::Number { .. });
    let numbers: Vec<&Fact> = told.iter().copied().filter(is_number).collect();
    let of = if numbers.is_empty() { ranked(told) } else { ranked(&numbers) };
    of[of.len() - 1]
}

fn middle<'f>(told: &[&'f Fact]) -> &'f Fact {
    let ranked = ranked(told);
    ranked[(ranked.len() - 1) / 2]
}
