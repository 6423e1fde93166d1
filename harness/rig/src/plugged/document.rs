//! A rig's document made of what is plugged in. What cannot be known is a part that is commented out, with how to find out.

use std::fmt::Write as _;

use super::{FoundCapture, FoundDongle, FoundHid, FoundPort, Offer, Plugged, Switchable};

/// What whoever reads the document has to fill in.
pub const BLANK: &str = "___";
/// Begins the lines that are part of the document once this is taken away.
pub const PART: &str = "#: ";

/// The format that microphones are recorded in.
const FORMAT: &str = "S16_LE";
/// The rates that recordings may have, the better one first.
const RATES: [u32; 2] = [48_000, 44_100];
/// The most channels that a document may name.
const CHANNELS: u16 = 8;
/// No line of explanations is longer.
const WIDTH: usize = 110;

/// The document of a rig of that id. With every [`PART`] taken away and every [`BLANK`] filled in it passes `rigtone check`.
pub fn document(plugged: &Plugged, id: &str) -> String {
    let mut text = Text(String::new());
    text.remark(
        0,
        &format!(
            "What is plugged into this host. Save it as rigs/{id}.yaml. A line that begins with `{}` is a part that nobody can see \
             from here: take the `{}` away from what your rig has, delete the rest, and fill in each {BLANK}. Then run \
             `rigtone check rigs/{id}.yaml devices` and `rigtone rig check rigs/{id}.yaml`.",
            PART.trim_end(),
            PART.trim_end()
        ),
    );
    for unknown in &plugged.unknown {
        text.remark(0, &format!("Not known: {unknown}"));
    }
    text.line(0, &format!("rig: {id}"));
    text.line(0, "title: What is plugged into this host");
    text.line(0, "world: hardware");
    text.blank();
    text.remark(0, "What sounds in a room is heard by its microphones; rooms that hear each other are one.");
    text.line(0, "rooms:");
    text.line(1, "room-1: {}");
    let dongles = known_dongles(plugged);
    text.dongles(plugged, &dongles);
    text.relays(&plugged.serial_ports, &plugged.hid_relays);
    let microphone = text.microphones(&plugged.captures);
    let boards = plugged.serial_ports.len() + plugged.hid_relays.len() > 0;
    text.units(&dongles, microphone.as_deref(), boards);
    text.0
}

/// Those that a document can name: by an address that is theirs alone.
fn known_dongles(plugged: &Plugged) -> Vec<(&FoundDongle, &str)> {
    let named = |address: &str| plugged.dongles.iter().filter(|d| d.address.as_deref() == Some(address)).count();
    let known = plugged.dongles.iter().filter_map(|dongle| Some((dongle, dongle.address.as_deref()?)));
    known.filter(|(_, address)| *address != "00:00:00:00:00:00" && named(address) == 1).collect()
}

struct Text(String);

impl Text {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{:1$}{text}", "", 2 * depth);
    }

    /// A line that is commented out until somebody fills it in.
    fn part(&mut self, depth: usize, inner: usize, text: &str) {
        self.line(depth, &format!("{PART}{:1$}{text}", "", 2 * inner));
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }

    /// A comment in as many lines as it needs.
    fn remark(&mut self, depth: usize, text: &str) {
        let mut line = String::new();
        // Names of devices are their makers': they may not end a comment.
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        for word in plain.split_whitespace() {
            if !line.is_empty() && 2 * depth + 3 + line.chars().count() + word.chars().count() > WIDTH {
                self.line(depth, &format!("# {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(depth, &format!("# {line}"));
    }

    fn dongles(&mut self, plugged: &Plugged, known: &[(&FoundDongle, &str)]) {
        self.blank();
        if known.is_empty() {
            self.remark(0, "No dongle that a document could name. See `rigtone rig list` and `bluetoothctl list`.");
        } else {
            self.line(0, "dongles:");
        }
        for (number, (dongle, address)) in (1..).zip(known) {
            let product = dongle.plug.product.as_deref().unwrap_or("no name");
            self.remark(1, &format!("{product}, {} at {}", dongle.kernel, dongle.plug.place));
            if let Some(blocked) = &dongle.blocked {
                self.remark(1, &format!("It is {blocked}"));
            }
            self.line(1, &format!("dongle-{number}:"));
            self.line(2, &format!("address: \"{address}\""));
            match (&dongle.plug.usb, &dongle.plug.usb_id) {
                (Some(usb), Some(id)) => {
                    self.line(2, &format!("usb: \"{usb}\""));
                    self.line(2, &format!("usb-id: \"{id}\""));
                    self.recover(dongle.plug.hub_port);
                }
                _ => self.remark(2, "It is on no USB port: its address alone tells it."),
            }
            self.remark(2, "What goes over the air, as evidence; needs CAP_NET_RAW (`rigtone rig check` says whether it is there).");
            self.part(2, 0, "capture: without-keys");
        }
        for dongle in
            plugged.dongles.iter().filter(|dongle| !known.iter().any(|(other, _)| other.kernel == dongle.kernel))
        {
            let why = match &dongle.address {
                None => "its address is not known",
                Some(_) => "its address is none, or not its alone; another dongle of another maker will do",
            };
            self.remark(1, &format!("Left out: {} at {}: {why}", dongle.kernel, dongle.plug.place));
        }
    }

    fn recover(&mut self, hub_port: Option<Switchable>) {
        let how = match hub_port {
            None => return,
            Some(Switchable::Yes) => "this user may switch it",
            Some(Switchable::NotPermitted) => "this user may not switch it: install rigs/udev/70-rigtone.rules",
        };
        self.remark(
            2,
            &format!(
                "The kernel can switch the hub's port, and {how}. Whether the hub really cuts the supply only a look at the \
                 dongle's light tells; either way the dongle leaves the bus and comes back."
            ),
        );
        self.part(2, 0, "recover: {hub-port: {}}");
    }

    fn relays(&mut self, ports: &[FoundPort], hid: &[FoundHid]) {
        self.blank();
        if ports.is_empty() && hid.is_empty() {
            self.remark(
                0,
                "No serial port on USB and no HID relay: no relay board is plugged in, or its driver is missing.",
            );
            return;
        }
        self.remark(
            0,
            "Which protocol a board speaks cannot be seen, and is never tried: a question to one family is an order to another. \
             It stands in the shop's page or the manual; its name takes the first blank of a board.",
        );
        self.part(0, 0, "relays:");
        let mut number = 0;
        for port in ports {
            number += 1;
            let chip = port.adapter.unwrap_or("an adapter that is not known");
            let product = port.plug.product.as_deref().unwrap_or("no name");
            self.remark(1, &format!("{} ({chip}, {product}) at {}", port.kernel, port.plug.place));
            if port.families.is_empty() {
                self.remark(1, "No family of relay boards is known to use it; it may be no relay board at all.");
            } else {
                self.remark(1, &format!("Families that use such an adapter: {}", port.families.join(", ")));
            }
            // Where an adapter has several ports, its USB port does not tell them apart.
            let alone = ports.iter().filter(|other| other.plug.usb == port.plug.usb).count() == 1;
            let place = match (&port.plug.usb, &port.plug.usb_id) {
                (Some(usb), Some(id)) if alone => format!("usb: \"{usb}\", usb-id: \"{id}\""),
                _ => format!("port: \"{}\"", port.by_path.as_deref().unwrap_or(&port.kernel)),
            };
            if let Some(serial) = port.plug.serial.as_deref().filter(|_| alone) {
                self.remark(
                    1,
                    &format!("Its serial number is {serial}: `serial` in place of `usb` finds it on any port."),
                );
            }
            self.part(0, 1, &format!("board-{number}:"));
            self.part(0, 2, &format!("{BLANK}: {{{place}}}"));
            self.part(0, 2, &format!("channels: {BLANK}"));
        }
        for board in hid {
            number += 1;
            let product = board.plug.product.as_deref().unwrap_or_default();
            self.remark(1, &format!("{} ({product}) at {}: a HID relay", board.kernel, board.plug.place));
            let usb = board.plug.usb.as_deref().unwrap_or(BLANK);
            self.part(0, 1, &format!("board-{number}:"));
            self.part(0, 2, &format!("dcttech: {{usb: \"{usb}\"}}"));
            let channels = board.channels.map_or_else(|| BLANK.to_owned(), |channels| channels.to_string());
            self.part(0, 2, &format!("channels: {channels}"));
        }
    }

    /// Gives the name of the first one that needs nothing filled in.
    fn microphones(&mut self, captures: &[FoundCapture]) -> Option<String> {
        self.blank();
        let offered: Vec<(&FoundCapture, Option<(&Offer, u32)>)> =
            captures.iter().map(|capture| (capture, best(&capture.offers))).collect();
        let whole = |(capture, best): &(&FoundCapture, Option<_>)| capture.plug.usb.is_some() && best.is_some();
        let first = offered.iter().position(whole).map(|place| format!("microphone-{}", place + 1));
        match &first {
            _ if captures.is_empty() => self.remark(0, "No sound card that captures."),
            None => self.part(0, 0, "microphones:"),
            Some(_) => self.line(0, "microphones:"),
        }
        // Below a key that is commented out everything is.
        let depth = usize::from(first.is_some());
        for (number, (capture, best)) in (1..).zip(&offered) {
            let product = capture.plug.product.as_deref().unwrap_or("no name");
            self.remark(1, &format!("{product}, card {} at {}", capture.card, capture.plug.place));
            for offer in &capture.offers {
                self.remark(1, &format!("It offers {}", offer.told()));
            }
            let pcm = if capture.pcm == 0 { String::new() } else { format!(", pcm: {}", capture.pcm) };
            let id = capture.plug.usb_id.as_deref().unwrap_or_default();
            match (&capture.plug.usb, best) {
                (Some(usb), Some((offer, rate))) => {
                    if offer.channels > 1 {
                        self.remark(1, "Each of its channels that a microphone is on is a microphone of its own; `channel` counts from 1.");
                    }
                    self.line(1, &format!("microphone-{number}:"));
                    self.line(2, "room: room-1");
                    let device = format!("usb: \"{usb}\", usb-id: \"{id}\"{pcm}");
                    let channels = offer.channels;
                    self.line(2, &format!("alsa: {{{device}, rate: {rate}, channels: {channels}, channel: 1}}"));
                }
                (Some(usb), None) => {
                    let why = format!("Not one of them is {FORMAT} at 48000 or 44100 Hz, as far as the kernel tells:");
                    self.unsure(&why, number, depth, &format!("usb: \"{usb}\", usb-id: \"{id}\"{pcm}"), capture);
                }
                (None, _) => {
                    let device = format!("device: \"hw:CARD={},DEV={}\"", capture.card, capture.pcm);
                    self.unsure("What it offers is told to whoever opens it:", number, depth, &device, capture);
                }
            }
        }
        first
    }

    /// A microphone of which rate and channels are to be found out.
    fn unsure(&mut self, why: &str, number: usize, depth: usize, device: &str, capture: &FoundCapture) {
        let (card, pcm) = (&capture.card, capture.pcm);
        self.remark(
            1,
            &format!("{why} `arecord -D hw:CARD={card},DEV={pcm} --dump-hw-params -d 1 /dev/null` shows it."),
        );
        let inner = 1 - depth;
        self.part(depth, inner, &format!("microphone-{number}:"));
        self.part(depth, inner + 1, "room: room-1");
        self.part(depth, inner + 1, &format!("alsa: {{{device}, rate: {BLANK}, channels: {BLANK}, channel: 1}}"));
    }

    fn units(&mut self, dongles: &[(&FoundDongle, &str)], microphone: Option<&str>, boards: bool) {
        self.blank();
        // A rig has a unit at least.
        let whole = !dongles.is_empty();
        self.line(0, "units:");
        for (number, (_, address)) in (1..).zip(dongles) {
            self.remark(1, "Rigtone itself as a source; `device: rigtone/reference-sink` makes it a sink.");
            self.line(1, &format!("host-{number}:"));
            self.line(2, "device: rigtone/endpoint");
            self.line(2, "firmware: host");
            self.line(2, &format!("address: \"{address}\""));
            self.line(2, "control: endpoint");
            self.line(2, &format!("dongle: dongle-{number}"));
        }
        self.remark(
            1,
            "One for each speaker. `device` is a document below `devices` and `firmware` one of its versions, in quotes. The address \
             stands on the label or in the speaker's app; or bring it into pairing mode and see `bluetoothctl --timeout 30 scan on`. \
             The distance goes from the speaker to the microphone.",
        );
        let mut part = |inner: usize, text: &str| {
            if whole { self.part(1, inner, text) } else { self.line(1 + inner, text) }
        };
        part(0, "speaker-1:");
        part(1, &format!("device: {BLANK}"));
        part(1, &format!("firmware: {BLANK}"));
        part(1, &format!("address: {BLANK}"));
        if let Some(microphone) = microphone {
            part(1, &format!("heard-by: {{{microphone}: {{distance: {BLANK}}}}}"));
        }
        if boards {
            // Boards are parts themselves: without them nothing is wired.
            self.remark(2, "Which channel switches its supply; `docs/wiring.md` says what to heed.");
            self.part(
                if whole { 1 } else { 0 },
                if whole { 1 } else { 2 },
                &format!("power: {{relay: board-1, channel: {BLANK}}}"),
            );
        }
    }
}

/// What is best recorded of what is offered, and at which rate.
fn best(offers: &[Offer]) -> Option<(&Offer, u32)> {
    let fit = |offer: &&Offer| offer.has_format(FORMAT) && offer.channels <= CHANNELS;
    RATES.into_iter().find_map(|rate| {
        let of_rate = offers.iter().filter(fit).filter(|offer| offer.has_rate(rate));
        Some((of_rate.min_by_key(|offer| offer.channels)?, rate))
    })
}
