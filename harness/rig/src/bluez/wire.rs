//! A microphone that hears what a sink receives, before it becomes sound.

use std::{rc::Rc, sync::Arc};

use async_trait::async_trait;
use rigtone_bluetooth::{
    codec::{CodecConfiguration, words},
    received::{Arrival, Counts, Intervals, Part, unpack},
};

use super::{
    decode::{Decoded, decode},
    dongle::{Dongle, Live},
    tape::{Recorded, Start, Tape},
};
use crate::{
    capability::{Arrived, Captured, InfrastructureFault, Microphone, Received, Recording},
    capture::arrivals::{Came, Layout, lay_out},
    clock::Instant,
};

/// What a recording is without any stream.
const SILENT_HZ: u32 = 48_000;
const SILENT_CHANNELS: u16 = 2;

/// What the sink on a dongle receives, as a microphone.
pub struct WireMicrophone {
    member: Rc<str>,
    dongle: Rc<Dongle>,
    channel: u16,
    uncertainty_ns: i64,
}

impl WireMicrophone {
    /// The microphone `name`, which is a channel, from 1, of what that dongle receives; the time of a packet is known so well.
    pub fn new(name: &str, dongle: Rc<Dongle>, channel: u16, uncertainty_ns: i64) -> Self {
        Self { member: format!("microphone {name}").into(), dongle, channel, uncertainty_ns }
    }
}

#[async_trait(?Send)]
impl Microphone for WireMicrophone {
    async fn start(&self, deadline: Instant) -> Result<Box<dyn Recording>, InfrastructureFault> {
        let live = self.dongle.live(deadline).await?;
        let tape = live.media.receive().clone();
        let from_ns = tape.record().ok_or_else(|| {
            InfrastructureFault::new(&*self.member, "what it hears is recorded already")
                .hint("let one microphone listen to a sink at a time")
        })?;
        let (member, dongle, channel) = (self.member.clone(), self.dongle.clone(), self.channel);
        Ok(Box::new(WireRecording { member, dongle, live, tape: Running(tape), from_ns, channel }))
    }

    fn latency_uncertainty_ns(&self) -> i64 {
        self.uncertainty_ns
    }
}

/// Dropping it ends the recording.
struct Running(Arc<Tape>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

struct WireRecording {
    member: Rc<str>,
    dongle: Rc<Dongle>,
    live: Rc<Live>,
    tape: Running,
    from_ns: i64,
    channel: u16,
}

#[async_trait(?Send)]
impl Recording for WireRecording {
    async fn stop(self: Box<Self>, deadline: Instant) -> Result<Captured, InfrastructureFault> {
        let (recorded, to_ns) = self.tape.0.stop();
        let fault = |what: String| InfrastructureFault::new(&*self.member, what);
        // A sink that came back is another one: what it missed is not known.
        let live = self.dongle.unless_lost(&self.live, self.dongle.live(deadline)).await?;
        if !Rc::ptr_eq(&self.live, &live) {
            let what = "its dongle was opened anew while it was recorded".to_owned();
            return Err(fault(what).hint("see the system log of that time"));
        }
        let Recorded { starts, too_many, broken } = recorded;
        if let Some((what, hint)) = broken {
            return Err(self.dongle.fault(what).hint(hint));
        }
        if too_many > 0 {
            return Err(fault(format!("{too_many} packets found no room")).hint("record for a shorter time"));
        }
        let window = (self.from_ns, to_ns);
        let heard =
            Heard::of(&starts).map_err(|what| fault(what).hint("listen for each stream with a step of its own"))?;
        let (decoded, layout, rate) = match heard.configuration {
            None => (Decoded::none(heard.not_decoded.clone()), heard.lay_out(window, SILENT_HZ), SILENT_HZ),
            Some(configuration) => {
                let layout = heard.lay_out(window, configuration.rate());
                let parts = heard.streams.concat();
                (decode(configuration, parts, self.dongle.clock()).await?, layout, configuration.rate())
            }
        };
        let samples = painted(&decoded, &layout);
        let received = Received {
            packets: heard.packets,
            intervals: heard.intervals,
            counts: heard.counts,
            pauses: layout.pauses,
            damaged: decoded.damaged,
            not_decoded: decoded.failed,
        };
        Ok(Captured {
            rate,
            channels: decoded.channels,
            channel: (self.channel - 1).min(decoded.channels - 1),
            reference: None,
            samples: samples.into(),
            anchors: layout.anchors,
            residual_ns: layout.residual_ns,
            received: Some(Box::new(received)),
        })
    }
}

impl Decoded {
    fn none(failed: Option<String>) -> Self {
        Self { channels: SILENT_CHANNELS, parts: Vec::new(), damaged: 0, failed }
    }
}

/// What packets say before they are decoded.
struct Heard {
    /// What all of them are; none when nothing came, or nobody knows what.
    configuration: Option<CodecConfiguration>,
    not_decoded: Option<String>,
    streams: Vec<Vec<Part>>,
    packets: Vec<Arrived>,
    intervals: Option<Intervals>,
    counts: Counts,
}

impl Heard {
    /// Takes the packets of all starts apart; a sentence when they are not of one stream.
    fn of(starts: &[Start]) -> Result<Self, String> {
        let packets = starts.iter().flat_map(|start| &start.packets);
        let packets =
            packets.map(|(at_ns, bytes)| Arrived { at: Instant(*at_ns), bytes: bytes.len() as u32 }).collect();
        let times = starts.iter().flat_map(|start| start.packets.windows(2).map(|pair| pair[1].0 - pair[0].0));
        let mut heard = Self {
            configuration: None,
            not_decoded: None,
            streams: Vec::new(),
            packets,
            intervals: Intervals::of(times.collect()),
            counts: Counts::default(),
        };
        for start in starts {
            let configuration = match &start.configuration {
                Ok(configuration) => *configuration,
                Err(why) => {
                    heard.not_decoded = Some(format!("what was agreed on is not known: {why}"));
                    heard.counts.packets += start.packets.len() as u64;
                    heard.counts.bytes += start.packets.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
                    continue;
                }
            };
            let before = *heard.configuration.get_or_insert(configuration);
            if before != configuration {
                let words = |of: CodecConfiguration| words(of.codec_type(), &of.octets());
                let (before, after) = (words(before), words(configuration));
                return Err(format!("the source changed from {before} to {after} while it was recorded"));
            }
            let arrivals: Vec<Arrival<'_>> =
                start.packets.iter().map(|(at_ns, bytes)| Arrival { at_ns: *at_ns, bytes }).collect();
            let (parts, counts) = unpack(configuration, &arrivals);
            heard.counts += counts;
            heard.streams.push(parts);
        }
        Ok(heard)
    }

    fn lay_out(&self, (from_ns, to_ns): (i64, i64), rate: u32) -> Layout {
        let came = |part: &Part| Came { at_ns: part.at_ns, position: part.position, samples: part.samples };
        let streams: Vec<Vec<Came>> = self.streams.iter().map(|parts| parts.iter().map(came).collect()).collect();
        lay_out(&streams, from_ns, to_ns, rate)
    }
}

/// Each part at its place, silence everywhere else.
fn painted(decoded: &Decoded, layout: &Layout) -> Vec<i16> {
    let channels = usize::from(decoded.channels);
    let mut samples = vec![0; layout.frames as usize * channels];
    for (start, part) in layout.starts.iter().flatten().zip(&decoded.parts) {
        let before = usize::try_from(-start).unwrap_or(0) * channels;
        let at = usize::try_from(*start).unwrap_or(0) * channels;
        let part = part.get(before..).unwrap_or_default();
        let room = samples.get_mut(at..).unwrap_or_default();
        let length = part.len().min(room.len());
        room[..length].copy_from_slice(&part[..length]);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_model::event::Anchor;
    use rstest::rstest;

    fn layout(starts: &[i64], frames: u64) -> Layout {
        let anchors = vec![Anchor { frame: 0.0, t_ns: 0 }];
        Layout { starts: vec![starts.to_vec()], frames, anchors, residual_ns: 0, pauses: 0 }
    }

    #[rstest]
    #[case::within(&[2], 6, &[0, 0, 1, 2, 3, 0])]
    #[case::begins_before(&[-1], 4, &[2, 3, 0, 0])]
    #[case::ends_after(&[2], 4, &[0, 0, 1, 2])]
    #[case::all_before(&[-9], 3, &[0, 0, 0])]
    #[case::all_after(&[9], 3, &[0, 0, 0])]
    fn what_came_is_painted_where_it_lies(#[case] starts: &[i64], #[case] frames: u64, #[case] painted_as: &[i16]) {
        let mono = Decoded { channels: 1, parts: vec![vec![1, 2, 3]], damaged: 0, failed: None };
        assert_eq!(painted(&mono, &layout(starts, frames)), painted_as);
        let twice = |samples: &[i16]| samples.iter().flat_map(|s| [*s, -*s]).collect::<Vec<i16>>();
        let stereo = Decoded { channels: 2, parts: vec![twice(&[1, 2, 3])], damaged: 0, failed: None };
        assert_eq!(painted(&stereo, &layout(starts, frames)), twice(painted_as));
    }
}
