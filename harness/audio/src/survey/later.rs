//! The same survey, its positions counted from an earlier beginning of the recording.

use super::Survey;
use crate::continuity::Continuity;
use crate::measure::{Findings, Outcome, Presence, Reason};

/// How much later everything lies.
#[derive(Clone, Copy)]
struct Shift {
    frames: u64,
    seconds: f64,
}

impl Shift {
    fn reason(self, why: &mut Reason) {
        match why {
            Reason::Clipped { at_s, .. } | Reason::SamplesLost { at_s, .. } => *at_s += self.seconds,
            _ => {}
        }
    }

    /// Moves the reason, or hands out the value.
    fn outcome<T>(self, outcome: &mut Outcome<T>) -> Option<&mut T> {
        match outcome {
            Outcome::Measured(value) => Some(value),
            Outcome::Inconclusive(why) => {
                self.reason(why);
                None
            }
        }
    }

    fn findings(self, findings: &mut Findings) {
        for marker in &mut findings.quality.markers {
            marker.frame += self.frames as usize;
        }
        if let Presence::Inconclusive { why } = &mut findings.presence {
            self.reason(why);
        }
        if let Some(arrival) = self.outcome(&mut findings.arrival) {
            arrival.frame += self.frames as f64;
        }
        self.outcome(&mut findings.latency);
        self.outcome(&mut findings.level);
    }

    fn continuity(self, found: &mut Continuity) {
        let span = found.quality.as_mut().map(|quality| &mut quality.span_s);
        if let Some((from_s, to_s)) = span {
            *from_s += self.seconds;
            *to_s += self.seconds;
        }
        for event in &mut found.events {
            event.from_s += self.seconds;
            event.to_s += self.seconds;
        }
        self.outcome(&mut found.dropouts);
        self.outcome(&mut found.jumps);
        self.outcome(&mut found.clicks);
        self.outcome(&mut found.levels);
        self.outcome(&mut found.start_up);
        if let Some(clock) = self.outcome(&mut found.clock) {
            for point in &mut clock.track {
                point.at_s += self.seconds;
            }
        }
    }

    fn survey(self, survey: &mut Survey) {
        self.findings(&mut survey.findings);
        if let Some(floor) = &mut survey.floor {
            self.outcome(&mut floor.noise);
            self.outcome(&mut floor.hum);
            self.outcome(&mut floor.snr);
        }
        if let Some(channels) = &mut survey.channels {
            self.outcome(&mut channels.heard);
            channels.layout.as_mut().map(|layout| self.outcome(layout));
            self.outcome(&mut channels.polarity);
            self.outcome(&mut channels.doubled);
        }
        survey.chain.as_mut().map(|chain| self.outcome(chain));
        survey.response.as_mut().map(|response| self.outcome(response));
        survey.fingerprint.as_mut().map(|fingerprint| self.outcome(fingerprint));
        survey.thd_n.as_mut().map(|thd_n| self.outcome(thd_n));
        if let Some(loudness) = &mut survey.loudness {
            self.outcome(&mut loudness.a_weighted);
            loudness.sound_pressure.as_mut().map(|pressure| self.outcome(pressure));
        }
        if let Some(steadiness) = &mut survey.steadiness {
            if let Some(found) = self.outcome(&mut steadiness.continuity) {
                self.continuity(found);
            }
            if let Some(found) = self.outcome(&mut steadiness.howling) {
                for howl in &mut found.howls {
                    howl.from_s += self.seconds;
                    howl.to_s += self.seconds;
                }
            }
        }
    }
}

impl Findings {
    /// The same for a recording that begins `frames` frames earlier, at `rate` Hz.
    #[must_use]
    pub fn later(mut self, frames: u64, rate: u32) -> Self {
        Shift::new(frames, rate).findings(&mut self);
        self
    }
}

impl Continuity {
    /// The same for a recording that begins `frames` frames earlier, at `rate` Hz.
    #[must_use]
    pub fn later(mut self, frames: u64, rate: u32) -> Self {
        Shift::new(frames, rate).continuity(&mut self);
        self
    }
}

impl Survey {
    /// The same for a recording that begins `frames` frames earlier, at `rate` Hz.
    #[must_use]
    pub fn later(mut self, frames: u64, rate: u32) -> Self {
        Shift::new(frames, rate).survey(&mut self);
        self
    }
}

impl Shift {
    fn new(frames: u64, rate: u32) -> Self {
        Self { frames, seconds: frames as f64 / f64::from(rate.max(1)) }
    }
}
