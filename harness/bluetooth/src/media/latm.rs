//! The beginning of an AAC packet: a multiplex element of LATM that carries its own configuration.
//!
//! Source: ISO/IEC 14496-3, sections 1.6.2.1 and 1.7.3; RFC 3016, section 4.

/// Reads bits from the front.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// A number with its length in bytes before it.
    fn number(&mut self) -> Option<u32> {
        let bytes = self.take(2)? as usize + 1;
        self.take(bytes * 8)
    }
}

/// What the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Configuration {
    /// Sampling frequency in Hz.
    pub(super) rate: u32,
    /// Channels.
    pub(super) channels: u8,
}

const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Reads the configuration at the beginning of an element; `None` where there is none, as in an element that uses the one
/// before, or in something else.
pub(super) fn configuration(element: &[u8]) -> Option<Configuration> {
    let mut bits = Bits { bytes: element, at: 0 };
    let same_as_before = bits.take(1)?;
    let version = bits.take(1)?;
    if same_as_before == 1 {
        return None;
    }
    if version == 1 {
        // A second version is reserved.
        if bits.take(1)? == 1 {
            return None;
        }
        bits.number()?;
    }
    let (same_time, frames, programs, layers) = (bits.take(1)?, bits.take(6)?, bits.take(4)?, bits.take(3)?);
    // One program of one layer: what A2DP allows.
    if same_time != 1 || frames != 0 || programs != 0 || layers != 0 {
        return None;
    }
    if version == 1 {
        bits.number()?;
    }
    let object = bits.take(5)?;
    let rate = *RATES.get(bits.take(4)? as usize)?;
    let channels = bits.take(4)? as u8;
    // Main, LC, SSR, LTP, SBR, scalable, parametric stereo.
    (matches!(object, 1..=6 | 29) && matches!(channels, 1..=7)).then_some(Configuration { rate, channels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    // The first as ffmpeg's multiplexer writes it, the second as Android's encoder does.
    #[rstest]
    #[case(&[0x20, 0x00, 0x12, 0x10, 0, 0], Some((44_100, 2)))]
    #[case(&[0x47, 0xFC, 0x00, 0x00, 0xB0, 0x90, 0x80, 0x03, 0x00], Some((44_100, 2)))]
    #[case(&[0x47, 0xFC, 0x00, 0x00, 0xB0, 0x8C, 0x80, 0x03, 0x00], Some((48_000, 2)))]
    #[case(&[0xA0, 0x00, 0x12, 0x10], None)]
    #[case(&[0x20, 0x00, 0x17, 0x90], None)]
    #[case(&[0x9C, 0xBD, 0x35], None)]
    #[case(&[0x20], None)]
    fn an_element_tells_rate_and_channels(#[case] element: &[u8], #[case] expected: Option<(u32, u8)>) {
        assert_eq!(configuration(element).map(|found| (found.rate, found.channels)), expected);
    }
}
