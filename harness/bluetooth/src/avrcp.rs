//! AVRCP: volume, playback and keys of the remote control.
//!
//! Source: Audio/Video Control Transport Protocol, section 6.1.1; Audio/Video Remote Control Profile, section 6.

use crate::cursor::Cursor;

const VENDOR_DEPENDENT: u8 = 0x00;
const PASS_THROUGH: u8 = 0x7C;
const REGISTER_NOTIFICATION: u8 = 0x31;
const SET_ABSOLUTE_VOLUME: u8 = 0x50;
const PLAYBACK_STATUS: u8 = 0x01;
const VOLUME: u8 = 0x0D;

/// What a player does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playback {
    /// Nothing.
    Stopped,
    /// It plays.
    Playing,
    /// It rests.
    Paused,
    /// It goes forwards or backwards.
    Seeking,
    /// It failed.
    Error,
}

/// A message that says something about sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The sender sets the receiver's volume, 0 to 127.
    SetVolume(u8),
    /// The receiver of the order says which volume it took.
    VolumeSet(u8),
    /// The sender wants to know of changes: of volume, or of playback.
    Watch {
        /// Of volume; otherwise of playback.
        volume: bool,
    },
    /// The sender's volume, 0 to 127.
    Volume {
        /// The value.
        value: u8,
        /// It changed; otherwise the sender says what it is.
        changed: bool,
    },
    /// What the sender's player does.
    Playback {
        /// What.
        status: Playback,
        /// It changed; otherwise the sender says what it is.
        changed: bool,
    },
    /// A key of the remote control.
    Key {
        /// Its code.
        code: u8,
        /// Pressed; otherwise let go.
        pressed: bool,
    },
    /// An order that the receiver does not know or refuses.
    Refused {
        /// About volume; otherwise about something else.
        volume: bool,
    },
}

impl Message {
    /// Reads a packet of AVCTP; `None` for everything else.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let mut p = Cursor::new(packet);
        let first = p.u8()?;
        // A single packet of the remote control profile.
        if first >> 2 & 3 != 0 || p.be16()? != 0x110E {
            return None;
        }
        let answers = first & 2 != 0;
        let (kind, _subunit, opcode) = (p.u8()? & 0x0F, p.u8()?, p.u8()?);
        match opcode {
            PASS_THROUGH if !answers => {
                let key = p.u8()?;
                Some(Self::Key { code: key & 0x7F, pressed: key & 0x80 == 0 })
            }
            VENDOR_DEPENDENT => {
                if p.array()? != [0x00, 0x19, 0x58] {
                    return None;
                }
                let (pdu, _packet) = (p.u8()?, p.u8()?);
                let length = usize::from(p.be16()?);
                let mut p = Cursor::new(p.take(length)?);
                Self::vendor(kind, answers, pdu, &mut p)
            }
            _ => None,
        }
    }

    fn vendor(kind: u8, answers: bool, pdu: u8, p: &mut Cursor<'_>) -> Option<Self> {
        // Interim and changed are answers to the same question.
        let changed = kind == 0x0D;
        match (pdu, answers, kind) {
            (SET_ABSOLUTE_VOLUME, false, _) => Some(Self::SetVolume(p.u8()? & 0x7F)),
            (SET_ABSOLUTE_VOLUME, true, 0x09) => Some(Self::VolumeSet(p.u8()? & 0x7F)),
            (SET_ABSOLUTE_VOLUME, true, 0x08 | 0x0A) => Some(Self::Refused { volume: true }),
            (REGISTER_NOTIFICATION, false, _) => match p.u8()? {
                VOLUME => Some(Self::Watch { volume: true }),
                PLAYBACK_STATUS => Some(Self::Watch { volume: false }),
                _ => None,
            },
            (REGISTER_NOTIFICATION, true, 0x0D | 0x0F) => match p.u8()? {
                VOLUME => Some(Self::Volume { value: p.u8()? & 0x7F, changed }),
                PLAYBACK_STATUS => {
                    let status = match p.u8()? {
                        0 => Playback::Stopped,
                        1 => Playback::Playing,
                        2 => Playback::Paused,
                        3 | 4 => Playback::Seeking,
                        _ => Playback::Error,
                    };
                    Some(Self::Playback { status, changed })
                }
                _ => None,
            },
            (_, true, 0x08 | 0x0A) => Some(Self::Refused { volume: false }),
            _ => None,
        }
    }
}

/// The name of a key.
pub const fn key_name(code: u8) -> &'static str {
    match code {
        0x41 => "volume up",
        0x42 => "volume down",
        0x43 => "mute",
        0x44 => "play",
        0x45 => "stop",
        0x46 => "pause",
        0x48 => "rewind",
        0x49 => "fast forward",
        0x4B => "forward",
        0x4C => "backward",
        _ => "another key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[0x10, 0x11, 0x0E, 0x00, 0x48, 0x00, 0, 0x19, 0x58, 0x50, 0, 0, 1, 0x40], Message::SetVolume(64))]
    #[case(&[0x12, 0x11, 0x0E, 0x09, 0x48, 0x00, 0, 0x19, 0x58, 0x50, 0, 0, 1, 0xC0], Message::VolumeSet(64))]
    #[case(&[0x12, 0x11, 0x0E, 0x0A, 0x48, 0x00, 0, 0x19, 0x58, 0x50, 0, 0, 1, 0], Message::Refused { volume: true })]
    #[case(&[0x10, 0x11, 0x0E, 0x03, 0x48, 0x00, 0, 0x19, 0x58, 0x31, 0, 0, 5, 0x0D, 0, 0, 0, 0], Message::Watch { volume: true })]
    #[case(
        &[0x12, 0x11, 0x0E, 0x0F, 0x48, 0x00, 0, 0x19, 0x58, 0x31, 0, 0, 2, 0x0D, 0x30],
        Message::Volume { value: 48, changed: false },
    )]
    #[case(
        &[0x12, 0x11, 0x0E, 0x0D, 0x48, 0x00, 0, 0x19, 0x58, 0x31, 0, 0, 2, 0x01, 2],
        Message::Playback { status: Playback::Paused, changed: true },
    )]
    #[case(&[0x10, 0x11, 0x0E, 0x00, 0x48, 0x7C, 0x44, 0], Message::Key { code: 0x44, pressed: true })]
    #[case(&[0x10, 0x11, 0x0E, 0x00, 0x48, 0x7C, 0xC6, 0], Message::Key { code: 0x46, pressed: false })]
    fn messages_are_read(#[case] packet: &[u8], #[case] message: Message) {
        assert_eq!(Message::parse(packet), Some(message));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Message::parse(&bytes);
            let _ = Message::parse(&[&[0x10, 0x11, 0x0E, 0, 0x48, 0, 0, 0x19, 0x58], bytes.as_slice()].concat());
        }
    }
}
