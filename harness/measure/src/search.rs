//! Where in a file of any length a stimulus is.

use std::ops::Range;

use rigtone_audio::measure::{Analyser, CaptureFault, Expectation, Findings, Presence, Recording};
use rigtone_audio::stimulus::{PartKind, Stimulus};

use crate::error::MeasureError;
use crate::source::Source;

/// A stretch that is looked at is at least so long, in seconds, and this many stimuli.
const STRETCH_S: f64 = 60.0;
const STRETCH_STIMULI: f64 = 3.0;
/// Kept round a stimulus that was found, in seconds: the noise before it, the decay behind it.
const AROUND_S: f64 = 2.0;

/// What the stretch with the best answer says, and which part of the file to measure.
pub(crate) struct Place {
    /// Positions on the whole file.
    pub(crate) findings: Findings,
    pub(crate) frames: Range<u64>,
}

/// Looks for `stimulus` in a channel.
pub(crate) fn search(
    source: &mut Source,
    channel: usize,
    stimulus: &Stimulus,
    expectation: &Expectation,
) -> Result<Place, MeasureError> {
    let rate = f64::from(source.rate());
    let frames = source.frames();
    let length = stimulus.samples().len() as u64;
    let stretch = ((STRETCH_S * rate) as u64).max((STRETCH_STIMULI * length as f64) as u64);
    let hop = stretch - length - source.rate() as u64;
    let mut analyser = Analyser::new();
    let mut best: Option<(Findings, Range<u64>)> = None;
    let mut dead = None;
    let mut from = 0;
    loop {
        let samples = source.read(channel, from, stretch as usize)?;
        let to = from + samples.len() as u64;
        match analyser.analyse(&Recording::mono(source.rate(), &samples), stimulus, expectation) {
            Ok(found) if best.as_ref().is_none_or(|(best, _)| worth(&found) > worth(best)) => {
                best = Some((found.later(from, source.rate()), from..to));
            }
            Ok(_) => {}
            // Zeros behind the end of a take do no harm to what was found elsewhere.
            Err(fault @ CaptureFault::Dead { .. }) => dead = Some(fault),
            Err(fault) => return Err(MeasureError::Capture { channel, fault }),
        }
        if to >= frames {
            break;
        }
        from = (from + hop).min(frames.saturating_sub(stretch));
    }
    // Where the microphone was dead for a stretch, nobody can say that nothing sounded.
    if let Some(fault) = dead
        && best.as_ref().and_then(|(best, _)| start(best, stimulus)).is_none()
    {
        return Err(MeasureError::Capture { channel, fault });
    }
    let (findings, within) = best.ok_or(MeasureError::Capture { channel, fault: CaptureFault::Empty })?;
    let around = (AROUND_S * rate) as u64;
    let frames = match start(&findings, stimulus) {
        // Short files are measured whole.
        Some(start) if frames > stretch => {
            let begin = (start.max(0.0) as u64).saturating_sub(around);
            begin..(start.max(0.0) as u64 + length + around).min(frames)
        }
        _ => within,
    };
    Ok(Place { findings, frames })
}

/// The surer an answer, the more it is worth; of equals the one with the clearer markers.
fn worth(findings: &Findings) -> (u8, f64) {
    let state = match findings.presence {
        Presence::Present => 4,
        Presence::Partial { .. } => 3,
        Presence::Foreign => 2,
        Presence::Inconclusive { .. } => 1,
        Presence::Absent => 0,
    };
    (state, findings.quality.markers.iter().map(|marker| marker.psr.min(10.0)).sum())
}

/// Frame at which the stimulus starts, where it was found.
fn start(findings: &Findings, stimulus: &Stimulus) -> Option<f64> {
    if !matches!(findings.presence, Presence::Present | Presence::Partial { .. }) {
        return None;
    }
    if let Some(arrival) = findings.arrival.measured() {
        return Some(arrival.frame);
    }
    let parts = stimulus.positions().parts.iter().filter(|part| matches!(part.kind, PartKind::Marker { .. }));
    let mut found = findings.quality.markers.iter().zip(parts).filter(|(marker, _)| marker.found);
    found.next().map(|(marker, part)| marker.frame as f64 - part.start as f64)
}
