//! A sound of one channel, from a WAV file to the frames of a device.

use std::io::Cursor;

use hound::{SampleFormat, WavReader};
use rigtone_audio::resample::Converter;

/// Nothing that is said takes longer, in seconds.
const LONGEST_S: u64 = 120;

/// A sound of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mono {
    /// Samples a second.
    pub rate: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

impl Mono {
    /// What a WAV file of 16 bits holds; of several channels the first.
    ///
    /// # Errors
    /// When it is none, is empty, or holds samples of another kind.
    pub(crate) fn of_wav(bytes: &[u8]) -> Result<Self, String> {
        let reader =
            WavReader::new(Cursor::new(bytes)).map_err(|e| format!("it is no WAV file that can be read: {e}"))?;
        let spec = reader.spec();
        if (spec.sample_format, spec.bits_per_sample) != (SampleFormat::Int, 16) {
            return Err(format!(
                "it has samples of {} bits that are not read: save it as PCM of 16 bits",
                spec.bits_per_sample
            ));
        }
        if !(8_000..=192_000).contains(&spec.sample_rate) || spec.channels == 0 {
            return Err(format!("{} channels at {} Hz are not read", spec.channels, spec.sample_rate));
        }
        if u64::from(reader.duration()) > LONGEST_S * u64::from(spec.sample_rate) {
            return Err(format!("it lasts longer than {LONGEST_S} s"));
        }
        let first = reader.into_samples::<i16>().step_by(usize::from(spec.channels));
        let samples: Vec<i16> = first.collect::<Result<_, _>>().map_err(|e| format!("it ends too early: {e}"))?;
        if samples.is_empty() {
            return Err("it holds no samples".to_owned());
        }
        Ok(Self { rate: spec.sample_rate, samples })
    }

    /// Its level in dB relative to full scale: RMS over the stretches of 20 ms that are at most 20 dB softer than the loudest, so that pauses
    /// count for nothing (after the active speech level of ITU-T P.56).
    pub(crate) fn active_dbfs(&self) -> f64 {
        const SOFTER: f64 = 0.01;
        let power = |stretch: &[i16]| {
            stretch.iter().map(|x| (f64::from(*x) / 32768.0).powi(2)).sum::<f64>() / stretch.len().max(1) as f64
        };
        let powers: Vec<f64> = self.samples.chunks((self.rate / 50).max(1) as usize).map(power).collect();
        let loudest = powers.iter().copied().fold(0.0, f64::max);
        let active: Vec<f64> = powers.into_iter().filter(|power| *power >= SOFTER * loudest).collect();
        10.0 * (active.iter().sum::<f64>() / active.len().max(1) as f64).max(1e-20).log10()
    }

    /// The sound `db` louder; nothing where its peaks would be cut off.
    pub(crate) fn louder(&self, db: f64) -> Option<Self> {
        let gain = 10_f64.powf(db / 20.0);
        let scaled = |sample: &i16| {
            let value = (f64::from(*sample) * gain).round();
            (f64::from(i16::MIN)..=f64::from(i16::MAX)).contains(&value).then_some(value as i16)
        };
        let samples = self.samples.iter().map(scaled).collect::<Option<Vec<i16>>>()?;
        Some(Self { rate: self.rate, samples })
    }

    /// The frames of a device of that rate and so many channels, each of which gets the sound at `level_db` relative to itself.
    /// Where nothing is to be changed the samples stay as they are.
    #[cfg_attr(not(any(feature = "alsa", test)), expect(dead_code, reason = "without its driver nothing is played"))]
    pub(crate) fn frames(&self, rate: u32, channels: u16, level_db: f64) -> Vec<i16> {
        let unchanged = level_db == 0.0;
        let gain = 10_f64.powf(level_db.min(0.0) / 20.0) as f32;
        let scaled = |sample: f32| (sample * gain).round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16;
        let mono: Vec<i16> = if rate == self.rate {
            let at_level = |sample: &i16| if unchanged { *sample } else { scaled(f32::from(*sample)) };
            self.samples.iter().map(at_level).collect()
        } else {
            let signal: Vec<f32> = self.samples.iter().map(|sample| f32::from(*sample)).collect();
            let converter = Converter::new(self.rate, rate);
            let mut converted = vec![0.0; usize::try_from(converter.frames(signal.len() as u64)).unwrap_or_default()];
            converter.convert(&signal, 0, 0, &mut converted);
            converted.into_iter().map(scaled).collect()
        };
        mono.into_iter().flat_map(|sample| std::iter::repeat_n(sample, usize::from(channels))).collect()
    }
}

#[cfg(test)]
pub(crate) fn wav(rate: u32, channels: u16, bits: u16, samples: &[i16]) -> Vec<u8> {
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format: SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    samples.iter().for_each(|sample| writer.write_sample(i32::from(*sample)).expect("a sample"));
    writer.finalize().expect("whole");
    bytes.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn of_two_channels_the_first_is_taken() {
        let sound = Mono::of_wav(&wav(22_050, 2, 16, &[1, -1, 2, -2, 3, -3])).expect("a sound");
        assert_eq!(sound, Mono { rate: 22_050, samples: vec![1, 2, 3] });
    }

    #[rstest]
    #[case::no_wav(b"OggS....".to_vec(), "no WAV file")]
    #[case::empty(wav(48_000, 1, 16, &[]), "no samples")]
    #[case::bits(wav(48_000, 1, 24, &[1, 2]), "PCM of 16 bits")]
    #[case::cut(wav(48_000, 1, 16, &[1; 100])[..100].to_vec(), "")]
    #[case::rate(wav(400, 1, 16, &[1]), "are not read")]
    fn what_is_no_sound_is_refused(#[case] bytes: Vec<u8>, #[case] why: &str) {
        let said = Mono::of_wav(&bytes).expect_err("refused");
        assert!(said.contains(why), "{said}");
    }

    #[test]
    fn another_rate_keeps_length_and_pitch() {
        // 441 Hz: 50 samples a period at 22 050 Hz, so 100 periods.
        let tone =
            |rate: u32, n: usize| (8000.0 * (std::f64::consts::TAU * 441.0 * n as f64 / f64::from(rate)).sin()) as i16;
        let sound = Mono { rate: 22_050, samples: (0..5000).map(|n| tone(22_050, n)).collect() };
        let frames = sound.frames(44_100, 1, 0.0);
        assert_eq!(frames.len(), 10_000);
        let worst = (500..9500).map(|n| (i32::from(frames[n]) - i32::from(tone(44_100, n))).abs()).max();
        assert!(worst.is_some_and(|worst| worst < 16), "{worst:?}");
    }

    #[rstest]
    #[case::as_it_is(0.0, Some(vec![1000, -2000, 8000]))]
    #[case::half(-6.0206, Some(vec![500, -1000, 4000]))]
    #[case::twice(6.0206, Some(vec![2000, -4000, 16000]))]
    #[case::cut_off(20.0, None)]
    fn it_is_made_louder_as_far_as_its_peaks_allow(#[case] db: f64, #[case] due: Option<Vec<i16>>) {
        let sound = Mono { rate: 48_000, samples: vec![1000, -2000, 8000] };
        assert_eq!(sound.louder(db).map(|louder| louder.samples), due);
    }

    #[test]
    fn pauses_do_not_make_a_voice_softer() {
        // A square wave of a tenth of full scale has that RMS.
        let spoken: Vec<i16> = (0..4800).map(|n| if n % 2 == 0 { 3277 } else { -3277 }).collect();
        let paused = [vec![0; 9600], spoken.clone(), vec![1; 4800]].concat();
        for samples in [spoken, paused] {
            let level = Mono { rate: 48_000, samples }.active_dbfs();
            assert!((level + 20.0).abs() < 0.01, "{level}");
        }
    }

    #[test]
    fn six_decibels_less_is_half() {
        let sound = Mono { rate: 48_000, samples: vec![1000, -2000, i16::MIN] };
        assert_eq!(sound.frames(48_000, 2, -6.0206), [500, 500, -1000, -1000, -16384, -16384]);
    }

    proptest! {
        #[test]
        fn what_needs_no_change_stays_bit_for_bit(samples in prop::collection::vec(any::<i16>(), 1..300), channels in 1_u16..=8) {
            let sound = Mono { rate: 48_000, samples: samples.clone() };
            let frames = sound.frames(48_000, channels, 0.0);
            let expected: Vec<i16> = samples.iter().flat_map(|s| std::iter::repeat_n(*s, channels.into())).collect();
            prop_assert_eq!(frames, expected);
        }

        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Mono::of_wav(&bytes);
        }
    }
}
