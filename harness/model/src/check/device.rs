//! Devices.

use crate::{
    diagnostic::{Code, Diagnostic},
    document::Device,
    load::Entry,
};

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
    }
}
