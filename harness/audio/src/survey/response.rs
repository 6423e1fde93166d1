//! The figures of a response that a report shows.

use schemars::JsonSchema;
use serde::Serialize;

use crate::measure::{Outcome, Reason};
use crate::response::{Gate, Point, Response, Thd};

/// Bass is compared at this frequency in Hz.
const BASS_HZ: f64 = 60.0;
/// Corners lie so far below the middle of the band.
const CORNER_DB: f64 = 3.0;
/// The middle of the band in Hz: two octaves, because a room moves a single third.
const MIDDLE_HZ: (f64, f64) = (500.0, 2000.0);
/// Points of the curve to either side over which a corner is smoothed: a third of an octave in all.
const SMOOTH: usize = 2;
/// Fundamentals in Hz at which distortion is listed.
const FUNDAMENTALS_HZ: [f64; 6] = [125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0];

/// One point of the curve.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CurvePoint {
    /// Its frequency in Hz.
    pub hz: f64,
    /// The response there.
    pub gain: Outcome<Point>,
}

/// Distortion at one frequency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Distortion {
    /// The fundamental in Hz.
    pub hz: f64,
    /// Its distortion.
    pub thd: Outcome<Thd>,
}

/// A gain relative to that at 1 kHz (a third of an octave).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Relative {
    /// The frequency in Hz.
    pub hz: f64,
    /// The gain there over that at 1 kHz, in dB.
    pub db: f64,
    /// Its standard uncertainty in dB: noise only.
    pub uncertainty_db: f64,
    /// Response over noise at the frequency, in dB.
    pub snr_db: f64,
}

/// An end of the band: 3 dB below its middle (power mean from 500 to 2000 Hz), smoothed over a third of an octave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "corner")]
pub enum Corner {
    /// Here.
    At {
        /// Its frequency in Hz.
        hz: f64,
        /// Its standard uncertainty in Hz: grain of the curve and noise; the room's part is not in it.
        uncertainty_hz: f64,
    },
    /// Not up to the end of what was measured.
    Beyond {
        /// That end in Hz.
        hz: f64,
    },
}

/// A response in figures. Its absolute shape holds the room; compare two recordings at one geometry with [`crate::response::difference`].
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ResponseFigures {
    /// Gain at 1 kHz over a third of an octave.
    pub at_1_khz: Outcome<Point>,
    /// Gain at 60 Hz re 1 kHz.
    pub at_60_hz: Outcome<Relative>,
    /// The lower end of the band.
    pub lower_corner: Outcome<Corner>,
    /// The upper end of the band.
    pub upper_corner: Outcome<Corner>,
    /// The arrival over the noise in the impulse response, in dB.
    pub peak_over_noise_db: f64,
    /// The curve in steps of 1/12 octave, room included.
    pub curve: Vec<CurvePoint>,
    /// The curve from 500 Hz up without most of the room.
    pub direct: Vec<CurvePoint>,
    /// Harmonic distortion.
    pub distortion: Vec<Distortion>,
    /// The response itself, for differences.
    #[serde(skip)]
    pub response: Response,
}

impl ResponseFigures {
    pub(super) fn new(response: Response) -> Self {
        let points = |gate| -> Vec<CurvePoint> {
            response.curve(gate).into_iter().map(|(hz, gain)| CurvePoint { hz, gain }).collect()
        };
        let (curve, direct) = (points(Gate::Room), points(Gate::Direct));
        Self {
            at_1_khz: response.at_1_khz(),
            at_60_hz: relative(&response, BASS_HZ),
            lower_corner: corner(curve.iter().rev()),
            upper_corner: corner(curve.iter()),
            peak_over_noise_db: response.peak_over_noise_db(),
            curve,
            direct,
            distortion: FUNDAMENTALS_HZ.map(|hz| Distortion { hz, thd: response.thd(hz) }).to_vec(),
            response,
        }
    }

    /// The gain at `hz` re 1 kHz, smoothed over a sixth of an octave below 200 Hz and a twelfth above.
    pub fn relative(&self, hz: f64) -> Outcome<Relative> {
        relative(&self.response, hz)
    }
}

fn relative(response: &Response, hz: f64) -> Outcome<Relative> {
    match (response.at(hz, Gate::Room), response.at_1_khz()) {
        (Outcome::Measured(point), Outcome::Measured(middle)) => Outcome::Measured(Relative {
            hz,
            db: point.db - middle.db,
            uncertainty_db: point.uncertainty_db.hypot(middle.uncertainty_db),
            snr_db: point.snr_db,
        }),
        (Outcome::Inconclusive(why), _) | (_, Outcome::Inconclusive(why)) => Outcome::Inconclusive(why),
    }
}

/// The end of the band in the direction of `curve`, which runs through the middle to that end.
fn corner<'a>(curve: impl Iterator<Item = &'a CurvePoint> + Clone) -> Outcome<Corner> {
    let mut middle = Vec::new();
    for point in curve.clone().filter(|point| (MIDDLE_HZ.0..=MIDDLE_HZ.1).contains(&point.hz)) {
        match &point.gain {
            Outcome::Measured(gain) => middle.push(power(gain.db)),
            Outcome::Inconclusive(why) => return Outcome::Inconclusive(*why),
        }
    }
    let level = 10.0 * (middle.iter().sum::<f64>() / middle.len().max(1) as f64).log10() - CORNER_DB;
    // From the middle on, up to the first point without a value.
    let outwards: Vec<&CurvePoint> = {
        let from = curve.clone().position(|point| (point.hz - 1000.0).abs() < 1.0).unwrap_or(0);
        curve.skip(from).collect()
    };
    let stop = outwards.iter().position(|point| point.gain.measured().is_none());
    let known: Vec<Point> = outwards.iter().filter_map(|point| point.gain.measured().copied()).collect();
    let known = &known[..stop.unwrap_or(known.len()).min(known.len())];
    let smooth: Vec<f64> = (0..known.len())
        .map(|n| {
            let around = &known[n.saturating_sub(SMOOTH)..(n + SMOOTH + 1).min(known.len())];
            10.0 * (around.iter().map(|point| power(point.db)).sum::<f64>() / around.len() as f64).log10()
        })
        .collect();
    // The last point above: a dip that a room makes within the band is no corner.
    let Some(inner) = smooth.iter().rposition(|db| *db >= level) else {
        return Outcome::Inconclusive(Reason::NotPresent);
    };
    let Some(outer) = known.get(inner + 1) else {
        return match stop.map(|stop| &outwards[stop].gain) {
            Some(Outcome::Inconclusive(why)) => Outcome::Inconclusive(*why),
            _ => Outcome::Measured(Corner::Beyond { hz: known[inner].hz }),
        };
    };
    let slope = (smooth[inner] - smooth[inner + 1]).max(1e-6);
    let share = (smooth[inner] - level) / slope;
    let octaves = (outer.hz / known[inner].hz).log2();
    let noise = outer.uncertainty_db / slope / ((2 * SMOOTH + 1) as f64).sqrt();
    let hz = known[inner].hz * (octaves * share).exp2();
    let uncertainty_hz = hz * std::f64::consts::LN_2 * octaves.abs() * noise.hypot(12f64.sqrt().recip());
    Outcome::Measured(Corner::At { hz, uncertainty_hz })
}

fn power(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}
