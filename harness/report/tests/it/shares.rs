//! Shares, as everything that is written shows them: one short of certainty is never shown as certain, and one that was seen never as none.

use std::collections::BTreeMap;

use rigtone_model::verdict::{Interval, RunVerdicts};
use rigtone_report::{exit::InconclusivePolicy, json, junit, markdown, terminal};
use rstest::rstest;

use crate::{
    sample::{plan, verdicts},
    terminal::VIEW,
};

const N: u32 = 600;

/// The sample, in which pairing succeeded in so many of 600 trials.
fn run(held: u32, (low, high): (f64, f64)) -> RunVerdicts {
    let mut run = verdicts();
    let e = &mut run.combinations[1].expectations[0];
    (e.held, e.n, e.estimate) = (held, N, Some(f64::from(held) / f64::from(N)));
    e.interval = Some(Interval { low: Some(low), high: Some(high), confidence: 0.95 });
    run
}

#[rstest]
#[case::all_but_one(599, (0.990_749, 0.999_958), "99.8 % [99.1, 99.9]")]
#[case::one(1, (0.000_042_195, 0.009_251), "0.17 % [0.004, 0.93]")]
#[case::none(0, (0.0, 0.006_129), "0 % [0, 0.61]")]
#[case::all(600, (0.993_871, 1.0), "100 % [99.4, 100]")]
fn a_share_is_shown_as_what_it_is(#[case] held: u32, #[case] ends: (f64, f64), #[case] words: &str) {
    let run = run(held, ends);
    let text = terminal::summary(&run, &plan(), &VIEW);
    for due in [format!("success-rate {words}\n"), format!("; {words} at 95 % confidence")] {
        assert!(text.contains(&due), "{due}:\n{text}");
    }
    let mut page = Vec::new();
    markdown::write(&run, &plan(), &markdown::Options::default(), &mut page).unwrap();
    let (page, words_of_page) = (String::from_utf8(page).unwrap(), words.replace('[', "&#91;").replace(']', "&#93;"));
    for due in [format!("success-rate {words_of_page}"), format!("; {words_of_page} at 95 % confidence")] {
        assert!(page.contains(&due), "{due}:\n{page}");
    }
    let mut xml = Vec::new();
    junit::write(&run, &plan(), &junit::Options::default(), &mut xml).unwrap();
    let xml = String::from_utf8(xml).unwrap();
    assert!(xml.contains(&format!("estimate: {words} at 95 % confidence")), "{xml}");
    // Programs get every digit.
    let share = f64::from(held) / f64::from(N);
    let exact = format!("\nestimate={share}\ninterval=[{}, {}]\n", ends.0, ends.1);
    assert!(xml.contains(&exact), "{exact}:\n{xml}");
    let results = json::results(&run, &plan(), InconclusivePolicy::AsError, &BTreeMap::new(), &[], None);
    assert_eq!(results["combinations"][1]["expectations"][0]["estimate"], share);
}
