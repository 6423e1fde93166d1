//! A trial sorted into lanes: what each of its parts did, and when.

use rigtone_witness::axis::{Axis, Moment, Source};

use crate::digest::Kept;

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

/// What ended, from its beginning on.
fn ended(moment: &Moment, took_ns: i64) -> Item {
    let (from, to) = (s(moment.at_ns.saturating_sub(took_ns)), s(moment.at_ns));
    let well = moment.what.ends_with(" is done");
    let action = moment.what.split_whitespace().next().unwrap_or_default();
    let name = moment.step.clone().unwrap_or_else(|| action.to_owned());
    let kind = if well { Kind::Bar } else { Kind::Bad };
    Item { kind, from, to, known: (from, to), name, words: moment.what.clone() }
}

/// What began and lasted.
fn lasting(moment: &Moment, took_ns: i64) -> Item {
    let (from, to) = (s(moment.at_ns), s(moment.at_ns.saturating_add(took_ns)));
    let bad = [", refused", ", never answered", ", cut off"].iter().any(|word| moment.what.contains(word));
    let name = moment.what.split(" with ").next().unwrap_or_default().to_owned();
    let kind = if bad { Kind::Bad } else { Kind::Bar };
    Item { kind, from, to, known: (from, to), name, words: moment.what.clone() }
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
pub(crate) fn lanes(kept: &Kept, axis: &Axis) -> Vec<Lane> {
    let end = s(kept.ended_ns.saturating_sub(kept.began_ns));
    let mut lanes = Vec::new();
    let mut units: Vec<&String> = kept.supplies.iter().map(|(unit, ..)| unit).collect();
    units.dedup();
    units.sort();
    units.dedup();
    for unit in units.into_iter().take(6) {
        let of_unit = kept.supplies.iter().filter(|(name, ..)| name == unit);
        let edges = of_unit.map(|(_, t_ns, on)| (s(t_ns.saturating_sub(kept.began_ns)), *on)).collect();
        lanes.push(Lane::Supply { name: unit.clone(), edges });
    }
    let of = |source: Source| axis.moments.iter().filter(move |m| m.source == source);
    let packets =
        |m: &Moment| m.source == Source::Air && (m.what.starts_with("media with") || m.what.starts_with("first media"));
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
    for (at, (unit, t_ns, state)) in kept.states.iter().enumerate() {
        let next = kept.states.iter().skip(at + 1).find(|(other, ..)| other == unit);
        let from = s(t_ns.saturating_sub(kept.began_ns));
        let to = next.map_or(end, |(_, t_ns, _)| s(t_ns.saturating_sub(kept.began_ns)));
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
    use super::*;

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
