//! What an analysis is handed.

/// Why a recording carries no answer at all. This is the rig's fault, never the device's.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CaptureFault {
    /// There is not one frame.
    #[error("the recording is empty")]
    Empty,
    /// Every sample has the same value: no microphone makes that.
    #[error("the capture chain is dead: every sample of the recording is {value}")]
    Dead {
        /// That value.
        value: f32,
    },
    /// A sample is not a number, or far outside full scale.
    #[error("the recording is broken: frame {frame} is not an audio sample")]
    NotASample {
        /// The first such frame.
        frame: usize,
    },
    /// Recording and stimulus have different rates.
    #[error("the recording has {have} frames per second and the stimulus {want}")]
    WrongRate {
        /// Rate of the recording in Hz.
        have: u32,
        /// Rate of the stimulus in Hz.
        want: u32,
    },
    /// The recording has fewer channels.
    #[error("the recording has no channel {channel} (it has {channels}, counted from 0)")]
    NoSuchChannel {
        /// The channel asked for.
        channel: usize,
        /// How many there are.
        channels: usize,
    },
    /// The number of samples is not a multiple of the number of channels.
    #[error("the recording breaks off within a frame: {samples} samples in {channels} channels")]
    RaggedFrames {
        /// Number of samples.
        samples: usize,
        /// Number of channels.
        channels: usize,
    },
}

/// No converter makes a sample beyond this, +60 dB over full scale; squares of it stay finite.
pub const SANE: f32 = 1000.0;

/// Samples as they were captured, full scale 1.0.
#[derive(Debug, Clone, Copy)]
pub struct Recording<'a> {
    rate: u32,
    channels: usize,
    samples: &'a [f32],
}

impl<'a> Recording<'a> {
    /// A recording of one channel at `rate` Hz.
    pub fn mono(rate: u32, samples: &'a [f32]) -> Self {
        Self { rate, channels: 1, samples }
    }

    /// A recording with the samples of its channels in turn.
    ///
    /// # Errors
    /// [`CaptureFault::RaggedFrames`] if the last frame is not whole or there is no channel.
    pub fn interleaved(rate: u32, channels: usize, samples: &'a [f32]) -> Result<Self, CaptureFault> {
        if channels == 0 || !samples.len().is_multiple_of(channels) {
            return Err(CaptureFault::RaggedFrames { samples: samples.len(), channels });
        }
        Ok(Self { rate, channels, samples })
    }

    /// Frames per second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    /// The samples of one channel, checked: finite, not far above full scale, not all the same unless `may_be_still`.
    pub(crate) fn channel(
        &self,
        channel: usize,
        may_be_still: bool,
    ) -> Result<std::borrow::Cow<'a, [f32]>, CaptureFault> {
        if channel >= self.channels {
            return Err(CaptureFault::NoSuchChannel { channel, channels: self.channels });
        }
        let samples: std::borrow::Cow<'a, [f32]> = if self.channels == 1 {
            self.samples.into()
        } else {
            self.samples.iter().skip(channel).step_by(self.channels).copied().collect()
        };
        let first = *samples.first().ok_or(CaptureFault::Empty)?;
        if let Some(frame) = samples.iter().position(|sample| sample.is_nan() || sample.abs() > SANE) {
            return Err(CaptureFault::NotASample { frame });
        }
        if !may_be_still && samples.iter().all(|&sample| sample == first) {
            return Err(CaptureFault::Dead { value: first });
        }
        Ok(samples)
    }
}

/// When the stimulus was emitted, on the clock of the recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Emission {
    /// Position in the recording, in frames with their fraction, at which frame 0 of the stimulus was emitted. May lie before the recording.
    pub frame: f64,
    /// Standard uncertainty of that position in seconds: clock map and packet times.
    pub uncertainty_s: f64,
}

/// What is known before the analysis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectation {
    /// The microphone's channel, from 0.
    pub channel: usize,
    /// When the stimulus was emitted; without it there is no latency.
    pub emission: Option<Emission>,
    /// Time of flight from speaker to microphone in seconds, taken off the latency: distance over [`speed_of_sound`].
    pub flight_s: f64,
    /// The quietest marker that must be heard: its RMS level at the microphone in dBFS, 500 to 8000 Hz. A floor above it makes silence
    /// inconclusive.
    pub minimum_level_dbfs: f64,
    /// The capture chain is proven alive by other means: then a recording of digital silence means an absent sound, not a dead chain.
    pub capture_proven: bool,
}

impl Default for Expectation {
    fn default() -> Self {
        Self { channel: 0, emission: None, flight_s: 0.0, minimum_level_dbfs: -60.0, capture_proven: false }
    }
}

/// Speed of sound in air in m/s at a temperature in degrees Celsius.
pub fn speed_of_sound(celsius: f64) -> f64 {
    331.3 + 0.606 * celsius
}
