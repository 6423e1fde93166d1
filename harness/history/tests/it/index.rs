//! The index is derived: it follows the run directories, and nothing is lost with it.

use std::{fs, sync::Barrier, thread};

use rigtone_history::{Filter, History, Index, IndexError, Kind, Word, find, look};
use rstest::rstest;
use serde_json::json;

use crate::sample::{DAY, Lab, Planted, STALE, TODAY, write_log};

fn refresh(lab: &Lab) -> (usize, usize, usize) {
    let done = Index::open(&lab.index()).unwrap().refresh(find(&[lab.runs()]).unwrap(), &[lab.runs()]).unwrap();
    (done.taken, done.known, done.forgotten)
}

#[test]
fn a_run_is_taken_once_and_again_when_it_was_judged_again() {
    let lab = Lab::new();
    lab.run("a", 2, &[Planted::new(60, 60)]);
    lab.run("b", 1, &[Planted::new(60, 60)]);
    assert_eq!(refresh(&lab), (2, 0, 0));
    assert_eq!(refresh(&lab), (0, 2, 0));
    lab.run("b", 1, &[Planted::new(10, 60)]);
    assert_eq!(refresh(&lab), (1, 1, 0));
    assert_eq!(lab.history().combinations[0].last.as_ref().unwrap().verdict, Word::Fail);
}

#[test]
fn a_run_that_vanished_is_forgotten() {
    let lab = Lab::new();
    let gone = lab.run("a", 2, &[Planted::new(60, 60)]);
    lab.run("b", 1, &[Planted::new(60, 60)]);
    refresh(&lab);
    fs::remove_dir_all(gone).unwrap();
    assert_eq!(refresh(&lab), (0, 1, 1));
    assert_eq!(lab.history().runs.len(), 1);
}

#[test]
fn a_look_at_some_runs_forgets_none_of_the_others() {
    let lab = Lab::new();
    let one = lab.run("a", 2, &[Planted::new(60, 60)]);
    lab.run("b", 1, &[Planted::new(60, 60)]);
    refresh(&lab);
    let mut index = Index::open(&lab.index()).unwrap();
    let found = find(std::slice::from_ref(&one)).unwrap();
    let wanted = found.runs.clone();
    assert_eq!(index.refresh(found, &[one]).unwrap().forgotten, 0);
    // And what is not asked for is not told.
    assert_eq!(index.load(&wanted, &Filter::default()).unwrap().runs.len(), 1);
    drop(index);
    assert_eq!(refresh(&lab), (0, 2, 0));
}

#[test]
fn an_index_made_anew_says_the_same() {
    let lab = Lab::new();
    for night in 0..12 {
        let held = if night < 6 { 60 } else { 30 };
        lab.run(&format!("night-{night:02}"), 20 - night, &[Planted::new(held, 60), Planted::new(60, 60).codec("aac")]);
    }
    let before = lab.history();
    fs::remove_file(lab.index()).unwrap();
    assert_eq!(lab.history(), before);
    drop(Index::rebuild(&lab.index()).unwrap());
    assert_eq!(refresh(&lab), (12, 0, 0));
    assert_eq!(lab.history(), before);
}

/// The newest run is the one with other titles, other tags, another limit and a combination of its own.
#[test]
fn a_run_that_was_forgotten_leaves_nothing_behind() {
    let lab = Lab::new();
    let planted = |held| Planted::new(held, 60).titled("As it was called", "nightly");
    lab.run("a", 3, &[planted(60)]);
    lab.run("b", 2, &[planted(59), planted(60).codec("aac")]);
    let kept = lab.history();
    let renamed = planted(60).titled("As it is called now", "weekly");
    let newest = lab.run("c", 1, &[renamed.clone().expected("`pair` takes at most 5 s"), renamed.speaker("box-9.9")]);
    // One that was judged again has other texts too.
    lab.run("b", 2, &[planted(59).expected("`pair` never takes long"), planted(60).codec("aac")]);
    assert_eq!(lab.history().matrices[0].title.as_deref(), Some("As it is called now"));
    lab.run("b", 2, &[planted(59), planted(60).codec("aac")]);
    fs::remove_dir_all(newest).unwrap();
    let forgotten = lab.history();
    let told = |history: &History| serde_json::to_value(history).unwrap();
    assert_eq!(told(&forgotten), told(&kept));
    let tagged = |tag: &str| {
        let filter = Filter { select: vec![format!("tag={tag}").parse().unwrap()], ..Filter::default() };
        lab.history_of(&filter).combinations.len()
    };
    assert_eq!((tagged("nightly"), tagged("weekly")), (2, 0));
    let rows = || {
        let database = rusqlite::Connection::open(lab.index()).unwrap();
        ["run", "document", "scenario", "subject", "question", "verdict", "answer"].map(|table| {
            let all = format!("SELECT count(*) FROM {table}");
            (table, database.query_row(&all, [], |row| row.get::<_, i64>(0)).unwrap())
        })
    };
    let before = rows();
    drop(Index::rebuild(&lab.index()).unwrap());
    assert_eq!(told(&lab.history()), told(&forgotten));
    assert_eq!(rows(), before);
    assert_eq!((tagged("nightly"), tagged("weekly")), (2, 0));
}

/// Texts that another command took out are put in again, not referred to.
#[test]
fn two_commands_that_take_and_forget_at_once_lose_nothing() {
    let lab = Lab::new();
    let planted = |night: usize| Planted::new(60, 60).codec(["sbc", "aac", "ldac"][night % 3]);
    let run = |night: usize| lab.run(&format!("night-{night:02}"), 50 - night as i64, &[planted(night)]);
    (0..30).for_each(|night| drop(run(night)));
    refresh(&lab);
    thread::scope(|scope| {
        for half in [0, 1] {
            let (lab, run) = (&lab, &run);
            scope.spawn(move || {
                for night in (half..30).step_by(2) {
                    fs::remove_dir_all(lab.runs().join(format!("night-{night:02}"))).unwrap();
                    lab.history();
                    run(night);
                    lab.history();
                }
            });
        }
    });
    let history = lab.history();
    fs::remove_file(lab.index()).unwrap();
    assert_eq!(lab.history(), history);
    assert_eq!(history.combinations.iter().map(|line| line.answered).sum::<usize>(), 30);
}

#[rstest]
#[case::of_another_version("PRAGMA user_version = 99", "newer version")]
#[case::of_an_older_version("PRAGMA user_version = 0", "older version")]
fn an_index_of_another_version_is_made_anew(#[case] spoil: &str, #[case] note: &str) {
    let lab = Lab::new();
    lab.run("a", 1, &[Planted::new(60, 60)]);
    let before = lab.history();
    rusqlite(&lab, spoil);
    let index = Index::open(&lab.index()).unwrap();
    assert!(index.note().unwrap().contains(note), "{:?}", index.note());
    drop(index);
    assert_eq!(lab.history(), before);
}

/// Types a command into the database.
fn rusqlite(lab: &Lab, command: &str) {
    rusqlite::Connection::open(lab.index()).unwrap().execute_batch(command).unwrap();
}

#[rstest]
#[case::no_database(b"not a database at all, and long enough to be looked at".to_vec())]
#[case::header_alone(b"SQLite format 3\0".to_vec())]
#[case::noise_after_the_header([&b"SQLite format 3\0"[..], &[0xa5; 8000]].concat())]
fn a_damaged_index_is_made_anew_and_says_so(#[case] content: Vec<u8>) {
    let lab = Lab::new();
    lab.run("a", 1, &[Planted::new(60, 60)]);
    fs::write(lab.index(), content).unwrap();
    let index = Index::open(&lab.index()).unwrap();
    assert!(index.note().unwrap().contains("was damaged"), "{:?}", index.note());
    drop(index);
    assert_eq!(lab.history().combinations.len(), 1);
}

#[test]
fn pages_that_were_spoilt_in_the_middle_are_made_anew_as_soon_as_it_shows() {
    let lab = Lab::new();
    for night in 0..30 {
        lab.run(&format!("night-{night:02}"), 40 - night, &[Planted::new(60, 60)]);
    }
    let before = lab.history();
    let whole = fs::read(lab.index()).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 3, "{pages} pages: what was taken is elsewhere");
    for page in 0..pages {
        let mut spoilt = whole.clone();
        spoilt[page * 4096..(page + 1) * 4096].fill(0xff);
        fs::write(lab.index(), spoilt).unwrap();
        let roots = [lab.runs()];
        let seen = look(&lab.index(), &roots, find(&roots).unwrap(), false, &Filter::default()).unwrap();
        assert_eq!(History::of(&seen.loaded, &seen.refreshed.skipped, TODAY, STALE), before, "page {page}");
    }
}

#[rstest]
#[case::a_table("DROP TABLE answer")]
#[case::a_column("ALTER TABLE verdict RENAME COLUMN lost TO gone")]
#[case::a_value("UPDATE run SET unix_s = 'yesterday'")]
fn an_index_that_lacks_something_is_made_anew(#[case] spoil: &str) {
    let lab = Lab::new();
    lab.run("a", 1, &[Planted::new(60, 60)]);
    let before = lab.history();
    rusqlite(&lab, spoil);
    let roots = [lab.runs()];
    let seen = look(&lab.index(), &roots, find(&roots).unwrap(), false, &Filter::default()).unwrap();
    assert!(seen.notes[0].contains("was damaged"), "{:?}", seen.notes);
    assert_eq!(History::of(&seen.loaded, &seen.refreshed.skipped, TODAY, STALE), before);
}

#[test]
fn a_file_of_somebody_else_is_left_as_it_is() {
    let lab = Lab::new();
    let run = lab.run("a", 1, &[Planted::new(60, 60)]);
    let plan = run.join("plan.json");
    let text = fs::read_to_string(&plan).unwrap();
    assert!(matches!(Index::open(&plan), Err(IndexError::Foreign { .. })));
    assert_eq!(fs::read_to_string(&plan).unwrap(), text);
    let database = lab.runs().join("accounts.sqlite");
    rusqlite::Connection::open(&database).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    assert!(matches!(Index::open(&database), Err(IndexError::Foreign { .. })));
    assert!(matches!(Index::rebuild(&database), Err(IndexError::Foreign { .. })));
}

#[test]
fn where_nothing_can_be_written_the_index_lives_in_memory() {
    let lab = Lab::new();
    lab.run("a", 1, &[Planted::new(60, 60)]);
    // A folder that does not exist cannot be written to by anybody, whoever runs the tests.
    let mut index = Index::open(&lab.runs().join("nowhere/index.sqlite")).unwrap();
    assert!(index.note().unwrap().contains("in memory"));
    assert_eq!(index.refresh(find(&[lab.runs()]).unwrap(), &[lab.runs()]).unwrap().taken, 1);
}

#[test]
fn two_commands_at_once_come_to_one_index() {
    let lab = Lab::new();
    for night in 0..40 {
        lab.run(&format!("night-{night:02}"), 50 - night, &[Planted::new(60, 60), Planted::new(50, 60).codec("aac")]);
    }
    thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| lab.history())).collect();
        let mut told = all.into_iter().map(|one| one.join().unwrap());
        let first = told.next().unwrap();
        assert!(told.all(|other| other == first));
        assert_eq!(first.runs.len(), 40);
    });
    assert_eq!(refresh(&lab), (0, 40, 0));
}

#[test]
fn who_opens_it_while_another_command_makes_it_finds_it_its_own() {
    let lab = Lab::new();
    // Each file is made once only: the race is run often.
    for round in 0..200 {
        let path = lab.runs().join(format!("index-{round}.sqlite"));
        let together = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    Index::open(&path).unwrap()
                });
            }
        });
    }
}

#[test]
fn a_merged_run_counts_in_place_of_its_parts_and_a_copy_once() {
    let lab = Lab::new();
    let part = lab.run("part-1", 2, &[Planted::new(60, 60)]);
    lab.run("part-2", 2, &[Planted::new(60, 60).codec("aac")]);
    let merged = lab.run("merged-x", 1, &[Planted::new(60, 60), Planted::new(60, 60).codec("aac")]);
    let of = |run: &str| json!({"environment": {"rigtone": "0.1.0", "run": {"run": run, "unix_s": 1}, "rig": {"kernel": "6"}}});
    let environment = json!({"schema": "1.0", "rigtone": "0.1.0", "merged": [of("part-1"), of("part-2")]});
    fs::write(merged.join("environment.json"), environment.to_string()).unwrap();
    write_log(&merged, "merged-x", 1, &[Planted::new(60, 60), Planted::new(60, 60).codec("aac")]);
    let copy = lab.runs().join("part-1-copy");
    fs::create_dir(&copy).unwrap();
    for name in ["plan.json", "verdicts.json", "environment.json"] {
        fs::copy(part.join(name), copy.join(name)).unwrap();
    }
    let history = lab.history();
    assert_eq!(history.runs.iter().map(|run| &*run.id).collect::<Vec<_>>(), ["merged-x"]);
    assert_eq!(history.runs[0].kind, Kind::Hardware);
    assert_eq!(history.skipped.len(), 3, "{:?}", history.skipped);
    assert!(history.skipped.iter().all(|skipped| skipped.why.contains("merged run `merged-x`")));
    assert!(history.combinations.iter().all(|line| line.answered == 1));
    // Merged again, alone and with another: each trial counts once, in the run of most parts.
    let again = |name: &str, parts: &[&str], planned: &[Planted]| {
        let directory = lab.run(name, 1, planned);
        let parts: Vec<_> = parts.iter().map(|part| of(part)).collect();
        let environment = json!({"schema": "1.0", "rigtone": "0.1.0", "merged": parts});
        fs::write(directory.join("environment.json"), environment.to_string()).unwrap();
        write_log(&directory, name, 1, planned);
        directory
    };
    let twins = [
        again("merged-a", &["part-1"], &[Planted::new(60, 60)]),
        again("merged-b", &["part-1"], &[Planted::new(60, 60)]),
    ];
    let history = lab.history();
    assert_eq!(history.runs.iter().map(|run| &*run.id).collect::<Vec<_>>(), ["merged-x"]);
    let why = |history: &History| history.skipped.iter().map(|skipped| skipped.why.clone()).collect::<Vec<_>>();
    let shared = "some of its trials are in the merged run `merged-x` too";
    assert_eq!(why(&history).iter().filter(|why| *why == shared).count(), 2, "{:?}", why(&history));
    twins.iter().for_each(|twin| fs::remove_dir_all(twin).unwrap());
    fs::remove_dir_all(merged).unwrap();
    let history = lab.history();
    assert_eq!((history.runs.len(), history.skipped.len()), (2, 1));
    assert!(history.skipped[0].why.contains("copy of the run `part-1`"));
}

#[test]
fn kinds_of_rigs_stay_apart() {
    let lab = Lab::new();
    lab.run("lab", 2, &[Planted::new(10, 60)]);
    lab.run_in("sim", 1, &[Planted::new(60, 60)], &json!({"world": "simulated"}));
    let history = lab.history();
    let told: Vec<_> = history
        .combinations
        .iter()
        .map(|line| (line.kind, line.last.as_ref().unwrap().verdict, line.proven.is_some()))
        .collect();
    assert_eq!(told, [(Kind::Hardware, Word::Fail, false), (Kind::Simulated, Word::Pass, true)]);
    assert!(history.matrices.iter().all(|matrix| matrix.cells.len() == 1));
    assert_eq!(history.matrices[0].cells[0].proven, None, "a simulated pass proves no device");
}

#[rstest]
#[case("speaker=box-2*", 1)]
#[case("codec=aac", 1)]
#[case("firmware=7.1", 3)]
#[case("scenario=pair*", 3)]
#[case("tag=nightly", 3)]
#[case("speaker=other", 0)]
fn selectors_choose_as_they_do_in_a_run(#[case] selector: &str, #[case] chosen: usize) {
    let lab = Lab::new();
    let other = Planted::new(60, 60).speaker("box-1.0");
    lab.run("a", 1, &[Planted::new(60, 60), other.clone(), other.codec("aac")]);
    let filter = Filter { select: vec![selector.parse().unwrap()], ..Filter::default() };
    assert_eq!(lab.history_of(&filter).combinations.len(), chosen);
}

#[test]
fn runs_before_a_day_are_left_out() {
    let lab = Lab::new();
    lab.run("old", 10, &[Planted::new(60, 60)]);
    lab.run("new", 5, &[Planted::new(60, 60)]);
    let filter = Filter { since_unix_s: Some(TODAY - 5 * DAY), ..Filter::default() };
    assert_eq!(lab.history_of(&filter).runs.iter().map(|run| &*run.id).collect::<Vec<_>>(), ["new"]);
}
