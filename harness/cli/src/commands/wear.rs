//! `rigtone rig wear`

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use rigtone_model::{
    document::{Rig, World},
    trial::InfrastructureFault,
};
use rigtone_report::{exit::Code, figure::count};
use rigtone_rig::{
    hardware::{Hold, NotReplaced, Selection, WornContact, replaced, worn},
    safety::{State, now_s},
};
use serde_json::{Value, json};

use crate::{documents, open, printer, trouble::Trouble};

/// Version of the form of the JSON: raised when a reader of the old form would misread the new one.
const SCHEMA_VERSION: u32 = 1;

#[derive(Debug, Args)]
pub(crate) struct Wear {
    /// The rig's document.
    rig: PathBuf,
    /// The folder of device documents.
    #[arg(long, default_value = "devices")]
    devices: PathBuf,
    /// Say that a board, or the relay of one of its channels, was replaced: it is counted anew, and what the old one
    /// had done stays on record.
    #[arg(long, value_name = "RELAY[/CHANNEL]")]
    reset: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn wear(what: &Wear) -> Result<Code, Trouble> {
    let (rig, _) = documents::rig(&what.rig, &what.devices)?;
    if rig.world == World::Simulated {
        return Err(Trouble::usage(format!("the rig `{}` is simulated: its contacts do not wear out", rig.rig)));
    }
    if let Some(reset) = &what.reset {
        let replaced = reset_of(&rig, reset)?;
        if !what.json {
            printer::out(&replaced);
        }
    }
    let contacts = State::find().and_then(|state| worn(&rig, &state)).map_err(|fault| infrastructure(&fault))?;
    let now_s = now_s();
    match what.json {
        true => printer::out(&format!("{:#}\n", as_json(&rig, &contacts, now_s))),
        false => printer::out(&as_text(&rig, &contacts, now_s)),
    }
    Ok(Code::Passed)
}

fn infrastructure(fault: &InfrastructureFault) -> Trouble {
    let trouble = Trouble::new(Code::Infrastructure, fault);
    match &fault.hint {
        Some(hint) => trouble.hint(hint),
        None => trouble,
    }
}

fn reset_of(rig: &Rig, reset: &str) -> Result<String, Trouble> {
    let (relay, channel) = match reset.split_once('/') {
        None => (reset, None),
        Some((relay, channel)) => {
            let wrong = || {
                Trouble::usage(format!("`{reset}` names no channel")).hint("write `RELAY/CHANNEL`, such as `board-1/3`")
            };
            (relay, Some(channel.parse::<u8>().map_err(|_| wrong())?))
        }
    };
    let mut hold = Hold::take(rig, &Selection::default()).map_err(|error| open::locked(&error))?;
    let done = replaced(rig, &mut hold, relay, channel, now_s()).map_err(|error| match error {
        NotReplaced::Taken(error) => open::locked(&error),
        NotReplaced::Fault(fault) => infrastructure(&fault),
    })?;
    let mut text = String::new();
    for (channel, operations) in &done {
        let operations = count(*operations as usize, "operation");
        let _ = writeln!(text, "relay {relay} channel {channel} begins anew; the old one had done {operations}");
    }
    if done.is_empty() {
        let _ = writeln!(text, "nothing has been counted of {reset} yet");
    }
    Ok(text)
}

fn as_text(rig: &Rig, contacts: &[WornContact], now_s: i64) -> String {
    let mut text = String::new();
    for contact in contacts {
        let WornContact { relay, channel, wired, rated, worn } = contact;
        let wired = wired.as_deref().unwrap_or("not wired");
        let _ = write!(
            text,
            "relay {relay} channel {channel}: {wired}: {}",
            count(contact.operations() as usize, "operation")
        );
        let _ = match (contact.share(), rated) {
            (Some(share), Some(rated)) => write!(text, ", {:.1} % of {rated}", 100.0 * share),
            _ => write!(text, " of an unknown number"),
        };
        let pace = worn.as_ref().and_then(|worn| worn.per_day(now_s));
        let left = worn.as_ref().zip(*rated).and_then(|(worn, rated)| worn.days_left(rated, now_s));
        if let (Some(pace), Some(left)) = (pace, left) {
            let _ = write!(text, "; at {pace:.0} a day, {left:.0} days are left");
        }
        text.push_str(if contact.is_due() { "; replace it\n" } else { "\n" });
    }
    if contacts.is_empty() {
        let _ = writeln!(text, "the rig `{}` has nothing wired to relays", rig.rig);
    }
    text
}

fn as_json(rig: &Rig, contacts: &[WornContact], now_s: i64) -> Value {
    let contacts = contacts.iter().map(|contact| {
        let worn = contact.worn.as_ref();
        let replaced = worn.iter().flat_map(|worn| &worn.replaced);
        let replaced = replaced.map(|old| json!({"unix_s": old.unix_s, "operations": old.operations}));
        json!({
            "relay": contact.relay,
            "channel": contact.channel,
            "wired": contact.wired,
            "operations": contact.operations(),
            "rated_operations": contact.rated,
            "share": contact.share(),
            "replace": contact.is_due(),
            "since_unix_s": worn.map(|worn| worn.since_s),
            "operations_per_day": worn.and_then(|worn| worn.per_day(now_s)),
            "days_left": worn.zip(contact.rated).and_then(|(worn, rated)| worn.days_left(rated, now_s)),
            "replaced": replaced.collect::<Vec<_>>(),
        })
    });
    json!({"schema_version": SCHEMA_VERSION, "rig": rig.rig, "unix_s": now_s, "contacts": contacts.collect::<Vec<_>>()})
}
