//! The suite `rig`: what a look at a rig found. What is wrong with a rig is an error, never a failure of a device.

use std::collections::BTreeMap;

use rigtone_model::inspection::{Found, Health, Inspection, Subject};

use super::xml::{Case, CaseResult, Detail, Suite};
use crate::sanitise::{label, short};

/// The longest name, in characters.
const LONGEST_NAME: usize = 240;
/// The longest message, in characters; the body says it all.
const LONGEST_MESSAGE: usize = 300;
/// The longest body, in characters.
const LONGEST_BODY: usize = 2_000;

pub(super) fn suite(inspection: &Inspection) -> Suite {
    let classname = label(&format!("rigtone.rig.{}", inspection.rig), LONGEST_NAME);
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let cases = inspection.found.iter().map(|found| {
        let mut case = case(&classname, found);
        // Several outputs of one board may not be safe: of two cases of one name readers would drop one.
        let n = times.entry(case.name.clone()).or_default();
        *n += 1;
        if *n > 1 {
            case.name = label(&format!("{} ({n})", case.name), LONGEST_NAME);
        }
        case
    });
    let cases = cases.collect();
    let host = label(&inspection.rig, LONGEST_NAME);
    Suite { name: "rig".to_owned(), host, started_unix_s: inspection.begun_unix_s, cases }
}

fn case(classname: &str, found: &Found) -> Case {
    let name = match found.subject {
        Subject::Opening => "opening the rig".to_owned(),
        Subject::Member => found.member.clone(),
        Subject::Firmware => format!("firmware of {}", found.member),
        Subject::Output => format!("switching the {}", found.member),
        Subject::SafeState => format!("safe state of {}", found.member),
    };
    // Readers fetch the file that brackets name: no text of a device may name one.
    let said = |text: &str, longest: usize| short(text, longest).replace("[[", "[ [");
    let detail = |kind: &str| Detail {
        kind: kind.to_owned(),
        message: said(&found.what, LONGEST_MESSAGE),
        body: said(&format!("{}: {}", found.member, found.what), LONGEST_BODY),
    };
    let result = match found.health {
        Health::Ok => CaseResult::Success,
        Health::Lacks | Health::Skipped => CaseResult::Skipped(detail("skipped")),
        Health::Fault => CaseResult::Error(detail("infra-error")),
    };
    let took_ns = found.answered_ns.map_or(0, |[there, back]| there.saturating_add(back));
    let output = said(&format!("found={}", found.what), LONGEST_BODY);
    Case { classname: classname.to_owned(), name: label(&name, LONGEST_NAME), took_ns, result, output }
}
