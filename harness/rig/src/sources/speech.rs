//! Words as sound: by a synthesiser, kept by what was said, or from a recording that somebody made.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use rigtone_model::{document::SpokenPrompt, id::sha256_hex};

use crate::{
    clock::Instant,
    hardware::HostClock,
    playback::Mono,
    program::once::{ProgramError, run},
};

/// The synthesiser that makes sound of words.
pub(crate) const SYNTHESISER: &str = "espeak-ng";
const PACKAGE: &str = "espeak-ng";
/// Words a minute: slower than people, so that assistants understand.
const SPEED: &str = "150";
/// No prompt is larger, in bytes.
const LARGEST: u64 = 16 << 20;

/// Makes sound of prompts.
#[derive(Debug, Clone)]
pub(crate) struct Speech {
    program: PathBuf,
    /// Where what was synthesised is kept.
    folder: Option<PathBuf>,
    clock: HostClock,
}

/// Why a prompt cannot be said, and what to do.
pub(super) struct Mute {
    pub(super) what: String,
    pub(super) hint: String,
}

impl Speech {
    /// With the host's synthesiser and the user's cache: `RIGTONE_CACHE`, or `rigtone` in the cache folder of the desktop's standard.
    pub(crate) fn of_host(clock: HostClock) -> Self {
        let given = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = given("RIGTONE_CACHE")
            .or_else(|| given("XDG_CACHE_HOME").map(|folder| folder.join("rigtone")))
            .or_else(|| given("HOME").map(|folder| folder.join(".cache/rigtone")));
        Self { program: SYNTHESISER.into(), folder: folder.map(|folder| folder.join("speech")), clock }
    }

    #[cfg(test)]
    pub(super) fn with(program: &Path, folder: &Path, clock: HostClock) -> Self {
        Self { program: program.into(), folder: Some(folder.into()), clock }
    }

    /// The sound of a prompt whose words are `text`.
    pub(super) async fn of(&self, prompt: &SpokenPrompt, text: Option<&str>, deadline: Instant) -> Result<Mono, Mute> {
        let (bytes, source) = match (&prompt.wav, text) {
            (Some(path), _) => {
                let hint = "correct `wav` in the device's document; it is relative to the folder in which rigtone runs";
                let read = read_upto(Path::new(path));
                (
                    read.map_err(|e| Mute { what: format!("reading {path} failed: {e}"), hint: hint.to_owned() })?,
                    path.clone(),
                )
            }
            (None, Some(text)) => return self.spoken(text, prompt.language(), deadline).await,
            (None, None) => {
                let hint = "add `text` or `wav` to it in the device's document".to_owned();
                return Err(Mute { what: "the prompt says nothing".to_owned(), hint });
            }
        };
        Mono::of_wav(&bytes).map_err(|e| Mute {
            what: format!("{source}: {e}"),
            hint: "save the recording as a WAV file with PCM of 16 bits".to_owned(),
        })
    }

    /// What the synthesiser makes of words, as it made of them before if it did.
    async fn spoken(&self, text: &str, language: &str, deadline: Instant) -> Result<Mono, Mute> {
        let key = sha256_hex(format!("{}\n{language}\n{SPEED}\n{text}", self.program.display()).as_bytes());
        let path = self.folder.as_ref().map(|folder| folder.join(format!("{key}.wav")));
        // What is damaged is made anew.
        let kept = path.as_ref().and_then(|path| Mono::of_wav(&read_upto(path).ok()?).ok());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let bytes = self.synthesised(text, language, deadline).await?;
        let sound = Mono::of_wav(&bytes).map_err(|e| Mute {
            what: format!("what `{}` made of \"{text}\" is no sound: {e}", self.program.display()),
            hint: format!(
                "see what `{} -v {language} -w x.wav \"{text}\"` makes, or supply a `wav`",
                self.program.display()
            ),
        })?;
        if let (Some(path), Some(folder)) = (path, &self.folder) {
            // A cache that cannot be written costs time and nothing else. Whoever reads meanwhile sees the whole file or none.
            let new = folder.join(format!(".{key}-{}", std::process::id()));
            let kept =
                fs::create_dir_all(folder).and_then(|()| fs::write(&new, &bytes)).and_then(|()| fs::rename(&new, path));
            if kept.is_err() {
                let _ = fs::remove_file(&new);
            }
        }
        Ok(sound)
    }

    async fn synthesised(&self, text: &str, language: &str, deadline: Instant) -> Result<Vec<u8>, Mute> {
        let mute = |what: String, hint: &str| Mute { what, hint: hint.to_owned() };
        // A file of its own: written to a pipe, the header could not say how long the sound is.
        let name = format!("rigtone-speech-{}-{}.wav", std::process::id(), sha256_hex(text.as_bytes()));
        let target = Scratch(env::temp_dir().join(name));
        let mut arguments: Vec<OsString> = ["-v", language, "-s", SPEED, "--stdin", "-w"].map(OsString::from).into();
        arguments.push(target.0.clone().into());
        let made = run(&self.program, &arguments, text.as_bytes(), LARGEST, self.clock, deadline).await;
        made.map_err(|error| {
            let hint = match &error {
                ProgramError::NotThere(_) => format!("apt-get install {PACKAGE}, or supply a recording with `wav`"),
                _ => "see whether the synthesiser speaks by itself, or supply a recording with `wav`".to_owned(),
            };
            Mute { what: error.to_string(), hint }
        })?;
        read_upto(&target.0).map_err(|e| {
            mute(format!("`{}` left no sound: {e}", self.program.display()), "supply a recording with `wav`")
        })
    }

    /// Which synthesiser there is.
    pub(crate) async fn check(&self, deadline: Instant) -> Result<String, String> {
        let version = run(&self.program, &["--version".into()], &[], 1 << 16, self.clock, deadline).await;
        match version {
            Ok(said) => {
                let said = String::from_utf8_lossy(&said);
                let line: String =
                    said.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(100).collect();
                Ok(format!("installed: {line}"))
            }
            Err(ProgramError::NotThere(_)) => Err(format!("missing: apt-get install {PACKAGE}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A file that is gone when nobody needs it any more.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn read_upto(path: &Path) -> std::io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > LARGEST {
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("it is larger than {LARGEST} bytes"),
        ));
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, playback::wav};
    use std::os::unix::fs::PermissionsExt;

    const PATIENCE_NS: i64 = 60_000_000_000;

    /// A synthesiser that notes what it was asked and makes the sound that stands beside it.
    fn synthesiser(folder: &Path) -> PathBuf {
        let program = folder.join("speak");
        let script = format!(
            "#!/bin/sh\nfor last; do :; done\necho \"$@\" >> {0}/asked\ncat >> {0}/asked\ncp {0}/sound.wav \"$last\"\n",
            folder.display()
        );
        fs::write(&program, script).expect("a script");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may run");
        fs::write(folder.join("sound.wav"), wav(22_050, 1, 16, &[5, 6, 7])).expect("a sound");
        program
    }

    fn words(text: &str) -> SpokenPrompt {
        SpokenPrompt { text: Some(text.to_owned()), ..SpokenPrompt::default() }
    }

    async fn say(speech: &Speech, text: &str) -> Result<Mono, String> {
        let deadline = speech.clock.now().plus(PATIENCE_NS);
        let said = speech.of(&words(text), Some(text), deadline).await;
        said.map_err(|mute| format!("{} ({})", mute.what, mute.hint))
    }

    #[tokio::test]
    async fn what_was_spoken_once_is_kept_and_what_is_damaged_is_made_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("cache");
        let speech = Speech::with(&synthesiser(folder.path()), &cache, HostClock::start());
        let asked = || fs::read_to_string(folder.path().join("asked")).unwrap_or_default();
        let due = Mono { rate: 22_050, samples: vec![5, 6, 7] };
        assert_eq!(say(&speech, "Alexa, pair").await, Ok(due.clone()));
        let first = asked();
        assert!(first.starts_with("-v en-us -s 150 --stdin -w /") && first.ends_with("Alexa, pair"), "{first}");
        assert_eq!(say(&speech, "Alexa, pair").await, Ok(due.clone()));
        assert_eq!(asked(), first, "it was kept");
        let kept = fs::read_dir(&cache).expect("a cache").next().expect("an entry").expect("readable").path();
        fs::write(kept, b"RIFF").expect("damage");
        assert_eq!(say(&speech, "Alexa, pair").await, Ok(due.clone()));
        assert_ne!(asked(), first, "it was damaged");
        assert_eq!(say(&speech, "-q; rm").await, Ok(due));
        assert!(asked().ends_with("-q; rm"), "words are no options");
    }

    #[tokio::test]
    async fn a_synthesiser_that_is_missing_or_fails_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = HostClock::start();
        let missing = Speech::with(Path::new("/does/not/exist"), folder.path(), clock);
        let said = say(&missing, "Alexa").await.expect_err("not there");
        assert!(said.contains("no program `/does/not/exist`") && said.contains("apt-get install espeak-ng"), "{said}");
        assert!(missing.check(clock.now().plus(PATIENCE_NS)).await.is_err_and(|said| said.contains("missing")));
        let silent = Speech::with(Path::new("true"), folder.path(), clock);
        let said = say(&silent, "Alexa").await.expect_err("no file");
        assert!(said.contains("left no sound"), "{said}");
        assert!(fs::read_dir(folder.path()).expect("there").next().is_none(), "nothing of it is kept");
    }

    #[tokio::test]
    async fn a_recording_is_read_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = HostClock::start();
        let speech = Speech::with(Path::new("false"), folder.path(), clock);
        let path = folder.path().join("pair.wav");
        let prompt = SpokenPrompt { wav: Some(path.display().to_string()), ..SpokenPrompt::default() };
        let deadline = clock.now().plus(PATIENCE_NS);
        let missing = speech.of(&prompt, None, deadline).await.map(|_| ()).map_err(|mute| mute.what);
        assert!(missing.expect_err("not there").contains("pair.wav failed"));
        fs::write(&path, b"nothing").expect("a file");
        let garbage = speech.of(&prompt, None, deadline).await.map(|_| ()).map_err(|mute| mute.hint);
        assert!(garbage.expect_err("no sound").contains("16 bits"));
        fs::write(&path, wav(48_000, 1, 16, &[1, 2])).expect("a file");
        let Ok(sound) = speech.of(&prompt, None, deadline).await else { panic!("a sound") };
        assert_eq!(sound, Mono { rate: 48_000, samples: vec![1, 2] });
    }
}
