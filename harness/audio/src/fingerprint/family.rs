//! From bandwidth and residual to the family of the codec.

use schemars::JsonSchema;
use serde::Serialize;

use super::bandwidth::{Edge, NEED_SNR_DB, bandwidth};
use super::probe::Probe;
use super::residual::{BandResidual, lines, residuals};
use crate::excerpt::{Excerpt, outcome};
use crate::measure::{Outcome, Reason};

/// An edge below this is CVSD's, in Hz.
const CVSD_HZ: f64 = 4500.0;
/// An edge below this is that of the hands-free profile's wide band, in Hz.
const HANDS_FREE_HZ: f64 = 9500.0;
/// Edges of codecs for music lie from here on, in Hz.
const MUSIC_HZ: f64 = 15_000.0;
/// A steeper edge is a brick wall, in dB per kHz; SBC at bitpool 19 has 19.
const BRICK_WALL: f64 = 40.0;
/// A lasting fall of this and more below 9.5 kHz is no edge of 20 dB, but too deep to be called none.
const SUSPECT_DB: f64 = 14.0;
/// The band where identity is decided first.
const SPEECH_HZ: (f64, f64) = (500.0, 2000.0);
/// Lines over what fills the empty places there: the probe and no other sound.
const PRESENT_DB: f64 = 6.0;
/// The step of aptX at an eighth of the rate, in dB: there it is 10, in SBC 2.
const STEP_DB: f64 = 6.0;
/// The room must be quieter than the probe by so much for that, in dB.
const STEP_SNR_DB: f64 = 37.0;
/// Bands on either side of that step.
const STEP: [[usize; 2]; 2] = [[2, 3], [4, 5]];

/// What the sound allows to say about the codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Hands-free profile, narrow band: ends below 4.5 kHz.
    Cvsd,
    /// Hands-free profile, wide band: ends below 9.5 kHz.
    #[serde(rename = "msbc")]
    MSbc,
    /// A brick wall from 15 kHz on: AAC or LC3.
    BrickWall,
    /// A gentle edge from 15 kHz on: SBC at a low bitpool.
    SoftEdge,
    /// An edge that belongs to no codec known.
    OtherEdge,
    /// No edge: SBC or aptX.
    FullBand,
    /// No edge below 9.5 kHz; above, the noise hides whether there is one. Not the hands-free profile.
    NotHandsFree,
}

impl Family {
    /// The source fell back to the hands-free profile: it opened the microphone.
    pub fn is_hands_free(self) -> bool {
        matches!(self, Self::Cvsd | Self::MSbc)
    }
}

/// Bandwidth fingerprint.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fingerprint {
    /// The family.
    pub family: Family,
    /// The edge at -20 dB; none up to `clear_to_hz`.
    pub edge: Option<Edge>,
    /// Up to here the sound is whole, in Hz.
    pub clear_to_hz: f64,
    /// Ratio of the probe to the noise from 500 to 2000 Hz, in dB.
    pub snr_db: f64,
    /// Probe over residual in sixteen bands up to half the rate.
    pub residual: Vec<BandResidual>,
    /// Whether the sound is whole up to the top and its residual has the step of aptX at an eighth of the rate; SBC has none.
    pub staircase: Outcome<bool>,
}

/// The fingerprint of a recording of `probe` that starts with it (within 10 ms, drift taken out), and a stretch of the room's noise, best of 1 s
/// or more. Inconclusive if the probe is not what is heard, or if it is not 20 dB over the noise up to the edge or to 9.5 kHz: a fall back
/// to the hands-free profile must neither be missed nor made up.
pub fn fingerprint(recording: &Excerpt<'_>, probe: &Probe, noise: &Excerpt<'_>) -> Outcome<Fingerprint> {
    outcome(measure(recording, probe, noise))
}

fn measure(recording: &Excerpt<'_>, probe: &Probe, noise: &Excerpt<'_>) -> Result<Fingerprint, Reason> {
    recording.carries(2.0 * HANDS_FREE_HZ)?;
    let lines = lines(recording, probe, noise)?;
    let residual = residuals(&lines, probe);
    let place = |hz: f64| (hz / probe.line_hz()) as usize;
    let speech = place(SPEECH_HZ.0)..place(SPEECH_HZ.1);
    let mean = |wanted: &dyn Fn(usize) -> bool, values: &[f64]| {
        let all: Vec<f64> = speech.clone().filter(|line| wanted(*line)).map(|line| values[line]).collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    };
    let heard = mean(&|line| probe.lines[line] > 0.0, &lines.power);
    let gaps = mean(&|line| probe.is_empty_place(line), &lines.power);
    let floor = mean(&|_| true, &lines.noise);
    let snr_db = 10.0 * (heard.max(1e-30) / floor.max(1e-30)).log10();
    if snr_db < NEED_SNR_DB {
        let at_hz = (SPEECH_HZ.0 * SPEECH_HZ.1).sqrt();
        return Err(if snr_db < 0.0 {
            Reason::NotPresent
        } else {
            Reason::LowSnr { snr_db, need_db: NEED_SNR_DB, at_hz }
        });
    }
    if heard < 10f64.powf(PRESENT_DB / 10.0) * gaps {
        return Err(Reason::NotPresent);
    }
    let found = bandwidth(&lines, probe, HANDS_FREE_HZ);
    let family = match (found.edge, found.stopped) {
        (Some(edge), _) if edge.hz < CVSD_HZ => Family::Cvsd,
        (Some(edge), _) if edge.hz < HANDS_FREE_HZ => Family::MSbc,
        (None, Some(why)) if found.clear_to_hz < HANDS_FREE_HZ => return Err(why),
        _ if found.deepest_db >= SUSPECT_DB => {
            return Err(Reason::Undecided { figure_db: found.deepest_db, below_db: SUSPECT_DB, above_db: 20.0 });
        }
        (Some(edge), _) if edge.hz < MUSIC_HZ => Family::OtherEdge,
        (Some(edge), _) if edge.db_per_khz > BRICK_WALL => Family::BrickWall,
        (Some(_), _) => Family::SoftEdge,
        (None, None) => Family::FullBand,
        (None, Some(_)) => Family::NotHandsFree,
    };
    let staircase = outcome(staircase(&residual, family));
    Ok(Fingerprint { family, edge: found.edge, clear_to_hz: found.clear_to_hz, snr_db, residual, staircase })
}

fn staircase(residual: &[BandResidual], family: Family) -> Result<bool, Reason> {
    if !matches!(family, Family::FullBand | Family::NotHandsFree) {
        return Ok(false);
    }
    let [below, above] = STEP.map(|bands| bands.map(|band| residual[band]));
    let snr_db = below.iter().chain(&above).map(|band| band.room_snr_db).fold(f64::INFINITY, f64::min);
    let noisy = Reason::LowSnr { snr_db, need_db: STEP_SNR_DB, at_hz: above[0].low_hz };
    if snr_db < STEP_SNR_DB {
        return Err(noisy);
    }
    let mean = |bands: [BandResidual; 2]| match bands.map(|band| band.snr_db) {
        [Some(first), Some(second)] => Some((first + second) / 2.0),
        _ => None,
    };
    match (mean(below), mean(above)) {
        (Some(below), Some(above)) => Ok(below - above >= STEP_DB),
        // Less residual than can be seen above the step: then there is none. Below it only, it cannot be told.
        (_, None) => Ok(false),
        (None, Some(_)) => Err(noisy),
    }
}
