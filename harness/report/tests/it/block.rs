//! The display of a run on terminals of several sizes.

use rigtone_model::{
    event::{Body, Event, Phase},
    verdict::Verdict,
};
use rigtone_report::progress::{Progress, news};
use rstest::rstest;

use crate::{
    log::{Log, log},
    sample::{FAIL, LOST, PASS, UNDECIDED, plan},
};

fn after(events: &[Event]) -> Progress {
    let mut progress = Progress::new(&plan());
    events.iter().for_each(|event| progress.take(event));
    progress
}

/// Two trials run, one is lost, one combination failed and one is not decided; nobody has heard of anything for 1 s.
fn busy() -> Progress {
    let mut log = Log(log());
    log.trial(2_100, (FAIL, 2), None, Body::Decided { verdict: Verdict::Fail, n: 23 });
    log.trial(2_200, (LOST, 12), None, Body::TrialStarted);
    log.step(3_000, (LOST, 12), "play", Phase::Trial);
    let mut progress = after(&log.0);
    progress.wait(1_000_000_000);
    progress
}

#[test]
fn a_wide_window_shows_all() {
    insta::assert_snapshot!(busy().block(120, 40).join("\n"), @r"
    2/4 decided: 1 fail, 1 inconclusive, 2 open
    about 1 s left, 1 of at most 360 trials, 1 lost to the rig
    not used any more: relay board-1
      pairing-cold-start/source=echo-a,speaker=charge-b  trial 1: pair 1 s
      playback-heard/codec=sbc,source=echo-a,speaker=flip-a  trial 12: play 1 s
    ");
}

#[test]
fn a_usual_window_shows_the_ends_of_long_names() {
    insta::assert_snapshot!(busy().block(80, 24).join("\n"), @r"
    2/4 decided: 1 fail, 1 inconclusive, 2 open
    about 1 s left, 1 of at most 360 trials, 1 lost to the rig
    not used any more: relay board-1
      pairing-cold-start/source=echo-a,speaker=charge-b  trial 1: pair 1 s
      playback-heard/codec=sbc,source=echo-a,speaker=flip-a  trial 12: play 1 s
    ");
}

#[test]
fn a_narrow_window_leaves_out_what_matters_less() {
    insta::assert_snapshot!(busy().block(40, 24).join("\n"), @r"
    2/4 decided: 1 fail, 1 inconclusive
    about 1 s left, 1 of at most 360 trials
    not used any more: relay board-1
      …=echo-a,speaker=charge-b  1: pair 1 s
      …e=echo-a,speaker=flip-a  12: play 1 s
    ");
}

#[test]
fn few_rows_have_room_for_one_line() {
    assert_eq!(busy().block(80, 9), [busy().line(80)]);
}

#[test]
fn of_many_trials_the_first_are_shown_and_the_others_counted() {
    let mut log = Log::default();
    for n in 1..=9 {
        log.trial(0, (PASS, n), None, Body::TrialStarted);
    }
    let lines = after(&log.0).block(80, 24);
    assert_eq!((lines.len(), lines.last().unwrap().as_str()), (9, "  and 3 more"));
    assert_eq!(after(&log.0).block(80, 12).last().unwrap(), "  and 7 more");
}

#[rstest]
fn no_line_is_wider_than_the_window_whatever_runs(
    #[values(0, 1, 5, 20, 39, 40, 79, 200)] width: usize,
    #[values(
        "play",
        "\u{97f3}\u{697d}\u{97f3}\u{697d}\u{97f3}\u{697d}\u{97f3}\u{697d}\u{97f3}\u{697d}",
        "\u{1b}[2J\nx",
        ""
    )]
    step: &str,
) {
    let mut log = Log(log());
    log.whole(0, Body::Benched { member: format!("microphone {step}"), why: step.repeat(50) });
    log.trial(1, (FAIL, u32::MAX), None, Body::TrialStarted);
    log.step(2, (FAIL, u32::MAX), step, Phase::Trial);
    // East Asian characters take two columns.
    let columns = |line: &str| line.chars().map(|c| if c > '\u{2e80}' { 2 } else { 1 }).sum::<usize>();
    let news = log.0.iter().filter_map(|event| news(event, width, false));
    for line in after(&log.0).block(width, 40).into_iter().chain(news) {
        assert!(columns(&line) <= width, "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}

#[test]
fn what_has_no_pass_is_news_and_a_pass_is_none() {
    let mut log = Log::default();
    for verdict in [Verdict::Pass, Verdict::Fail] {
        log.trial(0, (UNDECIDED, 2), None, Body::Decided { verdict, n: 7 });
    }
    assert_eq!(news(&log.0[0], 200, false), None);
    let line = news(&log.0[1], 200, false).unwrap();
    assert_eq!(line, "fail         7 trials playback-heard/codec=sbc,source=echo-a,speaker=charge-b");
    assert_eq!(news(&log.0[1], 40, false).unwrap(), "fail         7 trials …,speaker=charge-b");
    let coloured = news(&log.0[1], 200, true).unwrap();
    assert_eq!(coloured.replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", ""), line);
}
