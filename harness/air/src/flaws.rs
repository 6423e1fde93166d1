//! What can be wrong with a sound before it reaches the air.

use std::{f64::consts::TAU, ops::Range};

/// A click: a sample of this height and its echo of the other sign, so that it has no offset.
const CLICK: f32 = 0.7;
/// A howl grows by this much, in dB, over this time in seconds.
const GROWTH_DB: f64 = 60.0;
const GROWTH_S: f64 = 0.5;

/// A step in the alignment of a sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// The frame of the stimulus at which it comes.
    pub at: usize,
    /// Frames of silence that are put in; negative: frames of the stimulus that are left out.
    pub frames: i64,
}

/// Feedback beside a sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Howl {
    /// Its frequency in Hz.
    pub hz: f64,
    /// When it begins, in seconds after the start of the sound.
    pub after_s: f64,
    /// The level that it grows to at the microphone, in dBFS (RMS).
    pub dbfs: f64,
}

/// What is wrong with a sound. Frames count from its start, jumps included.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flaws {
    /// Steps of the alignment, in the order of time.
    pub jumps: Vec<Jump>,
    /// Stretches that are muted.
    pub muted: Vec<Range<usize>>,
    /// Frames at which it clicks.
    pub clicks: Vec<usize>,
    /// Feedback beside it.
    pub howl: Option<Howl>,
}

impl Flaws {
    /// Whether they change the sound itself.
    pub(crate) fn change_the_sound(&self) -> bool {
        !(self.jumps.is_empty() && self.muted.is_empty() && self.clicks.is_empty())
    }

    /// The sound with all of them.
    pub(crate) fn applied_to(&self, sound: &[f32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(sound.len());
        let mut from = 0;
        for jump in &self.jumps {
            let at = jump.at.clamp(from, sound.len());
            out.extend_from_slice(&sound[from..at]);
            let frames = jump.frames.unsigned_abs() as usize;
            if jump.frames > 0 {
                out.resize(out.len() + frames, 0.0);
                from = at;
            } else {
                from = (at + frames).min(sound.len());
            }
        }
        out.extend_from_slice(&sound[from..]);
        for muted in &self.muted {
            let (start, end) = (muted.start.min(out.len()), muted.end.min(out.len()));
            out[start..end].fill(0.0);
        }
        for at in &self.clicks {
            for (n, height) in [CLICK, -CLICK].into_iter().enumerate() {
                if let Some(sample) = out.get_mut(at + n) {
                    *sample += height;
                }
            }
        }
        out
    }
}

impl Howl {
    /// Adds it to a recording in which the sound starts at frame `start` and lasts `frames`.
    pub(crate) fn add(&self, out: &mut [f32], start: f64, frames: f64, rate: f64) {
        let peak = std::f64::consts::SQRT_2 * 10f64.powf(self.dbfs / 20.0);
        let first = (start + self.after_s * rate).max(0.0) as usize;
        let last = ((start + frames).max(0.0) as usize).min(out.len());
        for (n, sample) in out.iter_mut().enumerate().take(last).skip(first) {
            let since_s = (n - first) as f64 / rate;
            let below_db = GROWTH_DB * (1.0 - since_s / GROWTH_S).max(0.0);
            *sample += (peak * 10f64.powf(-below_db / 20.0) * (TAU * self.hz * since_s).sin()) as f32;
        }
    }
}
