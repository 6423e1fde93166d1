//! Steps: one-key maps, so that a fault is reported on the line it stands in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    configuration::Configuration,
    words::{Codec, OnOff, Profile},
};
use crate::quantity::{Distance, Duration, Level, Loudness, Param, Share};

/// A step: exactly one of the actions, and what may stand beside it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "x-exactly-one" = "an action"))]
pub struct Step {
    /// The name by which expectations refer to this step; the action's own name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"), extend("x-beside" = true, "examples" = ["connect-second"]))]
    pub label: Option<String>,
    /// The conditions under which the step is done; under all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-beside" = true))]
    pub when: Vec<String>,
    /// Steps done one after the other beside this one; both must end before the next step begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-beside" = true))]
    pub meanwhile: Vec<Step>,
    /// The action; flattened by hand because serde loses positions when it flattens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    power: Option<Power>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    power_cycle: Option<PowerCycle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enter_pairing_mode: Option<OnUnit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gesture: Option<GestureStep>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set: Option<SetOption>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_services: Option<OnUnit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discover: Option<Discover>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair: Option<Pair>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connect: Option<Connect>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disconnect: Option<Unpair>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forget: Option<Unpair>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    play: Option<Play>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listen: Option<Listen>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prompt: Option<Prompt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voice_loop: Option<VoiceLoop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<Wait>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait_for: Option<WaitFor>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "each variant is documented at the type it carries")]
pub enum Action<'a> {
    Power(&'a Power),
    PowerCycle(&'a PowerCycle),
    EnterPairingMode(&'a OnUnit),
    Gesture(&'a GestureStep),
    Set(&'a SetOption),
    ReadServices(&'a OnUnit),
    Discover(&'a Discover),
    Pair(&'a Pair),
    Connect(&'a Connect),
    Disconnect(&'a Unpair),
    Forget(&'a Unpair),
    Play(&'a Play),
    Listen(&'a Listen),
    Prompt(&'a Prompt),
    VoiceLoop(&'a VoiceLoop),
    Wait(&'a Wait),
    WaitFor(&'a WaitFor),
}

macro_rules! actions {
    ($(($field:ident, $variant:ident, $name:literal)),+ $(,)?) => {
        impl Step {
            /// The names of all actions.
            pub const ACTIONS: &'static [&'static str] = &[$($name),+];

            /// The actions that are written in this step: exactly one in a step that `check` accepts.
            pub fn actions(&self) -> Vec<Action<'_>> {
                let mut found = Vec::new();
                $(if let Some(action) = &self.$field { found.push(Action::$variant(action)); })+
                found
            }
        }
        impl Action<'_> {
            /// The key of the action, such as `power-cycle`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant(_) => $name),+ }
            }
        }
    };
}

actions!(
    (power, Power, "power"),
    (power_cycle, PowerCycle, "power-cycle"),
    (enter_pairing_mode, EnterPairingMode, "enter-pairing-mode"),
    (gesture, Gesture, "gesture"),
    (set, Set, "set"),
    (read_services, ReadServices, "read-services"),
    (discover, Discover, "discover"),
    (pair, Pair, "pair"),
    (connect, Connect, "connect"),
    (disconnect, Disconnect, "disconnect"),
    (forget, Forget, "forget"),
    (play, Play, "play"),
    (listen, Listen, "listen"),
    (prompt, Prompt, "prompt"),
    (voice_loop, VoiceLoop, "voice-loop"),
    (wait, Wait, "wait"),
    (wait_for, WaitFor, "wait-for"),
);

impl Action<'_> {
    /// Whether a stream is set up in it: we connect, or wait until somebody does.
    pub const fn connects(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::WaitFor(WaitFor { event: Event::Connected, absence_is: None, .. }))
    }
}

impl Step {
    /// The step's action.
    ///
    /// # Panics
    /// Never on a step that the loader accepted: it refuses a step without exactly one action.
    pub fn action(&self) -> Action<'_> {
        self.actions().first().copied().expect("the loader accepts only steps with one action")
    }

    /// The name by which expectations refer to the step.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or_else(|| self.action().name())
    }

    /// Whether the step is done under `condition`.
    pub fn applies(&self, condition: Option<&str>) -> bool {
        self.when.is_empty() || condition.is_some_and(|c| self.when.iter().any(|w| w == c))
    }

    /// The step and all that is done beside it under `condition`, in the order in which they are written.
    pub fn with_beside<'s>(&'s self, condition: Option<&str>) -> Vec<&'s Self> {
        let beside = self.meanwhile.iter().filter(|step| step.applies(condition));
        std::iter::once(self).chain(beside.flat_map(|step| step.with_beside(condition))).collect()
    }
}

fn source() -> String {
    "source".into()
}
fn speaker() -> String {
    "speaker".into()
}

/// Switch a unit's supply on or off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Power {
    /// The axis of the unit.
    pub unit: String,
    /// The position to switch to.
    pub state: OnOff,
}

/// Cut a unit's supply for a while, and give it back. Whoever needs the unit started waits for it with `wait`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PowerCycle {
    /// The axis of the unit.
    pub unit: String,
    /// How long the supply stays off.
    pub off_for: Param<Duration>,
}

/// A step that needs nothing but a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OnUnit {
    /// The axis of the unit.
    pub unit: String,
}

/// Do a gesture on a unit's buttons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GestureStep {
    /// The axis of the unit.
    pub unit: String,
    /// The name of the gesture in the device's document.
    pub name: String,
}

/// Change a setting of a unit, such as the source/sink switch of a smart speaker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetOption {
    /// The axis of the unit.
    pub unit: String,
    /// The name of the setting in the device's document.
    pub option: String,
    /// The value to set.
    pub value: Param<String>,
}

/// Search until the unit answers an inquiry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Discover {
    /// The axis of the unit that searches.
    #[serde(default = "source")]
    pub by: String,
    /// The axis of the unit to find.
    #[serde(default = "speaker")]
    pub unit: String,
    /// How long to search.
    pub within: Duration,
    /// Restart the inquiry this often; never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_every: Option<Param<Duration>>,
}

/// Pair two units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pair {
    /// The axis of the unit that asks.
    #[serde(default = "source")]
    pub by: String,
    /// The axis of the unit that is asked.
    #[serde(default = "speaker")]
    pub unit: String,
    /// How many attempts the step has; each is recorded.
    #[serde(default = "Pair::attempts")]
    #[schemars(range(min = 1, max = 20))]
    pub attempts: u32,
    /// The longest one attempt may take.
    #[serde(default = "Pair::within")]
    pub within: Duration,
}

impl Pair {
    fn attempts() -> u32 {
        1
    }
    fn within() -> Duration {
        Duration::from_s(30)
    }
}

/// Connect a profile of two paired units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Connect {
    /// The axis of the unit that connects.
    #[serde(default = "source")]
    pub by: String,
    /// The axis of the unit that is connected.
    #[serde(default = "speaker")]
    pub unit: String,
    /// The profile to connect.
    pub profile: Profile,
    /// The codec to ask for; that of the axis `codec` when there is one, else SBC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<Param<Codec>>,
    /// How the codec has to be configured; at the best quality that is usual when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Configuration>,
    /// The longest it may take.
    #[serde(default = "Connect::within")]
    pub within: Duration,
}

impl Connect {
    fn within() -> Duration {
        Duration::from_s(15)
    }
}

/// Disconnect a unit, or remove its bond.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Unpair {
    /// The axis of the unit that acts.
    #[serde(default = "source")]
    pub by: String,
    /// The axis of the other unit.
    #[serde(default = "speaker")]
    pub unit: String,
}

/// Play a stimulus from one unit over another, and record it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Play {
    /// The stimulus, such as `smoke`.
    pub signal: String,
    /// The axis of the unit that sends.
    #[serde(default = "source")]
    pub by: String,
    /// The axis of the unit that should sound.
    #[serde(default = "speaker")]
    pub on: String,
    /// Microphone axes that record; the one nearest to the sounding unit when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard_by: Vec<String>,
    /// What the source takes the sound from, where it has several contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Param<String>>,
    /// How long to play, at most 30 min: the stimulus as often as it begins within this time, each time whole; once when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "for")]
    pub lasting: Option<Param<Duration>>,
    /// The volume to set at the sounding unit, as a share of its whole range (absolute volume of AVRCP).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Param<Share>>,
    /// The level to play at, relative to that of the stimulus, which is close to full scale: `0 dB` or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Param<Level>>,
    /// How loud it is at the sounding unit's nearest microphone: the volume is set until it is; needs a calibrated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness: Option<Param<Loudness>>,
}

impl Play {
    /// The longest that a step may play.
    pub const LONGEST: Duration = Duration::from_s(30 * 60);

    /// How often a stimulus of that length is played to play for so long: the last time begins within it.
    pub fn times(lasting: Duration, length: Duration) -> u32 {
        let (lasting, length) = (lasting.ns().max(1), length.ns().max(1));
        u32::try_from((lasting - 1) / length + 1).unwrap_or(u32::MAX)
    }
}

/// Record without playing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Listen {
    /// The microphone axis that records.
    pub with: String,
    /// How long.
    #[serde(rename = "for")]
    pub lasting: Duration,
    /// The stimulus that others may be playing and that is looked for; any sound above the room's noise when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
}

/// Speak prompts in the room and count the reactions of a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Prompt {
    /// The axis of the unit that should react.
    pub unit: String,
    /// The recording to speak.
    pub says: String,
    /// How many prompts one trial has; each is recorded.
    #[schemars(range(min = 1, max = 10_000))]
    pub times: u32,
    /// The time from one prompt to the next.
    pub every: Duration,
    /// How loud the prompt is at the unit; needs a loudspeaker that the rig has calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness: Option<Param<Loudness>>,
    /// The distance of the loudspeaker that speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Distance>,
}

/// Measure the way of voice through a hands-free link in both directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VoiceLoop {
    /// The axis of the gateway.
    #[serde(default = "source")]
    pub by: String,
    /// The axis of the hands-free unit.
    #[serde(default = "speaker")]
    pub unit: String,
    /// The stimulus.
    pub signal: String,
    /// How many round trips.
    #[schemars(range(min = 1, max = 10_000))]
    pub times: u32,
}

/// Let time pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wait {
    /// How long.
    #[serde(rename = "for")]
    pub lasting: Param<Duration>,
}

/// Wait until something happens, at the longest for `within`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WaitFor {
    /// What should happen.
    pub event: Event,
    /// The axis of the unit it happens to.
    #[serde(default = "speaker")]
    pub unit: String,
    /// The longest wait.
    pub within: Duration,
    /// The outcome when it does not happen: the step fails unless `absence-is: success`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absence_is: Option<Absence>,
}

/// What may be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The unit's link comes up.
    Connected,
    /// The unit's link goes down.
    Disconnected,
    /// The unit reacts to a voice prompt.
    Reaction,
}

/// How to take it that an event did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Absence {
    /// The step fails.
    Failure,
    /// The step succeeds: the event should not have happened.
    Success,
}
