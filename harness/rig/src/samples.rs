//! Samples as a converter made them, in its own width.

use std::sync::Arc;

use rigtone_model::document::SampleWidth;

/// Interleaved samples, frame after frame. They grow in place and are shared afterwards: half an hour is there once only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// 16 bits.
    S16(Arc<Vec<i16>>),
    /// 24 bits, from -2^23 to 2^23 - 1.
    S24(Arc<Vec<i32>>),
    /// 32 bits.
    S32(Arc<Vec<i32>>),
}

impl Samples {
    /// No samples, of that width.
    pub fn none(width: SampleWidth) -> Self {
        match width {
            SampleWidth::S16 => Self::S16(Arc::default()),
            SampleWidth::S24 => Self::S24(Arc::default()),
            SampleWidth::S32 => Self::S32(Arc::default()),
        }
    }

    /// Puts samples behind the others. What is wider than these loses its upper bits.
    pub fn extend(&mut self, more: &[i32]) {
        match self {
            Self::S16(samples) => Arc::make_mut(samples).extend(more.iter().map(|&sample| sample as i16)),
            Self::S24(samples) | Self::S32(samples) => Arc::make_mut(samples).extend(more),
        }
    }

    /// How many there are, of all channels.
    pub fn len(&self) -> usize {
        match self {
            Self::S16(samples) => samples.len(),
            Self::S24(samples) | Self::S32(samples) => samples.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples of one channel of `channels`, from 0.
    pub fn channel(&self, channel: u16, channels: u16) -> impl Iterator<Item = i32> + '_ {
        let (first, step) = (usize::from(channel), usize::from(channels.max(1)));
        (first..self.len()).step_by(step).map(|at| self.at(at))
    }

    /// The level of a channel, RMS in dB relative to full scale (1.0), its mean taken out; minus infinity where nothing moves.
    pub fn rms_dbfs(&self, channel: u16, channels: u16) -> f64 {
        let samples = self.scaled(channel, channels);
        let n = samples.len().max(1) as f64;
        let mean = samples.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
        10.0 * (samples.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n).log10()
    }

    /// As [`Samples::channel`], with full scale at 1.0.
    pub fn scaled(&self, channel: u16, channels: u16) -> Vec<f32> {
        let full = self.full_scale();
        self.channel(channel, channels).map(|sample| (f64::from(sample) / full) as f32).collect()
    }

    /// What is full scale.
    pub const fn full_scale(&self) -> f64 {
        match self {
            Self::S16(_) => 32_768.0,
            Self::S24(_) => 8_388_608.0,
            Self::S32(_) => 2_147_483_648.0,
        }
    }

    fn at(&self, place: usize) -> i32 {
        match self {
            Self::S16(samples) => samples[place].into(),
            Self::S24(samples) | Self::S32(samples) => samples[place],
        }
    }
}

impl From<Vec<i16>> for Samples {
    fn from(samples: Vec<i16>) -> Self {
        Self::S16(Arc::new(samples))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(SampleWidth::S16, [-32_768, 16_384])]
    #[case(SampleWidth::S24, [-8_388_608, 4_194_304])]
    #[case(SampleWidth::S32, [i32::MIN, 1 << 30])]
    fn full_scale_is_one_in_every_width(#[case] width: SampleWidth, #[case] edges: [i32; 2]) {
        let [low, half] = edges;
        let mut samples = Samples::none(width);
        samples.extend(&[low, 1, half]);
        samples.extend(&[2, 0, 3]);
        assert_eq!((samples.len(), samples.is_empty()), (6, false));
        assert_eq!(samples.scaled(0, 2), [-1.0, 0.5, 0.0]);
        assert_eq!(samples.channel(1, 2).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
