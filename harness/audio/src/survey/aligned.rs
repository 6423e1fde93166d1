//! A recording on the time of the stimulus.

use crate::excerpt::Excerpt;
use crate::measure::{Findings, Outcome, Presence, Reason};
use crate::resample::Interpolator;
use crate::stimulus::{Part, PartKind, Stimulus, Triplet};

/// What the silence before the stimulus loses at either end: a primer that comes early, a speaker that switches on.
const EDGE_S: f64 = 0.05;
/// Silence shorter than this is no floor.
const SHORTEST_S: f64 = 0.3;

/// Where frame 0 of the stimulus lies in the recording, and how the clocks run apart.
pub(super) struct Aligned<'a> {
    samples: &'a Excerpt<'a>,
    pub(super) frame: f64,
    pub(super) drift: f64,
    /// The whole of the stimulus lies on one line of time, or why it does not.
    steady: Result<(), Reason>,
}

impl<'a> Aligned<'a> {
    /// From the analysis of presence. The reason is that of everything else.
    pub(super) fn new(samples: &'a Excerpt<'a>, findings: &Findings, stimulus: &Stimulus) -> Result<Self, Reason> {
        match findings.presence {
            Presence::Present | Presence::Partial { .. } => {}
            Presence::Inconclusive { why } => return Err(why),
            Presence::Absent | Presence::Foreign => return Err(Reason::NotPresent),
        }
        let why = match &findings.arrival {
            Outcome::Measured(arrival) => {
                return Ok(Self { samples, frame: arrival.frame, drift: arrival.drift_ppm * 1e-6, steady: Ok(()) });
            }
            Outcome::Inconclusive(why) => *why,
        };
        // No arrival that a latency could rest on; the markers still say where the sound is.
        let starts = |wanted: Triplet| -> Option<(f64, f64)> {
            let parts = stimulus.positions().parts.iter().filter(|part| matches!(part.kind, PartKind::Marker { .. }));
            let found: Vec<(f64, f64)> = findings
                .quality
                .markers
                .iter()
                .zip(parts)
                .filter(|(marker, part)| {
                    marker.found && matches!(part.kind, PartKind::Marker { triplet, .. } if triplet == wanted)
                })
                .map(|(marker, part)| (part.start as f64, marker.frame as f64))
                .collect();
            let count = found.len() as f64;
            let sums = found.iter().fold((0.0, 0.0), |sums, point| (sums.0 + point.0, sums.1 + point.1));
            (count > 0.0).then_some((sums.0 / count, sums.1 / count))
        };
        let (first, last) = (starts(Triplet::First), starts(Triplet::Last));
        if let (Reason::LineOfSight { .. }, Some(first), Some(last)) = (why, first, last) {
            let drift = (last.1 - first.1) / (last.0 - first.0) - 1.0;
            return Ok(Self { samples, frame: first.1 - (1.0 + drift) * first.0, drift, steady: Ok(()) });
        }
        let (played, recorded) = first.or(last).ok_or(why)?;
        Ok(Self { samples, frame: recorded - played, drift: 0.0, steady: Err(why) })
    }

    /// Frame of the recording at which a frame of the stimulus arrived.
    fn place(&self, frame: f64) -> f64 {
        self.frame + (1.0 + self.drift) * frame
    }

    /// The same in seconds.
    pub(super) fn seconds(&self, frame: usize) -> f64 {
        self.place(frame as f64) / f64::from(self.samples.rate().max(1))
    }

    fn too_short(&self, end: f64) -> Reason {
        let rate = f64::from(self.samples.rate());
        Reason::TooShort { have_s: self.samples.seconds(), need_s: end / rate }
    }

    fn within(&self, from: f64, to: f64) -> Result<(), Reason> {
        if from < 0.0 {
            let rate = f64::from(self.samples.rate());
            let have_s = self.samples.seconds();
            return Err(Reason::TooShort { have_s, need_s: have_s - from / rate });
        }
        if to > self.samples.samples().len() as f64 { Err(self.too_short(to)) } else { Ok(()) }
    }

    /// Frames as they were recorded, drift and all.
    pub(super) fn raw(&self, start: usize, frames: usize) -> Result<Excerpt<'_>, Reason> {
        self.steady?;
        self.about(start, frames)
    }

    /// The same where nothing hangs on a few milliseconds.
    pub(super) fn about(&self, start: usize, frames: usize) -> Result<Excerpt<'_>, Reason> {
        let from = self.place(start as f64).round();
        self.within(from, from + frames as f64)?;
        self.samples.cut(from as usize, frames)
    }

    /// Frames on the clock of the stimulus.
    pub(super) fn straight(&self, start: usize, frames: usize) -> Result<Excerpt<'static>, Reason> {
        self.steady?;
        self.within(self.place(start as f64), self.place((start + frames) as f64))?;
        let mut out = vec![0.0; frames];
        let first = self.place(start as f64);
        Interpolator::default().add(&mut out, self.samples.samples(), first, 1.0 + self.drift, 1.0);
        Ok(Excerpt::made(self.samples.rate(), out))
    }

    /// The silence before the stimulus, as much of it as was recorded.
    pub(super) fn silence(&self, part: &Part) -> Result<Excerpt<'_>, Reason> {
        let rate = f64::from(self.samples.rate());
        let from = (self.place(part.start as f64) + EDGE_S * rate).max(0.0);
        let to = self.place(part.range().end as f64) - EDGE_S * rate;
        if to - from < SHORTEST_S * rate || to > self.samples.samples().len() as f64 {
            return Err(Reason::NoFloor);
        }
        self.samples.cut(from as usize, (to - from) as usize)
    }
}
