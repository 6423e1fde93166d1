//! The repository's own documents, mutated: loading, checking and planning them never panics, never runs away, says the
//! same each time, and what it says can be shown.
//!
//! `RIGTONE_FUZZ_CASES` sets the number of cases of each target, `RIGTONE_FUZZ_SEED` repeats a run.

use std::{
    cell::Cell,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;
use proptest::{collection::vec, prelude::*, sample::Index};
use rigtone_model::{
    check::{Stimulus, Vocabulary, check},
    diagnostic::{Code, Diagnostic, render},
    document::{Device, Kind},
    event::Event,
    load::{Library, SourceFile, load},
    observation::Quantity,
    plan::{Expansion, Partition, PlannedScenario, Selector, expand},
    quantity,
    schema::schema,
};
use serde_json::Value;

use crate::target::target;

/// Every document of the repository, by its path there.
fn repository() -> Vec<SourceFile> {
    fn below(root: &Path, folder: &Path, found: &mut Vec<SourceFile>) {
        for entry in fs::read_dir(root.join(folder)).expect("the repository has its documents").flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                below(root, &path, found);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                found.push(SourceFile { bytes: fs::read(entry.path()).expect("a document can be read"), path });
            }
        }
    }
    let (root, mut found) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), Vec::new());
    for folder in ["scenarios", "devices", "rigs"] {
        below(&root, Path::new(folder), &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 10, "{} documents", found.len());
    found
}

/// The words of the documents' language: keys, enumerated words, examples, units, and what YAML and people make of them.
fn vocabulary() -> Vec<String> {
    fn gather(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match (key.as_str(), value) {
                        ("properties", Value::Object(properties)) => words.extend(properties.keys().cloned()),
                        ("enum" | "x-words" | "examples", Value::Array(items)) => {
                            words.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
                        }
                        _ => {}
                    }
                    gather(value, words);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| gather(item, words)),
            _ => {}
        }
    }
    let mut words = Vec::new();
    Kind::ALL.iter().for_each(|kind| gather(schema(*kind), &mut words));
    let others = [
        "~",
        "null",
        "true",
        ".inf",
        "-.inf",
        ".nan",
        "1e999",
        "-0",
        "0",
        "-1",
        "1",
        "2",
        "10000",
        "100000",
        "4294967296",
        "99999999999999999999",
        "0x1F",
        "0 s",
        "1 ns",
        "99999999999999999999 s",
        "880000 h",
        "5 ms",
        "100 %",
        "0 %",
        "50 %",
        "99.99 %",
        "-200 dB",
        "1000 m",
        "$pause",
        "$codec",
        "$",
        "[]",
        "{}",
        "[sbc, aac]",
        "{role: a2dp-sink}",
        "&a",
        "*a",
        "!!str",
        "<<",
        "---",
        "...",
        "|",
        ">",
        "#",
        "\"",
        "'",
        "\"\\ud800\"",
        "\"\\0\"",
        "\"\\e[2J\"",
        "\t",
        "\u{0}",
        "\u{feff}",
        "\u{202e}",
        "é",
        "😀",
        "../../etc/passwd",
        "a: b",
        "- a",
        "? a",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "-",
        "source",
        "speaker",
        "pair",
        "codec",
        "cold",
        "charge-5-fw110",
        "board-1",
        "bench-1",
        "lab-a",
        "jbl/charge-5",
    ];
    words.extend(others.iter().map(|word| (*word).to_owned()));
    words.sort();
    words.dedup();
    words
}

/// One change of a text, as a clumsy editor, a bad merge or a broken disk makes it.
#[derive(Debug, Clone)]
enum Change {
    FlipBit(Index, u8),
    Byte(Index, u8),
    Cut(Index, Index),
    Splice { from: Index, range: (Index, Index), at: Index },
    RepeatLine(Index, usize),
    DeleteLine(Index),
    SwapLines(Index, Index),
    SwapKeys(Index, Index),
    Indent(Index, i8),
    InsertWord(Index, Index),
    ReplaceWord(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), 0_u8..8).prop_map(|(at, bit)| Change::FlipBit(at, bit)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        2 => (at(), (at(), at()), at()).prop_map(|(from, range, at)| Change::Splice { from, range, at }),
        2 => (at(), prop_oneof![4 => 1_usize..3, 1 => 50_usize..400]).prop_map(|(at, times)| Change::RepeatLine(at, times)),
        2 => at().prop_map(Change::DeleteLine),
        2 => (at(), at()).prop_map(|(a, b)| Change::SwapLines(a, b)),
        3 => (at(), at()).prop_map(|(a, b)| Change::SwapKeys(a, b)),
        2 => (at(), -3_i8..4).prop_map(|(at, by)| Change::Indent(at, by)),
        3 => (at(), at()).prop_map(|(at, word)| Change::InsertWord(at, word)),
        8 => (at(), at()).prop_map(|(at, word)| Change::ReplaceWord(at, word)),
    ]
}

/// The stretches of a text that are words: what a token of the language may be.
fn words_of(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-/.%$_".contains(&byte);
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in bytes.iter().copied().chain([b' ']).enumerate() {
        match (is_word(byte), start) {
            (true, None) => start = Some(at),
            (false, Some(begun)) => {
                words.push(begun..at);
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn ordered(a: usize, b: usize) -> std::ops::Range<usize> {
    a.min(b)..a.max(b)
}

fn with_lines(bytes: &mut Vec<u8>, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    edit(&mut lines);
    *bytes = lines.join(&b'\n');
}

fn apply(change: &Change, bytes: &mut Vec<u8>, others: &[SourceFile], vocabulary: &[String]) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match change {
        Change::FlipBit(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Change::Byte(at, byte) => bytes[at.index(length)] = *byte,
        Change::Cut(a, b) => drop(bytes.drain(ordered(a.index(length), b.index(length)))),
        Change::Splice { from, range: (a, b), at } => {
            let other = &others[from.index(others.len())].bytes;
            let piece = other[ordered(a.index(other.len()), b.index(other.len()))].to_vec();
            let at = at.index(length);
            drop(bytes.splice(at..at, piece));
        }
        Change::RepeatLine(at, times) => with_lines(bytes, |lines| {
            let at = at.index(lines.len());
            let line = lines[at].clone();
            drop(lines.splice(at..at, vec![line; *times]));
        }),
        Change::DeleteLine(at) => with_lines(bytes, |lines| drop(lines.remove(at.index(lines.len())))),
        Change::SwapLines(a, b) => with_lines(bytes, |lines| {
            let n = lines.len();
            lines.swap(a.index(n), b.index(n));
        }),
        Change::Indent(at, by) => with_lines(bytes, |lines| {
            let n = lines.len();
            let line = &mut lines[at.index(n)];
            let spaces = line.iter().take_while(|byte| **byte == b' ').count();
            let wanted = spaces.saturating_add_signed(isize::from(*by));
            drop(line.splice(..spaces, vec![b' '; wanted]));
        }),
        Change::SwapKeys(a, b) => {
            let keys: Vec<_> = words_of(bytes).into_iter().filter(|word| bytes.get(word.end) == Some(&b':')).collect();
            if keys.is_empty() {
                return;
            }
            let (a, b) = (keys[a.index(keys.len())].clone(), keys[b.index(keys.len())].clone());
            let (first, second) = if a.start < b.start { (a, b) } else { (b, a) };
            if first.start != second.start {
                let (one, other) = (bytes[first.clone()].to_vec(), bytes[second.clone()].to_vec());
                drop(bytes.splice(second, one));
                drop(bytes.splice(first, other));
            }
        }
        Change::InsertWord(at, word) => {
            let at = at.index(length);
            drop(bytes.splice(at..at, vocabulary[word.index(vocabulary.len())].bytes()));
        }
        Change::ReplaceWord(at, word) => {
            let words = words_of(bytes);
            if let Some(range) = (!words.is_empty()).then(|| words[at.index(words.len())].clone()) {
                drop(bytes.splice(range, vocabulary[word.index(vocabulary.len())].bytes()));
            }
        }
    }
}

const STIMULI: Vocabulary<'_> = Vocabulary {
    rates: &[44_100, 48_000],
    stimuli: &[
        Stimulus { name: "smoke", carries: &[Quantity::Presence, Quantity::Latency] },
        Stimulus { name: "sweep", carries: &[Quantity::Response] },
        Stimulus { name: "click-train", carries: &[] },
        Stimulus { name: "noise", carries: &[Quantity::Dropouts, Quantity::Doubled, Quantity::Howling] },
    ],
};

fn findings(files: Vec<SourceFile>) -> (Library, Vec<SourceFile>, Vec<Diagnostic>) {
    let loaded = load(files);
    let mut found = loaded.diagnostics;
    found.extend(check(&loaded.library, &STIMULI));
    (loaded.library, loaded.sources, found)
}

/// Plans every scenario for every rig; a plan that cannot be made says why.
fn plan(library: &Library) -> usize {
    let devices: IndexMap<String, Device> =
        library.devices.iter().map(|(id, entry)| (id.clone(), entry.value.clone())).collect();
    let mut combinations = 0;
    for rig in library.rigs.values() {
        let from = Expansion { rig: &rig.value, devices: &devices, signal_length: &|_| None };
        for scenario in library.scenarios.values() {
            let planned = PlannedScenario { document: scenario.value.clone(), hash: scenario.hash.clone() };
            match expand(&planned, &from) {
                Ok(made) => {
                    combinations += made.len();
                    for one in &made {
                        let slug = one.id.slug();
                        assert!(!slug.is_empty() && !slug.contains(['/', '\0']) && !slug.starts_with('.'), "{slug}");
                    }
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    combinations
}

/// What holds for any files at all. Whether they were planned, and into how many combinations.
fn holds(files: &[SourceFile]) -> Option<usize> {
    let (library, sources, found) = findings(files.to_vec());
    assert!(found.iter().all(|d| d.code != Code::Internal), "{found:#?}");
    assert!(found.len() <= 202 * files.len(), "{} faults", found.len());
    let shown = render(&found, &sources, false);
    assert_eq!(shown.is_empty(), found.is_empty());
    assert_eq!(shown.chars().find(|c| c.is_control() && *c != '\n'), None, "{shown}");
    assert!(serde_json::to_string(&found).is_ok());
    assert_eq!(findings(files.to_vec()).2, found, "the same bytes have other faults");
    (!found.iter().any(Diagnostic::is_error)).then(|| plan(&library))
}

#[test]
fn a_mutated_project_is_explained_or_planned() {
    let (documents, vocabulary) = (repository(), vocabulary());
    let (planned, combinations) = (Cell::new(0), Cell::new(0));
    // Mostly one change: a project that is nearly right reaches the plan.
    let changes = prop_oneof![3 => vec(change(), 1..2), 1 => vec(change(), 2..6)];
    let changes = vec((any::<Index>(), changes), 1..3);
    target("a_mutated_project_is_explained_or_planned", 200, changes, |changes| {
        let mut files = documents.clone();
        for (which, changes) in &changes {
            let file = &mut files[which.index(documents.len())];
            changes.iter().for_each(|change| apply(change, &mut file.bytes, &documents, &vocabulary));
        }
        if let Some(made) = holds(&files) {
            planned.set(planned.get() + 1);
            combinations.set(combinations.get() + made);
        }
    });
    let _ = writeln!(
        std::io::stderr(),
        "fuzz a_mutated_project_is_explained_or_planned: {} were planned, into {} combinations",
        planned.get(),
        combinations.get()
    );
}

#[test]
fn a_mutated_document_alone_is_explained() {
    let (documents, vocabulary) = (repository(), vocabulary());
    let changes = (any::<Index>(), vec(change(), 1..30));
    target("a_mutated_document_alone_is_explained", 1500, changes, |(which, changes)| {
        let mut file = documents[which.index(documents.len())].clone();
        changes.iter().for_each(|change| apply(change, &mut file.bytes, &documents, &vocabulary));
        holds(&[file]);
    });
}

/// Lines of the language in any order and depth, without a document to begin with.
#[test]
fn a_document_of_random_words_is_explained() {
    let vocabulary = vocabulary();
    let kind = prop::sample::select(Kind::ALL.map(Kind::key).to_vec());
    let line = (0_usize..5, any::<bool>(), any::<Index>(), prop::option::of(any::<Index>()));
    let strategy = (kind, vec(line, 0..60));
    target("a_document_of_random_words_is_explained", 5000, strategy, |(kind, lines)| {
        let mut text = format!("{kind}: x\n");
        for (depth, item, key, value) in &lines {
            let word = |at: &Index| vocabulary[at.index(vocabulary.len())].as_str();
            let dash = if *item { "- " } else { "" };
            text += &format!("{}{dash}{}: {}\n", "  ".repeat(*depth), word(key), value.as_ref().map_or("", word));
        }
        holds(&[SourceFile { path: PathBuf::from("x.yaml"), bytes: text.into_bytes() }]);
    });
}

/// Lines of a log as this build writes them.
fn event_lines() -> Vec<String> {
    let line = |kind: &str, payload: &str| {
        format!(
            r#"{{"schema":"1.0","run":"r","seq":3,"t_ns":17,"combination":"s/a=b#00000000","trial":1,"attempt":1,"step":"pair","kind":"{kind}","payload":{payload}}}"#
        )
    };
    vec![
        line("trial-started", "null"),
        line("warning", r#"{"text":"a\nb \u001b[2J"}"#),
        line("trial-finished", r#"{"outcome":"completed","memory":{"bonds":[1]}}"#),
        line("decided", r#"{"verdict":"pass"}"#),
        line("moon-phase", r#"{"full":[1,2,{"a":null}]}"#),
    ]
}

#[test]
fn a_mutated_event_is_read_or_refused() {
    let lines: Vec<SourceFile> = event_lines()
        .into_iter()
        .map(|line| SourceFile { path: PathBuf::from("events.jsonl"), bytes: line.into_bytes() })
        .collect();
    let words: Vec<String> = [
        "null",
        "1e999",
        "-1",
        "18446744073709551616",
        "9223372036854775808",
        "{}",
        "[]",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"2.0\"",
        "\"kind\"",
        "\"payload\"",
        "\"seq\"",
        "\"lost\"",
        "true",
        "[[[[",
        "{\"a\":",
    ]
    .map(str::to_owned)
    .to_vec();
    let changes = (any::<Index>(), vec(change(), 1..8));
    target("a_mutated_event_is_read_or_refused", 3000, changes, |(which, changes)| {
        let mut bytes = lines[which.index(lines.len())].bytes.clone();
        changes.iter().for_each(|change| apply(change, &mut bytes, &lines, &words));
        match Event::from_line(&String::from_utf8_lossy(&bytes)) {
            // What is read is kept: written and read again it is the same.
            Ok((run, event)) => {
                let line = event.to_line(&run).expect("events are JSON");
                assert!(!line.contains('\n'), "{line}");
                assert_eq!(Event::from_line(&line).expect("what we write we read"), (run, event));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

#[test]
fn any_text_is_a_quantity_or_refused_and_a_quantity_reads_back() {
    let number = prop_oneof!["[-+]?[0-9]{1,25}(\\.[0-9]{0,12})?", "[-+.0-9eE]{0,12}", "NaN|inf|-inf|1e999|-0"];
    let unit = prop_oneof![
        prop::sample::select(vec![
            "ns", "us", "ms", "s", "min", "h", "dB", "dBFS", "dB SPL", "mm", "cm", "m", "%", "Hz", "kHz", "ppm",
            "bit/s", "kbit/s", "/h", "/min", ""
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    let text = (number, " {0,2}", unit).prop_map(|(number, space, unit)| format!("{number}{space}{unit}"));
    target("any_text_is_a_quantity_or_refused_and_a_quantity_reads_back", 10_000, text, |text| {
        macro_rules! round_trip {
            ($($kind:ident),+) => {
                $(if let Ok(value) = text.parse::<quantity::$kind>() {
                    let written = value.to_string();
                    let read = written.parse::<quantity::$kind>();
                    assert!(read.is_ok(), "`{text}` is written as `{written}`: {read:?}");
                    assert_eq!(read.map(|v| v.to_string()), Ok(written));
                })+
            };
        }
        round_trip!(Duration, Level, Loudness, Distance, Share, Frequency, Drift, BitRate, EventRate);
    });
}

#[test]
fn any_selector_or_partition_is_read_or_refused() {
    target(
        "any_selector_or_partition_is_read_or_refused",
        3000,
        "\\PC{0,12}|[a-z]{0,8}=[a*]{0,12}|hash:[0-9]{0,22}/[0-9]{0,22}",
        |text| {
            if let Ok(selector) = text.parse::<Selector>() {
                let _ = selector.fits([]);
            }
            let _ = text.parse::<Partition>();
        },
    );
}
