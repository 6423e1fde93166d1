//! Hosts that are trees in temporary folders.

use std::path::PathBuf;

use rigtone_model::{
    check::{Vocabulary, check},
    diagnostic::Diagnostic,
    load::{self, SourceFile},
};
use rstest::rstest;

use super::{sound::tests::HEADSET, *};
use crate::usb::tree::Tree;

/// `sys` lies below the root of a host.
fn sys(tree: &Tree) -> Tree {
    Tree::below(&tree.path("sys"))
}

fn host(tree: &Tree) -> Host {
    Host::below(&tree.path(""))
}

fn dongles(sys: &Tree) {
    sys.usb("1-2.3", "0a12", "0001", None);
    sys.link(Class::Bluetooth, 0, "1-2.3/1-2.3:1.0/bluetooth/hci0");
    sys.file("bus/usb/devices/1-2.3/product", b"CSR8510 A10\n");
    sys.file("bus/usb/devices/1-2:1.0/1-2-port3/disable", b"0\n");
    sys.file("bus/usb/devices/1-2:1.0/1-2-port1/disable", b"0\n");
    sys.link_to(Class::Bluetooth, 1, "devices/platform/serial0/bluetooth/hci1");
}

fn boards(tree: &Tree, sys: &Tree) {
    for (number, port, vendor, product) in
        [(0, "1-1.4", "1a86", "7523"), (1, "1-1.3", "0403", "6001"), (10, "1-1.2", "ffff", "0001")]
    {
        sys.usb(port, vendor, product, None);
        let folder = format!("devices/pci0/usb1/{port}/{port}:1.0/ttyUSB{number}/tty/ttyUSB{number}");
        sys.folder(&folder);
        sys.symlink(&format!("class/tty/ttyUSB{number}"), &format!("../../{folder}"));
        if number < 10 {
            for name in ["usb", "usbv2"] {
                let link = format!("dev/serial/by-path/pci-0000:00:14.0-{name}-0:{}:1.0-port0", &port[2..]);
                tree.symlink(&link, &format!("../../ttyUSB{number}"));
            }
        }
    }
    sys.folder("devices/platform/serial8250/tty/ttyS0");
    sys.symlink("class/tty/ttyS0", "../../devices/platform/serial8250/tty/ttyS0");
}

fn hid(sys: &Tree) {
    for (number, port, product) in [(0, "1-3", "USBRelay4"), (1, "1-4", "Some keyboard")] {
        sys.usb(port, "16c0", "05df", None);
        sys.file(&format!("bus/usb/devices/{port}/product"), product.as_bytes());
        let folder = format!("devices/pci0/usb1/{port}/{port}:1.0/0003:16C0:05DF/hidraw/hidraw{number}");
        sys.folder(&folder);
        sys.symlink(&format!("class/hidraw/hidraw{number}"), &format!("../../{folder}"));
    }
}

fn cards(tree: &Tree, sys: &Tree) {
    sys.usb("1-2.4", "0d8c", "0014", Some("S1"));
    sys.link(Class::Sound, 1, "1-2.4/1-2.4:1.0/sound/card1");
    sys.file("class/sound/pcmC1D0c", b"");
    sys.file("devices/pci0/usb1/1-2.4/1-2.4:1.0/sound/card1/id", b"Device\n");
    tree.file("proc/asound/card1/stream0", HEADSET.as_bytes());
    // One of the board, which the driver for USB says nothing of, and one that only plays.
    sys.link_to(Class::Sound, 0, "devices/pci0/0000:00:1f.3/sound/card0");
    sys.file("class/sound/pcmC0D0c", b"");
    sys.file("devices/pci0/0000:00:1f.3/sound/card0/id", b"PCH\n");
    sys.link_to(Class::Sound, 2, "devices/pci0/0000:00:03.0/sound/card2");
    sys.file("class/sound/pcmC2D3p", b"");
}

fn lab() -> Tree {
    let tree = Tree::new();
    let sys = sys(&tree);
    dongles(&sys);
    boards(&tree, &sys);
    hid(&sys);
    cards(&tree, &sys);
    tree
}

fn addresses() -> Result<BTreeMap<u32, String>, String> {
    Ok([(0, "00:1A:7D:DA:71:13".to_owned()), (1, "00:1A:7D:DA:71:14".to_owned())].into())
}

#[test]
fn a_lab_is_seen_as_it_is_plugged_in() {
    let tree = lab();
    let found = Plugged::with(&host(&tree), addresses());
    assert_eq!(found.unknown, [""; 0]);
    let dongles: Vec<_> =
        found.dongles.iter().map(|d| (&d.kernel[..], d.plug.usb.as_deref(), d.plug.hub_port)).collect();
    assert_eq!(dongles, [("hci0", Some("1-2.3"), Some(Switchable::Yes)), ("hci1", None, None)]);
    let ports: Vec<_> = found.serial_ports.iter().map(|p| (&p.kernel[..], p.adapter, p.by_path.as_deref())).collect();
    let by_path = |port| format!("/dev/serial/by-path/pci-0000:00:14.0-usb-0:{port}:1.0-port0");
    let (first, second) = (by_path("1.4"), by_path("1.3"));
    assert_eq!(
        ports,
        [
            ("/dev/ttyUSB0", Some("CH340"), Some(&first[..])),
            ("/dev/ttyUSB1", Some("FTDI FT232/FT245"), Some(&second[..])),
            ("/dev/ttyUSB10", None, None),
        ]
    );
    let hid: Vec<_> = found.hid_relays.iter().map(|h| (&h.kernel[..], h.channels)).collect();
    assert_eq!(hid, [("/dev/hidraw0", Some(4))]);
    let captures: Vec<_> =
        found.captures.iter().map(|c| (&c.card[..], c.plug.usb.as_deref(), c.offers.len())).collect();
    assert_eq!(captures, [("PCH", None, 0), ("Device", Some("1-2.4"), 2)]);
    assert_eq!(found.hubs, [FoundHub { hub: "1-2".into(), ports: 2, switchable: 2 }]);
}

/// Everything that is wrong with a document as it stands in `rigs/lab.yaml`, beside the devices of the repository.
fn faults(text: &str) -> Vec<Diagnostic> {
    let repository = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let (mut files, unread) = load::read(&[repository.join("devices/rigtone")]);
    assert_eq!(unread, []);
    files.push(SourceFile { path: "rigs/lab.yaml".into(), bytes: text.as_bytes().to_vec() });
    let loaded = load::load(files);
    let mut faults = loaded.diagnostics;
    faults.extend(check(&loaded.library, &Vocabulary { stimuli: &[], rates: &[] }));
    faults.retain(|fault| fault.path.ends_with("lab.yaml"));
    faults
}

/// Does what the document asks its reader to do.
fn filled_in(text: &str) -> String {
    let blanks = [
        ("___: {usb", "lcus: {usb"),
        ("___: {port", "lcus: {port"),
        ("channels: ___", "channels: 4"),
        ("channel: ___", "channel: 2"),
        ("rate: ___", "rate: 48000"),
        ("device: ___", "device: rigtone/virtual-speaker"),
        ("firmware: ___", "firmware: \"1\""),
        ("address: ___", "address: \"D2:00:00:00:00:01\""),
        ("distance: ___", "distance: 0.3 m"),
    ];
    blanks.iter().fold(text.replace(PART, ""), |text, (blank, value)| text.replace(blank, value))
}

fn nothing(_: &Tree) {}
fn whole(tree: &Tree) {
    let sys = sys(tree);
    dongles(&sys);
    boards(tree, &sys);
    hid(&sys);
    cards(tree, &sys);
}
fn only_dongles(tree: &Tree) {
    dongles(&sys(tree));
}
fn only_boards(tree: &Tree) {
    boards(tree, &sys(tree));
}
fn only_a_card_of_the_board(tree: &Tree) {
    let sys = sys(tree);
    sys.link_to(Class::Sound, 0, "devices/pci0/0000:00:1f.3/sound/card0");
    sys.file("class/sound/pcmC0D0c", b"");
    dongles(&sys);
}
fn a_card_in_another_format(tree: &Tree) {
    let sys = sys(tree);
    cards(tree, &sys);
    tree.file("proc/asound/card1/stream0", HEADSET.replace("S16_LE", "S24_3LE").as_bytes());
}

#[rstest]
#[case::whole(whole, true)]
#[case::only_dongles(only_dongles, true)]
#[case::only_a_card_of_the_board(only_a_card_of_the_board, true)]
// A rig has a unit at least: without dongles that is one to be filled in.
#[case::nothing(nothing, false)]
#[case::only_boards(only_boards, false)]
#[case::a_card_in_another_format(a_card_in_another_format, false)]
fn what_is_suggested_is_a_rigs_document(#[case] plant: fn(&Tree), #[case] at_once: bool) {
    let tree = Tree::new();
    plant(&tree);
    let text = document(&Plugged::with(&host(&tree), addresses()), "lab");
    let told = |faults: &[Diagnostic]| faults.iter().map(|f| format!("{f:?}\n")).collect::<String>();
    let as_it_is = faults(&text);
    assert_eq!(as_it_is.is_empty(), at_once, "{text}\n{}", told(&as_it_is));
    let filled = filled_in(&text);
    let rest = faults(&filled);
    assert!(rest.is_empty(), "{filled}\n{}", told(&rest));
    let blanks = |line: &&str| line.contains(BLANK) && !line.trim_start().starts_with("# ");
    assert_eq!(filled.lines().find(blanks), None, "a blank that the test does not know");
}

#[test]
fn a_board_is_never_given_a_family_and_an_address_is_never_made_up() {
    let tree = lab();
    let text = document(&Plugged::with(&host(&tree), Err("the kernel does not say".into())), "lab");
    for said in [
        "# Families that use such an adapter: lcus, modbus-rtu, sainsmart",
        "#:     ___: {usb: \"1-1.4\", usb-id: \"1a86:7523\"}",
        "#:     dcttech: {usb: \"1-3\"}",
        "No family of relay boards is known to use it",
        "alsa: {usb: \"1-2.4\", usb-id: \"0d8c:0014\", rate: 48000, channels: 1, channel: 1}",
        "Not known: the addresses of the dongles: the kernel does not say",
        "Left out: hci0 at USB port 1-2.3 (0a12:0001): its address is not known",
        "/dev/hidraw0 (USBRelay4) at USB port 1-3 (16c0:05df): a HID relay",
    ] {
        assert!(text.contains(said), "`{said}` is not said:\n{text}");
    }
    let live = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    assert!(!live.into_iter().any(|line| line.contains("lcus") || line.starts_with("dongles")), "{text}");
}

#[test]
fn the_ports_of_one_adapter_are_told_by_their_paths() {
    let tree = Tree::new();
    let sys = sys(&tree);
    sys.usb("1-4", "0403", "6011", Some("FT1"));
    for number in 0..2 {
        let folder = format!("devices/pci0/usb1/1-4/1-4:1.{number}/ttyUSB{number}/tty/ttyUSB{number}");
        sys.folder(&folder);
        sys.symlink(&format!("class/tty/ttyUSB{number}"), &format!("../../{folder}"));
        tree.symlink(&format!("dev/serial/by-path/pci-usb-0:4:1.{number}-port0"), &format!("../../ttyUSB{number}"));
    }
    let text = document(&Plugged::with(&host(&tree), addresses()), "lab");
    for number in 0..2 {
        let said = format!("___: {{port: \"/dev/serial/by-path/pci-usb-0:4:1.{number}-port0\"}}");
        assert!(text.contains(&said), "{text}");
    }
}

#[test]
fn dongles_of_one_address_are_left_out() {
    let tree = lab();
    let one = "11:22:33:44:55:66".to_owned();
    let text = document(&Plugged::with(&host(&tree), Ok([(0, one.clone()), (1, one)].into())), "lab");
    assert!(text.contains("its address is none, or not its alone") && !text.contains("\ndongles:"), "{text}");
}

#[test]
fn names_that_makers_chose_end_no_comment() {
    let tree = lab();
    tree.file("sys/bus/usb/devices/1-2.3/product", b"x\nunits: {}\x1b[2J\n");
    let text = document(&Plugged::with(&host(&tree), addresses()), "lab");
    assert!(!text.contains('\u{1b}') && !text.contains("\nunits: {}"), "{text}");
}

#[test]
fn a_dongle_that_is_blocked_is_told_with_what_to_do() {
    let tree = lab();
    for (attribute, value) in [("name", "hci0"), ("type", "bluetooth"), ("soft", "1"), ("hard", "0")] {
        tree.file(&format!("sys/class/rfkill/rfkill0/{attribute}"), value.as_bytes());
    }
    let text = document(&Plugged::with(&host(&tree), addresses()), "lab");
    assert!(text.contains("It is blocked by software (rfkill0); run `rfkill unblock bluetooth`"), "{text}");
}

#[test]
fn a_host_that_tells_nothing_is_no_fault() {
    let tree = Tree::new();
    assert_eq!(Plugged::with(&host(&tree), Err("no Bluetooth".into())), Plugged::default());
}
