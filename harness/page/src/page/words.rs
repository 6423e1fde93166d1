//! Verdicts, figures and times in words.

use rigtone_html::{Badge, Markup};
use rigtone_model::verdict::{CombinationVerdict, ExpectationVerdict, Verdict};
use rigtone_report::figure;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// How a verdict is shown; none is one that nobody gave.
pub(crate) fn shown(verdict: Option<&Verdict>) -> Badge {
    verdict.map_or(Badge::NONE, Badge::of)
}

/// The expectation that a combination's verdict rests on most.
pub(crate) fn leading(verdict: &CombinationVerdict) -> Option<&ExpectationVerdict> {
    let gating = || verdict.expectations.iter().filter(|e| e.gating);
    gating().find(|e| e.verdict == verdict.verdict).or_else(|| gating().next()).or_else(|| verdict.expectations.first())
}

/// A calendar time for people, in UTC.
pub(crate) fn date(unix_s: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let when = OffsetDateTime::from_unix_timestamp(unix_s).ok();
    when.and_then(|when| when.format(format).ok()).unwrap_or_else(|| "an unknown time".to_owned())
}

/// A calendar time for programs.
pub(crate) fn timestamp(unix_s: i64) -> String {
    let when = OffsetDateTime::from_unix_timestamp(unix_s).ok();
    when.and_then(|when| when.format(&Rfc3339).ok()).unwrap_or_default()
}

/// How long ago something was, in one unit.
pub(crate) fn age(now: i64, then: i64) -> String {
    match now.saturating_sub(then) {
        s if s < 60 => "under 1 min".to_owned(),
        s if s < 3600 => format!("{} min", s / 60),
        s if s < 2 * 86_400 => format!("{} h", s / 3600),
        s => figure::count(usize::try_from(s / 86_400).unwrap_or_default(), "day"),
    }
}

/// A time of which the page says how long ago it was when the page was made.
pub(crate) fn ago(m: &mut Markup, now: i64, then: i64) {
    m.leaf("time", &[("datetime", &timestamp(then)), ("title", &date(then))], &age(now, then));
}

/// A size in bytes.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        b if b >= 1_000_000_000 => format!("{:.1} GB", b as f64 / 1e9),
        b if b >= 1_000_000 => format!("{:.1} MB", b as f64 / 1e6),
        b if b >= 1000 => format!("{:.1} kB", b as f64 / 1e3),
        b => format!("{b} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "under 1 min")]
    #[case(-5, "under 1 min")]
    #[case(61, "1 min")]
    #[case(7200, "2 h")]
    #[case(86_400 * 3, "3 days")]
    fn ages_have_one_unit(#[case] seconds: i64, #[case] text: &str) {
        assert_eq!(age(1_000_000_000 + seconds, 1_000_000_000), text);
    }

    #[test]
    fn the_beginning_of_1970_is_a_known_date() {
        assert_eq!((date(0), timestamp(0)), ("1970-01-01 00:00 UTC".to_owned(), "1970-01-01T00:00:00Z".to_owned()));
    }
}
