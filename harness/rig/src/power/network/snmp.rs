//! Power strips that are switched by SNMP: one object for each outlet, which takes and tells a number.

use std::{
    io,
    net::{ToSocketAddrs, UdpSocket},
    num::NonZeroU8,
    thread,
    time::{Duration, Instant},
};

use rigtone_model::{
    document::{self, SnmpOutlet},
    trial::InfrastructureFault,
};

use super::{
    client::{Trouble, late, not_reached, unknown_host},
    secret,
    snmp_wire::{Answer, Ask, Oid, answer, oid, question, status_name},
};
use crate::power::{
    line::{Line, OWN_SUPPLY},
    word,
};

/// Where it listens.
const PORT: u16 = 161;
/// How long an answer is waited for before the question is sent again: packets get lost.
const PATIENCE: Duration = Duration::from_millis(700);
/// How often it is sent.
const TRIES: u32 = 3;
/// How long a strip may take from an order to telling that it was obeyed.
const OBEYS: Duration = Duration::from_secs(2);
/// From one look to the next.
const LOOK: Duration = Duration::from_millis(100);
/// More than any answer to one question has.
const LONGEST: usize = 2048;

/// The conversation with such a strip.
pub(crate) struct Snmp {
    member: String,
    document: document::Snmp,
    address: String,
    /// Of the last question.
    id: i32,
}

impl Snmp {
    pub(crate) fn new(member: &str, document: &document::Snmp) -> Self {
        let address = super::with_port(&document.host, PORT);
        // What was asked by a process before this one may still be answered.
        let id = i32::from_be_bytes(std::process::id().to_be_bytes()) & (0x7FFF << 8);
        Self { member: member.to_owned(), document: document.clone(), address, id }
    }

    fn object(&self, channel: NonZeroU8) -> Result<(SnmpOutlet, Oid), Trouble> {
        let unclear =
            || Trouble::new("no object of its outlets is known", "write `preset`, or `outlet`, in the rig file");
        let outlet = self.document.object().ok_or_else(unclear)?;
        let text = outlet.oid.replace("{channel}", &channel.to_string());
        let oid = oid(&text).ok_or_else(|| {
            Trouble::new(format!("`{text}` is no object identifier"), "correct `oid` in the rig file")
        })?;
        Ok((outlet, oid))
    }

    /// Asks until it is answered. Whatever it is, it may be asked twice.
    fn ask(&mut self, oid: &[u32], ask: Ask) -> Result<i64, Trouble> {
        let community = secret::read(&self.document.community)?;
        self.id = (self.id + 1) & i32::MAX;
        let version = self.document.version;
        let packet = question(version, &community, self.id, oid, ask);
        let failed = |error: io::Error| not_reached(&self.address, &error);
        let mut addresses = self.address.to_socket_addrs().map_err(|_| unknown_host(&self.address))?;
        let address = addresses.next().ok_or_else(|| unknown_host(&self.address))?;
        let here = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(here).map_err(failed)?;
        socket.connect(address).map_err(failed)?;
        let mut buffer = [0; LONGEST];
        let mut garbage = None;
        for _ in 0..TRIES {
            socket.send(&packet).map_err(failed)?;
            let end = Instant::now() + PATIENCE;
            loop {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                socket.set_read_timeout(Some(left)).map_err(failed)?;
                let received = match socket.recv(&mut buffer) {
                    Ok(count) => &buffer[..count],
                    Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => break,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) => return Err(failed(e)),
                };
                match answer(version, self.id, oid, received) {
                    Answer::Number(number) => return Ok(number),
                    Answer::Stray => {}
                    // What stands on the wire may be somebody else's: the answer may still come.
                    Answer::Garbage => garbage = Some(received.len()),
                    Answer::OtherValue => return Err(self.unfit("the object has a value that is no number")),
                    Answer::Absent => return Err(self.unfit("there is no such object")),
                    Answer::Refused(status) => {
                        let name = status_name(status);
                        let what = format!("{}: it refused with the status {status} ({name})", self.address);
                        let hint = "check the channel, and that the community may write";
                        return Err(Trouble::new(what, hint));
                    }
                }
            }
        }
        let trouble = late(&self.address, PATIENCE * TRIES);
        Err(match garbage {
            Some(count) => Trouble::new(
                format!("{}: it answered {count} bytes that are no answer", self.address),
                "check `version` in the rig file, and what listens there",
            ),
            None => Trouble::new(
                trouble.what,
                "check its address, the community, and that SNMP is switched on for this host: strips do not answer what they refuse",
            ),
        })
    }

    fn unfit(&self, what: &str) -> Trouble {
        let hint = "check `preset`, or `outlet`, in the rig file, and that the strip has this outlet";
        Trouble::new(format!("{}: {what}", self.address), hint)
    }

    fn said(&mut self, channel: NonZeroU8) -> Result<bool, Trouble> {
        let (outlet, oid) = self.object(channel)?;
        match self.ask(&oid, Ask::Get)? {
            number if number == i64::from(outlet.on) => Ok(true),
            number if number == i64::from(outlet.off) => Ok(false),
            number => {
                Err(self.unfit(&format!("the outlet says {number}, which is neither {} nor {}", outlet.on, outlet.off)))
            }
        }
    }

    fn order(&mut self, channel: NonZeroU8, on: bool) -> Result<bool, Trouble> {
        let (outlet, oid) = self.object(channel)?;
        self.ask(&oid, Ask::Set(if on { outlet.on } else { outlet.off }))?;
        // It acknowledges what it will do, and does it some tenths of a second later.
        let end = Instant::now() + OBEYS;
        loop {
            let said = self.said(channel);
            if said == Ok(on) || Instant::now() >= end {
                return said;
            }
            thread::sleep(LOOK);
        }
    }

    fn fault<T>(&self, doing: &str, result: Result<T, Trouble>) -> Result<T, InfrastructureFault> {
        result.map_err(|trouble| trouble.into_fault(&self.member, doing))
    }
}

impl Line for Snmp {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        // Packets need no connection.
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        let ordered = self.order(channel, on);
        self.fault(&format!("switching channel {channel} {}", word(on)), ordered).map(Some)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let said = self.said(channel);
        self.fault(&format!("asking for channel {channel}"), said).map(Some)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        let said = self.said(NonZeroU8::MIN);
        self.fault("looking for it", said).map(drop)
    }

    fn spacing(&self) -> Duration {
        Duration::from_millis(100)
    }

    fn keeps(&self) -> Option<&'static str> {
        Some(OWN_SUPPLY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::fake::{Packets, number};
    use rigtone_model::document::{Secret, SnmpPreset, SnmpVersion};
    use rstest::rstest;
    use std::{fs, path::Path};
    use tempfile::TempDir;

    const OUTLET_1: &str = "1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.1";

    fn strip(host: &str, folder: &TempDir) -> Snmp {
        let path: &Path = &folder.path().join("community");
        fs::write(path, "lab-write").expect("written");
        let document = document::Snmp {
            host: host.to_owned(),
            version: SnmpVersion::V1,
            community: Secret::from_file(&path.display().to_string()),
            preset: Some(SnmpPreset::ApcRackPdu),
            outlet: None,
        };
        Snmp::new("relay strip", &document)
    }

    /// What a packet asks, by a reader that shares nothing with the writer.
    fn parsed(packet: &[u8]) -> (String, u8, i32, Vec<u8>, Option<u8>) {
        let community = String::from_utf8(packet[7..7 + usize::from(packet[6])].to_vec()).expect("text");
        let body = &packet[7 + usize::from(packet[6])..];
        let (kind, id_length) = (body[0], usize::from(body[3]));
        let id = body[4..4 + id_length].iter().fold(0, |id, &byte| id << 8 | i32::from(byte));
        // Two zeros, two sequences, and the identifier.
        let rest = &body[4 + id_length + 6 + 4..];
        let oid = rest[..2 + usize::from(rest[1])].to_vec();
        let value = &rest[oid.len()..];
        (community, kind, id, oid, (value[0] == 2).then(|| value[2]))
    }

    /// An answer that is built from the question's own bytes.
    fn reply(packet: &[u8], status: u8, value: &[u8]) -> Vec<u8> {
        let (community, _, id, oid, _) = parsed(packet);
        let field = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
        let bindings = field(0x30, &field(0x30, &[&oid[..], value].concat()));
        let body = [field(2, &id.to_be_bytes()), field(2, &[status]), field(2, &[0]), bindings].concat();
        field(0x30, &[field(2, &[0]), field(4, community.as_bytes()), field(0xA2, &body)].concat())
    }

    #[test]
    fn an_outlet_is_set_and_asked_until_it_tells_what_it_was_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut told, mut looks) = (2_u8, 0);
        let fake = Packets::serve(move |packet| {
            let (community, kind, _, oid, value) = parsed(packet);
            assert_eq!(community, "lab-write");
            let due = oid_bytes(OUTLET_1);
            assert_eq!(oid, due);
            match (kind, value) {
                (0xA3, Some(value)) => {
                    (told, looks) = (value, 0);
                    vec![reply(packet, 0, &[2, 1, value])]
                }
                (0xA0, None) => {
                    looks += 1;
                    // It tells the old position twice.
                    let said = if looks <= 2 { 3 - told } else { told };
                    vec![reply(packet, 0, &[2, 1, said])]
                }
                other => panic!("{other:?}"),
            }
        });
        let mut strip = strip(fake.host(), &folder);
        assert_eq!(strip.switch(number(1), true), Ok(Some(true)));
        assert_eq!(strip.switch(number(1), false), Ok(Some(false)));
        assert_eq!(strip.position(number(1)), Ok(Some(false)));
    }

    fn oid_bytes(text: &str) -> Vec<u8> {
        let mut content = vec![0x2B];
        for number in text.split('.').skip(2).map(|n| n.parse::<u16>().expect("small")) {
            if number > 0x7F {
                content.push(0x80 | (number >> 7) as u8);
            }
            content.push((number & 0x7F) as u8);
        }
        [vec![6, content.len() as u8], content].concat()
    }

    #[test]
    fn a_lost_packet_and_a_stray_one_are_lived_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut seen = 0;
        let fake = Packets::serve(move |packet| {
            seen += 1;
            let mut stray = packet.to_vec();
            let id_at = 7 + usize::from(packet[6]) + 4;
            stray[id_at] ^= 0x40;
            if seen == 1 { vec![] } else { vec![reply(&stray, 0, &[2, 1, 2]), reply(packet, 0, &[2, 1, 1])] }
        });
        assert_eq!(strip(fake.host(), &folder).position(number(1)), Ok(Some(true)));
    }

    #[rstest]
    #[case::nothing(|_: &[u8]| vec![], "no whole answer within 2.1 s", "community")]
    #[case::garbage(|_: &[u8]| vec![vec![1, 2, 3]], "3 bytes that are no answer", "`version`")]
    #[case::refused(|p: &[u8]| vec![reply(p, 2, &[5, 0])], "status 2 (noSuchName)", "may write")]
    #[case::absent(|p: &[u8]| vec![reply(p, 0, &[0x81, 0])], "no such object", "`preset`")]
    #[case::text(|p: &[u8]| vec![reply(p, 0, &[4, 2, 0x6F, 0x6E])], "no number", "`preset`")]
    #[case::unknown(|p: &[u8]| vec![reply(p, 0, &[2, 1, 4])], "says 4, which is neither 1 nor 2", "`outlet`")]
    fn what_it_does_not_tell_is_the_rigs_fault(
        #[case] answer: fn(&[u8]) -> Vec<Vec<u8>>,
        #[case] said: &str,
        #[case] hint: &str,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let fake = Packets::serve(answer);
        let fault = strip(fake.host(), &folder).position(number(1)).expect_err("no answer");
        assert!(fault.what.contains(said) && fault.hint.as_deref().is_some_and(|h| h.contains(hint)), "{fault:?}");
        assert!(!format!("{fault:?}").contains("lab-write"), "the community is secret");
    }

    #[test]
    fn nobody_there_is_told_at_once_where_the_host_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let fake = Packets::serve(|_| vec![]);
        let host = fake.host().to_owned();
        drop(fake);
        let fault = strip(&host, &folder).alive().expect_err("nobody");
        assert!(fault.what.contains("refused"), "{fault:?}");
    }
}
