//! What is sent in one stream.

use rigtone_audio::stimulus::{Name, Stimulus};

/// What is sent in one stream: a stimulus, so many times without a gap between them.
#[derive(Debug, Clone)]
pub struct Programme {
    stimulus: Stimulus,
    times: u32,
    level_db: f64,
    content: Option<String>,
}

impl Programme {
    /// A stimulus once, at its own level.
    pub fn once(stimulus: &Stimulus) -> Self {
        Self { stimulus: stimulus.clone(), times: 1, level_db: 0.0, content: None }
    }

    /// The same so many times; at least once.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: times.max(1), ..self }
    }

    /// The same at a level in dB relative to the stimulus's own; never above it, which is close to full scale.
    #[must_use]
    pub fn at_level(self, level_db: f64) -> Self {
        Self { level_db: level_db.min(0.0), ..self }
    }

    /// The same out of a content of the source, for one that has several.
    #[must_use]
    pub fn of_content(self, content: Option<String>) -> Self {
        Self { content, ..self }
    }

    /// The stimulus.
    pub fn stimulus(&self) -> &Stimulus {
        &self.stimulus
    }

    /// How often it is sent.
    pub fn repeats(&self) -> u32 {
        self.times
    }

    /// Its level in dB, relative to the stimulus's own.
    pub fn level_db(&self) -> f64 {
        self.level_db
    }

    /// The content of the source that it is taken from.
    pub fn content(&self) -> Option<&str> {
        self.content.as_deref()
    }

    /// The name of the stimulus.
    pub fn name(&self) -> Name {
        self.stimulus.name()
    }

    /// Frames a second.
    pub fn rate(&self) -> u32 {
        self.stimulus.rate()
    }

    /// The identity that the stimulus carries.
    pub fn code(&self) -> u32 {
        self.stimulus.code()
    }

    /// Its length in frames.
    pub fn frames(&self) -> usize {
        self.stimulus.samples().len() * self.times as usize
    }

    /// Its length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.stimulus.duration_s() * f64::from(self.times)
    }

    /// Its length in nanoseconds.
    pub fn length_ns(&self) -> i64 {
        (self.duration_s() * 1e9) as i64
    }

    /// The samples of a channel of the stream from the first frame on, full scale 1.0; after the last one there is silence.
    pub fn samples(&self, channel: usize) -> impl Iterator<Item = f32> + '_ {
        let gain = 10f64.powf(self.level_db / 20.0) as f32;
        let once = self.stimulus.channel(channel);
        let again = std::iter::repeat_n(once, self.times as usize).flatten();
        again.map(move |sample| sample * gain).chain(std::iter::repeat(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn smoke() -> Stimulus {
        Stimulus::build(Name::Smoke, 48_000, 7).expect("a rate of A2DP")
    }

    #[rstest]
    #[case::once(1, 0.0, 1.0)]
    #[case::again_and_softer(3, -20.0, 0.1)]
    #[case::never_louder(2, 6.0, 1.0)]
    fn a_programme_is_its_stimulus_again_and_again_and_then_silence(
        #[case] times: u32,
        #[case] level_db: f64,
        #[case] gain: f32,
    ) {
        let stimulus = smoke();
        let programme = Programme::once(&stimulus).times(times).at_level(level_db);
        let (once, length) = (stimulus.samples(), programme.frames());
        assert_eq!(length, once.len() * times as usize);
        let sent: Vec<f32> = programme.samples(0).take(length + 10).collect();
        for (frame, sample) in sent.iter().enumerate() {
            let wanted = if frame < length { once[frame % once.len()] * gain } else { 0.0 };
            assert!((sample - wanted).abs() < 1e-6, "frame {frame}: {sample}, not {wanted}");
        }
    }
}
