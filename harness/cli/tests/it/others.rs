//! `rigtone rig`, `schema`, `completions` and wrong commands

use std::fs;

use rstest::rstest;

use crate::user::{Home, repository};

#[test]
fn a_list_of_a_rig_names_its_members() {
    Home::new().rigtone(&["rig", "list", "rigs/simulated.yaml"]).with_code(0).says(&[
        "unit        charge-5-fw106: jbl/charge-5 1.0.6 at 5E:00:00:00:00:01",
        "relay       board-1: 8 channels",
        "microphone  bench-3:",
    ]);
}

#[test]
fn a_check_of_a_rig_names_the_member_that_is_out_of_order() {
    let done = Home::new().rigtone(&["rig", "check", "rigs/simulated.yaml"]).with_code(12);
    let faults: Vec<&str> = done.out.lines().filter(|line| line.starts_with("fault")).collect();
    assert_eq!(faults.len(), 1, "{}", done.out);
    assert!(faults[0].contains("microphone bench-3") && faults[0].contains("check its cable"), "{}", faults[0]);
}

#[test]
fn a_rig_is_made_safe_without_a_run() {
    Home::new().rigtone(&["rig", "safe", "rigs/simulated.yaml"]).with_code(0).says(&["safe state"]);
}

#[test]
fn the_schemas_of_this_build_are_those_of_the_repository() {
    let home = Home::empty();
    home.rigtone(&["schema", "--out", "schemas"]).with_code(0);
    let history = cfg!(feature = "history").then_some("history");
    let kinds = ["scenario", "device", "rig", "measurement", "results", "verdicts", "certificate", "claims"];
    for kind in kinds.into_iter().chain(history) {
        let name = format!("{kind}.schema.json");
        let committed = fs::read_to_string(repository().join("reports/schemas").join(&name)).unwrap();
        assert_eq!(fs::read_to_string(home.path("schemas").join(&name)).unwrap(), committed, "{name}");
    }
}

#[rstest]
fn completions_are_for_the_command(#[values("bash", "zsh", "fish")] shell: &str) {
    Home::empty().rigtone(&["completions", shell]).with_code(0).says(&["rigtone", "partition"]);
}

#[rstest]
#[case::none(&[], "Usage: rigtone")]
#[case::unknown(&["chekc"], "check")]
#[case::shell(&["completions", "dos"], "dos")]
#[case::folder_that_cannot_be_made(&["schema", "--out", "file/schemas"], "writing file/schemas/")]
fn wrong_usage_ends_with_2_and_a_word_of_help(#[case] arguments: &[&str], #[case] said: &str) {
    let home = Home::empty();
    home.write("file", "no folder");
    home.rigtone(arguments).with_code(2).says(&[said]);
}
