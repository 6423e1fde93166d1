//! Paths as links.

use std::fmt::Write as _;

/// A relative path as a link has to write it (RFC 3986): what is not plain is percent-encoded, so that nothing ends the path or names another scheme.
pub fn link(path: &[u8]) -> String {
    let mut link = String::with_capacity(path.len());
    for byte in path {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => link.push(char::from(*byte)),
            other => {
                let _ = write!(link, "%{other:02X}");
            }
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"evidence/a b/\"x\".wav", "evidence/a%20b/%22x%22.wav")]
    #[case(b"javascript:alert(1)", "javascript%3Aalert%281%29")]
    #[case("ü?#".as_bytes(), "%C3%BC%3F%23")]
    #[case(b"\xff", "%FF")]
    fn a_link_says_every_byte(#[case] path: &[u8], #[case] said: &str) {
        assert_eq!(link(path), said);
    }
}
