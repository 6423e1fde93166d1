//! Rigs: one host with its dongles, power switches, microphones and units.

use std::path::Path;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    asked::{Android, ByHand, Loudspeaker, SpokenTo},
    fault::Fault,
    firmware::Verify,
    gesture::Button,
    microphone::Microphone,
    nature::SimulatedUnit,
    program::SourceProgram,
    relay::RelayBoard,
    words::{Control, Side},
};
use crate::quantity::{Distance, Duration, Level};

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
    /// The program that is its driver (`control: command`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<SourceProgram>,
    /// The relay channel that switches its supply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Output>,
    /// `true`: its battery was taken out, so that it goes off with its supply though its device has one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_battery: bool,
    /// The relay channels wired to its buttons.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub buttons: IndexMap<String, Button>,
    /// `true`: gestures may be done that make it forget what it knows. Bonds, settings and updates may be lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allows_factory_reset: bool,
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
    /// The longest that it may be on at a time: the board's driver then brings it to its safe position. Without end when
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_on: Option<Duration>,
    /// How long nothing may be relied on after it was switched, where that is not what its board says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<Duration>,
}

impl Rig {
    /// Lets relative paths begin at the folder of the rig's document.
    pub fn beside(&mut self, folder: &Path) {
        for file in self.microphones.values_mut().filter_map(|microphone| microphone.calibration_file.as_mut()) {
            file.file = folder.join(&file.file).to_string_lossy().into_owned();
        }
    }
}

impl Output {
    /// Longer than this nobody waits for a contact.
    pub const LONGEST_SETTLE: Duration = Duration::from_s(60);

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
