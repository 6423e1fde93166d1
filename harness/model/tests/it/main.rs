//! Documents: what is refused and how it is explained, what is accepted, and what can never happen.

mod asked;
mod dongle;
mod event;
mod fuzz;
mod hostile;
mod house;
mod meaning;
mod properties;
mod reading;
mod render;
mod shape;
mod target;
mod tree;

use rigtone_model::{
    check::{Stimulus, Vocabulary, check},
    diagnostic::Diagnostic,
    load::{Loaded, SourceFile, load},
    observation::Quantity,
};

/// The stimuli that documents of these tests may name.
const VOCABULARY: Vocabulary<'_> = Vocabulary {
    rates: &[44_100, 48_000],
    stimuli: &[
        Stimulus { name: "smoke", carries: &[Quantity::Presence, Quantity::Latency] },
        Stimulus { name: "sweep", carries: &[Quantity::Presence, Quantity::Latency, Quantity::Response] },
        Stimulus { name: "noise", carries: &[Quantity::Presence, Quantity::Latency, Quantity::Dropouts] },
        Stimulus {
            name: "whole",
            carries: &[
                Quantity::Presence,
                Quantity::Latency,
                Quantity::Response,
                Quantity::Dropouts,
                Quantity::Doubled,
                Quantity::NoiseFloor,
                Quantity::Drift,
            ],
        },
    ],
};

fn source(path: &str, text: impl AsRef<[u8]>) -> SourceFile {
    SourceFile { path: path.into(), bytes: text.as_ref().to_vec() }
}

fn load_one(path: &str, text: impl AsRef<[u8]>) -> Loaded {
    load(vec![source(path, text)])
}

/// The findings of loading and checking.
fn findings(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let loaded = load(files.iter().map(|(path, text)| source(path, text)).collect());
    let mut all = loaded.diagnostics;
    all.extend(check(&loaded.library, &VOCABULARY));
    all
}

/// A finding as the tables write it: `code line:column-end path`.
fn place(finding: &Diagnostic) -> String {
    let position = finding.position.map_or("-".into(), |p| format!("{}:{}-{}", p.line, p.column, p.end_column));
    format!("{} {position} {}", finding.code, finding.document_path).trim_end().to_owned()
}

const SCENARIO: &str = "\
scenario: one
title: A scenario
matrix:
  source: {role: a2dp-source}
  speaker: {role: a2dp-sink}
trial:
  - discover: {within: 90 s}
  - pair: {attempts: 3}
  - play: {signal: smoke}
repeat: {at-least: 10, at-most: 100}
expect:
  - success-rate: {of: pair}
";

const DEVICE: &str = "\
device: jbl/charge-5
title: JBL Charge 5
roles: [a2dp-sink]
tags: [portable]
codecs: [sbc, aac]
gestures:
  pairing-mode:
    press:
      - {buttons: [power], for: 5 s}
settings:
  eq: [flat, bass]
firmware:
  \"1.0.6\": {codecs: [sbc]}
  \"1.1.0\": {}
";

const RIG: &str = "\
rig: lab
title: A lab
world: simulated
rooms:
  room: {}
dongles:
  hci: {address: \"00:00:00:00:00:01\"}
relays:
  board: {channels: 4}
microphones:
  bench: {room: room}
units:
  charge:
    device: jbl/charge-5
    firmware: 1.0.6
    address: \"00:00:00:00:00:02\"
    power: {relay: board, channel: 1}
    heard-by: {bench: {distance: 0.3 m}}
";

/// `text` with one line replaced, counted from 1.
fn with_line(text: &str, line: usize, by: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines[line - 1] = by;
    lines.join("\n") + "\n"
}
