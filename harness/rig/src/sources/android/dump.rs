//! What an Android phone says of its Bluetooth in `dumpsys bluetooth_manager`.
//!
//! The text is meant for people and changes from release to release: what is not recognised is not known, and nothing is guessed. Lines as in
//! AOSP: status and bonded devices of the service, peers of A2DP (`btif_debug_av_dump`) and the codec in use (`A2dpCodecs::debug_codec_dump`).
//! Newer releases show the last octets of addresses only.

use rigtone_model::document::Codec;

use crate::capability::Address;

/// The state of a phone's Bluetooth, as far as it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dump {
    /// Whether it is on.
    pub(super) is_on: Option<bool>,
    bonded: Vec<Shown>,
    peers: Vec<Peer>,
    /// The codec in use.
    pub(super) codec: Option<Codec>,
}

/// A peer of A2DP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    address: Shown,
    /// Whether it is connected.
    pub(super) is_connected: bool,
    /// The delay that it reports, in tenths of a millisecond.
    pub(super) delay_tenths: Option<u32>,
}

/// An address of which some octets may be hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown([Option<u8>; 6]);

impl Shown {
    /// An address at the beginning of a text; the last two octets at least.
    fn at_begin(text: &str) -> Option<Self> {
        let mut octets = [None; 6];
        let mut parts = text.get(..17)?.split(':');
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.len() == 2)?;
            *octet = match part {
                "XX" | "xx" => None,
                part => Some(u8::from_str_radix(part, 16).ok()?),
            };
        }
        let known = octets[4].is_some() && octets[5].is_some() && parts.next().is_none();
        known.then_some(Self(octets))
    }

    fn may_be(self, address: Address) -> bool {
        self.0.iter().zip(address.0).all(|(shown, octet)| shown.is_none_or(|shown| shown == octet))
    }
}

/// The codec that a phone calls so.
fn codec(name: &str) -> Option<Codec> {
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "sbc" => Codec::Sbc,
        "aac" => Codec::Aac,
        "aptx" => Codec::Aptx,
        "aptx-hd" | "aptx hd" => Codec::AptxHd,
        "ldac" => Codec::Ldac,
        "opus" => Codec::Opus,
        _ => return None,
    })
}

impl Dump {
    /// Reads what it says.
    pub(super) fn read(text: &str) -> Self {
        let mut dump = Self::default();
        let mut in_bonded = false;
        for line in text.lines() {
            let bare = line.trim();
            if in_bonded && (bare.is_empty() || !line.starts_with(char::is_whitespace)) {
                in_bonded = false;
            }
            if bare.starts_with("Bonded devices") {
                in_bonded = true;
                continue;
            }
            if in_bonded {
                dump.bonded.extend(Shown::at_begin(bare));
                continue;
            }
            let Some((key, value)) = bare.split_once(':') else { continue };
            let value = value.trim();
            match (key, dump.peers.last_mut()) {
                // The first one is that of the service; others speak of other things.
                ("enabled", _) if dump.is_on.is_none() => dump.is_on = value.parse().ok(),
                ("Peer", _) => {
                    let address = Shown::at_begin(value);
                    dump.peers.extend(address.map(|address| Peer { address, is_connected: false, delay_tenths: None }));
                }
                ("Connected", Some(peer)) => peer.is_connected = value == "true",
                ("Delay Reporting", Some(peer)) => {
                    peer.delay_tenths = value.split_whitespace().next().and_then(|tenths| tenths.parse().ok());
                }
                ("Current Codec", _) if dump.codec.is_none() => dump.codec = codec(value),
                _ => {}
            }
        }
        dump
    }

    /// The peer of that address; none when several could be meant.
    pub(super) fn peer(&self, address: Address) -> Option<&Peer> {
        let mut found = self.peers.iter().filter(|peer| peer.address.may_be(address));
        found.next().filter(|_| found.next().is_none())
    }

    /// Whether the phone has a bond with something that may have that address.
    pub(super) fn is_bonded(&self, address: Address) -> bool {
        self.bonded.iter().any(|shown| shown.may_be(address))
    }
}

/// The lines that this rests on, without the names and addresses of whatever else the phone knows.
pub(super) fn excerpt(text: &str) -> String {
    let wanted = ["enabled:", "Peer:", "Connected:", "Streaming:", "Delay Reporting:", "Current Codec:"];
    let of_it = |line: &&str| wanted.iter().any(|key| line.trim_start().starts_with(key));
    text.lines().filter(of_it).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const SPEAKER: Address = Address([0x38, 0x18, 0x4C, 0xE9, 0x5E, 0x23]);

    /// As the sources of AOSP print it, put together by hand; no phone has said this.
    pub(in super::super) fn dump(enabled: bool, bonded: &str, peer: &str, connected: bool, codec: &str) -> String {
        format!(
            "Bluetooth Status\n  enabled: {enabled}\n  state: ON\n  address: XX:XX:XX:XX:9A:3B\n  name: Pixel\n\n\
             Bonded devices:\n  {bonded} [ DUAL ][ 0x240404 ] A box\n  XX:XX:XX:XX:00:01 [BR/EDR] Private\n\n\
             Profile: A2dpService\n  mActiveDevice: {peer}\n  enabled: maybe\n\n\
             A2DP Source State: Enabled\n  Peer: {peer}\n    Connected: {connected}\n    Streaming: false\n    SEP: 1(Sink)\n    \
             State Machine: Opened\n    Delay Reporting: 1500 (in 1/10 milliseconds) \n\n\
             A2DP Codecs State:\n  Current Codec: {codec}\n\nA2DP SBC State:\n  Priority: 1001\n"
        )
    }

    #[rstest]
    #[case::whole("38:18:4C:E9:5E:23", "LDAC", Some(Codec::Ldac))]
    #[case::hidden("xx:xx:xx:xx:5e:23", "aptX-HD", Some(Codec::AptxHd))]
    #[case::upper("XX:XX:XX:XX:5E:23", "SBC", Some(Codec::Sbc))]
    #[case::none("XX:XX:XX:XX:5E:23", "None", None)]
    #[case::unknown("XX:XX:XX:XX:5E:23", "LHDC V5", None)]
    fn a_dump_tells_of_link_codec_and_delay(#[case] peer: &str, #[case] name: &str, #[case] due: Option<Codec>) {
        let found = Dump::read(&dump(true, peer, peer, true, name));
        assert_eq!((found.is_on, found.codec, found.is_bonded(SPEAKER)), (Some(true), due, true));
        let peer = found.peer(SPEAKER).expect("it is there");
        assert_eq!((peer.is_connected, peer.delay_tenths), (true, Some(1500)));
    }

    #[test]
    fn another_device_is_not_taken_for_it() {
        let found = Dump::read(&dump(true, "XX:XX:XX:XX:5E:24", "XX:XX:XX:XX:5E:24", true, "SBC"));
        assert!(!found.is_bonded(SPEAKER) && found.peer(SPEAKER).is_none());
        // Two that look alike are none.
        let twins = format!(
            "{0}  Peer: xx:xx:xx:xx:5e:23\n    Connected: true\n",
            dump(true, "a", "xx:xx:xx:xx:5e:23", true, "SBC")
        );
        assert!(Dump::read(&twins).peer(SPEAKER).is_none());
        // What shows too little is nobody.
        assert!(Dump::read("  Peer: xx:xx:xx:xx:xx:23\n    Connected: true\n").peer(SPEAKER).is_none());
    }

    #[test]
    fn what_is_off_or_unknown_is_told_so() {
        assert_eq!(Dump::read(&dump(false, "", "null", false, "None")).is_on, Some(false));
        assert_eq!(Dump::read("Can't find service: bluetooth_manager\n"), Dump::default());
    }

    #[test]
    fn an_excerpt_names_nobody_else() {
        let text = dump(true, "38:18:4C:E9:5E:23", "38:18:4C:E9:5E:23", true, "LDAC");
        let kept = excerpt(&text);
        assert!(kept.contains("Current Codec: LDAC") && kept.contains("Delay Reporting: 1500"), "{kept}");
        assert!(!kept.contains("Private") && !kept.contains("Pixel") && !kept.contains("9A:3B"), "{kept}");
        assert_eq!(Dump::read(&kept).peer(SPEAKER), Dump::read(&text).peer(SPEAKER));
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in "(Peer: |Bonded devices:\n|[0-9A-Fx:é \n]{0,30}|Current Codec: ){0,12}") {
            let _ = Dump::read(&text);
        }
    }
}
