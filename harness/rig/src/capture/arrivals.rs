//! Where sound that came in packets lies in a recording.
//!
//! A packet tells when it came, and its place in the stream which samples it holds. Links deliver late and then catch up, sources send in
//! bursts: that moves nothing. A source that pauses and never catches up has left a gap, and so has one that starts anew.

use rigtone_model::event::Anchor;

use super::timeline::{Mark, median, slope, through};

/// When a part of a stream came, and where in its stream it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Came {
    /// When, in nanoseconds on the rig's clock.
    pub at_ns: i64,
    /// Its first sample, from the beginning of the stream.
    pub position: u64,
    /// Samples of each channel.
    pub samples: u32,
}

/// A recording of what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The frame of the recording at which each part begins, stream by stream; below 0 what lies before it.
    pub starts: Vec<Vec<i64>>,
    /// Frames of the recording.
    pub frames: u64,
    /// The beginning and the end of the recording on the rig's clock.
    pub anchors: Vec<Anchor>,
    /// 95 % of the parts came as near to the line, in nanoseconds.
    pub residual_ns: i64,
    /// Places where a source paused within a stream.
    pub pauses: u32,
}

/// A source that is so late and does not catch up has paused: less is the jitter of a busy link.
const PAUSE_NS: f64 = 40e6;
/// The time that it has for catching up.
const PATIENCE_NS: i64 = 500_000_000;
/// How far two crystals are apart at most.
const CRYSTALS: f64 = 300e-6;
/// Streams that last less tell nothing about the clock of their source: packets are not as steady as frames of a sound card.
const SPAN_AT_LEAST_S: f64 = 5.0;
/// A clock further off than this is none: the packets only came so.
const RATE_TOLERANCE: f64 = 1e-3;

/// Lays the parts of streams out in the recording from `from_ns` to `to_ns`, at a nominal `rate`. Each stream is in the order of its
/// samples.
pub fn lay_out(streams: &[Vec<Came>], from_ns: i64, to_ns: i64, rate: u32) -> Layout {
    let nominal = 1e9 / f64::from(rate);
    let to_ns = to_ns.max(from_ns);
    let pieces: Vec<Vec<&[Came]>> = streams.iter().map(|stream| without_pauses(stream, nominal)).collect();
    let longest = pieces.iter().flatten().max_by_key(|piece| span(piece));
    let measured = longest.map_or(nominal, |piece| slope(&marks(piece), rate, SPAN_AT_LEAST_S));
    let slope = if (measured / nominal - 1.0).abs() <= RATE_TOLERANCE { measured } else { nominal };
    let (mut starts, mut all, mut end) = (Vec::with_capacity(streams.len()), Vec::new(), i64::MIN);
    for pieces in &pieces {
        let mut of_stream = Vec::new();
        for piece in pieces {
            let Some(first) = piece.first() else { continue };
            let into = |came: &Came| (came.position - first.position) as i64;
            // When the first sample came, as the whole piece tells it.
            let late = piece.iter().map(|came| (came.at_ns - from_ns) as f64 - into(came) as f64 * slope);
            let start = median(late.collect()).unwrap_or_default();
            // What is there cannot be there twice.
            let start = ((start / slope).round() as i64).max(end);
            for came in *piece {
                let frame = start + into(came);
                all.push(Mark { frame, t_ns: came.at_ns });
                end = frame + i64::from(came.samples);
                of_stream.push(frame);
            }
        }
        starts.push(of_stream);
    }
    let frames = ((to_ns - from_ns) as f64 / slope).round() as u64;
    let line = through(&all, frames, slope);
    let (anchors, residual_ns) = line.map_or_else(
        || (vec![Anchor { frame: 0.0, t_ns: from_ns }, Anchor { frame: frames as f64, t_ns: to_ns }], slope as i64),
        |line| (line.anchors, line.residual_ns.max(slope as i64)),
    );
    let pauses = pieces.iter().map(|pieces| pieces.len().saturating_sub(1) as u32).sum();
    Layout { starts, frames, anchors, residual_ns, pauses }
}

fn span(piece: &[Came]) -> u64 {
    piece.first().zip(piece.last()).map_or(0, |(first, last)| last.position - first.position)
}

fn marks(piece: &[Came]) -> Vec<Mark> {
    piece.iter().map(|came| Mark { frame: came.position as i64, t_ns: came.at_ns }).collect()
}

/// Cuts a stream where its source paused.
fn without_pauses(stream: &[Came], nominal: f64) -> Vec<&[Came]> {
    let Some(first) = stream.first() else { return Vec::new() };
    let late = |came: &Came| (came.at_ns - first.at_ns) as f64 - (came.position - first.position) as f64 * nominal;
    let all: Vec<f64> = stream.iter().map(late).collect();
    let (mut pieces, mut begin) = (Vec::new(), 0);
    // The least late of the piece so far, and when it came.
    let mut least = (f64::INFINITY, first.at_ns);
    // The least late of those that come while one is waited for: indices of a falling queue.
    let (mut ahead, mut seen) = (std::collections::VecDeque::<usize>::new(), 0);
    for (n, came) in stream.iter().enumerate() {
        while seen < stream.len() && (seen <= n || stream[seen].at_ns <= came.at_ns.saturating_add(PATIENCE_NS)) {
            while ahead.back().is_some_and(|last| all[*last] >= all[seen]) {
                ahead.pop_back();
            }
            ahead.push_back(seen);
            seen += 1;
        }
        while ahead.front().is_some_and(|first| *first < n) {
            ahead.pop_front();
        }
        let caught_up = ahead.front().map_or(all[n], |best| all[*best]);
        let drift = (came.at_ns - least.1) as f64 * CRYSTALS;
        if caught_up > least.0 + drift + PAUSE_NS {
            pieces.push(&stream[begin..n]);
            (begin, least) = (n, (f64::INFINITY, came.at_ns));
        }
        if all[n] < least.0 {
            least = (all[n], came.at_ns);
        }
    }
    pieces.push(&stream[begin..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const RATE: u32 = 48_000;
    /// 15 frames of SBC.
    const SAMPLES: u32 = 1920;
    const BEGIN: i64 = 9_000_000_000;

    /// Packets of a source whose clock runs at `hz`, the first at `at_ns`.
    fn stream(count: u64, at_ns: i64, hz: f64) -> Vec<Came> {
        let came = |n: u64| {
            let position = n * u64::from(SAMPLES);
            Came { at_ns: at_ns + (position as f64 / hz * 1e9).round() as i64, position, samples: SAMPLES }
        };
        (0..count).map(came).collect()
    }

    /// The frame that the recording has for a time.
    fn frame_at(layout: &Layout, t_ns: i64) -> f64 {
        let [first, last] = &layout.anchors[..] else { panic!("two anchors") };
        let share = (t_ns - first.t_ns) as f64 / (last.t_ns - first.t_ns) as f64;
        first.frame + share * (last.frame - first.frame)
    }

    #[test]
    fn without_a_packet_the_recording_is_silent_and_knows_its_times() {
        let layout = lay_out(&[], BEGIN, BEGIN + 300_000_000, RATE);
        assert_eq!(layout.frames, 14_400);
        let anchors = [Anchor { frame: 0.0, t_ns: BEGIN }, Anchor { frame: 14_400.0, t_ns: BEGIN + 300_000_000 }];
        assert_eq!((&layout.anchors[..], layout.pauses), (&anchors[..], 0));
    }

    #[test]
    fn what_comes_steadily_lies_where_it_came() {
        let streams = [stream(50, BEGIN + 250_000_000, 48_000.0)];
        let layout = lay_out(&streams, BEGIN, BEGIN + 3_000_000_000, RATE);
        let expected: Vec<i64> = (0..50).map(|n| 12_000 + n * 1920).collect();
        assert_eq!((&layout.starts[0], layout.frames, layout.pauses), (&expected, 144_000, 0));
        assert!((frame_at(&layout, BEGIN + 250_000_000) - 12_000.0).abs() < 0.01);
    }

    #[test]
    fn the_clock_of_a_source_is_measured_when_it_is_heard_long_enough() {
        // 80 ppm over a minute are 4.8 ms.
        let streams = [stream(1500, BEGIN + 100_000_000, 48_000.0 * (1.0 + 80e-6))];
        let layout = lay_out(&streams, BEGIN, BEGIN + 61_000_000_000, RATE);
        let last = streams[0].last().expect("packets");
        let found = frame_at(&layout, last.at_ns) - *layout.starts[0].last().expect("frames") as f64;
        assert!(found.abs() < 1.0, "{found} frames off");
        assert!(layout.residual_ns < 30_000 && layout.pauses == 0, "{layout:?}");
    }

    #[rstest]
    #[case::caught_up(0, 0)]
    #[case::resumed_late(10_560, 1)]
    fn a_pause_is_a_gap_unless_it_is_caught_up(#[case] gap: i64, #[case] pauses: u32) {
        // From packet 30 on nothing came for 220 ms; then everything at once, or in its own time.
        let mut packets = stream(100, BEGIN, 48_000.0);
        let resumed = packets[30].at_ns + 220_000_000;
        for came in &mut packets[30..] {
            came.at_ns = if gap > 0 { came.at_ns + 220_000_000 } else { came.at_ns.max(resumed) };
        }
        let layout = lay_out(&[packets], BEGIN, BEGIN + 5_000_000_000, RATE);
        let starts = &layout.starts[0];
        assert_eq!((starts[29], starts[30], layout.pauses), (29 * 1920, 30 * 1920 + gap, pauses));
        assert_eq!(starts[99] - starts[30], 69 * 1920);
    }

    #[test]
    fn pauses_that_are_short_each_add_up_to_gaps() {
        let mut packets = stream(400, BEGIN, 48_000.0);
        for (n, came) in packets.iter_mut().enumerate() {
            came.at_ns += n as i64 / 20 * 15_000_000;
        }
        let layout = lay_out(&[packets.clone()], BEGIN, BEGIN + 17_000_000_000, RATE);
        let off =
            packets.iter().zip(&layout.starts[0]).map(|(came, start)| (came.at_ns - BEGIN) / 1000 - start * 1000 / 48);
        let worst = off.map(i64::abs).max().expect("packets");
        assert!(worst < 60_000, "{worst} us");
        assert!(layout.pauses >= 4, "{}", layout.pauses);
    }

    #[test]
    fn a_stream_that_starts_anew_lies_after_the_one_before() {
        let streams = [stream(25, BEGIN + 100_000_000, 48_000.0), stream(25, BEGIN + 1_500_000_000, 48_000.0)];
        let layout = lay_out(&streams, BEGIN, BEGIN + 3_000_000_000, RATE);
        assert_eq!((layout.starts[0][0], layout.starts[1][0], layout.pauses), (4800, 72_000, 0));
    }

    proptest! {
        #[test]
        fn jitter_moves_nothing(jitter in prop::collection::vec(0i64..30_000_000, 60)) {
            let mut packets = stream(60, BEGIN + 250_000_000, 48_000.0);
            let mut before = 0;
            for (came, by) in packets.iter_mut().zip(&jitter) {
                // A link keeps the order.
                came.at_ns = (came.at_ns + by).max(before);
                before = came.at_ns;
            }
            let layout = lay_out(&[packets], BEGIN, BEGIN + 4_000_000_000, RATE);
            let starts = &layout.starts[0];
            prop_assert_eq!(layout.pauses, 0);
            prop_assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 1920));
            // By half of the jitter, give or take.
            prop_assert!((12_000..12_000 + 30 * 48).contains(&starts[0]), "{}", starts[0]);
            prop_assert!(layout.residual_ns <= 31_000_000);
        }

        #[test]
        fn frames_never_overlap_whatever_comes(
            steps in prop::collection::vec((0i64..2_000_000_000, 0u64..100_000, 1u32..5000), 0..60), cut in 0usize..60,
        ) {
            let (mut at_ns, mut position) = (BEGIN - 500_000_000, 0);
            let mut packets = Vec::new();
            for (later, lost, samples) in steps {
                (at_ns, position) = (at_ns + later, position + lost);
                packets.push(Came { at_ns, position, samples });
                position += u64::from(samples);
            }
            let second = packets.split_off(cut.min(packets.len()));
            let lengths: Vec<u32> = packets.iter().chain(&second).map(|came| came.samples).collect();
            let layout = lay_out(&[packets, second], BEGIN, BEGIN + 2_000_000_000, RATE);
            let starts: Vec<i64> = layout.starts.concat();
            prop_assert_eq!(starts.len(), lengths.len());
            for (pair, samples) in starts.windows(2).zip(&lengths) {
                prop_assert!(pair[1] - pair[0] >= i64::from(*samples));
            }
            prop_assert!((95_000..97_000).contains(&layout.frames));
        }
    }
}
