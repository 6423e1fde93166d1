//! `rigtone certify`, `rigtone verify`, `rigtone key`

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rigtone_certificate::{
    CertificateError, Made, Manifest, Mode, Request, SecretKey, Standing, Subject, Trust, Verified, make,
    verify as check,
};
use rigtone_judge::verdicts::RunPlan;
use rigtone_record::{read_environment, read_plan};
use rigtone_report::{exit::Code, figure::count, sanitise};
use serde_json::json;

use super::report::read_trouble;
use crate::{documents, printer, trouble::Trouble};

/// What is certified.
#[derive(Debug, clap::Args)]
pub(crate) struct Certify {
    /// The run directory of the suite.
    run: PathBuf,
    /// The device, such as `sony/srs-xb33`.
    #[arg(long)]
    device: String,
    /// The firmware that its unit ran.
    #[arg(long)]
    firmware: String,
    /// The suite whose scenarios it must have passed, such as `suites/certification.yaml`.
    #[arg(long, value_name = "FILE")]
    suite: PathBuf,
    /// The secret key that signs it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The folder to make.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Try out how it goes, with a test key: what keeps the run from certifying is told, and stands in what is made.
    #[arg(long)]
    trial: bool,
    /// Print what the certificate says as JSON.
    #[arg(long)]
    json: bool,
}

/// What is verified.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The folder of the certificate.
    certificate: PathBuf,
    /// Public keys that are trusted, or folders of them.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    trust: Vec<PathBuf>,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

/// What is done with keys.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Key {
    /// Make a pair of keys: a secret one, which only you can read, and a public one beside it (`.pub`) for those who verify.
    New {
        /// The file of the secret key.
        file: PathBuf,
        /// The name that people know it by, such as `lab-1 2026`.
        #[arg(long)]
        name: String,
        /// It signs trials only.
        #[arg(long)]
        test: bool,
    },
}

pub(crate) fn key(what: &Key) -> Result<Code, Trouble> {
    let Key::New { file, name, test } = what;
    if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Trouble::usage("--name takes 1 to 100 characters of one line"));
    }
    let key = SecretKey::generate(name, &documents::today(), *test).map_err(|e| trouble(&e))?;
    let public = key.write(file).map_err(|e| trouble(&e))?;
    printer::out(&format!("secret key {}: keep it off the rig's host, and in one safe place\n", file.display()));
    printer::out(&format!("public key {}: give it to those who verify\n", public.display()));
    Ok(Code::Passed)
}

pub(crate) fn certify(what: &Certify) -> Result<Code, Trouble> {
    let key = SecretKey::read(&what.key).map_err(|e| trouble(&e))?;
    let wanted = documents::suite(&what.suite)?;
    let mut paths = wanted.value.paths(&wanted.path);
    paths.push(what.suite.clone());
    let library = documents::read(&paths).must_be_right_without_devices()?;
    let suite = library.scenarios.iter().map(|(id, entry)| (id.clone(), (entry.hash.clone(), entry.path.clone())));
    let suite: BTreeMap<String, (String, PathBuf)> = suite.collect();
    if suite.is_empty() {
        return Err(Trouble::usage("--suite names no scenario")
            .hint("name a suite whose `scenarios` are files or folders of scenarios"));
    }
    let plan: RunPlan = read_plan(&what.run).map_err(|e| read_trouble(&e))?;
    let environment = read_environment(&what.run).map_err(|e| read_trouble(&e))?;
    let origin: Option<documents::Origin> = serde_json::from_value(environment["run"]["documents"].clone()).ok();
    let mut files = vec![("documents/suite.yaml".to_owned(), wanted.path.clone(), Some(wanted.hash.clone()))];
    let scenarios = suite
        .iter()
        .map(|(id, (hash, path))| (format!("documents/scenarios/{id}.yaml"), path.clone(), Some(hash.clone())));
    files.extend(scenarios);
    // Without the documents nobody could say what stood in the rig. The parts of a merged run have them: it is no ground anyway.
    let unknown = || match environment["merged"].is_array() {
        true => Vec::new(),
        false => vec![("documents/rig.yaml".to_owned(), PathBuf::new(), Some(plan.plan.rig_hash.clone()))],
    };
    files.extend(origin.map_or_else(unknown, |origin| origin.files(&plan.plan.rig_hash)));
    let subject = Subject {
        device: what.device.clone(),
        firmware: what.firmware.clone(),
        suite: wanted.value.suite.clone(),
        scenarios: suite.into_iter().map(|(id, (hash, _))| (id, hash)).collect(),
    };
    let request = Request {
        run: &what.run,
        subject,
        mode: if what.trial { Mode::Trial } else { Mode::Certificate },
        documents: files,
        now_unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64),
        rigtone: env!("CARGO_PKG_VERSION"),
    };
    let Made { manifest } = make(&request, &key, &what.out).map_err(|e| trouble(&e))?;
    match what.json {
        true => printer::json(&manifest)?,
        false => {
            printer::out(&says(&manifest));
            printer::out(&format!("signed by {} in {}\n", sanitise::line(&manifest.key_name), what.out.display()));
        }
    }
    Ok(Code::Passed)
}

pub(crate) fn verify(what: &Verify) -> Result<Code, Trouble> {
    let trust = Trust::read(&what.trust).map_err(|e| trouble(&e))?;
    let Verified { manifest, problems, standing } = check(&what.certificate, &trust).map_err(|e| trouble(&e))?;
    let (code, whose) = match (&standing, problems.is_empty()) {
        (_, false) => (Code::Failure, "it is not what was signed"),
        (Standing::Trusted(_), true) if manifest.mode == Mode::Trial => {
            (Code::Inconclusive, "it is a trial, and certifies nothing")
        }
        (Standing::Trusted(_), true) => (Code::Passed, "it is what was signed, by a key that is trusted"),
        (Standing::Ended(_), true) => {
            (Code::Inconclusive, "it is what was signed, by a key that was trusted no more on that day")
        }
        (Standing::Unknown, true) => {
            (Code::Inconclusive, "it is whole, and signed by a key that is not trusted here: anybody may have made it")
        }
    };
    if what.json {
        let standing = match standing {
            Standing::Trusted(_) => "trusted",
            Standing::Unknown => "unknown",
            Standing::Ended(_) => "ended",
        };
        let problems: Vec<_> =
            problems.iter().map(|problem| json!({"file": problem.file, "what": problem.what})).collect();
        printer::json(
            &json!({"schema": "1.0", "result": whose, "key": standing, "problems": problems, "certificate": manifest}),
        )?;
        return Ok(code);
    }
    let mut text = String::new();
    for problem in &problems {
        let _ = writeln!(text, "changed    {}", sanitise::line(&problem.to_string()));
    }
    if problems.is_empty() {
        text += &says(&manifest);
        let _ = writeln!(text, "judged again from its record: the same");
    }
    let _ = writeln!(text, "key {} ({}): {whose}", manifest.key, sanitise::line(&manifest.key_name));
    printer::out(&text);
    Ok(code)
}

/// What a certificate says, for people.
fn says(manifest: &Manifest) -> String {
    let Subject { device, firmware, suite, scenarios } = &manifest.subject;
    let mode = match manifest.mode {
        Mode::Certificate => "certificate",
        Mode::Trial => "TRIAL, no certificate",
    };
    let mut text = format!(
        "{mode}: {} firmware {}, suite {} ({}), rig {}, {}\n",
        sanitise::line(device),
        sanitise::line(firmware),
        sanitise::line(suite),
        count(scenarios.len(), "scenario"),
        sanitise::line(&manifest.rig),
        documents::day(manifest.run_unix_s)
    );
    for obstacle in &manifest.obstacles {
        let _ = writeln!(text, "  keeps it from certifying: {}", sanitise::line(obstacle));
    }
    for combination in &manifest.combinations {
        let _ = writeln!(
            text,
            "  {:<12} {} ({})",
            combination.verdict,
            sanitise::line(&combination.id),
            count(combination.trials as usize, "trial")
        );
    }
    text
}

fn trouble(error: &CertificateError) -> Trouble {
    let code = match error {
        CertificateError::Obstacles(_) => Code::Failure,
        _ if error.is_of_path() => Code::Usage,
        CertificateError::Io { .. } | CertificateError::Write(_) => Code::Infrastructure,
        _ => Code::Usage,
    };
    Trouble::new(code, error).hint(error.hint())
}

impl documents::Origin {
    /// The documents of a run's rig and devices: the path in a certificate, the file, and the hash that it had.
    fn files(&self, rig_hash: &str) -> Vec<(String, PathBuf, Option<String>)> {
        let named =
            |name: &str, path: &Path, hash: &str| (format!("documents/{name}"), path.to_owned(), Some(hash.to_owned()));
        let mut files = vec![named("rig.yaml", &self.rig, rig_hash)];
        files.extend(self.hashes.iter().map(|(id, hash)| {
            let name = format!("{id}.yaml");
            named(&format!("devices/{name}"), &self.devices.join(&name), hash)
        }));
        if let (Some(hash), Some(path)) = (&self.calibration, documents::calibration_file(&self.rig)) {
            files.push(named("calibration.yaml", &path, hash));
        }
        files
    }
}
