//! What stands out on a link: the classes of failure, from what was seen alone.

use super::{
    budget::Budget,
    link::{Class, Delay, Finding, Happening, Link, Outcome, Phase, PhaseKind},
    report::Side,
    stream::{EndedBy, Start, Stream},
};

/// Voices of one link that are looked at.
const VOICES_AT_MOST: usize = 64;

/// Adds the findings of a link that ended, or that the capture left. Of a damaged capture what is not there may have been.
pub(super) fn find(link: &mut Link, damaged: bool, budget: &mut Budget) {
    let mut found = Vec::new();
    let ended_by_host = link.end.is_some_and(|end| end.by == Some(Side::Host));
    link.phases.iter().for_each(|phase| of_phase(phase, ended_by_host, &mut found));
    of_end(link, &mut found);
    of_services(link, &mut found);
    for stream in &link.streams {
        of_stream(stream, damaged, &mut found);
    }
    of_voice(link, &mut found);
    found.sort_by_key(|finding| finding.at_ns);
    for finding in found {
        let more = finding.words.len();
        budget.keep(&mut link.findings, finding, more);
    }
}

fn add(found: &mut Vec<Finding>, at_ns: i64, class: Class, words: impl Into<String>) {
    found.push(Finding { at_ns, class, words: words.into() });
}

fn ms(ns: i64) -> String {
    format!("{:.1} ms", ns as f64 / 1e6)
}

/// A side, as the subject of a sentence.
const fn who(side: Side) -> &'static str {
    match side {
        Side::Host => "the host",
        Side::Peer => "the peer",
    }
}

fn of_phase(phase: &Phase, ended_by_host: bool, found: &mut Vec<Finding>) {
    let at_ns = phase.to_ns.unwrap_or(phase.from_ns);
    match (phase.kind, phase.outcome) {
        (PhaseKind::Page, Outcome::Refused { code: 0x04, .. }) => {
            add(found, at_ns, Class::PageTimeout, "the device did not answer the call");
        }
        (PhaseKind::Page, Outcome::Refused { words, .. }) => {
            add(found, at_ns, Class::CallFailed, format!("the call failed: {words}"));
        }
        (PhaseKind::Authentication, Outcome::Refused { code: 0x06, .. }) => {
            add(found, at_ns, Class::BondLost, "one side has no key for the other");
        }
        (PhaseKind::Authentication, Outcome::Refused { words, .. }) => {
            add(found, at_ns, Class::PairingRefused, format!("authentication ended with: {words}"));
        }
        (PhaseKind::Authentication, Outcome::LinkEnded) if ended_by_host => {
            let words =
                format!("authentication was not over after {} when the host called it off", ms(at_ns - phase.from_ns));
            add(found, at_ns, Class::AuthenticationCalledOff, words);
        }
        (PhaseKind::Authentication, Outcome::LinkEnded) => {
            add(found, at_ns, Class::LostWhilePairing, "the link ended during authentication");
        }
        (PhaseKind::Signalling, Outcome::Refused { words, .. }) => {
            add(found, at_ns, Class::NoAudio, format!("the channel for audio was refused: {words}"));
        }
        (PhaseKind::Start, Outcome::LinkEnded | Outcome::CaptureEnded) => {
            add(found, at_ns, Class::StartFailed, "START was never answered");
        }
        _ => {}
    }
    let rested = phase.delays.iter().find_map(|delay| match delay {
        Delay::Sniff { lasting_ns, .. } => Some(*lasting_ns),
        _ => None,
    });
    if let (PhaseKind::FirstMedia, Some(lasting_ns), Some(to_ns)) = (phase.kind, rested, phase.to_ns) {
        let took = ms(to_ns - phase.from_ns);
        let words = format!("the first media packet came {took} after START, {} of that in sniff mode", ms(lasting_ns));
        add(found, at_ns, Class::SlowBySniff, words);
    }
}

fn of_end(link: &Link, found: &mut Vec<Finding>) {
    let Some(end) = link.end.filter(|_| link.handle.is_some()) else { return };
    let streaming = link
        .streams
        .iter()
        .flat_map(|stream| &stream.starts)
        .any(|start| start.accepted_ns.is_some() && start.end.is_some_and(|ended| ended.how == EndedBy::Link));
    match end.reason {
        Some(0x08 | 0x22) => add(found, end.at_ns, Class::LinkLost, end.words),
        None => add(found, end.at_ns, Class::ControllerGone, end.words),
        Some(_) if streaming => {
            let by = end.by.map_or("nobody known", who);
            let words = format!("the link was ended by {by} while a stream was running: {}", end.words);
            add(found, end.at_ns, Class::LeftWhileStreaming, words);
        }
        Some(_) => {}
    }
}

fn of_services(link: &Link, found: &mut Vec<Finding>) {
    for search in &link.services {
        let audio = search.services.iter().any(|name| name.starts_with("110a") || name.starts_with("110b"));
        if audio && search.answered_ns.is_some() && search.records == 0 {
            let words = format!("{} has no {}", who(search.by.other()), search.services.join(", "));
            add(found, search.at_ns, Class::ServiceMissing, words);
        }
    }
    let listed = link.signals.iter().find(|signal| {
        signal.signal == "discover" && signal.message == super::stream::MessageKind::Accept && signal.seids.is_empty()
    });
    if let Some(signal) = listed {
        add(found, signal.at_ns, Class::NoAudio, format!("{} lists no endpoints", who(signal.by)));
    }
    let capabilities = link.phases.iter().rev().find(|phase| phase.kind == PhaseKind::Capabilities);
    if let (Some(phase), true) = (capabilities, link.streams.is_empty()) {
        let at_ns = phase.to_ns.unwrap_or(phase.from_ns);
        add(found, at_ns, Class::NeverConfigured, "capabilities were seen, and nobody configured a stream");
    }
}

fn of_stream(stream: &Stream, damaged: bool, found: &mut Vec<Finding>) {
    if let (Some(refusal), Some(at_ns)) = (stream.refusal, stream.configured_ns) {
        let category = refusal.category_name.map_or(String::new(), |name| format!(" in {name}"));
        let words = format!("the configuration was refused: {} ({:#04x}){category}", refusal.words, refusal.code);
        add(found, at_ns, Class::ConfigurationRejected, words);
    }
    if let (Some(at_ns), true) = (stream.opened_ns, stream.starts.is_empty()) {
        add(found, at_ns, Class::NeverStarted, "the stream was opened and never started");
    }
    stream.starts.iter().for_each(|start| of_start(start, damaged, found));
}

fn of_start(start: &Start, damaged: bool, found: &mut Vec<Finding>) {
    if let (Some(refusal), Some(at_ns)) = (start.refusal, start.at_ns) {
        add(found, at_ns, Class::StartFailed, format!("START was refused: {} ({:#04x})", refusal.words, refusal.code));
    }
    let Some(media) = &start.media else {
        if let Some(at_ns) = start.accepted_ns {
            let words = match damaged {
                false => "the stream was started, and no media packet came",
                true => "the stream was started, and no media packet is in the capture, which is damaged or filtered",
            };
            add(found, at_ns, Class::NoMedia, words);
        }
        return;
    };
    if media.stalls > 0 {
        let (count, longest) = (media.stalls, ms(media.largest_gap_ns));
        let words = format!("{count} times more than 100 ms between media packets, {longest} at most");
        add(found, media.largest_gap_at_ns, Class::Stall, words);
    }
    if let (Some(sequence), Some(Side::Peer)) = (media.sequence, start.media_from)
        && sequence.missing > 0
    {
        let words = format!("{} media packets are missing in {} places", sequence.missing, sequence.gaps);
        add(found, media.first_ns, Class::MediaLost, words);
    }
    if media.seen_as.as_agreed == Some(false) {
        let words = format!("media packets look like {}, which was not agreed on", media.seen_as.words);
        add(found, media.first_ns, Class::OtherCodec, words);
    }
}

fn of_voice(link: &Link, found: &mut Vec<Finding>) {
    const JUST_ENDED_NS: i64 = 5_000_000_000;
    let voices = link.moments.iter().filter(|moment| matches!(moment.what, Happening::Voice { status: 0, .. }));
    for moment in voices.take(VOICES_AT_MOST) {
        let at_ns = moment.at_ns;
        let taken = |start: &Start| {
            start.accepted_ns.is_some_and(|from| from < at_ns)
                && start.end.is_none_or(|end| at_ns - end.at_ns < JUST_ENDED_NS)
        };
        if link.streams.iter().flat_map(|stream| &stream.starts).any(taken) {
            let words = "voice was set up while a stream was running or had just ended";
            add(found, at_ns, Class::SwitchedToVoice, words);
        }
    }
}
