//! Follows the reference through a recording of any length, one window at a time.

mod alignment;
mod groups;
mod record;

use std::ops::Range;

use super::align::align;
use super::findings::Continuity;
use super::reference::Reference;
use super::response::Response;
use super::scan::Scan;
use super::summary::{Tally, nothing};
use super::window::{Heard, Line, Piece, Tools, Window, piece_at};
use crate::measure::{Arrival, CaptureFault, FULL_SCALE, Reason, Recording, SANE};

/// Name of the method, for the record.
pub const METHOD: &str = "known-reference-tracking";
/// Version of the method: raised when the same recording may give another answer.
pub const METHOD_VERSION: u32 = 1;

/// Length of a window, what of it is only for reverberation from before, what is looked at twice, and what is left free for the end of
/// the reverberation; seconds.
const WINDOW_S: f64 = 10.9;
const LEAD_S: f64 = 0.75;
const AGAIN_S: f64 = 0.25;
const PAD_S: f64 = 0.5;
/// Below this length the response cannot be told from its noise.
const SHORTEST_S: f64 = 1.0;
/// Peak of the response over its floor from which it is this reference and no other: chance reaches 5 at 25,000 lags.
const IDENTITY_Z: f64 = 8.0;
/// Step of the delay in frames that makes the alignment be looked at, and deviation from which the reference is laid anew.
const STEP: f64 = 0.3;
const BENT: f64 = 0.1;
/// Faster than this clocks do not run apart.
const MAX_DRIFT: f64 = 2000e-6;

/// Where the reference lies in the recording, as far as is known before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Frame of the recording at which frame 0 of the reference arrives. 5 ms early to 10 ms late is taken as it is; up to 3 s are searched.
    pub frame: f64,
    /// Clock drift in parts per million, within 100 of the truth; positive: the recording holds more frames.
    pub drift_ppm: f64,
}

impl Place {
    /// The place of a part of a stimulus, from frame `start` of it on, whose arrival was measured.
    pub fn of(arrival: &Arrival, start: usize) -> Self {
        let drift_ppm = arrival.drift_ppm;
        Self { frame: arrival.frame + start as f64 * (1.0 + drift_ppm * 1e-6), drift_ppm }
    }
}

/// What is asked of the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Gaps of this length in seconds must be found with 99.9 %, else dropouts are inconclusive.
    pub wanted_gap_s: f64,
    /// The capture chain is proven alive by other means: then digital silence is a muted speaker, not a dead chain.
    pub capture_proven: bool,
}

impl Default for Settings {
    /// 10 ms: what holds down to about 0 dB at 1 m.
    fn default() -> Self {
        Self { wanted_gap_s: 0.010, capture_proven: false }
    }
}

/// Sound at lower rates is no longer followed.
const LOWEST_HZ: u32 = 8_000;

/// Follows `reference` through one channel of `recording`.
///
/// # Errors
/// [`CaptureFault`] when the recording is no recording.
pub fn examine(
    recording: &Recording<'_>,
    channel: usize,
    reference: impl Reference,
    place: Place,
    settings: Settings,
) -> Result<Continuity, CaptureFault> {
    let samples = recording.channel(channel, settings.capture_proven)?;
    if recording.rate() < LOWEST_HZ {
        return Ok(nothing(Reason::WrongRate { have: recording.rate(), need: LOWEST_HZ }));
    }
    let mut tracker = Tracker::new(recording.rate(), reference, place, settings);
    tracker.push(&samples)?;
    tracker.finish()
}

/// Follows a reference through a recording that comes in pieces. Keeps about 11 s of it.
pub struct Tracker<R> {
    rate: u32,
    reference: R,
    settings: Settings,
    tools: Tools,
    size: usize,
    /// Samples from frame `kept_from` on.
    kept: Vec<f32>,
    kept_from: i64,
    start: i64,
    done: i64,
    pieces: Vec<Piece>,
    mutes: Vec<Range<i64>>,
    known: Option<Response>,
    /// The window is so empty that the response of the one before serves better than its own.
    use_known: bool,
    /// The level as it moves within the window that is worked on.
    envelope: Option<Vec<f32>>,
    /// Frames of the recording by which the direct sound has moved since the first window, and its lag there.
    moved: f64,
    first_peak: i64,
    first_value: Option<f32>,
    still: bool,
    run_of_clips: usize,
    pushed: i64,
    tally: Tally,
}

impl<R: Reference> Tracker<R> {
    /// A tracker for a recording at `rate` Hz.
    pub fn new(rate: u32, reference: R, place: Place, settings: Settings) -> Self {
        let frame = if place.frame.is_finite() { place.frame.clamp(-1e15, 1e15) } else { 0.0 };
        let drift =
            if place.drift_ppm.is_finite() { (place.drift_ppm * 1e-6).clamp(-MAX_DRIFT, MAX_DRIFT) } else { 0.0 };
        let line = Line { at: frame, reference: 0.0, step: 1.0 / (1.0 + drift) };
        let start = frame.floor() as i64;
        Self {
            rate,
            reference,
            settings,
            tools: Tools::default(),
            // At rates that nobody records at there is still something to go on by.
            size: crate::fft::fast_size((WINDOW_S * f64::from(rate)) as usize).max(4),
            kept: Vec::new(),
            kept_from: 0,
            start,
            done: start.max(0),
            pieces: vec![Piece { from: i64::MIN, line }],
            mutes: Vec::new(),
            known: None,
            use_known: false,
            envelope: None,
            moved: 0.0,
            first_peak: 0,
            first_value: None,
            still: true,
            run_of_clips: 0,
            pushed: 0,
            tally: Tally::new(rate),
        }
    }

    fn frames(&self, seconds: f64) -> i64 {
        (seconds * f64::from(self.rate)) as i64
    }

    fn received(&self) -> i64 {
        self.kept_from + self.kept.len() as i64
    }

    /// Where the reference ends in the recording.
    fn end(&self) -> i64 {
        let line = self.pieces[self.pieces.len() - 1].line;
        line.inverse(self.reference.frames() as f64).ceil() as i64
    }

    /// Takes the next samples of the microphone's channel.
    ///
    /// # Errors
    /// [`CaptureFault::NotASample`] at a value that no converter makes.
    pub fn push(&mut self, samples: &[f32]) -> Result<(), CaptureFault> {
        for piece in samples.chunks(self.size / 4) {
            for (n, sample) in piece.iter().enumerate() {
                if sample.is_nan() || sample.abs() > SANE {
                    return Err(CaptureFault::NotASample { frame: (self.pushed + n as i64) as usize });
                }
                self.still &= *self.first_value.get_or_insert(*sample) == *sample;
                self.run_of_clips = if sample.abs() >= FULL_SCALE { self.run_of_clips + 1 } else { 0 };
                self.tally.clip(self.run_of_clips, self.pushed + n as i64);
            }
            self.pushed += piece.len() as i64;
            // Nothing is wanted from well behind the end of the reference.
            if self.received() < self.end() + self.frames(4.0) {
                self.kept.extend_from_slice(piece);
            }
            while self.work() {}
            let wanted = self.done.min(self.received()) - self.size as i64;
            if wanted > self.kept_from + self.size as i64 / 4 {
                self.kept.drain(..(wanted - self.kept_from) as usize);
                self.kept_from = wanted;
            }
        }
        Ok(())
    }

    /// One window, if all of it has come.
    fn work(&mut self) -> bool {
        let origin = (self.start - self.frames(0.1)).max(self.done - self.frames(LEAD_S)).max(self.kept_from);
        let until = origin + self.size as i64 - self.frames(PAD_S);
        let core_end = until - self.frames(AGAIN_S);
        if self.received() < until || core_end >= self.end() || core_end <= self.done {
            return false;
        }
        let end = self.end();
        self.window(origin, self.size, self.done..core_end, end, false);
        true
    }

    /// The findings.
    ///
    /// # Errors
    /// [`CaptureFault::Empty`] or [`CaptureFault::Dead`] when nothing was recorded.
    pub fn finish(mut self) -> Result<Continuity, CaptureFault> {
        let Some(value) = self.first_value else { return Err(CaptureFault::Empty) };
        if self.still && !self.settings.capture_proven {
            return Err(CaptureFault::Dead { value });
        }
        let shortest = self.frames(SHORTEST_S);
        let pad = self.frames(PAD_S);
        // A stall found in the last window moves the end: then it is looked at again, all of it.
        let mut latest = 0;
        for _ in 0..64 {
            let end = self.received().min(self.end().max(latest));
            if end - self.start.max(0) < shortest || end - self.done < i64::from(self.rate) / 50 {
                break;
            }
            let all = (self.start.max(0) - self.frames(0.1)).max(self.kept_from);
            let room = self.size as i64 - pad - self.frames(LEAD_S);
            if end - self.done > room {
                let origin = all.max(self.done - self.frames(LEAD_S));
                let core_end = (origin + self.size as i64 - pad - self.frames(AGAIN_S)).min(end);
                self.window(origin, self.size, self.done..core_end, end, false);
                continue;
            }
            let size = self.size.min(crate::fft::fast_size((end - all + pad) as usize));
            let origin = (end + self.frames(0.02) + pad - size as i64).max(all);
            let end = end.min(origin + size as i64 - pad);
            match self.window(origin, size, self.done..end, end, true) {
                Some(later) => latest = later,
                None => break,
            }
        }
        let span = (self.start.max(0), self.received().min(self.end()).max(0));
        let whole = self.start >= 0;
        Ok(self.tally.summary(&self.settings, span, whole, self.known.is_some(), shortest))
    }

    /// Looks at the frames `core` in a window of `size` frames from `origin` on; the reference lasts until `end`. `last`: nothing comes after
    /// it; then the answer may be a later end of the reference, and nothing is taken down.
    fn window(&mut self, origin: i64, size: usize, core: Range<i64>, end: i64, last: bool) -> Option<i64> {
        let index = |frame: i64| (frame - origin).clamp(0, size as i64) as usize;
        let mut samples = vec![0.0; size];
        let available = self.received().min(origin + size as i64);
        let source =
            (origin.max(self.kept_from) - self.kept_from) as usize..(available - self.kept_from).max(0) as usize;
        let to = index(origin.max(self.kept_from));
        samples[to..to + source.len()].copy_from_slice(&self.kept[source]);
        let margin = self.frames(0.01);
        let valid = index((self.start - margin).max(0))
            ..index(available.min(end + margin).min(origin + size as i64 - self.frames(PAD_S)));
        let window = Window::new(&mut self.tools.fft, origin, self.rate, samples, valid.clone());
        let again = self.frames(AGAIN_S);
        (self.envelope, self.use_known) = (None, false);
        let range = index(core.start - again).max(valid.start)..index(core.end + again).min(valid.end);
        if range.len() < (self.rate / 50) as usize {
            self.done = core.end;
            return None;
        }
        let mut pieces = self.pieces.clone();
        let mut jumps = Vec::new();
        let mut heard = self.heard(&window, &pieces, &self.mutes.clone());
        if let Some(other) = heard.as_ref().and_then(|heard| self.emptied(&window, heard, range.clone(), &pieces)) {
            heard = Some(other);
        }
        if heard.as_ref().is_none_or(|heard| self.troubled(&window, heard, range.clone())) {
            let line = piece_at(&pieces, core.start).line;
            let known = self.known.clone();
            // What lies before the core was aligned by the window before.
            let anew = if known.is_some() { index(core.start).max(range.start)..range.end } else { range.clone() };
            if let Some(found) =
                align(&mut self.tools, &mut self.reference, &window, anew.clone(), line, known.as_ref())
                && let Some(better) = self.jumps(&window, anew, &found)
            {
                let (laid, changes, now) = better;
                (pieces, jumps, heard) = (laid, changes, Some(now));
            }
        }
        let Some(mut heard) = heard else {
            self.tally.unheard += core.end - core.start;
            self.done = core.end;
            return None;
        };
        if last {
            let line = pieces[pieces.len() - 1].line;
            let later = line.inverse(self.reference.frames() as f64).ceil() as i64;
            if later.min(self.received()) > end + i64::from(self.rate) / 100 {
                return Some(later);
            }
        }
        for _ in 0..3 {
            let Some(bent) = self.unbend(&heard, &window, range.clone(), &pieces) else { break };
            pieces = bent;
            let mutes = self.mutes.clone();
            match self.heard(&window, &pieces, &mutes) {
                Some(better) => heard = better,
                None => break,
            }
        }
        self.envelope = Scan::new(&heard, range.clone(), self.rate).envelope(size);
        if self.envelope.is_some()
            && let Some(better) = self.heard(&window, &pieces, &self.mutes.clone())
        {
            heard = better;
        }
        // Gaps are silenced in the reference too, so that the reverberation they did not cause is not missed.
        let gaps = Scan::new(&heard, range.clone(), self.rate).gaps();
        if !gaps.is_empty() {
            let peak = heard.response.peak;
            let mut mutes = self.mutes.clone();
            mutes.extend(gaps.iter().map(|gap| {
                let frame = |index: usize| origin + index as i64 - peak;
                frame(gap.from)..frame(gap.to)
            }));
            if let Some(better) = self.heard(&window, &pieces, &mutes) {
                heard = better;
            }
        }
        self.record(&window, &heard, range, core, pieces, &jumps, last);
        None
    }

    /// The window beside the reference; with what is known of the path where the window alone does not prove it.
    fn heard(&mut self, window: &Window, pieces: &[Piece], mutes: &[Range<i64>]) -> Option<Heard> {
        let envelope = self.envelope.as_deref();
        let heard = if self.use_known {
            None
        } else {
            window.compare(&mut self.tools, &mut self.reference, pieces, mutes, envelope, None)
        };
        let proven = heard.filter(|heard| heard.response.z >= IDENTITY_Z);
        match (proven, &self.known) {
            (Some(heard), _) => Some(heard),
            (None, Some(known)) => {
                window.compare(&mut self.tools, &mut self.reference, pieces, mutes, envelope, Some(known))
            }
            (None, None) => None,
        }
    }

    /// Has the sound stopped for much of the window? Then the window's own response is too weak, and the known one must serve.
    fn emptied(&mut self, window: &Window, heard: &Heard, range: Range<usize>, pieces: &[Piece]) -> Option<Heard> {
        let known = self.known.as_ref()?;
        if heard.response.height() >= 0.6 * known.height() {
            return None;
        }
        let (tools, reference) = (&mut self.tools, &mut self.reference);
        let other = window.compare(tools, reference, pieces, &self.mutes, None, Some(known))?;
        let gaps = Scan::new(&other, range.clone(), self.rate).gaps();
        let empty: usize = gaps.iter().map(|gap| gap.to - gap.from).sum();
        self.use_known = 3 * empty > range.len();
        self.use_known.then_some(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::continuity::PseudoNoise;

    #[test]
    fn a_long_recording_is_kept_for_two_windows_only() {
        let rate = 48_000;
        let frames = 45 * rate as usize;
        let mut samples = vec![0.0; frames];
        PseudoNoise::new(rate, frames as u64, 3).read(0, &mut samples);
        let noise = PseudoNoise::new(rate, frames as u64, 3);
        let mut tracker = Tracker::new(rate, noise, Place { frame: 0.0, drift_ppm: 0.0 }, Settings::default());
        for piece in samples.chunks(10_000) {
            tracker.push(piece).unwrap();
            assert!(tracker.kept.len() <= 2 * tracker.size + 10_000, "{} frames kept", tracker.kept.len());
        }
        // And what comes long after the end of the reference is not kept either.
        for _ in 0..40 {
            tracker.push(&[1e-4; 48_000]).unwrap();
            assert!(tracker.kept.len() <= 2 * tracker.size + 10_000, "{} frames kept", tracker.kept.len());
        }
        let found = tracker.finish().unwrap();
        assert!(found.events.is_empty() && found.quality.unwrap().listened_s > 44.9);
    }
}
