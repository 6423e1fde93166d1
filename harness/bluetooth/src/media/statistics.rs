//! What many packets say together, in constant memory.

use schemars::JsonSchema;
use serde::Serialize;

use super::frames::{Content, look};
use crate::{
    codec::{self, Codec},
    sbc::{self, Frame},
};

/// A gap that a speaker's buffer may not bridge, in ns: speakers hold 100 to 200 ms.
const STALL_NS: i64 = 100_000_000;

/// The codec that the packets look like.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SeenAs {
    /// The codec; none where packets carry no sign of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<Codec>,
    /// In words.
    pub words: String,
    /// Packets that look so.
    pub packets: u64,
    /// Whether it can be what was agreed on; none where nothing was seen to be agreed on, or nothing can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_agreed: Option<bool>,
}

/// Frames of SBC by their headers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct SbcFacts {
    /// The smallest bitpool.
    pub bitpool_min: u8,
    /// The largest bitpool.
    pub bitpool_max: u8,
    /// The fewest frames in a packet.
    pub frames_min: u8,
    /// The most frames in a packet.
    pub frames_max: u8,
    /// Samples of each channel that they hold.
    pub samples: u64,
    /// Packets of another format than the first, the bitpool aside.
    pub other_formats: u64,
    /// Packets of a format, or with a bitpool, that the configuration does not allow.
    pub not_allowed: u64,
}

/// The sequence numbers of RTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Sequence {
    /// Packets with a number.
    pub packets: u64,
    /// Places where numbers are missing.
    pub gaps: u64,
    /// Numbers that are missing.
    pub missing: u64,
    /// Packets that came twice, or after a later one.
    pub disordered: u64,
}

/// Packets of one start of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MediaFacts {
    /// Packets.
    pub packets: u64,
    /// Bytes in them, RTP headers included.
    pub bytes: u64,
    /// The shortest packet in bytes.
    pub shortest: u32,
    /// The longest packet in bytes.
    pub longest: u32,
    /// When the first was complete.
    pub first_ns: i64,
    /// When the last was complete.
    pub last_ns: i64,
    /// Packets a second, from the first to the last; none with fewer than two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets_per_s: Option<f64>,
    /// Bytes a second, from the first to the last without the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_s: Option<f64>,
    /// The longest time between two packets, in ns.
    pub largest_gap_ns: i64,
    /// When that began.
    pub largest_gap_at_ns: i64,
    /// Times of more than 100 ms between two packets.
    pub stalls: u64,
    /// The standard deviation of the time between two packets, in ns; none with fewer than three.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_sd_ns: Option<f64>,
    /// The jitter of RFC 3550, section 6.4.1, in ns, where the clock of the timestamps is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_ns: Option<f64>,
    /// The sequence numbers, where packets have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Sequence>,
    /// What codec they look like.
    pub seen_as: SeenAs,
    /// Frames of SBC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbc: Option<SbcFacts>,
    /// Packets of which the recorder kept only a part.
    pub cut: u64,
}

/// How many packets look like what.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    sbc: u64,
    aac: u64,
    ldac: u64,
    mpeg: u64,
    fast_stream: u64,
    with_rtp: u64,
    without_rtp: u64,
}

/// Takes packet after packet.
#[derive(Debug, Clone)]
pub struct Flow {
    agreed: Option<Codec>,
    /// What frames of SBC may be.
    allowed: Option<sbc::Configuration>,
    /// Timestamps a second, where it is known.
    clock: Option<u32>,
    packets: u64,
    bytes: u64,
    shortest: u32,
    longest: u32,
    last_length: u32,
    first_ns: i64,
    last_ns: i64,
    largest_gap: (i64, i64),
    stalls: u64,
    /// Mean and sum of squares of the intervals.
    mean: f64,
    squares: f64,
    sequence: Sequence,
    next: Option<u16>,
    /// Arrival and timestamp of the packet before.
    before: Option<(i64, u32)>,
    jitter: Option<f64>,
    tally: Tally,
    first_frame: Option<Frame>,
    sbc: Option<SbcFacts>,
    aac: Option<(u32, u8)>,
    cut: u64,
}

impl Flow {
    /// Before the first packet. The media codec type and the codec's octets are those agreed on, where that was seen.
    pub fn new(configuration: Option<(u8, &[u8])>) -> Self {
        let agreed = configuration.map(|(codec_type, octets)| Codec::of(codec_type, octets));
        let rate = configuration.and_then(|(codec_type, octets)| codec::rate(codec_type, octets));
        let allowed = match (agreed, configuration) {
            (Some(Codec::Sbc), Some((_, octets))) => sbc::Configuration::parse(octets).ok(),
            _ => None,
        };
        // The timestamps of AAC and MPEG count 90 kHz with some senders and samples with others.
        let clock = match agreed {
            Some(Codec::Sbc | Codec::Ldac | Codec::AptxHd | Codec::Opus | Codec::Lhdc) => rate.filter(|hz| *hz > 0),
            _ => None,
        };
        Self {
            agreed,
            allowed,
            clock,
            packets: 0,
            bytes: 0,
            shortest: u32::MAX,
            longest: 0,
            last_length: 0,
            first_ns: 0,
            last_ns: 0,
            largest_gap: (0, 0),
            stalls: 0,
            mean: 0.0,
            squares: 0.0,
            sequence: Sequence::default(),
            next: None,
            before: None,
            jitter: None,
            tally: Tally::default(),
            first_frame: None,
            sbc: None,
            aac: None,
            cut: 0,
        }
    }

    /// Takes a packet that was complete at this time; `length` is its length had the recorder cut nothing.
    pub fn push(&mut self, at_ns: i64, packet: &[u8], length: usize) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if self.packets == 0 {
            self.first_ns = at_ns;
        } else {
            self.interval(self.last_ns, at_ns.saturating_sub(self.last_ns));
        }
        self.packets += 1;
        self.bytes += u64::from(length);
        self.shortest = self.shortest.min(length);
        self.longest = self.longest.max(length);
        (self.last_length, self.last_ns) = (length, at_ns);
        if packet.len() < length as usize {
            self.cut += 1;
        }
        let look = look(packet);
        if let Some(rtp) = look.rtp
            && self.agreed.is_none_or(Codec::has_rtp)
        {
            self.number(rtp.sequence);
            self.stamp(at_ns, rtp.timestamp);
        }
        // The header alone tells nothing of a packet that was cut behind it.
        if packet.len() == length as usize {
            self.content(look.content);
        }
    }

    fn interval(&mut self, from_ns: i64, gap: i64) {
        if gap > self.largest_gap.0 {
            self.largest_gap = (gap, from_ns);
        }
        self.stalls += u64::from(gap > STALL_NS);
        // Welford's method.
        let (count, gap) = (self.packets as f64, gap as f64);
        let from_mean = gap - self.mean;
        self.mean += from_mean / count;
        self.squares += from_mean * (gap - self.mean);
    }

    fn number(&mut self, sequence: u16) {
        self.sequence.packets += 1;
        let ahead = self.next.map_or(0, |next| sequence.wrapping_sub(next));
        match ahead {
            0 => {}
            1..0x8000 => {
                self.sequence.gaps += 1;
                self.sequence.missing += u64::from(ahead);
            }
            _ => {
                self.sequence.disordered += 1;
                return;
            }
        }
        self.next = Some(sequence.wrapping_add(1));
    }

    fn stamp(&mut self, at_ns: i64, timestamp: u32) {
        if let (Some((before_ns, before)), Some(clock)) = (self.before, self.clock) {
            let stamped_ns = f64::from(timestamp.wrapping_sub(before) as i32) / f64::from(clock) * 1e9;
            let late = (at_ns.saturating_sub(before_ns) as f64 - stamped_ns).abs();
            let jitter = self.jitter.unwrap_or_default();
            self.jitter = Some(jitter + (late - jitter) / 16.0);
        }
        self.before = Some((at_ns, timestamp));
    }

    fn content(&mut self, content: Content) {
        let tally = &mut self.tally;
        match content {
            Content::Sbc { frame, frames } => {
                tally.sbc += 1;
                let first = *self.first_frame.get_or_insert(frame);
                let facts = self.sbc.get_or_insert(SbcFacts {
                    bitpool_min: frame.bitpool,
                    bitpool_max: frame.bitpool,
                    frames_min: frames,
                    frames_max: frames,
                    samples: 0,
                    other_formats: 0,
                    not_allowed: 0,
                });
                facts.bitpool_min = facts.bitpool_min.min(frame.bitpool);
                facts.bitpool_max = facts.bitpool_max.max(frame.bitpool);
                facts.frames_min = facts.frames_min.min(frames);
                facts.frames_max = facts.frames_max.max(frames);
                facts.samples += u64::from(frames) * u64::from(frame.samples());
                facts.not_allowed += u64::from(self.allowed.is_some_and(|allowed| !allowed.allows(frame)));
                facts.other_formats += u64::from(frame != Frame { bitpool: frame.bitpool, ..first });
            }
            Content::SbcFragment => tally.sbc += 1,
            Content::Aac { rate, channels } => {
                tally.aac += 1;
                self.aac.get_or_insert((rate, channels));
            }
            Content::Ldac { .. } => tally.ldac += 1,
            Content::Mpeg => tally.mpeg += 1,
            Content::FastStream => tally.fast_stream += 1,
            Content::WithRtp => tally.with_rtp += 1,
            Content::WithoutRtp => tally.without_rtp += 1,
        }
    }

    /// What was seen; `None` without a packet.
    pub fn facts(&self) -> Option<MediaFacts> {
        if self.packets == 0 {
            return None;
        }
        let seconds = self.last_ns.saturating_sub(self.first_ns) as f64 / 1e9;
        let rate = |amount: u64| (self.packets > 1 && seconds > 0.0).then(|| amount as f64 / seconds);
        let intervals = self.packets - 1;
        Some(MediaFacts {
            packets: self.packets,
            bytes: self.bytes,
            shortest: self.shortest,
            longest: self.longest,
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            packets_per_s: rate(intervals),
            bytes_per_s: rate(self.bytes - u64::from(self.last_length)),
            largest_gap_ns: self.largest_gap.0,
            largest_gap_at_ns: self.largest_gap.1,
            stalls: self.stalls,
            interval_sd_ns: (intervals > 1).then(|| (self.squares / (intervals - 1) as f64).sqrt()),
            jitter_ns: self.jitter,
            sequence: (self.sequence.packets > 0).then_some(self.sequence),
            seen_as: self.seen_as(),
            sbc: self.sbc,
            cut: self.cut,
        })
    }

    fn seen_as(&self) -> SeenAs {
        let t = self.tally;
        let signs = [
            (t.sbc, Some(Codec::Sbc)),
            (t.aac, Some(Codec::Aac)),
            (t.ldac, Some(Codec::Ldac)),
            (t.mpeg, Some(Codec::Mpeg)),
            (t.fast_stream, Some(Codec::FastStream)),
            (t.with_rtp, None),
            (t.without_rtp, None),
        ];
        let (packets, codec) = signs.into_iter().max_by_key(|(count, _)| *count).unwrap_or_default();
        let without = packets > 0 && codec.is_none() && t.without_rtp == packets;
        let words = match codec {
            _ if packets == 0 => "nothing: the recorder kept no payload".to_owned(),
            Some(Codec::Sbc) => match self.first_frame {
                Some(frame) => format!("SBC {} kHz", f64::from(frame.frequency.hz()) / 1000.0),
                None => "fragments of SBC".to_owned(),
            },
            Some(Codec::Aac) => {
                let (hz, channels) = self.aac.unwrap_or_default();
                format!("AAC {} kHz, {channels} channels", f64::from(hz) / 1000.0)
            }
            Some(codec) => codec.name().to_owned(),
            None if without => "no RTP, as of aptX".to_owned(),
            None => "RTP without a sign of the codec".to_owned(),
        };
        let as_agreed = match (self.agreed, codec) {
            _ if packets == 0 => None,
            (None, _) => None,
            (Some(Codec::Sbc), Some(Codec::Sbc)) => Some(self.sbc.is_none_or(|facts| facts.not_allowed == 0)),
            (Some(agreed), Some(seen)) => Some(agreed == seen),
            // Aac that uses its configuration again carries no sign either.
            (Some(agreed), None) if without => Some(!agreed.has_rtp() && agreed != Codec::FastStream),
            (Some(Codec::Sbc | Codec::Ldac | Codec::Aptx | Codec::AptxLowLatency | Codec::FastStream), None) => {
                Some(false)
            }
            (Some(_), None) => None,
        };
        SeenAs { codec, words, packets, as_agreed }
    }
}
