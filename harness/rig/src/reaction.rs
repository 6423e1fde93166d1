//! The sounds by which devices show that they react: recordings that their documents name.

use std::{fs, io, sync::Arc};

use rigtone_audio::occurrences::Finder;
use rigtone_model::{
    document::{Device, Reaction},
    id::sha256_hex,
    trial::InfrastructureFault,
};
use thiserror::Error;

use crate::playback::Mono;

/// No such sound is longer, in seconds.
const LONGEST_S: f64 = 5.0;
/// No file of one is larger, in bytes.
const LARGEST: u64 = 16 << 20;

/// The sound of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct ReactionSound {
    /// Its samples, full scale at 1.0.
    pub samples: Vec<f32>,
    /// Frames a second.
    pub rate: u32,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// A file that holds no such sound.
#[derive(Debug, Error)]
pub enum ReactionError {
    /// It cannot be read.
    #[error("`{file}` cannot be read: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is read, and is no sound that could be looked for.
    #[error("`{file}` is no sound that could be looked for: {what}")]
    Unfit {
        /// The file.
        file: String,
        /// Why not.
        what: String,
    },
}

/// Reads the recording that a device's document names.
///
/// # Errors
/// When it cannot be read, or is no sound that could be found again.
pub fn read(reaction: &Reaction) -> Result<ReactionSound, ReactionError> {
    let file = &reaction.sound;
    let unfit = |what: String| ReactionError::Unfit { file: file.clone(), what };
    let io = |source| ReactionError::Io { file: file.clone(), source };
    if fs::metadata(file).map_err(io)?.len() > LARGEST {
        return Err(unfit(format!("it is larger than {} MB", LARGEST >> 20)));
    }
    let bytes = fs::read(file).map_err(io)?;
    let Mono { rate, samples } = Mono::of_wav(&bytes).map_err(unfit)?;
    let lasts_s = samples.len() as f64 / f64::from(rate.max(1));
    if lasts_s > LONGEST_S {
        return Err(unfit(format!("it lasts {lasts_s:.1} s; cut it to the {LONGEST_S} s that hold the sound")));
    }
    let samples: Vec<f32> = samples.into_iter().map(|sample| f32::from(sample) / 32768.0).collect();
    Finder::new(&samples, rate).map_err(|e| unfit(e.to_string()))?;
    Ok(ReactionSound { samples, rate, sha256: sha256_hex(&bytes) })
}

/// That of a unit's device, where its document names one.
pub(crate) fn of_device(device: &Device) -> Result<Option<Arc<ReactionSound>>, InfrastructureFault> {
    let sound = device.reaction.as_ref().map(read).transpose().map_err(|error| {
        InfrastructureFault::new(format!("device {}", device.device), format!("the sound of its reaction: {error}"))
            .hint("record the sound anew as PCM of 16 bits, or delete `reaction` from the device's document")
    })?;
    Ok(sound.map(Arc::new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playback::wav;
    use rigtone_audio::chime::chime;
    use rstest::rstest;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, Reaction) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("chime.wav"), bytes).expect("a file");
        let mut reaction = Reaction { sound: "chime.wav".to_owned() };
        reaction.beside(folder.path());
        (folder, reaction)
    }

    #[test]
    fn a_recording_is_read_as_it_is() {
        let recorded: Vec<i16> = chime(48_000).iter().map(|sample| (sample * 32767.0) as i16).collect();
        let bytes = wav(48_000, 1, 16, &recorded);
        let (_folder, reaction) = written(&bytes);
        let sound = read(&reaction).expect("a sound");
        let samples = recorded.iter().map(|sample| f32::from(*sample) / 32768.0).collect();
        assert_eq!(sound, ReactionSound { samples, rate: 48_000, sha256: sha256_hex(&bytes) });
    }

    #[rstest]
    #[case::no_wav(b"OggS....".to_vec(), "no WAV file")]
    #[case::short(wav(48_000, 1, 16, &[1000; 480]), "lasts 0.010 s")]
    #[case::long(wav(8_000, 1, 16, &vec![1000; 48_000]), "lasts 6.0 s")]
    #[case::silent(wav(48_000, 1, 16, &vec![0; 48_000]), "silent")]
    fn what_is_no_such_sound_is_refused(#[case] bytes: Vec<u8>, #[case] why: &str) {
        let (_folder, reaction) = written(&bytes);
        let said = read(&reaction).expect_err("refused").to_string();
        assert!(said.contains(why) && said.contains("chime.wav"), "{said}");
    }

    #[test]
    fn the_simulated_assistant_names_the_chime_that_it_plays() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../devices/rigtone");
        let mut reaction = Reaction { sound: "simulated-assistant.wav".to_owned() };
        reaction.beside(folder.as_ref());
        let sound = read(&reaction).expect("a sound");
        let due = chime(sound.rate);
        assert_eq!(sound.samples.len(), due.len());
        assert!(sound.samples.iter().zip(&due).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
