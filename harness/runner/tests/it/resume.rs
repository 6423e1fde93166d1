//! Runs that were cut off and go on: the result is that of the run that nobody disturbed.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::test_runner::{RngAlgorithm, TestRng};
use rand::Rng;
use rigtone_judge::verdicts::Replay;
use rigtone_model::{
    document::{Rig, World},
    event::{Body, TrialOutcome},
    id::CombinationId,
    quantity::Duration,
    trial::{TrialFolder, TrialRecord},
    verdict::Verdict,
};
use rigtone_record::{RunWriter, read_events};
use rigtone_runner::{Interruption, Options};
use rstest::rstest;

use crate::bench::{Done, Planned, options, plan, planted_fault, resume, resume_in, run_from, run_with};

type Records = BTreeMap<(CombinationId, u32, u32), TrialRecord>;

/// The trials that a log holds as done, and what is judged from it.
fn recorded(planned: &Planned, directory: &Path) -> (Records, rigtone_model::verdict::RunVerdicts) {
    let (mut folder, mut records) = (TrialFolder::default(), Records::new());
    let mut replay = Replay::new(&planned.run.plan, &planned.run.rules);
    for event in read_events(&directory.join("run")).expect("a log") {
        let event = event.expect("whole lines in their order");
        replay.take(event.clone());
        if let Some(record) = folder.take(event).filter(|r| r.outcome != TrialOutcome::Cancelled) {
            let key = (record.combination.clone(), record.trial, record.attempt);
            assert!(records.insert(key.clone(), record).is_none(), "{key:?} is there twice");
        }
    }
    (records, replay.verdicts("test"))
}

/// What a process leaves that is killed when `bytes` of its log were written.
fn killed_after(done: &Done, bytes: usize) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let (from, to) = (done.directory.path().join("run"), directory.path().join("run"));
    fs::create_dir_all(to.join("evidence")).expect("a folder");
    fs::copy(from.join("plan.json"), to.join("plan.json")).expect("a plan");
    let log = fs::read(from.join("events.jsonl")).expect("a log");
    fs::write(to.join("events.jsonl"), &log[..bytes]).expect("a log");
    for event in read_events(&to).expect("a log").map_while(Result::ok) {
        if let Body::Evidence { file, .. } = &event.body {
            let (from, to) = (from.join(file), to.join(file));
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            fs::hard_link(from, to).expect("evidence");
        }
    }
    directory
}

/// Instants of a log: its beginning and end, the bytes around line feeds, and any byte.
fn instants(log: &[u8], count: usize, seed: u64) -> Vec<usize> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let feeds: Vec<usize> = log.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i).collect();
    let mut instants = vec![0, 1, log.len() - 1, log.len()];
    while instants.len() < count {
        let feed = feeds[random.next_u64() as usize % feeds.len()];
        let any = random.next_u64() as usize % log.len();
        instants.push(match random.next_u64() % 4 {
            0 => feed,
            1 => feed + 1,
            2 => (feed + 2).min(log.len()),
            _ => any,
        });
    }
    instants
}

/// How many instants are tried on each push; the nightly run tries more.
fn tries(few: usize) -> usize {
    let kills = std::env::var("RIGTONE_KILLS").ok().and_then(|k| k.parse::<usize>().ok());
    kills.map_or(few, |kills| kills.max(few))
}

/// A night with the rig's troubles and with units that remember: nothing of it may be lost or happen twice.
fn troubles(rig: &mut Rig) {
    let planted = [
        "relay-answers-nothing: {relay: board-1, channel: 2}, from: 5 min, lasting: 2 min",
        "relay-answers-late: {relay: board-1, by: 2 s}, in: {trial: 3, attempt: 1}, lasting: 6 s",
        "microphone-loses-samples: {microphone: bench-1}, in: {trial: 2, attempt: 1}",
        "clock-jumps: {by: 30 s}, from: 9 min",
        "disk-full: {}, from: 12 min, lasting: 1 min",
    ];
    rig.faults = planted.into_iter().map(planted_fault).collect();
    let nature = |text: &str| serde_json::from_str(text).expect("the nature of a unit");
    let natures = [
        ("charge-5-fw106", r#"{"pairing": "70 %", "stale-cache": true, "battery": "8 h"}"#),
        ("charge-5-fw110", r#"{"disconnects-after": "40 s", "pairing-button": "toggle", "jitter": "3 ms"}"#),
        ("srs-xb33-fw211", r#"{"one-link": true, "switches-off-after": "90 s", "discovery": "80 %"}"#),
    ];
    for (unit, text) in natures {
        rig.units.get_mut(unit).expect("a unit").simulated = Some(nature(text));
    }
    rig.units.retain(|name, _| natures.iter().any(|(unit, _)| name == unit) || name.starts_with("echo"));
}

#[rstest]
#[case::pairing(&["scenarios/starter/pairing-cold-start.yaml"], 60, |rig: &mut Rig| {
    rig.units.retain(|name, _| !name.contains("fw315") && !name.contains("fw304"));
})]
#[case::playback(&["scenarios/starter/playback-heard.yaml"], 12, |rig: &mut Rig| {
    rig.units.retain(|name, _| !name.contains("fw315") && !name.contains("fw304"));
})]
#[case::two_sides(&["scenarios/rates/off-time.yaml"], 6, |rig: &mut Rig| {
    rig.units.retain(|name, _| name == "charge-5-fw106" || name == "echo-dot-5");
})]
#[case::a_night_of_troubles(&["scenarios/starter"], 20, troubles)]
fn a_run_that_was_cut_off_anywhere_ends_like_the_one_that_was_not(
    #[case] scenarios: &[&str],
    #[case] few: usize,
    #[case] change: fn(&mut Rig),
) {
    const SEED: u64 = 11;
    let planned = plan(scenarios, change);
    let whole = run_from(&planned, SEED);
    let expected = recorded(&planned, whole.directory.path());
    assert_eq!(expected.1, whole.verdicts);
    let log = fs::read(whole.directory.path().join("run/events.jsonl")).expect("a log");
    let instants = instants(&log, tries(few), SEED);
    let lost = expected.0.values().filter(|r| matches!(r.outcome, TrialOutcome::Lost(_))).count();
    println!("{} instants of {} trials, {lost} of them lost, seed {SEED}", instants.len(), expected.0.len());
    for bytes in instants {
        let resumed = resume(&planned, killed_after(&whole, bytes), options(SEED), |_, _| {});
        let (records, verdicts) = recorded(&planned, resumed.directory.path());
        assert_eq!(records.len(), expected.0.len(), "cut after {bytes} bytes");
        for (key, record) in &expected.0 {
            assert_eq!(records.get(key), Some(record), "cut after {bytes} bytes");
        }
        assert_eq!(resumed.verdicts, expected.1, "cut after {bytes} bytes");
        assert_eq!(verdicts, expected.1, "judged from the log, cut after {bytes} bytes");
        for file in expected.0.values().flat_map(|r| &r.evidence) {
            let of = |done: &Done| fs::read(done.directory.path().join("run").join(file)).expect("evidence");
            assert!(of(&resumed) == of(&whole), "{file}, cut after {bytes} bytes");
        }
    }
}

#[test]
fn what_was_in_flight_is_marked_and_run_again_and_its_evidence_put_aside() {
    let planned = plan(&["scenarios/starter/playback-heard.yaml"], |_| {});
    let whole = run_from(&planned, 1);
    let log = fs::read_to_string(whole.directory.path().join("run/events.jsonl")).expect("a log");
    // Cut behind the first piece of evidence: its trial has not ended.
    let evidence = log.find("\"kind\":\"evidence\"").expect("a recording");
    let cut = evidence + log[evidence..].find('\n').expect("a line") + 1;
    let resumed = resume(&planned, killed_after(&whole, cut), options(1), |_, _| {});
    assert!(matches!(resumed.events[0].body, Body::RunResumed { mended_bytes: 0, .. }));
    let aside: Vec<_> = resumed
        .events
        .iter()
        .filter_map(|e| match &e.body {
            Body::TrialDiscarded { aside } => Some(aside.clone()),
            _ => None,
        })
        .collect();
    assert!(!aside.is_empty());
    let folder = aside.into_iter().flatten().next().expect("the recording was put aside");
    assert!(resumed.directory.path().join("run").join(&folder).is_dir(), "{folder}");
}

#[rstest]
#[case::interrupted(|_| options(5), true)]
#[case::out_of_time(|ns| Options { max_time: Some(Duration::from_ns(ns)), ..options(5) }, false)]
fn a_run_that_was_ended_early_goes_on_to_the_same_end(#[case] how: fn(i64) -> Options, #[case] ask: bool) {
    let planned = plan(&["scenarios/starter/pairing-cold-start.yaml"], |_| {});
    let whole = run_from(&planned, 5);
    let (middle, half_ns) = (whole.events.len() as u64 / 2, whole.events.last().expect("events").t_ns / 2);
    let first = run_with(&planned, &how(half_ns), move |event, cancel| {
        if ask && event.seq == middle {
            cancel.ask(Interruption::Asked("SIGINT".to_owned()));
        }
    });
    assert_ne!(first.verdicts, whole.verdicts);
    let resumed = resume(&planned, first.directory, options(5), |_, _| {});
    let (expected, found) = (recorded(&planned, whole.directory.path()), recorded(&planned, resumed.directory.path()));
    assert!(found.0 == expected.0, "{} trials and {}", found.0.len(), expected.0.len());
    assert_eq!(resumed.verdicts, whole.verdicts);
    assert_eq!(found.1, whole.verdicts);
}

/// It may be the trial that brings the host down.
#[test]
fn a_trial_in_which_the_program_died_again_and_again_is_given_no_further_chance() {
    let planned = plan(&["scenarios/starter/pairing-cold-start.yaml"], |_| {});
    let whole = run_from(&planned, 2);
    let log = fs::read_to_string(whole.directory.path().join("run/events.jsonl")).expect("a log");
    let started = log.find("\"kind\":\"trial-started\"").expect("a trial");
    let cut = started + log[started..].find('\n').expect("a line") + 1;
    let mut directory = killed_after(&whole, cut);
    let victim = |done: &Done| {
        done.events
            .iter()
            .find(|e| matches!(e.body, Body::TrialDiscarded { .. } | Body::TrialFinished { .. }))
            .map(|e| (e.at.clone().expect("a trial"), e.body.clone()))
            .expect("a trial that was in flight")
    };
    let mut ends = Vec::new();
    for _ in 0..5 {
        let resumed = resume(&planned, directory, options(2), |_, _| {});
        let (at, body) = victim(&resumed);
        ends.push(body);
        // Killed once more right after the trial has begun again.
        let path = resumed.directory.path().join("run/events.jsonl");
        let log = fs::read_to_string(&path).expect("a log");
        let resumed_at = log.rfind("\"kind\":\"run-resumed\"").expect("it went on");
        let id = serde_json::to_string(at.combination.as_str()).expect("text");
        let again = log[resumed_at..].lines().scan(resumed_at, |offset, line| {
            *offset += line.len() + 1;
            Some((*offset, line))
        });
        let cut = again
            .filter(|(_, line)| line.contains(&id) && line.contains("trial-started"))
            .map(|(end, _)| end)
            .next()
            .unwrap_or(log.len());
        fs::write(&path, &log[..cut]).expect("a log");
        directory = resumed.directory;
    }
    let lost = |body: &Body| matches!(body, Body::TrialFinished { outcome: TrialOutcome::Lost(fault), .. } if fault.member == "host");
    assert_eq!(ends.iter().map(lost).collect::<Vec<_>>(), [false, false, false, false, true]);
}

#[rstest]
#[case::in_the_middle(|log: &mut Vec<u8>| {
    let half = log.len() / 2;
    let line = half + log[half..].iter().position(|b| *b == b'\n').expect("a line");
    log[line + 1..line + 9].fill(b'#');
}, "not an event")]
#[case::a_line_is_missing(|log: &mut Vec<u8>| {
    let at = log.iter().position(|b| *b == b'\n').expect("a line");
    log.drain(..=at);
}, "event 1 follows where 0 is due")]
fn a_log_that_was_changed_is_not_gone_on_with(#[case] spoil: fn(&mut Vec<u8>), #[case] said: &str) {
    let planned = plan(&["scenarios/starter/pairing-cold-start.yaml"], |_| {});
    let whole = run_from(&planned, 3);
    let path = whole.directory.path().join("run/events.jsonl");
    let mut log = fs::read(&path).expect("a log");
    spoil(&mut log);
    fs::write(&path, &log).expect("a log");
    let error = RunWriter::resume(&whole.directory.path().join("run"), "test", |_| ()).expect_err("a damaged log");
    assert!(error.to_string().contains(said), "{error}");
    assert_eq!(fs::read(&path).expect("a log"), log, "nothing was touched");
}

#[rstest]
#[case::cut_off(b"{\"schema\":\"1.0\",\"ru")]
#[case::garbage(b"\x00\x00\x00\xff\xfe\n")]
#[case::zeros(&[0; 4096])]
fn a_damaged_last_record_is_put_aside_and_told(#[case] tail: &[u8]) {
    let planned = plan(&["scenarios/starter/pairing-cold-start.yaml"], |_| {});
    let whole = run_from(&planned, 3);
    let log = fs::read(whole.directory.path().join("run/events.jsonl")).expect("a log");
    let half = log.len() / 2 + log[log.len() / 2..].iter().position(|b| *b == b'\n').expect("a line") + 1;
    let directory = killed_after(&whole, half);
    let path = directory.path().join("run/events.jsonl");
    fs::write(&path, [&log[..half], tail].concat()).expect("a log");
    let resumed = resume(&planned, directory, options(3), |_, _| {});
    assert!(
        matches!(&resumed.events[0].body, Body::RunResumed { mended_bytes, .. } if *mended_bytes == tail.len() as u64)
    );
    let aside = resumed.directory.path().join(format!("run/damaged-{half}.bin"));
    assert_eq!(fs::read(aside).expect("put aside"), tail);
    assert_eq!(resumed.verdicts, whole.verdicts);
    assert!(resumed.verdicts.combinations.iter().all(|c| c.verdict != Verdict::Aborted));
}

/// The verdicts of a run whose past was counted on hardware: what is live is what the log says, and nothing is lost.
fn agree(planned: &Planned, resumed: &Done) {
    let (_, replayed) = recorded(planned, resumed.directory.path());
    for (live, replayed) in resumed.verdicts.combinations.iter().zip(&replayed.combinations) {
        assert_eq!(live, replayed, "{}", live.id);
    }
    assert_eq!(resumed.verdicts.interrupted, replayed.interrupted);
}

#[rstest]
#[case::to_its_end(None, false)]
#[case::interrupted_at_once(Some(0), false)]
#[case::interrupted_later(Some(150), false)]
#[case::a_microphone_has_died_meanwhile(None, true)]
fn on_hardware_what_was_done_is_counted_before_anything_else(#[case] ask_after: Option<u64>, #[case] deaf: bool) {
    let scenarios = &["scenarios/starter"];
    let mut planned = plan(scenarios, |_| {});
    let whole = run_from(&planned, 6);
    let log = fs::read(whole.directory.path().join("run/events.jsonl")).expect("a log");
    let cut = log.len() / 2 + log[log.len() / 2..].iter().position(|b| *b == b'\n').expect("a line") + 1;
    let directory = killed_after(&whole, cut);
    let (_, before) = recorded(&planned, directory.path());
    if deaf {
        planned.rig.faults = vec![planted_fault("microphone-dead: {microphone: bench-1}")];
    }
    let first = read_events(&directory.path().join("run")).expect("a log").flatten().count() as u64;
    let resumed = resume_in(World::Hardware, &planned, directory, options(6), move |event, cancel| {
        if ask_after.is_some_and(|after| event.seq == first + after) {
            cancel.ask(Interruption::Asked("SIGINT".to_owned()));
        }
    });
    agree(&planned, &resumed);
    let answered = |verdict: &Verdict| matches!(verdict, Verdict::Pass | Verdict::Fail);
    for (now, then) in resumed.verdicts.combinations.iter().zip(&before.combinations) {
        assert!(now.trials >= then.trials, "{}", now.id);
        if answered(&then.verdict) {
            assert_eq!(now.verdict, then.verdict, "{}", now.id);
        }
    }
    if ask_after.is_none() && !deaf {
        assert_eq!(resumed.verdicts.count("aborted"), 0);
    }
}

#[test]
fn evidence_within_a_budget_is_the_same_after_a_crash() {
    use rigtone_runner::{Keep, Retention};
    let planned = plan(&["scenarios/starter/playback-heard.yaml"], |_| {});
    let retention = Retention { keep: Keep::All, budget: Some(9_000_000) };
    let limited = || Options { retention, ..options(8) };
    let whole = run_with(&planned, &limited(), |_, _| {});
    let (expected, replayed) = (&whole.verdicts, recorded(&planned, whole.directory.path()).1);
    assert_eq!(replayed, *expected, "judged from the log");
    let log = fs::read(whole.directory.path().join("run/events.jsonl")).expect("a log");
    let files = |done: &Done| {
        let mut files = Vec::new();
        let mut folders = vec![done.directory.path().join("run/evidence")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { files.push(entry.file_name()) }
            }
        }
        files.len()
    };
    for share in [3, 6, 9] {
        let at = log.len() * share / 10;
        let cut = at + log[at..].iter().position(|b| *b == b'\n').expect("a line") + 1;
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (whole.directory.path().join("run"), directory.path().join("run"));
        fs::create_dir_all(to.join("evidence")).expect("a folder");
        fs::copy(from.join("plan.json"), to.join("plan.json")).expect("a plan");
        fs::write(to.join("events.jsonl"), &log[..cut]).expect("a log");
        let resumed = resume(&planned, directory, limited(), |_, _| {});
        assert_eq!(resumed.verdicts, *expected, "cut after {share} tenths");
        assert_eq!(recorded(&planned, resumed.directory.path()).1, *expected);
        assert!(files(&resumed) <= files(&whole), "what had been removed does not come back");
    }
}

/// A power loss can leave recordings of which the log knows nothing.
#[test]
fn evidence_that_the_log_does_not_know_is_in_nobodys_way() {
    let planned = plan(&["scenarios/starter/playback-heard.yaml"], |_| {});
    let whole = run_from(&planned, 9);
    let expected = whole.verdicts.clone();
    let path = whole.directory.path().join("run/events.jsonl");
    let log = fs::read_to_string(&path).expect("a log");
    let some = log.lines().take(200).map(|line| format!("{line}\n")).collect::<String>();
    fs::write(&path, some).expect("a log");
    let resumed = resume(&planned, whole.directory, options(9), |_, _| {});
    assert_eq!(resumed.verdicts, expected);
}

#[test]
fn a_run_that_was_ended_while_the_rig_was_being_looked_after_goes_on_to_the_same_end() {
    let planned = plan(&["scenarios/starter/pairing-cold-start.yaml"], |rig| {
        rig.faults = vec![planted_fault("relay-answers-nothing: {relay: board-1}, from: 5 min, lasting: 20 s")];
    });
    let whole = run_from(&planned, 3);
    let recovering = whole.events.iter().find(|e| matches!(e.body, Body::Recovering { .. })).expect("a lost trial");
    let limit = Options { max_time: Some(Duration::from_ns(recovering.t_ns + 3_000_000_000)), ..options(3) };
    let first = run_with(&planned, &limit, |_, _| {});
    let resumed = resume(&planned, first.directory, options(3), |_, _| {});
    assert_eq!(recorded(&planned, resumed.directory.path()), recorded(&planned, whole.directory.path()));
    assert_eq!(resumed.verdicts, whole.verdicts);
}
