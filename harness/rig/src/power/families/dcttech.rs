//! The protocol of the HID relay boards `USBRelay1` to `USBRelay8` (DCTTech and clones): feature reports of eight bytes.
//!
//! Their USB id, 16c0:05df, is shared by anything that is made with V-USB: what does not call itself a relay board is left
//! alone, and one that has another number of relays than its document says is refused. Their serial number, five characters,
//! is no USB serial number: the board is asked for it. Whether a report begins with its own number differs between drivers, so
//! the position of the serial number tells where the relays are.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::{
    power::{
        hid::{self, Reports},
        line::Line,
        word,
    },
    usb::{Node, Port, Sysfs, listed},
};

const SPACING: Duration = Duration::from_millis(50);
const ID: &str = "16c0:05df";
const PRODUCT: &str = "USBRelay";
/// The bytes of a report.
const LENGTH: usize = 8;
const ON: u8 = 0xFF;
const OFF: u8 = 0xFD;
/// The characters of a serial number.
const CHARACTERS: usize = 5;
/// Where in a report the relays are.
const RELAYS: usize = 7;
const CABLE: &str = "check the board's USB cable and its hub";

/// A board.
pub(super) struct DctTech {
    member: String,
    document: document::DctTech,
    channels: u8,
    sysfs: Sysfs,
    open: Option<Box<dyn Reports>>,
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    serial: String,
    relays: u8,
}

impl DctTech {
    pub(super) fn new(member: &str, document: &document::DctTech, channels: u8) -> Self {
        let sysfs = Sysfs::host();
        Self { member: member.to_owned(), document: document.clone(), channels, sysfs, open: None }
    }

    fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    /// The boards of this host that may be meant.
    fn candidates(&self) -> Result<Vec<Node>, InfrastructureFault> {
        let port = self.document.usb.as_deref().map(str::parse::<Port>).transpose();
        let port = port.map_err(|e| self.fault(e).hint("write the port that `rigtone rig list` shows"))?;
        let hids = self.sysfs.hids().map_err(|refusal| self.fault(refusal.what).hint(refusal.hint))?;
        let (boards, others): (Vec<Node>, Vec<Node>) = hids.into_iter().partition(|hid| relays_of(hid).is_some());
        let found: Vec<Node> = boards
            .iter()
            .filter(|board| port.as_ref().is_none_or(|port| board.device.port == *port))
            .cloned()
            .collect();
        if found.is_empty() {
            let there: Vec<String> = boards.iter().chain(&others).map(ToString::to_string).collect();
            let at = port.map_or_else(|| "on any USB port".to_owned(), |port| format!("at USB port {port}"));
            let what = format!("no relay board that calls itself {PRODUCT} {at}; there is: {}", listed(&there));
            return Err(self.fault(what).hint("plug the board in there, or correct the rig file"));
        }
        Ok(found)
    }

    /// Opens the one that is meant: at its USB port, or by the serial number that it says.
    fn find(&self) -> Result<Box<dyn Reports>, InfrastructureFault> {
        let mut found: Vec<(Node, Box<dyn Reports>)> = Vec::new();
        let (mut said, mut failed) = (Vec::new(), None);
        for node in self.candidates()? {
            let asked = hid::open(&self.member, &node).and_then(|mut open| Ok((self.ask(&mut *open)?, open)));
            match asked {
                Ok((Said { serial, .. }, _)) if self.document.serial.as_ref().is_some_and(|due| *due != serial) => {
                    said.push(format!("{serial} at USB port {}", node.device.port));
                }
                Ok((_, open)) => found.push((node, open)),
                // One that cannot be asked may be the one that is meant.
                Err(fault) => failed = Some(fault),
            }
        }
        let due = self.document.serial.as_deref().unwrap_or_default();
        match (found.pop(), failed) {
            (Some((node, open)), _) if found.is_empty() => {
                let (has, due) = (relays_of(&node).unwrap_or_default(), self.channels);
                if has != due {
                    let what = format!("it calls itself a board with {has} channels, where {due} are due");
                    return Err(self
                        .fault(what)
                        .hint("correct `channels` in the rig file, or plug the right board in"));
                }
                Ok(open)
            }
            (Some(_), _) => Err(self
                .fault(format!("several boards have the serial number {due}"))
                .hint("name the one that is meant by `usb`, or give one of them another serial number")),
            (None, Some(fault)) => Err(fault),
            (None, None) => Err(self
                .fault(format!("no board has the serial number {due}; there is: {}", listed(&said)))
                .hint("plug the right board in, or correct `serial` in the rig file")),
        }
    }

    fn ask(&self, open: &mut dyn Reports) -> Result<Said, InfrastructureFault> {
        let report = open.take().map_err(|e| self.fault(format!("asking for its report failed: {e}")).hint(CABLE))?;
        said(&report).ok_or_else(|| {
            let shown: Vec<String> = report.iter().map(|byte| format!("{byte:02X}")).collect();
            let what = format!("asking for its report: it answered {}, which is no report", shown.join(" "));
            self.fault(what).hint("see with another program whether the board has a serial number of five characters")
        })
    }

    fn with<T>(
        &mut self,
        does: impl FnOnce(&Self, &mut dyn Reports) -> Result<T, InfrastructureFault>,
    ) -> Result<T, InfrastructureFault> {
        self.open()?;
        let Some(mut open) = self.open.take() else { return Err(self.fault("no board is open")) };
        let done = does(self, &mut *open);
        // Whatever failed: the next call looks for the board again.
        self.open = done.is_ok().then_some(open);
        done
    }
}

impl Line for DctTech {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        if self.open.is_none() {
            self.open = Some(self.find()?);
        }
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        self.with(|board, open| {
            let doing = format!("switching channel {channel} {}", word(on));
            open.give(&order(channel, on)).map_err(|e| board.fault(format!("{doing} failed: {e}")).hint(CABLE))
        })?;
        Ok(None)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let Said { relays, .. } = self.with(Self::ask)?;
        match 1_u8.checked_shl(u32::from(channel.get()) - 1) {
            Some(bit) => Ok(Some(relays & bit != 0)),
            None => Err(self.fault(format!("there is no channel {channel}; it has at most 8"))),
        }
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        if self.with(Self::ask).is_ok() { Ok(()) } else { self.with(Self::ask).map(drop) }
    }

    fn spacing(&self) -> Duration {
        SPACING
    }
}

/// How many relays a HID says that it has, if it is such a board.
fn relays_of(hid: &Node) -> Option<u8> {
    let number = hid.product.as_deref()?.strip_prefix(PRODUCT)?;
    number.parse().ok().filter(|relays| hid.device.id == ID && (1..=8).contains(relays))
}

fn order(channel: NonZeroU8, on: bool) -> [u8; LENGTH] {
    [if on { ON } else { OFF }, channel.get(), 0, 0, 0, 0, 0, 0]
}

/// What a report says, wherever in the buffer it begins.
fn said(report: &[u8]) -> Option<Said> {
    (0..=1).find_map(|begin| {
        let bytes = report.get(begin..begin + LENGTH)?;
        let serial = &bytes[..CHARACTERS];
        let serial = serial.iter().all(u8::is_ascii_graphic).then(|| String::from_utf8_lossy(serial).into_owned())?;
        Some(Said { serial, relays: bytes[RELAYS] })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::{UsbDevice, tree::Tree};
    use proptest::prelude::*;
    use rstest::rstest;
    use std::sync::{Arc, Mutex};

    fn number(channel: u8) -> NonZeroU8 {
        NonZeroU8::new(channel).expect("from 1")
    }

    #[rstest]
    #[case(1, true, [0xFF, 1, 0, 0, 0, 0, 0, 0])]
    #[case(8, false, [0xFD, 8, 0, 0, 0, 0, 0, 0])]
    fn orders_are_reports(#[case] channel: u8, #[case] on: bool, #[case] bytes: [u8; 8]) {
        assert_eq!(order(number(channel), on), bytes);
    }

    #[rstest]
    #[case::raw(b"HURTM\0\0\x05", Some(("HURTM", 5)))]
    #[case::behind_its_number(b"\0HURTM\0\0\x05", Some(("HURTM", 5)))]
    #[case::padded(b"\0HURTM\0\0\x05\0\0\0", Some(("HURTM", 5)))]
    #[case::short(b"HURTM\0\0", None)]
    #[case::short_behind_its_number(b"\0HURTM\0\0", None)]
    #[case::not_printable(b"\0HU\x1bTM\0\0\x05", None)]
    #[case::nothing(b"", None)]
    fn the_serial_number_tells_where_the_relays_are(#[case] report: &[u8], #[case] found: Option<(&str, u8)>) {
        assert_eq!(said(report), found.map(|(serial, relays)| Said { serial: serial.into(), relays }));
    }

    #[rstest]
    #[case("16c0:05df", Some("USBRelay2"), Some(2))]
    #[case::of_others("16c0:05df", Some("Thermometer"), None)]
    #[case::without_a_name("16c0:05df", None, None)]
    #[case::without_a_number("16c0:05df", Some("USBRelay"), None)]
    #[case::too_many("16c0:05df", Some("USBRelay16"), None)]
    #[case::another_id("5131:2007", Some("USBRelay2"), None)]
    fn only_what_calls_itself_a_board_is_one(
        #[case] id: &str,
        #[case] product: Option<&str>,
        #[case] relays: Option<u8>,
    ) {
        let device = UsbDevice { port: "1-2".parse().expect("a port"), id: id.into(), serial: None };
        let node = Node { path: "/dev/hidraw0".into(), device, product: product.map(str::to_owned) };
        assert_eq!(relays_of(&node), relays);
    }

    /// A board in memory, which checks each byte.
    #[derive(Default)]
    struct Fake {
        relays: u8,
        sticks: bool,
        away: bool,
        garbage: bool,
    }

    struct Shared(Arc<Mutex<Fake>>);

    impl Reports for Shared {
        fn give(&mut self, report: &[u8]) -> Result<(), String> {
            let mut fake = self.0.lock().expect("not poisoned");
            if fake.away {
                return Err("No such device".into());
            }
            let &[operation @ (0xFF | 0xFD), relay @ 1..=2, 0, 0, 0, 0, 0, 0] = report else { panic!("{report:02x?}") };
            let bit = 1 << (relay - 1);
            if !fake.sticks {
                fake.relays = if operation == 0xFF { fake.relays | bit } else { fake.relays & !bit };
            }
            Ok(())
        }

        fn take(&mut self) -> Result<Vec<u8>, String> {
            let fake = self.0.lock().expect("not poisoned");
            match (fake.away, fake.garbage) {
                (true, _) => Err("No such device".into()),
                (_, true) => Ok(vec![0; 9]),
                _ => Ok([b"\0HURTM\0\0".as_slice(), &[fake.relays]].concat()),
            }
        }
    }

    fn board(tree: &Tree, fake: Fake) -> (DctTech, Arc<Mutex<Fake>>) {
        let document = document::DctTech { usb: Some("1-2".into()), serial: None };
        let fake = Arc::new(Mutex::new(fake));
        let open: Box<dyn Reports> = Box::new(Shared(fake.clone()));
        let sysfs = tree.sysfs();
        (DctTech { sysfs, open: Some(open), ..DctTech::new("relay b", &document, 2) }, fake)
    }

    #[test]
    fn it_is_switched_and_says_so() {
        let tree = Tree::new();
        let (mut board, _) = board(&tree, Fake::default());
        for (channel, on) in [(1, true), (2, true), (1, false)] {
            board.switch(number(channel), on).expect("switched");
            assert_eq!(board.position(number(channel)), Ok(Some(on)));
        }
        assert_eq!(board.position(number(2)), Ok(Some(true)), "the other one stays");
        assert_eq!(board.alive(), Ok(()));
    }

    #[test]
    fn one_that_sticks_says_where_it_is() {
        let tree = Tree::new();
        let (mut board, _) = board(&tree, Fake { sticks: true, ..Fake::default() });
        board.switch(number(1), true).expect("taken");
        assert_eq!(board.position(number(1)), Ok(Some(false)));
    }

    #[test]
    fn one_that_was_unplugged_is_looked_for_again() {
        let tree = Tree::new();
        let (mut board, fake) = board(&tree, Fake::default());
        fake.lock().expect("not poisoned").away = true;
        let fault = board.switch(number(1), true).expect_err("away");
        assert!(
            fault.what.contains("switching channel 1 on failed: No such device") && fault.hint.is_some(),
            "{fault}"
        );
        let fault = board.alive().expect_err("away");
        assert!(fault.what.contains("at USB port 1-2; there is: nothing"), "{fault}");
    }

    #[test]
    fn a_report_that_is_none_is_shown() {
        let tree = Tree::new();
        let (mut board, _) = board(&tree, Fake { garbage: true, ..Fake::default() });
        let fault = board.position(number(1)).expect_err("garbage");
        assert!(fault.what.contains("it answered 00 00 00 00 00 00 00 00 00, which is no report"), "{fault}");
    }

    #[test]
    fn what_is_there_instead_is_told() {
        let tree = Tree::new();
        tree.usb("1-3", "16c0", "05df", None);
        tree.node("hidraw", "hidraw0", "1-3/1-3:1.0/hidraw/hidraw0");
        tree.file("bus/usb/devices/1-3/product", b"Thermometer\n");
        let (board, _) = board(&tree, Fake::default());
        let fault = board.candidates().expect_err("no board");
        assert!(fault.what.contains("there is: /dev/hidraw0 at USB port 1-3 (16c0:05df)"), "{fault}");
    }

    proptest! {
        #[test]
        fn whatever_is_received_is_read(report in prop::collection::vec(any::<u8>(), 0..16)) {
            let _ = said(&report);
        }
    }
}
