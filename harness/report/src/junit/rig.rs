//! The suite `rig`: what a look at a rig found. What is wrong with a rig is an error, never a failure of a device.

use std::collections::BTreeSet;

use rigtone_model::inspection::{Found, Health, Inspection, Subject};

use super::{
    JunitError,
    xml::{Case, CaseResult, Detail, Suite},
};
use crate::sanitise::{label, short};

/// The longest name, in characters.
const LONGEST_NAME: usize = 240;
/// The longest message, in characters; the body says it all.
const LONGEST_MESSAGE: usize = 300;
/// The longest body, in characters.
const LONGEST_BODY: usize = 2_000;

pub(super) fn suite(inspection: &Inspection) -> Result<Suite, JunitError> {
    let classname = label(&format!("rigtone.rig.{}", inspection.rig), LONGEST_NAME);
    let cases: Vec<Case> = inspection.found.iter().map(|found| case(&classname, found)).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = cases.iter().find(|case| !seen.insert(&case.name)) {
        let (suite, name) = ("rig".to_owned(), twice.name.clone());
        return Err(JunitError::Duplicate { suite, classname, name });
    }
    let host = label(&inspection.rig, LONGEST_NAME);
    Ok(Suite { name: "rig".to_owned(), host, started_unix_s: inspection.begun_unix_s, cases })
}

fn case(classname: &str, found: &Found) -> Case {
    let name = match found.subject {
        Subject::Opening => "opening the rig".to_owned(),
        Subject::Member => found.member.clone(),
        Subject::Firmware => format!("firmware of {}", found.member),
        Subject::Output => format!("switching the {}", found.member),
        Subject::SafeState => format!("safe state of {}", found.member),
    };
    let detail = |kind: &str| Detail {
        kind: kind.to_owned(),
        message: short(&found.what, LONGEST_MESSAGE),
        body: short(&format!("{}: {}", found.member, found.what), LONGEST_BODY),
    };
    let result = match found.health {
        Health::Ok => CaseResult::Success,
        Health::Lacks => CaseResult::Skipped(detail("lacks")),
        Health::Skipped => CaseResult::Skipped(detail("skipped")),
        Health::Fault => CaseResult::Error(detail("infra-error")),
    };
    let took_ns = found.answered_ns.map_or(0, |[there, back]| there.saturating_add(back));
    // Readers fetch the file that brackets name: no text of a device may name one.
    let output = short(&format!("found={}", found.what), LONGEST_BODY).replace("[[", "[ [");
    Case { classname: classname.to_owned(), name: label(&name, LONGEST_NAME), took_ns, result, output }
}
