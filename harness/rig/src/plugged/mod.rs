//! What is plugged into the host: dongles, serial adapters, HID relays, sound cards, and the hubs that feed them.
//!
//! The kernel is read (sysfs, `/proc/asound`, the links of `/dev/serial`), and asked for the addresses of its controllers. No
//! device is opened and none is asked: a question to one relay board is an order to another.

mod adapters;
mod document;
mod sound;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use serde::Serialize;

pub use self::{
    adapters::{Adapter, adapter},
    document::{BLANK, PART, document},
    sound::Offer,
};
use crate::usb::{Class, HubPort, Place, Port, Sysfs, attribute};

/// The longest text of the kernel that is read.
const LONGEST: u64 = 64 * 1024;
/// DCTTech's relays, on a vendor and product that many makers share: the name of the product tells.
const HID_RELAY: (&str, &str) = ("16c0:05df", "USBRelay");

/// Where the kernel shows what there is.
#[derive(Debug, Clone)]
pub struct Host {
    sysfs: Sysfs,
    proc: PathBuf,
    dev: PathBuf,
}

impl Host {
    /// This one.
    pub fn this() -> Self {
        Self::below(Path::new("/"))
    }

    /// One whose `sys`, `proc` and `dev` lie below another folder.
    pub fn below(root: &Path) -> Self {
        Self { sysfs: Sysfs::at(root.join("sys")), proc: root.join("proc"), dev: root.join("dev") }
    }
}

/// Where something is plugged in, and what it says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plug {
    /// The USB port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usb: Option<String>,
    /// Vendor and product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usb_id: Option<String>,
    /// The serial number, of devices that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The name that the device gives itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The place, for people.
    pub place: String,
    /// Whether the hub's port can be switched by this user; nothing where the kernel has no such port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_port: Option<Switchable>,
}

/// What this user may do with the port of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switchable {
    /// It may be switched.
    Yes,
    /// The kernel can, this user may not.
    NotPermitted,
}

/// A Bluetooth dongle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundDongle {
    /// What the kernel calls it now.
    pub kernel: String,
    /// Its address, where the kernel tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What keeps it silent, if anything does, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// Where it is plugged in.
    #[serde(flatten)]
    pub plug: Plug,
}

/// A serial port on USB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundPort {
    /// What the kernel calls it now, such as `/dev/ttyUSB0`.
    pub kernel: String,
    /// The path that stays, where udev makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_path: Option<String>,
    /// The chip, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<&'static str>,
    /// Families of relay boards that use such an adapter. Which one this is nobody can see.
    pub families: Vec<&'static str>,
    /// Where it is plugged in.
    #[serde(flatten)]
    pub plug: Plug,
}

/// A relay board that is a HID device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundHid {
    /// What the kernel calls it now, such as `/dev/hidraw0`.
    pub kernel: String,
    /// How many channels its name tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Where it is plugged in.
    #[serde(flatten)]
    pub plug: Plug,
}

/// A capture device of a sound card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundCapture {
    /// The id of the card, which follows the order in which cards are found.
    pub card: String,
    /// The number of the PCM device.
    pub pcm: u8,
    /// What it offers; empty where the kernel tells only whoever opens it.
    pub offers: Vec<Offer>,
    /// Where it is plugged in.
    #[serde(flatten)]
    pub plug: Plug,
}

/// A hub with ports that the kernel can switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundHub {
    /// What the kernel calls it, such as `1-1`.
    pub hub: String,
    /// How many ports it has.
    pub ports: usize,
    /// Of how many the supply may be switched by this user.
    pub switchable: usize,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plugged {
    /// Bluetooth dongles.
    pub dongles: Vec<FoundDongle>,
    /// Serial ports on USB.
    pub serial_ports: Vec<FoundPort>,
    /// Relay boards that are HID devices.
    pub hid_relays: Vec<FoundHid>,
    /// Capture devices.
    pub captures: Vec<FoundCapture>,
    /// Hubs whose ports can be switched.
    pub hubs: Vec<FoundHub>,
    /// What could not be learnt, one sentence each.
    pub unknown: Vec<String>,
}

impl Plugged {
    /// What there is now.
    pub fn look(host: &Host) -> Self {
        Self::with(host, addresses(&host.sysfs))
    }

    /// The same, where the addresses of the controllers by their numbers are known, or why they are not.
    fn with(host: &Host, addresses: Result<BTreeMap<u32, String>, String>) -> Self {
        let mut found = Self::default();
        match addresses {
            Ok(addresses) => found.look_for_dongles(host, &addresses),
            Err(why) => {
                found.look_for_dongles(host, &BTreeMap::new());
                if !found.dongles.is_empty() {
                    found.unknown.push(format!("the addresses of the dongles: {why}"));
                }
            }
        }
        found.look_for_ports(host);
        found.look_for_hid_relays(host);
        found.look_for_captures(host);
        found.look_for_hubs(host);
        found
    }

    fn look_for_dongles(&mut self, host: &Host, addresses: &BTreeMap<u32, String>) {
        let numbers = host.sysfs.numbers(Class::Bluetooth);
        for number in self.or_unknown(numbers) {
            let kernel = format!("hci{number}");
            let plug = self.plug(host, "bluetooth", &kernel);
            let blocked = host.sysfs.block(number).map(|block| format!("{block}; {}", block.hint()));
            self.dongles.push(FoundDongle { kernel, address: addresses.get(&number).cloned(), blocked, plug });
        }
    }

    fn look_for_ports(&mut self, host: &Host) {
        let by_path = links(&host.dev.join("serial/by-path"));
        for name in names(&host.sysfs.path("class/tty"), &["ttyUSB", "ttyACM"]) {
            let plug = self.plug(host, "tty", &name);
            let known = plug.usb_id.as_deref().and_then(adapter);
            self.serial_ports.push(FoundPort {
                kernel: format!("/dev/{name}"),
                by_path: by_path.get(&name).map(|link| format!("/dev/serial/by-path/{link}")),
                adapter: known.map(|adapter| adapter.chip),
                families: known.map(|adapter| adapter.families.to_vec()).unwrap_or_default(),
                plug,
            });
        }
    }

    fn look_for_hid_relays(&mut self, host: &Host) {
        for name in names(&host.sysfs.path("class/hidraw"), &["hidraw"]) {
            let plug = self.plug(host, "hidraw", &name);
            let (id, prefix) = HID_RELAY;
            let Some(rest) = plug.product.as_deref().and_then(|product| product.strip_prefix(prefix)) else { continue };
            if plug.usb_id.as_deref() == Some(id) {
                let channels = rest.parse().ok().filter(|&channels| channels > 0);
                self.hid_relays.push(FoundHid { kernel: format!("/dev/{name}"), channels, plug });
            }
        }
    }

    fn look_for_captures(&mut self, host: &Host) {
        let numbers = host.sysfs.numbers(Class::Sound);
        for number in self.or_unknown(numbers) {
            let name = format!("card{number}");
            let pcms = host.sysfs.captures(number);
            if pcms.is_empty() {
                continue;
            }
            let plug = self.plug(host, "sound", &name);
            let id = attribute(&host.sysfs.path("class/sound").join(&name).join("id"));
            let card = id.unwrap_or_else(|_| number.to_string());
            for pcm in pcms {
                let stream = host.proc.join(format!("asound/{name}/stream{pcm}"));
                let offers = sound::offers(&text(&stream).unwrap_or_default());
                self.captures.push(FoundCapture { card: card.clone(), pcm, offers, plug: plug.clone() });
            }
        }
    }

    fn look_for_hubs(&mut self, host: &Host) {
        let devices = host.sysfs.path("bus/usb/devices");
        for interface in names(&devices, &[""]) {
            let Some(device) = interface.strip_suffix(":1.0") else { continue };
            let hub = device.strip_suffix("-0").map_or_else(|| device.to_owned(), |bus| format!("usb{bus}"));
            let ports = names(&devices.join(&interface), &[&format!("{hub}-port")]);
            let can = |port: &String| {
                let file = devices.join(&interface).join(port).join("disable");
                rustix::fs::access(&file, rustix::fs::Access::WRITE_OK).is_ok()
            };
            let there = |port: &&String| devices.join(&interface).join(port).join("disable").exists();
            if ports.iter().any(|port| there(&port)) {
                let switchable = ports.iter().filter(|port| can(port)).count();
                self.hubs.push(FoundHub { hub, ports: ports.len(), switchable });
            }
        }
    }

    /// Where a thing is plugged in. What is not known of it is told as its place.
    fn plug(&mut self, host: &Host, class: &str, name: &str) -> Plug {
        match host.sysfs.placed(class, name) {
            Ok(place @ Place::Usb(_)) => {
                let told = place.to_string();
                let Place::Usb(device) = place else { return Plug { place: told, ..Plug::default() } };
                let product = host.sysfs.path("bus/usb/devices").join(device.port.to_string()).join("product");
                Plug {
                    hub_port: switchable(host, &device.port),
                    usb: Some(device.port.to_string()),
                    usb_id: Some(device.id),
                    serial: device.serial,
                    product: attribute(&product).ok().filter(|product| !product.is_empty()),
                    place: told,
                }
            }
            Ok(place) => Plug { place: place.to_string(), ..Plug::default() },
            Err(error) => {
                self.unknown.push(format!("where {name} is plugged in: {error}"));
                Plug { place: "an unknown place".to_owned(), ..Plug::default() }
            }
        }
    }

    fn or_unknown<T>(&mut self, found: Result<Vec<T>, crate::usb::PlaceError>) -> Vec<T> {
        found.unwrap_or_else(|error| {
            self.unknown.push(error.to_string());
            Vec::new()
        })
    }
}

fn switchable(host: &Host, port: &Port) -> Option<Switchable> {
    let port = HubPort::of(&host.sysfs, port);
    port.exists().then(|| if port.usable().is_ok() { Switchable::Yes } else { Switchable::NotPermitted })
}

/// Names in a folder that begin in one of these ways, those with numbers in the order of the numbers.
fn names(folder: &Path, beginnings: &[&str]) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| beginnings.iter().any(|beginning| name.starts_with(beginning)));
    let digits = |name: &str| name.chars().rev().take_while(char::is_ascii_digit).count();
    names.sort_by_key(|name| {
        let (word, number) = name.split_at(name.len() - digits(name));
        (word.to_owned(), number.parse::<u64>().ok(), name.clone())
    });
    names
}

/// The links of a folder by the name that they lead to. Of several the first by name: newer versions of udev make two.
fn links(folder: &Path) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for name in names(folder, &[""]) {
        let target = fs::read_link(folder.join(&name)).ok();
        let target = target.as_deref().and_then(Path::file_name).and_then(|target| target.to_str());
        if let Some(target) = target {
            let known: &mut String = links.entry(target.to_owned()).or_insert_with(|| name.clone());
            if name < *known {
                *known = name;
            }
        }
    }
    links
}

fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The addresses of the controllers by their numbers.
#[cfg(feature = "bluez")]
fn addresses(sysfs: &Sysfs) -> Result<BTreeMap<u32, String>, String> {
    let known = crate::bluez::controllers(sysfs)?;
    Ok(known.into_iter().map(|found| (found.number, found.address.to_string())).collect())
}

#[cfg(not(feature = "bluez"))]
fn addresses(_: &Sysfs) -> Result<BTreeMap<u32, String>, String> {
    Err("this build has no driver for dongles".to_owned())
}

#[cfg(test)]
mod tests;
