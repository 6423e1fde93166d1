use std::{fs, path::Path};

use rigtone_model::id::sha256_hex;
use rigtone_record::{
    EVENTS, EvidenceError, RecordError, RunWriter, read_environment, read_events, read_plan, read_verdicts,
};
use rstest::rstest;
use serde_json::json;

use crate::{RUN, events, verdicts};

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("runs/first");
    let mut writer = RunWriter::create(&dir, RUN).unwrap();
    let plan = json!({"schema": "1.0", "rig": "r", "rig_hash": "", "retries": 2, "bench_after": 3, "scenarios": [], "combinations": []});
    writer.write_plan(&plan).unwrap();
    writer.write_environment(&json!({"kernel": "6.1"})).unwrap();
    for event in events() {
        writer.append(&event).unwrap();
    }
    let stored = writer.evidence(&"s/a=b#00000000".into(), 1, 2, "bench-1.wav", b"sound").unwrap();
    writer.sync().unwrap();
    writer.write_verdicts(&verdicts()).unwrap();

    assert_eq!(read_plan::<rigtone_model::plan::Plan>(&dir).unwrap().retries, 2);
    assert_eq!(read_plan::<serde_json::Value>(&dir).unwrap(), plan);
    assert_eq!(read_environment(&dir).unwrap()["kernel"], "6.1");
    assert_eq!(read_verdicts(&dir).unwrap(), verdicts());
    assert_eq!(stored.file, "evidence/s.a-b.00000000/0001.2/bench-1.wav");
    assert_eq!(stored.sha256, sha256_hex(b"sound"));
    assert_eq!(fs::read(dir.join(&stored.file)).unwrap(), b"sound");
    let mut log = read_events(&dir).unwrap();
    assert_eq!(log.by_ref().collect::<Result<Vec<_>, _>>().unwrap(), events());
    assert_eq!(log.run(), Some(RUN));
}

#[test]
fn an_event_is_in_the_file_as_soon_as_it_is_appended() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), RUN).unwrap();
    for (i, event) in events().iter().enumerate() {
        writer.append(event).unwrap();
        // The writer still holds the file: nothing waits in a buffer that a kill would lose.
        assert_eq!(read_events(dir.path()).unwrap().filter_map(Result::ok).count(), i + 1);
    }
}

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    RunWriter::create(dir.path(), RUN).unwrap().append(&events()[0]).unwrap();
    let before = fs::read(dir.path().join(EVENTS)).unwrap();
    let error = RunWriter::create(dir.path(), "run-2").expect_err("a run is there");
    assert!(matches!(error, RecordError::NotEmpty { .. }), "{error}");
    assert!(error.hint().contains("does not exist yet"));
    assert_eq!(fs::read(dir.path().join(EVENTS)).unwrap(), before);
}

#[rstest]
#[case::proc_takes_no_directories("/proc/rigtone-run")]
#[case::a_file_is_no_directory("/dev/null/run")]
fn a_place_that_cannot_be_written_is_named(#[case] path: &str) {
    let error = RunWriter::create(Path::new(path), RUN).expect_err("nobody can write there");
    let text = error.to_string();
    assert!(text.starts_with("create the run directory `") && text.contains(path), "{text}");
    assert!(matches!(&error, RecordError::Io { os, .. } if text.ends_with(&os.to_string())), "{text}");
    assert!(!error.hint().is_empty());
}

#[test]
fn a_read_only_directory_is_refused_before_anything_runs() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let bound_by_permissions = fs::write(dir.path().join("probe"), "").is_err();
    let _ = fs::remove_file(dir.path().join("probe"));
    match RunWriter::create(dir.path(), RUN) {
        Err(error) => assert!(bound_by_permissions && error.hint().contains("user"), "{error}"),
        // The superuser may write anywhere.
        Ok(_) => assert!(!bound_by_permissions),
    }
}

#[test]
fn evidence_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), RUN).unwrap();
    let id = "s/a=b#00000000".into();
    let first = writer.evidence(&id, 1, 1, "a.wav", b"first").unwrap();
    let error = writer.evidence(&id, 1, 1, "a.wav", b"second").expect_err("it is there");
    assert!(matches!(error, EvidenceError::Exists { .. }), "{error}");
    assert_eq!(fs::read(dir.path().join(first.file)).unwrap(), b"first");
}

/// The path comes out of a log that somebody may have changed.
#[rstest]
#[case::above("evidence/../../victim/file")]
#[case::beside("victim/file")]
#[case::of_the_record("events.jsonl")]
#[case::through_a_link("evidence/link/file")]
#[case::the_whole_path("/")]
fn nothing_but_evidence_is_removed(#[case] file: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (run, victim) = (dir.path().join("run"), dir.path().join("victim"));
    let mut writer = RunWriter::create(&run, RUN).unwrap();
    for folder in [&victim, &run.join("victim")] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("file"), "not ours").unwrap();
    }
    std::os::unix::fs::symlink(&victim, run.join("evidence/link")).unwrap();
    let file = if file == "/" { victim.join("file").to_str().unwrap().to_owned() } else { file.to_owned() };
    let error = writer.remove_evidence(&file).expect_err("refused");
    assert!(matches!(error, EvidenceError::Elsewhere { .. }), "{error}");
    for kept in [victim.join("file"), run.join("victim/file"), run.join("events.jsonl")] {
        assert!(kept.exists(), "{} is gone", kept.display());
    }
}

#[test]
fn evidence_goes_with_its_folder_and_may_be_gone_already() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), RUN).unwrap();
    let stored = writer.evidence(&"s/a=b#00000000".into(), 1, 1, "a.wav", b"x").unwrap();
    for _ in 0..2 {
        writer.remove_evidence(&stored.file).unwrap();
        assert!(!dir.path().join(&stored.file).parent().unwrap().exists());
    }
}

#[test]
fn evidence_that_cannot_be_stored_does_not_end_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), RUN).unwrap();
    fs::remove_dir(dir.path().join("evidence")).unwrap();
    fs::write(dir.path().join("evidence"), "in the way").unwrap();
    let error = writer.evidence(&"s/a=b#00000000".into(), 1, 1, "a.wav", b"x").expect_err("no folder");
    assert!(error.to_string().contains("0001"), "{error}");
    writer.append(&events()[0]).unwrap();
}

#[test]
fn more_evidence_than_files_may_stay_open_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), RUN).unwrap();
    for trial in 1..=200 {
        writer.evidence(&"s/a=b#00000000".into(), trial, 1, "a.wav", b"x").unwrap();
    }
    let open = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|fd| fs::read_link(fd.path()).is_ok_and(|target| target.starts_with(dir.path())));
    assert!(open.count() <= 66);
    writer.sync().unwrap();
}
