//! From a recording to findings.

use std::collections::HashMap;

use super::coverage::{Coverage, IDENTITY_Z, Reference};
use super::detect::{Detector, GUARD_S, Hypothesis, MIN_PSR, SPACING_S, Traces, triplet_of};
use super::findings::{Arrival, Findings, Latency, Level, Outcome, Polarity, Presence, PresenceQuality, Reason, Span};
use super::level::{band_power, capture_figures, dbfs, power_db, rms};
use super::recording::{CaptureFault, Expectation, Recording};
use super::timing::{Line, MarkerTime, Timer, cramer_rao, fit, median};
use crate::fft::Fft;
use crate::stimulus::{MARKER_BAND, Part, PartKind, Stimulus, Triplet};
use crate::window::hann;

/// Name of the method, for the record.
pub const METHOD: &str = "marker-correlation";
/// Version of the method: raised when the same recording may give another answer.
pub const METHOD_VERSION: u32 = 2;

/// Stretch that is searched at once, in frames; with a marker behind it a fast transform.
const STRETCH: usize = (1 << 18) - 8192;
/// Latencies looked for when the time of emission is known: a little before it, for its uncertainty, and up to 10 s.
const LATENCY_S: (f64, f64) = (-0.05, 10.0);
/// Beyond this the clocks are not the cause.
const MAX_DRIFT: f64 = 2000e-6;
/// A stronger sound so much later than the first puts the line of sight in doubt.
const LINE_OF_SIGHT_S: f64 = 0.001;
/// Markers that took another path are dropped from the line.
const OUTLIER_S: f64 = 0.0001;
/// Scatter of the markers round their line that no room and no codec makes: more of it is a skip or a repeat that poses as drift.
const STEADY_S: f64 = 20e-6;
/// What a speaker's crossover does to "first arrival", in seconds: -35 to +44 us on a hard one.
pub const DEFINITION_S: f64 = 50e-6;
/// Scatter assumed where two markers cannot show any.
const UNSEEN_SCATTER_S: f64 = 20e-6;
/// Templates of so many stimuli are kept.
const KEPT: usize = 64;

/// Analyses recordings. Keeps transform plans and template spectra, so use one for many recordings.
#[derive(Default)]
pub struct Analyser {
    fft: Fft<f32>,
    detector: Detector,
    timer: Timer,
    references: HashMap<super::StimulusRef, Option<Reference>>,
}

/// A hypothesis with its frames counted from the start of the recording, timed.
struct Located {
    hypothesis: Hypothesis,
    arrival: Option<Timed>,
}

struct Timed {
    /// Through all markers.
    line: Line,
    /// The markers do not lie on that line.
    unsteady: bool,
    /// What the noise is looked for along: that line, or one through each triplet if something moved between them.
    tracks: Vec<Line>,
    strongest_after: f64,
    amplitude: f64,
    polarity: Polarity,
}

impl Analyser {
    /// An analyser with nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for `stimulus` in one channel of `recording`.
    ///
    /// # Errors
    /// [`CaptureFault`] when the recording is no recording: that is the rig's fault. Whatever the device may have done comes as findings.
    pub fn analyse(
        &mut self,
        recording: &Recording<'_>,
        stimulus: &Stimulus,
        expectation: &Expectation,
    ) -> Result<Findings, CaptureFault> {
        let rate = stimulus.rate();
        let samples = recording.channel(expectation.channel, expectation.capture_proven)?;
        if recording.rate() != rate {
            return Err(CaptureFault::WrongRate { have: recording.rate(), want: rate });
        }
        let samples: &[f32] = &samples;
        let (capture, clip) = capture_figures(samples, rate);
        let mut findings = Findings {
            method: METHOD,
            method_version: METHOD_VERSION,
            stimulus: stimulus.into(),
            capture,
            presence: Presence::Absent,
            quality: PresenceQuality {
                markers: Vec::new(),
                guard_s: GUARD_S,
                spacing_residual_s: None,
                identity_z: None,
                coverage_block_s: None,
            },
            arrival: Outcome::Inconclusive(Reason::NotPresent),
            latency: Outcome::Inconclusive(Reason::NotPresent),
            level: Outcome::Inconclusive(Reason::NotPresent),
        };
        if let Some(at) = clip {
            let why = Reason::Clipped { at_s: at as f64 / f64::from(rate), longest: capture.longest_clip };
            findings.presence = Presence::Inconclusive { why };
            findings.arrival = Outcome::Inconclusive(why);
            findings.latency = Outcome::Inconclusive(why);
            findings.level = Outcome::Inconclusive(why);
            return Ok(findings);
        }

        let window = Window::new(samples.len(), stimulus, expectation);
        let (located, traces) = self.locate(samples, stimulus, &window);
        let coverage = located.as_ref().and_then(|located| self.coverage(samples, stimulus, located));
        if let Some(located) = &located {
            findings.quality.markers.clone_from(&located.hypothesis.markers);
            findings.quality.spacing_residual_s = residual(&located.hypothesis, stimulus);
        }
        if let Some(coverage) = &coverage {
            findings.quality.identity_z = Some(coverage.identity_z);
            findings.quality.coverage_block_s = coverage.block_s;
        }
        findings.presence = match (&located, &coverage) {
            (Some(located), Some(coverage)) if located.arrival.is_some() => {
                established(samples.len(), stimulus, located, coverage)
            }
            _ => Presence::Absent,
        };
        if matches!(findings.presence, Presence::Absent | Presence::Inconclusive { why: Reason::IdentityUnproven })
            && self.foreign(samples, stimulus, &window, traces)
        {
            findings.presence = Presence::Foreign;
        }
        if findings.presence == Presence::Absent {
            findings.presence = self.absence(samples, stimulus, expectation, &window, located.as_ref());
        }
        let timed = located.as_ref().and_then(|located| located.arrival.as_ref());
        self.values(samples, stimulus, expectation, timed, &mut findings);
        Ok(findings)
    }

    /// The best place for the stimulus in the recording. The traces come along if one stretch was all there is.
    fn locate(&mut self, samples: &[f32], stimulus: &Stimulus, window: &Window) -> (Option<Located>, Option<Traces>) {
        let parts = &stimulus.positions().parts;
        let mut best: Option<Hypothesis> = None;
        let mut kept = None;
        let stretches = window.stretches();
        for stretch in &stretches {
            let origin = stretch.start as f64;
            let traces = self.detector.traces(&mut self.fft, &samples[stretch.clone()], stimulus.rate());
            if let Some(mut found) = traces.search(parts, (window.earliest - origin, window.latest - origin)) {
                for marker in &mut found.markers {
                    marker.frame += stretch.start;
                }
                if best.as_ref().is_none_or(|best| found.score() > best.score()) {
                    best = Some(found);
                }
            }
            kept = (stretches.len() == 1).then_some(traces);
        }
        let located = best.map(|hypothesis| {
            let arrival = self.time(samples, stimulus, &hypothesis);
            Located { hypothesis, arrival }
        });
        (located, kept)
    }

    /// Times the markers that were found, if they establish at least one triplet.
    fn time(&mut self, samples: &[f32], stimulus: &Stimulus, hypothesis: &Hypothesis) -> Option<Timed> {
        let rate = stimulus.rate();
        let parts = marker_parts(stimulus);
        let mut times: Vec<(f64, MarkerTime)> = Vec::new();
        for (marker, part) in hypothesis.markers.iter().zip(&parts) {
            if let (true, PartKind::Marker { sweep, .. }) = (marker.found, part.kind)
                && let Some(time) = self.timer.time(&mut self.fft, samples, rate, sweep, marker.frame)
            {
                // The centroid is what drift leaves in place; both ends are referred to it.
                let centroid = sweep.centroid(rate);
                times.push((part.start as f64 + centroid, MarkerTime { first: time.first + centroid, ..time }));
            }
        }
        let points: Vec<(f64, f64)> = times.iter().map(|(s, time)| (*s, time.first)).collect();
        let limit = OUTLIER_S * f64::from(rate);
        let line = fit(&points, limit).or_else(|| fit(&points, f64::INFINITY))?;
        let unsteady =
            line.used + 1 < points.len() || line.drift.abs() > MAX_DRIFT || line.residual > STEADY_S * f64::from(rate);
        let (first, last) = points.split_at(hypothesis.established(Triplet::First));
        let mut tracks = vec![line];
        if unsteady {
            tracks = [first, last].into_iter().filter_map(|points| fit(points, limit)).collect();
        }
        tracks.retain(|track| track.drift.abs() <= MAX_DRIFT);
        let mut after: Vec<f64> = times.iter().map(|(_, time)| time.strongest_after).collect();
        let mut amplitude: Vec<f64> = times.iter().map(|(_, time)| f64::from(time.amplitude.abs())).collect();
        let inverted = times.iter().filter(|(_, time)| time.amplitude < 0.0).count();
        Some(Timed {
            line,
            unsteady,
            tracks,
            strongest_after: median(&mut after)?,
            amplitude: median(&mut amplitude)?,
            polarity: if inverted * 2 > times.len() { Polarity::Inverted } else { Polarity::Normal },
        })
    }

    fn coverage(&mut self, samples: &[f32], stimulus: &Stimulus, located: &Located) -> Option<Coverage> {
        let timed = located.arrival.as_ref()?;
        let key = stimulus.into();
        if self.references.len() >= KEPT && !self.references.contains_key(&key) {
            self.references.clear();
        }
        let reference = self.references.entry(key).or_insert_with(|| Reference::new(&mut self.fft, stimulus));
        let reference = reference.as_ref()?;
        let compared = timed
            .tracks
            .iter()
            .map(|track| reference.compare(&mut self.fft, samples, track.start + timed.strongest_after, track.drift));
        compared.reduce(Coverage::or)
    }

    fn foreign(&mut self, samples: &[f32], stimulus: &Stimulus, window: &Window, traces: Option<Traces>) -> bool {
        let layouts = || stimulus.foreign().map(|positions| positions.parts);
        match traces {
            Some(traces) => traces.holds_foreign(layouts()),
            None => window.stretches().into_iter().any(|stretch| {
                let traces = self.detector.traces(&mut self.fft, &samples[stretch], stimulus.rate());
                traces.holds_foreign(layouts())
            }),
        }
    }

    /// Not heard: does the recording prove it?
    fn absence(
        &mut self,
        samples: &[f32],
        stimulus: &Stimulus,
        expectation: &Expectation,
        window: &Window,
        located: Option<&Located>,
    ) -> Presence {
        let rate = f64::from(stimulus.rate());
        let usable = samples.len() as f64 - window.emission.unwrap_or(0.0).max(0.0);
        if usable / rate < stimulus.duration_s() {
            let why = Reason::TooShort { have_s: usable.max(0.0) / rate, need_s: stimulus.duration_s() };
            return Presence::Inconclusive { why };
        }
        let markers = located.map_or(&[][..], |located| &located.hypothesis.markers);
        let standing = markers.iter().filter(|marker| marker.psr >= MIN_PSR).count();
        let agree = markers.iter().filter(|marker| marker.found).count();
        if standing > 0 {
            return Presence::Inconclusive { why: Reason::MarkersDisagree { found: standing, agree } };
        }
        let window = hann((0.1 * rate) as usize);
        let mut powers: Vec<f64> = samples
            .chunks_exact(window.len())
            .map(|block| band_power(&mut self.fft, block, &window, stimulus.rate(), MARKER_BAND))
            .collect();
        powers.sort_by(f64::total_cmp);
        let loud = powers.get(powers.len() * 9 / 10).copied().unwrap_or(0.0);
        let noise_dbfs = power_db(loud);
        if noise_dbfs > expectation.minimum_level_dbfs {
            let why = Reason::TooNoisy { noise_dbfs, minimum_dbfs: expectation.minimum_level_dbfs };
            return Presence::Inconclusive { why };
        }
        Presence::Absent
    }

    /// Arrival, latency and level, once presence is established.
    fn values(
        &mut self,
        samples: &[f32],
        stimulus: &Stimulus,
        expectation: &Expectation,
        timed: Option<&Timed>,
        findings: &mut Findings,
    ) {
        let timed = match (&findings.presence, timed) {
            (Presence::Present | Presence::Partial { .. }, Some(timed)) => timed,
            (Presence::Inconclusive { why }, _) => {
                findings.arrival = Outcome::Inconclusive(*why);
                findings.latency = Outcome::Inconclusive(*why);
                findings.level = Outcome::Inconclusive(*why);
                return;
            }
            _ => return,
        };
        let rate = f64::from(stimulus.rate());
        findings.level = self.level(samples, stimulus, timed);
        let floor = findings.level.measured().map(|level| 10f64.powf(level.floor_band_dbfs / 10.0));
        findings.arrival = arrival(stimulus.rate(), timed, floor);
        findings.latency = match (&findings.arrival, expectation.emission) {
            (Outcome::Inconclusive(why), _) => Outcome::Inconclusive(*why),
            (Outcome::Measured(arrival), Some(emission)) if emission.frame.is_finite() => Outcome::Measured(Latency {
                value_s: (arrival.frame - emission.frame) / rate - expectation.flight_s,
                uncertainty_s: (arrival.uncertainty_s.powi(2) + emission.uncertainty_s.powi(2) + DEFINITION_S.powi(2))
                    .sqrt(),
                noise_s: arrival.uncertainty_s,
                emission_s: emission.uncertainty_s,
                definition_s: DEFINITION_S,
            }),
            (Outcome::Measured(_), _) => Outcome::Inconclusive(Reason::NoEmission),
        };
    }

    fn level(&mut self, samples: &[f32], stimulus: &Stimulus, timed: &Timed) -> Outcome<Level> {
        let rate = stimulus.rate();
        let edge = f64::from(rate) * 0.02;
        let cut = |part: &Part| {
            let place = |frame: usize| timed.line.start + (1.0 + timed.line.drift) * frame as f64;
            let (from, to) = (place(part.start) + edge, place(part.range().end) - edge);
            (from >= 0.0 && from < to && to <= samples.len() as f64).then(|| &samples[from as usize..to as usize])
        };
        let silence = stimulus.positions().parts.iter().find(|part| part.kind == PartKind::Silence).and_then(cut);
        let noise = stimulus.noise().and_then(cut);
        let (Some(silence), Some(noise)) = (silence, noise) else { return Outcome::Inconclusive(Reason::NoFloor) };
        let floor = band_power(&mut self.fft, silence, &hann(silence.len()), rate, MARKER_BAND);
        let band = band_power(&mut self.fft, noise, &hann(noise.len()), rate, MARKER_BAND);
        Outcome::Measured(Level {
            rms_dbfs: dbfs(rms(noise)),
            band_dbfs: power_db(band),
            floor_dbfs: dbfs(rms(silence)),
            floor_band_dbfs: power_db(floor),
            snr_band_db: power_db((band - floor).max(0.0) / floor.max(1e-20)),
        })
    }
}

/// Where to look.
struct Window {
    frames: std::ops::Range<usize>,
    stimulus: usize,
    /// Earliest and latest frame at which the stimulus may start.
    earliest: f64,
    latest: f64,
    emission: Option<f64>,
}

impl Window {
    fn new(frames: usize, stimulus: &Stimulus, expectation: &Expectation) -> Self {
        let rate = f64::from(stimulus.rate());
        let length = stimulus.samples().len();
        let emission = expectation.emission.map(|emission| emission.frame).filter(|frame| frame.is_finite());
        let (earliest, latest) = emission.map_or((-(length as f64), frames as f64), |frame| {
            (frame + LATENCY_S.0 * rate, frame + LATENCY_S.1 * rate)
        });
        let end = ((latest.max(0.0) as usize).saturating_add(length)).min(frames);
        let start = (earliest.max(0.0) as usize).min(end);
        Self { frames: start..end, stimulus: length, earliest, latest, emission }
    }

    /// Stretches that overlap by a stimulus, so that each place of it lies whole in one of them.
    fn stretches(&self) -> Vec<std::ops::Range<usize>> {
        let std::ops::Range { start, end } = self.frames;
        // A stretch holds a long stimulus twice: then most of the work is done once.
        let whole = self.stimulus + 4800;
        let stretch = if whole <= STRETCH / 3 * 2 { STRETCH } else { 2 * whole };
        if end - start <= stretch {
            return if start < end { std::iter::once(start..end).collect() } else { Vec::new() };
        }
        let hop = stretch - whole;
        let mut stretches = Vec::new();
        let mut from = start;
        while from + stretch < end {
            stretches.push(from..from + stretch);
            from += hop;
        }
        stretches.push(end - stretch..end);
        stretches
    }
}

fn marker_parts(stimulus: &Stimulus) -> Vec<Part> {
    let parts = stimulus.positions().parts.iter();
    parts.filter(|part| matches!(part.kind, PartKind::Marker { .. })).copied().collect()
}

/// Largest deviation of the found markers from their spacing within their triplets, in seconds.
fn residual(hypothesis: &Hypothesis, stimulus: &Stimulus) -> Option<f64> {
    let parts = marker_parts(stimulus);
    let spread = [Triplet::First, Triplet::Last].into_iter().filter_map(|triplet| {
        let offsets = hypothesis
            .markers
            .iter()
            .zip(&parts)
            .filter(|(marker, _)| marker.found && triplet_of(marker) == Some(triplet));
        let offsets = offsets.map(|(marker, part)| marker.frame as i64 - part.start as i64);
        let (low, high) = offsets.fold((i64::MAX, i64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        (low <= high).then(|| (high - low) as f64 / f64::from(stimulus.rate()))
    });
    spread.reduce(f64::max)
}

/// At least one triplet stands: is it ours, and is all of it there?
fn established(frames: usize, stimulus: &Stimulus, located: &Located, coverage: &Coverage) -> Presence {
    let rate = f64::from(stimulus.rate());
    let Some(timed) = &located.arrival else { return Presence::Absent };
    let place = |frame: usize| timed.line.start + (1.0 + timed.line.drift) * frame as f64;
    let recorded = |part: &Part| place(part.start) >= 0.0 && place(part.range().end) <= frames as f64;
    let hypothesis = &located.hypothesis;

    let mut heights: Vec<f64> = hypothesis
        .markers
        .iter()
        .zip(&hypothesis.peaks)
        .filter(|(marker, _)| marker.found)
        .map(|(_, peak)| f64::from(*peak))
        .collect();
    let usual = median(&mut heights).unwrap_or(0.0);
    // What was found must stand out so far that the lack of another marker cannot be chance.
    let telling = hypothesis.markers.iter().filter(|marker| marker.found).all(|marker| marker.psr >= 2.0 * MIN_PSR);

    let mut heard_until = 0;
    let mut missing: Vec<(usize, usize)> = Vec::new();
    let mut cut_off = false;
    for ((marker, peak), part) in hypothesis.markers.iter().zip(&hypothesis.peaks).zip(marker_parts(stimulus)) {
        // One marker of a triplet that was cut short agrees with nobody, but stands where it must.
        let in_place = (marker.frame as f64 - place(part.start)).abs() < SPACING_S * rate;
        if marker.found || (marker.psr >= MIN_PSR && in_place) {
            heard_until = heard_until.max(part.range().end);
        } else if !recorded(&part) {
            cut_off = true;
        } else if telling && f64::from(*peak) < 0.3 * usual {
            missing.push((part.start, part.range().end));
        }
    }

    let noise_power = stimulus.noise().map_or(0.0, |part| rms(&stimulus.samples()[part.range()]).powi(2));
    let ours = coverage.identity_z >= IDENTITY_Z;
    if ours {
        for block in &coverage.blocks {
            if block.heard {
                heard_until = heard_until.max(block.to);
            } else if block.recorded {
                missing.push((block.from, block.to));
            } else {
                cut_off = true;
            }
        }
    } else {
        // Something as loud as our noise, and not our noise: another code. Nothing there: it was cut off. Between: not proven.
        let gain = (timed.amplitude * timed.amplitude).max(f64::MIN_POSITIVE);
        let relative = coverage.gain_power / gain;
        let complete = [Triplet::First, Triplet::Last].into_iter().any(|triplet| hypothesis.established(triplet) == 3);
        if noise_power <= 0.0 || relative > 0.5 {
            return if telling { Presence::Foreign } else { Presence::Inconclusive { why: Reason::IdentityUnproven } };
        }
        if relative > 0.1 || !complete || !telling {
            return Presence::Inconclusive { why: Reason::IdentityUnproven };
        }
        if let Some(part) = stimulus.noise() {
            if recorded(part) {
                missing.push((part.start, part.range().end));
            } else {
                cut_off = true;
            }
        }
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for (from, to) in missing {
            match spans.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => spans.push((from, to)),
            }
        }
        let span = |(from, to): (usize, usize)| Span { from_s: from as f64 / rate, to_s: to as f64 / rate };
        return Presence::Partial {
            heard_until_s: heard_until as f64 / rate,
            missing: spans.into_iter().map(span).collect(),
        };
    }
    if cut_off {
        let have_s = (frames as f64 - timed.line.start.max(0.0)).max(0.0) / rate;
        return Presence::Inconclusive { why: Reason::TooShort { have_s, need_s: stimulus.duration_s() } };
    }
    Presence::Present
}

fn arrival(rate: u32, timed: &Timed, floor_power: Option<f64>) -> Outcome<Arrival> {
    let line = &timed.line;
    let per_second = f64::from(rate);
    if line.drift.abs() > MAX_DRIFT {
        return Outcome::Inconclusive(Reason::Drift { ppm: line.drift * 1e6 });
    }
    let residual_s = line.residual / per_second;
    if timed.unsteady {
        return Outcome::Inconclusive(Reason::Unsteady { residual_s });
    }
    let strongest_after_s = timed.strongest_after / per_second;
    if strongest_after_s.abs() > LINE_OF_SIGHT_S {
        return Outcome::Inconclusive(Reason::LineOfSight { apart_s: strongest_after_s });
    }
    // White noise with the density found in the band.
    let bound = floor_power.map_or(0.0, |floor| {
        let white = floor * per_second / 2.0 / (MARKER_BAND.1 - MARKER_BAND.0);
        cramer_rao(rate, 0.5 * timed.amplitude * timed.amplitude / white.max(1e-20))
    });
    let used = line.used as f64;
    let scatter = if line.used > 2 { residual_s * (used / (used - 2.0)).sqrt() } else { UNSEEN_SCATTER_S };
    let each = bound.max(scatter);
    Outcome::Measured(Arrival {
        frame: line.start,
        uncertainty_s: each * line.start_weight,
        drift_ppm: line.drift * 1e6,
        drift_uncertainty_ppm: each * per_second * line.drift_weight * 1e6,
        polarity: timed.polarity,
        markers: line.used,
        residual_s,
        strongest_after_s,
    })
}
