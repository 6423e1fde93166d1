//! Nothing is judged under the name of a firmware that a unit does not run.

use rigtone_judge::{comparison::Gatherer, verdicts::Replay};
use rigtone_model::{
    document::World,
    event::{Body, Event, FirmwareLook, TrialOutcome},
    load::{SourceFile, load},
    verdict::{CombinationVerdict, Verdict},
};
use rigtone_runner::Interruption;
use rstest::rstest;

use crate::bench::{Done, Planned, options, plan, resume_in, run_from, run_with};

/// One source on a dongle and one speaker, which is named 1.1.0.
fn planned(verify: &str, simulated: &str) -> Planned {
    let verify = if verify.is_empty() { String::new() } else { format!(", verify: {{{verify}}}") };
    let text = format!(
        r#"rig: lab
title: One source on a dongle and one speaker
world: simulated
rooms: {{lab: {{rt60: 250 ms, noise: -70 dB}}}}
dongles: {{usb-1: {{address: "0C:00:00:00:00:01"}}}}
relays: {{board-1: {{channels: 4}}}}
microphones: {{bench-1: {{room: lab, latency-uncertainty: 1 ms}}}}
units:
  endpoint: {{device: rigtone/endpoint, firmware: host, address: "0C:00:00:00:00:01", control: endpoint, dongle: usb-1}}
  speaker:
    {{device: jbl/charge-5, firmware: "1.1.0", address: "5E:00:00:00:00:01", power: {{relay: board-1, channel: 1}},
     heard-by: {{bench-1: {{distance: 0.3 m}}}}, simulated: {{{simulated}}}{verify}}}
"#
    );
    let mut loaded = load(vec![SourceFile { path: "lab.yaml".into(), bytes: text.clone().into_bytes() }]);
    assert!(loaded.diagnostics.is_empty(), "{text}\n{:#?}", loaded.diagnostics);
    let rig = loaded.library.rigs.swap_remove("lab").expect("a rig").value;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.yaml");
    let scenario = "scenario: trial\ntitle: A trial\nmatrix:\n  source: {devices: [rigtone/endpoint]}\n  speaker: {tags: [speaker]}\ntrial:
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - discover: {within: 30 s}
  - pair: {attempts: 2}
  - connect: {profile: a2dp}
  - play: {signal: smoke}
cleanup:\n  - disconnect: {}\n  - forget: {}\n  - power: {unit: speaker, state: off}
repeat: {at-least: 5, at-most: 8}
expect:\n  - audio: {in: play, present: true, at-least: 60 %, good: 98 %, confidence: 90 %}\n";
    std::fs::write(&path, scenario).expect("a file");
    plan(&[path.to_str().expect("plain text")], |of_repository| *of_repository = rig)
}

fn looks(done: &Done) -> Vec<(bool, &FirmwareLook)> {
    let looks = done.events.iter().filter_map(|e| match &e.body {
        Body::FirmwareLooked(found) => Some((e.at.is_some(), found)),
        _ => None,
    });
    looks.collect()
}

/// The only verdict, which the log alone gives too.
fn verdict(planned: &Planned, done: &Done) -> CombinationVerdict {
    let mut replay = Replay::new(&planned.run.plan, &planned.run.rules);
    for event in rigtone_record::read_events(&done.directory.path().join("run")).expect("a log") {
        replay.take(event.expect("a line"));
    }
    assert_eq!(replay.verdicts("test").combinations, done.verdicts.combinations);
    let [only] = done.verdicts.combinations.as_slice() else { panic!("one combination") };
    only.clone()
}

fn completed(done: &Done) -> usize {
    let is = |e: &&Event| matches!(&e.body, Body::TrialFinished { outcome: TrialOutcome::Completed, .. });
    done.events.iter().filter(is).count()
}

const COMMAND: &str = "command: {program: [firmware-of, speaker]}";
const DEVICE_ID: &str = "device-id: {version: 0x0110}";
const GATT: &str = "gatt: {}";
const DECLARED: &str = "declared: {on: 2026-11-01}";

/// What becomes of the speaker.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// It passes.
    Passes,
    /// It fails, and that stands.
    Fails,
    /// Not one trial is done.
    NotTried,
    /// Trials were done, and count no more.
    Void,
}

#[rstest]
#[case::right(COMMAND, "", End::Passes, "")]
#[case::wrong(COMMAND, "runs: 1.0.6", End::NotTried, "says what firmware 1.0.6 has where 1.1.0 is expected")]
#[case::unreadable(COMMAND, "hides-firmware: true", End::NotTried, "could not be read")]
#[case::updated(COMMAND, "runs: 1.0.6, runs-from: 60 s", End::Void, "does not run 1.1.0")]
#[case::updated_and_failing(COMMAND, "silent: true, runs: 1.0.6, runs-from: 60 s", End::Void, "does not run 1.1.0")]
#[case::of_a_record(DEVICE_ID, "", End::Passes, "")]
#[case::of_another_record(DEVICE_ID, "runs: 1.0.6", End::NotTried, "where version 0x0110 is expected")]
#[case::without_a_record(DEVICE_ID, "hides-firmware: true", End::NotTried, "could not be read")]
#[case::updated_between_trials(DEVICE_ID, "runs: 1.0.6, runs-from: 60 s", End::Void, "does not run 1.1.0")]
#[case::never_linked(DEVICE_ID, "pairing: 0 %", End::Fails, "it was connected in no trial")]
#[case::refuses_streams(DEVICE_ID, "refuses: [sbc]", End::Fails, "")]
#[case::over_le(GATT, "", End::Passes, "")]
#[case::another_over_le("gatt: {says: v110}", "runs: 1.0.6", End::NotTried, "where v110 is expected")]
#[case::declared(DECLARED, "", End::Passes, "")]
#[case::declared_wrongly(DECLARED, "runs: 1.0.6", End::Passes, "")]
#[case::believed("", "runs: 1.0.6", End::Passes, "")]
fn a_unit_is_judged_only_under_its_own_name(
    #[case] verify: &str,
    #[case] simulated: &str,
    #[case] end: End,
    #[case] said: &str,
) {
    let planned = planned(verify, simulated);
    let done = run_from(&planned, 1);
    let verdict = verdict(&planned, &done);
    match end {
        End::Fails => {
            assert_eq!(verdict.verdict, Verdict::Fail, "a failure under the right name stands");
            let warned = |event: &Event| matches!(&event.body, Body::Warning { text } if text.contains(said));
            assert!(said.is_empty() || done.events.iter().any(warned), "nobody says {said}");
        }
        End::Passes => assert_eq!(verdict.verdict, Verdict::Pass),
        End::NotTried | End::Void => {
            assert_eq!(verdict.verdict, Verdict::InfraError, "{verdict:#?}");
            assert!(
                verdict.expectations.is_empty() && verdict.classes.is_empty(),
                "nothing of it is judged: {verdict:#?}"
            );
            assert_eq!(verdict.trials, 0);
            assert_eq!(completed(&done) > 0, end == End::Void);
            let fault = verdict.faults.last().expect("a fault");
            assert!(fault.starts_with("unit speaker: ") && fault.contains(said), "{fault}");
            let advice = verdict.faults.iter().any(|fault| fault.contains("in the rig's document"));
            assert!(advice, "it says what to do: {verdict:#?}");
        }
    }
    // Facts are facts: what was recorded stays, and a comparison takes none of it.
    let mut gatherer = Gatherer::new(&planned.run.plan);
    done.events.iter().for_each(|event| gatherer.take(event.clone()));
    let compared: usize = gatherer.finish()[0].expectations.iter().map(Vec::len).sum();
    assert_eq!(compared > 0, matches!(end, End::Passes | End::Fails));
    // Every look stands in the log.
    let looks = looks(&done);
    let over_link = verify.starts_with("device-id") || verify.starts_with("gatt");
    match (verify, end) {
        ("", _) => assert!(looks.is_empty()),
        (_, End::Fails) => assert_eq!(looks.iter().any(|(_, look)| look.fault().is_some()), !said.is_empty()),
        (_, End::Passes) if over_link => {
            assert!(
                looks.len() >= completed(&done)
                    && looks.iter().all(|(in_trial, look)| *in_trial && look.fault().is_none())
            );
        }
        (_, End::Passes) => assert_eq!(looks.len(), 2, "at the beginning and at the end: {looks:?}"),
        _ => assert!(looks.iter().any(|(_, look)| look.fault().is_some())),
    }
}

/// Whoever tells nothing once may have been busy; three times is an answer.
#[test]
fn a_unit_that_tells_nothing_is_asked_again() {
    let done = run_from(&planned(COMMAND, "hides-firmware: true"), 1);
    let at_the_beginning: Vec<bool> = looks(&done).iter().map(|(_, look)| look.found.is_none()).collect();
    assert_eq!(at_the_beginning[..3], [true; 3]);
    assert_eq!(completed(&done), 0);
}

/// A unit that another firmware was put on costs the trial in which that is seen, and no second one.
#[test]
fn another_firmware_is_no_trouble_that_passes() {
    let done = run_from(&planned(DEVICE_ID, "runs: 1.0.6"), 1);
    assert_eq!(done.lost(), ["unit speaker"]);
}

#[test]
fn looks_come_out_the_same_each_time() {
    let planned = planned(DEVICE_ID, "runs: 1.0.6, runs-from: 60 s");
    assert_eq!(run_from(&planned, 4).events, run_from(&planned, 4).events);
}

/// A night that was ended after its second trial, and goes on with a unit that is (or is not) what it was.
#[rstest]
#[case::proven_at_its_end(true, 2)]
#[case::never_proven(false, 0)]
fn what_was_proven_before_a_pause_stands(#[case] proven: bool, #[case] trials: u32) {
    let right = planned(COMMAND, "");
    let before = run_with(&right, &options(1), |event, cancel| {
        if matches!(&event.body, Body::TrialFinished { .. }) && event.at.as_ref().is_some_and(|at| at.trial == 2) {
            cancel.ask(Interruption::Asked("a person".to_owned()));
        }
    });
    assert_eq!(completed(&before), 2);
    let log = before.directory.path().join("run/events.jsonl");
    if !proven {
        // Killed before its end.
        let lines = std::fs::read_to_string(&log).expect("a log");
        let end = lines.rfind("\"kind\":\"trial-finished\"").expect("a trial");
        let kept = &lines[..end + lines[end..].find('\n').expect("a whole line") + 1];
        std::fs::write(&log, kept).expect("a log");
    }
    let other = planned(COMMAND, "runs: 1.0.6");
    let after = resume_in(World::Hardware, &other, before.directory, options(1), |_, _| {});
    let found = verdict(&other, &after);
    assert_eq!((found.verdict.clone(), found.trials), (Verdict::InfraError, trials), "{found:#?}");
    // The unit is brought back, and the run goes on.
    let again = resume_in(World::Hardware, &right, after.directory, options(1), |_, _| {});
    let found = verdict(&right, &again);
    let wanted = if proven { Verdict::Pass } else { Verdict::InfraError };
    assert_eq!(found.verdict, wanted, "{found:#?}");
}

#[test]
fn an_update_comes_when_it_was_planted() {
    let done = run_from(&planned(COMMAND, "runs: 1.0.6, runs-from: 1000 h"), 1);
    assert!(looks(&done).iter().all(|(_, look)| look.fault().is_none()));
}
