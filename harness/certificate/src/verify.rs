//! Checking a certificate: every byte, the signature, and whether the record says what the certificate says.

use std::{
    collections::BTreeSet,
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rigtone_record::open_file;
use serde::de::DeserializeOwned;

use crate::{
    bundle::{MANIFEST, RUN, SIGNATURE, hashed},
    conditions::Material,
    error::{CertificateError, at},
    key::{PublicKey, Trust},
    manifest::{self, CertifiedCombination, Manifest, Mode, Signature},
};

/// The manifest of a certificate is not larger.
const LARGEST: u64 = 64 << 20;

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as its path in the folder.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

/// Whose signature it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Of a key that is trusted.
    Trusted(PublicKey),
    /// Of a key that nobody here trusts: the folder is whole, and anybody may have made it.
    Unknown,
    /// Of a key that was trusted until a day before it was made.
    Ended(PublicKey),
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// What it says, as far as it can be read.
    pub manifest: Manifest,
    /// What is wrong with it; empty when all is as it was signed.
    pub problems: Vec<Problem>,
    /// Whose signature it is.
    pub standing: Standing,
}

/// Checks a certificate.
///
/// # Errors
/// When the folder is none: it has no manifest or no signature that can be read.
pub fn verify(folder: &Path, trust: &Trust) -> Result<Verified, CertificateError> {
    let mut problems = Vec::new();
    let mut wrong = |file: &str, what: String| problems.push(Problem { file: file.to_owned(), what });
    let (signature, _): (Signature, _) = read(folder, SIGNATURE, &mut wrong)?;
    let (manifest, signed): (Manifest, _) = read(folder, MANIFEST, &mut wrong)?;
    if signature.algorithm != "ed25519" || signature.schema != manifest.schema {
        wrong(SIGNATURE, format!("it is of another kind ({}, version {})", signature.algorithm, signature.schema));
    }
    if !PublicKey::signed(&signature.key, &signed, &signature.signature) {
        wrong(MANIFEST, "the signature is not of these bytes: it, or the signature, was changed".to_owned());
    }
    if manifest.key != signature.key {
        wrong(SIGNATURE, "it is of another key than the manifest names".to_owned());
    }
    parts(folder, &manifest, &mut wrong)?;
    // What was changed is not judged: it would only say so again in other words.
    if problems.is_empty() {
        problems.extend(record(folder, &manifest)?);
    }
    let standing = match trust.find(&signature.key) {
        None => Standing::Unknown,
        Some(key) if key.had_ended(manifest.made_unix_s) => Standing::Ended(key.clone()),
        Some(key) => Standing::Trusted(key.clone()),
    };
    if let Standing::Trusted(key) | Standing::Ended(key) = &standing
        && (key.test != (manifest.mode == Mode::Trial) || key.name != manifest.key_name)
    {
        problems.push(Problem {
            file: MANIFEST.to_owned(),
            what: format!("it says other things of the key `{}` than the key that is trusted", key.name),
        });
    }
    Ok(Verified { manifest, problems, standing })
}

/// Reads one of the two files that are written in one way only, and gives its bytes.
fn read<T: DeserializeOwned + serde::Serialize>(
    folder: &Path,
    name: &str,
    wrong: &mut impl FnMut(&str, String),
) -> Result<(T, Vec<u8>), CertificateError> {
    let path = folder.join(name);
    let no = |what: String| CertificateError::NoCertificate { path: folder.to_owned(), what };
    let file = open_file(&path).map_err(|e| no(format!("it has no `{name}` ({e})")))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(at("read", &path))?;
    if bytes.len() as u64 > LARGEST {
        return Err(no(format!("its `{name}` is larger than {LARGEST} bytes")));
    }
    let value: T = serde_json::from_slice(&bytes).map_err(|e| no(format!("its `{name}` has another form: {e}")))?;
    if manifest::text(&value).as_bytes() != bytes {
        wrong(name, "it is not written as Rigtone writes it: it was changed".to_owned());
    }
    Ok((value, bytes))
}

/// Holds the files against the manifest.
fn parts(folder: &Path, manifest: &Manifest, wrong: &mut impl FnMut(&str, String)) -> Result<(), CertificateError> {
    let mut known = BTreeSet::from([MANIFEST, SIGNATURE]);
    for part in &manifest.parts {
        known.insert(&part.path);
        let inside = Path::new(&part.path).components().all(|c| matches!(c, std::path::Component::Normal(_)));
        if !inside {
            wrong(MANIFEST, format!("it names a file outside of the folder: `{}`", part.path));
            continue;
        }
        match hashed(&folder.join(&part.path), part.bytes.saturating_add(1), &mut io::sink()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => wrong(&part.path, "it is missing".to_owned()),
            Err(e) => wrong(&part.path, format!("it cannot be read: {e}")),
            Ok((sha256, bytes)) if sha256 != part.sha256 || bytes != part.bytes => {
                let what = match bytes == part.bytes {
                    true => "it was changed: its hash is another one".to_owned(),
                    false if bytes < part.bytes => format!("it was changed: it has {bytes} bytes, not {}", part.bytes),
                    false => format!("it was changed: it has more than {} bytes", part.bytes),
                };
                wrong(&part.path, what);
            }
            Ok(_) => {}
        }
    }
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let here = folder.join(&below);
        for entry in fs::read_dir(&here).map_err(at("read", &here))? {
            let entry = entry.map_err(at("read", &here))?;
            let name = below.join(entry.file_name());
            let shown = name.display().to_string();
            let kind = entry.file_type().map_err(at("read", &here))?;
            if kind.is_dir() {
                if !known.iter().any(|part| Path::new(part).starts_with(&name)) {
                    wrong(&shown, "it is no part of the certificate".to_owned());
                }
                folders.push(name);
            } else if !kind.is_file() {
                wrong(&shown, "it is no file".to_owned());
            } else if !known.contains(shown.as_str()) {
                wrong(&shown, "it is no part of the certificate".to_owned());
            }
        }
    }
    Ok(())
}

/// Judges the record again, and holds what it says against the manifest.
fn record(folder: &Path, manifest: &Manifest) -> Result<Vec<Problem>, CertificateError> {
    let material = Material::read(&folder.join(RUN))?;
    let mut problems = Vec::new();
    let mut wrong = |what: String| problems.push(Problem { file: MANIFEST.to_owned(), what });
    let found: Vec<CertifiedCombination> = material
        .of(&manifest.subject)
        .map(|(planned, verdict)| {
            let (verdict, trials, seen) = (&verdict.verdict, verdict.trials, &verdict.expectations);
            CertifiedCombination::of(&planned.id, &planned.scenario, verdict, trials, seen)
        })
        .collect();
    if found != manifest.combinations {
        wrong("judged again, the record says something else of its combinations".to_owned());
    }
    if (&manifest.run, &manifest.rig, manifest.run_unix_s) != (&material.run, &material.plan.plan.rig, material.unix_s)
    {
        wrong("its run, rig or day are not those of the record".to_owned());
    }
    if (manifest.evidence_files, manifest.evidence_bytes) != (material.evidence_files, material.evidence_bytes) {
        wrong("the record names other evidence".to_owned());
    }
    if manifest.mode == Mode::Certificate {
        for obstacle in material.obstacles(&manifest.subject) {
            wrong(format!("the record is no ground for a certificate: {obstacle}"));
        }
    }
    Ok(problems)
}
