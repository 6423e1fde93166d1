//! Addresses of controllers.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// The address of a controller, in the order in which it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address([u8; 6]);

impl Address {
    /// In the order of the air: the lowest octet first.
    pub(crate) const fn to_air(self) -> [u8; 6] {
        let [a, b, c, d, e, f] = self.0;
        [f, e, d, c, b, a]
    }
}

/// A text is no address.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no address such as D2:00:00:00:00:01")]
pub(crate) struct NoAddress(String);

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let octets: Option<Vec<u8>> = text.split(':').map(octet).collect();
        octets.and_then(|octets| octets.try_into().ok()).map(Self).ok_or_else(|| NoAddress(text.to_owned()))
    }
}

fn octet(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit());
    u8::from_str_radix(text, 16).ok().filter(|_| digits)
}

impl TryFrom<String> for Address {
    type Error = NoAddress;

    fn try_from(text: String) -> Result<Self, NoAddress> {
        text.parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(to, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("D2:00:00:00:00:01", Some([0x01, 0, 0, 0, 0, 0xD2]))]
    #[case("aa:Bb:cc:00:0f:f0", Some([0xF0, 0x0F, 0, 0xCC, 0xBB, 0xAA]))]
    #[case::five("D2:00:00:00:00", None)]
    #[case::seven("D2:00:00:00:00:01:02", None)]
    #[case::one_digit("D2:0:00:00:00:01", None)]
    #[case::sign("D2:+1:00:00:00:01", None)]
    #[case::letters("D2:0G:00:00:00:01", None)]
    #[case::nothing("", None)]
    fn an_address_is_six_octets_highest_first(#[case] text: &str, #[case] air: Option<[u8; 6]>) {
        let read = text.parse::<Address>();
        assert_eq!(read.as_ref().ok().map(|a| a.to_air()), air);
        if let Ok(address) = read {
            assert_eq!(address.to_string(), text.to_uppercase());
        }
    }
}
