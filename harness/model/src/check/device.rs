//! Devices.

use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Device, Gesture, OnOff, Turns},
    load::Entry,
    quantity::Duration,
};

/// No hand holds a button longer: an hour.
const LONGEST_GESTURE: Duration = Duration::from_s(3600);
/// A gesture of this name is one, whatever else its document says.
const FACTORY_RESET: &str = "factory-reset";

pub(super) fn check(entry: &Entry<Device>, faults: &mut Vec<Diagnostic>) {
    let device = &entry.value;
    for (version, firmware) in &device.firmware {
        for (n, codec) in firmware.codecs.iter().flatten().enumerate() {
            if !device.codecs.contains(codec) {
                let path = ["firmware", version, "codecs", &n.to_string()];
                let message = format!("the device does not have the codec `{codec}`");
                let fault = entry.diagnostic(Code::ForeignCodec, &path, message);
                faults.push(fault.suggest("add it to `codecs` of the device: they hold for all its firmware"));
            }
        }
    }
    for (name, gesture) in &device.gestures {
        self::gesture(entry, name, gesture, faults);
    }
}

fn gesture(entry: &Entry<Device>, name: &str, gesture: &Gesture, faults: &mut Vec<Diagnostic>) {
    let path = ["gestures", name];
    let mut fault = |code, path: &[&str], message: String, advice: &str| {
        faults.push(entry.diagnostic(code, path, message).suggest(advice));
    };
    match (gesture.automatic, gesture.press.is_empty()) {
        (false, true) => {
            let advice = "add `press`, or `automatic: true` if the device needs none";
            fault(Code::Incomplete, &path, "the gesture does nothing".to_owned(), advice);
        }
        (true, false) => {
            let message = "the gesture is automatic and presses buttons".to_owned();
            fault(Code::Incomplete, &path, message, "keep either `automatic` or `press`");
        }
        _ => {}
    }
    let of_buttons = [
        ("from", gesture.from.is_some()),
        ("power", gesture.power.is_some()),
        ("factory-reset", gesture.factory_reset),
    ];
    if let Some((key, _)) = of_buttons.into_iter().find(|(_, is)| *is && gesture.automatic) {
        let message = format!("`{key}` is said of buttons, and the gesture presses none");
        fault(Code::UnfitValue, &["gestures", name, key], message, "delete it, or write `press`");
    }
    if name == FACTORY_RESET && !gesture.factory_reset {
        let advice = "add `factory-reset: true`: it is done only where the rig allows it";
        fault(
            Code::Incomplete,
            &path,
            "the gesture is not marked as one that makes the device forget".to_owned(),
            advice,
        );
    }
    let changes_nothing = match (gesture.from, gesture.power) {
        (Some(OnOff::On), Some(Turns::On)) | (Some(OnOff::Off), Some(Turns::Off)) => true,
        (Some(_), Some(Turns::Over)) => {
            let message = "what it turns the device to is known from where it begins".to_owned();
            let advice = "write `power: on` or `power: off`, or delete `from`";
            fault(Code::UnfitValue, &["gestures", name, "power"], message, advice);
            false
        }
        _ => false,
    };
    if changes_nothing {
        let message = "it turns the device to where it was".to_owned();
        fault(
            Code::UnfitValue,
            &["gestures", name, "power"],
            message,
            "write `from: off` and `power: on`, or the other way round",
        );
    }
    for (n, press) in gesture.press.iter().enumerate() {
        let n = n.to_string();
        let at = |key: &'static str| ["gestures", name, "press", &n, key];
        if press.held == Duration::ZERO {
            fault(
                Code::OutOfRange,
                &at("for"),
                "a press of no time is none".to_owned(),
                "write a time such as `500 ms`",
            );
        }
        if let Some(twice) = press.buttons.iter().enumerate().find(|(n, b)| press.buttons[..*n].contains(b)) {
            let message = format!("`{}` is pressed twice at once", twice.1);
            fault(Code::RepeatedValue, &at("buttons"), message, "write two presses, one after the other");
        }
    }
    let takes = gesture.lasts();
    if takes > LONGEST_GESTURE {
        let message = format!("the gesture takes {takes}, and {LONGEST_GESTURE} is the most");
        fault(Code::OutOfRange, &path, message, "hold the buttons as long as the device's manual says");
    }
}
