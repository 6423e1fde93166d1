//! Whether written verdicts are those of a log.

use rigtone_model::{
    event::{Body, Event, TrialOutcome},
    verdict::RunVerdicts,
};
use rigtone_report::outline::{KINDS, Mismatch, Outline, Shown, choose};
use rstest::rstest;

use crate::{
    log::{Log, log},
    sample::{FAIL, LOST, UNDECIDED, verdicts},
};

const END: Body = Body::RunFinished { interrupted: None, out_of_time: false };

fn resumed() -> Body {
    Body::RunResumed { rigtone: "0.1.0".into(), unix_s: 1_795_392_100, mended_bytes: 0 }
}

fn voided() -> Body {
    Body::Voided { member: "unit charge-b".into(), why: "it runs 1.2.0".into() }
}

/// The log of the small run with its end, and verdicts that count as it does.
fn run() -> (Log, RunVerdicts) {
    let mut events = Log(log());
    events.whole(3000, END);
    let mut verdicts = verdicts();
    count(&mut verdicts, |id| match id {
        UNDECIDED => (1, 0),
        LOST => (0, 1),
        _ => (0, 0),
    });
    (events, verdicts)
}

fn count(verdicts: &mut RunVerdicts, of: impl Fn(&str) -> (u32, u32)) {
    for combination in &mut verdicts.combinations {
        (combination.trials, combination.lost) = of(combination.id.as_str());
    }
}

fn outline<'a>(events: impl IntoIterator<Item = &'a Event>) -> Outline {
    let mut outline = Outline::default();
    events.into_iter().for_each(|event| outline.take(event));
    outline
}

/// Why these verdicts are not of the log of the small run.
fn why(outline: &Outline, of: &RunVerdicts) -> String {
    outline.mismatch(Some(&verdicts().run), of).map(|mismatch| mismatch.to_string()).unwrap_or_default()
}

fn whole(_: &mut Log, _: &mut RunVerdicts) {}

fn of_another_run(_: &mut Log, verdicts: &mut RunVerdicts) {
    verdicts.run = "another".into();
}

fn without_its_end(log: &mut Log, _: &mut RunVerdicts) {
    log.0.pop();
}

fn empty(log: &mut Log, _: &mut RunVerdicts) {
    log.0.clear();
}

fn goes_on(log: &mut Log, _: &mut RunVerdicts) {
    log.whole(3001, resumed());
}

fn one_trial_more(log: &mut Log, outcome: TrialOutcome) {
    log.whole(3001, resumed());
    log.trial(3002, (FAIL, 1), None, Body::TrialStarted);
    log.ends(3003, (FAIL, 1), outcome);
    log.whole(3004, END);
}

fn went_on(log: &mut Log, _: &mut RunVerdicts) {
    one_trial_more(log, TrialOutcome::Completed);
}

fn went_on_for_nothing(log: &mut Log, _: &mut RunVerdicts) {
    one_trial_more(log, TrialOutcome::Cancelled);
}

fn lost_in_the_verdicts_alone(_: &mut Log, verdicts: &mut RunVerdicts) {
    verdicts.combinations[1].lost = 2;
}

fn unknown_to_the_verdicts(log: &mut Log, verdicts: &mut RunVerdicts) {
    one_trial_more(log, TrialOutcome::Completed);
    verdicts.combinations.remove(1);
}

fn voided_since(log: &mut Log, _: &mut RunVerdicts) {
    log.trial(3001, (UNDECIDED, 0), None, voided());
}

fn voided_and_counted_so(log: &mut Log, verdicts: &mut RunVerdicts) {
    voided_since(log, verdicts);
    count(verdicts, |id| if matches!(id, UNDECIDED | LOST) { (0, 1) } else { (0, 0) });
}

#[rstest]
#[case(whole, "")]
#[case(of_another_run, "they are of the run another")]
#[case(without_its_end, "the log ends before its run does")]
#[case(empty, "the log ends before its run does")]
#[case(goes_on, "the log ends before its run does")]
#[case(went_on, "they count 0 trials with a result and 0 lost ones of pairing-cold-start/")]
#[case(went_on_for_nothing, "")]
#[case(lost_in_the_verdicts_alone, "they count 0 trials with a result and 2 lost ones of pairing-cold-start/")]
#[case(unknown_to_the_verdicts, "speaker=flip-a#5e6f7a8b, the log 1 and 0")]
#[case(voided_since, "the log 0 and 1")]
#[case(voided_and_counted_so, "")]
fn verdicts_belong_to_a_log_that_has_its_end_and_the_trials_that_they_count(
    #[case] change: fn(&mut Log, &mut RunVerdicts),
    #[case] said: &str,
) {
    let (mut log, mut verdicts) = run();
    change(&mut log, &mut verdicts);
    let found = why(&outline(&log.0), &verdicts);
    assert!(found.contains(said) && said.is_empty() == found.is_empty(), "{found}");
    // Whoever reads no other kinds finds the same.
    let kind = |event: &&Event| {
        let line: serde_json::Value = serde_json::from_str(&event.to_line("r").unwrap()).unwrap();
        KINDS.contains(&line["kind"].as_str().unwrap())
    };
    let few: Vec<&Event> = log.0.iter().filter(kind).collect();
    assert!(few.len() * 2 < log.0.len() || log.0.is_empty());
    assert_eq!(why(&outline(few), &verdicts), found);
}

#[rstest]
#[case::whole(true, None, true, Shown::AsTold)]
#[case::log_that_cannot_be_judged(true, None, false, Shown::AsTold)]
#[case::goes_on(false, None, true, Shown::Judged)]
#[case::went_on(true, Some(Mismatch::Unended), true, Shown::Judged)]
#[case::cut_and_damaged(true, Some(Mismatch::Unended), false, Shown::ToldAllTheSame)]
#[case::of_another_run(true, Some(Mismatch::AnotherRun { found: "r".into() }), true, Shown::Judged)]
#[case::of_another_run_alone(true, Some(Mismatch::AnotherRun { found: "r".into() }), false, Shown::Nothing)]
#[case::nothing(false, None, false, Shown::Nothing)]
fn verdicts_are_shown_as_told_where_they_are_of_the_log_and_as_judged_elsewhere(
    #[case] told: bool,
    #[case] mismatch: Option<Mismatch>,
    #[case] judged: bool,
    #[case] shown: Shown,
) {
    assert_eq!(choose(told, mismatch.as_ref(), judged), shown);
}

/// A newer version wrote it, or it is not there.
#[test]
fn a_log_of_which_nothing_can_be_read_contradicts_nothing() {
    let mut outline = Outline::default();
    outline.take_damage();
    assert_eq!(outline.mismatch(None, &verdicts()), None);
    assert!(!outline.is_cut_off() && !outline.has_ended());
}
