//! The level ladder: the same noise at six levels, up and down, shows whether the chain from stream to recording keeps its gain.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::Serialize;

use super::spectrum::Spectrum;
use crate::excerpt::{Excerpt, outcome};
use crate::fft::{Complex, Fft};
use crate::filter::{apply, bandpass_zero_phase};
use crate::measure::{Outcome, Reason, dbfs};
use crate::signal::gaussian;
use crate::window::tukey;

/// Levels of the steps in dB re full scale (RMS).
pub const LADDER_DBFS: [f64; 6] = [-40.0, -30.0, -20.0, -10.0, -20.0, -30.0];
/// Length of a step in seconds.
pub const LADDER_STEP_S: f64 = 0.4;

/// Third of an octave round 1 kHz.
const NOISE_HZ: (f64, f64) = (891.25, 1122.02);
/// Clipped here the loudest step peaks below -1 dBFS.
const CLIP_SIGMA: f64 = 2.8;
/// Band in which steps are measured: the noise with its skirts.
const BAND_HZ: (f64, f64) = (800.0, 1250.0);
/// Stretch of a step that is measured, as shares of it: the reverberation of a louder step before it has decayed, the edge is left out.
const STRETCH: (f64, f64) = (0.5, 0.975);
/// A step below this ratio to the noise is left out, in dB.
const STEP_SNR_DB: f64 = 10.0;
/// Least span of levels that a slope rests on, in dB.
const SPAN_DB: f64 = 20.0;
/// What rooms and clipping leave on a step, in dB.
const STEP_DB: f64 = 0.05;
/// A linear chain has a slope of 1 within this.
const SLOPE_LIMIT: f64 = 0.03;
/// A linear chain gives the same level up and down within this, in dB.
const HYSTERESIS_LIMIT_DB: f64 = 0.5;
/// A linear chain keeps its gain within a step; a room with RT60 0.6 s moves it by 2 dB/s after a louder step.
const IN_STEP_LIMIT_DB_S: f64 = 4.0;

/// One step of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct LadderStep {
    /// Its level in dB re full scale (RMS).
    pub dbfs: f64,
    /// Its first frame.
    pub start: usize,
    /// Its length in frames.
    pub frames: usize,
}

/// The ladder as it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// Frames per second.
    pub rate: u32,
    /// One channel, full scale 1.0, peak below -1 dBFS.
    pub samples: Vec<f64>,
    /// Its steps.
    pub steps: Vec<LadderStep>,
}

/// Generates the ladder: noise of a third of an octave at 1 kHz, the same samples in every step, so that the levels of two steps differ by what
/// the chain does and not by chance.
pub fn ladder(rate: u32, code: u32) -> Ladder {
    let frames = (LADDER_STEP_S * f64::from(rate)).round() as usize;
    let mut rng = ChaCha8Rng::seed_from_u64(0x1add << 32 | u64::from(code));
    let white: Vec<f64> = (0..frames).map(|_| gaussian(&mut rng)).collect();
    let response = |hz| Complex::new(bandpass_zero_phase(hz, NOISE_HZ.0, NOISE_HZ.1), 0.0);
    let noise = apply(&mut Fft::default(), &white, rate, 0, response);
    let rms = (noise.iter().map(|sample| sample * sample).sum::<f64>() / frames.max(1) as f64).sqrt();
    let fade = tukey(frames, 0.05);
    let step: Vec<f64> =
        noise.iter().zip(fade).map(|(sample, fade)| fade * (sample / rms).clamp(-CLIP_SIGMA, CLIP_SIGMA)).collect();
    let mut samples = Vec::with_capacity(frames * LADDER_DBFS.len());
    let mut steps = Vec::new();
    for dbfs in LADDER_DBFS {
        steps.push(LadderStep { dbfs, start: samples.len(), frames });
        let gain = 10f64.powf(dbfs / 20.0);
        samples.extend(step.iter().map(|sample| gain * sample));
    }
    Ladder { rate, samples, steps }
}

/// One step as it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct StepLevel {
    /// Level played, in dB re full scale.
    pub played_dbfs: f64,
    /// Level recorded, noise taken out.
    pub recorded_dbfs: f64,
    /// Its standard uncertainty in dB.
    pub uncertainty_db: f64,
    /// Ratio to the noise in dB, 800 to 1250 Hz.
    pub snr_db: f64,
}

/// Whether the chain of levels is linear.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Chain {
    /// Gain control or compression: a limit below is broken by more than two standard uncertainties.
    pub controlled: bool,
    /// Recorded over played level in dB per dB; linear is 1.00 +- 0.03.
    pub slope: f64,
    /// Its standard uncertainty.
    pub slope_uncertainty: f64,
    /// Largest level on the way down minus that on the way up at the same step, in dB; linear is within 0.5.
    pub hysteresis_db: f64,
    /// Its standard uncertainty in dB.
    pub hysteresis_uncertainty_db: f64,
    /// How differently the gain moves within steps after a rise and after a fall, in dB/s; linear is within 4.
    pub in_step_db_per_s: f64,
    /// Its standard uncertainty in dB/s.
    pub in_step_uncertainty_db_per_s: f64,
    /// The steps that stood out of the noise.
    pub steps: Vec<StepLevel>,
}

impl Chain {
    /// The reason that other levels have for being inconclusive under this chain.
    pub fn reason(&self) -> Reason {
        Reason::GainControl { slope: self.slope, hysteresis_db: self.hysteresis_db }
    }
}

/// A step with the change of its gain from the first to the second half of the stretch.
struct Step {
    level: StepLevel,
    rising: Option<bool>,
    change_db: f64,
    change_uncertainty_db: f64,
}

/// Judges the chain from a recording of the ladder whose first frame is the ladder's (within 10 ms), and from noise without signal. Inconclusive
/// if steps over a span of 20 dB, up and down, do not stand 10 dB out of the noise, or if a figure cannot be told from its limit.
pub fn chain(recording: &Excerpt<'_>, ladder: &Ladder, noise: &Excerpt<'_>) -> Outcome<Chain> {
    outcome(measure(recording, ladder, noise))
}

fn measure(recording: &Excerpt<'_>, ladder: &Ladder, noise: &Excerpt<'_>) -> Result<Chain, Reason> {
    recording.runs_at(ladder.rate)?;
    noise.runs_at(ladder.rate)?;
    recording.lasts(ladder.samples.len())?;
    recording.unclipped()?;
    noise.unclipped()?;
    let steps = steps(recording, ladder, noise)?;
    let heard = steps.iter().map(|step| step.level.played_dbfs);
    let span = heard.clone().fold(f64::MIN, f64::max) - heard.fold(f64::MAX, f64::min);
    let pairs: Vec<(&Step, &Step)> = steps
        .iter()
        .enumerate()
        .flat_map(|(n, up)| steps[n + 1..].iter().map(move |down| (up, down)))
        .filter(|(up, down)| up.level.played_dbfs == down.level.played_dbfs)
        .collect();
    let Some(widest) =
        pairs.iter().map(|(up, down)| difference(up, down)).max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))
    else {
        return Err(too_noisy(&steps));
    };
    if span < SPAN_DB {
        return Err(too_noisy(&steps));
    }
    let (slope, slope_uncertainty) = slope(&steps);
    let (in_step, in_step_uncertainty) = in_step(&steps, ladder.rate, ladder.steps[0].frames);
    let figures = [
        ((slope - 1.0).abs(), slope_uncertainty, SLOPE_LIMIT),
        (widest.0.abs(), widest.1, HYSTERESIS_LIMIT_DB),
        (in_step.abs(), in_step_uncertainty, IN_STEP_LIMIT_DB_S),
    ];
    let controlled = figures.iter().any(|(value, uncertainty, limit)| value - 2.0 * uncertainty > *limit);
    // Neither broken nor kept for certain: the noise decides, and it must not.
    let open = figures.iter().any(|(value, uncertainty, limit)| value > limit && value - 2.0 * uncertainty <= *limit);
    if !controlled && open {
        return Err(too_noisy(&steps));
    }
    Ok(Chain {
        controlled,
        slope,
        slope_uncertainty,
        hysteresis_db: widest.0,
        hysteresis_uncertainty_db: widest.1,
        in_step_db_per_s: in_step,
        in_step_uncertainty_db_per_s: in_step_uncertainty,
        steps: steps.iter().map(|step| step.level).collect(),
    })
}

fn steps(recording: &Excerpt<'_>, ladder: &Ladder, noise: &Excerpt<'_>) -> Result<Vec<Step>, Reason> {
    let power = |excerpt: &Excerpt<'_>| -> Result<f64, Reason> {
        Ok(Spectrum::new(excerpt, excerpt.samples().len() / 2 * 2)?.band(BAND_HZ.0, BAND_HZ.1))
    };
    let played: Vec<f32> = ladder.samples.iter().map(|sample| *sample as f32).collect();
    let played = Recorded(&played, ladder.rate);
    let density = Spectrum::new(noise, super::spectrum::level_size(noise)?)?.band(BAND_HZ.0, BAND_HZ.1);
    let floor = density.max(1e-30);
    let mut out = Vec::new();
    let mut before: Option<f64> = None;
    for step in &ladder.steps {
        let place = |share: f64| (share * step.frames as f64).round() as usize;
        let (from, frames) = (step.start + place(STRETCH.0), place(STRETCH.1) - place(STRETCH.0));
        let half = frames / 2;
        // Ratio of recorded to played power: what the noise happens to do in this stretch cancels.
        let gain = |from: usize, frames: usize| -> Result<f64, Reason> {
            Ok((power(&recording.cut(from, frames)?)? - floor).max(1e-30) / played.power(from, frames, power)?)
        };
        let whole = gain(from, frames)?;
        let change_db = 10.0 * (gain(from + half, half)? / gain(from, half)?).log10();
        let played_power = 10f64.powf(step.dbfs / 10.0);
        let snr = whole * played_power / floor;
        let scatter = |seconds: f64| {
            let values = (BAND_HZ.1 - BAND_HZ.0) * seconds;
            10.0 / std::f64::consts::LN_10 * ((2.0 / snr + 1.0 / (snr * snr)) / values).sqrt()
        };
        let seconds = frames as f64 / f64::from(ladder.rate);
        let rising = before.map(|before| step.dbfs > before);
        before = Some(step.dbfs);
        out.push(Step {
            level: StepLevel {
                played_dbfs: step.dbfs,
                recorded_dbfs: dbfs((whole * played_power).sqrt()),
                uncertainty_db: scatter(seconds),
                snr_db: 10.0 * snr.log10(),
            },
            rising,
            change_db,
            change_uncertainty_db: 2.0 * scatter(seconds),
        });
    }
    let heard = |step: &Step| step.level.snr_db >= STEP_SNR_DB;
    if !out.iter().any(heard) {
        return Err(too_noisy(&out));
    }
    out.retain(heard);
    Ok(out)
}

/// What was played, measured like what was recorded.
struct Recorded<'a>(&'a [f32], u32);

impl Recorded<'_> {
    fn power(
        &self,
        from: usize,
        frames: usize,
        power: impl Fn(&Excerpt<'_>) -> Result<f64, Reason>,
    ) -> Result<f64, Reason> {
        let step = self.0.get(from..from + frames).unwrap_or_default();
        let excerpt =
            Excerpt::new(self.1, step).map_err(|_| Reason::TooShort { have_s: 0.0, need_s: LADDER_STEP_S })?;
        Ok(power(&excerpt)?.max(1e-30))
    }
}

fn difference(up: &Step, down: &Step) -> (f64, f64) {
    let scatter = up.level.uncertainty_db.hypot(down.level.uncertainty_db).hypot(STEP_DB);
    (down.level.recorded_dbfs - up.level.recorded_dbfs, scatter)
}

/// Weighted straight line through the levels.
fn slope(steps: &[Step]) -> (f64, f64) {
    let weighed: Vec<(f64, f64, f64)> = steps
        .iter()
        .map(|step| {
            let weight = step.level.uncertainty_db.hypot(STEP_DB).powi(2).recip();
            (step.level.played_dbfs, step.level.recorded_dbfs, weight)
        })
        .collect();
    let sum = |value: fn(&(f64, f64, f64)) -> f64| weighed.iter().map(|point| point.2 * value(point)).sum::<f64>();
    let total = sum(|_| 1.0);
    let (x, y) = (sum(|point| point.0) / total, sum(|point| point.1) / total);
    let spread: f64 = weighed.iter().map(|point| point.2 * (point.0 - x).powi(2)).sum();
    let product: f64 = weighed.iter().map(|point| point.2 * (point.0 - x) * (point.1 - y)).sum();
    (product / spread, spread.sqrt().recip())
}

/// Change of the gain within steps after a rise minus that within steps after a fall, in dB/s: what room and noise do to every step cancels.
fn in_step(steps: &[Step], rate: u32, frames: usize) -> (f64, f64) {
    let apart_s = (STRETCH.1 - STRETCH.0) / 2.0 * frames as f64 / f64::from(rate);
    let mean = |rising: bool| -> Option<(f64, f64)> {
        let group: Vec<&Step> = steps.iter().filter(|step| step.rising == Some(rising)).collect();
        let n = group.len() as f64;
        let value = group.iter().map(|step| step.change_db).sum::<f64>() / n;
        let scatter = group.iter().map(|step| step.change_uncertainty_db.powi(2)).sum::<f64>().sqrt() / n;
        (!group.is_empty()).then_some((value / apart_s, scatter / apart_s))
    };
    match (mean(true), mean(false)) {
        (Some(up), Some(down)) => (up.0 - down.0, up.1.hypot(down.1)),
        _ => (0.0, 0.0),
    }
}

fn too_noisy(steps: &[Step]) -> Reason {
    let best = steps.iter().map(|step| step.level.snr_db).fold(f64::MIN, f64::max);
    Reason::LowSnr { snr_db: best, need_db: STEP_SNR_DB + SPAN_DB, at_hz: 1000.0 }
}
