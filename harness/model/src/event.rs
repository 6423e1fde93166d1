//! Events: the one stream that joins the runner with everything that reports.
//!
//! One JSON object a line. Unknown kinds of the same major schema version are kept; another major version is an error.

mod clock;
mod line;

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    document::{Calibrated, Side},
    id::CombinationId,
    observation::Observation,
    trial::{DeviceFailure, InfrastructureFault},
    verdict::Verdict,
};

pub use line::EventError;

/// The version of the events this build writes: `major.minor`.
pub const SCHEMA: &str = "1.0";

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Position in the stream, from 0 without holes.
    pub seq: u64,
    /// The rig's clock, in nanoseconds since the run began.
    pub t_ns: i64,
    /// The trial it belongs to.
    pub at: Option<At>,
    /// What happened.
    pub body: Body,
}

/// Where in the run an event belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At {
    /// The combination.
    pub combination: CombinationId,
    /// The trial, from 1.
    pub trial: u32,
    /// The attempt at this trial, from 1; higher ones follow infrastructure errors.
    pub attempt: u32,
    /// The label of the step.
    pub step: Option<String>,
}

/// A part of the trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before what is judged.
    Setup,
    /// What is judged.
    Trial,
    /// Afterwards, always.
    Cleanup,
}

/// What is known of an output's position after it was switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// The order was sent.
    Commanded,
    /// The board said so.
    Reported,
    /// Its effect was seen.
    Observed,
    /// A person says so.
    Said,
}

/// Who is asked to do what Rigtone cannot do itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A person at the terminal.
    Operator,
    /// A voice assistant that was spoken to.
    Voice,
    /// A phone, by adb.
    Android,
}

impl Origin {
    /// Who that is, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Operator => "a person",
            Self::Voice => "a voice assistant",
            Self::Android => "a phone",
        }
    }
}

/// When a contact moved: between two moments, and some milliseconds later for what the relay itself needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// When the order left, in nanoseconds on the rig's clock.
    pub sent_ns: i64,
    /// When the board had acknowledged it, or the host had passed all of it on to a board that never answers.
    pub acknowledged_ns: i64,
}

/// Who kept the time of a press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimedBy {
    /// The host gave the order to release it.
    Host,
    /// The board released it by itself.
    Board,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// As it should.
    Done,
    /// The device did not do what was asked.
    Failed(DeviceFailure),
    /// The rig failed.
    Lost(InfrastructureFault),
    /// The run was ended.
    Cancelled,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialOutcome {
    /// Every step was done, or the device failed at one: a result either way.
    Completed,
    /// The rig failed: no result.
    Lost(InfrastructureFault),
    /// The run was ended: no result.
    Cancelled,
}

/// A fact about when the frames of a recording were captured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Anchor {
    /// Frame of the recording.
    pub frame: f64,
    /// The rig's clock at that frame, in nanoseconds.
    pub t_ns: i64,
}

/// Where the clock of a capture stands beside the rig's: a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureClock {
    /// Nanoseconds since the beginning of 1970 by the capture's clock.
    pub unix_ns: i64,
    /// The rig's clock at that time, in nanoseconds.
    pub t_ns: i64,
    /// How well that holds during the capture, in nanoseconds.
    pub uncertainty_ns: i64,
}

impl CaptureClock {
    /// The rig's clock at a time of the capture, both in nanoseconds.
    pub const fn rig_ns(self, unix_ns: i64) -> i64 {
        self.t_ns.saturating_add(unix_ns.saturating_sub(self.unix_ns))
    }
}

/// What the analysis of a recording goes by, beside its samples, its anchors and the emission of the stimulus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listening {
    /// The stimulus.
    pub signal: String,
    /// The identity that it carried.
    pub code: u32,
    /// The channel of the recording that is the microphone, from 0.
    pub channel: u16,
    /// The channel that holds the stimulus as it was emitted, from 0, if one does: latency is counted from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<u16>,
    /// How well the anchors fit one line, in nanoseconds.
    pub residual_ns: i64,
    /// What is not known of the time of what the microphone hears, in nanoseconds.
    pub clock_uncertainty_ns: i64,
    /// From the speaker to the microphone, in metres.
    pub distance_m: f64,
    /// The driver of the speaker that the microphone is nearer to, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearer: Option<Side>,
    /// What a calibrator showed of the microphone, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Calibrated>,
    /// The microphone's own response, which is taken out of what it heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Arc<Deviation>>,
    /// Zeros are silence, and not a dead microphone.
    pub digital_silence: bool,
    /// The axis of the microphone, where the step names its microphones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// How often the stimulus was sent, one behind the other.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
    /// Where any sound is listened for: the level of the room's noise without one, RMS in dB relative to full scale. There is no stimulus then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any_above_dbfs: Option<f64>,
    /// Samples a second of the stimulus that was sent.
    #[serde(default = "usual_hz", skip_serializing_if = "is_usual_hz")]
    pub rate_hz: u32,
}

/// How a microphone deviates from a flat one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// The SHA-256 of the maker's file.
    pub file_sha256: String,
    /// The serial number that it names, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Frequency in Hz, rising, and deviation in dB, between which the logarithm of frequency is gone along.
    pub points: Vec<(f64, f64)>,
}

fn once() -> u32 {
    1
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_once(times: &u32) -> bool {
    *times == 1
}
fn usual_hz() -> u32 {
    48_000
}
fn is_usual_hz(hz: &u32) -> bool {
    *hz == usual_hz()
}

/// What a Bluetooth stack tells of the transport of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportChange {
    /// Its state, such as `idle`, `pending` or `active`.
    State(String),
    /// The delay that the sink reports.
    ReportedDelay {
        /// In nanoseconds.
        ns: i64,
    },
    /// The absolute volume of the sink, 0 to 127.
    Volume(u16),
}

impl fmt::Display for TransportChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(state) => write!(f, "the transport is {state}"),
            Self::ReportedDelay { ns } => write!(f, "a delay of {:.1} ms is reported", *ns as f64 / 1e6),
            Self::Volume(volume) => write!(f, "the volume is {volume} of 127"),
        }
    }
}

/// How it became known which firmware a unit runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirmwareSource {
    /// Its Device ID record.
    DeviceId,
    /// Its firmware revision over LE.
    Gatt,
    /// A program of the lab.
    Command,
    /// The word of a person.
    Declared,
    /// What a person typed who was asked.
    Operator,
}

/// A look at the firmware of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FirmwareLook {
    /// The unit.
    pub unit: String,
    /// The firmware that the rig's document names.
    pub firmware: String,
    /// Where it was read.
    pub source: FirmwareSource,
    /// What is read there with that firmware.
    pub expected: String,
    /// What was read; nothing when it could not be.
    pub found: Option<String>,
    /// What there is to say beside: why nothing was read, since when a declaration holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl FirmwareLook {
    /// The unit as a member of the rig: `unit charge-5`.
    pub fn member(&self) -> String {
        format!("unit {}", self.unit)
    }

    /// What was found, in one sentence.
    pub fn finding(&self) -> String {
        let Self { firmware, expected, .. } = self;
        let note = self.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
        let by = match self.source {
            FirmwareSource::DeviceId => "its Device ID record",
            FirmwareSource::Gatt => "its firmware revision over LE",
            FirmwareSource::Command => "the lab's program",
            FirmwareSource::Declared => "a person",
            FirmwareSource::Operator => "a person who was asked",
        };
        match &self.found {
            Some(found) if found == expected && self.source == FirmwareSource::Declared => {
                format!("runs {firmware}, as {by} says{note}")
            }
            Some(found) if found == expected => format!("runs {firmware}: {by} says {found}{note}"),
            Some(found) => {
                format!("does not run {firmware}: {by} says {found} where {expected} is expected{note}")
            }
            None => format!("may run another firmware than {firmware}: {by} could not be read{note}"),
        }
    }

    /// Why nothing may be judged under the name of that firmware, and what to do; nothing when it was found as expected.
    pub fn fault(&self) -> Option<InfrastructureFault> {
        let hint = match &self.found {
            Some(found) if *found == self.expected => return None,
            Some(_) => "bring the unit back to that firmware, or name the one it runs in the rig's document",
            None => "mend what keeps it from being read, or verify the unit in another way in the rig's document",
        };
        Some(InfrastructureFault::new(self.member(), self.finding()).hint(hint))
    }
}

/// The kinds of events and what they carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "kebab-case")]
pub enum Body {
    /// The run began.
    RunStarted {
        /// The version of Rigtone.
        rigtone: String,
        /// The rig's id.
        rig: String,
        /// The seed of all random numbers.
        seed: u64,
        /// Seconds since 1970 on the host's calendar clock.
        unix_s: i64,
        /// Trials that the plan may need at most.
        trials_at_most: u64,
    },
    /// A member of the rig was checked.
    Checked {
        /// The member, such as `relay board-1`.
        member: String,
        /// What was found.
        finding: String,
        /// Whether trials may rely on it.
        ok: bool,
    },
    /// The firmware of a unit was looked at.
    FirmwareLooked(FirmwareLook),
    /// A trial began.
    TrialStarted,
    /// A step began.
    StepStarted {
        /// The action, such as `pair`.
        action: String,
        /// The part of the trial.
        phase: Phase,
    },
    /// A unit's supply was switched.
    PowerSwitched {
        /// The unit.
        unit: String,
        /// The new position.
        on: bool,
        /// How well that is known.
        truth: Truth,
        /// When its contact moved, as far as that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edge: Option<Edge>,
    },
    /// Buttons of a unit were pressed together, and released again.
    ButtonsPressed {
        /// The unit.
        unit: String,
        /// The gesture that they belong to.
        gesture: String,
        /// The buttons.
        buttons: Vec<String>,
        /// How long they were held, in nanoseconds: from when the last was pressed until the first was released.
        held_ns: i64,
        /// Who timed that.
        timed_by: TimedBy,
        /// How well it is known that the contacts moved.
        truth: Truth,
        /// When the last of their contacts moved to be pressed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edge: Option<Edge>,
    },
    /// Somebody else was asked to do something with a unit. What was said to it is no proof that it happened.
    Asked {
        /// The unit.
        unit: String,
        /// Who was asked.
        origin: Origin,
        /// What was asked.
        asked: String,
        /// What was answered; nothing where nobody answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<String>,
    },
    /// A unit answered an inquiry.
    Found {
        /// The unit.
        unit: String,
        /// Signal strength in dBm, where the stack tells.
        rssi_dbm: Option<i16>,
    },
    /// One attempt at a step ended.
    Attempt {
        /// Which one, from 1.
        number: u32,
        /// The failure, if it failed.
        failure: Option<DeviceFailure>,
    },
    /// A profile was connected.
    Connected {
        /// The unit.
        unit: String,
        /// The codec agreed on, if it is a profile with one.
        codec: Option<String>,
        /// Configuration bytes as the stack tells them, in hexadecimal.
        configuration: Option<String>,
    },
    /// The stack told that the transport of a stream has changed.
    TransportChanged {
        /// The unit at the other end.
        unit: String,
        /// When it was told, in nanoseconds on the rig's clock.
        t_ns: i64,
        /// What has changed.
        change: TransportChange,
    },
    /// The first sample of a stimulus left.
    Emitted {
        /// The stimulus.
        signal: String,
        /// When, in nanoseconds on the rig's clock.
        t_ns: i64,
        /// How well that is known, in nanoseconds.
        uncertainty_ns: i64,
    },
    /// A file was put into the run directory.
    Evidence {
        /// Path below the run directory.
        file: String,
        /// SHA-256 of its bytes.
        sha256: String,
        /// How many they are.
        #[serde(default)]
        bytes: u64,
        /// What it is, such as `recording of microphone bench-1`.
        about: String,
        /// When its frames were captured.
        anchors: Vec<Anchor>,
        /// Its clock beside the rig's, if it is a capture of HCI traffic.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock: Option<CaptureClock>,
        /// How it is analysed, if it is a recording.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        listening: Option<Box<Listening>>,
    },
    /// A fact.
    Observed(Observation),
    /// A step ended.
    StepFinished {
        /// The action.
        action: String,
        /// The part of the trial.
        phase: Phase,
        /// How it ended.
        outcome: StepOutcome,
        /// How long it took, in nanoseconds.
        took_ns: i64,
    },
    /// A trial was lost to the rig, which is looked at until it is well again or given up; the trial itself is over.
    Recovering {
        /// The member that is to blame.
        member: String,
    },
    /// A file that was put into the run directory was taken away again: it is not to be kept.
    EvidenceRemoved {
        /// Path below the run directory.
        file: String,
        /// Why it is not kept.
        why: String,
    },
    /// A trial ended.
    TrialFinished {
        /// How.
        outcome: TrialOutcome,
        /// What the simulated world remembers of it: bonds, caches, batteries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory: Option<Json>,
    },
    /// A trial that was in flight when the program died: it has no result and is run again.
    TrialDiscarded {
        /// Where its evidence was put aside, if it had left any, below the run directory.
        aside: Option<String>,
    },
    /// A member of the rig is not used any more in this run: what depends on it cannot be answered.
    Benched {
        /// The member, such as `dongle usb-1`.
        member: String,
        /// Why.
        why: String,
    },
    /// A combination gets no more trials, because the rig cannot do them.
    GivenUp {
        /// The member of the rig that it needs.
        member: String,
        /// What is wrong with that member.
        why: String,
    },
    /// What the trials of a combination showed so far counts no more, and it gets none: they were not of the device that it names.
    Voided {
        /// The member of the rig that was another than it seemed.
        member: String,
        /// What was found.
        why: String,
    },
    /// An output could not be brought to its safe state.
    OutputUnsafe {
        /// The member of the rig.
        member: String,
        /// Which output, and what happened.
        what: String,
        /// What to do by hand.
        hint: String,
    },
    /// A combination was left without an answer in the part of a merged run that it comes from.
    LeftOpen {
        /// What ended that part.
        why: String,
        /// Whether that was the time it was given.
        out_of_time: bool,
    },
    /// A combination needs no more trials.
    Decided {
        /// Its verdict.
        verdict: Verdict,
        /// The trials that counted.
        n: u32,
    },
    /// Something that a person should know.
    Warning {
        /// What it is and what to do.
        text: String,
    },
    /// A run that had been interrupted goes on.
    RunResumed {
        /// The version of Rigtone.
        rigtone: String,
        /// Seconds since 1970 on the host's calendar clock.
        unix_s: i64,
        /// Bytes of a last record that was cut off or damaged, and was put aside.
        mended_bytes: u64,
    },
    /// The run ended.
    RunFinished {
        /// Whether it was ended before its plan was done, and by what.
        interrupted: Option<String>,
        /// Whether that was the time it was given: then what is open was skipped, not aborted.
        #[serde(default)]
        out_of_time: bool,
    },
    /// A kind that a newer version wrote.
    #[serde(skip)]
    Unknown {
        /// Its kind.
        kind: String,
        /// What it carries.
        payload: Json,
    },
}
