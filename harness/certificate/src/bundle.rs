//! Making a certificate of a run.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use rigtone_record::open_file;
use sha2::{Digest, Sha256};

use crate::{
    conditions::{Material, Obstacle, Subject},
    error::{CertificateError, at},
    hex,
    key::SecretKey,
    manifest::{self, CertifiedCombination, Manifest, Mode, Part, SCHEMA, Signature},
};

/// The manifest and its signature.
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SIGNATURE: &str = "signature.json";
/// What a certificate holds of the run directory.
pub(crate) const RUN: &str = "run";
const OF_RUN: [&str; 4] = ["environment.json", "events.jsonl", "plan.json", "verdicts.json"];

/// What is to be certified.
#[derive(Debug)]
pub struct Request<'a> {
    /// The run directory.
    pub run: &'a Path,
    /// What of.
    pub subject: Subject,
    /// Whether it is to count.
    pub mode: Mode,
    /// Documents that go with it: the path in the certificate, the file, and the SHA-256 that it had when the run began, where that is known.
    pub documents: Vec<(String, PathBuf, Option<String>)>,
    /// Now, in seconds since 1970.
    pub now_unix_s: i64,
    /// The version of Rigtone.
    pub rigtone: &'a str,
}

/// What was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// What it says.
    pub manifest: Manifest,
}

/// Makes the folder `out`, which must not be there yet.
///
/// # Errors
/// When the run cannot be read or is no ground for a certificate, the key is for another purpose, or the folder cannot be written. Of a
/// folder that was begun nothing is left.
pub fn make(request: &Request<'_>, key: &SecretKey, out: &Path) -> Result<Made, CertificateError> {
    let public = key.public();
    if public.test != (request.mode == Mode::Trial) {
        return Err(CertificateError::WrongKey { name: public.name.clone(), test: public.test });
    }
    let material = Material::read(request.run)?;
    let mut obstacles = material.obstacles(&request.subject);
    for (name, path, hash) in &request.documents {
        let found = hashed(path, u64::MAX, &mut io::sink());
        if found.is_err() || hash.as_ref().is_some_and(|hash| found.is_ok_and(|(found, _)| found != *hash)) {
            obstacles.push(Obstacle::Changed(name.clone()));
        }
    }
    if request.mode == Mode::Certificate && !obstacles.is_empty() {
        return Err(CertificateError::Obstacles(obstacles));
    }
    fs::create_dir(out).map_err(|os| match os.kind() {
        io::ErrorKind::AlreadyExists => CertificateError::There { path: out.to_owned() },
        _ => at("create", out)(os),
    })?;
    let made = fill(request, &material, &obstacles, key, out);
    if made.is_err() {
        // The fault that is reported is the first one.
        let _ = fs::remove_dir_all(out);
    }
    made
}

fn fill(
    request: &Request<'_>,
    material: &Material,
    obstacles: &[Obstacle],
    key: &SecretKey,
    out: &Path,
) -> Result<Made, CertificateError> {
    let mut parts = Vec::new();
    for name in OF_RUN {
        parts.push(copied(&request.run.join(name), &format!("{RUN}/{name}"), out)?);
    }
    for (name, path, hash) in &request.documents {
        // A document that is gone is an obstacle; a trial goes on without it.
        if path.exists() {
            let part = copied(path, name, out)?;
            let changed = Obstacle::Changed(name.clone());
            // It was looked at before: somebody may have written it meanwhile.
            if hash.as_ref().is_some_and(|hash| part.sha256 != *hash) && !obstacles.contains(&changed) {
                return Err(CertificateError::Obstacles(vec![changed]));
            }
            parts.push(part);
        }
    }
    parts.sort_by(|a, b| a.path.cmp(&b.path));
    let combinations = material.of(&request.subject);
    let combinations = combinations.map(|(planned, verdict)| {
        let (verdict, trials, seen) = (&verdict.verdict, verdict.trials, &verdict.expectations);
        CertifiedCombination::of(&planned.id, &planned.scenario, verdict, trials, seen)
    });
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        mode: request.mode,
        subject: request.subject.clone(),
        made_unix_s: request.now_unix_s,
        rigtone: request.rigtone.to_owned(),
        key_name: key.public().name.clone(),
        key: key.public().public.clone(),
        run: material.run.clone(),
        rig: material.plan.plan.rig.clone(),
        run_unix_s: material.unix_s,
        combinations: combinations.collect(),
        evidence_files: material.evidence_files,
        evidence_bytes: material.evidence_bytes,
        obstacles: obstacles.iter().map(ToString::to_string).collect(),
        parts,
    };
    let text = manifest::text(&manifest);
    let signature = Signature {
        schema: SCHEMA.to_owned(),
        algorithm: "ed25519".to_owned(),
        key: key.public().public.clone(),
        signature: key.sign(text.as_bytes()),
    };
    for (name, text) in [(MANIFEST, text), (SIGNATURE, manifest::text(&signature))] {
        rigtone_record::replace(&out.join(name), |file| file.write_all(text.as_bytes()))?;
    }
    Ok(Made { manifest })
}

/// Copies a file into the folder of a certificate.
fn copied(from: &Path, name: &str, out: &Path) -> Result<Part, CertificateError> {
    let to = out.join(name);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(at("create", folder))?;
    }
    let mut file = fs::File::create_new(&to).map_err(at("create", &to))?;
    let (sha256, bytes) = hashed(from, u64::MAX, &mut file).map_err(at("copy", from))?;
    file.sync_all().map_err(at("write", &to))?;
    Ok(Part { path: name.to_owned(), bytes, sha256 })
}

/// The SHA-256 of a file and its length; its bytes go on to `sink`. Of a longer one `most` bytes are read.
pub(crate) fn hashed(path: &Path, most: u64, sink: &mut dyn Write) -> io::Result<(String, u64)> {
    let mut file = open_file(path)?.take(most);
    let (mut digest, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(&buffer[..count]);
        sink.write_all(&buffer[..count])?;
        length += count as u64;
    }
    Ok((hex::encode(&digest.finalize()), length))
}
