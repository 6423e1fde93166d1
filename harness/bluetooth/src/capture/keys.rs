//! Keys in a capture: whoever has them can pose as a device of the lab, so evidence goes without.
//!
//! Sources: Core specification 5.4, volume 4 part E (commands and events), volume 3 part H (security manager);
//! BlueZ `doc/mgmt-api.txt`.

use std::ops::Range;

use super::{
    error::CaptureError,
    reader::{MONITOR_COMMAND, MONITOR_EVENT, Reader},
    record::{Format, Kind, Record},
};
use crate::cursor::Cursor;

const ADDRESS: usize = 6;
const KEY: usize = 16;

/// A capture with zeros in the place of keys, PINs and passkeys, and how many records had some.
///
/// Everything else stays what and where it was. Management traffic of the Linux monitor is emptied: it is no HCI traffic, and is where a host
/// keeps its bonds.
///
/// # Errors
/// When the bytes are no capture.
pub fn without_keys(mut capture: Vec<u8>) -> Result<(Vec<u8>, u64), CaptureError> {
    let mut reader = Reader::new();
    reader.feed(&capture);
    let format = reader.format()?;
    let mut secrets: Vec<Range<usize>> = Vec::new();
    let mut records = 0;
    while let Some(record) = reader.record()? {
        let begin = (record.end as usize).saturating_sub(record.data.len());
        let before = secrets.len();
        secrets.extend(secrets_of(format, &record, &capture).map(|s| begin + s.start..begin + s.end));
        records += u64::from(secrets.len() > before);
    }
    for secret in secrets {
        if let Some(bytes) = capture.get_mut(secret) {
            bytes.fill(0);
        }
    }
    Ok((capture, records))
}

/// Where the secrets of a record lie in its data.
fn secrets_of(
    format: Option<Format>,
    record: &Record<'_>,
    capture: &[u8],
) -> impl Iterator<Item = Range<usize>> + use<> {
    let data = record.data;
    let (one, several) = match record.kind {
        Kind::Command => of_command(data),
        Kind::Event => of_event(data),
        Kind::Acl => (of_security_manager(data), None),
        Kind::Other if format == Some(Format::BtsnoopMonitor) && is_management(record, capture) => {
            // A number, and which command or event it is.
            (Some(6..data.len()), None)
        }
        _ => (None, None),
    };
    let length = data.len();
    let repeated = several.into_iter().flat_map(move |(first, each)| {
        (0..length)
            .map(move |n| first + n * each)
            .take_while(move |at| *at < length)
            .map(|at| at + ADDRESS..at + ADDRESS + KEY)
    });
    one.into_iter().chain(repeated).map(move |s| s.start.min(length)..s.end.min(length)).filter(|s| !s.is_empty())
}

/// One secret, or several keys behind addresses: from where, and how far apart.
type Secrets = (Option<Range<usize>>, Option<(usize, usize)>);

fn of_command(data: &[u8]) -> Secrets {
    const HEAD: usize = 3;
    let Some(opcode) = Cursor::new(data).le16() else { return (None, None) };
    let behind = |skipped: usize, length: usize| (Some(HEAD + skipped..HEAD + skipped + length), None);
    match opcode {
        // Link Key Request Reply.
        0x040B => behind(ADDRESS, KEY),
        // PIN Code Request Reply: length and PIN.
        0x040D => behind(ADDRESS, 1 + KEY),
        // User Passkey Request Reply.
        0x042E => behind(ADDRESS, 4),
        // Remote OOB Data Request Reply, plain and extended.
        0x0430 => behind(ADDRESS, 2 * KEY),
        0x0445 => behind(ADDRESS, 4 * KEY),
        // Write Stored Link Key.
        0x0C11 => (None, Some((HEAD + 1, ADDRESS + KEY))),
        // LE Enable Encryption: handle, random number, diversifier, key.
        0x2019 => behind(12, KEY),
        // LE Long Term Key Request Reply.
        0x201A => behind(2, KEY),
        // LE Add Device To Resolving List: two identity keys.
        0x2027 => behind(1 + ADDRESS, 2 * KEY),
        _ => (None, None),
    }
}

fn of_event(data: &[u8]) -> Secrets {
    const HEAD: usize = 2;
    match data.first() {
        // Link Key Notification.
        Some(0x18) => (Some(HEAD + ADDRESS..HEAD + ADDRESS + KEY), None),
        // Return Link Keys.
        Some(0x15) => (None, Some((HEAD + 1, ADDRESS + KEY))),
        // User Passkey Notification.
        Some(0x3B) => (Some(HEAD + ADDRESS..HEAD + ADDRESS + 4), None),
        // Command Complete of Read Local OOB Data, plain and extended.
        Some(0x0E) if matches!(data.get(3..5), Some([0x57 | 0x7D, 0x04])) => (Some(HEAD + 4..data.len()), None),
        _ => (None, None),
    }
}

/// Keys that the security manager hands over, on channel 6.
fn of_security_manager(data: &[u8]) -> Option<Range<usize>> {
    let mut cursor = Cursor::new(data);
    let (handle, _, _, channel, code) = (cursor.le16()?, cursor.le16()?, cursor.le16()?, cursor.le16()?, cursor.u8()?);
    let starts = handle >> 12 & 3 != 1;
    // Encryption, identity and signing information.
    (starts && channel == 6 && matches!(code, 0x06 | 0x08 | 0x0A)).then_some(9..9 + KEY)
}

fn is_management(record: &Record<'_>, capture: &[u8]) -> bool {
    let flags = capture.get(record.offset as usize + 10..).and_then(|rest| rest.first_chunk().copied());
    matches!(flags.map(u16::from_be_bytes), Some(MONITOR_COMMAND | MONITOR_EVENT))
}
