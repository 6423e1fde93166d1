//! Devices.

use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Device, Gesture},
    load::Entry,
    quantity::Duration,
};

/// No hand holds a button longer: an hour.
const LONGEST_GESTURE: Duration = Duration::from_s(3600);

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
        let path = ["gestures", name];
        let fault = |message: &str| entry.diagnostic(Code::Incomplete, &path, message);
        match (gesture.automatic, gesture.press.is_empty()) {
            (false, true) => faults.push(
                fault("the gesture does nothing").suggest("add `press`, or `automatic: true` if the device needs none"),
            ),
            (true, false) => faults.push(
                fault("the gesture is automatic and presses buttons").suggest("keep either `automatic` or `press`"),
            ),
            _ => {}
        }
        let takes = duration(gesture);
        if takes > LONGEST_GESTURE {
            let message = format!("the gesture takes {takes}, and {LONGEST_GESTURE} is the most");
            let fault = entry.diagnostic(Code::OutOfRange, &path, message);
            faults.push(fault.suggest("hold the buttons as long as the device's manual says"));
        }
    }
}

fn duration(gesture: &Gesture) -> Duration {
    let held = gesture.press.iter().map(|press| press.held.ns());
    Duration::from_ns(held.chain(gesture.takes.map(Duration::ns)).fold(0, i64::saturating_add))
}
