//! A trial sorted into lanes: what each of its parts did, and when.

use rigtone_witness::axis::{Axis, Kind as Happened, Moment, Outcome, Source};

use crate::digest::Facts;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It lasted, and went well.
    Bar,
    /// It lasted, and did not go well.
    Bad,
    /// A state that held.
    State,
    /// A moment.
    Mark,
}

/// Something in a lane. Times are in seconds since the trial began.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// When it may have been, for what is not known exactly.
    pub(crate) known: (f64, f64),
    pub(crate) name: String,
    pub(crate) words: String,
}

/// What one part did.
#[derive(Debug, Clone)]
pub(crate) enum Lane {
    /// Things that happened.
    Items {
        /// What it is of.
        name: String,
        /// In rows, so that none covers another.
        rows: Vec<Vec<Item>>,
    },
    /// A supply that was switched.
    Supply {
        /// The unit.
        name: String,
        /// When, and whether it was on from there.
        edges: Vec<(f64, bool)>,
    },
}

/// Rows of a lane; more items share the last one.
const MOST_ROWS: usize = 5;
/// Items drawn in a lane; the table of events has all of them.
const MOST_ITEMS: usize = 400;

fn s(ns: i64) -> f64 {
    ns as f64 / 1e9
}

fn mark(moment: &Moment) -> Item {
    let (from, to) = (s(moment.earliest_ns), s(moment.latest_ns));
    let at = s(moment.at_ns);
    Item { kind: Kind::Mark, from: at, to: at, known: (from, to), name: String::new(), words: moment.what.clone() }
}

/// What lasted, by how it ended; of what nobody saw the end nothing bad is known.
fn lasted(moment: &Moment, (from, to): (f64, f64), name: &str) -> Item {
    let kind = if moment.outcome.is_none_or(|outcome| outcome == Outcome::Done) { Kind::Bar } else { Kind::Bad };
    Item { kind, from, to, known: (from, to), name: name.to_owned(), words: moment.what.clone() }
}

/// What ended, from its beginning on.
fn ended(moment: &Moment, took_ns: i64) -> Item {
    let times = (s(moment.at_ns.saturating_sub(took_ns)), s(moment.at_ns));
    lasted(moment, times, moment.step.as_deref().unwrap_or("step"))
}

/// What began and lasted.
fn lasting(moment: &Moment, took_ns: i64) -> Item {
    let name = match moment.kind {
        Happened::Phase(name) | Happened::Media(name) => name,
        Happened::Step | Happened::Other => "",
    };
    lasted(moment, (s(moment.at_ns), s(moment.at_ns.saturating_add(took_ns))), name)
}

/// Puts items into rows, so that none covers another as long as there is room.
fn rows(mut items: Vec<Item>) -> Vec<Vec<Item>> {
    items.truncate(MOST_ITEMS);
    items.sort_by(|a, b| a.from.total_cmp(&b.from));
    let mut rows: Vec<Vec<Item>> = Vec::new();
    for item in items {
        // A moment needs no row of its own.
        let free = |row: &Vec<Item>| {
            let plain = |item: &Item| item.kind == Kind::Mark && item.name.is_empty();
            plain(&item) || row.iter().all(|other| plain(other) || other.to <= item.from + 1e-9)
        };
        let place = rows.iter().position(free).unwrap_or(rows.len()).min(MOST_ROWS - 1);
        match rows.get_mut(place) {
            Some(row) => row.push(item),
            None => rows.push(vec![item]),
        }
    }
    rows
}

/// The lanes of a trial that have something in them, from the relays to the sound.
pub(crate) fn lanes(trial: &Facts, axis: &Axis) -> Vec<Lane> {
    let end = s(trial.ended_ns.saturating_sub(trial.began_ns));
    let mut lanes = Vec::new();
    let mut units: Vec<&String> = trial.supplies.iter().map(|(unit, ..)| unit).collect();
    units.dedup();
    units.sort();
    units.dedup();
    for unit in units.into_iter().take(6) {
        let of_unit = trial.supplies.iter().filter(|(name, ..)| name == unit);
        let edges = of_unit.map(|(_, t_ns, on)| (s(t_ns.saturating_sub(trial.began_ns)), *on)).collect();
        lanes.push(Lane::Supply { name: unit.clone(), edges });
    }
    let of = |source: Source| axis.moments.iter().filter(move |m| m.source == source);
    let packets = |m: &Moment| matches!(m.kind, Happened::Media(_));
    let mut add = |name: &str, items: Vec<Item>| {
        if !items.is_empty() {
            lanes.push(Lane::Items { name: name.to_owned(), rows: rows(items) });
        }
    };
    // What began and never ended stands in the table alone.
    let steps = of(Source::Runner).filter_map(|m| Some(ended(m, m.took_ns?)));
    let pressed = of(Source::Relay).filter(|m| m.took_ns.is_some()).map(|m| {
        let took_ns = m.took_ns.unwrap_or_default();
        let from = m.at_ns.saturating_sub(took_ns).max(m.earliest_ns);
        Item {
            kind: Kind::State,
            from: s(from),
            to: s(m.at_ns),
            known: (s(m.earliest_ns), s(m.latest_ns)),
            name: "held".to_owned(),
            words: m.what.clone(),
        }
    });
    let edges = of(Source::Relay).filter(|m| m.took_ns.is_none()).map(mark);
    add("buttons", pressed.collect());
    add("relay edges", edges.collect());
    add("steps", steps.collect());
    add("asked", of(Source::Word).map(mark).collect());
    let mut states: Vec<Item> = Vec::new();
    for (at, (unit, t_ns, state)) in trial.states.iter().enumerate() {
        let next = trial.states.iter().skip(at + 1).find(|(other, ..)| other == unit);
        let from = s(t_ns.saturating_sub(trial.began_ns));
        let to = next.map_or(end, |(_, t_ns, _)| s(t_ns.saturating_sub(trial.began_ns)));
        let words = format!("{unit}: the transport is {state}");
        states.push(Item { kind: Kind::State, from, to, known: (from, from), name: state.clone(), words });
    }
    states.extend(of(Source::Stack).map(mark));
    add("stack", states);
    let air = of(Source::Air).filter(|m| !packets(m));
    add("on the air", air.map(|m| m.took_ns.map_or_else(|| mark(m), |took| lasting(m, took))).collect());
    let media = of(Source::Air).filter(|m| packets(m));
    let media = media.map(|m| m.took_ns.map_or_else(|| mark(m), |took| lasting(m, took)));
    add("packets", media.chain(of(Source::Packets).map(mark)).collect());
    let sound = of(Source::Sound).map(|m| match m.took_ns {
        Some(took) => Item { name: "recording".to_owned(), kind: Kind::State, ..lasting(m, took) },
        None => Item { name: "heard".to_owned(), ..mark(m) },
    });
    add("sound", sound.collect());
    lanes
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rigtone_model::{
        event::{Anchor, At, Body, Edge, Event, Phase, StepOutcome, TransportChange, TrialOutcome, Truth},
        id::CombinationId,
        observation::{Observation, Quantity, Value},
        trial::{DeviceFailure, FailureClass, TrialRecord},
    };
    use rstest::rstest;

    use super::*;
    use crate::digest::{Ending, Fate, Kept, Said};

    const S: i64 = 1_000_000_000;

    /// Events of one trial that began at 10 s, with their times in milliseconds since then; all of the step `connect`.
    fn kept(events: &[(i64, Body)]) -> (Facts, Axis) {
        let at = At { combination: CombinationId::from("c"), trial: 1, attempt: 1, step: Some("connect".to_owned()) };
        let event = |(ms, body): &(i64, Body)| Event {
            seq: 0,
            t_ns: 10 * S + ms * 1_000_000,
            at: Some(at.clone()),
            body: body.clone(),
        };
        let record = TrialRecord {
            combination: at.combination.clone(),
            trial: 1,
            attempt: 1,
            began_ns: 10 * S,
            outcome: TrialOutcome::Completed,
            steps: Vec::new(),
            observations: Vec::new(),
            evidence: Vec::new(),
        };
        let said = Said { fate: Fate::Held, class: None, words: String::new() };
        let events: Vec<Event> = events.iter().map(event).collect();
        let Kept { facts, axis } = Kept::new(&at, Ending::Held, said, record, &events);
        (facts, axis.finish(Path::new("nowhere")))
    }

    /// A moment on the air.
    fn on_air(at_ms: i64, took_ms: i64, kind: Happened, outcome: Option<Outcome>) -> Moment {
        Moment {
            at_ns: at_ms * 1_000_000,
            earliest_ns: at_ms * 1_000_000,
            latest_ns: at_ms * 1_000_000,
            source: Source::Air,
            step: None,
            what: "page with a device, refused by nobody".to_owned(),
            took_ns: Some(took_ms * 1_000_000),
            kind,
            outcome,
        }
    }

    /// What stands in a lane: kind, begin and end in milliseconds, name.
    fn items<'a>(lanes: &'a [Lane], wanted: &str) -> Vec<(Kind, i64, i64, &'a str)> {
        let ms = |s: f64| (s * 1e3).round() as i64;
        let rows = lanes.iter().find_map(|lane| match lane {
            Lane::Items { name, rows } if name == wanted => Some(rows),
            _ => None,
        });
        let all = rows.into_iter().flatten().flatten();
        let mut items: Vec<_> = all.map(|i| (i.kind, ms(i.from), ms(i.to), i.name.as_str())).collect();
        items.sort_by_key(|(_, from, to, name)| (*from, *to, *name));
        items
    }

    fn finished(outcome: StepOutcome, took_ns: i64) -> Body {
        Body::StepFinished { action: "connect".to_owned(), phase: Phase::Trial, outcome, took_ns }
    }

    fn recording() -> Body {
        let anchor = |frame, ms: i64| Anchor { frame, t_ns: 10 * S + ms * 1_000_000 };
        Body::Evidence {
            file: "evidence/a.wav".to_owned(),
            sha256: String::new(),
            bytes: 0,
            about: "recording, refused by nobody".to_owned(),
            anchors: vec![anchor(0.0, 1500), anchor(48_000.0, 2500)],
            clock: None,
            listening: None,
        }
    }

    #[test]
    fn what_every_part_did_stands_in_its_lane() {
        let state = |ms: i64, state: &str| Body::TransportChanged {
            unit: "speaker".to_owned(),
            t_ns: 10 * S + ms * 1_000_000,
            change: TransportChange::State(state.to_owned()),
        };
        let power = |on, ms: i64| Body::PowerSwitched {
            unit: "speaker".to_owned(),
            on,
            truth: Truth::Reported,
            edge: Some(Edge { sent_ns: 10 * S + ms * 1_000_000, acknowledged_ns: 10 * S + (ms + 20) * 1_000_000 }),
        };
        let emitted = Body::Emitted { signal: "smoke".to_owned(), t_ns: 11 * S + S / 2, uncertainty_ns: 0 };
        let latency = Value::Number { value: 100.0, unit: "ms".to_owned(), uncertainty: 1.0 };
        let (facts, mut axis) = kept(&[
            (0, Body::TrialStarted),
            (0, Body::StepStarted { action: "connect".to_owned(), phase: Phase::Trial }),
            (150, power(true, 100)),
            (1000, state(1000, "active")),
            (1500, emitted),
            (1600, Body::Observed(Observation::raw("connect", Quantity::Latency, latency))),
            (2000, state(2000, "idle")),
            (2500, recording()),
            (2600, power(false, 2550)),
            (2700, finished(StepOutcome::Done, 2_700_000_000)),
            (3000, Body::TrialFinished { outcome: TrialOutcome::Completed, memory: None }),
        ]);
        axis.moments.extend([
            on_air(200, 300, Happened::Phase("page"), Some(Outcome::Done)),
            on_air(600, 100, Happened::Phase("configuration"), Some(Outcome::Failed)),
            on_air(800, 100, Happened::Phase("open"), None),
            on_air(1500, 900, Happened::Media("media"), Some(Outcome::Done)),
        ]);
        let lanes = lanes(&facts, &axis);
        let names: Vec<&str> = lanes
            .iter()
            .map(|lane| match lane {
                Lane::Items { name, .. } | Lane::Supply { name, .. } => name.as_str(),
            })
            .collect();
        assert_eq!(names, ["speaker", "relay edges", "steps", "stack", "on the air", "packets", "sound"]);
        let Some(Lane::Supply { edges, .. }) = lanes.first() else { panic!("{:?}", lanes.first()) };
        assert_eq!(edges[..], [(0.12, true), (2.57, false)]);
        assert_eq!(items(&lanes, "relay edges"), [(Kind::Mark, 120, 120, ""), (Kind::Mark, 2570, 2570, "")]);
        assert_eq!(items(&lanes, "steps"), [(Kind::Bar, 0, 2700, "connect")]);
        // A state holds until the next one, the last until the end of the trial.
        let states = [
            (Kind::Mark, 1000, 1000, ""),
            (Kind::State, 1000, 2000, "active"),
            (Kind::Mark, 2000, 2000, ""),
            (Kind::State, 2000, 3000, "idle"),
        ];
        assert_eq!(items(&lanes, "stack"), states);
        let phases =
            [(Kind::Bar, 200, 500, "page"), (Kind::Bad, 600, 700, "configuration"), (Kind::Bar, 800, 900, "open")];
        assert_eq!(items(&lanes, "on the air"), phases);
        assert_eq!(items(&lanes, "packets"), [(Kind::Mark, 1500, 1500, ""), (Kind::Bar, 1500, 2400, "media")]);
        assert_eq!(items(&lanes, "sound"), [(Kind::State, 1500, 2500, "recording"), (Kind::Mark, 1600, 1600, "heard")]);
        // The contact moved after the order had left.
        let Some(Lane::Items { rows, .. }) = lanes.get(1) else { panic!("{:?}", lanes.get(1)) };
        assert!((rows[0][0].known.0 - 0.1).abs() < 1e-9 && (rows[0][0].known.1 - 0.12).abs() < 1e-9);
    }

    /// Words of anybody change nothing: a failure may end in `is done`.
    #[rstest]
    #[case(StepOutcome::Done, Kind::Bar)]
    #[case(StepOutcome::Failed(DeviceFailure::new(FailureClass::NoStream, "all is done")), Kind::Bad)]
    #[case(StepOutcome::Cancelled, Kind::Bad)]
    fn a_step_is_drawn_by_how_it_ended(#[case] outcome: StepOutcome, #[case] kind: Kind) {
        let (facts, axis) = kept(&[(1000, finished(outcome, S))]);
        assert_eq!(items(&lanes(&facts, &axis), "steps"), [(kind, 0, 1000, "connect")]);
    }

    fn item(from: f64, to: f64) -> Item {
        Item { kind: Kind::Bar, from, to, known: (from, to), name: String::new(), words: String::new() }
    }

    #[test]
    fn what_overlaps_stands_in_rows_of_its_own_as_long_as_there_are_some() {
        let rows = rows(vec![item(2.0, 3.0), item(0.0, 1.0), item(0.5, 2.0), item(1.0, 2.0)]);
        let begins: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|i| i.from).collect()).collect();
        assert_eq!(begins, [vec![0.0, 1.0, 2.0], vec![0.5]]);
        assert_eq!(super::rows(vec![item(0.0, 9.0); 9]).len(), MOST_ROWS);
    }
}
