//! Relay boards: of one family, in one place, with as many channels as such boards have.

use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Place, Rig, SerialPort, Stated},
    load::Entry,
};

const NOWHERE: &str = "it does not say where the board is";

pub(super) fn check(entry: &Entry<Rig>, faults: &mut Vec<Diagnostic>) {
    for (name, board) in &entry.value.relays {
        let stated = board.stated();
        let Some((first, others)) = stated.split_first() else { continue };
        for other in others {
            let message = format!("the board is of the family `{}` already", first.family);
            let family = entry.key_position(&["relays", name, first.family]);
            faults.push(
                entry
                    .diagnostic(Code::NotExactlyOne, &["relays", name, other.family], message)
                    .label(&entry.path, family, "it is named here")
                    .suggest("keep the one that it is, or write two boards"),
            );
        }
        for stated in &stated {
            size(entry, name, board.channels, stated, faults);
            let board = ["relays", name, stated.family];
            match &stated.place {
                Place::Serial(port) => serial(entry, &board, port, faults),
                Place::Hid { usb: None, serial: None } => {
                    let fault = entry.diagnostic(Code::NotExactlyOne, &board, NOWHERE);
                    faults.push(fault.suggest("add `usb` and the port that it is plugged into, or `serial`"));
                }
                Place::Hid { .. } => {}
            }
        }
    }
}

fn size(entry: &Entry<Rig>, name: &str, channels: u8, stated: &Stated, faults: &mut Vec<Diagnostic>) {
    if stated.sizes.is_empty() || stated.sizes.contains(&channels) {
        return;
    }
    let due = stated.sizes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let message = format!("no board of the family `{}` has {channels} channels", stated.family);
    let fault = entry.diagnostic(Code::OutOfRange, &["relays", name, "channels"], message);
    faults.push(fault.suggest(format!("write how many it has, though not all of them are wired: {due}")));
}

/// A port is named in one way, and what is said of its adapter goes with that.
fn serial(entry: &Entry<Rig>, board: &[&str], port: &SerialPort, faults: &mut Vec<Diagnostic>) {
    let at = |field: &'static str| [board, &[field]].concat();
    let SerialPort { path, usb, usb_id, serial } = port;
    let mut wrong = |field: &'static str, code, message: &str, advice: &str| {
        faults.push(entry.diagnostic(code, &at(field), message).suggest(advice));
    };
    match (path, usb, serial) {
        (None, None, None) => {
            let advice = "add `port`, or `usb` and the port that `rigtone rig list` shows";
            faults.push(entry.diagnostic(Code::NotExactlyOne, board, NOWHERE).suggest(advice));
        }
        (Some(_), Some(_), _) => {
            wrong("usb", Code::NotExactlyOne, "the port is named already by `port`", "keep `usb`, or `port`");
        }
        (Some(_), None, serial) => {
            for (field, is) in [("usb-id", usb_id.is_some()), ("serial", serial.is_some())] {
                if is {
                    let message = format!("`{field}` is of an adapter that is looked for, and `port` names a path");
                    let advice = format!("delete `{field}`, or write `usb` or `serial` in place of `port`");
                    wrong(field, Code::Incomplete, &message, &advice);
                }
            }
        }
        (None, ..) => {}
    }
}
