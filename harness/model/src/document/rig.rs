//! Rigs: one host with its dongles, power switches, microphones and units.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    asked::{Android, ByHand, Loudspeaker, SpokenTo},
    fault::Fault,
    firmware::Verify,
    nature::SimulatedUnit,
    words::{Control, Side},
};
use crate::quantity::{Distance, Duration, Level, Loudness};

/// A rig: what stands on one host and how it is wired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rig {
    /// The rig's id: lower case words joined by `-`.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"), extend("examples" = ["lab-1"]))]
    pub rig: String,
    /// One sentence that says what the rig is.
    #[schemars(length(min = 1))]
    pub title: String,
    /// Whether the rig's world is simulated in the process or reached through drivers.
    pub world: World,
    /// How infrastructure errors are retried.
    #[serde(default)]
    pub retries: Retries,
    /// Rooms: what sounds in one is heard by its microphones, and its airtime is shared.
    #[schemars(extend("minProperties" = 1))]
    pub rooms: IndexMap<String, Room>,
    /// Bluetooth dongles.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub dongles: IndexMap<String, Dongle>,
    /// Relay boards that switch power and buttons.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub relays: IndexMap<String, RelayBoard>,
    /// Microphones.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub microphones: IndexMap<String, Microphone>,
    /// Loudspeakers, which speak prompts.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub loudspeakers: IndexMap<String, Loudspeaker>,
    /// The units: physical devices, each with the one firmware it runs.
    #[schemars(extend("minProperties" = 1))]
    pub units: IndexMap<String, Unit>,
    /// Faults planted in a simulated rig.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub faults: Vec<Fault>,
}

/// What kind of world a rig has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Simulated in the process, on a virtual clock.
    Simulated,
    /// Reached through drivers: BlueZ, serial ports, ALSA.
    Hardware,
}

/// How infrastructure errors are retried. Product failures never are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Retries {
    /// How often a trial that was lost to the rig is tried again.
    #[schemars(range(max = 10))]
    pub infrastructure: u32,
    /// After how many trials in a row that were lost to the same member it is not used any more in this run;
    /// default `3`.
    #[serde(default = "Retries::bench_after")]
    #[schemars(range(min = 1, max = 100))]
    pub bench_after: u32,
}

impl Retries {
    /// Once may be chance and twice bad luck.
    pub(crate) const fn bench_after() -> u32 {
        3
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self { infrastructure: 1, bench_after: Self::bench_after() }
    }
}

/// A room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Room {
    /// Reverberation time; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rt60: Option<Duration>,
    /// Noise at the microphones, relative to full scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<Level>,
    /// Mains hum at simulated microphones, relative to full scale: 50 Hz and a tenth of it at 150 Hz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hum: Option<Level>,
}

/// A Bluetooth dongle, known by its address and by where it is plugged in, and never by `hciN`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dongle {
    /// Its Bluetooth address.
    #[schemars(regex(pattern = r"^[0-9A-F]{2}(:[0-9A-F]{2}){5}$"), extend("examples" = ["00:1A:7D:DA:71:13"]))]
    pub address: String,
    /// The USB port that it is plugged into: bus, then the ports of the hubs on the way. Anywhere else it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,2}-[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){0,5}$"), extend("examples" = ["1-2.3"]))]
    pub usb: Option<String>,
    /// Its USB vendor and product, as `lsusb` shows them. Anything else is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{4}:[0-9a-f]{4}$"), extend("examples" = ["0a12:0001"]))]
    pub usb_id: Option<String>,
    /// Its HCI traffic is recorded during each trial and kept as evidence. On hardware that needs the right to open raw
    /// sockets (CAP_NET_RAW).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Capture>,
    /// How it is brought back when it hangs or is not there any more; without this nothing is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover: Option<Recover>,
}

impl Dongle {
    /// The relay channel that cuts its supply, if one does.
    pub fn power(&self) -> Option<&Output> {
        self.recover.as_ref().and_then(|recover| recover.power.as_ref())
    }
}

/// How the supply of a dongle that hangs is cut for a while: once, until it is well again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "x-exactly-one" = "a way to cut its supply"))]
pub struct Recover {
    /// How long the supply is cut; default `2 s`.
    #[serde(default = "Recover::usual")]
    #[schemars(extend("x-beside" = true))]
    pub off_for: Duration,
    /// By the USB hub that it is plugged into, at the port that `usb` names. Needs Linux 6.0 and the right to write to
    /// the file `disable` of that port. A hub that cannot switch its supply takes the dongle off the bus all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_port: Option<HubPort>,
    /// By a relay channel. The dongle has its supply in the safe position, and is cut in the other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Output>,
}

impl Recover {
    /// What empties the capacitors of a dongle.
    const fn usual() -> Duration {
        Duration::from_s(2)
    }

    /// Longer than this nobody waits for a dongle.
    pub const LONGEST: Duration = Duration::from_s(10);
}

/// A port of a USB hub that is switched; the dongle's `usb` says which: `{}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HubPort {}

/// What is kept of recorded HCI traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capture {
    /// All but link keys, PINs and passkeys, which are zeros.
    WithoutKeys,
    /// All: whoever has the capture can pose as a device of the lab.
    WithKeys,
}

/// A relay board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RelayBoard {
    /// A board that speaks the LCUS protocol; simulated when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lcus: Option<Lcus>,
    /// How many channels the board has.
    #[schemars(range(min = 1, max = 64))]
    pub channels: u8,
    /// What a simulated board cannot do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<SimulatedBoard>,
}

/// How a simulated relay board behaves. What is left out is ideal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulatedBoard {
    /// `true`: it never answers, so that the position of a contact is known by its effect at best.
    #[serde(default)]
    pub mute: bool,
}

/// A serial board of the LCUS family (`A0 channel operation sum`, 9600 baud).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lcus {
    /// The serial port, by a path that stays: `/dev/serial/by-path/...`.
    #[schemars(regex(pattern = r"^/"), extend("examples" = ["/dev/serial/by-path/..."]))]
    pub port: String,
    /// How the board tells the positions of its channels when it is asked; it is never asked when left out. State what
    /// the board has: to another board the question may be an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<LcusReports>,
}

/// How a board of the LCUS family tells positions. The name covers several firmwares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LcusReports {
    /// `A0 channel 05 sum` is answered by `A0 channel state sum`.
    Frames,
    /// `FF` is answered by one line of text for each channel, `CH1:OFF`.
    Text,
    /// `FF` is answered by one byte for each channel, 0 or 1.
    Bytes,
}

/// A microphone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Microphone {
    /// The room it stands in.
    pub room: String,
    /// The ALSA device it is. Without `alsa` and `sink` it is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alsa: Option<Alsa>,
    /// It hears the stream that a sink of Rigtone's own receives, before it becomes sound. Zeros are silence then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Wire>,
    /// How well the rig knows the time of what this microphone hears; part of every latency's uncertainty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_uncertainty: Option<Duration>,
    /// `true`: it is a loopback that delivers zeros while nothing sounds. Of any other microphone zeros are a fault:
    /// even a quiet room has noise.
    #[serde(default)]
    pub digital_silence: bool,
    /// What makes sound pressure of its levels; without it they are known relative to full scale only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Calibrated>,
    /// Faults of a simulated microphone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<SimulatedMicrophone>,
}

/// What a calibrator showed of a microphone at its present gain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Calibrated {
    /// The sound pressure level of a full-scale signal: 94 dB SPL less the level, relative to full scale, that a calibrator
    /// of 94 dB SPL reads.
    pub full_scale: Loudness,
    /// Its standard uncertainty.
    pub uncertainty: Level,
}

/// An ALSA capture device, opened exactly as written: exactly one of `device` and `usb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Alsa {
    /// The PCM, such as `hw:CARD=RIG1MIC,DEV=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub device: Option<String>,
    /// The USB port that the sound card is plugged into. Which card that is is looked up whenever it is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,2}-[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){0,5}$"), extend("examples" = ["1-2.3"]))]
    pub usb: Option<String>,
    /// The PCM device of the card at `usb`; default `0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 31))]
    pub pcm: Option<u8>,
    /// The USB vendor and product of the card at `usb`, as `lsusb` shows them. Anything else is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{4}:[0-9a-f]{4}$"), extend("examples" = ["0a12:0001"]))]
    pub usb_id: Option<String>,
    /// Frames a second.
    #[schemars(extend("enum" = [44100, 48000]))]
    pub rate: u32,
    /// Channels that the device delivers.
    #[schemars(range(min = 1, max = 8))]
    pub channels: u16,
    /// Which of them is this microphone, from 1.
    #[schemars(range(min = 1, max = 8))]
    pub channel: u16,
}

impl Alsa {
    /// The device as the document names it, such as `hw:CARD=RIG1MIC,DEV=0` or `PCM 0 at USB port 1-2.4`.
    pub fn named(&self) -> String {
        match (&self.device, &self.usb) {
            (Some(device), _) => device.clone(),
            (None, Some(port)) => format!("PCM {} at USB port {port}", self.pcm.unwrap_or_default()),
            (None, None) => "no device".to_owned(),
        }
    }
}

/// The stream that a sink of Rigtone's own receives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wire {
    /// The dongle of the sink.
    pub dongle: String,
    /// Which channel of the stream is this microphone, from 1; the only one of a mono stream.
    #[serde(default = "Wire::channel")]
    #[schemars(range(min = 1, max = 2))]
    pub channel: u16,
}

impl Wire {
    const fn channel() -> u16 {
        1
    }
}

/// What is wrong with a simulated microphone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulatedMicrophone {
    /// `true`: it delivers zeros.
    #[serde(default)]
    pub dead: bool,
    /// `true`: it turns its gain down when it is loud, and up again when it is quiet.
    #[serde(default)]
    pub gain_control: bool,
}

/// A unit: one physical device, with the one firmware it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Unit {
    /// The device, such as `jbl/charge-5`.
    pub device: String,
    /// The firmware version it runs.
    pub firmware: String,
    /// How it is known that it does. Nothing is judged under a name that the unit contradicts; without it the name is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// Its Bluetooth address.
    #[schemars(regex(pattern = r"^[0-9A-F]{2}(:[0-9A-F]{2}){5}$"), extend("examples" = ["00:1A:7D:DA:71:13"]))]
    pub address: String,
    /// Words to select units by, beside those of the device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How a source is told what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// The dongle, for a source or sink that Rigtone is itself (`control: endpoint`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dongle: Option<String>,
    /// The relay channel that switches its supply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Output>,
    /// The relay channels wired to its buttons.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub buttons: IndexMap<String, Output>,
    /// What a person does with it, who is told so at the terminal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<ByHand>,
    /// The loudspeaker that speaks prompts to it (`control: voice`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoken_to: Option<SpokenTo>,
    /// The phone that it is (`control: android`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub android: Option<Android>,
    /// The microphones that hear it; the nearest one is asked.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub heard_by: IndexMap<String, Heard>,
    /// How a simulated unit behaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<SimulatedUnit>,
}

/// A channel of a relay board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Output {
    /// The board.
    pub relay: String,
    /// The channel, from 1.
    #[schemars(range(min = 1, max = 64))]
    pub channel: u8,
    /// The position it is left in; `off` when left out.
    #[serde(default)]
    pub safe: SafeState,
}

impl Microphone {
    /// Whether zeros are silence, and no fault of it.
    pub const fn hears_zeros(&self) -> bool {
        self.digital_silence || self.sink.is_some()
    }
}

impl Output {
    /// The board, as a member of the rig: `relay board-1`.
    pub fn board(&self) -> String {
        format!("relay {}", self.relay)
    }

    /// The channel, as a member of the rig that may fail alone: `relay board-1 channel 3`.
    pub fn member(&self) -> String {
        format!("relay {} channel {}", self.relay, self.channel)
    }
}

/// The position an output is left in on every way out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SafeState {
    /// Energised.
    On,
    /// Cut.
    #[default]
    Off,
    /// As it is.
    Keep,
}

/// Where a unit is heard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Heard {
    /// From the unit to the microphone.
    pub distance: Distance,
    /// The driver of a stereo speaker that the microphone is nearer to; without it stereo cannot be told from swapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearer: Option<Side>,
}
