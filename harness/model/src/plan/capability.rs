//! What units can do on a rig, and what steps need.

use std::fmt;

use super::{asked, roles};
use crate::document::{
    Action, Control, Device, Event, Gesture, PAIRING_MODE, Profile, Rig, Role, SourceAbility, Step, Unit, WaitFor,
    World,
};

/// Something a unit can do on its rig.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Capability {
    /// Its supply can be switched.
    Power = 1,
    /// It can be brought into pairing mode.
    PairingMode = 2,
    /// It can search for others.
    Inquiry = 4,
    /// It can ask others to pair.
    Pairing = 8,
    /// It can connect profiles.
    Connecting = 16,
    /// It can send a stimulus.
    Streaming = 32,
    /// A microphone hears it.
    Recording = 64,
    /// It tells when others connect to it.
    Receiving = 128,
    /// It can be told to remove a bond.
    Forgetting = 1024,
    /// It can stop a search and start it anew.
    SearchingAnew = 256,
    /// It can read the service records of others, and knows its own.
    ReadingServices = 512,
    /// Prompts can be spoken to it.
    Speaking = 2048,
    /// It tells when a link that it made goes.
    Watching = 4096,
    /// It takes the sound from a content that is named.
    Contents = 8192,
    /// It sets the volume of those that it plays on.
    Volume = 16384,
    /// Its settings can be changed.
    Setting = 32768,
    /// It can connect the hands-free profile as the gateway, and speak over it.
    HandsFree = 65536,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Power => "its supply cannot be switched: wire it to a relay with `power:`, or let a person do it with `by-hand: [power]`",
            Self::PairingMode => "it cannot be brought into pairing mode: its device has no `pairing-mode` gesture that this rig can do, and no person does it (`by-hand: [pairing-mode]`)",
            Self::Inquiry => "it cannot be told to search: it needs a `control:`, and on a hardware rig `control: endpoint` and a dongle, or another that can do it (docs/sources.md)",
            Self::Pairing => "it cannot be told to pair: it needs a `control:`, and on a hardware rig `control: endpoint` and a dongle, or another that can do it (docs/sources.md)",
            Self::Connecting => "it cannot be told to connect: it needs a `control:`, and on a hardware rig `control: endpoint` and a dongle, or another that can do it (docs/sources.md)",
            Self::Streaming => "it cannot send a stimulus: it needs a `control:`, and on a hardware rig `control: endpoint` and a dongle, or another that can do it (docs/sources.md)",
            Self::Recording => "no microphone hears it: name one with `heard-by:`",
            Self::Receiving => "it does not tell when it is connected: only a sink that is Rigtone itself does, with `control: endpoint` and on a hardware rig a dongle",
            Self::Forgetting => "it cannot be told to forget a bond: it needs a `control:` that can do it (docs/sources.md)",
            Self::Watching => "it does not tell when a link of its own goes: it needs `control: endpoint` and on a hardware rig a dongle",
            Self::Contents => "it has no contents to choose from: it needs `control: operator`, `control: voice` with a prompt of that name, or a program that can choose (`can: [contents]`)",
            Self::Volume => "it cannot set the volume of a speaker: it needs `control: endpoint` and on a hardware rig a dongle",
            Self::SearchingAnew => "it cannot be told to stop a search and start it anew: on a hardware rig it needs `control: endpoint` and a dongle",
            Self::ReadingServices => "it cannot read service records: on a hardware rig it needs `control: endpoint` and a dongle",
            Self::Setting => "it cannot be told to change a setting: it needs a `control:` that can do it (docs/sources.md)",
            Self::HandsFree => "it cannot be a hands-free gateway: Rigtone's gateway is that of simulated worlds; for hardware it has no driver (a profile on RFCOMM and a voice channel beside it)",
            Self::Speaking => "nobody can speak to it: it needs `control: voice` and, with `spoken-to:`, a loudspeaker of a hardware rig",
        })
    }
}

/// A set of capabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(u32);

impl Capabilities {
    /// Whether `capability` is among them.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & capability as u32 != 0
    }

    fn set(&mut self, capability: Capability, present: bool) {
        if present {
            self.0 |= capability as u32;
        }
    }

    /// What a unit can do on its rig: no more than its device could, and no more than is wired.
    pub fn of(unit: &Unit, device: &Device, rig: &Rig) -> Self {
        let simulated = rig.world == World::Simulated;
        let roles = roles::of(unit, device);
        let controlled = match unit.control {
            Some(Control::Endpoint) => simulated || unit.dongle.is_some(),
            Some(Control::Voice | Control::Command) => simulated,
            Some(Control::Operator | Control::Android) | None => false,
        };
        let mut all = Self::default();
        all.set(Capability::Power, unit.power.is_some());
        let own = controlled && unit.control == Some(Control::Endpoint);
        // One role at a time: who can be both is the source.
        let receives = own && roles.contains(&Role::A2dpSink) && !roles.contains(&Role::A2dpSource);
        let gesture = device.gestures.get(PAIRING_MODE);
        let can_be_done = |gesture| obstacle(unit, device, rig, PAIRING_MODE, gesture).is_none();
        all.set(Capability::PairingMode, receives || gesture.is_some_and(can_be_done));
        all.set(Capability::Receiving, receives);
        for capability in [Capability::Inquiry, Capability::Pairing, Capability::Connecting, Capability::Forgetting] {
            all.set(capability, controlled);
        }
        for capability in [Capability::SearchingAnew, Capability::ReadingServices] {
            all.set(capability, if simulated { controlled } else { own });
        }
        all.set(Capability::Setting, controlled && simulated);
        all.set(Capability::Streaming, controlled && roles.contains(&Role::A2dpSource));
        all.set(Capability::Watching, controlled && (simulated || own));
        let sends = roles.contains(&Role::A2dpSource);
        all.set(Capability::Volume, controlled && sends && (simulated || own));
        all.set(Capability::Contents, controlled && sends && !own);
        all.set(Capability::Recording, !unit.heard_by.is_empty());
        all.set(Capability::Speaking, simulated && unit.control == Some(Control::Voice));
        all.set(Capability::HandsFree, simulated && controlled);
        if !simulated && unit.control == Some(Control::Command) {
            for ability in unit.command.iter().flat_map(|program| &program.can) {
                all.set(by_program(*ability), ability.needs().is_none_or(|role| roles.contains(&role)));
                // Whoever makes bonds takes them back.
                all.set(Capability::Forgetting, *ability == SourceAbility::Pairing);
            }
        }
        asked::can(unit, device, rig).into_iter().for_each(|capability| all.set(capability, true));
        all
    }
}

/// What keeps a unit of a rig from doing a gesture of its device; nothing when it can.
pub(super) fn obstacle(unit: &Unit, device: &Device, rig: &Rig, name: &str, gesture: &Gesture) -> Option<String> {
    if gesture.automatic {
        return None;
    }
    if gesture.press.is_empty() {
        return Some(format!("the gesture `{name}` of `{}` does nothing", device.device));
    }
    if gesture.factory_reset && !unit.allows_factory_reset {
        return Some(format!("the gesture `{name}` resets it, and it does not say `allows-factory-reset: true`"));
    }
    // Without any button wired, a simulated unit is pressed by nobody, and does it all the same.
    let pressed_by_relays = rig.world == World::Hardware || !unit.buttons.is_empty();
    gesture.buttons().filter(|_| pressed_by_relays).find_map(|button| match unit.buttons.get(button) {
        None => Some(format!("the gesture `{name}` presses `{button}`, which is wired to no relay")),
        Some(wiring) if gesture.longest_hold(button) > wiring.longest_hold => Some(format!(
            "the gesture `{name}` holds `{button}` for {}, and {} is the longest for it",
            gesture.longest_hold(button),
            wiring.longest_hold
        )),
        Some(_) => None,
    })
}

/// What keeps a unit of a rig from doing the gesture of that name; nothing when it can.
pub(super) fn obstacle_to(unit: &Unit, device: &Device, rig: &Rig, name: &str) -> Option<String> {
    match device.gestures.get(name) {
        Some(gesture) => obstacle(unit, device, rig, name, gesture),
        None => Some(format!("its device `{}` has no gesture `{name}`", device.device)),
    }
}

/// What a unit can do whose program can do that.
const fn by_program(ability: SourceAbility) -> Capability {
    match ability {
        SourceAbility::Inquiry => Capability::Inquiry,
        SourceAbility::Pairing => Capability::Pairing,
        SourceAbility::Connecting => Capability::Connecting,
        SourceAbility::Streaming => Capability::Streaming,
        SourceAbility::Contents => Capability::Contents,
        SourceAbility::Settings => Capability::Setting,
    }
}

/// What a step needs: capabilities of units by axis, or something that this version cannot do on any rig.
pub(super) fn needs<'a>(step: &'a Step, needs: &mut Vec<(&'a str, Capability)>) -> Result<(), String> {
    let action = step.action();
    match action {
        Action::Power(a) => needs.push((&a.unit, Capability::Power)),
        Action::PowerCycle(a) => needs.push((&a.unit, Capability::Power)),
        Action::EnterPairingMode(a) => needs.push((&a.unit, Capability::PairingMode)),
        Action::Discover(a) => {
            needs.push((&a.by, Capability::Inquiry));
            needs.extend(a.restart_every.as_ref().map(|_| (a.by.as_str(), Capability::SearchingAnew)));
        }
        Action::Pair(a) => needs.push((&a.by, Capability::Pairing)),
        Action::Connect(a) if a.profile == Profile::Hfp => needs.push((&a.by, Capability::HandsFree)),
        Action::Connect(a) => needs.push((&a.by, Capability::Connecting)),
        Action::Disconnect(a) => needs.push((&a.by, Capability::Connecting)),
        Action::Forget(a) => needs.push((&a.by, Capability::Forgetting)),
        Action::Play(a) => {
            needs.push((&a.by, Capability::Streaming));
            if a.heard_by.is_empty() {
                needs.push((&a.on, Capability::Recording));
            }
            if a.content.is_some() {
                needs.push((&a.by, Capability::Contents));
            }
            if a.volume.is_some() || a.loudness.is_some() {
                needs.push((&a.by, Capability::Volume));
            }
        }
        Action::Wait(_) => {}
        // The microphone is there, or the plan has said so.
        Action::Listen(_) => {}
        Action::WaitFor(WaitFor { event: Event::Connected, unit, .. }) => needs.push((unit, Capability::Receiving)),
        // Either end of the link may tell.
        Action::WaitFor(WaitFor { event: Event::Disconnected, .. }) => {}
        Action::WaitFor(WaitFor { event: Event::Reaction, unit, .. }) => needs.push((unit, Capability::Recording)),
        // Whether a unit can do it depends on the gesture: see [`obstacle`].
        Action::Gesture(_) => {}
        Action::Set(a) => needs.push((&a.unit, Capability::Setting)),
        // Whoever of the units can read them: see `services`.
        Action::ReadServices(_) => {}
        Action::VoiceLoop(a) => {
            needs.push((&a.by, Capability::HandsFree));
            needs.push((&a.unit, Capability::Recording));
        }
        Action::Prompt(a) => needs.push((&a.unit, Capability::Speaking)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn of(world: &str, unit: &Value, roles: &[&str]) -> Capabilities {
        let mut document = json!({"device": "a/b", "firmware": "1", "address": "D2:00:00:00:00:01"});
        for (key, value) in unit.as_object().expect("an object") {
            document[key] = value.clone();
        }
        let device = json!({"device": "a/b", "title": "b", "roles": roles, "codecs": ["sbc"]});
        let rig = json!({"rig": "r", "title": "r", "world": world, "rooms": {"r": {}}, "units": {"u": document}});
        let rig: Rig = serde_json::from_value(rig).expect("a rig");
        Capabilities::of(&rig.units["u"], &serde_json::from_value(device).expect("a device"), &rig)
    }

    const ALL: [(Capability, &str); 4] = [
        (Capability::Inquiry, "inquiry"),
        (Capability::Pairing, "pairing"),
        (Capability::Connecting, "connecting"),
        (Capability::Streaming, "streaming"),
    ];

    #[rstest]
    #[case(&[])]
    #[case(&["inquiry"])]
    #[case(&["pairing", "streaming"])]
    #[case(&["inquiry", "pairing", "connecting", "streaming"])]
    fn a_source_behind_a_program_can_do_what_its_document_says(#[case] can: &[&str]) {
        let unit = json!({"control": "command", "command": {"program": ["x"], "can": can}});
        let source = of("hardware", &unit, &["a2dp-source"]);
        for (capability, word) in ALL {
            assert_eq!(source.has(capability), can.contains(&word), "{word}");
        }
        assert!(!of("hardware", &unit, &["hfp-gateway"]).has(Capability::Streaming), "no more than its device could");
    }

    #[test]
    fn without_its_program_it_can_do_nothing_on_hardware_and_all_in_simulation() {
        let unit = json!({"control": "command"});
        for (capability, word) in ALL {
            assert!(!of("hardware", &unit, &["a2dp-source"]).has(capability), "{word}");
            assert!(of("simulated", &unit, &["a2dp-source"]).has(capability), "{word}");
        }
    }
}
