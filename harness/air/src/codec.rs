//! What a codec leaves of a sound: a band limit, and noise that follows the signal.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rigtone_audio::fft::{Complex, Fft};
use rigtone_audio::filter;
use rigtone_audio::signal::gaussian;

/// Noise follows the level of blocks of this many samples: one SBC frame.
const BLOCK: usize = 128;

/// A codec as far as it can be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Nothing lost.
    Pcm,
    /// SBC, joint stereo.
    Sbc {
        /// Its bitpool, 2 to 64 or more.
        bitpool: u8,
    },
    /// AAC.
    Aac {
        /// Its bit rate in kbit/s.
        kbit_s: u16,
    },
    /// aptX.
    AptX,
    /// aptX HD.
    AptXHd,
    /// LDAC at its best rate; no measured figures exist for it.
    Ldac,
    /// CVSD, the narrow band of the hands-free profile.
    Cvsd,
    /// mSBC, its wide band.
    MSbc,
}

impl Codec {
    /// Frequencies at which the codec is down by 3 and by 20 dB, measured on real encoders; none if it passes all.
    fn edge_hz(self) -> Option<(f64, f64)> {
        match self {
            Self::Pcm | Self::AptX | Self::AptXHd | Self::Ldac => None,
            Self::Sbc { bitpool } => (bitpool < 27).then_some((18_000.0, 18_900.0)),
            Self::Aac { kbit_s } => {
                let edge = between(&[(128.0, 17_300.0), (192.0, 19_500.0), (256.0, 21_800.0)], f64::from(kbit_s));
                Some((0.97 * edge, edge))
            }
            Self::Cvsd => Some((2760.0, 3460.0)),
            Self::MSbc => Some((7420.0, 8570.0)),
        }
    }

    /// Signal over coding noise in dB, one figure for the band of the markers.
    fn snr_db(self) -> Option<f64> {
        match self {
            Self::Pcm => None,
            Self::Sbc { bitpool } => Some(between(&[(19.0, 12.0), (35.0, 20.0), (53.0, 32.0)], f64::from(bitpool))),
            Self::Aac { kbit_s } => Some(between(&[(128.0, 15.0), (192.0, 24.0), (256.0, 27.0)], f64::from(kbit_s))),
            Self::AptX => Some(25.0),
            Self::AptXHd => Some(38.0),
            // No measurement: assumed.
            Self::Ldac => Some(38.0),
            Self::Cvsd => Some(12.0),
            Self::MSbc => Some(20.0),
        }
    }

    fn gain(self, frequency: f64) -> f64 {
        let Some((half_power, tenth)) = self.edge_hz() else { return 1.0 };
        // A Butterworth magnitude of the order that meets both points: at 20 dB down the ratio to the power of twice the order is 99.
        let exponent = 99f64.ln() / (tenth / half_power).ln();
        (1.0 + (frequency / half_power).powf(exponent)).sqrt().recip()
    }
}

/// Straight lines between points in rising order, level outside them.
fn between(points: &[(f64, f64)], x: f64) -> f64 {
    let x = x.clamp(points[0].0, points[points.len() - 1].0);
    let pair = points.windows(2).find(|pair| x <= pair[1].0).map_or(&points[..2], |pair| pair);
    pair[0].1 + (x - pair[0].0) * (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0)
}

/// What comes out of the decoder for `samples`, without the codec's delay. A codec is no gambler: the same samples give the same noise.
pub(crate) fn decode(fft: &mut Fft<f64>, codec: Codec, samples: &[f32], rate: u32) -> Vec<f64> {
    let mut sound: Vec<f64> = samples.iter().map(|sample| f64::from(*sample)).collect();
    if let Some(snr_db) = codec.snr_db() {
        let mut rng = ChaCha8Rng::seed_from_u64(0x00C0_DEC0);
        let share = 10f64.powf(-snr_db / 20.0);
        for block in sound.chunks_mut(BLOCK) {
            let level = (block.iter().map(|sample| sample * sample).sum::<f64>() / block.len() as f64).sqrt();
            for sample in block {
                *sample += share * level * gaussian(&mut rng);
            }
        }
    }
    if codec.edge_hz().is_none() {
        return sound;
    }
    filter::apply(fft, &sound, rate, 0, |frequency| Complex::new(codec.gain(frequency), 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_and_noise_are_those_measured_on_encoders() {
        let db = |codec: Codec, frequency: f64| 20.0 * codec.gain(frequency).log10();
        assert!((db(Codec::Cvsd, 2760.0) + 3.01).abs() < 0.01 && (db(Codec::Cvsd, 3460.0) + 20.0).abs() < 0.01);
        assert!((db(Codec::MSbc, 8570.0) + 20.0).abs() < 0.01);
        assert!((db(Codec::Aac { kbit_s: 128 }, 17_300.0) + 20.0).abs() < 0.01);
        assert_eq!(db(Codec::Sbc { bitpool: 53 }, 20_000.0), 0.0);
        // A2DP codecs do not droop at 60 Hz.
        for codec in [Codec::Sbc { bitpool: 19 }, Codec::Aac { kbit_s: 128 }, Codec::AptX] {
            assert!(db(codec, 60.0).abs() < 0.04);
        }
        assert_eq!(Codec::Sbc { bitpool: 44 }.snr_db(), Some(26.0));
        assert_eq!(Codec::Sbc { bitpool: 250 }.snr_db(), Some(32.0));
    }

    #[test]
    fn silence_stays_silent_and_noise_follows_the_signal() {
        let mut samples = vec![0.0f32; 12_800];
        for (n, sample) in samples[6400..].iter_mut().enumerate() {
            *sample = if n % 2 == 0 { 0.1 } else { -0.1 };
        }
        let out = decode(&mut Fft::default(), Codec::Sbc { bitpool: 35 }, &samples, 48_000);
        assert!(out[..6400].iter().all(|sample| *sample == 0.0));
        let noise = out[6400..].iter().zip(&samples[6400..]).map(|(a, b)| (a - f64::from(*b)).powi(2)).sum::<f64>();
        let snr = 10.0 * (0.01 / (noise / 6400.0)).log10();
        assert!((snr - 20.0).abs() < 0.3, "{snr} dB");
    }
}
