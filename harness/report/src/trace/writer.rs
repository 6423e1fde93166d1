//! The Trace Event Format: one JSON object, an event a line. Times are in microseconds, with three decimals.

use std::{
    fmt,
    io::{self, Write},
};

use serde_json::{Value as Json, json};

use crate::sanitise::short;

/// The longest name, in characters.
const LONGEST: usize = 200;

/// Where an event is shown: a process and a thread to the format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) group: u32,
    pub(super) number: u32,
}

/// A time as the format wants it, exact to the nanosecond.
struct Microseconds(i64);

impl fmt::Display for Microseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let ns = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:03}", ns / 1000, ns % 1000)
    }
}

/// Writes one event after the other.
pub(super) struct Writer<W> {
    sink: W,
    first: bool,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(mut sink: W) -> io::Result<Self> {
        sink.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        Ok(Self { sink, first: true })
    }

    fn event(&mut self, phase: &str, track: Track, ns: i64, name: &str, more: &str) -> io::Result<()> {
        let comma = if self.first { "" } else { "," };
        self.first = false;
        let (name, Track { group, number }) = (Json::from(short(name, LONGEST)), track);
        let ts = Microseconds(ns);
        write!(
            self.sink,
            "{comma}\n{{\"ph\":\"{phase}\",\"pid\":{group},\"tid\":{number},\"ts\":{ts},\"name\":{name}{more}}}"
        )
    }

    /// Names a group of tracks.
    pub(super) fn group(&mut self, group: u32, name: &str) -> io::Result<()> {
        let track = Track { group, number: 0 };
        self.event("M", track, 0, "process_name", &arguments(&json!({"name": name})))?;
        self.event("M", track, 0, "process_sort_index", &arguments(&json!({"sort_index": group})))
    }

    /// Names a track.
    pub(super) fn track(&mut self, track: Track, name: &str) -> io::Result<()> {
        self.event("M", track, 0, "thread_name", &arguments(&json!({"name": short(name, LONGEST)})))?;
        self.event("M", track, 0, "thread_sort_index", &arguments(&json!({"sort_index": track.number})))
    }

    /// Something begins on a track, within what has begun there.
    pub(super) fn begin(&mut self, track: Track, ns: i64, name: &str, args: &Json) -> io::Result<()> {
        self.event("B", track, ns, name, &arguments(args))
    }

    /// What began last on a track ends.
    pub(super) fn end(&mut self, track: Track, ns: i64, args: &Json) -> io::Result<()> {
        self.event("E", track, ns, "", &arguments(args))
    }

    /// Something with a beginning and an end, both known.
    pub(super) fn slice(&mut self, track: Track, begin: i64, end: i64, name: &str, args: &Json) -> io::Result<()> {
        let dur = Microseconds(end.saturating_sub(begin).max(0));
        self.event("X", track, begin, name, &format!(",\"dur\":{dur}{}", arguments(args)))
    }

    /// Something without a length.
    pub(super) fn instant(&mut self, track: Track, ns: i64, name: &str, args: &Json) -> io::Result<()> {
        self.event("i", track, ns, name, &format!(",\"s\":\"t\"{}", arguments(args)))
    }

    /// A value from now on.
    pub(super) fn counter(&mut self, group: u32, ns: i64, name: &str, value: u32) -> io::Result<()> {
        self.event("C", Track { group, number: 0 }, ns, name, &arguments(&json!({"value": value})))
    }

    /// An arrow begins.
    pub(super) fn flow_from(&mut self, track: Track, ns: i64, id: u64) -> io::Result<()> {
        self.event("s", track, ns, "sound", &format!(",\"cat\":\"sound\",\"id\":{id}"))
    }

    /// It ends.
    pub(super) fn flow_to(&mut self, track: Track, ns: i64, id: u64) -> io::Result<()> {
        self.event("f", track, ns, "sound", &format!(",\"cat\":\"sound\",\"id\":{id},\"bp\":\"e\""))
    }

    /// The end of the trace, with what is to be known of it.
    pub(super) fn finish(mut self, other: &Json) -> io::Result<()> {
        writeln!(self.sink, "\n],\"otherData\":{other}}}")?;
        self.sink.flush()
    }
}

fn arguments(args: &Json) -> String {
    match args.as_object() {
        Some(map) if map.is_empty() => String::new(),
        _ => format!(",\"args\":{args}"),
    }
}
