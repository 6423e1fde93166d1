//! The format of a sound card: exactly what was asked for, or nothing.

use cpal::{BufferSize, ErrorKind, SampleFormat, SupportedBufferSize, SupportedStreamConfigRange};

/// What is asked for.
pub(crate) struct Wanted {
    pub(crate) channels: u16,
    /// Frames a second.
    pub(crate) rate: u32,
    pub(crate) format: SampleFormat,
    /// Bits of a sample, as messages name the format.
    pub(crate) bits: u16,
    /// Frames in a period, as near to which as the card can.
    pub(crate) period: u32,
}

impl Wanted {
    /// ALSA takes the nearest rate without a word: refuses what the device does not offer, and chooses the period.
    pub(crate) fn among(
        &self,
        offered: impl Iterator<Item = SupportedStreamConfigRange>,
    ) -> Result<BufferSize, cpal::Error> {
        let mut others = Vec::new();
        for range in offered {
            let rates = range.min_sample_rate()..=range.max_sample_rate();
            if range.channels() == self.channels && range.sample_format() == self.format && rates.contains(&self.rate) {
                return Ok(match range.buffer_size() {
                    SupportedBufferSize::Range { min, max } => {
                        BufferSize::Fixed(self.period.clamp(*min, (max / 2).max(*min)))
                    }
                    SupportedBufferSize::Unknown => BufferSize::Default,
                });
            }
            let ((low, high), format) = (rates.into_inner(), range.sample_format());
            others.push(format!("{} channels {low}-{high} Hz {format}", range.channels()));
        }
        others.truncate(6);
        let Self { channels, rate, bits, .. } = self;
        let message =
            format!("{channels} channels at {rate} Hz in {bits} bits are not offered (but {})", others.join(", "));
        Err(cpal::Error::with_message(ErrorKind::UnsupportedConfig, message))
    }
}
