//! Numbers as people read them: three figures, a unit, an interval.

use rigtone_model::verdict::{ExpectationVerdict, Interval};

/// Below it two decimals are nothing.
const NOTHING: f64 = 0.005;
/// Below it a number is written with a power of ten.
const TINY: f64 = 1e-6;

/// A number with as many decimals as it can bear.
pub fn number(value: f64, unit: &str) -> String {
    let is_share = unit == "%";
    // A share short of certainty is never rounded to it, and one that was seen never to nothing.
    let value = if is_share && value < 100.0 { value.min(99.9) } else { value };
    let text = match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if is_share && v > 0.0 && v < NOTHING => small(value),
        _ => format!("{value:.2}"),
    };
    let short = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// A number below one with one figure.
fn small(value: f64) -> String {
    if value.abs() < TINY {
        return format!("{value:.0e}");
    }
    let decimals = (-value.abs().log10()).ceil() as usize;
    format!("{value:.decimals$}")
}

/// A number with its unit.
pub fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "" => number(value, unit),
        _ => format!("{} {unit}", number(value, unit)),
    }
}

/// The estimate with its interval in brackets, such as `97.1 % [85.1, 99.9]`; `None` without an estimate.
///
/// A rate, which a verdict holds as a fraction, is shown in per cent.
pub fn estimate(e: &ExpectationVerdict) -> Option<String> {
    let estimate = e.estimate?;
    let (factor, unit) = if is_share(e) { (100.0, "%") } else { (1.0, e.unit.as_str()) };
    let value = quantity(estimate * factor, unit);
    Some(match e.interval {
        None => value,
        Some(Interval { low, high, confidence }) => {
            let scaled = |end: f64| end * factor;
            let shown = Interval { low: low.map(scaled), high: high.map(scaled), confidence };
            format!("{value} {}", ends(&shown, unit))
        }
    })
}

/// Whether it is a rate as the judge writes it: a fraction without a unit. Whatever else is measured has one.
fn is_share(e: &ExpectationVerdict) -> bool {
    let ends = e.interval.iter().flat_map(|interval| [interval.low, interval.high]);
    let mut figures = ends.chain([e.estimate]).flatten();
    e.unit.is_empty() && figures.all(|figure| (0.0..=1.0).contains(&figure))
}

/// An interval in brackets; an end that is not there is open.
pub fn ends(interval: &Interval, unit: &str) -> String {
    let low = interval.low.map_or("(-inf".to_owned(), |v| format!("[{}", number(v, unit)));
    let high = interval.high.map_or("inf)".to_owned(), |v| format!("{}]", number(v, unit)));
    format!("{low}, {high}")
}

/// A count of things, such as `1 trial` or `5 trials`.
pub fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// A time span in its two largest units, such as `3 min 20 s`.
pub fn span(ns: i64) -> String {
    let seconds = ns.max(0) / 1_000_000_000;
    match seconds {
        s if s >= 3600 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        s if s >= 60 => format!("{} min {} s", s / 60, s % 60),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rigtone_model::verdict::Verdict;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(100.0, "%", "100 %")]
    #[case(99.97, "%", "99.9 %")]
    #[case(99.97, "ms", "100 ms")]
    #[case(97.14, "%", "97.1 %")]
    #[case(0.5, "%", "0.5 %")]
    #[case(0.04, "%", "0.04 %")]
    #[case(0.004, "%", "0.004 %")]
    #[case(0.00096, "%", "0.001 %")]
    #[case(0.0001, "%", "0.0001 %")]
    #[case(1e-9, "%", "1e-9 %")]
    #[case(-0.001, "%", "-0.001 %")]
    #[case(0.0, "%", "0 %")]
    #[case(182.4, "ms", "182 ms")]
    #[case(-12.0, "dB", "-12 dB")]
    #[case(3.0, "", "3")]
    #[case(-0.001, "ms", "0 ms")]
    #[case(-0.4, "ms", "-0.4 ms")]
    #[case(f64::INFINITY, "ms", "inf ms")]
    fn figures_carry_their_unit(#[case] value: f64, #[case] unit: &str, #[case] text: &str) {
        assert_eq!(quantity(value, unit), text);
    }

    #[rstest]
    #[case(Some(85.08), Some(99.93), "[85.1, 99.9]")]
    #[case(None, Some(10.0), "(-inf, 10]")]
    #[case(Some(10.0), None, "[10, inf)")]
    fn an_open_end_shows(#[case] low: Option<f64>, #[case] high: Option<f64>, #[case] text: &str) {
        assert_eq!(ends(&Interval { low, high, confidence: 0.95 }, "%"), text);
    }

    /// Only a fraction without a unit is a share.
    #[rstest]
    #[case::share(0.9983, "", (0.9951, 0.99996), "99.8 % [99.5, 99.9]")]
    #[case::events(0.5, "/h", (0.1, 0.9), "0.5 /h [0.1, 0.9]")]
    #[case::count(3.0, "", (2.0, 4.0), "3 [2, 4]")]
    #[case::not_all_of_it_a_share(0.5, "", (0.1, 1.5), "0.5 [0.1, 1.5]")]
    fn an_estimate_is_shown_in_what_it_was_measured(
        #[case] estimate: f64,
        #[case] unit: &str,
        #[case] ends: (f64, f64),
        #[case] text: &str,
    ) {
        let e = ExpectationVerdict {
            index: 0,
            expected: String::new(),
            gating: true,
            verdict: Verdict::Inconclusive,
            seen: String::new(),
            n: 1,
            held: 1,
            ambiguous: 0,
            estimate: Some(estimate),
            unit: unit.to_owned(),
            interval: Some(Interval { low: Some(ends.0), high: Some(ends.1), confidence: 0.95 }),
            needed: None,
            classes: BTreeMap::new(),
            unstable: None,
            parts: Vec::new(),
            beside: None,
        };
        assert_eq!(super::estimate(&e).as_deref(), Some(text));
        assert_eq!(super::estimate(&ExpectationVerdict { estimate: None, ..e }), None);
    }

    #[rstest]
    #[case(-1, "0 s")]
    #[case(59_999_999_999, "59 s")]
    #[case(200_000_000_000, "3 min 20 s")]
    #[case(7_380_000_000_000, "2 h 3 min")]
    fn spans_read_in_two_units(#[case] ns: i64, #[case] text: &str) {
        assert_eq!(span(ns), text);
    }
}
