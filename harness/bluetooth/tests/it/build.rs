//! Captures byte by byte, as the formats' documents have them.

use rigtone_bluetooth::capture::{Direction, Format, Kind};

/// Every format.
pub(crate) const FORMATS: [Format; 5] = [
    Format::BtsnoopHci,
    Format::BtsnoopH4,
    Format::BtsnoopMonitor,
    Format::PacketLogger,
    Format::PacketLoggerLittleEndian,
];

/// 2026-01-01 in seconds since the beginning of 1970.
pub(crate) const BEGUN_S: u64 = 1_767_225_600;
/// Microseconds between the beginnings of the year 0 and of 1970.
const YEAR_0_US: u64 = 0x00dc_ddb3_0f2f_8000;

/// A packet between host and controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Microseconds since the beginning of the capture.
    pub(crate) at_us: u64,
    pub(crate) direction: Direction,
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
}

pub(crate) fn packet(at_us: u64, direction: Direction, kind: Kind, data: &[u8]) -> Packet {
    Packet { at_us, direction, kind, data: data.to_vec() }
}

/// What stands at the beginning of a file.
pub(crate) fn head(format: Format) -> Vec<u8> {
    let datalink: u32 = match format {
        Format::BtsnoopHci => 1001,
        Format::BtsnoopH4 => 1002,
        Format::BtsnoopMonitor => 2001,
        Format::PacketLogger | Format::PacketLoggerLittleEndian => return vec![],
    };
    [b"btsnoop\0".as_slice(), &1_u32.to_be_bytes(), &datalink.to_be_bytes()].concat()
}

/// A record of btsnoop.
pub(crate) fn btsnoop(at_us: u64, flags: u32, drops: u32, original: u32, data: &[u8]) -> Vec<u8> {
    let time = BEGUN_S * 1_000_000 + at_us + YEAR_0_US;
    [
        original.to_be_bytes().as_slice(),
        &(data.len() as u32).to_be_bytes(),
        &flags.to_be_bytes(),
        &drops.to_be_bytes(),
        &time.to_be_bytes(),
        data,
    ]
    .concat()
}

/// A record of PacketLogger.
pub(crate) fn packet_logger(at_us: u64, kind: u8, data: &[u8], little: bool) -> Vec<u8> {
    let order = |number: u32| if little { number.to_le_bytes() } else { number.to_be_bytes() };
    let time = BEGUN_S * 1_000_000 + at_us;
    [
        order(9 + data.len() as u32).as_slice(),
        &order((time / 1_000_000) as u32),
        &order((time % 1_000_000) as u32),
        &[kind],
        data,
    ]
    .concat()
}

/// A packet as a record of a format; on the monitor, of the first controller.
pub(crate) fn record(format: Format, packet: &Packet) -> Vec<u8> {
    let Packet { at_us, direction, kind, data } = packet;
    let received = u32::from(*direction == Direction::Received);
    let control = u32::from(matches!(kind, Kind::Command | Kind::Event));
    match format {
        Format::BtsnoopHci => btsnoop(*at_us, control << 1 | received, 0, data.len() as u32, data),
        Format::BtsnoopH4 => {
            let kind = match kind {
                Kind::Command => 1,
                Kind::Acl => 2,
                Kind::Sco => 3,
                Kind::Event => 4,
                Kind::Iso => 5,
                other => panic!("{other:?} is no H4 packet"),
            };
            let data = [&[kind], data.as_slice()].concat();
            btsnoop(*at_us, control << 1 | received, 0, data.len() as u32, &data)
        }
        Format::BtsnoopMonitor => {
            let opcode = match kind {
                Kind::Command => 2,
                Kind::Event => 3,
                Kind::Acl => 4 + received,
                Kind::Sco => 6 + received,
                Kind::Iso => 18 + received,
                Kind::NewIndex => 0,
                Kind::DeleteIndex => 1,
                Kind::IndexInfo => 10,
                Kind::Other | Kind::Unknown => 13,
            };
            btsnoop(*at_us, opcode, 0, data.len() as u32, data)
        }
        Format::PacketLogger | Format::PacketLoggerLittleEndian => {
            let kind = match kind {
                Kind::Command => 0,
                Kind::Event => 1,
                Kind::Acl => 2 + received as u8,
                Kind::Sco => 8 + received as u8,
                Kind::Iso => 0x12 + received as u8,
                other => panic!("{other:?} is not logged so"),
            };
            packet_logger(*at_us, kind, data, format == Format::PacketLoggerLittleEndian)
        }
    }
}

/// A whole file.
pub(crate) fn file(format: Format, packets: &[Packet]) -> Vec<u8> {
    packets.iter().fold(head(format), |file, packet| [file, record(format, packet)].concat())
}
