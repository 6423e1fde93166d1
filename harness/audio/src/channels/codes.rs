//! Two codes, one per channel: a maximum-length sequence and its mirror image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fft::Fft;
use crate::filter::bandpass_zero_phase;

/// Length of a code in frames: one period of a sequence of 15 stages.
pub const CODE_FRAMES: usize = (1 << 15) - 1;
/// Band of the codes in Hz.
pub const CODE_BAND_HZ: (f64, f64) = (500.0, 8000.0);

/// RMS of a code, full scale 1; it peaks four times higher.
const RMS: f64 = 0.15;
/// Silence after each part in seconds, in which the room decays.
pub(super) const PAUSE_S: f64 = 0.25;
/// The mirror image is rotated by so many frames: the pair whose isolation is known.
const ROTATION: usize = 1000;
/// Primitive trinomials x^15 + x^k + 1.
const TAPS: [usize; 3] = [1, 4, 7];

/// What a part of the channel test holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// The left channel's code, the right channel is silent.
    LeftOnly,
    /// The right channel's code, the left channel is silent.
    RightOnly,
    /// Each channel its code at the same time.
    Both,
}

/// One part of the channel test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelPart {
    /// What it holds.
    pub content: Content,
    /// Its first frame.
    pub start: usize,
    /// Its length in frames, without the pause after it.
    pub frames: usize,
}

/// The channel test as it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelTest {
    /// Frames per second.
    pub rate: u32,
    /// The left channel's code.
    pub left_code: Vec<f64>,
    /// The right channel's code.
    pub right_code: Vec<f64>,
    /// Samples of the left channel.
    pub left: Vec<f64>,
    /// Samples of the right channel, as long.
    pub right: Vec<f64>,
    /// Where its parts lie.
    pub parts: [ChannelPart; 3],
}

/// Generates the channel test: left alone, right alone, both, each followed by 0.25 s of silence.
pub fn channel_test(rate: u32, code: u32) -> ChannelTest {
    let (left_code, right_code) = code_pair(rate, code);
    let stride = CODE_FRAMES + (PAUSE_S * f64::from(rate)).round() as usize;
    let contents = [Content::LeftOnly, Content::RightOnly, Content::Both];
    let part = |n: usize| ChannelPart { content: contents[n], start: n * stride, frames: CODE_FRAMES };
    let parts = [part(0), part(1), part(2)];
    let mut left = vec![0.0; 3 * stride];
    let mut right = left.clone();
    for part in parts {
        let range = part.start..part.start + part.frames;
        if part.content != Content::RightOnly {
            left[range.clone()].copy_from_slice(&left_code);
        }
        if part.content != Content::LeftOnly {
            right[range].copy_from_slice(&right_code);
        }
    }
    ChannelTest { rate, left_code, right_code, left, right, parts }
}

/// The codes of the left and of the right channel, 500 to 8000 Hz, RMS 0.15: a sequence chosen by `code`, and the same reversed in time and
/// rotated by 1000 frames. They tell channels apart; whose sound it is, the markers tell.
pub fn code_pair(rate: u32, code: u32) -> (Vec<f64>, Vec<f64>) {
    let sequence = sequence(TAPS[code as usize % TAPS.len()], code / TAPS.len() as u32);
    let mut mirrored: Vec<f64> = sequence.iter().rev().copied().collect();
    mirrored.rotate_left(ROTATION);
    (band_limited(&sequence, rate), band_limited(&mirrored, rate))
}

/// One period of the sequence of x^15 + x^tap + 1, +1 and -1, from a start that depends on `state`.
fn sequence(tap: usize, state: u32) -> Vec<f64> {
    let mut register = state % CODE_FRAMES as u32 + 1;
    (0..CODE_FRAMES)
        .map(|_| {
            let out = register & 1;
            let fed = out ^ (register >> tap & 1);
            register = register >> 1 | fed << 14;
            if out == 1 { 1.0 } else { -1.0 }
        })
        .collect()
}

/// Filtered round its period, so that its spectrum stays as flat as a sequence's is.
fn band_limited(sequence: &[f64], rate: u32) -> Vec<f64> {
    let mut fft = Fft::default();
    let mut spectrum = fft.forward(sequence, CODE_FRAMES);
    for (bin, value) in spectrum.iter_mut().enumerate() {
        let hz = bin as f64 * f64::from(rate) / CODE_FRAMES as f64;
        *value *= bandpass_zero_phase(hz, CODE_BAND_HZ.0, CODE_BAND_HZ.1);
    }
    let mut out = fft.inverse(spectrum, CODE_FRAMES);
    let rms = (out.iter().map(|sample| sample * sample).sum::<f64>() / CODE_FRAMES as f64).sqrt();
    for sample in &mut out {
        *sample *= RMS / rms;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    fn a_sequence_is_of_maximum_length(#[values(1, 4, 7)] tap: usize, #[values(0, 1, 32_766, u32::MAX)] state: u32) {
        let sequence = sequence(tap, state);
        assert_eq!(sequence.iter().sum::<f64>(), 1.0, "one more +1 than -1");
        // The circular autocorrelation of a maximum-length sequence is -1 at every lag but 0.
        for lag in [1, 2, 15, 31, 1000, 16_383, 32_766] {
            let sum: f64 = (0..CODE_FRAMES).map(|n| sequence[n] * sequence[(n + lag) % CODE_FRAMES]).sum();
            assert_eq!(sum, -1.0, "lag {lag}");
        }
    }
}
