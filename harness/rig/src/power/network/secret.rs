//! Reading a secret when it is needed. It is never part of a message.

use std::{env, fs::File, io::Read};

use rigtone_model::document::{Hidden, Secret};

use super::client::Trouble;

/// No password is longer.
const LONGEST: u64 = 1024;

/// The secret: what the variable holds, or the first line of the file.
pub(crate) fn read(secret: &Secret) -> Result<String, Trouble> {
    match secret.place() {
        Some(Hidden::Environment(name)) => match env::var(name) {
            Ok(value) if !value.is_empty() => Ok(value),
            Ok(_) => Err(Trouble::new(format!("the variable {name} of the environment is empty"), set(name))),
            Err(_) => Err(Trouble::new(format!("the environment has no text called {name}"), set(name))),
        },
        Some(Hidden::File(path)) => {
            let mut text = String::new();
            let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
            if let Err(error) = read {
                let hint = "write the secret alone into that file, and let this user read it";
                return Err(Trouble::new(format!("reading the secret in {path} failed: {error}"), hint));
            }
            match text.lines().next() {
                Some(line) if !line.is_empty() => Ok(line.to_owned()),
                _ => Err(Trouble::new(format!("no secret stands in {path}"), "write it into the first line")),
            }
        }
        None => Err(Trouble::new("the rig file names no place of the secret", "write `from-env` or `from-file`")),
    }
}

fn set(name: &str) -> String {
    format!("set {name} where Rigtone is started, or write `from-file` in the rig file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_secret_is_read_from_where_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let secret = Secret::from_file(&path.display().to_string());
        let missing = read(&secret).expect_err("no file yet");
        assert!(missing.what.contains("secret"), "{missing:?}");
        fs::write(&path, "\n").expect("written");
        assert!(read(&secret).expect_err("empty").what.contains("no secret stands in"));
        fs::write(&path, "pass word \n").expect("written");
        assert_eq!(read(&secret).as_deref(), Ok("pass word "));
        // The environment of every test has it.
        assert_eq!(read(&Secret::from_env("PATH")), Ok(env::var("PATH").expect("set")));
        let missing = read(&Secret::from_env("RIGTONE_NO_SUCH_VARIABLE")).expect_err("not set");
        assert!(missing.hint.contains("set RIGTONE_NO_SUCH_VARIABLE"), "{missing:?}");
    }
}
