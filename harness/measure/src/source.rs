//! One channel of a file at the rate of the stimulus, a stretch at a time.

use std::{fs::File, io::BufReader, path::Path};

use rigtone_audio::measure::{CaptureFault, CaptureFigures, FULL_SCALE, SANE, dbfs};
use rigtone_audio::resample::Converter;
use rigtone_record::wav::{Remark, WavReader};

use crate::error::MeasureError;

/// Frames that are read at once.
const BLOCK: usize = 1 << 15;
/// So many runs of full scale a second count as clipping from their length on, as in the analysis: 12 frames at 48 kHz.
const RUNS_PER_S: u32 = 4000;

/// A WAV file, read anywhere at another rate.
pub struct Source {
    reader: WavReader<BufReader<File>>,
    rate: u32,
    converter: Option<Converter>,
}

impl Source {
    /// Opens a file that will be read at `rate` frames per second.
    ///
    /// # Errors
    /// [`MeasureError::File`].
    pub fn open(path: &Path, rate: u32) -> Result<Self, MeasureError> {
        let reader = WavReader::open(path)?;
        let converter = (reader.rate() != rate).then(|| Converter::new(reader.rate(), rate));
        Ok(Self { reader, rate, converter })
    }

    /// The rate at which it is read, in Hz.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The rate of the file in Hz.
    pub fn recorded_at(&self) -> u32 {
        self.reader.rate()
    }

    /// Refuses a file that was recorded at less than `need` frames per second, before anything is read of it: a low rate makes hours of little.
    pub(crate) fn serves(&self, need: u32) -> Result<(), MeasureError> {
        let have = self.recorded_at();
        if have >= need { Ok(()) } else { Err(MeasureError::TooSlow { have, need }) }
    }

    /// Its channels.
    pub fn channels(&self) -> usize {
        usize::from(self.reader.channels())
    }

    /// Frames in the file.
    pub fn recorded_frames(&self) -> u64 {
        self.reader.frames()
    }

    /// Where header and file differ.
    pub fn remark(&self) -> Option<Remark> {
        self.reader.remark()
    }

    /// Frames at the rate at which it is read.
    pub fn frames(&self) -> u64 {
        self.converter.as_ref().map_or(self.reader.frames(), |converter| converter.frames(self.reader.frames()))
    }

    pub(crate) fn has(&self, channel: usize) -> Result<(), MeasureError> {
        let channels = self.channels();
        if channel < channels { Ok(()) } else { Err(MeasureError::NoSuchChannel { channel, channels }) }
    }

    /// Goes through all of a channel: is it a recording, and how loud.
    ///
    /// # Errors
    /// [`MeasureError::Capture`] at a sample that is none; when all are the same, unless `may_be_still`.
    pub fn figures(&mut self, channel: usize, may_be_still: bool) -> Result<CaptureFigures, MeasureError> {
        self.has(channel)?;
        let channels = self.channels();
        let rate = f64::from(self.recorded_at());
        let (mut at, mut peak, mut power) = (0usize, 0.0f32, 0.0f64);
        let (mut longest, mut run) = (0, 0);
        let mut first = None;
        let mut still = true;
        let mut block = Vec::new();
        self.reader.seek(0)?;
        loop {
            block.clear();
            if self.reader.read(&mut block, BLOCK)? == 0 {
                break;
            }
            for sample in block.iter().skip(channel).step_by(channels) {
                if sample.is_nan() || sample.abs() > SANE {
                    return Err(MeasureError::Capture { channel, fault: CaptureFault::NotASample { frame: at } });
                }
                still &= *first.get_or_insert(*sample) == *sample;
                peak = peak.max(sample.abs());
                power += f64::from(*sample).powi(2);
                run = if sample.abs() >= FULL_SCALE { run + 1 } else { 0 };
                longest = longest.max(run);
                at += 1;
            }
        }
        match first {
            None => return Err(MeasureError::Capture { channel, fault: CaptureFault::Empty }),
            Some(value) if still && !may_be_still => {
                return Err(MeasureError::Capture { channel, fault: CaptureFault::Dead { value } });
            }
            Some(_) => {}
        }
        Ok(CaptureFigures {
            duration_s: at as f64 / rate,
            peak_dbfs: dbfs(f64::from(peak)),
            rms_dbfs: dbfs((power / at.max(1) as f64).sqrt()),
            longest_clip: longest,
        })
    }

    /// At most `count` frames of a channel from `first` on; fewer at the end.
    ///
    /// # Errors
    /// [`MeasureError::File`] and [`MeasureError::NoSuchChannel`].
    pub fn read(&mut self, channel: usize, first: u64, count: usize) -> Result<Vec<f32>, MeasureError> {
        self.has(channel)?;
        let count = count.min(usize::try_from(self.frames().saturating_sub(first)).unwrap_or(usize::MAX));
        let Some(converter) = &self.converter else { return self.recorded(channel, first, count) };
        let needs = converter.needs(first, count);
        let origin = needs.start.max(0);
        let signal = self.recorded(channel, origin as u64, (needs.end - origin).max(0) as usize)?;
        let mut out = vec![0.0; count];
        if let Some(converter) = &self.converter {
            converter.convert(&signal, origin, first, &mut out);
        }
        self.keep_clipped(&signal, origin, first, &mut out);
        Ok(out)
    }

    /// A filter rounds off what was clipped: it has to stay at full scale to be seen for what it is.
    fn keep_clipped(&self, signal: &[f32], origin: i64, first: u64, out: &mut [f32]) {
        let ratio = f64::from(self.rate) / f64::from(self.recorded_at());
        let shortest = (self.recorded_at() / RUNS_PER_S).max(3) as usize;
        let mut from = 0;
        for run in signal.chunk_by(|a, b| (a.abs() >= FULL_SCALE) == (b.abs() >= FULL_SCALE)) {
            if run[0].abs() >= FULL_SCALE && run.len() >= shortest {
                let place = |frame: usize| (origin + frame as i64) as f64 * ratio - first as f64;
                let begin = (place(from).floor().max(0.0) as usize).min(out.len());
                let end = (place(from + run.len()).ceil().max(0.0) as usize).min(out.len());
                out[begin..end.max(begin)].fill(1.0);
            }
            from += run.len();
        }
    }

    fn recorded(&mut self, channel: usize, first: u64, count: usize) -> Result<Vec<f32>, MeasureError> {
        let channels = self.channels();
        let mut out = Vec::new();
        let mut block = Vec::new();
        self.reader.seek(first)?;
        while out.len() < count {
            block.clear();
            if self.reader.read(&mut block, BLOCK.min(count - out.len()))? == 0 {
                break;
            }
            out.extend(block.iter().skip(channel).step_by(channels));
        }
        Ok(out)
    }
}
