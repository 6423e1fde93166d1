//! The folder where journals outlive the process.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rigtone_model::trial::InfrastructureFault;
use rustix::fs::{Access, access};

use super::journal::{Journal, SUFFIX};
use crate::lock::escape;

/// The state directory in use: `$RIGTONE_STATE`; else `/var/lib/rigtone`, where it can be made or written; else
/// `$XDG_STATE_HOME/rigtone` or `~/.local/state/rigtone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    folder: PathBuf,
}

const SYSTEM: &str = "/var/lib/rigtone";
/// The longest name of a file.
const NAME_MAX: usize = 255;

fn fault(what: impl Into<String>) -> InfrastructureFault {
    InfrastructureFault::new("state directory", what)
        .hint("name a folder that this user can write in the environment variable RIGTONE_STATE")
}

impl State {
    /// Finds the state directory, and makes it where it is missing.
    ///
    /// # Errors
    /// When no folder can be written.
    pub fn find() -> Result<Self, InfrastructureFault> {
        Self::among(&|name| std::env::var_os(name).filter(|value| !value.is_empty()), Path::new(SYSTEM))
    }

    fn among(variable: &dyn Fn(&str) -> Option<OsString>, system: &Path) -> Result<Self, InfrastructureFault> {
        if let Some(named) = variable("RIGTONE_STATE") {
            let folder = PathBuf::from(named);
            if folder.is_relative() {
                let what = format!("RIGTONE_STATE is `{}`, which means another folder each time", folder.display());
                return Err(fault(what).hint("write a path that begins with `/`"));
            }
            return Self::at(folder);
        }
        let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Self::at(system.to_owned()).or_else(|of_system| {
            // Where others keep their journals, ours would be seen by nobody else, and theirs not by us.
            if system.exists() {
                return Err(of_system);
            }
            let own = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
            own.map_or(Err(of_system), |folder| Self::at(folder.join("rigtone")))
        })
    }

    /// Uses this folder.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn at(folder: PathBuf) -> Result<Self, InfrastructureFault> {
        let state = Self { folder };
        let usable = |path: &Path| {
            if !path.exists() {
                fs::create_dir_all(path)?;
                share(path)?;
            }
            access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
        };
        usable(&state.outputs()).map_err(|e| fault(format!("using {} failed: {e}", state.outputs().display())))?;
        Ok(state)
    }

    fn outputs(&self) -> PathBuf {
        self.folder.join("outputs")
    }

    fn file(&self, key: &str) -> PathBuf {
        self.outputs().join(format!("{}{SUFFIX}", escape(key)))
    }

    /// The journal of the relay board of that key: its port, or what its family has in place of one.
    ///
    /// # Errors
    /// When it cannot be written. What it holds never is an error.
    pub fn journal(&self, member: &str, key: &str) -> Result<Journal, InfrastructureFault> {
        let path = self.file(key);
        if path.file_name().is_some_and(|name| name.len() > NAME_MAX) {
            return Err(InfrastructureFault::new(member, "the name of its port is too long to keep a journal of it")
                .hint("name the port by a shorter path"));
        }
        Journal::open(path.clone(), key).map_err(|e| {
            InfrastructureFault::new(member, format!("opening its journal {} failed: {e}", path.display()))
                .hint("its outputs are switched only when that is on record: make the file writable, or free space")
        })
    }

    /// The keys of the boards that have journals.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn keys(&self) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(self.outputs())? {
            let name = entry?.file_name();
            keys.extend(name.to_str().and_then(|name| name.strip_suffix(SUFFIX)).and_then(unescape));
        }
        keys.sort();
        Ok(keys)
    }
}

/// Lets whoever may write in the folder write this too: a rig may have several users. Only the owner can.
pub(super) fn share(path: &Path) -> io::Result<()> {
    let folder = path.parent().map_or(Ok(0), |folder| fs::metadata(folder).map(|meta| meta.mode()))?;
    let mode = fs::metadata(path)?.mode();
    // Of a folder the group's right to search, and that what is made in it belongs to the group as well.
    let group = if path.is_dir() { 0o2070 } else { 0o060 };
    if folder & 0o020 == 0 || mode & group == group {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777 | group))
}

fn unescape(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[("RIGTONE_STATE", "T/named"), ("HOME", "T/home")], "T/var", "T/named")]
    #[case(&[("HOME", "T/home")], "T/var", "T/var")]
    // Nobody makes folders in /proc.
    #[case(&[("XDG_STATE_HOME", "T/xdg"), ("HOME", "T/home")], "/proc/rigtone", "T/xdg/rigtone")]
    #[case(&[("XDG_STATE_HOME", "relative"), ("HOME", "T/home")], "/proc/rigtone", "T/home/.local/state/rigtone")]
    fn the_first_folder_that_can_be_written_is_used(
        #[case] variables: &[(&str, &str)],
        #[case] system: &str,
        #[case] used: &str,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| path.replacen('T', &folder.path().to_string_lossy(), usize::from(path.starts_with('T')));
        let variable =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(at(value)));
        let state = State::among(&variable, Path::new(&at(system))).expect("usable");
        assert_eq!(state.folder, PathBuf::from(at(used)));
    }

    #[rstest]
    #[case("relative/folder", "means another folder each time")]
    #[case("/proc/rigtone", "using /proc/rigtone/outputs failed")]
    #[case("/dev/null", "using /dev/null/outputs failed")]
    fn a_named_folder_that_cannot_be_used_is_refused_and_not_replaced(#[case] named: &str, #[case] said: &str) {
        let variable = |name: &str| (name == "RIGTONE_STATE").then(|| OsString::from(named));
        let fault = State::among(&variable, Path::new("/tmp")).expect_err("unusable");
        assert!(fault.what.contains(said) && fault.hint.is_some(), "{fault}");
    }

    #[test]
    fn without_any_folder_the_first_refusal_is_told() {
        let fault = State::among(&|_| None, Path::new("/proc/rigtone")).expect_err("unusable");
        assert!(fault.what.contains("/proc/rigtone"), "{fault}");
    }

    #[test]
    fn journals_are_found_by_the_ports_that_they_belong_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::at(folder.path().to_owned()).expect("usable");
        let ports = ["/dev/serial/by-path/pci-0000:00:14.0-usb-0:1.2:1.0", "/dev/ttyÜ %2F"];
        for port in ports {
            state.journal("relay b", port).expect("a journal");
        }
        fs::write(folder.path().join("outputs/notes.txt"), "by hand").expect("a file");
        assert_eq!(state.keys().expect("readable"), ports);
        let fault = state.journal("relay b", &"/x".repeat(200)).expect_err("too long");
        assert_eq!(fault.member, "relay b");
    }
}
