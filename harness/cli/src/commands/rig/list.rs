//! `rigtone rig list`

use std::{fmt::Write as _, path::Path};

use rigtone_report::exit::Code;
use rigtone_rig::hardware::Listing;

use crate::{documents, printer, trouble::Trouble};

pub(crate) fn list(rig: &Path, devices: &Path, json: bool) -> Result<Code, Trouble> {
    let (rig, _) = documents::rig(rig, devices)?;
    let listing = Listing::of(&rig);
    if json {
        printer::json(&listing)?;
    } else {
        printer::out(&text(&listing));
    }
    Ok(Code::Passed)
}

fn text(listing: &Listing) -> String {
    let mut text = format!("{}: {}\n", listing.rig, listing.title);
    for (name, unit) in &listing.units {
        let _ = writeln!(text, "  unit        {name}: {} {} at {}", unit.device, unit.firmware, unit.address);
    }
    for (name, dongle) in &listing.dongles {
        let due = dongle.usb.as_ref().map(|port| format!(", due at USB port {port}")).unwrap_or_default();
        let _ = writeln!(text, "  dongle      {name}: {}{due}", dongle.address);
        if let Some(found) = &dongle.found {
            let _ = writeln!(text, "                {found}");
        }
    }
    for (name, board) in &listing.relays {
        let family = board.family.map(|family| format!("{family} at ")).unwrap_or_default();
        let port = format!("{family}{}", board.port.as_deref().unwrap_or("simulated"));
        let _ = writeln!(text, "  relay       {name}: {} channels, {port}", board.channels);
    }
    for (name, microphone) in &listing.microphones {
        let _ = writeln!(text, "  microphone  {name}: {} in {}", microphone.device, microphone.room);
        if let Some(found) = &microphone.found {
            let _ = writeln!(text, "                {found}");
        }
    }
    for other in &listing.others {
        let _ = writeln!(text, "  not in it   {other}");
    }
    text
}
