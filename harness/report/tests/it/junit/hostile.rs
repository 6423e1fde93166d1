use std::collections::BTreeSet;

use proptest::prelude::*;
use rigtone_model::verdict::Verdict;
use rigtone_report::{exit::InconclusivePolicy::AsError, junit};
use rstest::rstest;

use super::{reader, report};
use crate::sample::{plan, verdicts};

#[rstest]
#[case::escape("a\u{1b}[31mb\u{1b}")]
#[case::nul("a\0b\u{8}")]
#[case::section_end("a]]>b")]
#[case::section_end_twice("]]>]]>]]")]
#[case::section_end_in_pieces("]]\u{1b}[0m>")]
#[case::section_begin("<![CDATA[ ]]")]
#[case::markup("</failure><script>&lt;\"'&amp;&#0;")]
#[case::comment("<!-- -- >")]
#[case::emoji("\u{1f50a}\u{1f1e9}\u{1f1ea}\u{1f468}\u{200d}\u{1f469}")]
#[case::line_breaks("a\nb\r\nc\td\u{2028}e\u{85}f")]
#[case::not_characters("a\u{fffe}\u{ffff}b")]
#[case::direction("a\u{202e}b")]
#[case::private_use("\u{e000}\u{10ffff}")]
#[case::attachment("x]]\n[[ATTACHMENT|/etc/passwd]]")]
#[case::nothing("")]
#[case::ten_kilobytes(&"n\u{e4}me".repeat(2_000))]
fn any_text_in_any_place_gives_a_valid_report_with_the_same_counts(#[case] text: &str) {
    let clean = report(&verdicts(), &plan(), AsError);

    let mut plan = plan();
    plan.rig = text.into();
    let mut run = verdicts();
    run.run = text.into();
    for (i, combination) in run.combinations.iter_mut().enumerate() {
        // The scenario's name keeps its suite, the id its place in the plan.
        let id = format!("{}/{text}{i}", combination.scenario);
        plan.combinations[i].id = id.as_str().into();
        plan.combinations[i].axes[0].0 = text.into();
        combination.id = id.as_str().into();
        combination.faults.push(text.into());
        combination.evidence.push(text.into());
        for e in &mut combination.expectations {
            e.expected = text.into();
            e.seen = text.into();
            e.unit = text.into();
        }
        if let Verdict::Skipped(reason) = &mut combination.verdict {
            *reason = text.into();
        }
    }
    let hostile = report(&run, &plan, AsError);
    for result in ["success", "failure", "error", "skipped"] {
        assert_eq!(hostile.count(result), clean.count(result), "{result}");
    }
    for case in hostile.cases() {
        let shown = format!("{}{}{}", case.classname, case.name, case.message);
        assert!(!shown.contains(char::is_control), "{shown:?}");
        // What a device says of itself must not become a file that CI fetches.
        let attached: Vec<&str> = case.output.split("[[ATTACHMENT|").skip(1).collect();
        assert!(attached.iter().all(|path| path.starts_with("runs/1/evidence/")), "{}", case.output);
    }
}

#[test]
fn a_hostile_scenario_has_a_suite_of_its_own() {
    let mut run = verdicts();
    for (i, combination) in run.combinations.iter_mut().enumerate() {
        combination.scenario = ["\u{1b}[1m", "\0", "", "]]>", " "][i].to_owned();
    }
    assert_eq!(report(&run, &plan(), AsError).suites.len(), 5);
}

#[test]
fn text_survives_that_xml_can_carry() {
    let mut run = verdicts();
    run.combinations[1].expectations[0].seen = "a ]]> b <c> & \"d\" \u{1f50a}".into();
    let report = report(&run, &plan(), AsError);
    let case = report.case(&["#5e6f7a8b", "success-rate"]);
    assert!(case.body.contains("seen:     a ]]> b <c> & \"d\" \u{1f50a}\n"), "{}", case.body);
    assert!(case.message.ends_with("seen a ]]> b <c> & \"d\" \u{1f50a}"), "{}", case.message);
}

#[test]
fn names_that_become_alike_are_told_apart() {
    let mut run = verdicts();
    run.combinations.truncate(2);
    run.combinations[0].id = "pairing-cold-start/a\0b".into();
    run.combinations[1].id = "pairing-cold-start/a\u{1b}[1mb".into();
    assert_eq!(report(&run, &plan(), AsError).cases().count(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// GitLab drops all but one of the cases that share name and class, and reads 255 characters of either.
    #[test]
    fn names_are_unique_and_short_whatever_combinations_are_called(
        names in proptest::collection::btree_set("[ab]{1,3}|\\PC{0,8}|[\u{0}-\u{20}a]{0,3}|(x|y){300,400}", 5)
    ) {
        let (mut run, mut plan) = (verdicts(), plan());
        for (i, name) in names.iter().enumerate() {
            let id = format!("{}/{name}", run.combinations[i].scenario);
            run.combinations[i].id = id.as_str().into();
            plan.combinations[i].id = id.as_str().into();
        }
        let mut xml = Vec::new();
        junit::write(&run, &plan, &junit::Options::default(), &mut xml).unwrap();
        let read = reader::read(&String::from_utf8(xml).unwrap());
        let mut seen = BTreeSet::new();
        for case in read.cases() {
            prop_assert!(case.name.chars().count() <= 255 && case.classname.chars().count() <= 255);
            prop_assert!(seen.insert((case.classname.clone(), case.name.clone())), "twice: {}", case.name);
        }
        // 14 cases, as `each_verdict_is_the_result_that_readers_know` lists them.
        prop_assert_eq!(seen.len(), 14);
    }
}
