//! Gestures: what is asked of a device with its buttons, and the buttons as a rig wires them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    rig::{Output, SafeState},
    words::{OnOff, Turns},
};
use crate::quantity::Duration;

/// The gesture of the step `enter-pairing-mode`.
pub const PAIRING_MODE: &str = "pairing-mode";
/// From one press to the next, where neither the device nor the wiring says more: fingers are no faster.
pub const USUAL_GAP: Duration = Duration::from_ms(200);
/// The longest hold of a button, where its wiring does not say another: longer ones reset many devices.
pub const USUAL_LONGEST_HOLD: Duration = Duration::from_s(10);

/// How something is asked of a device: with its buttons, or by nothing at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gesture {
    /// `true`: the device does it by itself whenever it is on and has no link.
    #[serde(default)]
    pub automatic: bool,
    /// Whether the device must be on or off for it; it is not done while that is not known. In any state when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<OnOff>,
    /// The buttons, pressed one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub press: Vec<Press>,
    /// How long the device then needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<Duration>,
    /// What it does to the power of the device; nothing when left out. One that turns the device over is not done while
    /// it is not known whether it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Turns>,
    /// `true`: the device forgets what it knows. It is done only on units whose rig says `allows-factory-reset: true`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub factory_reset: bool,
}

/// Buttons held together for a time: pressed as nearly at once as the boards can, and released in the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Press {
    /// The names of the buttons.
    #[schemars(length(min = 1))]
    pub buttons: Vec<String>,
    /// How long they are held, from when the last is pressed until the first is released.
    #[serde(rename = "for")]
    pub held: Duration,
    /// How long nothing is pressed afterwards; `200 ms` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Duration>,
}

impl Gesture {
    /// How long it lasts at least: all holds, what lies between them, and what the device then needs.
    pub fn lasts(&self) -> Duration {
        let held = self.press.iter().map(|press| press.held.ns());
        let before_last = self.press.len().saturating_sub(1);
        let gaps = self.press.iter().take(before_last).map(|press| press.gap.unwrap_or(USUAL_GAP).ns());
        Duration::from_ns(held.chain(gaps).chain(self.takes.map(Duration::ns)).fold(0, i64::saturating_add))
    }

    /// The names of its buttons, in the order in which they are pressed first.
    pub fn buttons(&self) -> impl Iterator<Item = &str> {
        self.press.iter().flat_map(|press| &press.buttons).map(String::as_str)
    }

    /// The longest that it holds a button.
    pub fn longest_hold(&self, button: &str) -> Duration {
        let holds = self.press.iter().filter(|press| press.buttons.iter().any(|b| b == button));
        holds.map(|press| press.held).max().unwrap_or(Duration::ZERO)
    }
}

/// A button of a unit, and the relay channel that presses it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Wiring", into = "Wiring")]
#[schemars(with = "Wiring")]
pub struct Button {
    /// The channel. It is left at rest on every way out.
    pub output: Output,
    /// The longest that it may be held.
    pub longest_hold: Duration,
    /// The least time from its release to the next press.
    pub smallest_gap: Duration,
}

impl Button {
    /// No hand holds a button longer, and none waits longer for the next press.
    pub const LONGEST: Duration = Duration::from_s(60);

    /// Whether its channel is energised while it is pressed.
    pub fn pressed_is_on(&self) -> bool {
        self.output.safe != SafeState::On
    }
}

/// A button of a unit, and the relay channel that presses it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Button")]
struct Wiring {
    /// The board.
    relay: String,
    /// The channel, from 1.
    #[schemars(range(min = 1, max = 64))]
    channel: u8,
    /// How the contact is while nobody presses; `open` when left out. It is left so on every way out.
    #[serde(default)]
    rest: Rest,
    /// The longest that it may be held, whatever a gesture says; `10 s` when left out.
    #[serde(default = "usual_longest_hold")]
    longest_hold: Duration,
    /// The least time from its release to the next press, whatever a gesture says; `200 ms` when left out.
    #[serde(default = "usual_gap")]
    smallest_gap: Duration,
}

const fn usual_longest_hold() -> Duration {
    USUAL_LONGEST_HOLD
}

const fn usual_gap() -> Duration {
    USUAL_GAP
}

/// How the contact of a button is while nobody presses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Rest {
    /// Its channel is off, and on while the button is pressed.
    #[default]
    Open,
    /// Its channel is on, and off while the button is pressed.
    Closed,
}

impl From<Wiring> for Button {
    fn from(wiring: Wiring) -> Self {
        let Wiring { relay, channel, rest, longest_hold, smallest_gap } = wiring;
        let safe = if rest == Rest::Closed { SafeState::On } else { SafeState::Off };
        Self { output: Output { relay, channel, safe, longest_on: None, settle: None }, longest_hold, smallest_gap }
    }
}

impl From<Button> for Wiring {
    fn from(button: Button) -> Self {
        let rest = if button.pressed_is_on() { Rest::Open } else { Rest::Closed };
        let Button { output: Output { relay, channel, .. }, longest_hold, smallest_gap } = button;
        Self { relay, channel, rest, longest_hold, smallest_gap }
    }
}

/// The buttons of a unit by name.
pub type Buttons = IndexMap<String, Button>;
