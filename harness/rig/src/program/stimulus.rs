//! Stimuli as files, for programs that play them.

use std::{
    env, fs, io,
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::programme::Programme;

/// A folder of its own for as long as it lives.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one that nobody had.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(super) fn make() -> io::Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let path = env::temp_dir().join(format!("rigtone-stimuli-{}-{number}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The file of a stimulus, which is written once: two channels of 16 bits.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn wav(&self, programme: &Programme) -> io::Result<PathBuf> {
        let played = match (programme.repeats(), programme.level_db()) {
            (1, 0.0) => String::new(),
            (times, db) => format!("-{times}-times-{:.0}-mb", -1000.0 * db),
        };
        let name = format!("{}-{}-{:08x}{played}.wav", programme.name(), programme.rate(), programme.code());
        let path = self.path.join(name);
        if !path.exists() {
            let new = path.with_extension("part");
            fs::write(&new, wav(programme)?)?;
            fs::rename(&new, &path)?;
        }
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A WAV file: RIFF, PCM of 16 bits, two channels.
fn wav(programme: &Programme) -> io::Result<Vec<u8>> {
    const CHANNELS: u16 = 2;
    const BYTES: u16 = 2;
    let rate = programme.rate();
    let frames = programme.frames();
    let length = u32::try_from(frames * usize::from(CHANNELS * BYTES)).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(44 + length as usize);
    bytes.extend(b"RIFF");
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(CHANNELS.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(CHANNELS * BYTES)).to_le_bytes());
    bytes.extend((CHANNELS * BYTES).to_le_bytes());
    bytes.extend((8 * BYTES).to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    for (left, right) in programme.samples(0).zip(programme.samples(1)).take(frames) {
        for sample in [left, right] {
            bytes.extend(((sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16).to_le_bytes());
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_audio::stimulus::{Name, Stimulus};

    #[test]
    fn a_stimulus_is_a_file_as_long_as_its_folder_lives() {
        let name: Name = "smoke".parse().expect("a name");
        let stimulus = Stimulus::build(name, 48_000, 7).expect("a stimulus");
        let folder = Folder::make().expect("a folder");
        let path = folder.wav(&Programme::once(&stimulus)).expect("written");
        let bytes = fs::read(&path).expect("there");
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        assert_eq!((&bytes[..4], &bytes[8..16], &bytes[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        assert_eq!((word(4) as usize, word(24), word(28)), (bytes.len() - 8, 48_000, 192_000));
        assert_eq!(word(40) as usize, stimulus.samples().len() * 4);
        // The loudest sample, on both channels.
        let loud = (0..stimulus.samples().len())
            .max_by(|a, b| stimulus.samples()[*a].abs().total_cmp(&stimulus.samples()[*b].abs()))
            .expect("samples");
        for (channel, at) in [44 + loud * 4, 46 + loud * 4].into_iter().enumerate() {
            let sample = f32::from(i16::from_le_bytes([bytes[at], bytes[at + 1]])) / 32_767.0;
            assert!((sample - stimulus.channel(channel)[loud]).abs() < 1e-4);
        }
        assert_eq!(folder.wav(&Programme::once(&stimulus)).expect("there"), path);
        drop(folder);
        assert!(!path.exists());
    }
}
