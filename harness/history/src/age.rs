//! Calendar time: ages, days, and the times that people name.

use time::{Date, Month, OffsetDateTime};

const DAY_S: i64 = 86_400;

/// An age in its largest unit, such as `12 d`. What lies ahead is of a host whose clock was wrong, and is called so.
pub fn age(seconds: i64) -> String {
    match seconds {
        ..-60 => "in the future".to_owned(),
        -60..60 => "now".to_owned(),
        60..3600 => format!("{} min", seconds / 60),
        3600..DAY_S => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / DAY_S),
    }
}

/// An age within a sentence, such as `12 days ago`.
pub(crate) fn ago(seconds: i64) -> String {
    let days = seconds / DAY_S;
    match age(seconds).as_str() {
        known @ ("now" | "in the future") => known.to_owned(),
        _ if days >= 1 => format!("{days} day{} ago", if days == 1 { "" } else { "s" }),
        short => format!("{short} ago"),
    }
}

/// A day in UTC as `2026-11-30`. A file may say anything: beyond the calendar the day is unknown, and is called so.
pub fn day(unix_s: i64) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp(unix_s) else { return "an unknown day".to_owned() };
    format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day())
}

/// A minute in UTC as `2026-11-30 22:15`, or `an unknown time`.
pub(crate) fn minute(unix_s: i64) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp(unix_s) else { return "an unknown time".to_owned() };
    format!("{} {:02}:{:02}", day(unix_s), at.hour(), at.minute())
}

/// The beginning of a day in UTC that is written as `2026-11-30`, in seconds since 1970.
pub fn since(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let digits = |part: &str, count: usize| {
        (part.len() == count && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok()).flatten()
    };
    let month = Month::try_from(u8::try_from(digits(month, 2)?).ok()?).ok()?;
    let date =
        Date::from_calendar_date(i32::from(digits(year, 4)?), month, u8::try_from(digits(day, 2)?).ok()?).ok()?;
    Some(date.midnight().assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(-3600, "in the future", "in the future")]
    #[case(0, "now", "now")]
    #[case(59, "now", "now")]
    #[case(60, "1 min", "1 min ago")]
    #[case(7_199, "1 h", "1 h ago")]
    #[case(86_399, "23 h", "23 h ago")]
    #[case(86_400, "1 d", "1 day ago")]
    #[case(12 * 86_400 + 5, "12 d", "12 days ago")]
    #[case(400 * 86_400, "400 d", "400 days ago")]
    fn an_age_has_one_unit(#[case] seconds: i64, #[case] short: &str, #[case] long: &str) {
        assert_eq!((age(seconds).as_str(), ago(seconds).as_str()), (short, long));
    }

    #[rstest]
    #[case(1_795_996_800, "2026-11-30", "2026-11-30 00:00")]
    #[case(-1, "1969-12-31", "1969-12-31 23:59")]
    #[case(i64::MAX, "an unknown day", "an unknown time")]
    #[case(i64::MIN, "an unknown day", "an unknown time")]
    fn a_time_beyond_the_calendar_is_unknown(#[case] unix_s: i64, #[case] on: &str, #[case] at: &str) {
        assert_eq!((day(unix_s).as_str(), minute(unix_s).as_str()), (on, at));
    }

    #[rstest]
    #[case("1970-01-01", Some(0))]
    #[case("2026-11-30", Some(1_795_996_800))]
    #[case("2024-02-29", Some(1_709_164_800))]
    #[case("2026-02-29", None)]
    #[case("2026-13-01", None)]
    #[case("2026-1-1", None)]
    #[case("30.11.2026", None)]
    #[case("+026-01-01", None)]
    #[case("2026-11-30T00:00", None)]
    #[case("", None)]
    fn a_day_is_a_date_of_the_calendar(#[case] text: &str, #[case] unix_s: Option<i64>) {
        assert_eq!(since(text), unix_s);
        if let Some(unix_s) = unix_s {
            assert_eq!(day(unix_s), text);
        }
    }
}
