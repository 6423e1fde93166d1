//! `rigtone signal`

use std::path::Path;

use rigtone_audio::stimulus::{Name, Stimulus};
use rigtone_record::wav;
use rigtone_report::exit::Code;

use crate::{commands::run::place_trouble, printer, trouble::Trouble};

/// Which stimulus, and where it goes.
pub(crate) struct Signal<'a> {
    pub(crate) name: &'a str,
    pub(crate) rate: u32,
    pub(crate) code: u32,
    pub(crate) out: &'a Path,
    pub(crate) positions: Option<&'a Path>,
}

/// Writes a stimulus as a WAV file, and where its parts lie as JSON.
pub(crate) fn signal(signal: &Signal<'_>) -> Result<Code, Trouble> {
    if signal.positions == Some(signal.out) {
        let what = format!("{} cannot be both the sound and where its parts lie", signal.out.display());
        return Err(Trouble::usage(what).hint("give `--positions` a file of its own"));
    }
    let name: Name = signal.name.parse().map_err(Trouble::usage)?;
    let stimulus = Stimulus::build(name, signal.rate, signal.code).map_err(Trouble::usage)?;
    let channels = stimulus.channels();
    let frames = stimulus.samples().len();
    let sample = |frame: usize, channel: usize| {
        // Peaks stay below full scale, so nothing is cut off here.
        (stimulus.channel(channel)[frame] * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16
    };
    let samples: Vec<i16> = (0..frames)
        .flat_map(|frame| (0..channels).map(move |channel| (frame, channel)))
        .map(|(f, c)| sample(f, c))
        .collect();
    let file = wav::encode_i16(signal.rate, channels as u16, &samples).map_err(|e| Trouble::new(Code::Internal, e))?;
    rigtone_record::deliver(signal.out, |to| to.write_all(&file)).map_err(|e| place_trouble(&e))?;
    if let Some(path) = signal.positions {
        let text = serde_json::to_vec_pretty(stimulus.positions()).map_err(|e| Trouble::new(Code::Internal, e))?;
        rigtone_record::deliver(path, |to| to.write_all(&text).and_then(|()| to.write_all(b"\n")))
            .map_err(|e| place_trouble(&e))?;
    }
    let (seconds, count) = (stimulus.duration_s(), stimulus.positions().parts.len());
    let out = signal.out.display();
    printer::out(&format!(
        "{name}: {seconds:.2} s in {count} parts, {channels} channels at {} Hz: {out}\n",
        signal.rate
    ));
    Ok(Code::Passed)
}
