//! A unit that does not run the firmware it is named by.

use rstest::rstest;

use crate::user::Home;

const RIG: &str = "rigs/simulated.yaml";
const UNIT: &str = "  charge-5-fw110:\n";
const SELECT: [&str; 6] =
    ["--select", "scenario=pairing-cold-start", "--select", "speaker=charge-5-fw110", "--select", "source=echo-dot-5"];

/// The simulated rig, with one of its units verified.
fn home(verify: &str, simulated: &str) -> Home {
    let home = Home::new();
    let verified = home.changed(RIG, UNIT, &format!("{UNIT}    verify: {{{verify}}}\n"));
    home.write(RIG, &verified);
    let nature = "    simulated:\n      latency: {sbc: 190 ms, aac: 135 ms}\n";
    home.write(RIG, &home.changed(RIG, nature, &format!("{nature}{simulated}")));
    home
}

fn run(home: &Home) -> crate::user::Done {
    home.rigtone(&[&["run", "--out", "run"], &SELECT[..]].concat())
}

/// Whoever has the run and no rig sees the same, wherever he looks.
#[rstest]
#[case::from_the_beginning("      runs: 1.0.6\n", "given-up")]
#[case::from_the_middle("      runs: 1.0.6\n      runs-from: 3 min\n", "voided")]
fn another_firmware_is_told_everywhere_and_judged_nowhere(#[case] simulated: &str, #[case] event: &str) {
    let home = home("command: {program: [firmware-of, charge]}", simulated);
    let told = ["unit charge-5-fw110: does not run 1.1.0", "infra-error"];
    run(&home).with_code(12).says(&told);
    home.rigtone(&["judge", "run"]).with_code(12).says(&told);
    home.rigtone(&["report", "run", "--format", "list"]).says(&["infra-error"]);
    let judged = home.rigtone(&["judge", "run", "--json"]).with_code(12).json();
    assert_eq!(judged["combinations"][0]["verdict"], "infra-error");
    assert_eq!(judged["combinations"][0]["trials"], 0);
    let fault = home.read_json("run/verdicts.json")["combinations"][0]["faults"][0].to_string();
    for part in ["what firmware 1.0.6 has where 1.1.0 is expected", "bring the unit back to that firmware"] {
        assert!(fault.contains(part), "{fault}");
    }
    let junit = std::fs::read_to_string(home.path("run/junit.xml")).unwrap();
    assert!(junit.contains("does not run 1.1.0") && !junit.contains("<failure"), "{junit}");
    let log = std::fs::read_to_string(home.path("run/events.jsonl")).unwrap();
    for kind in ["firmware-looked", event] {
        assert!(log.contains(&format!("\"kind\":\"{kind}\"")), "{kind}");
    }
    let environment = home.read_json("run/environment.json");
    assert_eq!(environment["rig"]["firmware"]["charge-5-fw110"]["source"], "command");
}

#[test]
fn the_check_of_a_rig_shows_what_its_units_run() {
    let program = "command: {program: [firmware-of, charge]}";
    home(program, "")
        .rigtone(&["rig", "check", RIG])
        .says(&["ok     unit charge-5-fw110: runs 1.1.0: the lab's program says 1.1.0"]);
    home(program, "      runs: 1.0.6\n")
        .rigtone(&["rig", "check", RIG])
        .with_code(12)
        .says(&["fault  unit charge-5-fw110: does not run 1.1.0", "name the one it runs in the rig's document"]);
    home("gatt: {}", "")
        .rigtone(&["rig", "check", RIG])
        .says(&["unit charge-5-fw110: its firmware is read when it is connected"]);
}

/// A word is worth something for a while; afterwards everybody who uses the rig is told.
#[test]
fn an_old_declaration_is_warned_of_and_holds_nobody_up() {
    let old = home("declared: {on: 2020-01-01, good-for: 30 d}", "");
    let warned =
        ["warning[stale-declaration]", "`charge-5-fw110` was declared to run 1.1.0", "look which firmware it runs"];
    old.rigtone(&["check"]).with_code(0).says(&warned);
    old.rigtone(&["rig", "check", RIG]).says(&warned).says(&["as a person says, who looked on 2020-01-01"]);
    run(&old).with_code(0).says(&warned);
    let fresh = home("declared: {on: 2020-01-01, good-for: 36500 d}", "");
    assert_eq!(run(&fresh).with_code(0).err, "");
}
