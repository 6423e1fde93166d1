//! Which of the host's controllers is the dongle that a rig's document means.

use crate::{
    capability::Address,
    usb::{Place, PlaceError, Port, Refusal, expected, listed},
};

/// A dongle as its document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its address.
    pub address: Address,
    /// Where it is plugged in, if that is stated.
    pub usb: Option<Port>,
    /// Its USB vendor and product, if they are stated.
    pub usb_id: Option<String>,
}

/// A controller that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// What the kernel calls it now, such as `hci0`.
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) place: Result<Place, PlaceError>,
}

impl Seen {
    fn at(&self) -> String {
        match &self.place {
            Ok(place) => format!("{} at {place}", self.name),
            Err(e) => format!("{} at an unknown place: {e}", self.name),
        }
    }

    fn port(&self) -> Option<&Port> {
        self.place.as_ref().ok().and_then(Place::port)
    }
}

/// Why no controller is the dongle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// It is not there, and nothing is in its place: it may come back.
    Missing(Refusal),
    /// What is there contradicts the document: a person has to look.
    Wrong(Refusal),
}

/// The controller that is the dongle. One alone may have its address: copied addresses break paging.
pub(super) fn identify<'a>(wanted: &Wanted, there: &'a [Seen]) -> Result<&'a Seen, Mismatch> {
    let address = wanted.address;
    let wrong = |what: String, hint: &str| Err(Mismatch::Wrong(Refusal::new(what, hint)));
    let ours: Vec<&Seen> = there.iter().filter(|seen| seen.address == address).collect();
    let in_its_place = |seen: &&Seen| wanted.usb.is_some() && seen.port() == wanted.usb.as_ref();
    match ours.as_slice() {
        [one] => identified(wanted, one),
        [] => {
            if let (Some(port), Some(other)) = (&wanted.usb, there.iter().find(in_its_place)) {
                let what =
                    format!("{} at USB port {port} has the address {}, not {address}", other.name, other.address);
                return wrong(what, "plug the right dongle in there, or correct `address` in the rig file");
            }
            let others: Vec<String> = there.iter().map(|seen| format!("{} ({})", seen.address, seen.at())).collect();
            let due = wanted.usb.as_ref().map(|port| format!(", which is due at USB port {port}")).unwrap_or_default();
            let what = format!("no dongle with the address {address}{due}; there is: {}", listed(&others));
            let hint = "plug it in, or correct the address in the rig file";
            Err(Mismatch::Missing(Refusal::new(what, hint)))
        }
        several => {
            let places: Vec<String> = several.iter().map(|seen| seen.at()).collect();
            let what = format!("several dongles have the address {address}: {}", places.join("; "));
            wrong(what, "unplug all but one: copied addresses break paging")
        }
    }
}

fn identified<'a>(wanted: &Wanted, seen: &'a Seen) -> Result<&'a Seen, Mismatch> {
    let address = wanted.address;
    let wrong = |what: String, hint: &str| Err(Mismatch::Wrong(Refusal::new(what, hint)));
    let due = match (&wanted.usb, &wanted.usb_id) {
        (None, None) => return Ok(seen),
        (Some(port), _) => format!("USB port {port}"),
        (None, Some(id)) => format!("the USB device {id}"),
    };
    match &seen.place {
        // What cannot be verified is not taken for granted.
        Err(e) => wrong(format!("where {} hangs is unknown: {e}; {due} is due", seen.name), "see the kernel's log"),
        Ok(Place::Elsewhere(path)) => {
            let what = format!("{} ({address}) hangs on no USB port ({path}), where {due} is due", seen.name);
            wrong(what, "correct `usb` and `usb-id` in the rig file, or leave them out")
        }
        Ok(Place::Usb(device)) if wanted.usb.as_ref().is_some_and(|port| *port != device.port) => {
            let what = format!("{address} is {}, where {due} is due", seen.at());
            wrong(what, "plug it in there again, or correct `usb` in the rig file")
        }
        Ok(Place::Usb(device)) => {
            expected(wanted.usb_id.as_deref(), device).map_err(Mismatch::Wrong)?;
            Ok(seen)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::UsbDevice;
    use rstest::rstest;

    fn address(last: u8) -> Address {
        Address([0xAA, 0xBB, 0xCC, 0, 0, last])
    }

    fn seen(name: &str, last: u8, port: &str) -> Seen {
        let place = match port {
            "" => Ok(Place::Elsewhere(format!("devices/virtual/bluetooth/{name}"))),
            "?" => Err(PlaceError::Missing("class/bluetooth".into())),
            port => {
                let port = port.parse().expect("a port");
                Ok(Place::Usb(UsbDevice { port, id: "0a12:0001".into(), serial: None }))
            }
        };
        Seen { name: name.into(), address: address(last), place }
    }

    fn wanted(usb: &str, id: &str) -> Wanted {
        let usb = (!usb.is_empty()).then(|| usb.parse().expect("a port"));
        Wanted { address: address(1), usb, usb_id: (!id.is_empty()).then(|| id.to_owned()) }
    }

    #[rstest]
    #[case::by_address("", "", &[("hci0", 2, "1-1"), ("hci1", 1, "1-2.3")], "hci1")]
    #[case::by_address_and_port("1-2.3", "0a12:0001", &[("hci0", 2, "1-1"), ("hci1", 1, "1-2.3")], "hci1")]
    #[case::under_another_number("1-2.3", "", &[("hci7", 1, "1-2.3")], "hci7")]
    #[case::elsewhere("", "", &[("hci0", 1, "")], "hci0")]
    #[case::unknown_and_not_stated("", "", &[("hci0", 1, "?")], "hci0")]
    fn a_dongle_is_found_by_what_is_stated(
        #[case] usb: &str,
        #[case] id: &str,
        #[case] there: &[(&str, u8, &str)],
        #[case] found: &str,
    ) {
        let there: Vec<Seen> = there.iter().map(|(name, last, port)| seen(name, *last, port)).collect();
        assert_eq!(identify(&wanted(usb, id), &there).map(|seen| seen.name.as_str()), Ok(found));
    }

    #[rstest]
    #[case::nothing("", "", &[], true, "no dongle with the address AA:BB:CC:00:00:01; there is: nothing")]
    #[case::others_only("", "", &[("hci0", 2, "1-1")], true, "there is: AA:BB:CC:00:00:02 (hci0 at USB port 1-1")]
    #[case::unplugged("1-2.3", "", &[("hci0", 2, "1-1")], true, "due at USB port 1-2.3; there is")]
    #[case::another_in_its_place("1-1", "", &[("hci0", 2, "1-1")], false, "hci0 at USB port 1-1 has the address AA:BB:CC:00:00:02, not")]
    #[case::another_port("1-2.3", "", &[("hci0", 1, "1-1")], false, "is hci0 at USB port 1-1 (0a12:0001), where USB port 1-2.3 is due")]
    #[case::another_kind("1-2.3", "8087:0029", &[("hci0", 1, "1-2.3")], false, "is 0a12:0001, where 8087:0029 is due")]
    #[case::another_kind_anywhere("", "8087:0029", &[("hci0", 1, "1-2.3")], false, "where 8087:0029 is due")]
    #[case::virtual_one("1-2.3", "", &[("hci0", 1, "")], false, "hangs on no USB port (devices/virtual/bluetooth/hci0)")]
    #[case::unknown("1-2.3", "", &[("hci0", 1, "?")], false, "where hci0 hangs is unknown")]
    #[case::duplicate("", "", &[("hci0", 1, "1-1"), ("hci1", 1, "1-2")], false, "several dongles have the address AA:BB:CC:00:00:01: hci0 at USB port 1-1")]
    #[case::duplicate_of_which_one_is_in_place("1-1", "", &[("hci0", 1, "1-1"), ("hci1", 1, "1-2")], false, "several dongles")]
    fn anything_else_is_refused_with_what_is_there(
        #[case] usb: &str,
        #[case] id: &str,
        #[case] there: &[(&str, u8, &str)],
        #[case] missing: bool,
        #[case] said: &str,
    ) {
        let there: Vec<Seen> = there.iter().map(|(name, last, port)| seen(name, *last, port)).collect();
        let mismatch = identify(&wanted(usb, id), &there).expect_err("refused");
        let (is_missing, refusal) = match mismatch {
            Mismatch::Missing(refusal) => (true, refusal),
            Mismatch::Wrong(refusal) => (false, refusal),
        };
        assert!(refusal.what.contains(said) && !refusal.hint.is_empty(), "{refusal:?}");
        assert_eq!(is_missing, missing);
    }
}
