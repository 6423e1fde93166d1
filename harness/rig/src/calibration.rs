//! Measuring the rig's own microphones, and holding what was measured against the rig that is there.

mod path;

use std::rc::Rc;

use async_trait::async_trait;
use rigtone_audio::{
    excerpt::Excerpt,
    loudness::Calibration as Figure,
    measure::{Outcome, Reason},
};
use rigtone_model::{
    document::{Calibration, Rig, Worth},
    trial::InfrastructureFault,
};
use thiserror::Error;

pub use path::{Path, ROUNDS_AT_MOST, Walk, path};

use crate::{
    bench::Bench,
    capability::{Captured, Microphone, Recording},
    clock::Instant,
};

/// What starting and ending a recording may take beside it.
const ROUND_NS: i64 = 20_000_000_000;
/// A calibrator that sits well keeps its level within this from second to second, in dB.
const STEADY_DB: f64 = 0.3;
/// The stretches that are compared, in seconds.
const STRETCH_S: f64 = 1.0;
/// What seating a calibrator once more may change, as a standard uncertainty in dB.
const SEATING_DB: f64 = 0.1;
/// Full scale of any microphone lies between these, in dB SPL.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 60.0..=150.0;

/// The tone of a calibrator that sits on a microphone.
#[derive(Debug, Clone, Copy)]
pub struct Tone {
    /// Its sound pressure level in dB SPL, at 1 kHz.
    pub spl_db: f64,
    /// Its standard uncertainty in dB.
    pub uncertainty_db: f64,
    /// How long it is listened to, in nanoseconds.
    pub listen_ns: i64,
}

/// What a calibrator showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The sound pressure level of a full-scale signal, in dB SPL.
    pub full_scale_db: f64,
    /// Its standard uncertainty in dB: of the calibrator, of the tone as it was heard, and of seating it once more.
    pub uncertainty_db: f64,
    /// How much the loudest second lay over the quietest, in dB.
    pub spread_db: f64,
    /// How long it was listened to, in seconds.
    pub seconds: f64,
}

/// Why a microphone was not calibrated.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refused {
    /// The rig has no such microphone.
    #[error("there is no microphone `{0}`")]
    NoSuch(String),
    /// The rig has no such loudspeaker.
    #[error("there is no loudspeaker `{name}`{}", if *.simulated { ": its world is simulated, and nothing plays in it" } else { "" })]
    NoLoudspeaker {
        /// The name.
        name: String,
        /// Whether the rig is a simulated one, which has none.
        simulated: bool,
    },
    /// The rig failed.
    #[error(transparent)]
    Fault(#[from] InfrastructureFault),
    /// The sound of a loudspeaker did not come to a microphone as it should.
    #[error("from `{loudspeaker}` to `{microphone}`: {what}")]
    NoPath {
        /// The microphone.
        microphone: String,
        /// The loudspeaker.
        loudspeaker: String,
        /// What is wrong.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// What was heard is not the tone of a calibrator.
    #[error("what `{microphone}` heard is not the steady tone of a calibrator: {what}")]
    NoTone {
        /// The microphone.
        microphone: String,
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: &'static str,
    },
}

impl Refused {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSuch(_) => "write a name under `microphones` of the rig's document".to_owned(),
            Self::NoLoudspeaker { simulated: true, .. } => "measure a rig that stands somewhere".to_owned(),
            Self::NoLoudspeaker { .. } => "write a name under `loudspeakers` of the rig's document".to_owned(),
            Self::Fault(fault) => fault.hint.clone().unwrap_or_else(|| "see `rigtone rig check`".to_owned()),
            Self::NoTone { hint, .. } | Self::NoPath { hint, .. } => (*hint).to_owned(),
        }
    }
}

/// Listens to the calibrator on a microphone. Cancel-safe: the recording ends.
///
/// # Errors
/// When the microphone does not deliver, or what it hears is no clean and steady tone of 1 kHz.
pub async fn level(bench: &Bench, microphone: &str, tone: Tone) -> Result<Level, Refused> {
    let device = bench.microphones.get(microphone).ok_or_else(|| Refused::NoSuch(microphone.to_owned()))?;
    let deadline = bench.clock.now().plus(tone.listen_ns.saturating_add(ROUND_NS));
    let recording = device.start(deadline).await?;
    bench.clock.sleep_until(bench.clock.now().plus(tone.listen_ns)).await;
    let captured = recording.stop(deadline).await?;
    of_recording(&captured, tone).map_err(|(what, hint)| Refused::NoTone {
        microphone: microphone.to_owned(),
        what,
        hint,
    })
}

const SEAT: &str = "seat the calibrator, turn it on, and keep the room quiet";
const GAIN: &str = "turn the gain of the card down (`alsamixer`), and leave it there from then on";

/// What a recording of a calibrator says, or what is wrong with it and what to do.
fn of_recording(captured: &Captured, tone: Tone) -> Result<Level, (String, &'static str)> {
    let samples = captured.samples.scaled(captured.channel, captured.channels);
    let whole = Excerpt::new(captured.rate, &samples).map_err(|fault| (fault.to_string(), "check the microphone"))?;
    let figure = |excerpt: &Excerpt<'_>| match Figure::of(excerpt, tone.spl_db, tone.uncertainty_db) {
        Outcome::Measured(figure) => Ok(figure),
        Outcome::Inconclusive(reason @ Reason::Clipped { .. }) => Err((reason.to_string(), GAIN)),
        Outcome::Inconclusive(reason) => Err((reason.to_string(), SEAT)),
    };
    let of_whole = figure(&whole)?;
    let length = (STRETCH_S * f64::from(captured.rate)) as usize;
    let mut stretches = Vec::new();
    for number in 0..samples.len() / length.max(1) {
        let stretch = whole.cut(number * length, length).map_err(|reason| (reason.to_string(), SEAT))?;
        stretches.push(figure(&stretch)?.full_scale_db);
    }
    let (low, high) =
        stretches.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), db| (low.min(*db), high.max(*db)));
    if stretches.len() < 2 {
        return Err((format!("{:.1} s are too short to tell", whole.seconds()), "listen for 2 s at least"));
    }
    if high - low > STEADY_DB {
        let hint = "seat the calibrator again; where it still moves, turn automatic gain control off (`alsamixer`)";
        return Err((format!("its level moves by {:.1} dB from second to second", high - low), hint));
    }
    if !PLAUSIBLE.contains(&of_whole.full_scale_db) {
        let what = format!("full scale would be {:.1} dB SPL, as of no microphone", of_whole.full_scale_db);
        return Err((
            what,
            "see that `--level` is what is written on the calibrator, and that it sits on this microphone",
        ));
    }
    let n = stretches.len() as f64;
    let mean = stretches.iter().sum::<f64>() / n;
    let deviation = (stretches.iter().map(|db| (db - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    Ok(Level {
        full_scale_db: of_whole.full_scale_db,
        uncertainty_db: of_whole.uncertainty_db.hypot(deviation).hypot(SEATING_DB),
        spread_db: high - low,
        seconds: whole.seconds(),
    })
}

/// Holds what was measured against the microphones that are there. Of another one in its place, or at another port, nothing is used, and
/// it is told. Of one whose loopback was measured, and whose document does not state how well its time is known, that is known then.
pub fn hold(bench: &mut Bench, rig: &Rig, calibration: &Calibration, today: &str) -> Vec<String> {
    let mut told = Vec::new();
    let another = |name: &str, of: &String, there: Option<String>| {
        let there = there.unwrap_or_else(|| "not known".to_owned());
        format!(
            "the calibration of `{name}` is not used: it was measured of {of}, and what is there is {there}; calibrate it anew"
        )
    };
    for (name, measured) in calibration.microphones.iter().filter(|(name, _)| bench.microphones.contains_key(*name)) {
        let there = bench.keeper.identity(name);
        if there.as_ref() != Some(&measured.of) {
            bench.calibrated.remove(name);
            told.push(another(name, &measured.of, there));
        }
    }
    for (name, paths) in &calibration.paths {
        let Some(document) = rig.microphones.get(name) else { continue };
        // With a wire beside it no clock of a card is asked.
        let by_wire = document.alsa.as_ref().is_none_or(|alsa| alsa.reference.is_some());
        if by_wire || document.latency_uncertainty.is_some() {
            continue;
        }
        let Some(inner) = bench.microphones.get(name).cloned() else { continue };
        let there = bench.keeper.identity(name);
        let mut known = None;
        for measured in paths.values() {
            if there.as_ref() != Some(&measured.of) {
                told.push(another(name, &measured.of, there.clone()));
            } else if matches!(measured.worth(today), Worth::Holds | Worth::Ends(_)) {
                // Of several the worst: which of the two cards is off cannot be told from here.
                known = known.max(Some(measured.bound().ns()));
            }
        }
        if let Some(uncertainty_ns) = known {
            bench.microphones.insert(name.clone(), Rc::new(Known { inner, uncertainty_ns }));
        }
    }
    told
}

/// A microphone whose time was measured.
struct Known {
    inner: Rc<dyn Microphone>,
    uncertainty_ns: i64,
}

#[async_trait(?Send)]
impl Microphone for Known {
    async fn start(&self, deadline: Instant) -> Result<Box<dyn Recording>, InfrastructureFault> {
        self.inner.start(deadline).await
    }

    fn latency_uncertainty_ns(&self) -> i64 {
        self.uncertainty_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::f64::consts::TAU;

    const TONE: Tone = Tone { spl_db: 94.0, uncertainty_db: 0.2, listen_ns: 4_000_000_000 };
    const RATE: u32 = 48_000;

    /// Four seconds of a tone of a level that depends on the time, with noise from a small generator, on the second of two channels.
    fn heard(hz: f64, level_dbfs: impl Fn(f64) -> f64, noise_dbfs: f64) -> Captured {
        let mut state = 7_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Uniform between -1 and 1: its power is a third.
            ((state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0) * 3f64.sqrt()
        };
        let mut samples = Vec::new();
        for frame in 0..4 * RATE {
            let t = f64::from(frame) / f64::from(RATE);
            let tone = 2f64.sqrt() * 10f64.powf(level_dbfs(t) / 20.0) * (TAU * hz * t).sin();
            let sample = tone + 10f64.powf(noise_dbfs / 20.0) * noise();
            samples.extend([0, (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16]);
        }
        Captured {
            rate: RATE,
            channels: 2,
            channel: 1,
            reference: None,
            samples: samples.into(),
            anchors: Vec::new(),
            residual_ns: 0,
            received: None,
        }
    }

    #[rstest]
    #[case(94.0, -26.0, 1000.0, 120.0)]
    #[case(114.0, -11.5, 1004.0, 125.5)]
    #[case(94.0, -40.0, 997.0, 134.0)]
    fn full_scale_is_the_calibrators_level_less_what_is_read(
        #[case] spl_db: f64,
        #[case] reads_dbfs: f64,
        #[case] hz: f64,
        #[case] full_scale_db: f64,
    ) {
        let level = of_recording(&heard(hz, |_| reads_dbfs, -80.0), Tone { spl_db, ..TONE }).expect("a clean tone");
        assert!((level.full_scale_db - full_scale_db).abs() < 0.05, "{level:?}");
        assert!((0.2..0.3).contains(&level.uncertainty_db) && level.spread_db < 0.05, "{level:?}");
    }

    #[rstest]
    #[case::noise(heard(1000.0, |_| -26.0, -40.0), "dB", SEAT)]
    #[case::no_tone(heard(1000.0, |_| -200.0, -60.0), "dB", SEAT)]
    #[case::another_tone(heard(250.0, |_| -26.0, -90.0), "dB", SEAT)]
    #[case::too_loud(heard(1000.0, |_| 1.0, -90.0), "full scale", GAIN)]
    #[case::dead(heard(1000.0, |_| -200.0, -200.0), "", SEAT)]
    #[case::moves(heard(1000.0, |t| -26.0 + 0.4 * t, -90.0), "its level moves by 1.2 dB", "gain control")]
    #[case::slips(heard(1000.0, |t| if t < 2.5 { -26.0 } else { -30.0 }, -90.0), "its level moves by", "gain control")]
    #[case::too_faint(heard(1000.0, |_| -60.0, -95.0), "154.0 dB SPL, as of no microphone", "--level")]
    fn what_is_no_clean_and_steady_tone_is_refused(#[case] heard: Captured, #[case] what: &str, #[case] to_do: &str) {
        let (said, hint) = of_recording(&heard, TONE).expect_err("no calibrator");
        assert!(said.contains(what) && hint.contains(to_do), "{said}; {hint}");
    }

    #[test]
    fn a_moment_is_too_short() {
        let mut short = heard(1000.0, |_| -26.0, -90.0);
        let both: Vec<i16> = short.samples.channel(1, 2).take(RATE as usize).flat_map(|s| [0, s as i16]).collect();
        short.samples = both.into();
        assert!(of_recording(&short, TONE).expect_err("one second").0.contains("too short"));
    }
}
