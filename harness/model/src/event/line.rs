//! An event as a line of the log.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};
use serde_json::{Value as Json, value::RawValue};
use thiserror::Error;

use super::{At, Body, Event, SCHEMA};
use crate::id::CombinationId;

/// The line as it is written.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'a str,
    run: &'a str,
    seq: u64,
    t_ns: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    combination: Option<&'a CombinationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    kind: &'a str,
    payload: Json,
}

/// The line as it is read.
#[derive(Default)]
struct Envelope<'a> {
    schema: Option<Cow<'a, str>>,
    run: Option<Cow<'a, str>>,
    seq: Option<u64>,
    t_ns: Option<i64>,
    combination: Option<Cow<'a, str>>,
    trial: Option<u32>,
    attempt: Option<u32>,
    step: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
    payload: Payload<'a>,
}

/// What a line carries.
#[derive(Default)]
enum Payload<'a> {
    #[default]
    Absent,
    /// Schema and kind came first, as we write them: it was read on the way, and nothing was copied.
    Read(Body),
    /// It came before them, or is of a kind that nobody knows.
    Raw(&'a RawValue),
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Schema,
    Run,
    Seq,
    TNs,
    Combination,
    Trial,
    Attempt,
    Step,
    Kind,
    Payload,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Envelope<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut line = Envelope::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::Schema => text("schema", &mut line.schema, &mut map)?,
                Key::Run => text("run", &mut line.run, &mut map)?,
                Key::Seq => once("seq", &mut line.seq, map.next_value()?)?,
                Key::TNs => once("t_ns", &mut line.t_ns, map.next_value()?)?,
                Key::Combination => text("combination", &mut line.combination, &mut map)?,
                Key::Trial => number("trial", &mut line.trial, &mut map)?,
                Key::Attempt => number("attempt", &mut line.attempt, &mut map)?,
                Key::Step => text("step", &mut line.step, &mut map)?,
                Key::Kind => text("kind", &mut line.kind, &mut map)?,
                Key::Payload if !matches!(line.payload, Payload::Absent) => {
                    return Err(A::Error::duplicate_field("payload"));
                }
                Key::Payload => match (&line.schema, &line.kind) {
                    (Some(schema), Some(kind)) if is_ours(schema) && KINDS.contains(&&**kind) => {
                        line.payload = Payload::Read(map.next_value_seed(Carried(kind))?);
                    }
                    _ => line.payload = Payload::Raw(map.next_value()?),
                },
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(line)
    }
}

/// Whether a schema is of the major version that this build reads.
fn is_ours(schema: &str) -> bool {
    schema == SCHEMA || schema.split('.').next() == SCHEMA.split('.').next()
}

fn once<T, E: de::Error>(name: &'static str, field: &mut Option<T>, value: T) -> Result<(), E> {
    if field.replace(value).is_some() { Err(E::duplicate_field(name)) } else { Ok(()) }
}

/// A text, borrowed where it has no escapes; `null` is none.
fn text<'de, A: MapAccess<'de>>(
    name: &'static str,
    field: &mut Option<Cow<'de, str>>,
    map: &mut A,
) -> Result<(), A::Error> {
    #[derive(Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    match map.next_value::<Option<Borrowed<'de>>>()? {
        Some(Borrowed(text)) => once(name, field, text),
        None => Ok(()),
    }
}

fn number<'de, A: MapAccess<'de>>(name: &'static str, field: &mut Option<u32>, map: &mut A) -> Result<(), A::Error> {
    map.next_value::<Option<u32>>()?.map_or(Ok(()), |number| once(name, field, number))
}

/// The payload of a kind.
struct Carried<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Carried<'_> {
    type Value = Body;
    fn deserialize<D: Deserializer<'de>>(self, payload: D) -> Result<Body, D::Error> {
        Body::deserialize(Tagged { kind: self.0, payload: Some(payload), next: 0 })
    }
}

/// A kind with its payload, in the order in which [`Body`] reads them without keeping anything.
struct Tagged<'k, D> {
    kind: &'k str,
    payload: Option<D>,
    next: u8,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tagged<'_, D> {
    type Error = D::Error;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_map(self)
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, D: Deserializer<'de>> MapAccess<'de> for Tagged<'_, D> {
    type Error = D::Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, D::Error> {
        let key = match self.next {
            0 => "kind",
            1 => "payload",
            _ => return Ok(None),
        };
        self.next += 1;
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, D::Error> {
        match self.payload.take() {
            Some(payload) if self.next > 1 => seed.deserialize(payload),
            payload => {
                self.payload = payload;
                seed.deserialize(StrDeserializer::new(self.kind))
            }
        }
    }
}

/// A line that is not an event this build can read.
#[derive(Debug, Error)]
pub enum EventError {
    /// Not JSON, or not the fields of an event.
    #[error("not an event: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a version with another major schema.
    #[error(
        "events of schema {found} cannot be read by this version, which reads {SCHEMA}: use the version that wrote them"
    )]
    Schema {
        /// The version found.
        found: String,
    },
}

impl Event {
    /// The event as one line without its line feed.
    ///
    /// # Errors
    /// When a payload cannot be written as JSON.
    pub fn to_line(&self, run: &str) -> Result<String, serde_json::Error> {
        let (kind, payload) = match &self.body {
            Body::Unknown { kind, payload } => (kind.clone(), payload.clone()),
            known => match serde_json::to_value(known)? {
                Json::Object(mut map) => {
                    let kind = map.remove("kind").and_then(|k| k.as_str().map(str::to_owned)).unwrap_or_default();
                    (kind, map.remove("payload").unwrap_or(Json::Null))
                }
                other => (String::new(), other),
            },
        };
        let at = self.at.as_ref();
        serde_json::to_string(&Line {
            schema: SCHEMA,
            run,
            seq: self.seq,
            t_ns: self.t_ns,
            combination: at.map(|a| &a.combination),
            trial: at.map(|a| a.trial),
            attempt: at.map(|a| a.attempt),
            step: at.and_then(|a| a.step.as_deref()),
            kind: &kind,
            payload,
        })
    }

    /// Reads a line; returns the run it belongs to and the event.
    ///
    /// # Errors
    /// When the line is not an event, or one of another major schema version.
    pub fn from_line(line: &str) -> Result<(Cow<'_, str>, Self), EventError> {
        let line: Envelope<'_> = serde_json::from_str(line)?;
        let missing = |name| move || serde_json::Error::missing_field(name);
        let schema = line.schema.ok_or_else(missing("schema"))?;
        if !is_ours(&schema) {
            return Err(EventError::Schema { found: schema.into_owned() });
        }
        let (run, kind) = (line.run.ok_or_else(missing("run"))?, line.kind.ok_or_else(missing("kind"))?);
        let body = match line.payload {
            Payload::Read(body) => body,
            Payload::Raw(raw) if !KINDS.contains(&&*kind) => {
                Body::Unknown { kind: kind.into_owned(), payload: serde_json::from_str(raw.get())? }
            }
            Payload::Absent if !KINDS.contains(&&*kind) => {
                Body::Unknown { kind: kind.into_owned(), payload: Json::Null }
            }
            Payload::Raw(raw) => Carried(&kind).deserialize(&mut serde_json::Deserializer::from_str(raw.get()))?,
            Payload::Absent => Carried(&kind).deserialize(&mut serde_json::Deserializer::from_str("null"))?,
        };
        let at = match (line.combination, line.trial, line.attempt) {
            (Some(combination), Some(trial), Some(attempt)) => {
                Some(At { combination: (&*combination).into(), trial, attempt, step: line.step.map(Cow::into_owned) })
            }
            // Of a combination as a whole.
            (Some(combination), None, None) => {
                Some(At { combination: (&*combination).into(), trial: 0, attempt: 0, step: None })
            }
            _ => None,
        };
        let (seq, t_ns) = (line.seq.ok_or_else(missing("seq"))?, line.t_ns.ok_or_else(missing("t_ns"))?);
        Ok((run, Self { seq, t_ns, at, body }))
    }
}

/// The kinds this build knows: a fault in one of them is an error, not something unknown.
const KINDS: &[&str] = &[
    "run-started",
    "checked",
    "firmware-looked",
    "trial-started",
    "step-started",
    "power-switched",
    "buttons-pressed",
    "found",
    "attempt",
    "connected",
    "transport-changed",
    "emitted",
    "evidence",
    "observed",
    "step-finished",
    "recovering",
    "evidence-removed",
    "trial-finished",
    "trial-discarded",
    "benched",
    "given-up",
    "voided",
    "left-open",
    "output-unsafe",
    "decided",
    "warning",
    "run-resumed",
    "run-finished",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{FirmwareLook, FirmwareSource, TransportChange, TrialOutcome},
        observation::{Observation, Quantity, Value},
        verdict::Verdict,
    };
    use rstest::rstest;

    fn at() -> At {
        At { combination: "s/a=b#00000000".into(), trial: 3, attempt: 1, step: Some("pair".into()) }
    }

    #[test]
    fn an_event_survives_the_way_through_the_log() {
        let observation = Observation::raw("pair", Quantity::Codec, Value::Word("sbc".into()));
        let told = |change| Body::TransportChanged { unit: "one".into(), t_ns: 5, change };
        for body in [
            told(TransportChange::State("active".into())),
            told(TransportChange::ReportedDelay { ns: 150_000_000 }),
            told(TransportChange::Volume(64)),
            Body::TrialStarted,
            Body::Observed(observation),
            Body::FirmwareLooked(FirmwareLook {
                unit: "charge-5".into(),
                firmware: "1.1.0".into(),
                source: FirmwareSource::DeviceId,
                expected: "version 0x0110".into(),
                found: None,
                note: Some("it has none".into()),
            }),
            Body::Voided { member: "unit charge-5".into(), why: "it runs another firmware".into() },
            Body::TrialFinished { outcome: TrialOutcome::Completed, memory: Some(serde_json::json!({"bonds": [1]})) },
            Body::Unknown { kind: "moon-phase".into(), payload: serde_json::json!({"full": true}) },
        ] {
            let event = Event { seq: 7, t_ns: -5, at: Some(at()), body };
            let line = event.to_line("run-1").expect("events are JSON");
            assert!(!line.contains('\n'));
            assert_eq!(Event::from_line(&line).expect("what we write we read"), ("run-1".into(), event));
        }
    }

    #[test]
    fn every_kind_this_build_writes_is_a_kind_it_knows() {
        let body = Body::Warning { text: String::new() };
        let Json::Object(map) = serde_json::to_value(&body).expect("JSON") else { panic!("an object") };
        assert!(KINDS.contains(&map["kind"].as_str().expect("a word")));
    }

    #[rstest]
    #[case(r#"{"schema":"2.0","run":"r","seq":0,"t_ns":0,"kind":"trial-started","payload":null}"#)]
    #[case(r#"{"schema":"2.0","run":"r","seq":0,"t_ns":0,"kind":"decided","payload":["another form"]}"#)]
    #[case(r#"{"kind":"decided","payload":7,"schema":"2.0","run":"r","seq":0,"t_ns":0}"#)]
    fn another_major_version_is_a_clear_error(#[case] line: &str) {
        let error = Event::from_line(line).expect_err("another major version");
        assert!(error.to_string().contains("schema 2.0"), "{error}");
    }

    #[test]
    fn a_newer_minor_version_is_read() {
        let line = r#"{"schema":"1.9","run":"r","seq":0,"t_ns":0,"kind":"new-thing","payload":{"x":1},"more":2}"#;
        let (_, event) = Event::from_line(line).expect("the same major version");
        assert!(matches!(event.body, Body::Unknown { kind, .. } if kind == "new-thing"));
    }

    #[rstest]
    #[case::as_we_write(
        r#"{"schema":"1.0","run":"r","seq":3,"t_ns":-1,"kind":"decided","payload":{"verdict":"pass","n":4}}"#
    )]
    #[case::sorted(
        r#"{"kind":"decided","payload":{"n":4,"verdict":"pass"},"run":"r","schema":"1.0","seq":3,"t_ns":-1}"#
    )]
    #[case::payload_first(r#"{"payload":{"n":4,"verdict":"pass"},"kind":"decided","step":null,"run":"r","schema":"1.0","seq":3,"t_ns":-1}"#)]
    fn the_order_of_keys_means_nothing(#[case] line: &str) {
        let body = Body::Decided { verdict: Verdict::Pass, n: 4 };
        let event = Event { seq: 3, t_ns: -1, at: None, body };
        assert_eq!(Event::from_line(line).expect("an event"), ("r".into(), event));
    }

    #[rstest]
    #[case("seq", r#"{"schema":"1.0","run":"r","t_ns":0,"kind":"trial-started"}"#)]
    #[case("schema", r#"{"run":"r","seq":0,"t_ns":0,"kind":"trial-started"}"#)]
    #[case("kind", r#"{"schema":"1.0","run":"r","seq":0,"t_ns":0,"payload":null}"#)]
    #[case("run", r#"{"schema":"1.0","seq":0,"t_ns":0,"kind":"trial-started"}"#)]
    #[case(
        "duplicate field `payload`",
        r#"{"schema":"1.0","run":"r","seq":0,"t_ns":0,"kind":"trial-started","payload":null,"payload":null}"#
    )]
    #[case("duplicate field `seq`", r#"{"schema":"1.0","run":"r","seq":0,"seq":0,"t_ns":0,"kind":"trial-started"}"#)]
    #[case("expected an event", "[]")]
    fn what_is_missing_or_there_twice_is_named(#[case] said: &str, #[case] line: &str) {
        let error = Event::from_line(line).expect_err("no event");
        assert!(error.to_string().contains(said), "{error}");
    }

    #[test]
    fn a_known_kind_with_a_broken_payload_is_an_error() {
        let line = r#"{"schema":"1.0","run":"r","seq":0,"t_ns":0,"kind":"decided","payload":{"verdict":7}}"#;
        assert!(matches!(Event::from_line(line), Err(EventError::Malformed(_))));
    }
}
