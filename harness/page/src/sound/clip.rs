//! A few seconds of a recording that a browser plays.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rigtone_audio::resample::Converter;
use rigtone_record::wav::encode_i16;

use super::Heard;

/// Frames a second of a clip: speech and music stay recognisable, and the page small.
const RATE: u32 = 16_000;
/// The longest clip, and what of it lies before the moment that matters.
const SECONDS: f64 = 3.0;
const BEFORE: f64 = 0.3;
/// The loudest sample of a clip, and by how much one is amplified at most.
const PEAK: f32 = 0.5;
const MOST_GAIN_DB: f64 = 50.0;

/// A clip.
#[derive(Debug)]
pub(crate) struct Clip {
    /// In seconds since the trial began.
    pub(crate) from: f64,
    pub(crate) seconds: f64,
    /// By how much it was amplified, in dB.
    pub(crate) gain_db: f64,
    /// A WAV file in base64.
    pub(crate) wav: String,
}

/// The rate of the clip of a recording: never a higher one.
pub(crate) fn rate_of(rate: u32) -> u32 {
    RATE.min(rate)
}

/// Cuts a clip around a time in seconds since the trial began.
pub(crate) fn cut(heard: &Heard, around: f64, converter: &Converter) -> Option<Clip> {
    let length = (SECONDS / heard.step) as usize;
    let latest = heard.samples.len().saturating_sub(length);
    let from = heard.frame(around - BEFORE).min(latest);
    let samples = heard.samples.get(from..(from + length).min(heard.samples.len()))?;
    let mut clip = vec![0.0f32; usize::try_from(converter.frames(samples.len() as u64)).ok()?];
    converter.convert(samples, 0, 0, &mut clip);
    let peak = clip.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
    // Silence stays silence.
    let gain = if peak > 1e-6 { f64::from(PEAK / peak) } else { 1.0 }.min(10f64.powf(MOST_GAIN_DB / 20.0));
    let samples: Vec<i16> =
        clip.iter().map(|s| (f64::from(*s) * gain * 32_767.0).clamp(-32_767.0, 32_767.0) as i16).collect();
    let rate = rate_of(heard.rate);
    let wav = encode_i16(rate, 1, &samples).ok()?;
    let seconds = samples.len() as f64 / f64::from(rate);
    Some(Clip { from: heard.at(from), seconds, gain_db: 20.0 * gain.log10(), wav: STANDARD.encode(wav) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: f32, seconds: usize) -> Heard {
        let omega = 2.0 * std::f64::consts::PI * 440.0 / 48_000.0;
        let samples = (0..48_000 * seconds).map(|n| amplitude * (omega * n as f64).sin() as f32).collect();
        Heard { rate: 48_000, samples, first: 10.0, step: 1.0 / 48_000.0 }
    }

    fn cut_at(heard: &Heard, around: f64) -> (Clip, Vec<i16>) {
        let clip = cut(heard, around, &Converter::new(48_000, 16_000)).unwrap();
        let wav = STANDARD.decode(&clip.wav).unwrap();
        let samples = wav[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        (clip, samples)
    }

    #[test]
    fn a_clip_lies_around_what_matters_and_says_by_how_much_it_was_amplified() {
        let (clip, samples) = cut_at(&tone(0.005, 20), 15.0);
        assert!((clip.from - 14.7).abs() < 1e-3 && (clip.seconds - 3.0).abs() < 1e-3, "{} {}", clip.from, clip.seconds);
        assert!((clip.gain_db - 40.0).abs() < 0.1, "{}", clip.gain_db);
        let peak = samples.iter().map(|s| s.abs()).max().unwrap();
        assert!((16_000..=16_400).contains(&peak), "{peak}");
    }

    #[test]
    fn a_clip_ends_with_its_recording_and_silence_stays_silent() {
        let (clip, _) = cut_at(&tone(0.5, 4), 13.9);
        assert!((clip.from + clip.seconds - 14.0).abs() < 1e-3);
        let (clip, samples) = cut_at(&tone(0.0, 1), 10.0);
        assert_eq!(clip.gain_db, 0.0);
        assert!(samples.iter().all(|s| *s == 0));
    }
}
