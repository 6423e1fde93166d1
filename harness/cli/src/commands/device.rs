//! `rigtone device new`

mod questions;
mod seen;

use std::{
    fs::{self, File},
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use indexmap::IndexMap;
use rigtone_model::{
    check::{Vocabulary, check},
    diagnostic::{self, Diagnostic},
    document::{
        Codec, Device, Fact, Firmware, Gesture, Mark, PAIRING_MODE, PowerKind, Press, Quirk, Role, ServiceProfile,
    },
    draft::Draft,
    load::{SourceFile, load},
    quantity::Duration,
};
use rigtone_report::{exit::Code, sanitise};

use self::seen::Seen;
use crate::{documents, printer, trouble::Trouble};

/// The source of what A2DP asks of every device.
const A2DP: &str = "a2dp";
/// The source of what is said in options and answers.
const SAID: &str = "said";

/// Documents of devices.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DeviceCommand {
    /// Make a device's document of what a dongle sees of it, of options, and of answers at a terminal.
    ///
    /// What nobody knows is marked as unknown. A document that is there is never overwritten.
    New(Box<New>),
}

/// What is known of a new device.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// Its id, such as `acme/boom`: the document becomes `devices/acme/boom.yaml`.
    id: String,
    /// The name on the box.
    #[arg(long)]
    title: Option<String>,
    /// A role that it can take: a2dp-sink (a speaker), a2dp-source, hfp-unit, hfp-gateway.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<Role>,
    /// A codec that it offers beside SBC, which all have.
    #[arg(long = "codec", value_name = "CODEC")]
    codecs: Vec<Codec>,
    /// A word to select devices by.
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// The name that it answers to over the air.
    #[arg(long, value_name = "NAME")]
    air_name: Option<String>,
    /// From power on until it answers, such as "3 s".
    #[arg(long, value_name = "DURATION")]
    boot: Option<Duration>,
    /// What feeds it: mains, adapter, usb, cells or host.
    #[arg(long, value_name = "KIND")]
    power: Option<PowerKind>,
    /// Whether it goes on from a battery when its supply is cut.
    #[arg(long, value_name = "yes|no", value_parser = questions::yes_or_no)]
    battery: Option<bool>,
    /// A firmware version that is in question.
    #[arg(long, value_name = "VERSION")]
    firmware: Vec<String>,
    /// How it is brought into pairing mode: buttons and a time, such as "power+volume-up 5 s", or `automatic`.
    #[arg(long, value_name = "HOW", value_parser = questions::gesture)]
    pairing_mode: Option<Gesture>,
    /// Who says so, such as "its manual, page 7": what is said is then marked as known, and as an estimate otherwise.
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Search for it with this dongle of the rig, and take what it says of itself. No link is made, and nothing else of the rig is touched.
    #[arg(long, value_name = "DONGLE", requires_all = ["rig", "address"])]
    from_dongle: Option<String>,
    /// The rig's document.
    #[arg(long, requires = "from_dongle")]
    rig: Option<PathBuf>,
    /// The address of the device that is searched for.
    #[arg(long, requires = "from_dongle")]
    address: Option<String>,
    /// How long to search.
    #[arg(long, value_name = "DURATION", default_value = "30 s", requires = "from_dongle")]
    within: Duration,
    /// The folder of device documents.
    #[arg(long, default_value = "devices")]
    devices: PathBuf,
}

pub(crate) fn new(mut what: New) -> Result<Code, Trouble> {
    let file = what.devices.join(format!("{}.yaml", what.id));
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .split('-')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    };
    if what.id.split('/').count() != 2 || !what.id.split('/').all(is_word) {
        return Err(Trouble::usage(format!("`{}` is no id of a device", what.id))
            .hint("write maker and model in lower case words and numbers joined by `-`, such as `acme/boom-2`"));
    }
    if file.exists() {
        return Err(there_already(&file));
    }
    let seen = seen::seen(&what)?;
    questions::complete(&mut what, seen.as_ref())?;
    let text = draft(&what, seen.as_ref())?.text();
    right(&file, &text)?;
    write(&file, &text)?;
    printer::out(&format!("{}\n", sanitise::line(&file.display().to_string())));
    printer::note("note: see `facts` for what is unknown; `rigtone check` holds the document against the others");
    Ok(Code::Passed)
}

fn there_already(file: &std::path::Path) -> Trouble {
    Trouble::usage(format!("{} is there already", file.display()))
        .hint("edit it, or take another id: nothing is overwritten")
}

/// The document of what was seen and said.
fn draft(what: &New, seen: Option<&Seen>) -> Result<Draft, Trouble> {
    let missing = |what: &str| Trouble::usage(format!("nothing says its {what}"));
    let mut facts: IndexMap<String, Fact> = IndexMap::new();
    let mut sources: IndexMap<String, String> = IndexMap::new();
    let fact = |mark, from: &[&str], on: Option<&str>| Fact {
        mark,
        from: from.iter().map(|&name| name.to_owned()).collect(),
        on: on.map(str::to_owned),
        note: None,
    };
    let said = || match what.source {
        Some(_) => fact(Mark::Known, &[SAID], None),
        None => fact(Mark::Estimate, &[], None),
    };
    let saw = |seen: &Seen| fact(Mark::Known, &[seen::SOURCE], Some(&seen.on));
    let unknown = || fact(Mark::Unknown, &[], None);

    let mut roles: Vec<Role> = Vec::new();
    for role in seen.iter().flat_map(|seen| &seen.roles) {
        roles.push(*role);
        facts.extend(seen.map(|seen| (format!("roles.{role}"), saw(seen))));
    }
    for role in &what.roles {
        if !roles.contains(role) {
            roles.push(*role);
            facts.insert(format!("roles.{role}"), said());
        }
    }
    if roles.is_empty() {
        return Err(missing("roles"));
    }
    let mut codecs = vec![Codec::Sbc];
    facts.insert("codecs.sbc".to_owned(), fact(Mark::Known, &[A2DP], None));
    sources.insert(A2DP.to_owned(), "the A2DP specification, which asks SBC of every device".to_owned());
    for codec in &what.codecs {
        if !codecs.contains(codec) {
            codecs.push(*codec);
            facts.insert(format!("codecs.{codec}"), said());
        }
    }
    facts.insert("codecs.other".to_owned(), unknown());
    let seen_name = seen.and_then(|seen| Some((seen, seen.name.clone()?)));
    let air_name = match (&seen_name, &what.air_name) {
        (Some((seen, name)), _) => {
            facts.insert("air-name".to_owned(), saw(seen));
            Some(name.clone())
        }
        (None, said_name) => said_name.clone(),
    };
    if seen_name.is_none() {
        facts.insert("air-name".to_owned(), if air_name.is_some() { said() } else { unknown() });
    }
    let gesture = what.pairing_mode.clone().map(|gesture| (PAIRING_MODE.to_owned(), gesture));
    let stated = [
        ("boot", what.boot.is_some()),
        ("power", what.power.is_some()),
        ("battery", what.battery.is_some()),
        ("gestures.pairing-mode", gesture.is_some()),
        ("firmware", !what.firmware.is_empty()),
    ];
    facts.extend(stated.map(|(key, is)| (key.to_owned(), if is { said() } else { unknown() })));
    facts.insert("discharge".to_owned(), unknown());
    let versions = if what.firmware.is_empty() { vec!["unknown".to_owned()] } else { what.firmware.clone() };
    if let Some(source) = &what.source {
        sources.insert(SAID.to_owned(), source.clone());
    }
    let mut quirks = Vec::new();
    if let Some(seen) = seen {
        sources.insert(seen::SOURCE.to_owned(), seen.source.clone());
        let quirk =
            |says| Quirk { says, mark: Mark::Known, from: vec![seen::SOURCE.to_owned()], on: Some(seen.on.clone()) };
        quirks.extend(seen.answer.clone().map(quirk));
    }
    let device = Device {
        device: what.id.clone(),
        title: what.title.clone().ok_or_else(|| missing("title"))?,
        roles,
        profiles: Vec::<ServiceProfile>::new(),
        tags: what.tags.clone(),
        codecs,
        air_name,
        boot: what.boot,
        discharge: None,
        power: what.power,
        battery: what.battery.unwrap_or_default(),
        reaction: None,
        gestures: gesture.into_iter().collect(),
        prompts: IndexMap::new(),
        settings: IndexMap::new(),
        firmware: versions.into_iter().map(|version| (version, Firmware::default())).collect(),
        quirks,
        facts,
        sources,
    };
    Ok(Draft { device, battery: what.battery })
}

/// Refuses what `rigtone check` would refuse.
fn right(file: &std::path::Path, text: &str) -> Result<(), Trouble> {
    let loaded = load(vec![SourceFile { path: file.to_owned(), bytes: text.as_bytes().to_vec() }]);
    let mut found = loaded.diagnostics;
    found.extend(check(&loaded.library, &Vocabulary { stimuli: &[], rates: &[] }));
    if found.iter().any(Diagnostic::is_error) {
        printer::note(diagnostic::render(&found, &loaded.sources, printer::colour_of_notes()).trim_end());
        return Err(Trouble::usage("what was said makes no document; nothing was written").hint("say it otherwise"));
    }
    Ok(())
}

/// Writes the document where none is.
fn write(file: &std::path::Path, text: &str) -> Result<(), Trouble> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => there_already(file),
        _ => Trouble::usage(format!("writing {} failed: {error}", file.display()))
            .hint("name another folder with --devices"),
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut new = File::create_new(file).map_err(failed)?;
    new.write_all(text.as_bytes()).and_then(|()| new.sync_all()).map_err(|error| {
        // Half a document is none.
        let _ = fs::remove_file(file);
        failed(error)
    })
}

/// Whether somebody can be asked.
fn somebody() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Buttons that are held together for a time.
fn press(buttons: Vec<String>, held: Duration) -> Gesture {
    Gesture { press: vec![Press { buttons, held, gap: None }], ..Gesture::default() }
}

/// This day.
fn today() -> String {
    documents::today()
}
