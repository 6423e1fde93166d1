//! Rigs.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{dangling, relay};
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{
        Button, CommandLine, Control, InquiryScan, Output, Recover, Rig, SafeState, Unit, Verify, Way, World,
        day_number,
    },
    load::{Entry, Library},
    quantity::Duration,
};

pub(super) fn check(entry: &Entry<Rig>, library: &Library, faults: &mut Vec<Diagnostic>) {
    let mut rig = Checker { entry, library, faults };
    rig.worlds();
    rig.boards();
    rig.dongles();
    relay::check(entry, rig.faults);
    super::microphone::check(entry, library, rig.faults);
    rig.units();
    rig.outputs();
    rig.addresses();
}

/// Declarations of firmware that are older than they are worth: whoever looks after the rig looks at the unit, and says so anew.
pub fn stale_declarations(entry: &Entry<Rig>, today: &str) -> Vec<Diagnostic> {
    let declared =
        entry.value.units.iter().filter_map(|(name, unit)| match unit.verify.as_ref().and_then(Verify::way) {
            // What is no day is a fault of its own.
            Some(Way::Declared(declared)) => Some((name, unit, declared, declared.age_days(today)?)),
            _ => None,
        });
    let stale = declared.filter(|(_, _, declared, _)| declared.is_stale(today));
    stale
        .map(|(name, unit, declared, age)| {
            let message = match age {
                ..0 => format!("`{name}` was declared to run {} on a day that has not come yet", unit.firmware),
                _ => format!(
                    "`{name}` was declared to run {} {age} days ago; that is worth something for {}",
                    unit.firmware,
                    declared.good_for_days()
                ),
            };
            let path = ["units", name, "verify", "declared", "on"];
            let fault = entry.diagnostic(Code::StaleDeclaration, &path, message);
            fault.suggest("look which firmware it runs, and write that and the day; better, let `verify` read it")
        })
        .collect()
}

struct Checker<'a> {
    entry: &'a Entry<Rig>,
    library: &'a Library,
    faults: &'a mut Vec<Diagnostic>,
}

pub(super) fn names<T>(map: &IndexMap<String, T>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

impl Checker<'_> {
    fn rig(&self) -> &Rig {
        &self.entry.value
    }

    /// Everything that is simulated, or nothing.
    fn worlds(&mut self) {
        let rig = &self.entry.value;
        let mut wrong = |path: &[&str], message: &str, advice: &str| {
            self.faults.push(self.entry.diagnostic(Code::WrongWorld, path, message).suggest(advice));
        };
        const REAL: &str = "delete it, or write `world: simulated`";
        const SIMULATED: &str = "delete it, or write `world: hardware`";
        let hardware = rig.world == World::Hardware;
        for (name, unit) in &rig.units {
            if hardware && unit.simulated.is_some() {
                wrong(&["units", name, "simulated"], "a unit of a hardware rig is not simulated", REAL);
            }
        }
        for (name, microphone) in &rig.microphones {
            let at = ["microphones", name];
            if hardware && microphone.simulated.is_some() {
                wrong(&[at[0], at[1], "simulated"], "a microphone of a hardware rig is not simulated", REAL);
                continue;
            }
            match (hardware, &microphone.alsa, &microphone.sink) {
                (true, None, None) => {
                    wrong(&at, "a microphone of a hardware rig needs a device", "add `alsa`, or `sink`");
                }
                (true, Some(_), Some(_)) => {
                    let advice = "keep one of `alsa` and `sink`, or write two microphones";
                    wrong(&[at[0], at[1], "sink"], "a microphone is one thing", advice);
                }
                (false, Some(_), _) => {
                    wrong(&[at[0], at[1], "alsa"], "a simulated rig has no real microphone", SIMULATED);
                }
                (false, None, Some(_)) => {
                    wrong(&[at[0], at[1], "sink"], "a simulated rig receives no real stream", SIMULATED);
                }
                _ => {}
            }
        }
        for (name, dongle) in rig.dongles.iter().filter(|_| !hardware) {
            let real = [dongle.usb.is_some(), dongle.usb_id.is_some(), dongle.recover.is_some()];
            for key in ["usb", "usb-id", "recover"].into_iter().zip(real).filter_map(|(key, is)| is.then_some(key)) {
                wrong(&["dongles", name, key], "a simulated dongle is plugged in nowhere", SIMULATED);
            }
        }
        for (name, board) in &rig.relays {
            if hardware && board.simulated.is_some() {
                wrong(&["relays", name, "simulated"], "a relay board of a hardware rig is not simulated", REAL);
            }
            let stated = board.stated();
            if hardware && stated.is_empty() {
                let advice = "add its family, such as `lcus`: what it is, and where";
                wrong(&["relays", name], "a relay board of a hardware rig needs a family", advice);
            }
            for stated in stated.iter().filter(|_| !hardware) {
                wrong(&["relays", name, stated.family], "a simulated rig has no real relay board", SIMULATED);
            }
        }
    }

    /// What is said of the contacts of boards.
    fn boards(&mut self) {
        for (name, board) in &self.entry.value.relays {
            if board.settle.is_some_and(|settle| settle > Output::LONGEST_SETTLE) {
                let message = format!("{} is the longest that a switch is waited for", Output::LONGEST_SETTLE);
                let fault = self.entry.diagnostic(Code::OutOfRange, &["relays", name, "settle"], message);
                self.faults.push(fault.suggest("write `200 ms`"));
            }
        }
    }

    /// What is said of where dongles are plugged in and how they are brought back.
    fn dongles(&mut self) {
        let rig = &self.entry.value;
        for (name, dongle) in &rig.dongles {
            let Some(recover) = &dongle.recover else { continue };
            let at = |key: &'static str| ["dongles", name, "recover", key];
            let mut wrong = |code, path: &[&str], message: &str, advice: &str| {
                self.faults.push(self.entry.diagnostic(code, path, message).suggest(advice));
            };
            if recover.hub_port.is_some() && dongle.usb.is_none() {
                let advice = "add `usb` to the dongle: `rigtone rig list` shows where it is plugged in";
                wrong(Code::Incomplete, &at("hub-port"), "no port is named that could be switched", advice);
            }
            if recover.off_for.ns() == 0 || recover.off_for > Recover::LONGEST {
                let message = format!("a dongle is cut for more than no time and at most {}", Recover::LONGEST);
                wrong(Code::OutOfRange, &at("off-for"), &message, "write `2 s`");
            }
            if recover.power.as_ref().is_some_and(|power| power.safe == SafeState::Keep) {
                let path = ["dongles", name, "recover", "power", "safe"];
                let message = "no position is named in which the dongle has its supply";
                wrong(Code::Incomplete, &path, message, "write the position in which it has its supply: `on` or `off`");
            }
        }
    }

    fn units(&mut self) {
        let rig = &self.entry.value;
        for (name, unit) in &rig.units {
            self.device(name, unit);
            self.firmware(name, unit);
            self.dongle(name, unit);
            self.buttons(name, unit);
            for microphone in unit.heard_by.keys().filter(|name| !rig.microphones.contains_key(*name)) {
                let path = ["units", name, "heard-by", microphone];
                self.faults.push(dangling(self.entry, &path, "microphone", microphone, &names(&rig.microphones)));
            }
        }
    }

    /// Each output exists and switches one thing.
    fn outputs(&mut self) {
        let rig = &self.entry.value;
        let dongles = rig.dongles.iter().filter_map(|(name, dongle)| {
            dongle.power().map(|output| (vec!["dongles", name, "recover", "power"], output))
        });
        let units = rig.units.iter().flat_map(|(name, unit)| {
            let power = unit.power.iter().map(move |output| (vec!["units", name, "power"], output));
            let buttons = unit.buttons.iter();
            power.chain(buttons.map(move |(b, button)| (vec!["units", name, "buttons", b], &button.output)))
        });
        // By relay and channel: the path of what is wired to it.
        let mut wired: HashMap<(&str, u8), Vec<&str>> = HashMap::new();
        for (path, output) in dongles.chain(units).collect::<Vec<_>>() {
            self.output(&path, output);
            let Some(first) = wired.insert((&output.relay, output.channel), path.clone()) else { continue };
            let message = format!("channel {} of `{}` is wired already", output.channel, output.relay);
            self.faults.push(
                self.entry
                    .diagnostic(Code::SharedChannel, &path, message)
                    .label(&self.entry.path, self.entry.position(&first), "it is wired here")
                    .suggest("a channel switches one thing: give one of them another channel"),
            );
        }
    }

    fn device(&mut self, name: &str, unit: &Unit) {
        if self.library.is_faulty(&unit.device) {
            return;
        }
        let Some(device) = self.library.devices.get(&unit.device) else {
            let known = names(&self.library.devices);
            self.faults.push(dangling(self.entry, &["units", name, "device"], "device", &unit.device, &known));
            return;
        };
        let versions = &device.value.firmware;
        if !versions.contains_key(&unit.firmware) {
            let path = ["units", name, "firmware"];
            let what = format!("firmware of `{}` called", unit.device);
            self.faults.push(dangling(self.entry, &path, &what, &unit.firmware, &names(versions)));
        }
        if unit.simulated.as_ref().is_some_and(|s| s.battery.is_some()) && !device.value.battery {
            let message = format!("the device `{}` has no battery", unit.device);
            let path = ["units", name, "simulated", "battery"];
            let fault = self.entry.diagnostic(Code::WrongReference, &path, message);
            self.faults.push(fault.suggest("delete it, or write `battery: true` in the device's document"));
        }
    }

    /// How long buttons are held and supplies are on, and for whom resets are allowed.
    fn buttons(&mut self, name: &str, unit: &Unit) {
        let mut out_of_range = |path: &[&str], message: String, advice: &str| {
            self.faults.push(self.entry.diagnostic(Code::OutOfRange, path, message).suggest(advice));
        };
        for (button, wiring) in &unit.buttons {
            let at = |key: &'static str| ["units", name, "buttons", button, key];
            if wiring.longest_hold == Duration::ZERO || wiring.longest_hold > Button::LONGEST {
                let message = format!("a button is held for more than no time and at most {}", Button::LONGEST);
                out_of_range(&at("longest-hold"), message, "write the longest hold that does no harm, such as `10 s`");
            }
            if wiring.smallest_gap > Button::LONGEST {
                let message = format!("{} is the longest gap between two presses", Button::LONGEST);
                out_of_range(&at("smallest-gap"), message, "write a time such as `200 ms`");
            }
        }
        if let Some(power) = &unit.power {
            if power.longest_on.is_some_and(|longest| longest == Duration::ZERO) {
                let message = "a supply that is never on".to_owned();
                out_of_range(&["units", name, "power", "longest-on"], message, "write a time, or delete it");
            }
            if power.longest_on.is_some() && power.safe != SafeState::Off {
                let path = ["units", name, "power", "longest-on"];
                let message = "it is not left off, so it cannot be kept from being on for long";
                let fault = self.entry.diagnostic(Code::Incomplete, &path, message);
                self.faults.push(fault.suggest("write `safe: off`, or delete `longest-on`"));
            }
            if power.settle.is_some_and(|settle| settle > Output::LONGEST_SETTLE) {
                let path = ["units", name, "power", "settle"];
                let message = format!("{} is the longest that a switch is waited for", Output::LONGEST_SETTLE);
                self.faults.push(self.entry.diagnostic(Code::OutOfRange, &path, message).suggest("write `200 ms`"));
            }
        }
        let Some(device) = self.library.devices.get(&unit.device) else { return };
        let mut wrong = |key: &str, message: String, advice: &str| {
            let path = ["units", name, key];
            self.faults.push(self.entry.diagnostic(Code::WrongReference, &path, message).suggest(advice));
        };
        if unit.without_battery && !device.value.battery {
            let message = format!("the device `{}` has no battery", unit.device);
            wrong("without-battery", message, "delete it, or write `battery: true` in the device's document");
        }
        if unit.allows_factory_reset && !device.value.gestures.values().any(|gesture| gesture.factory_reset) {
            let message = format!("the device `{}` has no gesture that is marked as one", unit.device);
            wrong("allows-factory-reset", message, "delete it, or write `factory-reset: true` at the gesture");
        }
    }

    fn firmware(&mut self, name: &str, unit: &Unit) {
        if let Some(Way::Declared(declared)) = unit.verify.as_ref().and_then(Verify::way)
            && day_number(&declared.on).is_none()
        {
            let path = ["units", name, "verify", "declared", "on"];
            let fault = self.entry.diagnostic(Code::UnfitValue, &path, format!("there is no day `{}`", declared.on));
            self.faults.push(fault.suggest("write a day such as `2026-11-01`"));
        }
        if let Some(Way::Command(command)) = unit.verify.as_ref().and_then(Verify::way)
            && (command.within > CommandLine::LONGEST || command.within == Duration::ZERO)
        {
            let path = ["units", name, "verify", "command", "within"];
            let message = format!("a program has more than no time and at most {}", CommandLine::LONGEST);
            self.faults
                .push(self.entry.diagnostic(Code::OutOfRange, &path, message).suggest("write a time such as `10 s`"));
        }
        let deafened = unit.simulated.as_ref().and_then(|nature| nature.assistant.as_ref()?.deafened);
        if deafened.and_then(|deafened| deafened.slope).is_some_and(|slope| slope.db() <= 0.0) {
            let path = ["units", name, "simulated", "assistant", "deafened", "slope"];
            let fault = self.entry.diagnostic(Code::OutOfRange, &path, "what is louder deafens it more, and not less");
            self.faults.push(fault.suggest("write a slope such as `2 dB`"));
        }
        if let Some(nature) = &unit.simulated
            && nature.runs_from.is_some()
            && nature.runs.is_none()
        {
            let path = ["units", name, "simulated", "runs-from"];
            let fault =
                self.entry.diagnostic(Code::Incomplete, &path, "it does not say what the unit runs from then on");
            self.faults.push(fault.suggest("add `runs`, or delete it"));
        }
        let scan = unit.simulated.as_ref().and_then(|nature| nature.inquiry_scan);
        if scan.is_some_and(|scan| !(InquiryScan::SHORTEST..=InquiryScan::LONGEST).contains(&scan.every)) {
            let path = ["units", name, "simulated", "inquiry-scan", "every"];
            let (low, high) = (InquiryScan::SHORTEST, InquiryScan::LONGEST);
            let message = format!("a unit listens for inquiries every {low} to {high}");
            self.faults
                .push(self.entry.diagnostic(Code::OutOfRange, &path, message).suggest("write `1.28 s`, as is usual"));
        }
    }

    fn dongle(&mut self, name: &str, unit: &Unit) {
        let known = names(&self.rig().dongles);
        match &unit.dongle {
            Some(dongle) if !known.contains(&dongle.as_str()) => {
                let fault = dangling(self.entry, &["units", name, "dongle"], "dongle", dongle, &known);
                self.faults.push(fault);
            }
            None if unit.control == Some(Control::Endpoint) && self.rig().world == World::Hardware => {
                let message = "a unit that is Rigtone itself needs a dongle";
                let fault = self.entry.diagnostic(Code::MissingDongle, &["units", name, "control"], message);
                self.faults.push(fault.suggest("add `dongle` and one of the names under `dongles`"));
            }
            _ => {}
        }
    }

    fn output(&mut self, path: &[&str], output: &Output) {
        let at = |key| path.iter().copied().chain([key]).collect::<Vec<_>>();
        let Some(board) = self.rig().relays.get(&output.relay) else {
            let known = names(&self.rig().relays);
            let fault = dangling(self.entry, &at("relay"), "relay board", &output.relay, &known);
            self.faults.push(fault);
            return;
        };
        if output.channel > board.channels {
            let message = format!("channel {} of a board with {}", output.channel, board.channels);
            let advice = format!("write a channel from 1 to {}", board.channels);
            let fault = self.entry.diagnostic(Code::DanglingReference, &at("channel"), message).suggest(advice);
            self.faults.push(fault);
        }
    }

    /// An address belongs to one thing. A source that is Rigtone itself has the address of its dongle.
    fn addresses(&mut self) {
        let rig = &self.entry.value;
        let mut seen: HashMap<&str, (Vec<&str>, &str)> = HashMap::new();
        let dongles = rig.dongles.iter().map(|(name, dongle)| ("dongles", name, &dongle.address, None));
        let units = rig.units.iter().map(|(name, unit)| ("units", name, &unit.address, unit.dongle.as_deref()));
        for (section, name, address, own) in dongles.chain(units) {
            let path = vec![section, name, "address"];
            let Some((first, first_name)) = seen.get(address.as_str()) else {
                seen.insert(address, (path, name));
                continue;
            };
            if first[0] == "dongles" && own == Some(first_name) {
                continue;
            }
            self.faults.push(
                self.entry
                    .diagnostic(
                        Code::DuplicateAddress,
                        &path,
                        format!("the address `{address}` belongs to `{first_name}` already"),
                    )
                    .label(&self.entry.path, self.entry.position(first), "it stands here first")
                    .suggest("write the address that the device itself shows"),
            );
        }
    }
}
