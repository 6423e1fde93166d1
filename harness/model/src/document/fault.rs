//! Faults that are planted in a simulated rig: one-key maps, as steps are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::CombinationId,
    quantity::{Duration, Level},
};

/// A planted fault: exactly one of the kinds, and when it is there. Without a time it is always there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "x-exactly-one" = "a fault"))]
pub struct Fault {
    /// When it begins on the rig's clock; at once when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-beside" = true))]
    pub from: Option<Duration>,
    /// The trial and step it begins with, in place of a time. Until that trial has ended, nobody else meets it.
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-beside" = true))]
    pub moment: Option<Moment>,
    /// How long after the beginning of that step it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-beside" = true))]
    pub after: Option<Duration>,
    /// How long it is there; when left out, until the trial of `in` ends, or for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-beside" = true))]
    pub lasting: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relay_sticks: Option<RelayFault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relay_answers_late: Option<LateRelay>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relay_answers_garbage: Option<RelayFault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relay_answers_nothing: Option<RelayFault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dongle_gone: Option<DongleFault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daemon_restarts: Option<Plain>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    microphone_dead: Option<MicrophoneFault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    microphone_clips: Option<MicrophoneFault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    microphone_noisy: Option<NoisyMicrophone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    microphone_loses_samples: Option<MicrophoneFault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disk_full: Option<Plain>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock_jumps: Option<ClockJump>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trouble<'a> {
    /// Contacts stay where they are, whatever the board is told.
    RelaySticks(&'a RelayFault),
    /// The board does what it is told and answers too late.
    RelayAnswersLate(&'a LateRelay),
    /// The board does what it is told and answers with noise.
    RelayAnswersGarbage(&'a RelayFault),
    /// The board neither does anything nor answers.
    RelayAnswersNothing(&'a RelayFault),
    /// The dongle is not on the bus. When it is back, the kernel has given it another name.
    DongleGone(&'a DongleFault),
    /// `bluetoothd` ends, and runs again when the fault is over: links drop, bonds stay.
    DaemonRestarts,
    /// The microphone delivers zeros.
    MicrophoneDead(&'a MicrophoneFault),
    /// The microphone's gain is turned up until even the noise of the room is clipped.
    MicrophoneClips(&'a MicrophoneFault),
    /// The microphone hears noise that is not in the room.
    MicrophoneNoisy(&'a NoisyMicrophone),
    /// Samples of the microphone are lost, as when the host reads them too late.
    MicrophoneLosesSamples(&'a MicrophoneFault),
    /// Nothing more can be written to the run's directory.
    DiskFull,
    /// The host's clock jumps once, when the fault begins.
    ClockJumps(&'a ClockJump),
}

macro_rules! troubles {
    ($(($field:ident, $variant:ident, $name:literal)),+; $(($plain:ident, $alone:ident, $word:literal)),+ $(,)?) => {
        impl Fault {
            /// The names of all kinds.
            pub const KINDS: &'static [&'static str] = &[$($name,)+ $($word),+];

            /// The kinds that are written in this fault: exactly one in a fault that `check` accepts.
            pub fn troubles(&self) -> Vec<Trouble<'_>> {
                let mut found = Vec::new();
                $(if let Some(trouble) = &self.$field { found.push(Trouble::$variant(trouble)); })+
                $(if self.$plain.is_some() { found.push(Trouble::$alone); })+
                found
            }
        }
        impl Trouble<'_> {
            /// The key of the kind, such as `dongle-gone`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ $(Self::$alone => $word),+ }
            }
        }
    };
}

troubles!(
    (relay_sticks, RelaySticks, "relay-sticks"),
    (relay_answers_late, RelayAnswersLate, "relay-answers-late"),
    (relay_answers_garbage, RelayAnswersGarbage, "relay-answers-garbage"),
    (relay_answers_nothing, RelayAnswersNothing, "relay-answers-nothing"),
    (dongle_gone, DongleGone, "dongle-gone"),
    (microphone_dead, MicrophoneDead, "microphone-dead"),
    (microphone_clips, MicrophoneClips, "microphone-clips"),
    (microphone_noisy, MicrophoneNoisy, "microphone-noisy"),
    (microphone_loses_samples, MicrophoneLosesSamples, "microphone-loses-samples"),
    (clock_jumps, ClockJumps, "clock-jumps");
    (daemon_restarts, DaemonRestarts, "daemon-restarts"),
    (disk_full, DiskFull, "disk-full"),
);

impl Fault {
    /// What goes wrong.
    ///
    /// # Panics
    /// Never on a fault that the loader accepted: it refuses one without exactly one kind.
    pub fn trouble(&self) -> Trouble<'_> {
        self.troubles().first().copied().expect("the loader accepts only faults of one kind")
    }
}

/// The trials and steps in which a fault begins; what is left out may be anything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Moment {
    /// The scenario's id; `*` stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("examples" = ["pairing-*"]))]
    pub scenario: Option<String>,
    /// A unit that the trial uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The trial, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub trial: Option<u32>,
    /// The attempt at the trial, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub attempt: Option<u32>,
    /// The label of the step; the beginning of the trial when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

impl Moment {
    /// Whether a trial is meant, its units apart.
    pub fn is_of(&self, combination: &CombinationId, trial: u32, attempt: u32) -> bool {
        let scenario = combination.as_str().split(['/', '#']).next().unwrap_or_default();
        self.scenario.as_deref().is_none_or(|pattern| matches(pattern, scenario))
            && self.trial.is_none_or(|n| n == trial)
            && self.attempt.is_none_or(|n| n == attempt)
    }

    /// Whether a scenario of that id is meant.
    pub fn names(&self, scenario: &str) -> bool {
        self.scenario.as_deref().is_none_or(|pattern| matches(pattern, scenario))
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A fault that needs no more words: `{}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Plain {}

/// A relay board that fails, or a channel of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RelayFault {
    /// The board.
    pub relay: String,
    /// The channel, from 1; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub channel: Option<u8>,
}

/// A relay board that answers late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LateRelay {
    /// The board.
    pub relay: String,
    /// The channel, from 1; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub channel: Option<u8>,
    /// How much later than it should.
    pub by: Duration,
}

/// A dongle that fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DongleFault {
    /// The dongle.
    pub dongle: String,
}

/// A microphone that fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MicrophoneFault {
    /// The microphone.
    pub microphone: String,
}

/// A microphone that hears noise of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NoisyMicrophone {
    /// The microphone.
    pub microphone: String,
    /// The level of the noise, relative to full scale.
    #[serde(default = "NoisyMicrophone::noise")]
    pub noise: Level,
}

impl NoisyMicrophone {
    /// Loud enough to hide what speakers play.
    fn noise() -> Level {
        "-20 dB".parse().expect("a level")
    }
}

/// A jump of the host's clock, as after it slept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClockJump {
    /// How far forward.
    pub by: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("playback-heard", true)]
    #[case("playback-*", true)]
    #[case("*heard", true)]
    #[case("p*-h*d", true)]
    #[case("*", true)]
    #[case("playback", false)]
    #[case("heard*", false)]
    #[case("*playback", false)]
    #[case("playback-heard*heard", false)]
    fn a_pattern_matches_what_its_stars_allow(#[case] pattern: &str, #[case] is: bool) {
        let moment = Moment { scenario: Some(pattern.to_owned()), ..Moment::default() };
        assert_eq!(moment.is_of(&"playback-heard/source=a#00000000".into(), 3, 1), is);
    }
}
