//! Which channel of a link is what.

use super::signalling::{ConnectionResult, Signal};
use crate::capture::Direction;

/// Service discovery.
pub const SDP: u16 = 1;
/// Serial lines: hands-free.
pub const RFCOMM: u16 = 3;
/// Remote control.
pub const AVCTP: u16 = 23;
/// Audio: signals and media.
pub const AVDTP: u16 = 25;

/// Channels of one link that are known at the same time.
const CHANNELS_AT_MOST: usize = 32;

/// The name of a service.
pub const fn psm_name(psm: u16) -> &'static str {
    match psm {
        SDP => "SDP",
        RFCOMM => "RFCOMM",
        17 | 19 => "HID",
        AVCTP => "AVCTP",
        AVDTP => "AVDTP",
        27 => "AVCTP browsing",
        31 => "ATT",
        _ => "another service",
    }
}

/// What goes over a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Whatever the service is for.
    Plain,
    /// The signals of AVDTP: its first channel.
    AvdtpSignals,
    /// Media: its second channel.
    Media,
}

/// A channel that is open or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// The service.
    pub psm: u16,
    /// What goes over it.
    pub role: Role,
    /// Which way the request for it went.
    pub asked: Direction,
    /// Its number on the side of the host; 0 while not known.
    pub host: u16,
    /// Its number on the other side; 0 while not known.
    pub peer: u16,
    /// It is open.
    pub open: bool,
    /// The longest media packet and such that may be sent to the peer, in bytes.
    pub mtu_to_peer: Option<u16>,
    /// The longest that may be sent to the host, in bytes.
    pub mtu_to_host: Option<u16>,
}

/// What a signal changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A channel was asked for.
    Asked(Channel),
    /// The answer has to wait.
    Pending(Channel),
    /// A channel is open.
    Opened(Channel),
    /// A channel was refused, with the code.
    Refused(Channel, u16),
    /// A configuration was not agreed to.
    NotAgreed(Channel),
    /// The configuration changed.
    Configured(Channel),
    /// A channel was closed, by the side whose request went this way.
    Closed(Channel, Direction),
}

/// The channels of one link.
#[derive(Debug, Default)]
pub struct Channels {
    channels: Vec<Channel>,
}

impl Channels {
    /// The channel over which a packet goes: packets carry the number of the receiver.
    pub fn find(&self, direction: Direction, number: u16) -> Option<&Channel> {
        // The last one that was opened is in use, should a number be used again without having been given back.
        self.channels.iter().rev().find(|channel| {
            channel.open
                && number
                    == match direction {
                        Direction::Sent => channel.peer,
                        Direction::Received => channel.host,
                    }
        })
    }

    /// Follows a signal that went this way; says what it changed.
    pub fn follow(&mut self, direction: Direction, signal: Signal) -> Option<Change> {
        let sent = direction == Direction::Sent;
        match signal {
            Signal::Connect { psm, source } => {
                let (host, peer) = if sent { (source, 0) } else { (0, source) };
                let channel = Channel {
                    psm,
                    role: Role::Plain,
                    asked: direction,
                    host,
                    peer,
                    open: false,
                    mtu_to_peer: None,
                    mtu_to_host: None,
                };
                if self.channels.len() >= CHANNELS_AT_MOST {
                    self.channels.remove(0);
                }
                self.channels.push(channel);
                Some(Change::Asked(channel))
            }
            Signal::Connected { destination, source, result } => self.answer(direction, destination, source, result),
            Signal::Configure { destination, mtu } => {
                let channel = self.of_receiver(direction, destination)?;
                let mtu = mtu.unwrap_or(672);
                if sent {
                    channel.mtu_to_host = Some(mtu);
                } else {
                    channel.mtu_to_peer = Some(mtu);
                }
                Some(Change::Configured(*channel))
            }
            Signal::Configured { source, result } if !matches!(result, 0 | 4) => {
                self.of_receiver(direction, source).map(|channel| Change::NotAgreed(*channel))
            }
            Signal::Disconnected { destination, source } => {
                // Both numbers stand as in the request, which went the other way.
                let (host, peer) = if sent { (destination, source) } else { (source, destination) };
                let at = self.channels.iter().position(|channel| channel.host == host && channel.peer == peer)?;
                Some(Change::Closed(self.channels.remove(at), direction.other()))
            }
            _ => None,
        }
    }

    /// The channels that are open.
    pub fn open(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(|channel| channel.open)
    }

    fn answer(
        &mut self,
        direction: Direction,
        destination: u16,
        source: u16,
        result: ConnectionResult,
    ) -> Option<Change> {
        let sent = direction == Direction::Sent;
        let asked = |channel: &Channel| {
            !channel.open
                && channel.asked == direction.other()
                && source == if sent { channel.peer } else { channel.host }
        };
        let at = self.channels.iter().rposition(asked)?;
        match result {
            ConnectionResult::Pending => self.channels.get(at).map(|channel| Change::Pending(*channel)),
            ConnectionResult::Refused(code) => Some(Change::Refused(self.channels.remove(at), code)),
            ConnectionResult::Open => {
                let mut channel = self.channels.remove(at);
                if sent {
                    channel.host = destination;
                } else {
                    channel.peer = destination;
                }
                // Numbers are used again: what had one of them before is gone.
                self.channels.retain(|other| !other.open || (other.host != channel.host && other.peer != channel.peer));
                channel.open = true;
                channel.role = match channel.psm {
                    AVDTP if self.open().any(|other| other.role == Role::AvdtpSignals) => Role::Media,
                    AVDTP => Role::AvdtpSignals,
                    _ => Role::Plain,
                };
                self.channels.push(channel);
                Some(Change::Opened(channel))
            }
        }
    }

    fn of_receiver(&mut self, direction: Direction, number: u16) -> Option<&mut Channel> {
        self.channels.iter_mut().rev().find(|channel| {
            number
                == match direction {
                    Direction::Sent => channel.peer,
                    Direction::Received => channel.host,
                }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Received, Sent};

    fn open(channels: &mut Channels, asked: Direction, psm: u16, asking: u16, answering: u16) -> Option<Change> {
        channels.follow(asked, Signal::Connect { psm, source: asking });
        let result = ConnectionResult::Open;
        channels.follow(asked.other(), Signal::Connected { destination: answering, source: asking, result })
    }

    #[test]
    fn the_first_channel_of_avdtp_is_for_signals_and_the_second_for_media_whoever_asks() {
        let mut channels = Channels::default();
        open(&mut channels, Received, AVDTP, 70, 64);
        open(&mut channels, Sent, AVDTP, 65, 71);
        assert_eq!(channels.find(Sent, 70).map(|channel| channel.role), Some(Role::AvdtpSignals));
        assert_eq!(channels.find(Received, 64).map(|channel| channel.role), Some(Role::AvdtpSignals));
        assert_eq!(channels.find(Sent, 71).map(|channel| channel.role), Some(Role::Media));
        assert_eq!(channels.find(Received, 71), None);
    }

    #[test]
    fn a_number_is_used_again_for_something_else() {
        let mut channels = Channels::default();
        open(&mut channels, Sent, SDP, 64, 64);
        channels.follow(Sent, Signal::Disconnect { destination: 64, source: 64 });
        let closed = channels.follow(Received, Signal::Disconnected { destination: 64, source: 64 });
        assert!(matches!(closed, Some(Change::Closed(Channel { psm: SDP, .. }, Sent))), "{closed:?}");
        open(&mut channels, Sent, AVDTP, 64, 65);
        assert_eq!(channels.find(Received, 64).map(|channel| channel.psm), Some(AVDTP));
        // Without the end of the first one, too.
        open(&mut channels, Sent, RFCOMM, 64, 66);
        assert_eq!(channels.find(Received, 64).map(|channel| channel.psm), Some(RFCOMM));
        assert_eq!(channels.open().count(), 1);
    }

    #[test]
    fn an_answer_may_have_to_wait_or_be_no() {
        let mut channels = Channels::default();
        channels.follow(Sent, Signal::Connect { psm: AVDTP, source: 64 });
        let answer = |result| Signal::Connected { destination: 65, source: 64, result };
        assert!(matches!(channels.follow(Received, answer(ConnectionResult::Pending)), Some(Change::Pending(_))));
        assert!(matches!(channels.follow(Received, answer(ConnectionResult::Refused(3))), Some(Change::Refused(_, 3))));
        assert_eq!(channels.follow(Received, answer(ConnectionResult::Open)), None);
        assert_eq!(channels.find(Sent, 65), None);
    }

    #[test]
    fn each_side_says_what_it_takes() {
        let mut channels = Channels::default();
        open(&mut channels, Sent, AVDTP, 64, 65);
        channels.follow(Received, Signal::Configure { destination: 64, mtu: Some(2048) });
        channels.follow(Sent, Signal::Configure { destination: 65, mtu: None });
        let channel = channels.find(Sent, 65).expect("a channel");
        assert_eq!((channel.mtu_to_peer, channel.mtu_to_host), (Some(2048), Some(672)));
    }

    #[test]
    fn endless_requests_are_not_kept() {
        let mut channels = Channels::default();
        for source in 0..10_000 {
            channels.follow(Sent, Signal::Connect { psm: AVDTP, source });
        }
        assert_eq!(channels.channels.len(), CHANNELS_AT_MOST);
    }
}
