//! Where the library is: in a wheel that was installed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

const IN_WHEEL: &str = "site-packages/rootcanal/bin/linux-x86_64/librootcanal_ffi.so";

/// The library itself, or that of a virtual environment of Python.
pub(crate) fn library(path: &Path) -> anyhow::Result<PathBuf> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let folder = path.join("lib");
    let versions =
        fs::read_dir(&folder).with_context(|| format!("cannot search {} for the library", folder.display()))?;
    let mut found: Vec<PathBuf> =
        versions.flatten().map(|entry| entry.path().join(IN_WHEEL)).filter(|path| path.is_file()).collect();
    match (found.pop(), found.is_empty()) {
        (Some(library), true) => Ok(library),
        (Some(_), false) => bail!("{} has {IN_WHEEL} for several versions of Python; name the file", folder.display()),
        (None, _) => bail!("no {IN_WHEEL} below {}; install the wheel, or name the file", folder.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(folder: &Path, python: &str) -> PathBuf {
        let path = folder.join("lib").join(python).join(IN_WHEEL);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn the_library_is_found_in_an_environment_or_is_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert!(library(at).unwrap_err().to_string().starts_with("cannot search"));
        fs::create_dir_all(at.join("lib/python3.11/site-packages")).unwrap();
        assert!(library(at).unwrap_err().to_string().starts_with("no site-packages/rootcanal"));
        let first = install(at, "python3.11");
        assert_eq!(library(at).unwrap(), first);
        assert_eq!(library(&first).unwrap(), first);
        install(at, "python3.12");
        assert!(library(at).unwrap_err().to_string().contains("several versions"));
    }
}
