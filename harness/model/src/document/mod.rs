//! The kinds of document a lab keeps: scenario, device, rig, suite, quarantine and calibration.
//!
//! One YAML document per file; its first key names the kind. The types here are the single source of the JSON Schemas
//! under `reports/schemas/`; doc comments of fields become their descriptions.

mod asked;
mod calibration;
mod configuration;
mod device;
mod difference;
mod expect;
mod fact;
mod fault;
mod firmware;
mod gesture;
mod microphone;
mod nature;
mod network;
mod program;
mod quarantine;
mod relay;
mod rig;
mod scenario;
mod secret;
mod sound;
mod step;
mod suite;
mod voice;
mod words;

pub use asked::{Android, ByHand, Loudspeaker, Playback, SpokenPrompt, SpokenTo};
pub use calibration::{Calibration, MeasuredLevel, MeasuredPath, Worth};
pub use configuration::{Bitpool, Blocks, Configuration, Misfit, Subbands, WantedConfiguration, largest_bitpool};
pub use device::{Device, Firmware};
pub use difference::{Comparable, Difference};
pub use expect::{
    CodecIs, Count, Countable, Expect, Expectation, Latency, Parts, Per, Rate, RoleIs, SuccessRate, TimeTaken,
    Unsupported, WantedCodec,
};
pub use fact::{Fact, Quirk};
pub use fault::{
    ClockJump, DongleFault, Fault, LateRelay, MicrophoneFault, Moment, NoisyMicrophone, RelayFault, Trouble,
};
pub use firmware::{CommandLine, Declared, DeviceId, Gatt, ShownAt, Verify, Way};
pub use gesture::{Button, Buttons, Gesture, PAIRING_MODE, Press, USUAL_GAP, USUAL_LONGEST_HOLD};
pub use microphone::{Alsa, Calibrated, CalibrationFile, Microphone, SampleWidth, SimulatedMicrophone, Wire};
pub use nature::{Copied, Every, Howl, InquiryScan, PairingButton, SecondLink, SimulatedSound, SimulatedUnit};
pub use network::{
    DevantechEth, Login, Netio, SainsmartWeb, ShellyGen1, ShellyGen2, Snmp, SnmpOutlet, SnmpPreset, SnmpVersion,
    Tasmota, UsbHub, Web, WebMethod, WebState,
};
pub use program::{SourceProgram, SwitchProgram};
pub use quarantine::{Quarantine, Quarantined};
pub use relay::{
    AssumedState, Conrad, DctTech, Devantech, DevantechModel, DlpIor4, IcStation, K8090, KmTronic, Lcus, LcusReports,
    ModbusRtu, Numato, Place, RelayBoard, SainSmart, SerialPort, SimulatedBoard, Stated,
};
pub use rig::{Capture, Dongle, Heard, HubPort, Output, Recover, Retries, Rig, Room, SafeState, Unit, World};
pub use scenario::{Axis, MicrophoneChoice, Repeat, Scenario, UnitChoice};
pub use secret::{Hidden, Secret};
pub use sound::{Asked, Audio, Measurable, Measured, Response};
pub use step::{Absence, Action, Event, Step};
pub use step::{
    Connect, Discover, GestureStep, Listen, OnUnit, Pair, Play, Power, PowerCycle, Prompt, SetOption, Unpair,
    VoiceLoop, Wait, WaitFor,
};
pub use suite::{Absent, Chosen, Placeholder, Suite};
pub use voice::{
    Answers, AnswersOn, Deafened, FalseWakes, LoudspeakerLevel, Reaction, SimulatedAssistant, SimulatedHandsFree,
    VoiceCodec,
};
pub use words::{
    Allocation, ChannelMode, Codec, Control, Fingerprint, Layout, Mark, OnOff, Polarity, PowerKind, Profile, Role,
    ServiceProfile, Side, SourceAbility, Turns,
};

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
    /// Which scenarios are run together.
    Suite(Box<Suite>),
    /// What is known to fail.
    Quarantine(Box<Quarantine>),
    /// What was measured of a rig.
    Calibration(Box<Calibration>),
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
    /// `suite:`
    Suite,
    /// `quarantine:`
    Quarantine,
    /// `calibration:`
    Calibration,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Scenario, Self::Device, Self::Rig, Self::Suite, Self::Quarantine, Self::Calibration];

    /// The first key of such a document.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Device => "device",
            Self::Rig => "rig",
            Self::Suite => "suite",
            Self::Quarantine => "quarantine",
            Self::Calibration => "calibration",
        }
    }
}
