//! Power switches on the network: what is written for more than one channel must tell them apart.

use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Rig, Snmp, Web},
    load::Entry,
};

pub(super) fn check(entry: &Entry<Rig>, faults: &mut Vec<Diagnostic>) {
    for (name, board) in &entry.value.relays {
        if let Some(web) = &board.http {
            self::web(entry, name, web, board.channels, faults);
        }
        if let Some(snmp) = &board.snmp {
            self::snmp(entry, name, snmp, board.channels, faults);
        }
    }
}

fn web(entry: &Entry<Rig>, name: &str, web: &Web, channels: u8, faults: &mut Vec<Diagnostic>) {
    let at = |keys: &[&'static str]| [&["relays", name, "http"], keys].concat();
    let tells = |text: &str| text.contains("{channel}") || text.contains("{index}");
    for (key, text) in [("on", &web.on), ("off", &web.off)] {
        if channels > 1 && !tells(text) {
            faults.push(same_for_all(entry, &at(&[key]), channels));
        }
    }
    if web.on == web.off {
        let fault = entry.diagnostic(Code::UnfitValue, &at(&["off"]), "the same address switches on and off");
        faults.push(fault.suggest("write the address that does nothing but switch off: one that turns over is no use"));
    }
    let Some(state) = &web.state else { return };
    if channels > 1 && !tells(&state.url) && !tells(&state.says_on) {
        faults.push(same_for_all(entry, &at(&["state", "says-on"]), channels));
    }
    if channels > 1 && !tells(&state.url) && !tells(&state.says_off) {
        faults.push(same_for_all(entry, &at(&["state", "says-off"]), channels));
    }
    // What holds the other would be found with it, and nothing would ever be a position.
    if state.says_on.contains(&state.says_off) || state.says_off.contains(&state.says_on) {
        let message = "one of `says-on` and `says-off` stands in the other, so they cannot be told apart";
        let fault = entry.diagnostic(Code::UnfitValue, &at(&["state", "says-off"]), message);
        faults.push(fault.suggest("write more of the answer, such as `\"ison\":true` and `\"ison\":false`"));
    }
}

fn snmp(entry: &Entry<Rig>, name: &str, snmp: &Snmp, channels: u8, faults: &mut Vec<Diagnostic>) {
    let at = |keys: &[&'static str]| [&["relays", name, "snmp"], keys].concat();
    match (snmp.preset, &snmp.outlet) {
        (None, None) => {
            let fault = entry.diagnostic(Code::NotExactlyOne, &at(&[]), "it does not say what switches an outlet");
            faults.push(fault.suggest("add `preset`, or `outlet` with its `oid` and the values for `on` and `off`"));
        }
        (Some(_), Some(_)) => {
            let fault = entry.diagnostic(Code::NotExactlyOne, &at(&["outlet"]), "the outlets are known already");
            let first = entry.position(&at(&["preset"]));
            faults.push(fault.label(&entry.path, first, "they are named here").suggest("keep `preset`, or `outlet`"));
        }
        (None, Some(outlet)) => {
            if channels > 1 && !outlet.oid.contains("{channel}") {
                faults.push(same_for_all(entry, &at(&["outlet", "oid"]), channels));
            }
            if outlet.on == outlet.off {
                let message = "the same value switches on and off";
                let fault = entry.diagnostic(Code::UnfitValue, &at(&["outlet", "off"]), message);
                faults.push(fault.suggest("write the value that does nothing but switch off"));
            }
        }
        (Some(_), None) => {}
    }
}

fn same_for_all(entry: &Entry<Rig>, path: &[&str], channels: u8) -> Diagnostic {
    let message = format!("this is the same for all {channels} channels");
    entry
        .diagnostic(Code::UnfitValue, path, message)
        .suggest("write `{channel}` where the number of the channel stands")
}
