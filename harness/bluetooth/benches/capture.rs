//! How fast a long capture is decoded, beside tshark in the same run, and how much memory that takes.
//!
//! `cargo bench -p rigtone-bluetooth --bench capture` repeats recorded captures, with their times shifted, until they are 100 MB
//! long: the codec switch of `tests/data` and, where `RIGTONE_DATA` is set, that of a real phone. Both programs say which signals
//! and media packets there were. It ends with an error when the ratio of the times or the memory is not within the limits;
//! without tshark it says so.

#![expect(clippy::print_stdout, reason = "the figures are its product")]

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use rigtone_bluetooth::timeline::{Decoder, Report};

/// The length of a capture in bytes.
const LENGTH: usize = 100_000_000;
/// The least by which tshark takes longer.
const RATIO: f64 = 20.0;
/// The most that may be used, in kB.
const MEMORY_KB: u64 = 50_000;
/// Runs of which the fastest counts.
const RUNS: usize = 3;
const HEAD: usize = 16;
const RECORD: usize = 24;

fn main() -> ExitCode {
    // Called by itself to decode in a process of its own, whose memory nothing else uses.
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, path] = &arguments[..]
        && word == "--decode"
    {
        return decode_and_tell(Path::new(path));
    }
    let mut sources = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/codec-switch.btsnoop")];
    match std::env::var_os("RIGTONE_DATA").map(PathBuf::from) {
        Some(folder) => sources.push(folder.join("captures/motog2013-lghbs730/btsnoop_hci.log")),
        None => println!("RIGTONE_DATA is not set: no capture of a real device"),
    }
    let mut fine = true;
    for source in sources {
        fine &= measure(&source).unwrap_or_else(|error| {
            println!("{}: {error}", source.display());
            false
        });
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(source: &Path) -> io::Result<bool> {
    let path = std::env::temp_dir().join(format!("rigtone-bench-{}.btsnoop", std::process::id()));
    let copies = repeat(&fs::read(source)?, &path)?;
    let measured = beside(&path, copies);
    fs::remove_file(&path)?;
    measured
}

fn beside(path: &Path, copies: u64) -> io::Result<bool> {
    let megabytes = fs::metadata(path)?.len() as f64 / 1e6;
    let myself = std::env::current_exe()?;
    let (mut ours_s, mut ours_kb, mut said) = (f64::INFINITY, 0, String::new());
    for _ in 0..RUNS {
        let (seconds, kb, text) = run(Command::new(&myself).arg("--decode").arg(path))?;
        ours_s = ours_s.min(seconds);
        ours_kb = ours_kb.max(kb);
        said = text;
    }
    println!("{megabytes:.0} MB, {copies} copies: {}", said.trim());
    println!("  rigtone  {ours_s:.3} s, {:.0} MB/s, {:.1} MB of memory", megabytes / ours_s, ours_kb as f64 / 1000.0);
    let mut tshark = Command::new("tshark");
    tshark.args([
        "-n",
        "-Y",
        "btavdtp || bta2dp",
        "-T",
        "fields",
        "-e",
        "frame.time_relative",
        "-e",
        "btavdtp.signal_id",
    ]);
    let ratio = match run(tshark.args(["-e", "rtp.seq", "-r"]).arg(path)) {
        Ok((seconds, kb, text)) => {
            let rows = text.lines().count();
            println!(
                "  tshark   {seconds:.3} s, {:.1} MB of memory, {rows} signals and media packets",
                kb as f64 / 1000.0
            );
            Some(seconds / ours_s)
        }
        Err(error) => {
            println!("  tshark   not run: {error}");
            None
        }
    };
    if let Some(ratio) = ratio {
        println!("  ratio {ratio:.1}, at least {RATIO}; memory at most {:.0} MB", MEMORY_KB as f64 / 1000.0);
    }
    Ok(ratio.is_none_or(|ratio| ratio >= RATIO) && ours_kb <= MEMORY_KB)
}

/// Decodes and writes everything as JSON, as the command does; says how much there was, and the memory that it took.
fn decode_and_tell(path: &Path) -> ExitCode {
    let told = decode(path).and_then(|report| {
        serde_json::to_writer(io::sink(), &report)?;
        let signals: usize = report.links.iter().map(|link| link.signals.len()).sum();
        let starts = report.links.iter().flat_map(|link| &link.streams).flat_map(|stream| &stream.starts);
        let media: u64 = starts.filter_map(|start| start.media.as_ref()).map(|media| media.packets).sum();
        let (records, links, left_out) = (report.capture.records, report.links.len(), report.left_out);
        println!(
            "{records} records, {links} links, {signals} signals, {media} media packets, {left_out} facts left out"
        );
        Ok(())
    });
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn decode(path: &Path) -> io::Result<Report> {
    let mut decoder = Decoder::new();
    let mut file = File::open(path)?;
    let mut slice = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut slice)?;
        if read == 0 {
            return decoder.finish().map_err(io::Error::other);
        }
        decoder.feed(&slice[..read]).map_err(io::Error::other)?;
    }
}

/// Repeats a capture until it is long enough, each copy a second after the one before; how many copies.
fn repeat(source: &[u8], path: &Path) -> io::Result<u64> {
    let records = records(source);
    let times = || records.iter().map(|record| time(record));
    let (first, last) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
    let step = last - first + 1_000_000;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&source[..HEAD])?;
    let (mut written, mut copies) = (HEAD, 0);
    while written < LENGTH {
        for record in &records {
            file.write_all(&record[..RECORD - 8])?;
            file.write_all(&(time(record) + copies * step).to_be_bytes())?;
            file.write_all(&record[RECORD..])?;
            written += record.len();
        }
        copies += 1;
    }
    file.flush()?;
    Ok(copies)
}

fn records(source: &[u8]) -> Vec<&[u8]> {
    let mut at = HEAD;
    let mut records = Vec::new();
    while let Some(header) = source.get(at..at + RECORD) {
        let length = RECORD + u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        records.push(&source[at..at + length]);
        at += length;
    }
    records
}

fn time(record: &[u8]) -> u64 {
    record[RECORD - 8..RECORD].iter().fold(0, |time, byte| time << 8 | u64::from(*byte))
}

/// Runs a command: its time in s, its memory in kB, what it printed.
fn run(command: &mut Command) -> io::Result<(f64, u64, String)> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let output = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        output.map_or(Ok(0), |mut output| output.read_to_string(&mut text)).map(|_| text)
    });
    let status = format!("/proc/{}/status", child.id());
    let (mut most_kb, mut seconds) = (0, None);
    while seconds.is_none() {
        let line = fs::read_to_string(&status).unwrap_or_default();
        let line = line.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = line.and_then(|line| line.split_whitespace().next()).and_then(|kb| kb.parse().ok());
        most_kb = most_kb.max(kb.unwrap_or(0));
        match child.try_wait()? {
            Some(code) if code.success() => seconds = Some(begun.elapsed().as_secs_f64()),
            Some(code) => return Err(io::Error::other(code.to_string())),
            None => thread::sleep(Duration::from_micros(500)),
        }
    }
    let text = reader.join().map_err(|_| io::Error::other("its output could not be read"))??;
    Ok((seconds.unwrap_or_default(), most_kb, text))
}
