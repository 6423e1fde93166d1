//! Exit codes: what a script learns of a run.

use rigtone_model::verdict::{RunVerdicts, Verdict};

use crate::figure::count;

/// The exit codes of Rigtone. When several apply, the first in this order holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The run was interrupted.
    Interrupted,
    /// A fault of Rigtone itself.
    Internal,
    /// Wrong usage, or invalid documents.
    Usage,
    /// The rig is in use by somebody else.
    InUse,
    /// Nothing to do: everything was skipped, or nothing was selected.
    Nothing,
    /// At least one product failure.
    Failure,
    /// Infrastructure errors prevented a verdict.
    Infrastructure,
    /// No failure, but something is not decided.
    Inconclusive,
    /// Every gating expectation passed.
    Passed,
}

impl Code {
    /// Every code, in the order of precedence.
    pub const ALL: [Self; 9] = [
        Self::Interrupted,
        Self::Internal,
        Self::Usage,
        Self::InUse,
        Self::Nothing,
        Self::Failure,
        Self::Infrastructure,
        Self::Inconclusive,
        Self::Passed,
    ];

    /// The code that the process ends with.
    pub const fn number(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Nothing => 3,
            Self::Failure => 10,
            Self::Inconclusive => 11,
            Self::Infrastructure => 12,
            Self::InUse => 13,
            Self::Interrupted => 130,
        }
    }

    /// What it says, for manual pages.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Passed => "every expectation that decides passed, or the command did what it was asked",
            Self::Internal => "a fault of Rigtone itself",
            Self::Usage => "wrong usage, or documents or runs that cannot be read",
            Self::Nothing => "nothing to do: everything was skipped, or nothing was selected",
            Self::Failure => "the product failed",
            Self::Inconclusive => "no failure, but something is not decided",
            Self::Infrastructure => "the rig or the disk kept the answer back",
            Self::InUse => "somebody else uses the rig, or writes the run",
            Self::Interrupted => "the run was interrupted, or is still going on",
        }
    }
}

/// What an inconclusive verdict counts as, in exit code and JUnit; the verdict itself stays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InconclusivePolicy {
    /// As itself: exit code 11, an error of that type in JUnit.
    #[default]
    AsError,
    /// As a pass.
    AsPass,
    /// As a product failure.
    AsFailure,
}

/// What stands in the place of what interrupted a run, in verdicts of one that is still being written.
pub const GOES_ON: &str = "nothing yet: the run is still going on";

/// Whether a combination was to be tried and nobody knows what it would have shown.
fn lacks_an_answer(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::InfraError | Verdict::Aborted) || verdict.is_out_of_time()
}

/// The exit code of a run, and why.
pub fn of(verdicts: &RunVerdicts, policy: InconclusivePolicy) -> (Code, String) {
    let all = verdicts.combinations.len();
    // What is in quarantine decides nothing, whatever became of it.
    let gating = || verdicts.combinations.iter().filter(|c| c.quarantined.is_none());
    let with = |verdict: Verdict| gating().filter(|c| c.verdict.word() == verdict.word()).count();
    let quarantined = all - gating().count();
    let (passed, failed, undecided) = (with(Verdict::Pass), with(Verdict::Fail), with(Verdict::Inconclusive));
    let (lost, aborted) = (with(Verdict::InfraError), with(Verdict::Aborted));
    let skipped = with(Verdict::Skipped(String::new()));
    let of_all = |n: usize| format!("{n} of {}", count(all, "combination"));

    if let Some(by) = &verdicts.interrupted {
        let open = verdicts.combinations.iter().filter(|c| lacks_an_answer(&c.verdict)).count();
        let (what, yet) = match by.as_str() {
            GOES_ON => ("the run is still going on".to_owned(), " yet"),
            by => (format!("interrupted by {by}"), ""),
        };
        return (Code::Interrupted, format!("{what}: {} {} no answer{yet}", of_all(open), have(open)));
    }
    if aborted > 0 {
        return (Code::Interrupted, format!("{} {} ended before an answer", of_all(aborted), were(aborted)));
    }
    if all == 0 {
        return (Code::Nothing, "the plan has no combinations".to_owned());
    }
    let late = gating().filter(|c| c.verdict.is_out_of_time()).count();
    // What the time cut off was to be done: that is no plan of nothing.
    if late == 0 && quarantined > 0 && skipped + quarantined == all {
        let why = format!("{} {} in quarantine, and nothing else ran", of_all(quarantined), are(quarantined));
        return (Code::Nothing, why);
    }
    if late == 0 && skipped == all {
        return (
            Code::Nothing,
            format!(
                "{} skipped: nothing ran",
                if all == 1 { "the only combination was".to_owned() } else { format!("all {all} combinations were") }
            ),
        );
    }
    let counted_as = |what: &str| {
        format!(", {undecided} inconclusive {} as {what}", if undecided == 1 { "counts" } else { "count" })
    };
    if failed > 0 {
        let more =
            if undecided > 0 && policy == InconclusivePolicy::AsFailure { counted_as("failed") } else { String::new() };
        return (Code::Failure, format!("{} failed{more}", of_all(failed)));
    }
    if undecided > 0 && policy == InconclusivePolicy::AsFailure {
        return (
            Code::Failure,
            format!("{} {} inconclusive, which counts as failed", of_all(undecided), are(undecided)),
        );
    }
    if lost > 0 {
        return (Code::Infrastructure, format!("infrastructure errors left {} without a verdict", of_all(lost)));
    }
    if late > 0 {
        // Never a pass: nobody knows what they would have shown.
        let why = format!("the time was up before {} had an answer", of_all(late));
        return (Code::Inconclusive, why);
    }
    if undecided > 0 && policy == InconclusivePolicy::AsError {
        return (Code::Inconclusive, format!("{} {} inconclusive", of_all(undecided), are(undecided)));
    }
    let mut why = format!("{} passed", of_all(passed));
    if undecided > 0 {
        why.push_str(&counted_as("passed"));
    }
    if skipped > 0 {
        why.push_str(&format!(", {skipped} skipped"));
    }
    if quarantined > 0 {
        why.push_str(&format!(", {quarantined} in quarantine"));
    }
    (Code::Passed, why)
}

fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}
fn were(n: usize) -> &'static str {
    if n == 1 { "was" } else { "were" }
}
fn have(n: usize) -> &'static str {
    if n == 1 { "has" } else { "have" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InconclusivePolicy::{AsError, AsFailure, AsPass};
    use rigtone_model::verdict::CombinationVerdict;
    use rstest::rstest;

    fn run(words: &str, interrupted: Option<&str>) -> RunVerdicts {
        let combination = |word: &str| CombinationVerdict {
            id: "s/a=b#00000000".into(),
            scenario: "s".into(),
            verdict: match word.trim_end_matches('!') {
                "pass" => Verdict::Pass,
                "fail" => Verdict::Fail,
                "inconclusive" => Verdict::Inconclusive,
                "infra" => Verdict::InfraError,
                "skipped" => Verdict::Skipped("no microphone".into()),
                "late" => Verdict::out_of_time(),
                "aborted" => Verdict::Aborted,
                other => panic!("{other}"),
            },
            trials: 0,
            lost: 0,
            expectations: vec![],
            classes: Default::default(),
            faults: vec![],
            evidence: vec![],
            took_ns: 0,
            quarantined: word.ends_with('!').then(|| rigtone_model::document::Quarantined {
                select: vec!["speaker=b".parse().unwrap()],
                reason: "known".into(),
                owner: "lab".into(),
                expires: "2027-01-31".into(),
            }),
        };
        RunVerdicts {
            schema: RunVerdicts::SCHEMA.into(),
            run: "r".into(),
            interrupted: interrupted.map(str::to_owned),
            combinations: words.split_whitespace().map(combination).collect(),
        }
    }

    #[rstest]
    #[case::all_passed("pass pass", AsError, 0, "2 of 2 combinations passed")]
    #[case::skipped_beside_passed("pass skipped", AsError, 0, "1 of 2 combinations passed, 1 skipped")]
    #[case::out_of_time_beside_passed(
        "pass late",
        AsError,
        11,
        "the time was up before 1 of 2 combinations had an answer"
    )]
    #[case::out_of_time_is_no_pass("pass late", AsPass, 11, "the time was up before 1 of 2 combinations had an answer")]
    #[case::failure_before_out_of_time("late fail", AsError, 10, "1 of 2 combinations failed")]
    #[case::nothing_selected("", AsError, 3, "the plan has no combinations")]
    #[case::all_out_of_time("late late", AsError, 11, "the time was up before 2 of 2 combinations had an answer")]
    #[case::all_out_of_time_or_skipped(
        "late skipped",
        AsError,
        11,
        "the time was up before 1 of 2 combinations had an answer"
    )]
    #[case::all_skipped("skipped skipped", AsError, 3, "all 2 combinations were skipped: nothing ran")]
    #[case::failure("pass fail skipped", AsError, 10, "1 of 3 combinations failed")]
    #[case::failure_before_infra("infra fail inconclusive", AsError, 10, "1 of 3 combinations failed")]
    #[case::infra_before_inconclusive(
        "inconclusive infra pass",
        AsError,
        12,
        "infrastructure errors left 1 of 3 combinations without a verdict"
    )]
    #[case::inconclusive("inconclusive pass", AsError, 11, "1 of 2 combinations is inconclusive")]
    #[case::inconclusive_as_pass(
        "inconclusive pass",
        AsPass,
        0,
        "1 of 2 combinations passed, 1 inconclusive counts as passed"
    )]
    #[case::infra_stays_when_inconclusive_passes(
        "inconclusive infra",
        AsPass,
        12,
        "infrastructure errors left 1 of 2 combinations without a verdict"
    )]
    #[case::quarantined_beside_passed("pass fail!", AsError, 0, "1 of 2 combinations passed, 1 in quarantine")]
    #[case::quarantined_beside_failed("fail fail!", AsError, 10, "1 of 2 combinations failed")]
    #[case::quarantined_without_answer(
        "pass infra! inconclusive! late!",
        AsFailure,
        0,
        "1 of 4 combinations passed, 3 in quarantine"
    )]
    #[case::all_in_quarantine("fail! pass!", AsError, 3, "2 of 2 combinations are in quarantine, and nothing else ran")]
    #[case::quarantined_beside_out_of_time(
        "fail! late",
        AsError,
        11,
        "the time was up before 1 of 2 combinations had an answer"
    )]
    #[case::quarantined_beside_skipped(
        "fail! skipped",
        AsError,
        3,
        "1 of 2 combinations is in quarantine, and nothing else ran"
    )]
    #[case::inconclusive_as_failure(
        "inconclusive infra",
        AsFailure,
        10,
        "1 of 2 combinations is inconclusive, which counts as failed"
    )]
    #[case::failed_and_counted_as_failed(
        "inconclusive inconclusive fail",
        AsFailure,
        10,
        "1 of 3 combinations failed, 2 inconclusive count as failed"
    )]
    #[case::aborted_before_failure("aborted fail", AsError, 130, "1 of 2 combinations was ended before an answer")]
    fn the_first_that_applies_holds(
        #[case] verdicts: &str,
        #[case] policy: InconclusivePolicy,
        #[case] number: u8,
        #[case] why: &str,
    ) {
        let (code, text) = of(&run(verdicts, None), policy);
        assert_eq!((code.number(), text.as_str()), (number, why));
    }

    #[rstest]
    #[case::skipped_lacks_nothing(
        "fail infra skipped",
        "SIGINT",
        "interrupted by SIGINT: 1 of 3 combinations has no answer"
    )]
    #[case::inconclusive_is_an_answer(
        "pass inconclusive aborted aborted",
        "SIGINT",
        "interrupted by SIGINT: 2 of 4 combinations have no answer"
    )]
    #[case::out_of_time_is_none(
        "late aborted pass",
        "SIGTERM",
        "interrupted by SIGTERM: 2 of 3 combinations have no answer"
    )]
    #[case::still_going_on(
        "pass aborted aborted",
        GOES_ON,
        "the run is still going on: 2 of 3 combinations have no answer yet"
    )]
    fn an_interrupt_comes_before_everything(#[case] verdicts: &str, #[case] by: &str, #[case] why: &str) {
        let (code, text) = of(&run(verdicts, Some(by)), AsPass);
        assert_eq!((code.number(), text.as_str()), (130, why));
    }

    #[test]
    fn the_order_of_precedence_is_the_documented_one() {
        assert_eq!(Code::ALL.map(Code::number), [130, 1, 2, 13, 3, 10, 12, 11, 0]);
    }
}
