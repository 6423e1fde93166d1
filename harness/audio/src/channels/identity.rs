//! Which of the two codes one microphone hears.

use schemars::JsonSchema;
use serde::Serialize;

use super::codes::{CODE_BAND_HZ, CODE_FRAMES, ChannelTest, Content, PAUSE_S};
use super::polarity::{BEFORE_S, HEARD_DB, PolarityFound, found};
use crate::excerpt::{Excerpt, outcome};
use crate::fft::Fft;
use crate::impulse::{Arrival, Impulse};
use crate::measure::{Outcome, Reason};

/// One code so much louder than the other is heard alone.
const ALONE_DB: f64 = 10.0;
/// Codes of a mono sum are as loud as each other within this.
const EQUAL_DB: f64 = 3.0;
/// The direct sound and its first reflections: what levels are compared by, in seconds round the first arrival.
const EARLY_S: (f64, f64) = (0.0005, 0.005);
/// Stretch after the arrival over which responses are compared: it must hold reflections, which no two drivers share.
const COMPARED_S: f64 = 0.05;
/// Responses as alike as this come out of one driver: a sum.
const ONE_PATH: f64 = 0.95;
/// Responses less alike than this come out of two.
const TWO_PATHS: f64 = 0.9;
/// Arrivals so far apart are those of two drivers: 1.7 cm.
const APART_S: f64 = 50e-6;

/// What one microphone hears of the stream's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Carries {
    /// The left channel only, or louder by 10 dB.
    Left,
    /// The right channel only, or louder by 10 dB.
    Right,
    /// Both channels by one and the same path: a mono sum.
    Sum,
    /// Both channels by two paths: two drivers.
    Both,
}

/// One code at the microphone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CodeHeard {
    /// Level of direct sound and first reflections, dB re the code as played, 500 to 8000 Hz.
    pub db: f64,
    /// First arrival in seconds after the first frame of the recording's part.
    pub arrival_s: f64,
    /// Polarity of the first arrival.
    pub polarity: PolarityFound,
}

/// Which channels a microphone hears.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Heard {
    /// The answer.
    pub carries: Carries,
    /// Level of the left channel's code minus that of the right one's, in dB; a bound where one is not heard.
    pub ratio_db: f64,
    /// Standard uncertainty of the ratio in dB: noise only.
    pub uncertainty_db: f64,
    /// The ratio of their peaks while both play, in dB; none if neither stands out. What one code leaks into the other bounds it at 25 dB.
    pub together_db: Option<f64>,
    /// The left channel's code, if heard.
    pub left: Option<CodeHeard>,
    /// The right channel's code, if heard.
    pub right: Option<CodeHeard>,
    /// How alike the responses of the two are over 50 ms, 0 to 1; 1 is one path.
    pub likeness: Option<f64>,
}

/// Looks for both codes in a recording of `test` that starts with it (within 10 ms). Inconclusive if it is too short or clipped, if neither code
/// is heard, if the noise leaves the ratio open, or if it lies between the rules. A centred microphone in an anechoic room cannot tell two
/// equal drivers from one: there the answer is [`Carries::Sum`].
pub fn heard(recording: &Excerpt<'_>, test: &ChannelTest) -> Outcome<Heard> {
    outcome(measure(recording, test))
}

struct Code {
    impulse: Impulse,
    arrival: Option<Arrival>,
    /// Energy of the early response, noise taken out.
    energy: f64,
    /// Energy that noise adds to it, and the largest energy that would not have been heard.
    noise: f64,
    hidden: f64,
    /// Peak of the envelope.
    peak: f64,
}

fn measure(recording: &Excerpt<'_>, test: &ChannelTest) -> Result<Heard, Reason> {
    recording.runs_at(test.rate)?;
    recording.lasts(test.left.len())?;
    recording.unclipped()?;
    let samples = recording.to_f64();
    let mut fft = Fft::default();
    let mut code = |content: Content, reference: &[f64]| {
        let part = test.parts.iter().find(|part| part.content == content).unwrap_or(&test.parts[0]);
        let end = (part.start + CODE_FRAMES + (PAUSE_S * f64::from(test.rate)) as usize).min(samples.len());
        Code::new(&mut fft, &samples[part.start..end], reference, test.rate)
    };
    let (left, right) = (code(Content::LeftOnly, &test.left_code), code(Content::RightOnly, &test.right_code));
    let (left_too, right_too) = (code(Content::Both, &test.left_code), code(Content::Both, &test.right_code));
    let together_db = (left_too.arrival.is_some() || right_too.arrival.is_some())
        .then(|| 20.0 * (left_too.peak.max(1e-30) / right_too.peak.max(1e-30)).log10());

    let ratio_db = ratio_db(&left, &right);
    let mut likeness = None;
    let carries = match (&left.arrival, &right.arrival) {
        (None, None) => return Err(Reason::NotPresent),
        (Some(_), None) | (None, Some(_)) if ratio_db.abs() < ALONE_DB => {
            // The other might be there, 10 dB down, under the noise.
            let over = left.arrival.or(right.arrival).map_or(0.0, |arrival| arrival.over_noise_db);
            return Err(Reason::LowSnr { snr_db: over, need_db: HEARD_DB + ALONE_DB, at_hz: 2000.0 });
        }
        (Some(first), Some(second)) if ratio_db.abs() < ALONE_DB => {
            let alike = alike(&left, &right, first, second);
            likeness = Some(alike);
            let apart = (first.lag - second.lag).abs() / f64::from(test.rate) > APART_S;
            if apart || alike < TWO_PATHS {
                Carries::Both
            } else if ratio_db.abs() < EQUAL_DB && alike >= ONE_PATH {
                Carries::Sum
            } else {
                return Err(Reason::Undecided { figure_db: ratio_db, below_db: EQUAL_DB, above_db: ALONE_DB });
            }
        }
        _ if ratio_db > 0.0 => Carries::Left,
        _ => Carries::Right,
    };
    let relative = |code: &Code| if code.arrival.is_some() { code.noise / code.energy.max(1e-30) } else { 0.0 };
    let uncertainty_db = 10.0 / std::f64::consts::LN_10 * (2.0 * (relative(&left) + relative(&right))).sqrt();
    Ok(Heard { carries, ratio_db, uncertainty_db, together_db, left: left.heard()?, right: right.heard()?, likeness })
}

impl Code {
    fn new(fft: &mut Fft<f64>, samples: &[f64], reference: &[f64], rate: u32) -> Self {
        let per_second = f64::from(rate);
        let lags = ((BEFORE_S * per_second) as usize, (PAUSE_S * per_second) as usize);
        let impulse = Impulse::new(fft, samples, reference, rate, CODE_BAND_HZ, lags);
        let found = impulse.first_arrival();
        let at = found.map_or(impulse.before, |arrival| arrival.at);
        let span = at.saturating_sub((EARLY_S.0 * per_second) as usize)..at + (EARLY_S.1 * per_second) as usize;
        let rms = impulse.noise_before(at, 0.012);
        let noise = rms * rms * span.len() as f64;
        let energy = (impulse.rms(span.clone()).powi(2) * span.len() as f64 - noise).max(0.0);
        // A compact arrival at the threshold.
        let hidden = (10f64.powf(HEARD_DB / 20.0) * rms).powi(2) * impulse.unit_energy + noise;
        let arrival = found.filter(|arrival| arrival.over_noise_db >= HEARD_DB);
        let peak = impulse.envelope.iter().copied().fold(0.0, f64::max);
        Self { impulse, arrival, energy, noise, hidden, peak }
    }

    /// Energy, or the largest that would not have been heard.
    fn bound(&self) -> f64 {
        if self.arrival.is_some() { self.energy } else { self.hidden }
    }

    fn heard(&self) -> Result<Option<CodeHeard>, Reason> {
        let Some(arrival) = self.arrival else { return Ok(None) };
        Ok(Some(CodeHeard {
            db: 10.0 * (self.energy.max(1e-30) / self.impulse.unit_energy.max(1e-30)).log10(),
            arrival_s: arrival.lag / self.impulse.rate,
            polarity: found(&arrival)?,
        }))
    }
}

fn ratio_db(left: &Code, right: &Code) -> f64 {
    10.0 * (left.bound().max(1e-30) / right.bound().max(1e-30)).log10()
}

/// Largest normalised correlation of the two responses over the stretch compared, noise taken out of their energies.
fn alike(left: &Code, right: &Code, first: &Arrival, second: &Arrival) -> f64 {
    let frames = (COMPARED_S * left.impulse.rate) as usize;
    let cut = |code: &Code, at: usize, shift: i64| -> Vec<f64> {
        let start = at as i64 - 24 + shift;
        (start..start + frames as i64)
            .map(|n| usize::try_from(n).ok().and_then(|n| code.impulse.samples.get(n)).copied().unwrap_or(0.0))
            .collect()
    };
    let noise = |code: &Code, at: usize| code.impulse.noise_before(at, 0.012).powi(2) * frames as f64;
    let energy = |samples: &[f64]| samples.iter().map(|value| value * value).sum::<f64>();
    let one = cut(left, first.at, 0);
    let alone = (energy(&one) - noise(left, first.at)).max(1e-30);
    (-4..=4)
        .map(|shift| {
            let other = cut(right, second.at, shift);
            let both = (energy(&other) - noise(right, second.at)).max(1e-30);
            let product: f64 = one.iter().zip(&other).map(|(a, b)| a * b).sum();
            product.abs() / (alone * both).sqrt()
        })
        .fold(0.0, f64::max)
        .min(1.0)
}
