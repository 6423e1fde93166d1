//! A checked stretch of one channel: what the measurements of single parts are handed.

use std::borrow::Cow;

use crate::measure::{CaptureFault, Outcome, Reason, Recording, capture_figures};

/// Samples of one channel that are known to be numbers, with their rate. Cut it out of a recording whose drift was taken out and whose
/// alignment with the stimulus is known.
#[derive(Debug, Clone)]
pub struct Excerpt<'a> {
    rate: u32,
    samples: Cow<'a, [f32]>,
}

impl<'a> Excerpt<'a> {
    /// Checks samples of one channel, `rate` in Hz. Silence is allowed: the pause before a stimulus may be digital zero.
    ///
    /// # Errors
    /// [`CaptureFault::Empty`] and [`CaptureFault::NotASample`].
    pub fn new(rate: u32, samples: &'a [f32]) -> Result<Self, CaptureFault> {
        Self::of(&Recording::mono(rate, samples), 0)
    }

    /// One channel of a recording, counted from 0.
    ///
    /// # Errors
    /// [`CaptureFault::Empty`], [`CaptureFault::NotASample`] and [`CaptureFault::NoSuchChannel`].
    pub fn of(recording: &Recording<'a>, channel: usize) -> Result<Self, CaptureFault> {
        Ok(Self { rate: recording.rate(), samples: recording.channel(channel, true)? })
    }

    /// `frames` frames from frame `start` on.
    ///
    /// # Errors
    /// [`Reason::TooShort`] if they are not all there.
    pub fn cut(&self, start: usize, frames: usize) -> Result<Excerpt<'_>, Reason> {
        let end = start.saturating_add(frames);
        match self.samples.get(start..end) {
            Some(samples) if !samples.is_empty() => Ok(Excerpt { rate: self.rate, samples: samples.into() }),
            _ => {
                let seconds = |frames: usize| frames as f64 / f64::from(self.rate.max(1));
                Err(Reason::TooShort { have_s: self.seconds(), need_s: seconds(end) })
            }
        }
    }

    /// Samples made from checked ones.
    pub(crate) fn made(rate: u32, samples: Vec<f32>) -> Excerpt<'static> {
        Excerpt { rate, samples: samples.into() }
    }

    /// Frames per second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The samples, full scale 1.0.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate.max(1))
    }

    pub(crate) fn to_f64(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| f64::from(*sample)).collect()
    }

    pub(crate) fn lasts(&self, frames: usize) -> Result<(), Reason> {
        if self.samples.len() >= frames.max(1) {
            return Ok(());
        }
        Err(Reason::TooShort { have_s: self.seconds(), need_s: frames as f64 / f64::from(self.rate.max(1)) })
    }

    pub(crate) fn unclipped(&self) -> Result<(), Reason> {
        let (figures, at) = capture_figures(&self.samples, self.rate);
        match at {
            None => Ok(()),
            Some(at) => {
                Err(Reason::Clipped { at_s: at as f64 / f64::from(self.rate.max(1)), longest: figures.longest_clip })
            }
        }
    }

    /// The rate is `need` Hz exactly.
    pub(crate) fn runs_at(&self, need: u32) -> Result<(), Reason> {
        if self.rate == need { Ok(()) } else { Err(Reason::WrongRate { have: self.rate, need }) }
    }

    /// The rate carries sound up to `hz` Hz.
    pub(crate) fn carries(&self, hz: f64) -> Result<(), Reason> {
        let need = (2.0 * hz).ceil() as u32;
        if self.rate >= need { Ok(()) } else { Err(Reason::WrongRate { have: self.rate, need }) }
    }
}

pub(crate) fn outcome<T>(result: Result<T, Reason>) -> Outcome<T> {
    match result {
        Ok(value) => Outcome::Measured(value),
        Err(reason) => Outcome::Inconclusive(reason),
    }
}
