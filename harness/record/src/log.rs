//! The event log: one write per record, so that a killed program leaves whole lines behind.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use rigtone_model::event::Event;

use crate::error::RecordError;

#[derive(Debug)]
pub(crate) struct EventLog {
    file: File,
    path: PathBuf,
    next: u64,
    poisoned: Option<String>,
}

impl EventLog {
    /// Creates the log; one that exists is never touched.
    pub(crate) fn create(path: &Path) -> Result<Self, RecordError> {
        OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)
            .map(|file| Self::on(file, path))
            .map_err(|os| RecordError::Io { attempted: "create", path: path.to_owned(), os })
    }

    /// Opens a log to go on after its last whole record, of which `good_bytes` is the end and `next` the number that
    /// is due. What stands behind is put into `aside` first.
    pub(crate) fn reopen(path: &Path, good_bytes: u64, next: u64, aside: &Path) -> Result<Self, RecordError> {
        let io = |attempted, path: &Path| {
            let path = path.to_owned();
            move |os| RecordError::Io { attempted, path, os }
        };
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(io("open", path))?;
        if file.metadata().map_err(io("ask for the size of", path))?.len() > good_bytes {
            file.seek(SeekFrom::Start(good_bytes)).map_err(io("read", path))?;
            let mut to = File::create(aside).map_err(io("create", aside))?;
            io::copy(&mut file, &mut to).and_then(|_| to.sync_all()).map_err(io("write", aside))?;
            file.set_len(good_bytes).and_then(|()| file.sync_all()).map_err(io("shorten", path))?;
        }
        Ok(Self { next, ..Self::on(file, path) })
    }

    fn on(file: File, path: &Path) -> Self {
        Self { file, path: path.to_owned(), next: 0, poisoned: None }
    }

    pub(crate) fn append(&mut self, run: &str, event: &Event) -> Result<(), RecordError> {
        if let Some(first) = &self.poisoned {
            return Err(RecordError::Poisoned { path: self.path.clone(), first: first.clone() });
        }
        let result = self.write(run, event);
        if let Err(error) = &result {
            // Whatever follows half a record could not be told from it.
            self.poisoned = Some(error.to_string());
        }
        result
    }

    fn write(&mut self, run: &str, event: &Event) -> Result<(), RecordError> {
        let path = || self.path.clone();
        if event.seq != self.next {
            return Err(RecordError::Sequence { path: path(), expected: self.next, found: event.seq });
        }
        let mut line = event.to_line(run).map_err(|cause| RecordError::Json { path: path(), cause })?;
        line.push('\n');
        let written = loop {
            match self.file.write(line.as_bytes()) {
                // Nothing was written yet.
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        match written {
            Ok(written) if written == line.len() => {
                self.next += 1;
                Ok(())
            }
            Ok(written) => Err(RecordError::Short { path: path(), written, of: line.len() }),
            Err(os) => Err(RecordError::Io { attempted: "append to", path: path(), os }),
        }
    }

    pub(crate) fn sync(&self) -> Result<(), RecordError> {
        self.file.sync_data().map_err(|os| RecordError::Io { attempted: "sync", path: self.path.clone(), os })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_model::event::Body;

    fn event(seq: u64) -> Event {
        Event { seq, t_ns: 0, at: None, body: Body::TrialStarted }
    }

    #[test]
    fn a_full_disk_gives_the_log_up_and_says_what_to_do() {
        let path = Path::new("/dev/full");
        let mut log = EventLog::on(OpenOptions::new().append(true).open(path).unwrap(), path);
        let first = log.append("r", &event(0)).expect_err("no space");
        assert!(first.to_string().starts_with("append to `/dev/full`: "), "{first}");
        assert!(first.hint().contains("space"));
        let second = log.append("r", &event(0)).expect_err("given up");
        assert!(matches!(&second, RecordError::Poisoned { first: f, .. } if *f == first.to_string()), "{second}");
    }

    #[test]
    fn an_event_out_of_turn_is_refused_and_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = EventLog::create(&path).unwrap();
        log.append("r", &event(0)).unwrap();
        let length = path.metadata().unwrap().len();
        assert!(matches!(log.append("r", &event(2)), Err(RecordError::Sequence { expected: 1, found: 2, .. })));
        assert_eq!(path.metadata().unwrap().len(), length);
    }
}
