//! What is known to fail: tried, shown, and deciding nothing.

use rstest::rstest;

use crate::user::{Home, keeps_to};

/// A speaker that is silent, and one that is well.
const SELECT: [&str; 8] = [
    "--select",
    "scenario=playback-heard",
    "--select",
    "source=echo-dot-5",
    "--select",
    "speaker=*-fw*10",
    "--seed",
    "3",
];

fn entry(select: &str, expires: &str) -> String {
    format!(
        "quarantine: known\nentries:\n  - select: [{select}]\n    reason: no sound since firmware 2.1.0\n    \
         owner: lab@example.org\n    expires: {expires}\n"
    )
}

const SILENT: &str = "speaker=srs-xb33-fw210, scenario=playback-heard";

fn run(home: &Home, more: &[&str]) -> crate::user::Done {
    home.rigtone(&[&["run"], &SELECT[..], more].concat())
}

#[test]
fn what_is_in_quarantine_is_tried_and_shown_and_decides_nothing() {
    let home = Home::new();
    home.write("known.yaml", &entry(SILENT, "2999-12-31"));
    let plain = run(&home, &["--out", "plain", "--json"]).with_code(10).json();
    let quarantined = run(&home, &["--out", "run", "--quarantine", "known.yaml"]).with_code(0);
    quarantined.says(&[
        "1 of 2 combinations passed, 1 in quarantine",
        "in quarantine until 2999-12-31",
        "lab@example.org looks after it: no sound since firmware 2.1.0",
        "the product failed: playback-heard/source=echo-dot-5,speaker=srs-xb33-fw210",
    ]);
    // The trials and the verdict are what they would have been.
    let verdicts = home.read_json("run/verdicts.json");
    for (with, without) in
        verdicts["combinations"].as_array().unwrap().iter().zip(plain["combinations"].as_array().unwrap())
    {
        assert_eq!((&with["verdict"], &with["trials"]), (&without["verdict"], &without["trials"]));
    }
    let junit = std::fs::read_to_string(home.path("run/junit.xml")).unwrap();
    assert!(junit.contains("in quarantine until 2999-12-31 (lab@example.org)"), "{junit}");
    assert!(!junit.contains("<failure"), "{junit}");
    // The run alone says the same, and another document changes it.
    let judged = home.rigtone(&["judge", "run", "--json"]).with_code(0).json();
    assert_eq!(judged["exit_reason"], "1 of 2 combinations passed, 1 in quarantine");
    home.rigtone(&["report", "run", "--format", "list"])
        .with_code(0)
        .says(&["(in quarantine until 2999-12-31, lab@example.org: no sound since firmware 2.1.0)"]);
    home.write("other.yaml", &entry("speaker=charge-5*", "2999-12-31").replace("known", "other"));
    home.rigtone(&["judge", "run", "--quarantine", "other.yaml"]).with_code(10);
    home.rigtone(&["judge", "plain", "--quarantine", "known.yaml"]).with_code(0);
    keeps_to(
        "quarantine.schema.json",
        &serde_json::json!({"quarantine": "known", "entries": [
        {"select": ["speaker=a"], "reason": "r", "owner": "o", "expires": "2999-12-31"}]}),
    );
}

#[test]
fn a_run_with_nothing_but_quarantine_shows_nothing() {
    let home = Home::new();
    home.write("known.yaml", &entry("speaker=*", "2999-12-31"));
    let done = run(&home, &["--out", "run", "--quarantine", "known.yaml"]).with_code(3);
    done.says(&["2 of 2 combinations are in quarantine, and nothing else ran"]);
}

/// What has failed before is still failing; what is in quarantine is no new failure.
#[test]
fn a_run_says_what_is_new_beside_an_earlier_one() {
    let home = Home::new();
    home.write("known.yaml", &entry(SILENT, "2999-12-31"));
    run(&home, &["--out", "before"]).with_code(10);
    run(&home, &["--out", "same", "--baseline", "before"]).with_code(10).says(&[
        "beside before:",
        "still failing",
        "0 new failures",
    ]);
    // In every form that has a place for it, once.
    let written = ["--out", "written", "--baseline", "before", "--report", "markdown,terminal,json"];
    let done = run(&home, &written).with_code(10);
    assert_eq!(done.out.matches("beside before:").count(), 1, "{}", done.out);
    for (name, said) in [
        ("report.md", "**Since the baseline: 0 new failures**"),
        ("report.txt", "beside before:\n  still failing"),
        ("results.json", "\"new_failures\": 0"),
    ] {
        let text = std::fs::read_to_string(home.path("written").join(name)).unwrap();
        assert!(text.contains(said), "{name}: {text}");
    }
    let json = run(&home, &["--out", "json", "--baseline", "before", "--json"]).with_code(10).json();
    assert_eq!((&json["baseline"]["run"], &json["baseline"]["new_failures"]), (&"before".into(), &0.into()));
    assert_eq!(json["baseline"]["changes"][0]["change"], "still-failing");
    // Before the first trial: nothing is made for a baseline that is none.
    run(&home, &["--out", "never", "--baseline", "nowhere"]).with_code(2).says(&["nowhere/plan.json", "help:"]);
    assert!(!home.path("never").exists());
    let json = home
        .rigtone(&["judge", "json", "--baseline", "before", "--quarantine", "known.yaml", "--json"])
        .with_code(0)
        .json();
    assert_eq!(json["baseline"]["changes"][0]["quarantined"], true);
}

#[rstest]
#[case::over("speaker=a*", "2026-01-31", "error[expired]", "known.yaml:6:14", "lab@example.org looks after it")]
#[case::no_day("speaker=a*", "2027-02-29", "error[unfit-value]", "known.yaml:6:14", "there is no day `2027-02-29`")]
#[case::no_form("speaker=a*", "tomorrow", "error[wrong-format]", "known.yaml:6:14", "2027-01-31")]
#[case::no_selector("speaker", "2999-12-31", "error[wrong-format]", "known.yaml:3:14", "`speaker=charge-5*`")]
#[case::no_key("speeker=a*", "2999-12-31", "error[dangling-reference]", "known.yaml:3:14", "did you mean `speaker`?")]
fn a_quarantine_that_holds_nothing_back_is_explained(
    #[case] select: &str,
    #[case] expires: &str,
    #[case] code: &str,
    #[case] place: &str,
    #[case] advice: &str,
) {
    let home = Home::new();
    home.write("known.yaml", &entry(select, expires));
    home.rigtone(&["check", "known.yaml", "scenarios", "devices", "rigs"]).with_code(2).says(&[code, place, advice]);
    let run =
        home.rigtone(&[&["run", "--quarantine", "known.yaml", "--out", "run"], &SELECT[..]].concat()).with_code(2);
    run.says(&[place]);
    assert!(!home.path("run").exists(), "nothing is run");
}

/// One quarantine serves all jobs of a lab.
#[test]
fn an_entry_for_scenarios_of_another_job_may_have_keys_of_theirs() {
    let home = Home::new();
    let of_others = entry("codec=aac", "2999-12-31").replace("codec=aac", "codec=aac, scenario=codec-per-firmware");
    home.write("known.yaml", &of_others);
    home.rigtone(&["check", "known.yaml", "scenarios", "devices", "rigs"]).with_code(0);
    run(&home, &["--out", "run", "--quarantine", "known.yaml"])
        .with_code(10)
        .says(&["nothing of the plan is in the quarantine"]);
}

#[test]
fn a_quarantine_of_nothing_is_warned_of() {
    let home = Home::new();
    home.write("known.yaml", &entry("speaker=of-somebody-else", "2999-12-31"));
    let done = run(&home, &["--out", "run", "--quarantine", "known.yaml"]).with_code(10);
    assert!(done.err.contains("nothing of the plan is in the quarantine of speaker=of-somebody-else"), "{}", done.err);
}

/// An entry that came to its end since does not change what a run of its time has shown.
#[test]
fn a_recorded_run_keeps_its_quarantine() {
    let home = Home::new();
    home.write("known.yaml", &entry(SILENT, "2999-12-31"));
    run(&home, &["--out", "run", "--quarantine", "known.yaml"]).with_code(0);
    let plan = home.read_json("run/plan.json").to_string().replace("2999-12-31", "2026-01-31");
    home.write("run/plan.json", &plan);
    home.rigtone(&["judge", "run"]).with_code(0).says(&["in quarantine until 2026-01-31"]);
    home.rigtone(&["run", "--resume", "run", "--quarantine", "known.yaml"]).with_code(2);
}

/// A quarantine that lies among the scenarios is nobody's yet: it ends `check`, and no command that was not given it.
#[test]
fn an_expired_quarantine_ends_only_what_it_was_given_to() {
    let home = Home::new();
    home.write("scenarios/starter/known.yaml", &entry(SILENT, "2026-01-31"));
    home.rigtone(&["plan"]).with_code(0);
    let done = home.rigtone(&["check"]).with_code(2);
    done.says(&[
        "error[expired]",
        "scenarios/starter/known.yaml:6:14",
        "no sound since firmware 2.1.0",
        "lab@example.org",
    ]);
    run(&home, &["--out", "run", "--quarantine", "scenarios/starter/known.yaml"])
        .with_code(2)
        .says(&["error[expired]"]);
}

/// What nobody can read holds nothing back: a quarantine that was damaged must not grow.
#[test]
fn a_recorded_selector_that_does_not_read_is_an_error() {
    let home = Home::new();
    home.write("known.yaml", &entry(SILENT, "2999-12-31"));
    run(&home, &["--out", "run", "--quarantine", "known.yaml"]).with_code(0);
    let plan = home.read_json("run/plan.json").to_string().replace("speaker=srs-xb33-fw210", "garbage");
    home.write("run/plan.json", &plan);
    home.rigtone(&["judge", "run"]).with_code(2).says(&["run/plan.json", "`garbage` is not a selector", "help:"]);
}

#[test]
fn parts_of_a_plan_have_one_quarantine() {
    let home = Home::new();
    home.write("known.yaml", &entry("scenario=playback-heard", "2999-12-31"));
    let part = |number: &str, more: &[&str]| {
        let (out, partition) = (format!("part-{number}"), format!("hash:{number}/2"));
        home.rigtone(
            &[
                &[
                    "run",
                    "--out",
                    &out,
                    "--partition",
                    &partition,
                    "--select",
                    "speaker=srs-*",
                    "--select",
                    "scenario=playback-heard",
                ],
                more,
            ]
            .concat(),
        );
    };
    part("1", &["--quarantine", "known.yaml"]);
    part("2", &[]);
    home.rigtone(&["merge", "part-1", "part-2", "--out", "whole"])
        .with_code(2)
        .says(&["part-1 and part-2 have not the same quarantine"]);
    std::fs::remove_dir_all(home.path("part-2")).unwrap();
    part("2", &["--quarantine", "known.yaml"]);
    home.rigtone(&["merge", "part-1", "part-2", "--out", "whole"])
        .with_code(3)
        .says(&["4 of 4 combinations are in quarantine"]);
    // Who asks for what failed gets it, in quarantine or not.
    let again = home.rigtone(&["plan", "--only", "failed", "whole", "--json"]).json();
    let failed = home.read_json("whole/verdicts.json")["combinations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["verdict"] == "fail")
        .count();
    assert!(failed > 0 && again["plan"]["combinations"].as_array().unwrap().len() == failed, "{failed} failed");
}
