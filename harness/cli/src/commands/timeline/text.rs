//! A timeline for people: a block for each link, a line for each phase, and below it what delayed it.

use std::{fmt::Write as _, path::Path};

use rigtone_bluetooth::timeline::{
    Delay, EndpointFacts, Happening, Link, Outcome, Phase, PhaseKind, Report, Side, Start, Stream,
};
use rigtone_report::{figure::count, sanitise};

use super::damage;

/// Searches and links of which each is shown; the rest is counted.
const SHOWN: usize = 100;
/// Phases of a link that are shown; a link of a day of tests has some hundreds.
const PHASES: usize = 1000;
/// Devices of one search that are shown.
const DEVICES: usize = 8;
/// The longest name of a device that is shown, in characters.
const NAME: usize = 40;

pub(super) fn text(path: &Path, report: &Report) -> String {
    let mut out = String::new();
    let facts = &report.capture;
    let _ = writeln!(
        out,
        "{}: {} s, {} records ({})",
        sanitise::line(&path.display().to_string()),
        seconds(facts.length_ns),
        facts.records,
        facts.format.text()
    );
    if report.proof.usable {
        out.push_str("  whole: nothing of it is damaged\n");
    } else {
        out.push_str("  damaged, and no proof of anything:\n");
        for damage in report.proof.damage.iter().take(SHOWN) {
            let _ = writeln!(out, "    {}", damage::words(damage));
        }
    }
    for inquiry in report.inquiries.iter().filter(|inquiry| !inquiry.found.is_empty()).take(SHOWN) {
        let found = inquiry.found.iter().take(DEVICES);
        let found: Vec<String> =
            found.map(|found| format!("{} after {}", found.address, lasting(found.at_ns - inquiry.from_ns))).collect();
        let more = if inquiry.found.len() > DEVICES { ", ..." } else { "" };
        let _ = write!(
            out,
            "  {:>11}  search on hci{}: {}{more}",
            seconds(inquiry.from_ns),
            inquiry.adapter,
            found.join(", ")
        );
        out.push('\n');
    }
    for (number, one) in report.links.iter().take(SHOWN).enumerate() {
        link(&mut out, number + 1, one);
    }
    if report.links.len() > SHOWN {
        let _ = writeln!(out, "\nand {}: see --json", count(report.links.len() - SHOWN, "more link"));
    }
    if report.links.is_empty() {
        out.push_str("no link in it\n");
    }
    if report.left_out > 0 {
        let _ = writeln!(out, "\n{} found no room: not listed", count(report.left_out as usize, "fact"));
    }
    out
}

fn seconds(ns: i64) -> String {
    format!("{:.6}", ns as f64 / 1e9)
}

pub(super) fn lasting(ns: i64) -> String {
    match ns {
        10_000_000_000.. => format!("{:.1} s", ns as f64 / 1e9),
        _ => format!("{:.1} ms", ns as f64 / 1e6),
    }
}

const fn who(side: Side) -> &'static str {
    match side {
        Side::Host => "we",
        Side::Peer => "they",
    }
}

const fn whom(side: Side) -> &'static str {
    match side {
        Side::Host => "us",
        Side::Peer => "them",
    }
}

const fn whose(side: Side) -> &'static str {
    match side {
        Side::Host => "our",
        Side::Peer => "their",
    }
}

fn link(out: &mut String, number: usize, link: &Link) {
    let name = link.name.as_deref().map(|name| format!("`{}` ", sanitise::short(name, NAME))).unwrap_or_default();
    let address = link.address.map_or_else(|| "unknown device".to_owned(), |address| address.to_string());
    let how = match (link.low_energy, link.called_by) {
        (true, _) => "Low Energy, not looked into",
        (false, Some(Side::Host)) => "we called",
        (false, Some(Side::Peer)) => "they called",
        (false, None) => "there before it was seen",
    };
    let handle = link.handle.map_or_else(String::new, |handle| format!(", handle {handle}"));
    let _ = writeln!(out, "\nlink {number}: {name}{address} ({how}; hci{}{handle})", link.adapter);
    for finding in link.findings.iter().take(SHOWN) {
        let _ = writeln!(out, "  ! {} s: {}", seconds(finding.at_ns), sanitise::line(&finding.words));
    }
    if !link.phases.is_empty() {
        let _ = writeln!(out, "  {:>11}  {:>11}  phase", "at s", "took");
    }
    for one in link.phases.iter().take(PHASES) {
        phase(out, link, one);
    }
    if link.phases.len() > PHASES {
        let _ = writeln!(out, "  and {}: see --json", count(link.phases.len() - PHASES, "more phase"));
    }
    if link.end.is_none() && link.handle.is_some() {
        out.push_str("  the capture ends before the link\n");
    }
    if link.unread > 0 {
        let _ = writeln!(
            out,
            "  {} on channels that were opened before the capture",
            count(link.unread as usize, "packet")
        );
    }
    sniff(out, link);
    talk(out, link);
}

fn phase(out: &mut String, link: &Link, phase: &Phase) {
    let took = match phase.to_ns {
        Some(to_ns) if to_ns > phase.from_ns => lasting(to_ns - phase.from_ns),
        Some(_) => String::new(),
        None => "no answer".to_owned(),
    };
    let name = phase.kind.text();
    let by = phase.by.map_or("", who);
    let detail = detail(link, phase);
    let row = format!("  {:>11}  {took:>11}  {name:<15}{by:<6}{detail}", seconds(phase.from_ns));
    let _ = writeln!(out, "{}", row.trim_end());
    for line in below(link, phase) {
        let _ = writeln!(out, "{:32}{line}", "");
    }
    for delay in &phase.delays {
        let _ = writeln!(out, "{:32}delayed: {}", "", delayed(delay));
    }
}

/// What stands on the line of a phase.
fn detail(link: &Link, phase: &Phase) -> String {
    let said = match phase.outcome {
        Outcome::Done => String::new(),
        Outcome::Refused { code, words } => format!("refused: {words} ({code:#04x})"),
        Outcome::Unanswered => "unanswered".to_owned(),
        Outcome::LinkEnded => "unanswered when the link ended".to_owned(),
        Outcome::CaptureEnded => "unanswered when the capture ended".to_owned(),
    };
    let more = match phase.kind {
        PhaseKind::Sdp => services(link, phase),
        PhaseKind::Media => start(link, phase).and_then(|(_, start)| media(start)).unwrap_or_default(),
        PhaseKind::FirstMedia => "after START".to_owned(),
        _ => phase.detail.clone().unwrap_or_default(),
    };
    match (said.is_empty(), more.is_empty()) {
        (true, _) => more,
        (false, true) => said,
        (false, false) => format!("{more}; {said}"),
    }
}

fn services(link: &Link, phase: &Phase) -> String {
    let within = |at: i64| at >= phase.from_ns && phase.to_ns.is_none_or(|to| at <= to);
    let asked = link.services.iter().filter(|search| within(search.at_ns));
    let mut said: Vec<String> = asked
        .map(|search| {
            let found = match (search.answered_ns, search.error) {
                (None, _) => "no answer".to_owned(),
                (_, Some(code)) => format!("error {code}"),
                (_, None) if search.records == 0 => "none".to_owned(),
                _ => search
                    .classes
                    .iter()
                    .map(|class| class.split_once(' ').map_or(class.as_str(), |(_, n)| n))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            format!("{}: {found}", search.services.join(", "))
        })
        .collect();
    said.dedup();
    said.join("; ")
}

/// The start that a phase is about.
fn start<'a>(link: &'a Link, phase: &Phase) -> Option<(&'a Stream, &'a Start)> {
    let starts = link.streams.iter().flat_map(|stream| stream.starts.iter().map(move |start| (stream, start)));
    starts.into_iter().find(|(_, start)| start.media.as_ref().is_some_and(|media| media.first_ns == phase.from_ns))
}

fn media(start: &Start) -> Option<String> {
    let media = start.media.as_ref()?;
    let size = match (media.shortest, media.longest) {
        (a, b) if a == b => format!("{a} B"),
        (a, b) => format!("{a} to {b} B"),
    };
    let mut said = format!("{} of {size}", count(media.packets as usize, "packet"));
    if let (Some(packets), Some(bytes)) = (media.packets_per_s, media.bytes_per_s) {
        let _ = write!(said, ", {packets:.1} packets/s, {:.1} kbit/s", bytes * 8.0 / 1000.0);
    }
    Some(said)
}

/// What stands below the line of a phase.
fn below(link: &Link, phase: &Phase) -> Vec<String> {
    match phase.kind {
        PhaseKind::Discover => {
            let of = phase.by.map_or(Side::Peer, Side::other);
            link.endpoints.iter().filter(|endpoint| endpoint.of == of).map(endpoint).collect()
        }
        PhaseKind::Configuration => {
            let chosen = link.streams.iter().find(|stream| stream.configured_ns == Some(phase.from_ns));
            chosen.map(chosen_words).into_iter().collect()
        }
        PhaseKind::Media => match start(link, phase) {
            Some((_, start)) => media_words(start),
            None => vec![],
        },
        _ => vec![],
    }
}

fn endpoint(endpoint: &EndpointFacts) -> String {
    let kind = match (endpoint.audio, endpoint.sink) {
        (true, true) => "sink",
        (true, false) => "source",
        (false, _) => "not audio",
    };
    let codec = match &endpoint.codec {
        Some(codec) => format!("{} ({})", codec.words, codec.octets),
        None => "capabilities not asked for".to_owned(),
    };
    let mut said = format!("{} endpoint {} {kind}: {codec}", whose(endpoint.of), endpoint.seid);
    if endpoint.in_use {
        said.push_str(", in use");
    }
    if endpoint.delay_reporting {
        said.push_str(", delay reporting");
    }
    for kind in &endpoint.content_protection {
        let _ = write!(said, ", content protection {kind}");
    }
    said
}

fn chosen_words(stream: &Stream) -> String {
    let seid = |seid: Option<u8>| seid.map_or_else(|| "unknown".to_owned(), |seid| seid.to_string());
    let mut said = format!("our endpoint {} with their {}", seid(stream.host_seid), seid(stream.peer_seid));
    if let Some(refusal) = stream.refusal {
        let category = refusal.category_name.map_or(String::new(), |name| format!(" in {name}"));
        let _ = write!(said, "; refused{category}");
    }
    if stream.delay_reporting {
        said.push_str(", delay reporting");
    }
    for kind in &stream.content_protection {
        let _ = write!(said, ", content protection {kind}");
    }
    for delay in stream.delays.iter().take(3) {
        let _ = write!(said, "; {} delay {:.1} ms at {} s", whose(delay.of), delay.delay_ms, seconds(delay.at_ns));
    }
    said
}

fn media_words(start: &Start) -> Vec<String> {
    let Some(media) = &start.media else { return vec![] };
    let mut frames = format!("looks like {}", media.seen_as.words);
    if let Some(sbc) = &media.sbc {
        let range = |a: u8, b: u8| if a == b { a.to_string() } else { format!("{a} to {b}") };
        let _ = write!(
            frames,
            ", bitpool {}, {} frames in a packet",
            range(sbc.bitpool_min, sbc.bitpool_max),
            range(sbc.frames_min, sbc.frames_max)
        );
    }
    frames.push_str(match media.seen_as.as_agreed {
        Some(true) => ", as agreed",
        Some(false) => ", NOT as agreed",
        None => "",
    });
    let numbers = match media.sequence {
        None => "no sequence numbers".to_owned(),
        Some(s) if s.gaps == 0 && s.disordered == 0 => "no sequence gap".to_owned(),
        Some(s) => format!("{} sequence gaps ({} missing), {} out of order", s.gaps, s.missing, s.disordered),
    };
    let jitter = media.jitter_ns.map_or(String::new(), |ns| format!(", jitter {:.1} ms", ns / 1e6));
    let gap = lasting(media.largest_gap_ns);
    vec![frames, format!("{numbers}, largest gap {gap} at {} s{jitter}", seconds(media.largest_gap_at_ns))]
}

fn delayed(delay: &Delay) -> String {
    match delay {
        Delay::Sniff { interval_ns, lasting_ns, left } => {
            let how = if *left { "leaving sniff mode" } else { "in sniff mode" };
            format!("{} {how} ({} interval)", lasting(*lasting_ns), lasting(*interval_ns))
        }
        Delay::Retries { count: times } => format!("tried again, {}", count(*times as usize, "time")),
        Delay::Silence { of, from_ns, lasting_ns } => {
            let turn = match of {
                Side::Host => "our turn",
                Side::Peer => "their turn",
            };
            format!("{} of silence from {} s, {turn}", lasting(*lasting_ns), seconds(*from_ns))
        }
        Delay::Pending { lasting_ns } => format!("{} after an answer that asked to wait", lasting(*lasting_ns)),
        Delay::Confirmation { lasting_ns } => {
            format!("{} until our side agreed to the pairing", lasting(*lasting_ns))
        }
    }
}

fn sniff(out: &mut String, link: &Link) {
    let entered: Vec<String> = link
        .moments
        .iter()
        .filter_map(|moment| match moment.what {
            Happening::Mode { mode: "sniff", interval_ns } => {
                Some(format!("{} s ({})", seconds(moment.at_ns), lasting(interval_ns)))
            }
            _ => None,
        })
        .collect();
    if !entered.is_empty() {
        let shown = entered.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
        let more = if entered.len() > 8 { format!(", and {} more", entered.len() - 8) } else { String::new() };
        let _ = writeln!(out, "  sniff mode from {shown}{more}");
    }
}

/// Volume, playback and voice, in one line each.
fn talk(out: &mut String, link: &Link) {
    let mut lines: Vec<String> = Vec::new();
    for moment in &link.moments {
        let said = match &moment.what {
            Happening::Volume { by, said, value } => {
                format!("volume {said} by {}: {value} of 127", whom(*by))
            }
            Happening::VolumeRefused { by } => format!("volume refused by {}", whom(*by)),
            Happening::Playback { by, status, .. } => format!("{} player: {status}", whose(*by)),
            Happening::Voice { status: 0, .. } => "voice set up".to_owned(),
            Happening::Voice { words, .. } => format!("voice failed: {words}"),
            Happening::VoiceEnded { words, .. } => format!("voice ended: {words}"),
            Happening::HandsFreeCodec { by, said, codecs } => {
                format!("voice codec {said} by {}: {}", whom(*by), codecs.join(", "))
            }
            Happening::ChannelRefused { service, by, words, .. } => {
                format!("{service} refused to {}: {words}", whom(*by))
            }
            Happening::Role { host_is } => format!("we are {host_is}"),
            _ => continue,
        };
        lines.push(format!("{} s: {said}", seconds(moment.at_ns)));
    }
    for line in lines.iter().take(12) {
        let _ = writeln!(out, "  {line}");
    }
    if lines.len() > 12 {
        let _ = writeln!(out, "  and {} more: see --json", lines.len() - 12);
    }
}
