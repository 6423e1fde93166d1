//! The lines that go between Rigtone and a program of the lab. Pure: text in, text out.

use rigtone_model::trial::{DeviceFailure, FailureClass, InfrastructureFault};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the protocol.
pub(crate) const VERSION: u64 = 1;
/// No line is longer, in bytes.
pub(crate) const LONGEST: usize = 64 * 1024;

/// What Rigtone says first.
#[derive(Debug, Serialize)]
pub(crate) struct Greeting<'a> {
    pub(crate) rigtone: u64,
    /// What the program is the driver of.
    #[serde(rename = "for")]
    pub(crate) of: &'a Value,
}

/// What a program says first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Hello {
    rigtone: u64,
    can: Vec<String>,
}

impl Hello {
    /// Reads it.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn read(line: &str) -> Result<Vec<String>, String> {
        let hello: Self = serde_json::from_str(line).map_err(|e| format!("it is no hello: {e}"))?;
        match hello.rigtone {
            VERSION => Ok(hello.can),
            other => Err(format!("it speaks version {other} of the protocol, and this Rigtone version {VERSION}")),
        }
    }
}

/// An order of Rigtone: the members of `with` stand beside the others.
pub(crate) fn order(id: u64, what: &str, within_ms: u64, with: &Value) -> String {
    let mut line = Map::new();
    line.insert("id".to_owned(), id.into());
    line.insert("do".to_owned(), what.into());
    line.insert("within_ms".to_owned(), within_ms.into());
    if let Value::Object(with) = with {
        line.extend(with.clone());
    }
    Value::Object(line).to_string()
}

/// What a program says while it obeys an order, and when it has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// What lasts has begun.
    Began(Began),
    /// It is done.
    Done(Map<String, Value>),
    /// The device did not do what was asked.
    Failed(DeviceFailure),
    /// Nothing is known of the device.
    Fault(Fault),
}

/// When something began, before its line was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Began {
    /// How long ago, in milliseconds.
    #[serde(default)]
    pub(crate) ago_ms: f64,
    /// How well the program knows that, in milliseconds.
    pub(crate) uncertainty_ms: f64,
}

/// What kept the program from finding out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    what: String,
    hint: Option<String>,
}

impl Fault {
    pub(crate) fn of(self, member: &str) -> InfrastructureFault {
        let fault = InfrastructureFault::new(member, shown(&self.what));
        match self.hint {
            Some(hint) => fault.hint(shown(&hint)),
            None => fault.hint("see what its program wrote, and its documentation"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: u64,
    began: Option<Began>,
    done: Option<Map<String, Value>>,
    failed: Option<Failed>,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    class: String,
    #[serde(default)]
    detail: String,
}

/// What a source sees of a device. All else is measured by the rig.
const CLASSES: &[FailureClass] = &[
    FailureClass::NotDiscovered,
    FailureClass::PairingRefused,
    FailureClass::PairingTimedOut,
    FailureClass::NotConnected,
    FailureClass::NoStream,
    FailureClass::WrongRole,
    FailureClass::LinkLost,
    FailureClass::Unsupported,
];

/// Reads a line that belongs to the order `id`.
///
/// # Errors
/// Why it is none.
pub(crate) fn said(id: u64, line: &str) -> Result<Said, String> {
    let line: Line = serde_json::from_str(line).map_err(|e| format!("it is no answer: {e}"))?;
    if line.id != id {
        return Err(format!("it answers the order {}, where {id} is due", line.id));
    }
    match (line.began, line.done, line.failed, line.fault) {
        (Some(began), None, None, None) if began.is_sound() => Ok(Said::Began(began)),
        (Some(_), None, None, None) => Err("its times are no times that have passed".to_owned()),
        (None, Some(done), None, None) => Ok(Said::Done(done)),
        (None, None, Some(Failed { class, detail }), None) => {
            let known = CLASSES.iter().find(|known| known.as_str() == class);
            let class = known.ok_or_else(|| {
                let words: Vec<&str> = CLASSES.iter().map(|class| class.as_str()).collect();
                format!("`{}` is no class of failure that a program tells: {}", shown(&class), words.join(", "))
            })?;
            Ok(Said::Failed(DeviceFailure::new(*class, shown(&detail))))
        }
        (None, None, None, Some(fault)) => Ok(Said::Fault(fault)),
        _ => Err("exactly one of `began`, `done`, `failed` and `fault` is due".to_owned()),
    }
}

impl Began {
    /// Longer ago than this, or less well known, is of no use.
    const MOST_MS: f64 = 600_000.0;

    fn is_sound(&self) -> bool {
        [self.ago_ms, self.uncertainty_ms].iter().all(|ms| (0.0..=Self::MOST_MS).contains(ms))
    }
}

/// Text of a program as messages show it.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(r#"{"rigtone": 1, "can": ["pairing"]}"#, Ok(vec!["pairing"]))]
    #[case(r#"{"rigtone": 1, "can": [], "name": "more than is asked"}"#, Ok(vec![]))]
    #[case(r#"{"rigtone": 2, "can": ["pairing"]}"#, Err("speaks version 2"))]
    #[case(r#"{"can": ["pairing"]}"#, Err("no hello"))]
    #[case(r#"{"rigtone": 1}"#, Err("no hello"))]
    #[case("Traceback (most recent call last):", Err("no hello"))]
    fn a_hello_says_version_and_abilities(#[case] line: &str, #[case] due: Result<Vec<&str>, &str>) {
        match (Hello::read(line), due) {
            (Ok(can), Ok(due)) => assert_eq!(can, due),
            (Err(why), Err(due)) => assert!(why.contains(due), "{why}"),
            (found, due) => panic!("{found:?} where {due:?} is due"),
        }
    }

    #[test]
    fn an_order_is_one_line() {
        let line = order(3, "pair", 1500, &json!({"target": "D2:00:00:00:00:01", "odd": "a\nb"}));
        assert!(!line.contains('\n'));
        let due = json!({"id": 3, "do": "pair", "within_ms": 1500, "target": "D2:00:00:00:00:01", "odd": "a\nb"});
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), due);
    }

    fn failed(class: FailureClass) -> Said {
        Said::Failed(DeviceFailure::new(class, "why"))
    }

    #[rstest]
    #[case(r#"{"id": 7, "done": {}}"#, Ok(Said::Done(Map::new())))]
    #[case(r#"{"id": 7, "began": {"uncertainty_ms": 20}}"#, Ok(Said::Began(Began { ago_ms: 0.0, uncertainty_ms: 20.0 })))]
    #[case(
        r#"{"id": 7, "failed": {"class": "pairing-refused", "detail": "why"}}"#,
        Ok(failed(FailureClass::PairingRefused))
    )]
    #[case(r#"{"id": 7, "fault": {"what": "no phone", "hint": "plug it in"}}"#,
        Ok(Said::Fault(Fault { what: "no phone".into(), hint: Some("plug it in".into()) })))]
    #[case(r#"{"id": 6, "done": {}}"#, Err("answers the order 6, where 7 is due"))]
    #[case(r#"{"id": 7}"#, Err("exactly one"))]
    #[case(r#"{"id": 7, "done": {}, "fault": {"what": "both"}}"#, Err("exactly one"))]
    #[case(r#"{"id": 7, "failed": {"class": "silent"}}"#, Err("no class of failure that a program tells"))]
    #[case(r#"{"id": 7, "began": {"ago_ms": -1, "uncertainty_ms": 20}}"#, Err("no times that have passed"))]
    #[case(r#"{"id": 7, "began": {}}"#, Err("no answer"))]
    #[case(r#"{"id": 7, "ok": true}"#, Err("no answer"))]
    #[case("paired!", Err("no answer"))]
    fn a_line_is_one_of_four_answers(#[case] line: &str, #[case] due: Result<Said, &str>) {
        match (said(7, line), due) {
            (Ok(said), Ok(due)) => assert_eq!(said, due),
            (Err(why), Err(due)) => assert!(why.contains(due), "{why}"),
            (found, due) => panic!("{found:?} where {due:?} is due"),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(line in ".{0,200}", id in any::<u64>()) {
            let _ = (Hello::read(&line), said(id, &line));
        }
    }
}
