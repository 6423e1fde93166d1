//! One channel of a recording, from its file and what the log says of it.

use std::{io::Cursor, path::Path};

use rigtone_record::{read_evidence, wav::WavReader};

use super::Heard;
use crate::digest::File;

/// The largest recording that is drawn, in bytes.
pub(crate) const LARGEST: u64 = 32 << 20;

/// Reads the channel of the microphone. `began_ns` is the beginning of the trial on the rig's clock.
///
/// # Errors
/// Why it cannot be drawn, in words.
pub(crate) fn load(run: &Path, file: &File, began_ns: i64) -> Result<Heard, String> {
    if file.bytes > LARGEST {
        return Err(format!("it is larger than {} MiB and not drawn here", LARGEST >> 20));
    }
    let bytes = read_evidence(run, &file.file, &file.sha256).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it is larger than {} MiB and not drawn here", LARGEST >> 20));
    }
    let mut reader = WavReader::new(Cursor::new(&bytes)).map_err(|e| e.to_string())?;
    let (rate, channels) = (reader.rate(), usize::from(reader.channels()));
    let channel = file.listening.as_ref().map_or(0, |listening| usize::from(listening.channel)).min(channels - 1);
    let mut samples = Vec::with_capacity(usize::try_from(reader.frames()).unwrap_or_default());
    let mut block = Vec::new();
    loop {
        block.clear();
        match reader.read(&mut block, 1 << 15).map_err(|e| e.to_string())? {
            0 => break,
            _ => samples
                .extend(block.iter().skip(channel).step_by(channels).map(|s| if s.is_finite() { *s } else { 0.0 })),
        }
    }
    let (first, step) = clock(file, rate, began_ns).ok_or("the log does not say when it was recorded")?;
    Ok(Heard { rate, samples, first, step })
}

/// The time of the first frame and from one to the next, in seconds since the trial began.
fn clock(file: &File, rate: u32, began_ns: i64) -> Option<(f64, f64)> {
    let (first, last) = (file.anchors.first()?, file.anchors.last()?);
    let nominal = 1.0 / f64::from(rate);
    let (frames, seconds) = (last.frame - first.frame, last.t_ns.saturating_sub(first.t_ns) as f64 / 1e9);
    let measured = seconds / frames;
    // Clocks differ by parts of a million; what differs by more is no clock.
    let step = if (measured / nominal - 1.0).abs() < 0.01 { measured } else { nominal };
    Some((first.t_ns.saturating_sub(began_ns) as f64 / 1e9 - first.frame * step, step))
}
