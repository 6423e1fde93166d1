//! A move to another rig is no change of the device.

use rigtone_history::{
    History, Line,
    page::{Links, html},
    text::{View, firmware, summary, trends},
};
use rigtone_html::Look;

use crate::sample::{Lab, Planted};

fn only(history: &History) -> &Line {
    let [line] = &history.combinations[..] else { panic!("{:?}", history.combinations) };
    line
}

/// Nights of one combination: by their number, on which rig, and in how many of 60 trials it held.
fn nights(count: i64, night: impl Fn(i64) -> (&'static str, u32)) -> History {
    let lab = Lab::new();
    for number in 0..count {
        let (rig, held) = night(number);
        lab.run_on(rig, &format!("night-{number:02}"), count - number, &[Planted::new(held, 60)]);
    }
    lab.history()
}

#[test]
fn a_move_to_another_rig_is_told_and_is_no_change() {
    let history = nights(24, |night| if night < 12 { ("lab-a", 60) } else { ("lab-b", 48) });
    assert!(only(&history).series[0].changes.is_empty(), "{:?}", only(&history).series[0].changes);
    assert_eq!(only(&history).series[0].points.len(), 24);
    assert_eq!((&*history.runs[11].rig, &*history.runs[12].rig), ("lab-a", "lab-b"));
    let text = summary(&history, View::default());
    assert!(text.contains("99999999:777777777777 "), "{text}");
    let words = "rig lab-a, from 2026-11-18 on lab-b: changes are looked for on each alone";
    assert!(text.contains(&format!("\n    {words}\n")), "{text}");
    let text = trends(&history, View::default());
    assert!(text.contains(&format!("\n  {words}\n")), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| *line == "  -- rig lab-b from here on").unwrap();
    assert!(lines[at - 1].ends_with("night-11 on lab-a") && lines[at + 1].ends_with("night-12 on lab-b"), "{text}");
    let page = html(&history, &Links::default(), &Look::default());
    assert_eq!((page.matches("<path class=\"move\"").count(), page.matches("<path class=\"change\"").count()), (1, 0));
    for said in [">rig lab-b</text>", "no change; rig lab-a, from 2026-11-18 on lab-b", ", rig lab-a</title>"] {
        assert!(page.contains(said), "`{said}` is not said");
    }
}

#[test]
fn a_change_on_a_rig_is_marked_whatever_another_one_sees_later() {
    let history = nights(30, |night| match night {
        0..10 => ("lab-a", 59),
        10..20 => ("lab-a", 48),
        _ => ("lab-b", 59),
    });
    let [change] = &only(&history).series[0].changes[..] else { panic!("{:?}", only(&history).series[0].changes) };
    assert_eq!((&*history.runs[change.run].id, change.point), ("night-10", 10));
    assert_eq!((change.before.n, change.after.held, change.after.n), (600, 480, 600), "of its own rig alone");
    let text = summary(&history, View::default());
    assert!(text.contains("change: held in 98.3 % -> 80 % on lab-a from 2026-11-10 on"), "{text}");
}

#[test]
fn rigs_that_take_turns_each_show_the_change_or_not() {
    let both = nights(40, |night| (["lab-a", "lab-b"][night as usize % 2], if night < 20 { 59 } else { 48 }));
    let told: Vec<_> = only(&both).series[0].changes.iter().map(|change| (change.point, change.before.n)).collect();
    assert_eq!(told, [(20, 600), (21, 600)]);
    let text = trends(&both, View::default());
    assert!(text.contains("  rigs lab-a, lab-b in turn: changes are looked for on each alone\n"), "{text}");
    assert!(!text.contains("from here on"), "{text}");
    // The room of one of them has become louder: the device is as it was on the other.
    let one =
        nights(40, |night| if night % 2 == 0 { ("lab-a", 59) } else { ("lab-b", if night < 20 { 59 } else { 48 }) });
    let told: Vec<_> = only(&one).series[0].changes.iter().map(|change| change.point).collect();
    assert_eq!(told, [21]);
}

#[test]
fn firmware_that_was_tried_on_different_rigs_says_so() {
    let lab = Lab::new();
    lab.run_on("lab-a", "old", 2, &[Planted::new(60, 60).speaker("box-1.9")]);
    lab.run_on("lab-b", "new", 1, &[Planted::new(48, 60).speaker("box-1.10")]);
    let history = lab.history();
    let rigs: Vec<_> = history.firmware[0].versions.iter().map(|version| &version.rigs[..]).collect();
    assert_eq!(rigs, [["lab-a"], ["lab-b"]]);
    let text = firmware(&history, View::default());
    assert!(text.contains(" on lab-a\n") && text.contains(" on lab-b; beside the version before: p = "), "{text}");
}
