//! One window of the recording beside the reference as it must have sounded.

use std::ops::Range;

use super::reference::Reference;
use super::response::{BAND, Response, weight};
use crate::fft::{Complex, Fft, bins};
use crate::resample::Interpolator;

/// Straight map from frames of the recording to frames of the reference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// A frame of the recording.
    pub(super) at: f64,
    /// The frame of the reference that belongs there.
    pub(super) reference: f64,
    /// Frames of the reference per frame of the recording.
    pub(super) step: f64,
}

impl Line {
    pub(super) fn map(&self, frame: f64) -> f64 {
        self.reference + (frame - self.at) * self.step
    }

    pub(super) fn inverse(&self, reference: f64) -> f64 {
        self.at + (reference - self.reference) / self.step
    }

    /// The line on which everything comes `frames` of the reference later.
    pub(super) fn later(&self, frames: f64) -> Self {
        Self { reference: self.reference - frames, ..*self }
    }
}

/// From a frame of the recording on (delay of the path not counted), this line holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) from: i64,
    pub(super) line: Line,
}

/// The piece that holds at `frame`.
pub(super) fn piece_at(pieces: &[Piece], frame: i64) -> &Piece {
    let index = pieces.partition_point(|piece| piece.from <= frame).max(1) - 1;
    &pieces[index]
}

/// Tools that every step needs.
#[derive(Default)]
pub(super) struct Tools {
    pub(super) fft: Fft<f32>,
    pub(super) interpolator: Interpolator,
}

impl Tools {
    /// The reference on the clock of the recording: `frames` frames from frame `origin` on.
    pub(super) fn warp(&self, reference: &mut dyn Reference, pieces: &[Piece], origin: i64, frames: usize) -> Vec<f32> {
        const REACH: i64 = 20;
        let mut out = vec![0.0; frames];
        let end = origin + frames as i64;
        for (n, piece) in pieces.iter().enumerate() {
            let from = if n == 0 { origin } else { piece.from.max(origin) };
            let to = pieces.get(n + 1).map_or(end, |next| next.from.min(end));
            if from >= to {
                continue;
            }
            let first = piece.line.map(from as f64);
            let last = piece.line.map(to as f64);
            let low = first.floor() as i64 - REACH;
            let mut source = vec![0.0; (last.ceil() as i64 + REACH - low) as usize];
            reference.read(low, &mut source);
            let part = &mut out[(from - origin) as usize..(to - origin) as usize];
            self.interpolator.add(part, &source, first - low as f64, piece.line.step, 1.0);
        }
        out
    }
}

/// A window of the recording.
pub(super) struct Window {
    /// Frame of the recording at index 0.
    pub(super) origin: i64,
    pub(super) rate: u32,
    /// The recording within the band.
    pub(super) samples: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    /// Frames of `samples` that were recorded and belong to the reference.
    pub(super) valid: Range<usize>,
    /// Longest response that the window carries, in frames.
    pub(super) taps: usize,
}

/// The window after one estimate of the response.
pub(super) struct Heard {
    pub(super) response: Response,
    /// The recording less reverberation.
    pub(super) dry: Vec<f32>,
    /// What the direct sound must be.
    pub(super) direct: Vec<f32>,
    /// The reference as it was laid.
    pub(super) played: Vec<f32>,
    /// Ties the half difference of neighbouring samples to a delay: see [`super::scan::Cell`].
    pub(super) slope_ratio: f64,
}

impl Window {
    /// A window over `samples`, of which `valid` belong to the reference.
    pub(super) fn new(fft: &mut Fft<f32>, origin: i64, rate: u32, mut samples: Vec<f32>, valid: Range<usize>) -> Self {
        let size = samples.len();
        samples[..valid.start].fill(0.0);
        samples[valid.end..].fill(0.0);
        let mut spectrum = fft.forward(&samples, size);
        let band = bins(size, rate, BAND);
        spectrum[..band.start].fill(Complex::default());
        spectrum[band.end..].fill(Complex::default());
        let step = f64::from(rate) / size as f64;
        for (bin, value) in spectrum.iter_mut().enumerate() {
            *value *= weight(bin as f64 * step);
        }
        let samples = fft.inverse(spectrum.clone(), size);
        // Of a response longer than a sixteenth of what there is, too much would be noise.
        let taps = (valid.len() / 16).min(rate as usize / 2);
        Self { origin, rate, samples, spectrum, valid, taps }
    }

    pub(super) fn size(&self) -> usize {
        self.samples.len()
    }

    /// Compares the recording with the reference laid along `pieces`; in `mutes` (frames of the recording, delay not counted) it was silent.
    /// `envelope`: the level as it moved, one value per frame of the window. Without a response that is `known` already it is estimated.
    pub(super) fn compare(
        &self,
        tools: &mut Tools,
        reference: &mut dyn Reference,
        pieces: &[Piece],
        mutes: &[Range<i64>],
        envelope: Option<&[f32]>,
        known: Option<&Response>,
    ) -> Option<Heard> {
        let size = self.size();
        let mut played = tools.warp(reference, pieces, self.origin, size);
        // What comes later would wrap round to the start.
        played[self.valid.end..].fill(0.0);
        let laid = played.clone();
        for (sample, gain) in played.iter_mut().zip(envelope.unwrap_or(&[])) {
            *sample *= gain;
        }
        let full = tools.fft.forward(&played, size);
        let mut silenced = false;
        for mute in mutes {
            let clip = |frame: i64| (frame - self.origin).clamp(0, size as i64) as usize;
            let range = clip(mute.start)..clip(mute.end);
            silenced |= !range.is_empty();
            played[range].fill(0.0);
        }
        let edited = if silenced { tools.fft.forward(&played, size) } else { full.clone() };
        let response = match known {
            Some(known) => known.clone(),
            None => Response::estimate(&mut tools.fft, &edited, &self.spectrum, size, self.rate, self.taps)?,
        };
        let dry = self.dry_spectrum(tools, &edited, &response);
        let dry = tools.fft.inverse(dry, size);

        let kernel = response.early_spectrum(&mut tools.fft, size);
        let mut direct = vec![Complex::default(); size / 2 + 1];
        let (mut mixed, mut square) = (0.0, 0.0);
        for bin in bins(size, self.rate, BAND) {
            direct[bin] = full[bin] * kernel[bin];
            let power = f64::from(direct[bin].norm_sqr());
            let omega = 2.0 * std::f64::consts::PI * bin as f64 / size as f64;
            mixed += power * omega * omega.sin();
            square += power * omega.sin().powi(2);
        }
        let direct = tools.fft.inverse(direct, size);
        let slope_ratio = if square > 0.0 { mixed / square } else { 1.0 };
        Some(Heard { response, dry, direct, played: laid, slope_ratio })
    }

    /// The recording less its reverberation, with a response that is already known.
    pub(super) fn dry(&self, tools: &mut Tools, played: &[f32], response: &Response) -> Vec<f32> {
        let spectrum = tools.fft.forward(played, self.size());
        let dry = self.dry_spectrum(tools, &spectrum, response);
        tools.fft.inverse(dry, self.size())
    }

    fn dry_spectrum(&self, tools: &mut Tools, played: &[Complex<f32>], response: &Response) -> Vec<Complex<f32>> {
        let size = self.size();
        let kernel = response.late_spectrum(&mut tools.fft, size);
        let mut dry = self.spectrum.clone();
        for bin in bins(size, self.rate, BAND) {
            dry[bin] -= played[bin] * kernel[bin];
        }
        dry
    }
}
