//! Identities that stay the same when other devices or scenarios are added.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The id of a combination: readable text of its axes in alphabetical order and a short hash over what gives it its
/// meaning, such as `playback-heard/source=echo-a,speaker=charge-b#5f2c09aa`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CombinationId(Arc<str>);

impl CombinationId {
    /// Builds the id from the scenario, its axes in alphabetical order and the hash of its meaning.
    pub fn new<'a>(scenario: &str, axes: impl Iterator<Item = (&'a str, &'a str)>, meaning: &[u8; 32]) -> Self {
        let mut text = String::with_capacity(96);
        text.push_str(scenario);
        for (i, (axis, value)) in axes.enumerate() {
            text.push(if i == 0 { '/' } else { ',' });
            text.push_str(axis);
            text.push('=');
            text.push_str(value);
        }
        text.push('#');
        push_hex(&mut text, &meaning[..4]);
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that is safe in paths and URLs, unique for each id: at most 120 characters of `a-z 0-9 . _ -`.
    pub fn slug(&self) -> String {
        let mut slug: String = self
            .0
            .chars()
            .map(|c| match c {
                'a'..='z' | '0'..='9' | '-' | '.' | '_' => c,
                'A'..='Z' => c.to_ascii_lowercase(),
                '/' | ',' | '#' => '.',
                _ => '-',
            })
            .collect();
        // Case, length and folded characters may make two ids alike: the digest keeps them apart.
        if slug.len() > 100 || self.0.chars().any(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '/' | ',' | '#' | '='))
        {
            slug.truncate(100);
            slug.push('-');
            push_hex(&mut slug, &Sha256::digest(self.0.as_bytes())[..8]);
        }
        slug
    }
}

impl fmt::Display for CombinationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for CombinationId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is a hexadecimal digit"));
        }
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The seed of one stream of random numbers: of a run's seed, a trial, an attempt and the stream's name.
///
/// A trial's outcome depends on nothing else, so trials may run in any order.
pub fn stream_seed(run: u64, combination: &CombinationId, trial: u32, attempt: u32, stream: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(run.to_le_bytes());
    hash.update(combination.as_str().as_bytes());
    hash.update([0]);
    hash.update(trial.to_le_bytes());
    hash.update(attempt.to_le_bytes());
    hash.update(stream.as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn an_id_reads_as_its_axes_and_a_short_hash() {
        let id = CombinationId::new("pair", [("codec", "sbc"), ("source", "a")].into_iter(), &[0xab; 32]);
        assert_eq!(id.as_str(), "pair/codec=sbc,source=a#abababab");
        assert_eq!(id.slug(), "pair.codec-sbc.source-a.abababab");
    }

    #[rstest]
    #[case("x/a=Ä#00000000")]
    #[case("x/a=../../etc#00000000")]
    #[case("x/a=%00\u{1b}[2J#00000000")]
    fn a_slug_is_safe_in_paths(#[case] id: &str) {
        let slug = CombinationId::from(id).slug();
        assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c)), "{slug}");
        assert!(!slug.contains('/') && slug.len() <= 120);
    }

    #[test]
    fn ids_that_differ_only_in_case_have_different_slugs() {
        assert_ne!(CombinationId::from("x/a=B#00000000").slug(), CombinationId::from("x/a=b#00000000").slug());
    }

    #[test]
    fn streams_are_independent_of_each_other() {
        let id = CombinationId::from("x/a=b#00000000");
        let base = stream_seed(1, &id, 1, 1, "pairing");
        assert_ne!(base, stream_seed(2, &id, 1, 1, "pairing"));
        assert_ne!(base, stream_seed(1, &id, 2, 1, "pairing"));
        assert_ne!(base, stream_seed(1, &id, 1, 2, "pairing"));
        assert_ne!(base, stream_seed(1, &id, 1, 1, "air"));
    }

    #[test]
    fn sha256_of_nothing_is_the_published_one() {
        assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
