//! The kinds of document a lab writes: scenario, device, rig and quarantine.
//!
//! One YAML document per file; its first key names the kind. The types here are the single source of the JSON Schemas
//! under `reports/schemas/`; doc comments of fields become their descriptions.

mod asked;
mod configuration;
mod device;
mod difference;
mod expect;
mod fault;
mod firmware;
mod nature;
mod quarantine;
mod rig;
mod scenario;
mod sound;
mod step;
mod words;

pub use asked::{Android, ByHand, Loudspeaker, Playback, SpokenPrompt, SpokenTo};
pub use configuration::{Bitpool, Blocks, Configuration, Misfit, Subbands, WantedConfiguration, largest_bitpool};
pub use device::{Device, Firmware, Gesture, Press};
pub use difference::{Comparable, Difference};
pub use expect::{
    CodecIs, Count, Countable, Expect, Expectation, Latency, Parts, Per, Rate, RoleIs, SuccessRate, TimeTaken,
    Unsupported, WantedCodec,
};
pub use fault::{
    ClockJump, DongleFault, Fault, LateRelay, MicrophoneFault, Moment, NoisyMicrophone, RelayFault, Trouble,
};
pub use firmware::{CommandLine, Declared, DeviceId, Gatt, ShownAt, Verify, Way};
pub use nature::{Copied, Every, Howl, PairingButton, SimulatedSound, SimulatedUnit};
pub use quarantine::{Quarantine, Quarantined};
pub use rig::{
    Alsa, Calibrated, Capture, Dongle, Heard, HubPort, Lcus, LcusReports, Microphone, Output, Recover, RelayBoard,
    Retries, Rig, Room, SafeState, SimulatedBoard, SimulatedMicrophone, Unit, Wire, World,
};
pub use scenario::{Axis, MicrophoneChoice, Repeat, Scenario, UnitChoice};
pub use sound::{Asked, Audio, Measurable, Measured, Response};
pub use step::{Absence, Action, Event, Step};
pub use step::{
    Connect, Discover, GestureStep, Listen, OnUnit, Pair, Play, Power, PowerCycle, Prompt, SetOption, Unpair,
    VoiceLoop, Wait, WaitFor,
};
pub use words::{Allocation, ChannelMode, Codec, Control, Fingerprint, Layout, OnOff, Polarity, Profile, Role, Side};

pub(crate) use firmware::day_number;

/// A document of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// What to do and what to expect.
    Scenario(Box<Scenario>),
    /// A model on the market.
    Device(Box<Device>),
    /// One host with everything that is wired to it.
    Rig(Box<Rig>),
    /// What is known to fail.
    Quarantine(Box<Quarantine>),
}

/// The kind of a document, told by its first key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `scenario:`
    Scenario,
    /// `device:`
    Device,
    /// `rig:`
    Rig,
    /// `quarantine:`
    Quarantine,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Scenario, Self::Device, Self::Rig, Self::Quarantine];

    /// The first key of such a document.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Device => "device",
            Self::Rig => "rig",
            Self::Quarantine => "quarantine",
        }
    }
}
