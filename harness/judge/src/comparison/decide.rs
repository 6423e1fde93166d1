//! Two series of trials beside each other.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use rigtone_model::{
    comparison::{Answer, Comparison, Method, Summary},
    document::Expectation,
};

use super::{
    gather::Trial,
    needed::{Demand, Seen},
    never::apart,
    paired::Discordant,
};
use crate::{
    Confidence, Interval,
    multiple::holm,
    pairs::signed_rank,
    poisson::{self, Count},
    proportion::Proportion,
    ranks::{mann_whitney, shift},
    rates,
    sequential::Outcome,
};

/// Of trials in the order of time at least this share changes sides where two took turns.
const TURNS: f64 = 0.5;
/// So much of the longer side must have a partner.
const PAIRED: f64 = 0.8;

/// The smallest differences that matter, by unit: `%` points of rates, `ms`, `dB` and so on. A unit that is not named has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Margins(BTreeMap<String, f64>);

impl Margins {
    /// Sets that of a unit.
    pub fn set(&mut self, unit: &str, value: f64) {
        self.0.insert(unit.to_owned(), value.abs());
    }

    fn of(&self, unit: &str) -> f64 {
        self.0.get(unit).copied().unwrap_or(0.0)
    }
}

/// The trials of one side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    /// All of them.
    pub trials: Vec<Trial>,
    /// Those of one combination of one run, whose numbers may be paired.
    pub one_series: bool,
    /// The run that they are of, where it is one.
    pub run: Option<usize>,
}

/// A question about two sides, before it is known what else is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    method: Method,
    pub(super) first: Summary,
    pub(super) second: Summary,
    unit: &'static str,
    /// Positive: the second side is larger.
    pub(super) difference: Option<f64>,
    pub(super) interval: Interval,
    p: f64,
    /// 1: larger is better; −1: smaller is; 0: neither.
    direction: f64,
    seen: Seen,
    /// As many trials of each side would tell as much.
    tried: u64,
}

/// Compares the trials of an expectation; nothing for kinds that have no trials of their own, or when a side has none that count.
pub fn compare(expectation: &Expectation<'_>, first: &Side, second: &Side, confidence: Confidence) -> Option<Compared> {
    let one_way = |at_least: bool, at_most: bool| match (at_least, at_most) {
        (true, false) => 1.0,
        (false, true) => -1.0,
        _ => 0.0,
    };
    let compared = match expectation {
        Expectation::SuccessRate(_) | Expectation::Audio(_) | Expectation::Codec(_) | Expectation::Unsupported(_) => {
            of_rates(first, second, confidence)
        }
        Expectation::Latency(_) => of_values(first, second, confidence, "ms", -1.0),
        Expectation::Duration(e) => {
            of_values(first, second, confidence, "ms", one_way(e.at_least.is_some(), e.at_most.is_some()))
        }
        Expectation::Response(e) => {
            of_values(first, second, confidence, "dB", one_way(e.at_least.is_some(), e.at_most.is_some()))
        }
        Expectation::Measured(e) => {
            let direction = one_way(e.at_least.is_some(), e.at_most.is_some());
            of_values(first, second, confidence, e.of.unit().0, direction)
        }
        Expectation::Count(_) => of_events(first, second, confidence),
        Expectation::All(_) | Expectation::Any(_) => of_rates(first, second, confidence),
        Expectation::Role(_) | Expectation::Difference(_) => None,
    };
    compared.map(|compared| compared.agreeing(confidence))
}

impl Compared {
    /// Answers questions that were asked together, in their order.
    pub fn answered(all: &[Self], margins: &Margins, confidence: Confidence) -> Vec<Comparison> {
        let adjusted = holm(&all.iter().map(|one| one.p).collect::<Vec<_>>());
        all.iter().zip(adjusted).map(|(one, p)| one.answer(p, all.len(), margins, confidence)).collect()
    }

    /// With an interval that holds no difference exactly where the test shows none: ties and unequal sides part the two by a little. At no
    /// difference the test alone says what is covered, so the interval is as sure as before.
    fn agreeing(mut self, confidence: Confidence) -> Self {
        // Interval and test of events are of one distribution.
        if self.method == Method::Poisson {
            return self;
        }
        let Interval { lower, upper } = self.interval;
        let apart = self.difference.unwrap_or(0.0);
        if self.p > confidence.alpha() {
            self.interval = Interval { lower: lower.min(0.0), upper: upper.max(0.0) };
        } else if apart > 0.0 {
            self.interval.lower = lower.max(0.0);
        } else if apart < 0.0 {
            self.interval.upper = upper.min(0.0);
        }
        self
    }

    fn answer(&self, p_adjusted: f64, questions: usize, margins: &Margins, confidence: Confidence) -> Comparison {
        let margin = margins.of(self.unit);
        // Of events factors are compared, and one is none.
        let (low, high) = if self.method == Method::Poisson { (1.0, 1.0) } else { (-margin, margin) };
        let shown = p_adjusted <= confidence.alpha();
        let Interval { lower, upper } = self.interval;
        // Where every difference matters an interval that ends at none holds none.
        let every = margin <= 0.0 && self.method != Method::Poisson;
        let apart = self.difference.unwrap_or(0.0);
        let above = lower > high || (every && lower >= high && apart > 0.0);
        let below = upper < low || (every && upper <= low && apart < 0.0);
        let answer = if shown && (above || below) {
            // Larger where larger is better, or smaller where smaller is.
            let gain = if above { self.direction } else { -self.direction };
            match gain.total_cmp(&0.0) {
                _ if self.direction == 0.0 => Answer::Different,
                Ordering::Less => Answer::Worse,
                _ => Answer::Better,
            }
        } else if low < high && lower >= low && upper <= high {
            Answer::Same
        } else {
            Answer::CannotTell
        };
        // What lies within the margin no number of trials shows to lie beyond it.
        let matters = margin <= 0.0 || self.difference.is_none_or(|difference| difference.abs() > margin);
        let level = confidence.alpha() / questions.max(1) as f64;
        let demand = Demand { level, confidence, margin, tried: self.tried };
        let finite = |x: f64| x.is_finite().then_some(x);
        Comparison {
            method: self.method,
            first: self.first,
            second: self.second,
            unit: self.unit.to_owned(),
            difference: self.difference.and_then(finite),
            low: finite(lower),
            high: finite(upper),
            p: self.p,
            p_adjusted,
            answer,
            needed: (answer == Answer::CannotTell && matters).then(|| self.seen.needed(&demand)).flatten(),
        }
    }
}

/// Trials of each of two equal sides that tell as much as these: the harmonic mean.
fn each(first: u64, second: u64) -> u64 {
    (2 * first * second).checked_div(first + second).unwrap_or(0)
}

/// Trials with the same number on both sides, where the two took turns.
fn pairs<'a>(first: &'a Side, second: &'a Side) -> Option<Vec<(&'a Trial, &'a Trial)>> {
    if !(first.one_series && second.one_series && first.run.is_some() && first.run == second.run) {
        return None;
    }
    let mut order: Vec<(i64, bool)> = first.trials.iter().map(|t| (t.began_ns, false)).collect();
    order.extend(second.trials.iter().map(|t| (t.began_ns, true)));
    order.sort_unstable();
    let changes = order.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    let shorter = first.trials.len().min(second.trials.len());
    let longer = first.trials.len().max(second.trials.len());
    // Pairs use what both sides have: where one side went on alone for long, more would be lost than won.
    if shorter < 2 || (shorter as f64) < PAIRED * longer as f64 || (changes as f64) < TURNS * (2 * shorter - 1) as f64 {
        return None;
    }
    let by_number: BTreeMap<u32, &Trial> = second.trials.iter().map(|trial| (trial.number, trial)).collect();
    // Several results of one trial, such as its attempts, have no partners of their own.
    let numbers: BTreeSet<u32> = first.trials.iter().map(|trial| trial.number).collect();
    if by_number.len() < second.trials.len() || numbers.len() < first.trials.len() {
        return None;
    }
    Some(first.trials.iter().filter_map(|trial| Some((trial, *by_number.get(&trial.number)?))).collect())
}

/// The trials of a side that tell, and how many of all held; nothing where none tells.
pub(super) fn told(side: &Side) -> Option<(Proportion, Summary)> {
    let count = |wanted: Outcome| side.trials.iter().filter(|trial| trial.outcome == wanted).count() as u64;
    let held = count(Outcome::Success);
    let of = Proportion::new(held, held + count(Outcome::Failure)).ok()?;
    let estimate = of.estimate()?;
    Some((of, Summary { n: of.trials(), estimate: Some(estimate), ambiguous: count(Outcome::Ambiguous) }))
}

fn of_rates(first: &Side, second: &Side, confidence: Confidence) -> Option<Compared> {
    let ((a, of_first), (b, of_second)) = (told(first)?, told(second)?);
    let (p, q) = (a.estimate()?, b.estimate()?);
    let paired = pairs(first, second).and_then(|pairs| Discordant::of(&pairs));
    let (method, probability, difference, interval, seen, tried) = match paired {
        Some(found) => {
            let share = |n: u64| n as f64 / found.pairs as f64;
            let seen = Seen::Pairs(share(found.only_first), share(found.only_second));
            (Method::Mcnemar, found.p(), found.difference(), found.interval(confidence), seen, found.pairs)
        }
        None => {
            let (probability, interval) = (rates::fisher(a, b).two_sided, rates::difference(a, b, confidence));
            (Method::Fisher, probability, q - p, interval, Seen::Rates(p, q), each(a.trials(), b.trials()))
        }
    };
    Some(Compared {
        method,
        first: of_first,
        second: of_second,
        unit: "%",
        difference: Some(100.0 * difference),
        interval: Interval { lower: 100.0 * interval.lower, upper: 100.0 * interval.upper },
        p: probability,
        direction: 1.0,
        seen,
        tried,
    })
}

/// The value of a trial, as one number: the middle of its range. None where the range is open to both sides.
fn number(trial: &Trial) -> Option<f64> {
    let Interval { lower, upper } = trial.value?;
    match (lower.is_finite(), upper.is_finite()) {
        (true, true) => Some(lower + (upper - lower) / 2.0),
        (true, false) => Some(lower),
        (false, true) => Some(upper),
        // What never came is infinitely late, and has its place in the order.
        (false, false) => (lower == upper).then_some(lower),
    }
}

pub(super) fn of_values(
    first: &Side,
    second: &Side,
    confidence: Confidence,
    unit: &'static str,
    direction: f64,
) -> Option<Compared> {
    let values = |side: &Side| -> Vec<f64> { side.trials.iter().filter_map(number).collect() };
    let (a, b) = (values(first), values(second));
    let of_pairs = pairs(first, second).and_then(|pairs| {
        let both: Vec<(f64, f64)> = pairs.iter().filter_map(|(x, y)| Some((number(x)?, number(y)?))).collect();
        let differences = |x: &[f64], y: &[f64]| -> Vec<f64> {
            x.iter().zip(y).map(|(x, y)| if x == y { 0.0 } else { y - x }).collect()
        };
        let (x, y): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
        let seen = differences(&x, &y);
        let test = signed_rank(&seen, confidence)?;
        let (difference, interval) = apart(&x, &y, |x, y| {
            signed_rank(&differences(x, y), confidence).map(|found| (found.estimate, found.interval))
        })?;
        let tried = seen.len() as u64;
        Some((Method::SignedRank, difference, interval, test.two_sided, Seen::Differences(seen), tried))
    });
    let (method, difference, interval, p, seen, tried) = match of_pairs {
        Some(found) => found,
        None => {
            let test = mann_whitney(&a, &b)?;
            let (difference, interval) =
                apart(&a, &b, |a, b| shift(a, b, confidence).map(|found| (found.estimate, found.interval)))?;
            let (seen, tried) = (Seen::Values(a.clone(), b.clone()), each(a.len() as u64, b.len() as u64));
            (Method::MannWhitney, difference, interval, test.two_sided, seen, tried)
        }
    };
    let summary = |mut values: Vec<f64>, side: &Side| {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let median = 0.5 * (values[(n - 1) / 2] + values[n / 2]);
        Summary {
            n: n as u64,
            estimate: median.is_finite().then_some(median),
            ambiguous: (side.trials.len() - n) as u64,
        }
    };
    Some(Compared {
        method,
        first: summary(a, first),
        second: summary(b, second),
        unit,
        difference,
        interval,
        p,
        direction,
        seen,
        tried,
    })
}

/// The events of a side, and the hours in which they were counted.
pub(super) fn count_of(side: &Side) -> Count {
    let counted = side.trials.iter().filter_map(|trial| trial.counted);
    counted.fold(Count { events: 0, hours: 0.0 }, |sum, (events, hours)| Count {
        events: sum.events + events,
        hours: sum.hours + hours,
    })
}

pub(super) fn summary_of_events(count: Count, side: &Side) -> Summary {
    let n = side.trials.iter().filter(|trial| trial.counted.is_some()).count() as u64;
    Summary { n, estimate: count.estimate(), ambiguous: side.trials.len() as u64 - n }
}

fn of_events(first: &Side, second: &Side, confidence: Confidence) -> Option<Compared> {
    let (a, b) = (count_of(first), count_of(second));
    let (of_first, of_second) = (summary_of_events(a, first), summary_of_events(b, second));
    let p = poisson::compare(a, b)?;
    let (x, y) = (a.estimate()?, b.estimate()?);
    // In trials as long as those of the side that listened least.
    let hours = (a.hours / of_first.n as f64).min(b.hours / of_second.n as f64);
    let tried = each(of_first.n, of_second.n);
    Some(Compared {
        method: Method::Poisson,
        first: of_first,
        second: of_second,
        unit: "times as many",
        difference: (x > 0.0).then(|| y / x),
        interval: poisson::ratio(a, b, confidence),
        p,
        direction: -1.0,
        seen: Seen::Events(x * hours, y * hours),
        tried,
    })
}
