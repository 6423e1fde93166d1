//! Service class UUIDs (Bluetooth SIG, assigned numbers).

use std::fmt;

/// A 16-bit service class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceClass(pub u16);

/// Audio source: sends music.
pub const A2DP_SOURCE: ServiceClass = ServiceClass(0x110A);
/// Audio sink: plays music.
pub const A2DP_SINK: ServiceClass = ServiceClass(0x110B);

/// The base UUID, which short ones are the head of.
const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5F9B_34FB;

impl ServiceClass {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x0100 => "L2CAP",
            0x1101 => "serial port",
            0x1105 => "object push",
            0x1108 => "headset",
            0x110A => "audio source",
            0x110B => "audio sink",
            0x110C => "remote control target",
            0x110D => "advanced audio",
            0x110E => "remote control",
            0x110F => "remote controller",
            0x1112 => "headset gateway",
            0x1115 => "personal area network user",
            0x1116 => "network access point",
            0x111E => "hands-free unit",
            0x111F => "hands-free gateway",
            0x112F => "phone book server",
            0x1132 => "message server",
            0x1200 => "device information",
            0x1203 => "generic audio",
            _ => "another service",
        }
    }

    /// The service class that a full UUID stands for; none for one of a maker's own.
    pub const fn from_u128(uuid: u128) -> Option<Self> {
        let short = uuid >> 96;
        if uuid & !(0xFFFF << 96) == BASE && short <= 0xFFFF { Some(Self(short as u16)) } else { None }
    }

    /// The full form, on the base UUID.
    pub const fn as_u128(self) -> u128 {
        (self.0 as u128) << 96 | BASE
    }
}

impl fmt::Display for ServiceClass {
    /// The full form in hexadecimal groups.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = self.as_u128();
        let [head, mid, version] = [full >> 96, full >> 80 & 0xFFFF, full >> 64 & 0xFFFF];
        let [variant, node] = [full >> 48 & 0xFFFF, full & 0xFFFF_FFFF_FFFF];
        write!(f, "{head:08x}-{mid:04x}-{version:04x}-{variant:04x}-{node:012x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(A2DP_SOURCE, "0000110a-0000-1000-8000-00805f9b34fb")]
    #[case(A2DP_SINK, "0000110b-0000-1000-8000-00805f9b34fb")]
    fn a_service_class_is_written_on_the_base_uuid(#[case] class: ServiceClass, #[case] text: &str) {
        assert_eq!(class.to_string(), text);
    }
}
