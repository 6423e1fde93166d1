use rigtone_model::{
    document::Quarantined,
    rig_kind::RigKind,
    verdict::{RunVerdicts, Verdict},
};
use rigtone_report::{
    exit::{GOES_ON, InconclusivePolicy},
    markdown,
    terminal::{View, summary},
};
use rstest::rstest;

use crate::sample::{plan, verdicts};

pub(crate) const VIEW: View<'_> = View {
    width: 100,
    colour: false,
    inconclusive: InconclusivePolicy::AsError,
    directory: Some("runs/1"),
    causes: &[],
    kind: RigKind::Hardware,
};

#[test]
fn a_summary_shows_the_table_the_reasons_and_the_exit_code() {
    insta::assert_snapshot!(summary(&verdicts(), &plan(), &VIEW), @r##"
    pairing-cold-start: Pairing succeeds after both ends were power-cycled
      verdict       combination                        n  lost  seen
      pass          source=echo-a,speaker=charge-b    35     0  success-rate 100 % [90, 100]
      fail          source=echo-a,speaker=flip-a      23     0  success-rate 47.8 % [26.8, 69.4]
      skipped       source=echo-a,speaker=wired-a      0     0  `wired-a` has no microphone near it

    playback-heard: What is played is heard, soon enough
      verdict       combination                        n  lost  seen
      inconclusive  codec=sbc,source=echo-a,          50     1  audio 100 % [92.9, 100]: pass
                    speaker=charge-b                            latency 215 ms [206, 232]
                                                                latency 187 ms [182, 193]: fail (not
                                                                gating)
      infra-error   codec=sbc,source=echo-a,           5     7  microphone bench-1: the device is gone
                    speaker=flip-a

    the product failed: pairing-cold-start/source=echo-a,speaker=flip-a#5e6f7a8b
      source     echo-a (amazon/echo-dot-5, firmware 9.2)
      speaker    flip-a (jbl/flip-6, firmware 0.9.2)
      expected   `pair` succeeds in at least 90 % of trials, 98 % with a good device (95 % confidence)
      seen       11 of 23 trials (47.8 %; at least 29.6 %, at most 66.5 %, each with 95 % confidence)
      n          23 trials: held in 11, 0 ambiguous; 47.8 % [26.8, 69.4] at 95 % confidence
      failures   pairing-refused 12
      evidence   runs/1/evidence/pairing-cold-start.source-echo-a.speaker-flip-a.5e6f7a8b/0003/relay.log

    not decided: playback-heard/codec=sbc,source=echo-a,speaker=charge-b#9c0d1e2f
      source     echo-a (amazon/echo-dot-5, firmware 9.2)
      speaker    charge-b (jbl/charge-5, firmware 1.1.0)
      expected   `play` is heard within 220 ms in at least 90 % of trials, 98 % with a good device (95
                 % confidence)
      seen       p90 = 214.6 ms, 206.1 ms to 231.8 ms by rank; 43 of 50 trials, 4 do not tell (86 %; at
                 least 75.3 %, at most 98.3 %, each with 95 % confidence)
      n          50 trials: held in 43, 4 ambiguous; 215 ms [206, 232] at 95 % confidence
      needed     31 trials more in which it holds
      expected   `play` is heard within 100 ms in at least 50 % of trials, 87.5 % with a good device
                 (95 % confidence) (not gating)
      seen       p50 = 187.2 ms, 181.9 ms to 193.4 ms by rank; 2 of 50 trials (4 %; at least 0.7 %, at
                 most 12.1 %, each with 95 % confidence)
      n          50 trials: held in 2, 0 ambiguous; 187 ms [182, 193] at 95 % confidence
      failures   late 7
      lost       1 trial to the rig; 50 gave a result
      rig        microphone bench-1: 512 frames are missing
      evidence   runs/1/evidence/playback-heard.codec-sbc.source-echo-a.speaker-charge-b.9c0d1e2f/0007/bench-1.wav

    the rig failed: playback-heard/codec=sbc,source=echo-a,speaker=flip-a#3a4b5c6d
      source     echo-a (amazon/echo-dot-5, firmware 9.2)
      speaker    flip-a (jbl/flip-6, firmware 0.9.2)
      failures   silent 2
      lost       7 trials to the rig; 5 gave a result
      rig        microphone bench-1: the device is gone
      rig        relay board-1: no answer within 250 ms

    5 combinations: 1 fail, 1 infra-error, 1 inconclusive, 1 skipped, 1 pass
    exit code 10: 1 of 5 combinations failed
    "##);
}

/// Once, in one line: whoever reads the verdicts reads it too.
#[rstest]
fn what_no_real_device_was_tried_with_says_so(
    #[values(RigKind::Hardware, RigKind::Virtual, RigKind::Simulated, RigKind::Unknown)] kind: RigKind,
) {
    let text = summary(&verdicts(), &plan(), &View { kind, ..VIEW });
    let said: Vec<&str> = text.lines().filter(|line| line.contains("proves nothing")).collect();
    assert_eq!(said, if kind == RigKind::Hardware { vec![] } else { vec![kind.heading()] });
    assert!(text.lines().last().unwrap().starts_with("exit code 10:"), "{text}");
}

/// The table says it where nothing was seen, as that of Markdown does.
#[rstest]
#[case(100, "infra-error codec=sbc,source=echo-a, 0 7 microphone bench-1: the device is gone")]
#[case(40, "infra-error, n 0, lost 7 codec=sbc,source=echo-a, speaker=flip-a microphone bench-1: the device is gone")]
fn what_the_rig_failed_at_stands_where_nothing_was_seen(#[case] width: usize, #[case] words: &str) {
    let mut run = verdicts();
    for combination in run.combinations.iter_mut().filter(|c| c.verdict == Verdict::InfraError) {
        combination.expectations.clear();
        combination.trials = 0;
    }
    let text = summary(&run, &plan(), &View { width, ..VIEW });
    let table = text.split("the product failed").next().unwrap();
    let said: Vec<&str> = table.split_whitespace().collect();
    assert!(said.join(" ").contains(words), "{table}");
}

#[rstest]
#[case(0)]
#[case(40)]
#[case(59)]
#[case(60)]
#[case(100)]
#[case(250)]
fn no_line_but_that_of_a_path_or_an_id_is_longer_than_the_terminal(#[case] width: usize) {
    for line in summary(&verdicts(), &plan(), &View { width, ..VIEW }).lines() {
        let whole = line.contains("evidence/") || line.contains('#');
        assert!(whole || line.chars().count() <= width.max(40), "{line}");
    }
}

#[test]
fn in_a_narrow_terminal_a_combination_has_lines_of_its_own() {
    let text = summary(&verdicts(), &plan(), &View { width: 40, ..VIEW });
    let of_the_second =
        ["  fail, n 23, lost 0", "    source=echo-a,speaker=flip-a", "    success-rate 47.8 % [26.8, 69.4]"];
    assert!(text.contains(&of_the_second.join("\n")), "{text}");
}

#[test]
fn colours_change_nothing_else() {
    let coloured = summary(&verdicts(), &plan(), &View { colour: true, ..VIEW });
    assert!(coloured.contains("\u{1b}[1;31mfail"));
    let mut plain = coloured;
    for code in ["32", "1;31", "33", "35", "36", "2", "0"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(plain, summary(&verdicts(), &plan(), &VIEW));
}

#[test]
fn what_a_device_says_does_not_reach_the_terminal_as_a_command() {
    let mut run = verdicts();
    let text = "\u{1b}]0;owned\u{7}\u{1b}[2Jx\0\u{9b}31m\u{202e}\ry\nexit code 0: all is well";
    let mut plan = plan();
    for (combination, planned) in run.combinations.iter_mut().zip(&mut plan.combinations) {
        let id = format!("{}/{text}", combination.scenario);
        combination.id = id.as_str().into();
        combination.faults.push(text.into());
        combination.evidence.push(text.into());
        planned.id = id.as_str().into();
        planned.axes[0].0 = text.into();
        for e in &mut combination.expectations {
            (e.expected, e.seen, e.unit) = (text.into(), text.into(), text.into());
        }
    }
    run.interrupted = Some(text.into());
    let shown = summary(&run, &plan, &VIEW);
    assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
    let last = shown.lines().filter(|l| l.starts_with("exit code")).collect::<Vec<_>>();
    assert!(matches!(last[..], [line] if line.starts_with("exit code 130: ")), "{last:?}");
}

#[test]
fn an_empty_run_says_so() {
    let mut run = verdicts();
    run.combinations.clear();
    assert_eq!(summary(&run, &plan(), &VIEW), "no combinations\nexit code 3: the plan has no combinations\n");
}

/// What failures follow stands between the details and the count, in lines that fit.
#[test]
fn causes_are_said_before_the_count() {
    let causes =
        ["failures of `pairing-cold-start` follow speaker charge-5-a: 6 of 20 trials, 0 of 350 without".to_owned()];
    let text = summary(&verdicts(), &plan(), &View { width: 60, causes: &causes, ..VIEW });
    let (cause, count) =
        (text.find("failures of `pairing").expect("the cause"), text.find("combinations:").expect("the count"));
    assert!(cause < count, "{text}");
    assert!(text[cause..count].lines().all(|line| line.chars().count() <= 60), "{text}");
}

/// As many of each verdict, in the order of the plan: first those that were ended early, then those that the rig lost, then the others.
fn many(n: usize) -> RunVerdicts {
    let mut run = verdicts();
    let all = run.combinations.clone();
    let of = |verdict: Verdict| {
        let one = all.iter().find(|c| c.verdict == verdict || verdict == Verdict::Aborted).unwrap();
        (0..n).map(move |i| {
            let mut combination = one.clone();
            combination.id = format!("{}/{}={i}#00000000", one.scenario, verdict.word()).as_str().into();
            combination.verdict = verdict.clone();
            combination
        })
    };
    let order = [Verdict::Aborted, Verdict::InfraError, Verdict::Inconclusive, Verdict::Fail];
    run.combinations = order.into_iter().flat_map(of).collect();
    run.interrupted = Some("SIGINT".into());
    run
}

/// What people look for is not buried below what says the same a hundred times.
#[test]
fn of_many_failures_come_first_a_fault_is_told_once_and_what_was_ended_is_counted() {
    let mut run = many(100);
    // One of them has a fault of its own.
    run.combinations[150].faults.push("relay board-1: no answer".into());
    let text = summary(&run, &plan(), &VIEW);
    let heads: Vec<&str> = text
        .lines()
        .filter(|line| ["the product", "not decided", "the rig", "ended"].iter().any(|head| line.starts_with(head)))
        .collect();
    assert_eq!(heads.len(), 203, "{heads:#?}");
    assert!(heads[..100].iter().all(|head| head.starts_with("the product failed: ")), "{heads:#?}");
    assert!(heads[100..200].iter().all(|head| head.starts_with("not decided: ")), "{heads:#?}");
    let rest = [
        "the rig failed: 99 combinations",
        "the rig failed: playback-heard/infra-error=50#00000000",
        "ended before an answer: 100 combinations",
    ];
    assert_eq!(heads[200..], rest);
    let ids = [0, 1, 2].map(|i| format!("playback-heard/infra-error={i}#00000000"));
    let grouped = format!(
        "{}\n  rig        microphone bench-1: the device is gone\n  such as    {}\n",
        rest[0],
        ids.join("\n             ")
    );
    assert!(text.contains(&grouped), "{text}");
    assert!(text.contains(&format!("{}\n  to go on   rigtone run --resume runs/1\n", rest[2])), "{text}");
    run.interrupted = Some(GOES_ON.into());
    let text = summary(&run, &plan(), &VIEW);
    assert!(text.contains("no answer yet: 100 combinations\n") && !text.contains("--resume"), "{text}");
}

/// The count and the exit code are of different things, and both say so.
#[test]
fn what_is_in_quarantine_is_said_where_verdicts_are_counted() {
    let mut run = many(3);
    run.interrupted = None;
    run.combinations.retain(|c| c.verdict != Verdict::Aborted);
    for combination in run.combinations.iter_mut().filter(|c| c.verdict == Verdict::Fail).take(2) {
        combination.quarantined = Some(Quarantined {
            select: vec!["speaker=flip-*".parse().unwrap()],
            reason: "known".into(),
            owner: "lab".into(),
            expires: "2999-12-31".into(),
        });
    }
    let text = summary(&run, &plan(), &VIEW);
    assert!(text.contains("9 combinations: 3 fail (2 in quarantine), 3 infra-error, 3 inconclusive\n"), "{text}");
    assert!(text.ends_with("exit code 10: 1 of 9 combinations failed\n"), "{text}");
    let mut page = Vec::new();
    markdown::write(&run, &plan(), &markdown::Options::default(), &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("9 combinations: ❌ 3 fail (2 in quarantine), "), "{page}");
}
