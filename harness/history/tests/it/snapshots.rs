//! The texts of a small lab as a whole: what a reader sees is changed only on purpose.

use rigtone_history::text::{View, firmware, matrices, summary, trends};

use crate::sample::{Lab, Planted};

/// Two firmware versions, the older one long ago, and a codec that nothing heard.
fn lab() -> Lab {
    let lab = Lab::new();
    let new = |held| Planted::new(held, 60).speaker("box-1.10");
    lab.run("a", 40, &[Planted::new(60, 60).speaker("box-1.9")]);
    lab.run("b", 12, &[new(57)]);
    lab.run("c", 2, &[new(30), Planted::new(0, 0).speaker("box-1.10").codec("aac")]);
    lab
}

/// A text without the digests that end ids, and without the folder of the test.
fn plain(text: &str, lab: &Lab) -> String {
    let text = text.replace(&lab.runs().display().to_string(), "runs");
    let mut parts = text.split('#');
    let begin = parts.next().unwrap().to_owned();
    parts.fold(begin, |text, part| text + "#" + &part[8..])
}

#[test]
fn summary_of_a_small_lab() {
    let lab = lab();
    let text = plain(&summary(&lab.history(), View::default()), &lab);
    insta::assert_snapshot!(text, @r"
    hardware: real devices
    3 runs from 2026-10-21 to 2026-11-28

    last answer       age  proven  runs  streak            trend                 combination
    none                    never     0                                          pairing/codec=aac,source=phone-7.1,speaker=box-1.10#
        since then: skipped, 2 d (nothing hears it)
    fail              2 d    12 d     2  1 x fail          84                    pairing/codec=sbc,source=phone-7.1,speaker=box-1.10#
    pass            40 d!   40 d!     1  1 x pass          9                     pairing/codec=sbc,source=phone-7.1,speaker=box-1.9#

    trend: 0-9 from none to all held
    ! older than 30 d: stale
    3 runs, 3 combinations, 0 changes
    ");
}

#[test]
fn trends_of_a_small_lab() {
    let lab = lab();
    let text = plain(&trends(&lab.history(), View::default()), &lab);
    insta::assert_snapshot!(text, @r"
    pairing/codec=aac,source=phone-7.1,speaker=box-1.10# (hardware: real devices)
      no run has judged it

    pairing/codec=sbc,source=phone-7.1,speaker=box-1.10# (hardware: real devices)

      `pair` succeeds in at least 90 % of trials
      began (UTC)       verdict       held of n  estimate                      run
      2026-11-18 00:00  pass           57 of 60  95 % [85.5, 100]              runs/b
      2026-11-28 00:00  fail           30 of 60  50 % [45, 100]                runs/c

    pairing/codec=sbc,source=phone-7.1,speaker=box-1.9# (hardware: real devices)

      `pair` succeeds in at least 90 % of trials
      began (UTC)       verdict       held of n  estimate                      run
      2026-10-21 00:00  pass           60 of 60  100 % [90, 100]               runs/a
    ");
}

#[test]
fn matrices_of_a_small_lab() {
    let lab = lab();
    let text = plain(&matrices(&lab.history(), View::default()), &lab);
    insta::assert_snapshot!(text, @r"
    hardware: real devices
    3 runs from 2026-10-21 to 2026-11-28

    pairing: The pairing of devices
      source maker/phone 7.1
        -                    maker/box 1.9, codec=aac: never tried, in no plan
        pass          40 d!  maker/box 1.9, codec=sbc: 100 % [90, 100], n 60; last proven 12 days ago on speaker firmware 1.10
        -                    maker/box 1.10, codec=aac: planned, no answer yet; last try: skipped, 2 d (nothing hears it)
        fail            2 d  maker/box 1.10, codec=sbc: 50 % [45, 100], n 60; last proven 12 days ago
      4 points: 1 fresh, 1 stale, 2 without an answer

    ! older than 30 d: stale
    ");
}

#[test]
fn firmware_of_a_small_lab() {
    let lab = lab();
    let text = plain(&firmware(&lab.history(), View::default()), &lab);
    insta::assert_snapshot!(text, @r"
    hardware: real devices

    pairing: speaker maker/box, codec=sbc, source=maker/phone 7.1
      `pair` succeeds in at least 90 % of trials
         1.9          100 % [94, 100] at 95 %, n 60 in 1 run, 2026-10-21 to 2026-10-21
      -> 1.10         72.5 % [63.6, 80.3] at 95 %, n 120 in 2 runs, 2026-11-18 to 2026-11-28; beside the version before: p < 1e-6
    ");
}
