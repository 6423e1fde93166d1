//! The file of `/dev` that belongs to a device on USB: the serial port of an adapter, the HID of a board.
//!
//! Source: Linux `Documentation/ABI/testing/sysfs-class-tty` and `Documentation/hid/hidraw.rst`. A name with a slash below
//! `/dev` has an exclamation mark in its place in sysfs (`lib/kobject.c`).

use std::path::{Path, PathBuf};

use super::{Place, Port, Refusal, Sysfs, UsbDevice, attribute, expected, listed};

/// What is looked for: what a document says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plug {
    /// The USB port that it is plugged into.
    pub port: Option<Port>,
    /// Its vendor and product.
    pub id: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
}

/// A file of `/dev`, and the device that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The file.
    pub path: PathBuf,
    /// The device.
    pub device: UsbDevice,
    /// What the device calls itself, if it does.
    pub product: Option<String>,
}

/// What leads to the right device.
const LIST: &str = "list what is there: `rigtone rig list`";

impl Sysfs {
    /// The serial port of the device that is looked for.
    ///
    /// # Errors
    /// When there is none, more than one, or another device than the one that is due.
    pub fn serial_port(&self, plug: &Plug) -> Result<Node, Refusal> {
        self.node("tty", "serial port", plug)
    }

    /// The serial ports that hang on USB, in the order of their names.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn serial_ports(&self) -> Result<Vec<Node>, Refusal> {
        self.nodes("tty")
    }

    /// The raw HIDs that hang on USB, in the order of their names.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn hids(&self) -> Result<Vec<Node>, Refusal> {
        self.nodes("hidraw")
    }

    fn nodes(&self, class: &str) -> Result<Vec<Node>, Refusal> {
        let mut names = self.names_in(class).map_err(|e| Refusal::new(e.to_string(), LIST))?;
        names.sort();
        let node = |name: &String| {
            let link = self.root.join("class").join(class).join(name);
            // What hangs elsewhere, or went away meanwhile, is none.
            let Ok(Place::Usb(device)) = self.place_of(link) else { return None };
            let folder = self.root.join("bus/usb/devices").join(device.port.to_string());
            let product = attribute(&folder.join("product")).ok().filter(|product| !product.is_empty());
            Some(Node { path: Path::new("/dev").join(name.replace('!', "/")), device, product })
        };
        Ok(names.iter().filter_map(node).collect())
    }

    fn node(&self, class: &str, what: &str, plug: &Plug) -> Result<Node, Refusal> {
        let (found, others): (Vec<Node>, Vec<Node>) = self.nodes(class)?.into_iter().partition(|node| match plug {
            Plug { port: Some(port), .. } => node.device.port == *port,
            Plug { serial, .. } => node.device.serial == *serial && serial.is_some(),
        });
        let sought = match plug {
            Plug { port: Some(port), .. } => format!("at USB port {port}"),
            Plug { serial, .. } => format!("with the serial number {}", serial.as_deref().unwrap_or_default()),
        };
        let node = match found.as_slice() {
            [one] => one.clone(),
            [] => {
                let others: Vec<String> = others.iter().map(ToString::to_string).collect();
                let what = format!("no {what} {sought}; there is: {}", listed(&others));
                return Err(Refusal::new(what, "plug the board in there, or correct the rig file"));
            }
            several => {
                let several: Vec<String> = several.iter().map(ToString::to_string).collect();
                let what = format!("several {what}s {sought}: {}", listed(&several));
                return Err(Refusal::new(what, "name the one that is meant by its path or its USB port"));
            }
        };
        expected(plug.id.as_deref(), &node.device)?;
        match &plug.serial {
            Some(serial) if node.device.serial.as_ref() != Some(serial) => {
                let has = node.device.serial.as_deref().unwrap_or("none");
                let what = format!("the device {sought} has the serial number {has}, where {serial} is due");
                Err(Refusal::new(what, "plug the right one in there, or correct `serial` in the rig file"))
            }
            _ => Ok(node),
        }
    }
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.path.display(), self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tree::Tree, *};
    use rstest::rstest;

    fn three(tree: &Tree) {
        tree.usb("1-1.2", "1a86", "7523", None);
        tree.node("tty", "ttyUSB0", "1-1.2/1-1.2:1.0/ttyUSB0/tty/ttyUSB0");
        tree.usb("1-1.4", "0403", "6001", Some("A9079L5D"));
        tree.node("tty", "ttyUSB1", "1-1.4/1-1.4:1.0/ttyUSB1/tty/ttyUSB1");
        tree.usb("1-1.5", "16c0", "05df", None);
        tree.node("hidraw", "hidraw3", "1-1.5/1-1.5:1.0/0003:16C0:05DF.0003/hidraw/hidraw3");
        // A serial line of the host, and a terminal, are on no USB port.
        tree.link_node("tty", "ttyS0", "devices/platform/serial8250/tty/ttyS0");
        tree.link_node("tty", "tty1", "devices/virtual/tty/tty1");
    }

    fn plug(port: &str, id: &str, serial: &str) -> Plug {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Plug { port: text(port).map(|port| port.parse().expect("a port")), id: text(id), serial: text(serial) }
    }

    #[rstest]
    #[case::by_port("1-1.2", "", "", "/dev/ttyUSB0")]
    #[case::by_port_and_kind("1-1.2", "1a86:7523", "", "/dev/ttyUSB0")]
    #[case::by_number("", "", "A9079L5D", "/dev/ttyUSB1")]
    #[case::by_all("1-1.4", "0403:6001", "A9079L5D", "/dev/ttyUSB1")]
    fn a_serial_port_is_found_where_its_document_says(
        #[case] port: &str,
        #[case] id: &str,
        #[case] serial: &str,
        #[case] path: &str,
    ) {
        let tree = Tree::new();
        three(&tree);
        let node = tree.sysfs().serial_port(&plug(port, id, serial));
        assert_eq!(node.map(|node| node.path), Ok(PathBuf::from(path)));
    }

    #[rstest]
    #[case::elsewhere(
        plug("1-1.3", "", ""),
        "no serial port at USB port 1-1.3; there is: /dev/ttyUSB0 at USB port 1-1.2 (1a86:7523)"
    )]
    #[case::no_serial_port(plug("1-1.5", "", ""), "no serial port at USB port 1-1.5")]
    #[case::another_kind(plug("1-1.2", "0403:6001", ""), "is 1a86:7523, where 0403:6001 is due")]
    #[case::another_number(plug("1-1.4", "", "A1"), "has the serial number A9079L5D, where A1 is due")]
    #[case::no_number(plug("1-1.2", "", "A1"), "has the serial number none, where A1 is due")]
    #[case::unknown_number(plug("", "", "A1"), "no serial port with the serial number A1")]
    #[case::nothing_said(plug("", "", ""), "no serial port with the serial number ")]
    fn one_that_is_not_the_right_one_is_refused(#[case] plug: Plug, #[case] said: &str) {
        let tree = Tree::new();
        three(&tree);
        let refusal = tree.sysfs().serial_port(&plug).expect_err("refused");
        assert!(refusal.what.contains(said) && !refusal.hint.is_empty(), "{refusal:?}");
    }

    #[rstest]
    #[case::two_ports_of_one_adapter(plug("1-1.2", "", ""), "several serial ports at USB port 1-1.2: /dev/ttyUSB0 at ")]
    #[case::two_of_one_number(plug("", "", "A9079L5D"), "several serial ports with the serial number A9079L5D: ")]
    fn two_that_fit_are_refused(#[case] plug: Plug, #[case] said: &str) {
        let tree = Tree::new();
        three(&tree);
        tree.node("tty", "ttyUSB5", "1-1.2/1-1.2:1.1/ttyUSB5/tty/ttyUSB5");
        tree.usb("2-3", "0403", "6001", Some("A9079L5D"));
        tree.node("tty", "ttyUSB6", "2-3/2-3:1.0/ttyUSB6/tty/ttyUSB6");
        let refusal = tree.sysfs().serial_port(&plug).expect_err("refused");
        assert!(refusal.what.starts_with(said), "{refusal:?}");
    }

    #[test]
    fn a_name_below_a_folder_of_dev_is_written_with_a_slash() {
        let tree = Tree::new();
        tree.usb("1-1.2", "1a86", "7523", None);
        tree.node("tty", "pts!3", "1-1.2/1-1.2:1.0/pts!3");
        let node = tree.sysfs().serial_port(&plug("1-1.2", "", ""));
        assert_eq!(node.map(|node| node.path), Ok(PathBuf::from("/dev/pts/3")));
    }

    #[test]
    fn a_host_without_any_says_so() {
        assert_eq!(Tree::new().sysfs().serial_ports(), Ok(vec![]));
        let refusal = Tree::new().sysfs().serial_port(&plug("1-1", "", "")).expect_err("none");
        assert_eq!(refusal.what, "no serial port at USB port 1-1; there is: nothing");
    }

    #[test]
    fn what_a_hid_calls_itself_is_read() {
        let tree = Tree::new();
        three(&tree);
        tree.file("bus/usb/devices/1-1.5/product", b"USBRelay2\n");
        let hids = tree.sysfs().hids().expect("listed");
        assert_eq!(
            hids.iter().map(|hid| (hid.path.to_str(), hid.product.as_deref())).collect::<Vec<_>>(),
            [(Some("/dev/hidraw3"), Some("USBRelay2"))]
        );
    }
}
