//! Events.

use super::{address::Address, command::opcode};
use crate::cursor::Cursor;

/// A device that an inquiry found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its address.
    pub address: Address,
    /// Its strength in dBm.
    pub rssi: Option<i8>,
    /// The name that came with it.
    pub name: Option<&'a [u8]>,
}

/// An event of the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are named as in the specification")]
pub enum Event<'a> {
    InquiryComplete { status: u8 },
    InquiryResult(Vec<Found<'a>>),
    ConnectionComplete { status: u8, handle: u16, address: Address, acl: bool },
    ConnectionRequest { address: Address, acl: bool },
    DisconnectionComplete { status: u8, handle: u16, reason: u8 },
    AuthenticationComplete { status: u8, handle: u16 },
    RemoteName { status: u8, address: Address, name: &'a [u8] },
    EncryptionChange { status: u8, handle: u16, on: bool },
    RoleChange { status: u8, address: Address, peripheral: bool },
    CompletedPackets(Vec<(u16, u16)>),
    ModeChange { status: u8, handle: u16, mode: u8, interval: u16 },
    PinCodeRequest(Address),
    LinkKeyRequest(Address),
    LinkKeyNotification { address: Address, key_type: u8 },
    SynchronousComplete { status: u8, handle: u16, address: Address },
    IoCapabilityRequest(Address),
    IoCapabilityResponse(Address),
    UserConfirmationRequest(Address),
    SimplePairingComplete { status: u8, address: Address },
    HardwareError(u8),
    CommandComplete { opcode: u16, parameters: &'a [u8] },
    CommandStatus { status: u8, opcode: u16 },
    LeConnectionComplete { status: u8, handle: u16, address: Address },
    Other(u8),
}

impl<'a> Event<'a> {
    /// Reads an event; `None` when it is cut off, or its length is not what its header says.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(packet);
        let (code, length) = (cursor.u8()?, cursor.u8()?);
        if cursor.rest().len() != usize::from(length) {
            return None;
        }
        Self::of(code, cursor)
    }

    fn of(code: u8, mut p: Cursor<'a>) -> Option<Self> {
        let address = |p: &mut Cursor<'a>| p.array().map(Address::from_air);
        let handle = |p: &mut Cursor<'a>| p.le16().map(|handle| handle & 0x0FFF);
        Some(match code {
            0x01 => Self::InquiryComplete { status: p.u8()? },
            0x02 => Self::InquiryResult(results(p, 14, None)?),
            0x22 => Self::InquiryResult(results(p, 14, Some(13))?),
            0x2F => Self::InquiryResult(extended(p)?),
            0x03 => Self::ConnectionComplete {
                status: p.u8()?,
                handle: handle(&mut p)?,
                address: address(&mut p)?,
                acl: p.u8()? == 1,
            },
            0x04 => Self::ConnectionRequest { address: address(&mut p)?, acl: p.take(3).and(p.u8())? == 1 },
            0x05 => Self::DisconnectionComplete { status: p.u8()?, handle: handle(&mut p)?, reason: p.u8()? },
            0x06 => Self::AuthenticationComplete { status: p.u8()?, handle: handle(&mut p)? },
            0x07 => {
                let (status, address) = (p.u8()?, address(&mut p)?);
                let name = p.rest().split(|byte| *byte == 0).next().unwrap_or_default();
                Self::RemoteName { status, address, name }
            }
            0x08 | 0x59 => Self::EncryptionChange { status: p.u8()?, handle: handle(&mut p)?, on: p.u8()? != 0 },
            0x0E => {
                let _ = p.u8()?;
                Self::CommandComplete { opcode: p.le16()?, parameters: p.rest() }
            }
            0x0F => {
                let (status, _) = (p.u8()?, p.u8()?);
                Self::CommandStatus { status, opcode: p.le16()? }
            }
            0x10 => Self::HardwareError(p.u8()?),
            0x12 => Self::RoleChange { status: p.u8()?, address: address(&mut p)?, peripheral: p.u8()? == 1 },
            0x13 => {
                let count = p.u8()?;
                let pairs = (0..count).map(|_| Some((handle(&mut p)?, p.le16()?)));
                Self::CompletedPackets(pairs.collect::<Option<_>>()?)
            }
            0x14 => Self::ModeChange { status: p.u8()?, handle: handle(&mut p)?, mode: p.u8()?, interval: p.le16()? },
            0x16 => Self::PinCodeRequest(address(&mut p)?),
            0x17 => Self::LinkKeyRequest(address(&mut p)?),
            0x18 => Self::LinkKeyNotification { address: address(&mut p)?, key_type: p.take(16).and(p.u8())? },
            0x2C => Self::SynchronousComplete { status: p.u8()?, handle: handle(&mut p)?, address: address(&mut p)? },
            0x31 => Self::IoCapabilityRequest(address(&mut p)?),
            0x32 => Self::IoCapabilityResponse(address(&mut p)?),
            0x33 => Self::UserConfirmationRequest(address(&mut p)?),
            0x36 => Self::SimplePairingComplete { status: p.u8()?, address: address(&mut p)? },
            0x3E if matches!(p.rest().first(), Some(0x01 | 0x0A)) => {
                let (_, status, handle) = (p.u8()?, p.u8()?, handle(&mut p)?);
                Self::LeConnectionComplete { status, handle, address: p.take(2).and(address(&mut p))? }
            }
            other => Self::Other(other),
        })
    }

    /// The controller's ACL buffers: how many packets it may hold, from its answer to Read Buffer Size.
    pub fn acl_buffers(&self) -> Option<u16> {
        match self {
            Self::CommandComplete { opcode: opcode::READ_BUFFER_SIZE, parameters: [0, _, _, _, low, high, ..] } => {
                Some(u16::from_le_bytes([*low, *high]))
            }
            _ => None,
        }
    }

    /// The controller's own address, from its answer to Read BD_ADDR.
    pub fn own_address(&self) -> Option<Address> {
        match self {
            Self::CommandComplete { opcode: opcode::READ_ADDRESS, parameters: [0, address @ ..] } => {
                address.first_chunk().copied().map(Address::from_air)
            }
            _ => None,
        }
    }
}

/// Results of a fixed size in bytes; the strength stands in one of them.
fn results(mut p: Cursor<'_>, size: usize, rssi: Option<usize>) -> Option<Vec<Found<'_>>> {
    let count = p.u8()?;
    let mut one = || {
        let result = p.take(size)?;
        let address = Address::from_air(*result.first_chunk()?);
        let rssi = rssi.and_then(|at| result.get(at)).map(|byte| *byte as i8);
        Some(Found { address, rssi, name: None })
    };
    (0..count).map(|_| one()).collect()
}

/// One result with the strength and a list of length, type, value.
fn extended(mut p: Cursor<'_>) -> Option<Vec<Found<'_>>> {
    let _ = p.u8()?;
    let result = p.take(14)?;
    let (address, rssi) = (Address::from_air(*result.first_chunk()?), result.get(13).map(|byte| *byte as i8));
    let mut name = None;
    while let Some(length @ 1..) = p.u8() {
        let Some([kind, value @ ..]) = p.take(usize::from(length)) else { break };
        // The complete name, else a shortened one.
        if *kind == 0x09 || (*kind == 0x08 && name.is_none()) {
            name = Some(value);
        }
    }
    Some(vec![Found { address, rssi, name }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SPEAKER: Address = Address([0x00, 0x18, 0x6B, 0x01, 0x02, 0x03]);

    #[rstest]
    #[case(
        &[0x03, 11, 0x04, 0, 0, 3, 2, 1, 0x6B, 0x18, 0, 1, 0],
        Event::ConnectionComplete { status: 4, handle: 0, address: SPEAKER, acl: true },
    )]
    #[case(&[0x05, 4, 0, 2, 0, 0x16], Event::DisconnectionComplete { status: 0, handle: 2, reason: 0x16 })]
    #[case(&[0x14, 6, 0, 2, 0, 2, 0x20, 3], Event::ModeChange { status: 0, handle: 2, mode: 2, interval: 800 })]
    #[case(&[0x13, 9, 2, 2, 0, 3, 0, 42, 0, 1, 0], Event::CompletedPackets(vec![(2, 3), (42, 1)]))]
    #[case(
        &[0x07, 12, 0, 3, 2, 1, 0x6B, 0x18, 0, b'B', b'o', b'x', 0, b'!'],
        Event::RemoteName { status: 0, address: SPEAKER, name: b"Box" },
    )]
    #[case(
        &[0x2F, 22, 1, 3, 2, 1, 0x6B, 0x18, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 4, 9, b'B', b'o', b'x', 0, 0],
        Event::InquiryResult(vec![Found { address: SPEAKER, rssi: Some(-64), name: Some(b"Box") }]),
    )]
    #[case(&[0xFF, 1, 9], Event::Other(0xFF))]
    fn events_are_read(#[case] packet: &[u8], #[case] event: Event<'_>) {
        assert_eq!(Event::parse(packet), Some(event));
    }

    #[rstest]
    #[case(&[0x05, 4, 0, 2, 0])]
    #[case(&[0x05, 3, 0, 2, 0])]
    #[case(&[0x13, 5, 2, 2, 0, 3, 0])]
    #[case(&[0x02, 2, 1, 0])]
    fn what_is_cut_off_is_none(#[case] packet: &[u8]) {
        assert_eq!(Event::parse(packet), None);
    }

    #[test]
    fn buffers_and_address_are_read_from_answers() {
        let buffers = [0x0E, 11, 1, 0x05, 0x10, 0, 0xFD, 3, 0x40, 8, 0, 8, 0];
        assert_eq!(Event::parse(&buffers).and_then(|event| event.acl_buffers()), Some(8));
        let address = [0x0E, 10, 1, 0x09, 0x10, 0, 3, 2, 1, 0x6B, 0x18, 0];
        assert_eq!(Event::parse(&address).and_then(|event| event.own_address()), Some(SPEAKER));
    }
}
