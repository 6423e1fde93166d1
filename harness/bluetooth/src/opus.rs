//! Opus over A2DP as Android and Linux have it: capability and configuration octets, the frames of an encoded stream.
//!
//! Source: AOSP `a2dp_vendor_opus_constants.h` (octets); RFC 3533 (Ogg) and RFC 7845 (Opus in Ogg).

use thiserror::Error;

/// Milliseconds in a frame.
pub const FRAME_MS: u32 = 20;
/// Samples of each channel in a frame: Opus counts at 48 kHz.
pub const SAMPLES: u32 = 48 * FRAME_MS;
/// Vendor and codec, as octets.
const NUMBERS: [u8; 6] = [0xE0, 0, 0, 0, 1, 0];
const HZ_48000: u8 = 0x80;
const STEREO: u8 = 0x02;
const MS_20: u8 = 0x10;

/// The only choice of this type: 48 kHz, stereo, frames of 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Configuration;

/// Why octets are no configuration, or bytes no stream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpusError {
    /// Not of this codec.
    #[error("{0:02x?} is no codec information of Opus")]
    Foreign(Vec<u8>),
    /// Another choice, or several.
    #[error("{0:#04x} is not 48 kHz, stereo, 20 ms")]
    Choice(u8),
    /// A page of Ogg does not begin, or does not end, where it should.
    #[error("page {number} at byte {at} {what}")]
    Page {
        /// Which one, from 1.
        number: usize,
        /// Where it begins.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The two headers of Opus are missing.
    #[error("the stream does not begin with the headers of Opus")]
    Headers,
}

fn choice(octets: &[u8]) -> Result<u8, OpusError> {
    match octets.strip_prefix(&NUMBERS) {
        Some([chosen]) => Ok(*chosen),
        _ => Err(OpusError::Foreign(octets.to_vec())),
    }
}

impl Configuration {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When it is of another codec, or chooses something else.
    pub fn parse(octets: &[u8]) -> Result<Self, OpusError> {
        match choice(octets)? {
            chosen if chosen == HZ_48000 | STEREO | MS_20 => Ok(Self),
            other => Err(OpusError::Choice(other)),
        }
    }

    /// As on the air.
    pub fn octets(self) -> [u8; 7] {
        let [a, b, c, d, e, f] = NUMBERS;
        [a, b, c, d, e, f, HZ_48000 | STEREO | MS_20]
    }

    /// The same with an end of these capabilities, or what those lack, in words.
    ///
    /// # Errors
    /// When the octets are no capabilities of Opus.
    pub fn choose(self, capabilities: &[u8]) -> Result<Result<Self, Vec<String>>, OpusError> {
        let offered = choice(capabilities)?;
        let wanted = [(HZ_48000, "48000 Hz"), (STEREO, "stereo"), (MS_20, "frames of 20 ms")];
        let lacking: Vec<String> =
            wanted.into_iter().filter(|(bit, _)| offered & bit == 0).map(|(_, words)| words.to_owned()).collect();
        Ok(if lacking.is_empty() { Ok(self) } else { Err(lacking) })
    }
}

/// The frames of a stream of Opus in Ogg, without its headers.
///
/// # Errors
/// When a page is broken, or the headers are missing.
pub fn frames(ogg: &[u8]) -> Result<Vec<Vec<u8>>, OpusError> {
    const HEADER: usize = 27;
    let (mut packets, mut packet, mut at, mut number) = (Vec::new(), Vec::new(), 0, 0);
    while at < ogg.len() {
        number += 1;
        let fault = |what| OpusError::Page { number, at, what };
        let header = ogg.get(at..at + HEADER).ok_or(fault("is cut off"))?;
        if !header.starts_with(b"OggS\0") {
            return Err(fault("does not begin with `OggS`"));
        }
        let segments = usize::from(header[HEADER - 1]);
        let table = ogg.get(at + HEADER..at + HEADER + segments).ok_or(fault("is cut off"))?;
        let mut from = at + HEADER + segments;
        for &length in table {
            let part = ogg.get(from..from + usize::from(length)).ok_or(fault("is cut off"))?;
            packet.extend_from_slice(part);
            from += part.len();
            // A full segment is followed by another one of its packet.
            if length < u8::MAX {
                packets.push(std::mem::take(&mut packet));
            }
        }
        at = from;
    }
    let headers = packets.len() >= 2 && packets[0].starts_with(b"OpusHead") && packets[1].starts_with(b"OpusTags");
    if !headers {
        return Err(OpusError::Headers);
    }
    Ok(packets.split_off(2))
}

/// The stream of these frames, in stereo and with nothing left out at its beginning; one page for each frame.
pub fn ogg<'a>(frames: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    const FIRST: u8 = 2;
    let head = [b"OpusHead".as_slice(), &[1, 2, 0, 0], &48_000u32.to_le_bytes(), &[0, 0, 0]].concat();
    let tags = [b"OpusTags".as_slice(), &[0; 8]].concat();
    let mut stream = page(0, FIRST, 0, &head);
    stream.extend(page(1, 0, 0, &tags));
    for (number, frame) in frames.enumerate() {
        let samples = (number as u64 + 1) * u64::from(SAMPLES);
        stream.extend(page(number as u32 + 2, 0, samples, frame));
    }
    stream
}

/// A page with one packet.
fn page(number: u32, kind: u8, samples: u64, packet: &[u8]) -> Vec<u8> {
    const CHECKSUM: usize = 22;
    // As many times 255 as fit, and what is left, which may be nothing. Longer ones do not come in one packet of L2CAP.
    let packet = &packet[..packet.len().min(255 * 254)];
    let mut lacing = vec![255; packet.len() / 255];
    lacing.push((packet.len() % 255) as u8);
    let mut page = b"OggS\0".to_vec();
    page.push(kind);
    page.extend(samples.to_le_bytes());
    page.extend(1u32.to_le_bytes());
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    page.push(lacing.len() as u8);
    page.extend(&lacing);
    page.extend(packet);
    let checksum = checksum(&page).to_le_bytes();
    page[CHECKSUM..CHECKSUM + 4].copy_from_slice(&checksum);
    page
}

/// RFC 3533, section 6: polynomial 0x04C11DB7, from 0, nothing reflected.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8)
            .fold(crc ^ u32::from(*byte) << 24, |crc, _| if crc >> 31 == 1 { crc << 1 ^ 0x04C1_1DB7 } else { crc << 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn the_configuration_is_the_known_one() {
        assert_eq!(Configuration.octets(), [0xE0, 0, 0, 0, 1, 0, 0x92]);
        assert_eq!(Configuration::parse(&Configuration.octets()), Ok(Configuration));
    }

    #[rstest]
    #[case(0xFF, &[])]
    #[case(0x92, &[])]
    #[case(0x8A, &["frames of 20 ms"])]
    #[case(0x31, &["48000 Hz", "stereo"])]
    fn what_is_not_offered_is_named(#[case] offered: u8, #[case] lacking: &[&str]) {
        let capabilities = [0xE0, 0, 0, 0, 1, 0, offered];
        let found = Configuration.choose(&capabilities).expect("Opus");
        assert_eq!(found.is_ok(), lacking.is_empty());
        assert_eq!(found.err().unwrap_or_default(), lacking);
    }

    #[rstest]
    #[case(&[])]
    #[case::another_choice(&[0xE0, 0, 0, 0, 1, 0, 0x8A])]
    #[case::linux_own(&[0xF1, 0x05, 0, 0, 5, 0x10, 0x92])]
    #[case::too_long(&[0xE0, 0, 0, 0, 1, 0, 0x92, 0])]
    fn anything_else_is_no_configuration(#[case] octets: &[u8]) {
        assert!(Configuration::parse(octets).is_err());
    }

    /// A page with whole segments of these lengths.
    fn page(table: &[u8], content: &[u8]) -> Vec<u8> {
        [b"OggS\0".as_slice(), &[0; 21], &[table.len() as u8], table, content].concat()
    }

    #[test]
    fn packets_are_put_together_from_their_segments() {
        let head = [page(&[8], b"OpusHead"), page(&[8], b"OpusTags")].concat();
        // One of 300 bytes over two pages, one of 255, an empty one.
        let stream =
            [head, page(&[255], &[1; 255]), page(&[45, 255, 0, 0], &[&[1; 45][..], &[2; 255]].concat())].concat();
        assert_eq!(frames(&stream).expect("a stream"), [vec![1; 300], vec![2; 255], vec![]]);
        let made = [vec![1; 300], vec![2; 255], vec![3; 10]];
        assert_eq!(frames(&ogg(made.iter().map(|frame| &frame[..]))).expect("a stream"), made);
    }

    #[rstest]
    #[case(b"OggX".to_vec(), "page 1 at byte 0 is cut off")]
    #[case(vec![b'x'; 40], "page 1 at byte 0 does not begin with `OggS`")]
    #[case(page(&[9], b"OpusHead"), "page 1 at byte 0 is cut off")]
    #[case(page(&[8, 3], b"OpusHeadabc"), "the stream does not begin with the headers of Opus")]
    #[case(Vec::new(), "the stream does not begin with the headers of Opus")]
    fn what_is_no_stream_is_told_with_its_place(#[case] stream: Vec<u8>, #[case] said: &str) {
        assert_eq!(frames(&stream).expect_err("no stream").to_string(), said);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), ogg: bool) {
            if ogg && bytes.len() > 5 {
                bytes[..5].copy_from_slice(b"OggS\0");
            }
            let _ = (Configuration::parse(&bytes), frames(&bytes), Configuration.choose(&bytes));
        }
    }
}
