//! What was heard in a trial: drawn and played where its recording is whole, named where it is not.

use rstest::rstest;

use crate::world::{Run, codes, id, tone};

const FILE: &str = "evidence/heard/0001/play.wav";

/// A run of one trial with a recording of a second, heard or not.
fn recorded(heard: bool) -> Run {
    let mut run = Run::new(&["good"]);
    run.recorded(&id("good"), 1, FILE, &tone(), heard);
    run.end();
    run.verdicts(&[(&id("good"), "inconclusive", 1)]);
    run
}

#[rstest]
#[case::of_a_failed_trial(false, 1)]
// A clip is for who wants to hear what went wrong.
#[case::of_one_that_went_well(true, 0)]
fn a_recording_is_drawn_on_the_axis_of_its_trial(#[case] heard: bool, #[case] clips: usize) {
    let page = recorded(heard).page();
    assert_eq!(codes(&page), [""; 0]);
    for (part, count) in [
        ("class=\"wave\"", 1),
        ("href=\"data:image/png;base64,", 1),
        ("<audio", clips),
        ("src=\"data:audio/wav;base64,UklGR", clips),
        ("recording from 0.25 s to 1.25 s, waveform and spectrogram; peak -6.0 dBFS", 1),
        ("; as recorded", 1),
    ] {
        assert_eq!(page.html.matches(part).count(), count, "{part}");
    }
}

fn cut_short(run: &Run) {
    let whole = tone();
    run.write(FILE, &whole[..whole.len() / 2]);
}

fn changed(run: &Run) {
    let mut whole = tone();
    whole.reverse();
    run.write(FILE, whole);
}

fn gone(run: &Run) {
    std::fs::remove_file(run.path().join(FILE)).expect("a recording");
}

#[rstest]
#[case::cut_short(cut_short, &["evidence"], "; it was changed: its SHA-256 begins with ")]
#[case::changed(changed, &[], "; it was changed: its SHA-256 begins with ")]
#[case::gone(gone, &["evidence"], "; it is missing")]
fn a_recording_that_is_not_whole_is_named_and_not_drawn(
    #[case] harm: fn(&Run),
    #[case] shortcomings: &[&str],
    #[case] said: &str,
) {
    let run = recorded(false);
    harm(&run);
    let page = run.page();
    assert_eq!(codes(&page), shortcomings);
    assert!(page.html.contains(said) && page.html.contains("class=\"trial v-fail\""));
    for part in ["class=\"wave\"", "data:image/png", "<audio", "; as recorded"] {
        assert!(!page.html.contains(part), "{part}");
    }
}
