//! Quantities as documents write them: a number and its unit, such as `90 s`, `-12 dB` or `95 %`.
//!
//! A number without a unit is never accepted: nobody has to guess whether `250` meant milliseconds.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A quantity that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// It is no number with a unit of the kind.
    #[error("`{text}` is not a {}: write a number and one of the units {}, such as `{}`", due.kind, due.units.trim_end(), due.example)]
    Form {
        /// What stood there.
        text: String,
        /// What was due.
        due: Explanation,
    },
    /// No such value is accepted.
    #[error("the {} `{text}` is out of range: write one from {}", due.kind, due.range)]
    Range {
        /// What stood there.
        text: String,
        /// What was due.
        due: Explanation,
    },
}

/// What the loader needs to explain a quantity: its name, its units, an example.
///
/// The schema of each quantity carries these under `x-quantity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What the value is, such as "duration".
    pub kind: &'static str,
    /// The units that may follow the number, in words.
    pub units: &'static str,
    /// A value that would be right.
    pub example: &'static str,
    /// The values that are accepted, in words.
    pub range: &'static str,
}

/// Splits `-12.5 dB` into number and unit; the space between them may be left out.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.strip_prefix(' ').unwrap_or(unit))
}

/// Whether it is a number as documents write them, negative ones among them.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.parse::<f64>().is_ok()
}

/// Writes `value` with as few decimals as keep it exact to nine digits.
fn shortest(value: f64) -> String {
    let text = format!("{value:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident($repr:ty), $kind:literal, example $example:literal, signed $sign:literal, range $range:literal,
     units [$(($unit:literal, $factor:expr)),+ $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name($repr);

        impl $name {
            /// How a document has to write it.
            pub const EXPLANATION: Explanation = Explanation {
                kind: $kind,
                units: concat!($("`", $unit, "` ",)+),
                example: $example,
                range: $range,
            };
            /// The regular expression of the text, without anchors.
            pub(crate) fn pattern() -> String {
                let units: Vec<&str> = vec![$($unit),+];
                format!("{}[0-9]+(\\.[0-9]+)? ?({})", $sign, units.join("|"))
            }
        }

        impl FromStr for $name {
            type Err = QuantityError;
            fn from_str(text: &str) -> Result<Self, QuantityError> {
                let factors: &[(&str, f64)] = &[$(($unit, $factor)),+];
                let (number, unit) = split(text);
                let factor = factors.iter().find(|(name, _)| *name == unit);
                factor.and_then(|(_, factor)| Self::from_number(number, *factor)).ok_or_else(|| {
                    let (text, due) = (text.to_owned(), Self::EXPLANATION);
                    match factor.is_some() && is_number(number) {
                        true => QuantityError::Range { text, due },
                        false => QuantityError::Form { text, due },
                    }
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": concat!("A ", $kind, " with its unit, such as `", $example, "`."),
                    "pattern": format!("^{}$", Self::pattern()),
                    "examples": [$example],
                    "x-quantity": {
                        "kind": $kind,
                        "units": Self::EXPLANATION.units.trim_end(),
                        "example": $example,
                        "range": $range,
                    },
                })
            }
        }
    };
}

quantity!(
    /// A length of time, kept in nanoseconds.
    Duration(i64), "duration", example "90 s", signed "", range "0 s to 880000 h",
    units [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 60e9), ("h", 3600e9), ("d", 86400e9)]
);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Digit by digit: a floating-point number of seconds loses nanoseconds after some weeks.
    fn from_number(number: &str, unit_ns: f64) -> Option<Self> {
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        // More digits than these lie beyond the range, or below a nanosecond.
        let fraction = &fraction[..fraction.len().min(18)];
        if whole.is_empty() || whole.len() > 25 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let (unit_ns, scale) = (unit_ns as i128, 10_i128.pow(fraction.len() as u32));
        let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        let ns = whole.parse::<i128>().ok()?.checked_mul(unit_ns)? + (fraction * unit_ns + scale / 2) / scale;
        // 100 years: far above any scenario, far below the end of an i64.
        i64::try_from(ns).ok().filter(|ns| *ns < 3_200_000_000_000_000_000).map(Self)
    }
    /// From nanoseconds; negative values become zero.
    pub const fn from_ns(ns: i64) -> Self {
        Self(if ns < 0 { 0 } else { ns })
    }
    /// From seconds.
    pub const fn from_s(s: i64) -> Self {
        Self::from_ns(s.saturating_mul(1_000_000_000))
    }
    /// From milliseconds.
    pub const fn from_ms(ms: i64) -> Self {
        Self::from_ns(ms.saturating_mul(1_000_000))
    }
    /// In nanoseconds.
    pub const fn ns(self) -> i64 {
        self.0
    }
    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// In milliseconds.
    pub fn milliseconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Eq for Duration {}
#[expect(
    clippy::derive_ord_xor_partial_ord,
    reason = "the macro derives PartialOrd for all kinds; both compare the number"
)]
impl Ord for Duration {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0;
        let (unit_ns, decimals, unit) = match ns {
            0 => (1, 0, "s"),
            _ if ns % 3_600_000_000_000 == 0 => (3_600_000_000_000, 0, "h"),
            _ if ns % 60_000_000_000 == 0 => (60_000_000_000, 0, "min"),
            _ if ns >= 1_000_000_000 => (1_000_000_000, 9, "s"),
            _ if ns >= 1_000_000 => (1_000_000, 6, "ms"),
            _ if ns >= 1_000 => (1_000, 3, "us"),
            _ => (1, 0, "ns"),
        };
        let (whole, fraction) = (ns / unit_ns, ns % unit_ns);
        if fraction == 0 {
            return write!(f, "{whole} {unit}");
        }
        let fraction = format!("{fraction:0decimals$}");
        write!(f, "{whole}.{} {unit}", fraction.trim_end_matches('0'))
    }
}

/// Quantities kept as `f64` in their base unit.
macro_rules! plain {
    ($name:ident, $unit:literal, $range:expr, $getter:ident, $getter_doc:literal) => {
        impl $name {
            fn from_base(value: f64) -> Option<Self> {
                ($range).contains(&value).then_some(Self(value))
            }
            fn from_number(number: &str, factor: f64) -> Option<Self> {
                Self::from_base(number.parse::<f64>().ok()? * factor)
            }
            #[doc = $getter_doc]
            pub const fn $getter(self) -> f64 {
                self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{} ", $unit), shortest(self.0))
            }
        }
    };
}

quantity!(
    /// A level or a level difference in decibels.
    Level(f64), "level", example "-12 dB", signed "[-+]?", range "-200 dB to 200 dB", units [("dB", 1.0), ("dBFS", 1.0)]
);
impl Level {
    /// From decibels, rounded to hundredths; none outside the range.
    pub fn from_db(db: f64) -> Option<Self> {
        Self::from_base((db * 100.0).round() / 100.0)
    }
}
plain!(Level, "dB", -200.0..=200.0, db, "In decibels.");

quantity!(
    /// A sound pressure level, relative to 20 uPa.
    Loudness(f64), "loudness", example "75 dB SPL", signed "", range "0 dB SPL to 150 dB SPL", units [("dB SPL", 1.0)]
);
impl Loudness {
    /// From dB SPL, rounded to hundredths; none outside the range.
    pub fn from_db_spl(db_spl: f64) -> Option<Self> {
        Self::from_base((db_spl * 100.0).round() / 100.0)
    }
}
plain!(Loudness, "dB SPL", 0.0..=150.0, db_spl, "In dB SPL.");

quantity!(
    /// A distance, kept in metres.
    Distance(f64), "distance", example "0.3 m", signed "", range "0 m to 1000 m", units [("mm", 1e-3), ("cm", 1e-2), ("m", 1.0)]
);
impl Distance {
    /// From metres, rounded to millimetres; none outside the range.
    pub fn from_metres(metres: f64) -> Option<Self> {
        Self::from_base((metres * 1000.0).round() / 1000.0)
    }
}
plain!(Distance, "m", 0.0..=1000.0, metres, "In metres.");

quantity!(
    /// A share of the whole between 0 and 100 %.
    Share(f64), "share", example "95 %", signed "", range "0 % to 100 %", units [("%", 1.0)]
);

impl Share {
    fn from_number(number: &str, factor: f64) -> Option<Self> {
        Self::from_base(number.parse::<f64>().ok()? * factor)
    }
    fn from_base(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then_some(Self(percent))
    }
    /// From a per cent number; values outside 0..=100 are clamped.
    pub const fn from_percent(percent: f64) -> Self {
        Self(percent.clamp(0.0, 100.0))
    }
    /// As a fraction between 0 and 1.
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", shortest(self.0))
    }
}

quantity!(
    /// A frequency, kept in hertz.
    Frequency(f64), "frequency", example "60 Hz", signed "", range "0 Hz to 1000 kHz", units [("Hz", 1.0), ("kHz", 1e3)]
);
plain!(Frequency, "Hz", 0.0..=1e6, hertz, "In hertz.");

quantity!(
    /// A clock's deviation in parts per million.
    Drift(f64), "clock drift", example "20 ppm", signed "[-+]?", range "-10000 ppm to 10000 ppm", units [("ppm", 1.0)]
);
plain!(Drift, "ppm", -10_000.0..=10_000.0, ppm, "In parts per million.");

quantity!(
    /// A bit rate, kept in bits a second.
    BitRate(f64), "bit rate", example "328 kbit/s", signed "", range "0 bit/s to 1000000 kbit/s", units [("bit/s", 1.0), ("kbit/s", 1e3)]
);

impl BitRate {
    fn from_number(number: &str, factor: f64) -> Option<Self> {
        Self::from_base(number.parse::<f64>().ok()? * factor)
    }
    fn from_base(value: f64) -> Option<Self> {
        (0.0..=1e9).contains(&value).then_some(Self(value))
    }
    /// In bits a second.
    pub const fn bits_per_second(self) -> f64 {
        self.0
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", shortest(self.0 / 1e3))
    }
}

quantity!(
    /// How often something happens.
    EventRate(f64), "count per time", example "3 /h", signed "", range "0 /h to 1000000000 /h", units [("/h", 1.0), ("/min", 60.0)]
);
plain!(EventRate, "/h", 0.0..=1e9, per_hour, "Events an hour.");

/// Whether `text` is a quantity of the `kind` that its schema names; `None` when there is no such kind.
pub(crate) fn reads(kind: &str, text: &str) -> Option<bool> {
    macro_rules! of_kind {
        ($($name:ident),+) => {
            match kind {
                $(_ if kind == $name::EXPLANATION.kind => Some(text.parse::<$name>().is_ok()),)+
                _ => None,
            }
        };
    }
    of_kind!(Duration, Level, Loudness, Distance, Share, Frequency, Drift, BitRate, EventRate)
}

/// A whole number within `LOW..=HIGH` in steps of `STEP` from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const LOW: u8, const HIGH: u8, const STEP: u8 = 1>(u8);

impl<const LOW: u8, const HIGH: u8, const STEP: u8> Whole<LOW, HIGH, STEP> {
    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl<const LOW: u8, const HIGH: u8, const STEP: u8> FromStr for Whole<LOW, HIGH, STEP> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| (LOW..=HIGH).contains(number) && number.is_multiple_of(STEP));
        number.map(Self).ok_or_else(|| {
            let steps = if STEP == 1 { String::new() } else { format!(" in steps of {STEP}") };
            format!("`{text}` is not a whole number from {LOW} to {HIGH}{steps}")
        })
    }
}

impl<const LOW: u8, const HIGH: u8, const STEP: u8> Serialize for Whole<LOW, HIGH, STEP> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

impl<'de, const LOW: u8, const HIGH: u8, const STEP: u8> Deserialize<'de> for Whole<LOW, HIGH, STEP> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Scalar::deserialize(deserializer)?.0.parse().map_err(de::Error::custom)
    }
}

impl<const LOW: u8, const HIGH: u8, const STEP: u8> JsonSchema for Whole<LOW, HIGH, STEP> {
    fn schema_name() -> Cow<'static, str> {
        format!("WholeFrom{LOW}To{HIGH}By{STEP}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "description": "A whole number.",
            "minimum": LOW,
            "maximum": HIGH,
            "multipleOf": STEP,
        })
    }
}

/// A single value: numbers and truth values are kept as they would be written.
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl de::Visitor<'_> for ScalarVisitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Scalar, E> {
                Ok(Scalar(v.to_owned()))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// A value that a step takes either as it stands or, as `$name`, from an axis or a condition of the same name.
#[derive(Debug, Clone, PartialEq)]
pub enum Param<T> {
    /// Written out.
    Fixed(T),
    /// The name of the axis or condition parameter, without the `$`.
    From(String),
}

impl<T: Serialize> Serialize for Param<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(value) => value.serialize(serializer),
            Self::From(name) => serializer.collect_str(&format_args!("${name}")),
        }
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Param<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Scalar(text) = Scalar::deserialize(deserializer)?;
        match text.strip_prefix('$') {
            Some(name) => Ok(Self::From(name.to_owned())),
            None => text.parse().map(Self::Fixed).map_err(de::Error::custom),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Param<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrAxis", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        let reference = "\\$[a-z][a-z0-9-]*";
        let described = schema.get("description").and_then(|d| d.as_str()).unwrap_or_default().to_owned();
        schema.insert("description".into(), format!("{described} Or `$axis`, the value of that axis.").into());
        if let Some(pattern) = schema.get("pattern").and_then(|p| p.as_str()).map(str::to_owned) {
            let inner = pattern.trim_start_matches('^').trim_end_matches('$').to_owned();
            schema.insert("pattern".into(), format!("^({inner}|{reference})$").into());
        }
        if schema.get("type").is_some_and(|kind| kind == "integer") {
            // Each keyword speaks of one type only: the limits of the number, the pattern of the reference.
            schema.insert("type".into(), serde_json::json!(["integer", "string"]));
            schema.insert("pattern".into(), format!("^{reference}$").into());
            schema.insert("x-form".into(), "write a whole number, or `$` and the name of an axis".into());
        }
        if let Some(values) = schema.remove("enum").and_then(|v| v.as_array().cloned()) {
            let words: Vec<String> = values.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
            schema.insert("pattern".into(), format!("^({}|{reference})$", words.join("|")).into());
            schema.insert("x-words".into(), values.into());
            schema.remove("enumDescriptions");
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("90 s", 90_000_000_000)]
    #[case("250 ms", 250_000_000)]
    #[case("1.5 min", 90_000_000_000)]
    #[case("2.667ms", 2_667_000)]
    #[case("0 s", 0)]
    // A floating-point number of seconds cannot hold these.
    #[case("4416896.4 s", 4_416_896_400_000_000)]
    #[case("12345678.123456789 s", 12_345_678_123_456_789)]
    #[case("0.0000000006 s", 1)]
    fn a_duration_is_read_in_nanoseconds(#[case] text: &str, #[case] ns: i64) {
        assert_eq!(text.parse::<Duration>().map(Duration::ns), Ok(ns));
    }

    #[rstest]
    #[case("90")]
    #[case("")]
    #[case("s")]
    #[case("-3 s")]
    #[case("3 days")]
    #[case("1e3 s")]
    #[case("3  s")]
    #[case("NaN s")]
    #[case("99999999999999999999 h")]
    fn a_duration_without_a_right_number_and_unit_is_refused(#[case] text: &str) {
        assert!(text.parse::<Duration>().is_err());
    }

    #[rstest]
    #[case("-12 dB", -12.0)]
    #[case("-18.5 dBFS", -18.5)]
    fn a_level_keeps_its_sign(#[case] text: &str, #[case] db: f64) {
        assert_eq!(text.parse::<Level>().map(Level::db), Ok(db));
    }

    #[test]
    fn a_share_is_a_part_of_the_whole() {
        assert_eq!("95 %".parse::<Share>().map(Share::fraction), Ok(0.95));
    }

    #[rstest]
    #[case::above("101 %".parse::<Share>().err(), "the share `101 %` is out of range: write one from 0 % to 100 %")]
    #[case::below("-3 s".parse::<Duration>().err(), "the duration `-3 s` is out of range: write one from 0 s to 880000 h")]
    #[case::far_above("99999999999999999999 h".parse::<Duration>().err(), "is out of range: write one from 0 s to 880000 h")]
    #[case::of_a_sign("-20000 ppm".parse::<Drift>().err(), "write one from -10000 ppm to 10000 ppm")]
    #[case::unit("3 days".parse::<Duration>().err(), "`3 days` is not a duration: write a number and one of the units `ns` `us`")]
    #[case::no_unit("90".parse::<Duration>().err(), "`90` is not a duration")]
    #[case::no_number("1.2.3 s".parse::<Duration>().err(), "`1.2.3 s` is not a duration")]
    #[case::half_a_number(".5 s".parse::<Duration>().err(), "such as `90 s`")]
    fn what_is_wrong_with_a_quantity_is_said(#[case] error: Option<QuantityError>, #[case] said: &str) {
        let error = error.expect("refused").to_string();
        assert!(error.contains(said), "{error}");
    }

    #[rstest]
    #[case(91_000_000_000, "91 s")]
    #[case(120_000_000_000, "2 min")]
    #[case(2_667_000, "2.667 ms")]
    #[case(0, "0 s")]
    fn a_duration_is_written_so_that_it_reads_back(#[case] ns: i64, #[case] text: &str) {
        assert_eq!(Duration::from_ns(ns).to_string(), text);
        assert_eq!(text.parse(), Ok(Duration::from_ns(ns)));
    }

    proptest::proptest! {
        #[test]
        fn every_duration_survives_a_round_trip(ns in 0_i64..3_200_000_000_000_000_000) {
            let written = Duration::from_ns(ns).to_string();
            let read: Duration = written.parse().expect("what we write we read");
            proptest::prop_assert_eq!(read.ns(), ns, "{}", written);
        }
    }

    #[test]
    fn a_parameter_is_a_value_or_an_axis() {
        let fixed: Param<Duration> = serde_json::from_str("\"3 s\"").expect("a value");
        let axis: Param<Duration> = serde_json::from_str("\"$pause\"").expect("an axis");
        assert_eq!(fixed, Param::Fixed(Duration::from_s(3)));
        assert_eq!(axis, Param::From("pause".into()));
    }
}
