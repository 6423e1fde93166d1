//! When frames were captured, from what the callbacks said.
//!
//! Each callback tells at which moment its first frame was captured. Single ones may be late or cut to the grain of a
//! timer, so the line through them is fitted by the medians of slopes and offsets (Theil and Sen), which up to 29 % of
//! wild points cannot move.

use rigtone_model::event::Anchor;

/// What a callback said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The frame, from the beginning of the recording.
    pub frame: i64,
    /// When it was captured, in nanoseconds on the rig's clock.
    pub t_ns: i64,
}

/// The line through the marks.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// The first frame and the end of the last.
    pub anchors: Vec<Anchor>,
    /// 95 % of the marks lie as near to the line, in nanoseconds.
    pub residual_ns: i64,
    /// Frames a second as measured by the rig's clock; the nominal rate when there are too few marks to tell.
    pub rate: f64,
}

/// As many marks as the fit looks at: its work grows with the square.
const MARKS_AT_MOST: usize = 256;

/// Marks that span less than this tell nothing about the rate of a sound card.
const SPAN_AT_LEAST_S: f64 = 0.25;

/// Fits the line for a recording of `frames` frames at a nominal `rate`; `None` without a mark.
pub fn fit(marks: &[Mark], frames: u64, rate: u32) -> Option<Timeline> {
    through(marks, frames, slope(marks, rate, SPAN_AT_LEAST_S))
}

fn some(marks: &[Mark]) -> Vec<Mark> {
    let step = marks.len().div_ceil(MARKS_AT_MOST).max(1);
    marks.iter().step_by(step).copied().collect()
}

/// Nanoseconds from one frame to the next: what the marks say, or the nominal `rate` when they span less than `span_s` seconds.
pub fn slope(marks: &[Mark], rate: u32, span_s: f64) -> f64 {
    let nominal = 1e9 / f64::from(rate);
    let (Some(first), Some(last)) = (marks.first(), marks.last()) else { return nominal };
    if (last.frame - first.frame) as f64 / f64::from(rate) < span_s {
        return nominal;
    }
    let some = some(marks);
    let slopes = some.iter().enumerate().flat_map(|(i, a)| {
        let later = some[i + 1..].iter().filter(move |b| b.frame > a.frame);
        later.map(move |b| (b.t_ns - a.t_ns) as f64 / (b.frame - a.frame) as f64)
    });
    median(slopes.collect()).unwrap_or(nominal)
}

/// The line of that slope, in nanoseconds a frame, through the marks; `None` without a mark.
pub fn through(marks: &[Mark], frames: u64, slope: f64) -> Option<Timeline> {
    let some = some(marks);
    let first = *marks.first()?;
    // Relative to the first mark, so that no digits are lost.
    let expected = |mark: &Mark| (mark.frame - first.frame) as f64 * slope;
    let offset = median(some.iter().map(|m| (m.t_ns - first.t_ns) as f64 - expected(m)).collect())?;
    let mut distances: Vec<f64> =
        some.iter().map(|m| ((m.t_ns - first.t_ns) as f64 - expected(m) - offset).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let residual = distances[(distances.len() * 95 / 100).min(distances.len() - 1)];
    let at = |frame: f64| Anchor {
        frame,
        t_ns: first.t_ns + (offset + (frame - first.frame as f64) * slope).round() as i64,
    };
    Some(Timeline { anchors: vec![at(0.0), at(frames as f64)], residual_ns: residual.ceil() as i64, rate: 1e9 / slope })
}

pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// How far a healthy sound card's rate may be from what it says: 1000 ppm, ten times what crystals do.
const RATE_TOLERANCE: f64 = 1e-3;
/// How much a frame count and the clock may disagree beyond that, in seconds: callbacks are late on a busy host.
const SLACK_S: f64 = 0.03;

/// Frames that must be missing, or too many, judged by the clock alone; `None` when count and clock agree. A device can
/// lose a buffer without telling.
pub fn discrepancy(marks: &[Mark], rate: u32) -> Option<i64> {
    let (first, last) = (marks.first()?, marks.last()?);
    let seconds = (last.t_ns - first.t_ns) as f64 / 1e9;
    let missing = seconds * f64::from(rate) - (last.frame - first.frame) as f64;
    let tolerated = (SLACK_S + seconds.abs() * RATE_TOLERANCE) * f64::from(rate);
    (missing.abs() > tolerated).then_some(missing.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Marks every 4800 frames on a card of true rate `hz` whose frame 0 was captured at 7 s.
    fn marks(count: i64, hz: f64) -> Vec<Mark> {
        let at = |frame: i64| 7_000_000_000 + (frame as f64 / hz * 1e9).round() as i64;
        (0..count).map(|n| Mark { frame: n * 4800, t_ns: at(n * 4800) }).collect()
    }

    #[test]
    fn a_perfect_card_is_found_to_the_nanosecond() {
        let line = fit(&marks(30, 48_000.0), 30 * 4800, 48_000).expect("marks");
        assert_eq!(line.anchors[0], Anchor { frame: 0.0, t_ns: 7_000_000_000 });
        assert_eq!(line.anchors[1], Anchor { frame: 144_000.0, t_ns: 10_000_000_000 });
        assert!(line.residual_ns <= 1 && (line.rate - 48_000.0).abs() < 1e-3, "{line:?}");
    }

    #[test]
    fn the_rate_of_the_card_is_measured() {
        let line = fit(&marks(50, 48_004.8), 50 * 4800, 48_000).expect("marks");
        assert!((line.rate / 48_000.0 - 1.0 - 1e-4).abs() < 1e-7, "100 ppm, not {}", line.rate);
    }

    proptest! {
        #[test]
        fn late_callbacks_do_not_move_the_line(late in prop::collection::vec((0usize..40, 0i64..80_000_000), 0..8)) {
            let mut marks = marks(40, 48_000.0);
            for (which, by) in late { marks[which].t_ns += by; }
            let line = fit(&marks, 40 * 4800, 48_000).expect("marks");
            prop_assert!((line.anchors[0].t_ns - 7_000_000_000).abs() < 1000, "{line:?}");
            prop_assert!((line.anchors[1].t_ns - 11_000_000_000).abs() < 1000, "{line:?}");
        }

        #[test]
        fn jitter_shows_in_the_residual(seeds in prop::collection::vec(-500_000i64..500_000, 60)) {
            let mut marks = marks(60, 48_000.0);
            for (mark, by) in marks.iter_mut().zip(&seeds) { mark.t_ns += by; }
            let line = fit(&marks, 60 * 4800, 48_000).expect("marks");
            prop_assert!(line.residual_ns <= 1_000_000 && (line.anchors[0].t_ns - 7_000_000_000).abs() < 500_000);
        }
    }

    #[test]
    fn a_short_recording_trusts_the_nominal_rate() {
        let line = fit(&marks(2, 40_000.0), 9600, 48_000).expect("marks");
        assert!((line.rate - 48_000.0).abs() < 1e-6);
        assert_eq!(fit(&[], 0, 48_000), None);
    }

    #[rstest]
    #[case(48_000.0, 0, None)]
    #[case(48_004.8, 0, None)]
    // One period lost in the middle.
    #[case(48_000.0, 100_000_000, Some(4800))]
    // The card runs at 44.1 kHz and says 48: 39 x 4800 x (48 / 44.1 - 1).
    #[case(44_100.0, 0, Some(16_555))]
    fn frames_are_counted_against_the_clock(#[case] hz: f64, #[case] gap_ns: i64, #[case] missing: Option<i64>) {
        let mut marks = marks(40, hz);
        for mark in &mut marks[20..] {
            mark.t_ns += gap_ns;
        }
        assert_eq!(discrepancy(&marks, 48_000), missing);
    }

    #[test]
    fn frames_that_come_faster_than_sound_are_noticed() {
        let marks: Vec<_> = (0..20).map(|n| Mark { frame: n * 4800, t_ns: n }).collect();
        assert_eq!(discrepancy(&marks, 48_000), Some(-19 * 4800));
    }
}
