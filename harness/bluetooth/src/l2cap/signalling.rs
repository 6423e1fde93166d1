//! The signals on channel 1.

use crate::cursor::Cursor;

/// How a request for a channel was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionResult {
    /// The channel is there.
    Open,
    /// Another answer follows.
    Pending,
    /// No channel, with the code of the refusal.
    Refused(u16),
}

/// A signal. Channels are named as the sender sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A request was not understood.
    Reject,
    /// Asks for a channel to a service.
    Connect {
        /// The service.
        psm: u16,
        /// The sender's channel.
        source: u16,
    },
    /// The answer.
    Connected {
        /// The answering side's channel.
        destination: u16,
        /// The asking side's channel.
        source: u16,
        /// The answer.
        result: ConnectionResult,
    },
    /// What the sender takes.
    Configure {
        /// The receiver's channel.
        destination: u16,
        /// The longest packet that the sender takes, in bytes.
        mtu: Option<u16>,
    },
    /// The answer to it.
    Configured {
        /// The receiver's channel.
        source: u16,
        /// 0: agreed; 4: pending; others: not so.
        result: u16,
    },
    /// Ends a channel.
    Disconnect {
        /// The receiver's channel.
        destination: u16,
        /// The sender's channel.
        source: u16,
    },
    /// It is ended: with the channels as they stood in the request.
    Disconnected {
        /// The answering side's channel.
        destination: u16,
        /// The asking side's channel.
        source: u16,
    },
    /// Anything else.
    Other(u8),
}

/// The signals of a packet on channel 1, up to the first that is cut off.
#[derive(Debug)]
pub struct Signals<'a>(Cursor<'a>);

impl<'a> Signals<'a> {
    /// Reads a packet.
    pub const fn new(packet: &'a [u8]) -> Self {
        Self(Cursor::new(packet))
    }

    fn signal(&mut self) -> Option<Signal> {
        let (code, _) = (self.0.u8()?, self.0.u8()?);
        let length = usize::from(self.0.le16()?);
        let mut p = Cursor::new(self.0.take(length)?);
        Some(Self::of(code, &mut p).unwrap_or(Signal::Other(code)))
    }

    fn of(code: u8, p: &mut Cursor<'_>) -> Option<Signal> {
        Some(match code {
            1 => Signal::Reject,
            2 => Signal::Connect { psm: p.le16()?, source: p.le16()? },
            3 => {
                let (destination, source) = (p.le16()?, p.le16()?);
                let result = match p.le16()? {
                    0 => ConnectionResult::Open,
                    1 => ConnectionResult::Pending,
                    code => ConnectionResult::Refused(code),
                };
                Signal::Connected { destination, source, result }
            }
            4 => {
                let (destination, _) = (p.le16()?, p.le16()?);
                Signal::Configure { destination, mtu: mtu(p) }
            }
            5 => {
                let (source, _) = (p.le16()?, p.le16()?);
                Signal::Configured { source, result: p.le16()? }
            }
            6 => Signal::Disconnect { destination: p.le16()?, source: p.le16()? },
            7 => Signal::Disconnected { destination: p.le16()?, source: p.le16()? },
            _ => return None,
        })
    }
}

fn mtu(options: &mut Cursor<'_>) -> Option<u16> {
    loop {
        let (kind, length) = (options.u8()?, options.u8()?);
        let value = options.take(usize::from(length))?;
        if kind & 0x7F == 1 {
            return Cursor::new(value).le16();
        }
    }
}

impl Iterator for Signals<'_> {
    type Item = Signal;

    fn next(&mut self) -> Option<Signal> {
        self.signal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[2, 1, 4, 0, 25, 0, 64, 0], Signal::Connect { psm: 25, source: 64 })]
    #[case(&[3, 1, 8, 0, 65, 0, 64, 0, 0, 0, 0, 0], Signal::Connected { destination: 65, source: 64, result: ConnectionResult::Open })]
    #[case(&[3, 1, 8, 0, 0, 0, 64, 0, 1, 0, 2, 0], Signal::Connected { destination: 0, source: 64, result: ConnectionResult::Pending })]
    #[case(&[3, 1, 8, 0, 0, 0, 64, 0, 3, 0, 0, 0], Signal::Connected { destination: 0, source: 64, result: ConnectionResult::Refused(3) })]
    #[case(&[4, 1, 8, 0, 65, 0, 0, 0, 1, 2, 0xA0, 2], Signal::Configure { destination: 65, mtu: Some(672) })]
    #[case(&[4, 1, 11, 0, 65, 0, 0, 0, 4, 1, 0, 1, 2, 0, 8], Signal::Configure { destination: 65, mtu: Some(2048) })]
    #[case(&[4, 1, 4, 0, 65, 0, 0, 0], Signal::Configure { destination: 65, mtu: None })]
    #[case(&[5, 1, 6, 0, 64, 0, 0, 0, 1, 0], Signal::Configured { source: 64, result: 1 })]
    #[case(&[6, 1, 4, 0, 65, 0, 64, 0], Signal::Disconnect { destination: 65, source: 64 })]
    #[case(&[7, 1, 4, 0, 65, 0, 64, 0], Signal::Disconnected { destination: 65, source: 64 })]
    #[case(&[10, 1, 2, 0, 2, 0], Signal::Other(10))]
    #[case(&[2, 1, 2, 0, 25, 0], Signal::Other(2))]
    fn signals_are_read(#[case] packet: &[u8], #[case] signal: Signal) {
        assert_eq!(Signals::new(packet).collect::<Vec<_>>(), [signal]);
    }

    #[test]
    fn several_in_a_packet_are_read_up_to_the_one_that_is_cut_off() {
        let packet = [2, 1, 4, 0, 25, 0, 64, 0, 10, 2, 0, 0, 6, 3, 4, 0, 65];
        assert_eq!(Signals::new(&packet).count(), 2);
    }
}
