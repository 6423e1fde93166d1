//! What a sink receives: the packets of a stream become codec frames, each with its place among the samples.
//!
//! Source: RFC 3550 (RTP); A2DP, sections 4.3.4 (SBC) and 4.5.4 (AAC). Packets of L2CAP keep their order, so one that comes late comes twice.

use crate::{
    aac, aptx,
    codec::CodecConfiguration,
    opus,
    packet::RtpHeader,
    sbc::{Frame, SYNCWORD},
};

/// A packet as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// When, in nanoseconds.
    pub at_ns: i64,
    /// All of it.
    pub bytes: &'a [u8],
}

/// Codec frames that came together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// When all of it was there, in nanoseconds.
    pub at_ns: i64,
    /// Its first sample, from the first of the stream; what was lost counts.
    pub position: u64,
    /// Samples of each channel.
    pub samples: u32,
    /// The frames, without any header of a packet.
    pub frames: Vec<u8>,
}

/// What became of packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that came.
    pub packets: u64,
    /// Bytes in them, headers included.
    pub bytes: u64,
    /// Packets that are missing by their numbers. Without RTP nobody can tell.
    pub lost: u64,
    /// Samples of each channel that they held.
    pub lost_samples: u64,
    /// Packets that came twice, or after a later one: left out.
    pub disordered: u64,
    /// Packets of another synchronisation source than most: left out.
    pub foreign: u64,
    /// Packets that are none of this codec: left out.
    pub malformed: u64,
    /// Times that the numbers began anew.
    pub renumbered: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.lost_samples += other.lost_samples;
        self.disordered += other.disordered;
        self.foreign += other.foreign;
        self.malformed += other.malformed;
        self.renumbered += other.renumbered;
    }
}

/// The times between packets, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intervals {
    /// The shortest.
    pub min_ns: i64,
    /// Their mean.
    pub mean_ns: f64,
    /// 99 % are not longer.
    pub p99_ns: i64,
    /// The longest.
    pub max_ns: i64,
}

impl Intervals {
    /// Of so many; none of none.
    pub fn of(mut intervals: Vec<i64>) -> Option<Self> {
        intervals.sort_unstable();
        let (min_ns, max_ns) = (*intervals.first()?, *intervals.last()?);
        let mean_ns = intervals.iter().map(|ns| *ns as f64).sum::<f64>() / intervals.len() as f64;
        let p99_ns = intervals[(intervals.len() * 99).div_ceil(100) - 1];
        Some(Self { min_ns, mean_ns, p99_ns, max_ns })
    }
}

/// Numbers that lie so far back are those of a packet that came late; further back they began anew.
const LATE_AT_MOST: u16 = 64;
/// How much longer than the time between two packets the sound can be that is missing between them: what a source may be ahead.
const AHEAD_NS: f64 = 1e9;

/// What a packet holds.
enum Content {
    Frames {
        frames: Vec<u8>,
        samples: u32,
    },
    /// A fragment; whether it is the first and the last one, where that is told.
    Fragment {
        bytes: Vec<u8>,
        first: Option<bool>,
        last: bool,
    },
}

/// A packet with a number, or without.
struct Numbered {
    at_ns: i64,
    rtp: Option<RtpHeader>,
    /// None of one that is malformed.
    content: Option<Content>,
}

/// Takes the packets of one start of a stream apart, in the order in which they came.
pub fn unpack(configuration: CodecConfiguration, arrivals: &[Arrival<'_>]) -> (Vec<Part>, Counts) {
    let has_rtp = configuration.codec().has_rtp();
    let mut counts = Counts { packets: arrivals.len() as u64, ..Counts::default() };
    counts.bytes = arrivals.iter().map(|arrival| arrival.bytes.len() as u64).sum();
    let mut packets: Vec<Numbered> = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        if !has_rtp {
            packets.push(Numbered { at_ns: arrival.at_ns, rtp: None, content: words(configuration, arrival.bytes) });
            continue;
        }
        let Some((rtp, payload)) = RtpHeader::parse(arrival.bytes) else {
            counts.malformed += 1;
            continue;
        };
        let content = content(configuration, rtp, payload);
        packets.push(Numbered { at_ns: arrival.at_ns, rtp: Some(rtp), content });
    }
    if let Some(ssrc) = most_common(packets.iter().filter_map(|packet| Some(packet.rtp?.ssrc)).collect()) {
        let before = packets.len();
        packets.retain(|packet| packet.rtp.is_none_or(|rtp| rtp.ssrc == ssrc));
        counts.foreign = (before - packets.len()) as u64;
    }
    let parts = in_order(configuration, packets, &mut counts);
    (placed(configuration, parts, &mut counts), counts)
}

fn most_common(mut values: Vec<u32>) -> Option<u32> {
    values.sort_unstable();
    values.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).map(|same| same[0])
}

/// Frames with what is known of what is missing before them.
struct Ordered {
    at_ns: i64,
    timestamp: u32,
    frames: Vec<u8>,
    samples: u32,
    /// Packets that are missing before it, those included that came and are malformed.
    missing: u16,
    renumbered: bool,
}

/// Leaves out what came twice or is malformed, joins fragments, and counts.
fn in_order(configuration: CodecConfiguration, packets: Vec<Numbered>, counts: &mut Counts) -> Vec<Ordered> {
    let mut ordered: Vec<Ordered> = Vec::new();
    let mut next: Option<u16> = None;
    // Since the last frames: numbers that are missing, and whether they began anew.
    let (mut missing, mut renumbered) = (0u16, false);
    let mut fragments: Option<(u32, i64, Vec<u8>)> = None;
    // The timestamp of what lost a fragment: the others of it are nothing without that.
    let mut torn: Option<u32> = None;
    let whole = |frames: &[u8]| samples_of(configuration, frames);
    for Numbered { at_ns, rtp, content } in packets {
        let timestamp = rtp.map_or(0, |rtp| rtp.timestamp);
        if let Some(rtp) = rtp {
            let ahead = next.map_or(0, |next| rtp.sequence.wrapping_sub(next));
            if ahead > u16::MAX - LATE_AT_MOST {
                counts.disordered += 1;
                continue;
            }
            if ahead >= 0x8000 {
                counts.renumbered += 1;
                (missing, renumbered, fragments) = (0, true, None);
            } else if ahead > 0 {
                counts.lost += u64::from(ahead);
                missing = missing.saturating_add(ahead);
                torn = fragments.take().map(|(of, ..)| of);
            }
            next = Some(rtp.sequence.wrapping_add(1));
        }
        let mut put = |at_ns, timestamp, frames: Vec<u8>, samples| {
            let (missing, renumbered) = (std::mem::take(&mut missing), std::mem::take(&mut renumbered));
            ordered.push(Ordered { at_ns, timestamp, frames, samples, missing, renumbered });
        };
        // What is not ended by a mark is ended by the next timestamp.
        if let Some((of, at_ns, bytes)) = fragments.take_if(|(of, ..)| *of != timestamp)
            && let Some(samples) = whole(&bytes)
        {
            put(at_ns, of, bytes, samples);
        }
        match content {
            None => {
                counts.malformed += 1;
                missing = missing.saturating_add(1);
            }
            Some(Content::Frames { frames, samples }) => put(at_ns, timestamp, frames, samples),
            Some(Content::Fragment { .. }) if torn == Some(timestamp) => {}
            Some(Content::Fragment { bytes, first, last }) => {
                let mut joined = match (fragments.take(), first) {
                    (Some((_, _, joined)), None | Some(false)) => joined,
                    // The beginning of it was lost.
                    (None, Some(false)) => continue,
                    _ => Vec::new(),
                };
                joined.extend(bytes);
                if !last {
                    fragments = Some((timestamp, at_ns, joined));
                } else if let Some(samples) = whole(&joined) {
                    put(at_ns, timestamp, joined, samples);
                } else {
                    counts.malformed += 1;
                }
            }
        }
    }
    ordered
}

/// Gives each part its place: what is missing is as long as the timestamps say, or as the packets around it.
fn placed(configuration: CodecConfiguration, parts: Vec<Ordered>, counts: &mut Counts) -> Vec<Part> {
    let rate = f64::from(configuration.rate());
    let usual = most_common(parts.iter().map(|part| part.samples).collect()).unwrap_or_default();
    let scale = scale(&parts);
    let mut placed: Vec<Part> = Vec::with_capacity(parts.len());
    let mut before: Option<(i64, u32, u32)> = None;
    let mut position = 0;
    for Ordered { at_ns, timestamp, frames, samples, missing, renumbered } in parts {
        if let Some((before_ns, stamp, length)) = before
            && missing > 0
            && !renumbered
        {
            let nominal = u64::from(missing) * u64::from(usual);
            let told = scale.map(|scale| f64::from(timestamp.wrapping_sub(stamp)) / scale - f64::from(length));
            let grain = f64::from(grain(configuration, &frames));
            let told = told.map(|told| (told / grain).round() * grain).filter(|told| match configuration {
                // A packet may be a part of an element only.
                CodecConfiguration::Aac(_) => (0.0..=nominal as f64).contains(told),
                _ => (nominal as f64 / 4.0..=nominal as f64 * 4.0).contains(told),
            });
            let lost = told.unwrap_or(nominal as f64);
            if lost / rate * 1e9 > at_ns.saturating_sub(before_ns) as f64 + AHEAD_NS {
                // So much was never sent: the numbers jumped.
                counts.renumbered += 1;
                counts.lost = counts.lost.saturating_sub(u64::from(missing));
            } else {
                counts.lost_samples += lost as u64;
                position += lost as u64;
            }
        }
        before = Some((at_ns, timestamp, samples));
        placed.push(Part { at_ns, position, samples, frames });
        position += u64::from(samples);
    }
    placed
}

/// What a sample adds to the timestamp, by parts that follow each other; senders disagree about the clock of AAC.
fn scale(parts: &[Ordered]) -> Option<f64> {
    let steps = parts.windows(2).filter_map(|pair| {
        let [first, second] = pair else { return None };
        let step = second.timestamp.wrapping_sub(first.timestamp);
        (second.missing == 0 && !second.renumbered && step > 0 && step < 1 << 24)
            .then(|| f64::from(step) / f64::from(first.samples.max(1)))
    });
    let mut steps: Vec<f64> = steps.collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied()
}

/// Samples that come together at least.
fn grain(configuration: CodecConfiguration, frames: &[u8]) -> u32 {
    match configuration {
        CodecConfiguration::Sbc(_) => Frame::parse(frames).map_or(1, Frame::samples),
        CodecConfiguration::Aac(_) => aac::SAMPLES,
        CodecConfiguration::Aptx(_) => aptx::SAMPLES,
        CodecConfiguration::Opus(_) => opus::SAMPLES,
        CodecConfiguration::Ldac(configuration) => configuration.samples(),
    }
}

/// Samples of each channel in whole frames; none where they are not whole.
fn samples_of(configuration: CodecConfiguration, frames: &[u8]) -> Option<u32> {
    match configuration {
        CodecConfiguration::Sbc(_) => {
            let (mut samples, mut rest) = (0, frames);
            while !rest.is_empty() {
                let frame = Frame::parse(rest).ok()?;
                rest = rest.get(frame.length()..)?;
                samples += frame.samples();
            }
            (samples > 0).then_some(samples)
        }
        CodecConfiguration::Aac(_) => (!frames.is_empty()).then_some(aac::SAMPLES),
        CodecConfiguration::Aptx(configuration) => {
            let bytes = configuration.variant.bytes();
            let whole = !frames.is_empty() && frames.len().is_multiple_of(bytes);
            whole.then(|| (frames.len() / bytes) as u32 * aptx::SAMPLES)
        }
        CodecConfiguration::Opus(_) => (!frames.is_empty()).then_some(opus::SAMPLES),
        CodecConfiguration::Ldac(configuration) => {
            let count = configuration.frames(frames).ok()?.len() as u32;
            (count > 0).then(|| count * configuration.samples())
        }
    }
}

/// A packet without RTP.
fn words(configuration: CodecConfiguration, bytes: &[u8]) -> Option<Content> {
    samples_of(configuration, bytes).map(|samples| Content::Frames { frames: bytes.to_vec(), samples })
}

fn content(configuration: CodecConfiguration, rtp: RtpHeader, payload: &[u8]) -> Option<Content> {
    match configuration {
        CodecConfiguration::Sbc(_) => {
            let (head, frames) = payload.split_first()?;
            if head & 0x80 != 0 {
                let (first, last) = (head & 0x40 != 0, head & 0x20 != 0);
                let starts = !first || frames.first() == Some(&SYNCWORD);
                return starts.then(|| Content::Fragment { bytes: frames.to_vec(), first: Some(first), last });
            }
            let samples = samples_of(configuration, frames)?;
            let count = samples / Frame::parse(frames).ok()?.samples();
            (count == u32::from(head & 0x0F)).then(|| Content::Frames { frames: frames.to_vec(), samples })
        }
        CodecConfiguration::Aac(_) => {
            (!payload.is_empty()).then(|| Content::Fragment { bytes: payload.to_vec(), first: None, last: rtp.marker })
        }
        CodecConfiguration::Opus(_) => match payload {
            [1, frame @ ..] => words(configuration, frame),
            _ => None,
        },
        CodecConfiguration::Aptx(_) => words(configuration, payload),
        CodecConfiguration::Ldac(ldac) => {
            let (count, frames) = payload.split_first()?;
            let samples = samples_of(configuration, frames)?;
            (samples == u32::from(*count) * ldac.samples())
                .then(|| Content::Frames { frames: frames.to_vec(), samples })
        }
    }
}
