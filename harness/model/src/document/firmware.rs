//! How it is known which firmware a unit runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Duration;

/// How it is known that a unit runs the firmware its document names: exactly one way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "x-exactly-one" = "a way to verify"))]
pub struct Verify {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device_id: Option<DeviceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gatt: Option<Gatt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<CommandLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declared: Option<Declared>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator: Option<ShownAt>,
}

/// A way to know the firmware of a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way<'a> {
    /// By its Device ID record.
    DeviceId(&'a DeviceId),
    /// By its firmware revision over LE.
    Gatt(&'a Gatt),
    /// By a program of the lab.
    Command(&'a CommandLine),
    /// By the word of a person.
    Declared(&'a Declared),
    /// By a person who is asked at the terminal.
    Operator(&'a ShownAt),
}

impl Verify {
    /// The way that is written; exactly one in a document that `check` accepts.
    pub fn way(&self) -> Option<Way<'_>> {
        let Self { device_id, gatt, command, declared, operator } = self;
        let ways = [
            device_id.as_ref().map(Way::DeviceId),
            gatt.as_ref().map(Way::Gatt),
            command.as_ref().map(Way::Command),
            declared.as_ref().map(Way::Declared),
            operator.as_ref().map(Way::Operator),
        ];
        ways.into_iter().flatten().next()
    }
}

/// The Device ID record that the unit has with that firmware (Bluetooth Device ID Profile 1.3, section 5), as BlueZ shows it. It is read each time
/// the unit has been paired or connected by Rigtone itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "x-exactly-one" = "the version or the whole record"))]
pub struct DeviceId {
    /// The version of the record alone, such as `0x0211`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u16>,
    /// The whole record: who assigned the vendor, vendor, product and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^(usb|bluetooth):v[0-9A-Fa-f]{4}p[0-9A-Fa-f]{4}d[0-9A-Fa-f]{4}$"),
        extend("examples" = ["bluetooth:v0057p0301d0211"])
    )]
    pub modalias: Option<String>,
}

/// The Firmware Revision String (0x2A26) of the Device Information Service (0x180A), which some units offer over LE. It is read each time the unit has
/// been paired or connected by Rigtone itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gatt {
    /// What it says with that firmware, where that is not the firmware's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub says: Option<String>,
}

/// A program of the lab that writes the unit's firmware to its standard output, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CommandLine {
    /// The program and its arguments; no shell comes between.
    #[schemars(length(min = 1, max = 100), extend("examples" = [["/opt/lab/firmware-of", "charge-5"]]))]
    pub program: Vec<String>,
    /// How long it may take, at most a minute; default `10 s`.
    #[serde(default = "CommandLine::within")]
    pub within: Duration,
}

impl CommandLine {
    /// As long may it take.
    pub const LONGEST: Duration = Duration::from_s(60);

    const fn within() -> Duration {
        Duration::from_s(10)
    }
}

/// A person is asked at the terminal, before the trials and after them, and types what the unit shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShownAt {
    /// Where it is shown, such as `the companion app, Settings, About`.
    #[schemars(length(min = 1, max = 200))]
    pub at: String,
}

/// Somebody looked at the unit and says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Declared {
    /// The day on which somebody looked, in UTC, such as `2026-11-01`.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), extend("examples" = ["2026-11-01"]))]
    pub on: String,
    /// How long that is worth something, in whole days; default `14 d`: devices that update themselves do so every two weeks.
    #[serde(default = "Declared::good_for")]
    pub good_for: Duration,
}

impl Declared {
    const fn good_for() -> Duration {
        Duration::from_s(14 * DAY_S)
    }

    /// The age of the declaration in days, on a day that is written in the same way; `None` when either is no day.
    pub fn age_days(&self, today: &str) -> Option<i64> {
        Some(day_number(today)? - day_number(&self.on)?)
    }

    /// Whether it is older than it is worth on that day, or of a day that has not come yet.
    pub fn is_stale(&self, today: &str) -> bool {
        self.age_days(today).is_none_or(|age| age < 0 || age > self.good_for_days())
    }

    /// How many whole days it is worth something.
    pub const fn good_for_days(&self) -> i64 {
        self.good_for.ns() / (DAY_S * 1_000_000_000)
    }
}

const DAY_S: i64 = 86_400;

/// The number of a day of the Gregorian calendar, written as YYYY-MM-DD; days that follow each other differ by one.
pub(crate) fn day_number(text: &str) -> Option<i64> {
    // Days that are written otherwise do not sort like their dates.
    let as_written = |(n, byte): (usize, u8)| if matches!(n, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(as_written) {
        return None;
    }
    let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
    let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    // Years that begin in March have their leap day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2026-11-01", "2026-11-29", Some(28))]
    #[case("2024-02-28", "2024-03-01", Some(2))]
    #[case("2025-02-28", "2025-03-01", Some(1))]
    #[case("1999-12-31", "2000-01-01", Some(1))]
    #[case("2000-01-01", "2100-01-01", Some(36525))]
    #[case("2026-11-29", "2026-11-01", Some(-28))]
    #[case("2026-02-29", "2026-11-01", None)]
    #[case("2026-11-01", "2026-13-01", None)]
    #[case("2026-11-1", "2026-11-02", None)]
    #[case("2026-11-01", "+026-11-02", None)]
    #[case("2026-11-01", "2026-11-02 ", None)]
    fn days_are_counted_by_the_calendar(#[case] on: &str, #[case] today: &str, #[case] age: Option<i64>) {
        let declared = Declared { on: on.to_owned(), good_for: Declared::good_for() };
        assert_eq!(declared.age_days(today), age);
    }

    #[rstest]
    #[case("2026-11-01", 30, "2026-12-01", false)]
    #[case("2026-11-01", 30, "2026-12-02", true)]
    #[case("2026-12-02", 30, "2026-12-01", true)]
    fn a_declaration_is_worth_something_for_its_days(
        #[case] on: &str,
        #[case] days: i64,
        #[case] today: &str,
        #[case] stale: bool,
    ) {
        let declared = Declared { on: on.to_owned(), good_for: Duration::from_s(days * DAY_S) };
        assert_eq!(declared.is_stale(today), stale);
    }
}
