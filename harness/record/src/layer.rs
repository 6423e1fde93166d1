//! Layers below a run: `remeasured/0001/`, with `observations.jsonl` (a line for each trial) and `layer.json`.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use rigtone_model::{
    id::hex,
    layer::{LayerFacts, TrialLayer},
};
use sha2::{Digest, Sha256};

use crate::{
    atomic::sync_directory,
    error::{LayerError, RecordError},
    open,
    read::read_json,
    write::claim,
};

/// The folder of the layers.
const LAYERS: &str = "remeasured";
const OBSERVATIONS: &str = "observations.jsonl";
const FACTS: &str = "layer.json";
/// A layer that is being written, and is none yet.
const UNFINISHED: &str = ".unfinished";
/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 16 << 20;

/// A layer that is being written. It comes to be with [`finish`](Self::finish), whole; until then it is no layer.
#[derive(Debug)]
pub struct LayerWriter {
    layers: PathBuf,
    file: BufWriter<File>,
    digest: Sha256,
    finished: bool,
    /// Held as long as a layer is written, however the program ends.
    _claim: File,
}

impl LayerWriter {
    /// Begins a layer of a run, in the place of one that was begun and never finished.
    ///
    /// # Errors
    /// When the run's directory cannot be written to, or another process writes a layer of it.
    pub fn create(run: &Path) -> Result<Self, RecordError> {
        let io = |attempted, path: &Path| {
            let path = path.to_owned();
            move |os| RecordError::Io { attempted, path, os }
        };
        let layers = run.join(LAYERS);
        fs::create_dir_all(&layers).map_err(io("create", &layers))?;
        let claim = claim(&layers)?;
        let unfinished = layers.join(UNFINISHED);
        match fs::remove_dir_all(&unfinished) {
            Err(os) if os.kind() != io::ErrorKind::NotFound => return Err(io("remove", &unfinished)(os)),
            _ => fs::create_dir(&unfinished).map_err(io("create", &unfinished))?,
        }
        let path = unfinished.join(OBSERVATIONS);
        let file = File::create_new(&path).map_err(io("create", &path))?;
        Ok(Self { layers, file: BufWriter::new(file), digest: Sha256::new(), finished: false, _claim: claim })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.layers.join(UNFINISHED).join(name)
    }

    fn failed(&self, attempted: &'static str, name: &str) -> impl FnOnce(io::Error) -> RecordError {
        let path = self.path(name);
        move |os| RecordError::Io { attempted, path, os }
    }

    /// Adds a trial.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, trial: &TrialLayer) -> Result<(), RecordError> {
        let mut line =
            serde_json::to_vec(trial).map_err(|cause| RecordError::Json { path: self.path(OBSERVATIONS), cause })?;
        line.push(b'\n');
        self.digest.update(&line);
        self.file.write_all(&line).map_err(self.failed("append to", OBSERVATIONS))
    }

    /// Makes it a layer, with the next number; `facts` is given the digest of the observations. Gives its number and its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, facts: impl FnOnce(String) -> LayerFacts) -> Result<(u32, PathBuf), RecordError> {
        self.file.flush().map_err(self.failed("write", OBSERVATIONS))?;
        self.file.get_ref().sync_all().map_err(self.failed("sync", OBSERVATIONS))?;
        let digest = std::mem::take(&mut self.digest).finalize();
        let facts = facts(hex(&digest));
        let mut text =
            serde_json::to_vec_pretty(&facts).map_err(|cause| RecordError::Json { path: self.path(FACTS), cause })?;
        text.push(b'\n');
        File::create_new(self.path(FACTS))
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .map_err(self.failed("write", FACTS))?;
        sync_directory(&self.layers.join(UNFINISHED))?;
        let number = layers(&self.layers).map_err(self.failed("list the layers beside", ""))?.max().unwrap_or(0) + 1;
        let path = self.layers.join(format!("{number:04}"));
        fs::rename(self.layers.join(UNFINISHED), &path).map_err(self.failed("give its number to", ""))?;
        self.finished = true;
        sync_directory(&self.layers)?;
        Ok((number, path))
    }
}

impl Drop for LayerWriter {
    fn drop(&mut self) {
        if !self.finished {
            // What could not be removed is removed by the next one.
            let _ = fs::remove_dir_all(self.layers.join(UNFINISHED));
            let _ = fs::remove_dir(&self.layers);
        }
    }
}

fn layers(folder: &Path) -> io::Result<impl Iterator<Item = u32>> {
    Ok(fs::read_dir(folder)?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

/// A layer that is read trial by trial, in the order in which the trials ended.
#[derive(Debug)]
pub struct Layer {
    facts: LayerFacts,
    path: PathBuf,
    lines: BufReader<File>,
    line: u64,
    digest: Sha256,
    next: Option<TrialLayer>,
}

impl Layer {
    /// Opens a layer of a run by its number.
    ///
    /// # Errors
    /// When there is none of that number (those that there are are named), or it cannot be read.
    pub fn open(run: &Path, number: u32) -> Result<Self, LayerError> {
        let folder = run.join(LAYERS).join(format!("{number:04}"));
        if !folder.is_dir() {
            let mut there: Vec<u32> = layers(&run.join(LAYERS)).map(Iterator::collect).unwrap_or_default();
            there.sort_unstable();
            return Err(LayerError::NoSuchLayer { run: run.to_owned(), number, there });
        }
        let facts: LayerFacts = read_json(folder.join(FACTS), Some(LayerFacts::SCHEMA))?;
        let path = folder.join(OBSERVATIONS);
        let file = match open::file(&path) {
            Ok(file) => file,
            Err(os) => return Err(LayerError::Io { path, os }),
        };
        let mut layer = Self { facts, path, lines: BufReader::new(file), line: 0, digest: Sha256::new(), next: None };
        layer.advance()?;
        Ok(layer)
    }

    /// The trial that is next in it, if `wanted` says so.
    ///
    /// # Errors
    /// When the trial behind it cannot be read.
    pub fn next_if(&mut self, wanted: impl FnOnce(&TrialLayer) -> bool) -> Result<Option<TrialLayer>, LayerError> {
        let Some(trial) = self.next.take_if(|trial| wanted(trial)) else { return Ok(None) };
        self.advance()?;
        Ok(Some(trial))
    }

    /// All of it was read: is it what was written, and of this run with its number of events?
    ///
    /// # Errors
    /// When trials are left over, the bytes are others, or the run is another or has gone on.
    pub fn finish(mut self, run: &str, events: u64) -> Result<(), LayerError> {
        let (left, line) = (self.next.take(), self.line);
        let read = io::copy(&mut self.lines, &mut Hashing(&mut self.digest));
        read.map_err(|os| LayerError::Io { path: self.path.clone(), os })?;
        let found = hex(&std::mem::take(&mut self.digest).finalize());
        if found != self.facts.observations_sha256 {
            return Err(LayerError::Changed { path: self.path });
        }
        if self.facts.run != run {
            return Err(LayerError::OtherRun { path: self.path, of: self.facts.run, run: run.to_owned() });
        }
        if self.facts.events != events {
            return Err(LayerError::Grown { path: self.path, of: self.facts.events, events });
        }
        if let Some(TrialLayer { combination, trial, .. }) = left {
            return Err(LayerError::Stranger { path: self.path, line, combination, trial });
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<(), LayerError> {
        let mut line = Vec::new();
        let read = (&mut self.lines).take(LONGEST_LINE).read_until(b'\n', &mut line);
        let path = || self.path.clone();
        if read.map_err(|os| LayerError::Io { path: path(), os })? == 0 {
            self.next = None;
            return Ok(());
        }
        self.line += 1;
        self.digest.update(&line);
        let trial = serde_json::from_slice(&line);
        self.next = Some(trial.map_err(|cause| LayerError::Json { path: path(), line: self.line, cause })?);
        Ok(())
    }
}

/// What is written to it goes into the digest.
struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
