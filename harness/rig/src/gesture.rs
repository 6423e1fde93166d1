//! What is known of whether a unit is on, and which of its gestures may be done with that. Nothing is guessed.

use rigtone_model::{
    document::{Device, Gesture, OnOff, Turns, Unit},
    quantity::Duration,
    trial::InfrastructureFault,
};

use crate::{clock::Instant, power::word};

/// How long a device needs to start that does not say.
const USUAL_BOOT_NS: i64 = 2_000_000_000;

/// What a unit's power is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// Its supply was switched.
    Supply,
    /// A gesture left it so.
    Gesture(String),
    /// It answered.
    Alive,
}

/// What was known before something was begun whose end nobody knows yet.
#[derive(Debug)]
pub(crate) struct Before {
    supply: Option<bool>,
    on: Option<(bool, Source)>,
}

/// What is known of a unit's power.
#[derive(Debug)]
pub(crate) struct Knowledge {
    unit: String,
    /// Whether it goes on when its supply is cut.
    battery: bool,
    boot_ns: i64,
    /// What its supply was switched to last.
    supply: Option<bool>,
    on: Option<(bool, Source)>,
    /// When it has started.
    ready: Option<Instant>,
}

impl Knowledge {
    pub(crate) fn of(name: &str, unit: &Unit, device: &Device) -> Self {
        Self {
            unit: name.to_owned(),
            battery: device.battery && !unit.without_battery,
            boot_ns: device.boot.map_or(USUAL_BOOT_NS, Duration::ns),
            supply: None,
            on: None,
            ready: None,
        }
    }

    /// Its supply was switched at `now`. One with a battery minds that as little as what it does not notice.
    pub(crate) fn supply(&mut self, on: bool, now: Instant) {
        let before = self.supply.replace(on);
        if self.battery || before == Some(on) {
            return;
        }
        match (before, on) {
            (_, false) => (self.on, self.ready) = (Some((false, Source::Supply)), None),
            (Some(false), true) => {
                (self.on, self.ready) = (Some((true, Source::Supply)), Some(now.plus(self.boot_ns)));
            }
            // It may have been on before, and turned off with a button. Whichever it is, it may be starting now.
            _ => (self.on, self.ready) = (None, Some(now.plus(self.boot_ns))),
        }
    }

    /// Its supply is being switched: until that is done nobody knows where it is. Gives what was known.
    pub(crate) fn supply_begins(&mut self) -> Before {
        Before { supply: self.supply.take(), on: self.on.take() }
    }

    /// It was switched at `now`.
    pub(crate) fn supply_ends(&mut self, before: Before, on: bool, now: Instant) {
        (self.supply, self.on) = (before.supply, before.on);
        self.supply(on, now);
    }

    /// Another trial begins: what was seen and done in the one before is nothing that it may go by. Where the supply is
    /// stays known.
    pub(crate) fn trial_begins(&mut self) {
        let dark = self.supply == Some(false) && !self.battery;
        self.on = dark.then_some((false, Source::Supply));
    }

    /// It has given a sign of life.
    pub(crate) fn is_alive(&mut self) {
        if self.on.as_ref().is_none_or(|(on, _)| !on) {
            self.on = Some((true, Source::Alive));
        }
    }

    /// A gesture begins: until it is done nobody knows what the unit makes of it. Gives what was known.
    pub(crate) fn gesture_begins(&mut self) -> Before {
        Before { supply: self.supply, on: self.on.take() }
    }

    /// When a gesture may begin at the earliest: one that is made while a device starts is lost on most.
    #[cfg(any(feature = "serial", test))]
    pub(crate) fn ready(&self) -> Option<Instant> {
        self.ready
    }

    /// Whether a gesture may be done now.
    pub(crate) fn may(&self, name: &str, gesture: &Gesture) -> Result<(), InfrastructureFault> {
        let fault = |what| InfrastructureFault::new(format!("unit {}", self.unit), what);
        if self.supply == Some(false) && !self.battery {
            let what = format!("the gesture `{name}` was not done: its supply is off, so its buttons do nothing");
            return Err(fault(what).hint("switch its supply on in a step before"));
        }
        let hint = "let a step before it switch its supply off and on, or begin with a gesture that leaves it on or off \
                    from any state";
        match (gesture.from, gesture.power, &self.on) {
            (None, Some(Turns::Over), None) => {
                let what = format!(
                    "the gesture `{name}` was not done: it turns the unit over, and nobody knows whether it is on"
                );
                Err(fault(what).hint(hint))
            }
            (Some(from), _, None) => {
                let what = format!(
                    "the gesture `{name}` was not done: it begins with the unit {from}, and nobody knows whether it is on"
                );
                Err(fault(what).hint(hint))
            }
            (Some(from), _, Some((on, source))) if (from == OnOff::On) != *on => {
                let source = match source {
                    Source::Supply => "its supply was switched so".to_owned(),
                    Source::Gesture(gesture) => format!("the gesture `{gesture}` left it so"),
                    Source::Alive => "it has answered".to_owned(),
                };
                let what = format!(
                    "the gesture `{name}` was not done: it begins with the unit {from}, and it is {}: {source}",
                    word(*on)
                );
                Err(fault(what).hint(format!("turn it {from} in a step before")))
            }
            _ => Ok(()),
        }
    }

    /// The gesture was done, and the device had the time that it needs.
    pub(crate) fn gesture_ends(&mut self, before: Before, name: &str, gesture: &Gesture, now: Instant) {
        self.on = before.on;
        let before = self.on.as_ref().map(|(on, _)| *on);
        let on = match (gesture.power, before) {
            (None, _) | (Some(Turns::Over), None) => return,
            (Some(Turns::On), _) => true,
            (Some(Turns::Off), _) => false,
            (Some(Turns::Over), Some(before)) => !before,
        };
        self.on = Some((on, Source::Gesture(name.to_owned())));
        if on && before != Some(true) {
            // What the gesture waited for afterwards is a part of that already.
            let waited = gesture.takes.map_or(0, Duration::ns);
            self.ready = Some(now.plus((self.boot_ns - waited).max(0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    const SECOND: i64 = 1_000_000_000;

    /// What happens to a unit.
    #[derive(Debug, Clone, Copy)]
    enum Do {
        Supply(bool),
        Gesture(&'static str),
        Begin,
        Alive,
        Lost,
    }
    use Do::{Alive, Begin, Gesture as Press, Lost, Supply};

    fn device(battery: bool) -> Device {
        let press = json!([{"buttons": ["power"], "for": "1 s"}]);
        serde_json::from_value(json!({
            "device": "a/b", "title": "B", "roles": ["a2dp-sink"], "codecs": ["sbc"], "boot": "3 s", "battery": battery,
            "gestures": {
                "key": {"press": press, "power": "over", "takes": "1 s"},
                "start": {"press": press, "from": "off", "power": "on"},
                "stop": {"press": press, "power": "off"},
                "pairing-mode": {"press": press, "from": "on"},
                "volume": {"press": press},
            },
        }))
        .expect("a device")
    }

    fn unit(without_battery: bool) -> Unit {
        serde_json::from_value(json!({
            "device": "a/b", "firmware": "1", "address": "D2:00:00:00:00:01", "without-battery": without_battery,
        }))
        .expect("a unit")
    }

    /// What the last of the things says.
    fn last(mut knowledge: Knowledge, device: &Device, all: &[Do]) -> Result<(), String> {
        let mut said = Ok(());
        for (second, what) in all.iter().enumerate() {
            let now = Instant(second as i64 * SECOND);
            match *what {
                Supply(on) => knowledge.supply(on, now),
                Begin => knowledge.trial_begins(),
                Alive => knowledge.is_alive(),
                Lost => drop(knowledge.gesture_begins()),
                Press(name) => {
                    let gesture = &device.gestures[name];
                    said = knowledge.may(name, gesture).map_err(|fault| {
                        assert!(fault.hint.is_some(), "{fault}");
                        fault.to_string()
                    });
                    if said.is_ok() {
                        let before = knowledge.gesture_begins();
                        knowledge.gesture_ends(before, name, gesture, now);
                    }
                }
            }
        }
        said
    }

    #[rstest]
    #[case::any_state(&[Press("volume")], None)]
    #[case::nobody_knows(&[Press("key")], Some("turns the unit over, and nobody knows"))]
    #[case::nor_where_it_begins(&[Press("start")], Some("begins with the unit off, and nobody knows"))]
    #[case::first_supply_only(&[Supply(true), Press("key")], Some("nobody knows"))]
    #[case::supply(&[Supply(false), Supply(true), Press("key")], None)]
    #[case::no_supply(&[Supply(false), Press("volume")], Some("its supply is off"))]
    #[case::known_off(&[Press("stop"), Press("start"), Press("pairing-mode")], None)]
    #[case::over(&[Press("stop"), Press("key"), Press("pairing-mode")], None)]
    #[case::over_twice(&[Press("stop"), Press("key"), Press("key"), Press("pairing-mode")],
        Some("begins with the unit on, and it is off: the gesture `key` left it so"))]
    #[case::on_already(&[Supply(false), Supply(true), Press("start")],
        Some("begins with the unit off, and it is on: its supply was switched so"))]
    #[case::switched_on_again(&[Supply(false), Supply(true), Press("stop"), Supply(true), Press("pairing-mode")],
        Some("it is off: the gesture `stop` left it so"))]
    #[case::another_trial(&[Press("stop"), Begin, Press("start")], Some("nobody knows"))]
    #[case::of_another_trial(&[Supply(false), Supply(true), Begin, Press("pairing-mode")], Some("nobody knows"))]
    #[case::dark_since_another_trial(&[Supply(false), Begin, Supply(true), Press("pairing-mode")], None)]
    #[case::sign_of_life(&[Alive, Press("key"), Press("start")], None)]
    #[case::broken_off(&[Supply(false), Supply(true), Lost, Press("pairing-mode")], Some("nobody knows"))]
    fn a_gesture_that_needs_to_know_is_done_only_when_it_is_known(#[case] all: &[Do], #[case] refused: Option<&str>) {
        let said = last(Knowledge::of("lamp", &unit(false), &device(false)), &device(false), all);
        match refused {
            None => assert_eq!(said, Ok(())),
            Some(part) => {
                let said = said.expect_err("refused");
                assert!(said.starts_with("unit lamp: ") && said.contains(part), "{said}");
            }
        }
    }

    #[rstest]
    #[case::carries_it(false, "nobody knows")]
    #[case::taken_out(true, "")]
    fn a_battery_makes_a_cut_supply_worth_nothing(#[case] without: bool, #[case] refused: &str) {
        let all = [Supply(false), Supply(true), Press("key")];
        let said = last(Knowledge::of("lamp", &unit(without), &device(true)), &device(true), &all);
        assert!(said.err().map_or(refused.is_empty(), |said| said.contains(refused)));
    }

    #[test]
    fn a_unit_is_waited_for_while_it_starts() {
        let device = device(false);
        let mut knowledge = Knowledge::of("lamp", &unit(false), &device);
        assert_eq!(knowledge.ready(), None);
        knowledge.supply(false, Instant(0));
        knowledge.supply(true, Instant(10 * SECOND));
        assert_eq!(knowledge.ready(), Some(Instant(13 * SECOND)));
        // One second of the three was a part of the gesture that turned it on.
        for (name, at) in [("stop", 20), ("key", 30)] {
            let before = knowledge.gesture_begins();
            knowledge.gesture_ends(before, name, &device.gestures[name], Instant(at * SECOND));
        }
        assert_eq!(knowledge.ready(), Some(Instant(32 * SECOND)));
    }
}
