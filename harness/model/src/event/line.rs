//! An event as a line of the log.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, MapAccess, Visitor, value::BorrowedStrDeserializer},
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

/// The line as it is read: nothing is copied before its kind is known.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    schema: Cow<'a, str>,
    #[serde(borrow)]
    run: Cow<'a, str>,
    seq: u64,
    t_ns: i64,
    #[serde(borrow, default)]
    combination: Option<Cow<'a, str>>,
    #[serde(default)]
    trial: Option<u32>,
    #[serde(default)]
    attempt: Option<u32>,
    #[serde(borrow, default)]
    step: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

/// A kind with its payload, in the order in which [`Body`] reads them without keeping anything.
struct Tagged<'a> {
    kind: &'a str,
    payload: &'a str,
    next: u8,
}

impl<'de> Deserializer<'de> for Tagged<'de> {
    type Error = serde_json::Error;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self)
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Tagged<'de> {
    type Error = serde_json::Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let key = match self.next {
            0 => "kind",
            1 if self.payload != "null" => "payload",
            _ => return Ok(None),
        };
        self.next += 1;
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        if self.next == 1 {
            return seed.deserialize(BorrowedStrDeserializer::new(self.kind));
        }
        seed.deserialize(&mut serde_json::Deserializer::from_str(self.payload))
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
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if line.schema != SCHEMA && major(&line.schema) != major(SCHEMA) {
            return Err(EventError::Schema { found: line.schema.into_owned() });
        }
        let payload = line.payload.map_or("null", RawValue::get);
        let body = match Body::deserialize(Tagged { kind: &line.kind, payload, next: 0 }) {
            Ok(body) => body,
            Err(e) if KINDS.contains(&&*line.kind) => return Err(e.into()),
            Err(_) => Body::Unknown { kind: line.kind.into_owned(), payload: serde_json::from_str(payload)? },
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
        Ok((line.run, Self { seq: line.seq, t_ns: line.t_ns, at, body }))
    }
}

/// The kinds this build knows: a fault in one of them is an error, not something unknown.
const KINDS: &[&str] = &[
    "run-started",
    "checked",
    "trial-started",
    "step-started",
    "power-switched",
    "found",
    "attempt",
    "connected",
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
        event::TrialOutcome,
        observation::{Observation, Quantity, Value},
    };

    fn at() -> At {
        At { combination: "s/a=b#00000000".into(), trial: 3, attempt: 1, step: Some("pair".into()) }
    }

    #[test]
    fn an_event_survives_the_way_through_the_log() {
        let observation = Observation::raw("pair", Quantity::Codec, Value::Word("sbc".into()));
        for body in [
            Body::TrialStarted,
            Body::Observed(observation),
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

    #[test]
    fn another_major_version_is_a_clear_error() {
        let line = r#"{"schema":"2.0","run":"r","seq":0,"t_ns":0,"kind":"trial-started","payload":null}"#;
        let error = Event::from_line(line).expect_err("another major version");
        assert!(error.to_string().contains("schema 2.0"), "{error}");
    }

    #[test]
    fn a_newer_minor_version_is_read() {
        let line = r#"{"schema":"1.9","run":"r","seq":0,"t_ns":0,"kind":"new-thing","payload":{"x":1},"more":2}"#;
        let (_, event) = Event::from_line(line).expect("the same major version");
        assert!(matches!(event.body, Body::Unknown { kind, .. } if kind == "new-thing"));
    }

    #[test]
    fn a_known_kind_with_a_broken_payload_is_an_error() {
        let line = r#"{"schema":"1.0","run":"r","seq":0,"t_ns":0,"kind":"decided","payload":{"verdict":7}}"#;
        assert!(matches!(Event::from_line(line), Err(EventError::Malformed(_))));
    }
}
