//! Commands.

use super::address::Address;
use crate::cursor::Cursor;

/// Opcodes that answers are matched by.
pub mod opcode {
    #![expect(missing_docs, reason = "they are named as in the specification")]
    pub const INQUIRY: u16 = 0x0401;
    pub const INQUIRY_CANCEL: u16 = 0x0402;
    pub const CREATE_CONNECTION: u16 = 0x0405;
    pub const ACCEPT_CONNECTION: u16 = 0x0409;
    pub const AUTHENTICATION_REQUESTED: u16 = 0x0411;
    pub const SET_ENCRYPTION: u16 = 0x0413;
    pub const EXIT_SNIFF: u16 = 0x0804;
    pub const RESET: u16 = 0x0C03;
    pub const READ_BUFFER_SIZE: u16 = 0x1005;
    pub const READ_ADDRESS: u16 = 0x1009;
}

/// A command of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Look for devices.
    Inquiry,
    /// Stop looking.
    InquiryCancel,
    /// Call a device.
    CreateConnection(Address),
    /// Stop calling.
    CreateConnectionCancel(Address),
    /// End a link.
    Disconnect {
        /// The link.
        handle: u16,
        /// Why.
        reason: u8,
    },
    /// Take a call.
    AcceptConnection(Address),
    /// Refuse a call.
    RejectConnection {
        /// Whose.
        address: Address,
        /// Why.
        reason: u8,
    },
    /// A link key that is known, or that there is none.
    LinkKeyReply {
        /// Of whom.
        address: Address,
        /// There is one.
        known: bool,
    },
    /// Prove who is there.
    AuthenticationRequested(u16),
    /// Encrypt, or stop it.
    SetEncryption {
        /// The link.
        handle: u16,
        /// On or off.
        on: bool,
    },
    /// The user's word on a pairing: yes or no.
    PairingReply {
        /// With whom.
        address: Address,
        /// Yes.
        accepted: bool,
    },
    /// Voice, on the link or, when taking it, from the device.
    SetupSynchronous,
    /// Rest between intervals.
    Sniff(u16),
    /// No more rest.
    ExitSniff(u16),
    /// Be central or peripheral.
    SwitchRole(Address),
    /// The controller forgets everything.
    Reset,
    /// Anything else.
    Other(u16),
}

impl Command {
    /// Reads a command; `None` when it is cut off, or its length is not what its header says.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(packet);
        let (opcode, length) = (cursor.le16()?, cursor.u8()?);
        if cursor.rest().len() != usize::from(length) {
            return None;
        }
        Some(Self::of(opcode, cursor).unwrap_or(Self::Other(opcode)))
    }

    fn of(opcode: u16, mut parameters: Cursor<'_>) -> Option<Self> {
        let mut address = || parameters.array().map(Address::from_air);
        Some(match opcode {
            opcode::INQUIRY => Self::Inquiry,
            opcode::INQUIRY_CANCEL => Self::InquiryCancel,
            opcode::CREATE_CONNECTION => Self::CreateConnection(address()?),
            0x0408 => Self::CreateConnectionCancel(address()?),
            0x0406 => Self::Disconnect { handle: parameters.le16()?, reason: parameters.u8()? },
            opcode::ACCEPT_CONNECTION => Self::AcceptConnection(address()?),
            0x040A => Self::RejectConnection { address: address()?, reason: parameters.u8()? },
            0x040B => Self::LinkKeyReply { address: address()?, known: true },
            0x040C => Self::LinkKeyReply { address: address()?, known: false },
            opcode::AUTHENTICATION_REQUESTED => Self::AuthenticationRequested(parameters.le16()?),
            opcode::SET_ENCRYPTION => Self::SetEncryption { handle: parameters.le16()?, on: parameters.u8()? != 0 },
            0x040D | 0x042C | 0x042E => Self::PairingReply { address: address()?, accepted: true },
            0x040E | 0x042D | 0x042F | 0x0434 => Self::PairingReply { address: address()?, accepted: false },
            0x0428 | 0x0429 | 0x043D | 0x043E => Self::SetupSynchronous,
            0x0803 => Self::Sniff(parameters.le16()?),
            opcode::EXIT_SNIFF => Self::ExitSniff(parameters.le16()?),
            0x080B => Self::SwitchRole(address()?),
            opcode::RESET => Self::Reset,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SPEAKER: Address = Address([0x00, 0x18, 0x6B, 0x01, 0x02, 0x03]);

    #[rstest]
    #[case(&[0x05, 0x04, 13, 3, 2, 1, 0x6B, 0x18, 0, 0x18, 0xCC, 2, 0, 0, 0, 1], Command::CreateConnection(SPEAKER))]
    #[case(&[0x06, 0x04, 3, 2, 0, 0x13], Command::Disconnect { handle: 2, reason: 0x13 })]
    #[case(&[0x0C, 0x04, 6, 3, 2, 1, 0x6B, 0x18, 0], Command::LinkKeyReply { address: SPEAKER, known: false })]
    #[case(&[0x13, 0x04, 3, 2, 0, 1], Command::SetEncryption { handle: 2, on: true })]
    #[case(&[0x04, 0x08, 2, 2, 0], Command::ExitSniff(2))]
    #[case(&[0x03, 0x0C, 0], Command::Reset)]
    #[case(&[0x04, 0x08, 1, 2], Command::Other(0x0804))]
    #[case(&[0x45, 0xFC, 1, 2], Command::Other(0xFC45))]
    fn commands_are_read(#[case] packet: &[u8], #[case] command: Command) {
        assert_eq!(Command::parse(packet), Some(command));
    }

    #[rstest]
    #[case(&[])]
    #[case(&[0x03, 0x0C])]
    #[case(&[0x03, 0x0C, 1])]
    #[case(&[0x03, 0x0C, 0, 0])]
    fn another_length_than_the_header_says_is_none(#[case] packet: &[u8]) {
        assert_eq!(Command::parse(packet), None);
    }
}
