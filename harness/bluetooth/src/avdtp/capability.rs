//! What an endpoint can do, or is configured to: a list of categories with their bytes.

use crate::cursor::Cursor;

/// Service categories.
pub mod category {
    #![expect(missing_docs, reason = "they are named as in the specification")]
    pub const MEDIA_TRANSPORT: u8 = 1;
    pub const REPORTING: u8 = 2;
    pub const RECOVERY: u8 = 3;
    pub const CONTENT_PROTECTION: u8 = 4;
    pub const MEDIA_CODEC: u8 = 7;
    pub const DELAY_REPORTING: u8 = 8;
}

/// The name of a service category.
pub const fn category_name(category: u8) -> &'static str {
    match category {
        category::MEDIA_TRANSPORT => "media transport",
        category::REPORTING => "reporting",
        category::RECOVERY => "recovery",
        category::CONTENT_PROTECTION => "content protection",
        5 => "header compression",
        6 => "multiplexing",
        category::MEDIA_CODEC => "media codec",
        category::DELAY_REPORTING => "delay reporting",
        _ => "another category",
    }
}

/// One category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capability<'a> {
    /// Which.
    pub category: u8,
    /// Its bytes.
    pub value: &'a [u8],
}

impl<'a> Capability<'a> {
    /// Reads a list, up to the first that is cut off.
    pub(super) fn list(bytes: &'a [u8]) -> Vec<Self> {
        let mut cursor = Cursor::new(bytes);
        let one = || {
            let (category, length) = (cursor.u8()?, cursor.u8()?);
            Some(Self { category, value: cursor.take(usize::from(length))? })
        };
        std::iter::from_fn(one).collect()
    }
}

/// The audio codec of a list: its type and its bytes.
pub fn codec_of<'a>(capabilities: &[Capability<'a>]) -> Option<(u8, &'a [u8])> {
    capabilities.iter().find_map(|capability| match (capability.category, capability.value) {
        (category::MEDIA_CODEC, [media, codec, octets @ ..]) if media >> 4 == 0 => Some((*codec, octets)),
        _ => None,
    })
}
