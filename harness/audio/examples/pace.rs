//! Answers how long things take, one at a time, so that a peer can be timed in between: `ci/pace.py` asks.
//!
//! Arguments: a recording and a sound, raw little-endian 32-bit floats of one channel at 48 kHz. Each line of standard input is a question:
//! `locate` finds the sound, templates included; `survey` makes everything of `full` in 60 s of two channels. Each answer is one line: the
//! nanoseconds, and what was found.

use std::io::BufRead as _;
use std::time::Instant;

use rigtone_audio::locate::Locator;
use rigtone_audio::measure::{Emission, Expectation, Recording};
use rigtone_audio::stimulus::{Name, Stimulus};
use rigtone_audio::survey::{Settings, Survey};

const RATE: u32 = 48_000;

fn read(path: &str) -> Result<Vec<f32>, std::io::Error> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[expect(clippy::print_stdout, reason = "the answers are read by whoever asks")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [recording, sound] = paths.as_slice() else { return Err("name a recording and a sound".into()) };
    let (recording, sound) = (read(recording)?, read(sound)?);
    let stimulus = Stimulus::build(Name::Full, RATE, 1)?;
    let mut stereo = vec![0.0f32; 2 * 60 * RATE as usize];
    for (n, frame) in stereo.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let sample = n.checked_sub(2 * RATE as usize).and_then(|n| stimulus.samples().get(n)).copied().unwrap_or(0.0);
        // A little noise that costs nothing to make.
        *frame = [0.3 * sample + 1e-4 * ((n * 7919 % 101) as f32 / 50.0 - 1.0), sample];
    }
    for line in std::io::stdin().lock().lines() {
        let begun = Instant::now();
        let found = match line?.trim() {
            "locate" => {
                let found = Locator::new(&sound, RATE)?.locate(&recording).ok_or("nothing was found")?;
                format!("{:.3}", found.frame)
            }
            "survey" => {
                let recording = Recording::interleaved(RATE, 2, &stereo)?;
                let emission = Some(Emission { frame: f64::from(2 * RATE), uncertainty_s: 0.0 });
                let expectation = Expectation { emission, ..Expectation::default() };
                let survey = Survey::of(&recording, &stimulus, &expectation, &Settings::default())?;
                format!("{:?}", survey.findings.presence)
            }
            other => return Err(format!("`{other}` is no question").into()),
        };
        println!("{} {found}", begun.elapsed().as_nanos());
    }
    Ok(())
}
