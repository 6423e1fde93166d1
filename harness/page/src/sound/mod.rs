//! What was heard in a trial, as pictures and as a short clip.

mod clip;
mod load;
mod pictures;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rigtone_audio::{fft::Fft, resample::Converter};

pub(crate) use self::{clip::Clip, load::load};

/// What lies so far below the loudest is drawn as nothing.
pub(crate) const RANGE_DB: f64 = 70.0;

/// One channel of a recording on the rig's clock.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Frames a second.
    pub(crate) rate: u32,
    /// Full scale at 1.
    pub(crate) samples: Vec<f32>,
    /// The time of the first sample and from one to the next, in seconds since the trial began.
    pub(crate) first: f64,
    pub(crate) step: f64,
}

impl Heard {
    fn at(&self, frame: usize) -> f64 {
        self.first + frame as f64 * self.step
    }

    fn frame(&self, at: f64) -> usize {
        (((at - self.first) / self.step).max(0.0) as usize).min(self.samples.len())
    }
}

/// What is drawn of a recording. Times are in seconds since the trial began.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// The lowest and the highest sample of each column.
    pub(crate) envelope: Vec<(f32, f32)>,
    pub(crate) peak: f32,
    /// A PNG in base64.
    pub(crate) picture: String,
    pub(crate) top_hz: f64,
    pub(crate) clip: Option<Clip>,
}

impl Drawn {
    /// The largest sample, in dB below full scale.
    pub(crate) fn peak_words(&self) -> String {
        if self.peak > 0.0 { format!("{:.1} dBFS", 20.0 * f64::from(self.peak).log10()) } else { "0".to_owned() }
    }
}

/// Draws recordings. Transforms and filters are kept from one to the next.
#[derive(Default)]
pub(crate) struct Painter {
    fft: Fft<f32>,
    converters: Vec<(u32, Converter)>,
}

impl Painter {
    /// Draws what was heard, with a clip around `around` if one is wanted.
    pub(crate) fn draw(&mut self, heard: &Heard, around: Option<f64>) -> Option<Drawn> {
        let (envelope, peak) = pictures::envelope(&heard.samples);
        let (picture, top_hz) = pictures::spectrogram(&mut self.fft, heard)?;
        let clip = around.and_then(|at| {
            let place = match self.converters.iter().position(|(rate, _)| *rate == heard.rate) {
                Some(place) => place,
                None => {
                    self.converters.push((heard.rate, Converter::new(heard.rate, clip::rate_of(heard.rate))));
                    self.converters.len() - 1
                }
            };
            clip::cut(heard, at, &self.converters.get(place)?.1)
        });
        let (from, to) = (heard.first, heard.at(heard.samples.len()));
        Some(Drawn { from, to, envelope, peak, picture: STANDARD.encode(picture), top_hz, clip })
    }
}
