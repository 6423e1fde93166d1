//! Numbers as people read them: three figures, a unit, an interval.

use rigtone_model::verdict::{ExpectationVerdict, Interval};

/// A number with as many decimals as it can bear.
pub fn number(value: f64, unit: &str) -> String {
    // A share short of certainty is never rounded to it.
    let value = if unit == "%" && value < 100.0 { value.min(99.9) } else { value };
    let text = match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A number with its unit.
pub fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "" => number(value, unit),
        _ => format!("{} {unit}", number(value, unit)),
    }
}

/// The estimate with its interval in brackets, such as `97.1 % [85.1, 99.9]`; `None` without an estimate.
pub fn estimate(e: &ExpectationVerdict) -> Option<String> {
    let value = quantity(e.estimate?, &e.unit);
    Some(match &e.interval {
        None => value,
        Some(interval) => format!("{value} {}", ends(interval, &e.unit)),
    })
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
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(100.0, "%", "100 %")]
    #[case(99.97, "%", "99.9 %")]
    #[case(99.97, "ms", "100 ms")]
    #[case(97.14, "%", "97.1 %")]
    #[case(0.5, "%", "0.5 %")]
    #[case(0.0, "%", "0 %")]
    #[case(182.4, "ms", "182 ms")]
    #[case(-12.0, "dB", "-12 dB")]
    #[case(3.0, "", "3")]
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

    #[rstest]
    #[case(-1, "0 s")]
    #[case(59_999_999_999, "59 s")]
    #[case(200_000_000_000, "3 min 20 s")]
    #[case(7_380_000_000_000, "2 h 3 min")]
    fn spans_read_in_two_units(#[case] ns: i64, #[case] text: &str) {
        assert_eq!(span(ns), text);
    }
}
