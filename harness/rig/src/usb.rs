//! Where the members of a rig are plugged in, read from sysfs.
//!
//! Nothing is opened and nothing is asked of a device: the kernel's tree alone is read, whose root is a parameter. Source
//! of the layout: Linux `Documentation/ABI/testing/sysfs-bus-usb`, `Documentation/usb`, `drivers/usb/core/port.c`.

mod hub;
mod node;
mod rfkill;
#[cfg(test)]
pub(crate) mod tree;

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    str::FromStr,
};

use rigtone_model::document::Alsa;
use thiserror::Error;

use crate::lock::alsa_key;
pub use hub::{Cut, HubPort};
pub use node::{Node, Plug};
pub use rfkill::Block;

/// No attribute of a device is longer.
const LONGEST: u64 = 4096;
/// What is shown of a serial number, which devices make up themselves.
const SHOWN: usize = 64;

/// A USB port, such as `1-2.3`: bus, then the ports of the hubs on the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(String);

impl FromStr for Port {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u8>().is_ok_and(|n| n > 0) && !text.starts_with(['0', '+']);
        let is = text.split_once('-').is_some_and(|(bus, ports)| number(bus) && ports.split('.').all(number));
        let is = is && text.matches('.').count() <= 5;
        if is { Ok(Self(text.to_owned())) } else { Err(format!("`{text}` is not a USB port, such as `1-2.3`")) }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Port {
    /// The hub that feeds it, as the kernel calls it, and the number of its port there: `1-2` and 3, or `usb1` and 2.
    pub fn hub(&self) -> (String, &str) {
        match (self.0.rsplit_once('.'), self.0.split_once('-')) {
            (Some((hub, number)), _) => (hub.to_owned(), number),
            (None, Some((bus, number))) => (format!("usb{bus}"), number),
            // No port is made without the hyphen.
            (None, None) => (self.0.clone(), ""),
        }
    }

    /// The hub's folder for this port, below `bus/usb/devices`.
    fn folder(&self) -> String {
        let (hub, number) = self.hub();
        let interface = match hub.strip_prefix("usb") {
            Some(bus) => format!("{bus}-0:1.0"),
            None => format!("{hub}:1.0"),
        };
        format!("{interface}/{hub}-port{number}")
    }
}

/// A device on a USB port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsbDevice {
    /// Where.
    pub port: Port,
    /// Its vendor and product, such as `0a12:0001`.
    pub id: String,
    /// Its serial number, if it has one: as it says itself, without control characters.
    pub serial: Option<String>,
}

impl fmt::Display for UsbDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "USB port {} ({}", self.port, self.id)?;
        match &self.serial {
            Some(serial) => write!(f, ", serial {serial})"),
            None => f.write_str(")"),
        }
    }
}

/// Where something hangs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On a USB port.
    Usb(UsbDevice),
    /// On no USB port, such as a serial line of the host; its folder below the root.
    Elsewhere(String),
}

impl Place {
    /// The USB port.
    pub fn port(&self) -> Option<&Port> {
        match self {
            Self::Usb(device) => Some(&device.port),
            Self::Elsewhere(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usb(device) => device.fmt(f),
            Self::Elsewhere(path) => write!(f, "no USB port ({path})"),
        }
    }
}

/// Why nobody knows where something hangs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// It is not there, or not any more.
    #[error("{} is not there", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// The file or link.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It says what no kernel says.
    #[error("{} holds `{text}`, which is not {due}", path.display())]
    Nonsense {
        /// The file.
        path: PathBuf,
        /// What it holds, as far as that can be shown.
        text: String,
        /// What was due.
        due: &'static str,
    },
}

/// A kind of thing that the kernel numbers in the order in which it finds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `hciN`
    Bluetooth,
    /// `cardN`
    Sound,
}

impl Class {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Bluetooth => ("bluetooth", "hci"),
            Self::Sound => ("sound", "card"),
        }
    }
}

/// A sysfs tree.
#[derive(Debug, Clone)]
pub struct Sysfs {
    root: PathBuf,
}

impl Sysfs {
    /// That of the host.
    pub fn host() -> Self {
        Self::at("/sys")
    }

    /// One below another root.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A path below the root.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Where the thing of that number hangs.
    ///
    /// # Errors
    /// When it is not there, or the tree cannot be read or makes no sense.
    pub fn place(&self, class: Class, number: u32) -> Result<Place, PlaceError> {
        let (folder, prefix) = class.words();
        self.placed(folder, &format!("{prefix}{number}"))
    }

    /// Where the thing of that name in a class of the kernel hangs, such as `ttyUSB0` in `tty`.
    ///
    /// # Errors
    /// As [`Sysfs::place`].
    pub(crate) fn placed(&self, class: &str, name: &str) -> Result<Place, PlaceError> {
        self.place_of(self.path("class").join(class).join(name))
    }

    /// Where the thing hangs that this link of the tree leads to.
    fn place_of(&self, link: PathBuf) -> Result<Place, PlaceError> {
        let real = real(&link)?;
        let root = crate::usb::real(&self.root)?;
        let Ok(below) = real.strip_prefix(&root) else {
            let why = format!("it leads out of {}, to {}", self.root.display(), real.display());
            return Err(PlaceError::Unreadable { path: link, why });
        };
        for folder in real.ancestors().take_while(|folder| *folder != root) {
            let port = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            if let Some(port) = port {
                return device(folder, port).map(Place::Usb);
            }
        }
        Ok(Place::Elsewhere(below.display().to_string()))
    }

    /// The numbers of all things of a kind, in order; none where the kernel has no such kind.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn numbers(&self, class: Class) -> Result<Vec<u32>, PlaceError> {
        let (_, prefix) = class.words();
        // Beside them stand links of theirs: `hci0:12`, `pcmC0D0c`.
        let number = |name: &str| name.strip_prefix(prefix)?.parse().ok();
        let mut numbers: Vec<u32> = self.names(class)?.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn names(&self, class: Class) -> Result<Vec<String>, PlaceError> {
        self.names_in(class.words().0)
    }

    fn names_in(&self, class: &str) -> Result<Vec<String>, PlaceError> {
        let path = self.root.join("class").join(class);
        let entries = match fs::read_dir(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| unreadable(&path, &e))?,
        };
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    /// The capture devices of a sound card.
    pub(crate) fn captures(&self, card: u32) -> Vec<u8> {
        let number = |name: &str| name.strip_prefix(&format!("pcmC{card}D"))?.strip_suffix('c')?.parse().ok();
        let names = self.names(Class::Sound).unwrap_or_default();
        let mut numbers: Vec<u8> = names.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The sound card at a port, with the capture device that is wanted of it.
    ///
    /// # Errors
    /// When there is none, more than one, or another than the one that is due.
    pub fn card(&self, port: &Port, id: Option<&str>, pcm: u8) -> Result<Card, Refusal> {
        let list = "list what is there: `rigtone rig list`";
        let numbers = self.numbers(Class::Sound).map_err(|e| Refusal::new(e.to_string(), list))?;
        let (mut found, mut others) = (Vec::new(), Vec::new());
        for number in numbers {
            match self.place(Class::Sound, number) {
                Ok(Place::Usb(device)) if device.port == *port => found.push((number, device)),
                Ok(place) => others.push(format!("card {number} at {place}")),
                Err(e) => others.push(format!("card {number} ({e})")),
            }
        }
        let cards = |found: &[(u32, UsbDevice)]| {
            found.iter().map(|(number, _)| format!("card {number}")).collect::<Vec<_>>().join(" and ")
        };
        let (number, device) = match found.as_slice() {
            [one] => one.clone(),
            [] => {
                let what = format!("no sound card at USB port {port}; there is: {}", listed(&others));
                return Err(Refusal::new(what, "plug it in there, or correct `usb` in the rig file"));
            }
            several => {
                let what = format!("{} are all at USB port {port}", cards(several));
                return Err(Refusal::new(what, "name the one that is meant by `device: \"hw:CARD=...\"` in its place"));
            }
        };
        expected(id, &device)?;
        let captures = self.captures(number);
        if !captures.contains(&pcm) {
            let there = captures.iter().map(u8::to_string).collect::<Vec<_>>();
            let what = format!("card {number} at {device} has no capture device {pcm}; it has: {}", listed(&there));
            return Err(Refusal::new(what, "correct `pcm` in the rig file"));
        }
        Ok(Card { number, device })
    }

    /// The PCM that a document means, as ALSA knows it now.
    ///
    /// # Errors
    /// When no card, more than one, or another than the one that is due is at the port that is stated. A PCM that is
    /// stated by its name is not looked for: opening it tells.
    pub fn pcm(&self, alsa: &Alsa) -> Result<Pcm, Refusal> {
        if let Some(name) = &alsa.device {
            let key = alsa_key(name, &|id| self.card_named(id));
            let number = key.strip_prefix("card").and_then(|rest| rest.split('-').next()?.parse().ok());
            let card = number.map(|number| (number, self.place(Class::Sound, number)));
            return Ok(Pcm { name: name.clone(), card });
        }
        let port = alsa.usb.as_deref().unwrap_or_default();
        let port: Port = port.parse().map_err(|e| Refusal::new(e, "write the port that `rigtone rig list` shows"))?;
        let pcm = alsa.pcm.unwrap_or_default();
        let Card { number, device } = self.card(&port, alsa.usb_id.as_deref(), pcm)?;
        Ok(Pcm { name: format!("hw:CARD={number},DEV={pcm}"), card: Some((number, Ok(Place::Usb(device)))) })
    }

    /// `cardN` of the card of that id.
    pub(crate) fn card_named(&self, id: &str) -> Option<String> {
        let is = |number: &u32| {
            attribute(&self.root.join(format!("class/sound/card{number}/id"))).is_ok_and(|found| found == id)
        };
        let number = self.numbers(Class::Sound).ok()?.into_iter().find(is)?;
        Some(format!("card{number}"))
    }
}

/// A PCM of ALSA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcm {
    /// Its name.
    pub name: String,
    /// The number of its card now and where that hangs, if it is one of a card that is there.
    pub card: Option<(u32, Result<Place, PlaceError>)>,
}

impl Pcm {
    /// Card and place, for people; nothing for a PCM of no card.
    pub fn found(&self) -> Option<String> {
        self.card.as_ref().map(|(number, place)| match place {
            Ok(place) => format!("card {number} at {place}"),
            Err(e) => format!("card {number}: {e}"),
        })
    }
}

/// A sound card on a USB port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The number that the kernel gives it now.
    pub number: u32,
    /// The device.
    pub device: UsbDevice,
}

/// Why something is not the one that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was found.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl Refusal {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

/// That the device has the vendor and product that are due, if any are.
pub(crate) fn expected(id: Option<&str>, device: &UsbDevice) -> Result<(), Refusal> {
    match id {
        Some(id) if id != device.id => {
            let what = format!("the device at USB port {} is {}, where {id} is due", device.port, device.id);
            Err(Refusal::new(what, "plug the right one in there, or correct `usb-id` in the rig file"))
        }
        _ => Ok(()),
    }
}

/// One after the other, or that there are none.
pub(crate) fn listed(items: &[String]) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

fn real(path: &Path) -> Result<PathBuf, PlaceError> {
    fs::canonicalize(path).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, error: &io::Error) -> PlaceError {
    match error.kind() {
        io::ErrorKind::NotFound => PlaceError::Missing(path.to_owned()),
        _ => PlaceError::Unreadable { path: path.to_owned(), why: error.to_string() },
    }
}

fn device(folder: &Path, port: Port) -> Result<UsbDevice, PlaceError> {
    let id = |name: &str| {
        let path = folder.join(name);
        let text = attribute(&path)?;
        match u16::from_str_radix(&text, 16) {
            Ok(number) if text.len() == 4 => Ok(number),
            _ => Err(PlaceError::Nonsense { path, text, due: "four hexadecimal digits" }),
        }
    };
    let id = format!("{:04x}:{:04x}", id("idVendor")?, id("idProduct")?);
    // Most dongles have none.
    let serial = attribute(&folder.join("serial")).ok().filter(|serial| !serial.is_empty());
    Ok(UsbDevice { port, id, serial })
}

/// The text of an attribute, as far as it can be shown.
pub(crate) fn attribute(path: &Path) -> Result<String, PlaceError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|e| unreadable(path, &e))?;
    let text = String::from_utf8_lossy(&bytes);
    let shown = text.trim().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    Ok(shown.take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::{tree::Tree, *};
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case("1-2", "usb1", "2", "1-0:1.0/usb1-port2")]
    #[case("1-2.3", "1-2", "3", "1-2:1.0/1-2-port3")]
    #[case("12-1.4.10", "12-1.4", "10", "12-1.4:1.0/12-1.4-port10")]
    fn a_port_knows_the_hub_that_feeds_it(
        #[case] port: &str,
        #[case] hub: &str,
        #[case] number: &str,
        #[case] folder: &str,
    ) {
        let port: Port = port.parse().expect("a port");
        assert_eq!((port.hub(), port.folder()), ((hub.to_owned(), number), folder.to_owned()));
    }

    #[rstest]
    #[case("")]
    #[case("1")]
    #[case("1-")]
    #[case("-1")]
    #[case("1-2.")]
    #[case("1-0")]
    #[case("0-1")]
    #[case("1-02")]
    #[case("1-+2")]
    #[case("1-2:1.0")]
    #[case("usb1")]
    #[case("1-1.1.1.1.1.1.1")]
    #[case("1-256")]
    #[case("../1-2")]
    fn anything_else_is_no_port(#[case] text: &str) {
        assert!(text.parse::<Port>().is_err());
    }

    #[test]
    fn what_hangs_on_usb_is_told_with_its_port_vendor_product_and_serial() {
        let tree = Tree::new();
        tree.usb("1-2.3", "0a12", "0001", Some("S 1"));
        tree.link(Class::Bluetooth, 3, "1-2.3/1-2.3:1.0/bluetooth/hci3");
        tree.usb("2-1", "0d8c", "0014", None);
        tree.link(Class::Sound, 1, "2-1/2-1:1.0/sound/card1");
        let sysfs = tree.sysfs();
        let shown = |class, number| sysfs.place(class, number).map(|place| place.to_string());
        assert_eq!(shown(Class::Bluetooth, 3), Ok("USB port 1-2.3 (0a12:0001, serial S 1)".into()));
        assert_eq!(shown(Class::Sound, 1), Ok("USB port 2-1 (0d8c:0014)".into()));
        assert_eq!(sysfs.numbers(Class::Bluetooth), Ok(vec![3]));
    }

    #[rstest]
    #[case::virtual_one("devices/virtual/bluetooth/hci0")]
    #[case::serial_line("devices/platform/soc/serial0/serial0-0/bluetooth/hci0")]
    fn what_hangs_elsewhere_has_no_port(#[case] folder: &str) {
        let tree = Tree::new();
        tree.link_to(Class::Bluetooth, 0, folder);
        let place = tree.sysfs().place(Class::Bluetooth, 0);
        assert_eq!(place, Ok(Place::Elsewhere(folder.to_owned())));
    }

    #[test]
    fn connections_and_foreign_names_are_no_controllers() {
        let tree = Tree::new();
        for name in ["hci0:12", "hci", "hcix", "hci-1", "hci99999999999"] {
            tree.file(&format!("class/bluetooth/{name}"), b"");
        }
        tree.link_to(Class::Bluetooth, 10, "devices/virtual/bluetooth/hci10");
        tree.link_to(Class::Bluetooth, 9, "devices/virtual/bluetooth/hci9");
        assert_eq!(tree.sysfs().numbers(Class::Bluetooth), Ok(vec![9, 10]));
        assert_eq!(tree.sysfs().numbers(Class::Sound), Ok(vec![]), "a host without sound");
    }

    /// What a tree in which something is wrong says.
    #[rstest]
    #[case::gone(|_: &Tree| {}, "class/bluetooth/hci0 is not there")]
    #[case::dangling(|t: &Tree| t.symlink("class/bluetooth/hci0", "../../devices/none"), "hci0 is not there")]
    #[case::circle(|t: &Tree| t.symlink("class/bluetooth/hci0", "hci0"), "hci0 cannot be read: ")]
    #[case::leads_out(|t: &Tree| t.symlink("class/bluetooth/hci0", "/"), "it leads out of ")]
    #[case::no_vendor(|t: &Tree| t.link(Class::Bluetooth, 0, "1-2/1-2:1.0/bluetooth/hci0"), "1-2/idVendor is not there")]
    #[case::long_vendor(|t: &Tree| { t.usb("1-2", "00a12", "0001", None); t.link(Class::Bluetooth, 0, "1-2/hci0") },
        "idVendor holds `00a12`, which is not four hexadecimal digits")]
    #[case::garbage(|t: &Tree| {
        t.usb("1-2", "0a12", "0001", None);
        t.file("devices/pci0/usb1/1-2/idProduct", b"\xff\x00\x1b[31m\n");
        t.link(Class::Bluetooth, 0, "1-2/hci0");
    }, "idProduct holds `\u{fffd}\u{fffd}\u{fffd}[31m`, which is not")]
    #[case::empty(|t: &Tree| {
        t.usb("1-2", "0a12", "0001", None);
        t.file("devices/pci0/usb1/1-2/idProduct", b"");
        t.link(Class::Bluetooth, 0, "1-2/hci0");
    }, "idProduct holds ``")]
    #[case::folder(|t: &Tree| { t.folder("devices/pci0/usb1/1-2/idVendor"); t.link(Class::Bluetooth, 0, "1-2/hci0") },
        "idVendor cannot be read: ")]
    fn a_tree_that_makes_no_sense_says_where(#[case] plant: fn(&Tree), #[case] said: &str) {
        let tree = Tree::new();
        plant(&tree);
        let error = tree.sysfs().place(Class::Bluetooth, 0).expect_err("it makes no sense").to_string();
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn a_serial_number_is_shown_without_what_terminals_obey_and_not_without_end() {
        let tree = Tree::new();
        tree.usb("1-2", "0a12", "0001", None);
        tree.file("devices/pci0/usb1/1-2/serial", &[b"\x1b]0;x\x07".as_slice(), &[b'9'; 9000]].concat());
        tree.link(Class::Bluetooth, 0, "1-2/hci0");
        let Ok(Place::Usb(device)) = tree.sysfs().place(Class::Bluetooth, 0) else { panic!("it is there") };
        let serial = device.serial.expect("a serial number");
        assert!(serial.starts_with("\u{fffd}]0;x\u{fffd}999") && serial.chars().count() == SHOWN, "{serial:?}");
    }

    fn two_cards(tree: &Tree) {
        tree.usb("1-2.4", "0d8c", "0014", None);
        tree.link(Class::Sound, 2, "1-2.4/1-2.4:1.0/sound/card2");
        tree.file("class/sound/pcmC2D0c", b"");
        tree.file("class/sound/pcmC2D1p", b"");
        tree.usb("1-2.5", "0d8c", "0014", None);
        tree.link(Class::Sound, 0, "1-2.5/1-2.5:1.0/sound/card0");
    }

    #[test]
    fn a_card_is_found_by_its_port() {
        let tree = Tree::new();
        two_cards(&tree);
        let card = tree.sysfs().card(&"1-2.4".parse().expect("a port"), Some("0d8c:0014"), 0);
        assert_eq!(card.map(|card| card.number), Ok(2));
    }

    #[rstest]
    #[case(json!({"usb": "1-2.4"}), "hw:CARD=2,DEV=0", Some("card 2 at USB port 1-2.4 (0d8c:0014)"))]
    #[case(json!({"device": "hw:CARD=MIC,DEV=0"}), "hw:CARD=MIC,DEV=0", Some("card 0 at USB port 1-2.5 (0d8c:0014)"))]
    #[case(json!({"device": "hw:2,1"}), "hw:2,1", Some("card 2 at USB port 1-2.4 (0d8c:0014)"))]
    #[case(json!({"device": "hw:5"}), "hw:5", Some("card 5: "))]
    #[case(json!({"device": "hw:CARD=OTHER"}), "hw:CARD=OTHER", None)]
    #[case(json!({"device": "default"}), "default", None)]
    fn a_pcm_is_told_with_its_card_and_place(#[case] named: Value, #[case] name: &str, #[case] found: Option<&str>) {
        let tree = Tree::new();
        two_cards(&tree);
        tree.file("devices/pci0/usb1/1-2.5/1-2.5:1.0/sound/card0/id", b"MIC\n");
        let mut document = json!({"rate": 48000, "channels": 1, "channel": 1});
        document.as_object_mut().expect("a map").extend(named.as_object().expect("a map").clone());
        let alsa: Alsa = serde_json::from_value(document).expect("a device");
        let pcm = tree.sysfs().pcm(&alsa).expect("it is there");
        assert_eq!(pcm.name, name);
        let shown = pcm.found();
        assert!(
            match found {
                Some(found) => shown.as_ref().is_some_and(|shown| shown.starts_with(found)),
                None => shown.is_none(),
            },
            "{shown:?}"
        );
    }

    #[rstest]
    #[case::elsewhere("1-2.6", None, 0, |_: &Tree| {}, "no sound card at USB port 1-2.6; there is: card 0 at USB port 1-2.5")]
    #[case::another_kind("1-2.4", Some("1234:0014"), 0, |_: &Tree| {}, "is 0d8c:0014, where 1234:0014 is due")]
    #[case::plays_only("1-2.4", None, 1, |_: &Tree| {}, "has no capture device 1; it has: 0")]
    #[case::captures_nothing("1-2.5", None, 0, |_: &Tree| {}, "has no capture device 0; it has: nothing")]
    #[case::two_matches("1-2.4", None, 0, |t: &Tree| t.link(Class::Sound, 7, "1-2.4/1-2.4:1.2/sound/card7"),
        "card 2 and card 7 are all at USB port 1-2.4")]
    #[case::unreadable("1-2.6", None, 0, |t: &Tree| t.symlink("class/sound/card5", "card5"), "card 5 (")]
    fn a_card_that_is_not_the_one_is_refused_with_what_is_there(
        #[case] port: &str,
        #[case] id: Option<&str>,
        #[case] pcm: u8,
        #[case] plant: fn(&Tree),
        #[case] said: &str,
    ) {
        let tree = Tree::new();
        two_cards(&tree);
        plant(&tree);
        let refusal = tree.sysfs().card(&port.parse().expect("a port"), id, pcm).expect_err("refused");
        assert!(refusal.what.contains(said) && !refusal.hint.is_empty(), "{refusal:?}");
    }
}
