//! The monitor channel of Linux's Bluetooth: a copy of every packet between the host and its controllers, with the kernel's time.
//!
//! Source: Linux `net/bluetooth/hci_sock.c`, `include/net/bluetooth/hci_mon.h`. Opening it needs the right to open raw sockets (CAP_NET_RAW).
//! The kernel tells first which controllers there are.
//!
//! Beside it stands what the kernel says of its controllers to anybody who asks ([`controllers`]).

mod address;
mod control;

use std::{
    io::{self, IoSliceMut},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    time::{SystemTime, UNIX_EPOCH},
};

use nix::{
    cmsg_space,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
        time::TimeSpec,
    },
};
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, bind, socket_with};

use self::address::Channel;
pub use self::control::{Controller, controllers};

/// `BTPROTO_HCI`.
const HCI: u32 = 1;
/// Code, controller and length stand before every packet.
const HEADER: usize = 6;
/// The longest HCI packet has 65,540 bytes.
const LONGEST: usize = HEADER + 65_540;

/// What the monitor told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// When the kernel saw it, in nanoseconds since the beginning of 1970.
    pub at_ns: i64,
    /// Which controller; `0xffff` where it is about none.
    pub controller: u16,
    /// What it is, as in captures of the Linux monitor.
    pub code: u16,
    /// The packet.
    pub data: &'a [u8],
}

/// The open channel.
#[derive(Debug)]
pub struct Monitor {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Monitor {
    /// Opens the channel. From now on the kernel queues what passes.
    ///
    /// # Errors
    /// `PermissionDenied` without the right to open raw sockets, `Unsupported` on a kernel without Bluetooth, others of the operating
    /// system.
    pub fn open() -> io::Result<Self> {
        let socket = hci_socket()?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        bind(&socket, &Channel::MONITOR)?;
        Ok(Self::on(socket))
    }

    fn on(socket: OwnedFd) -> Self {
        Self { socket, buffer: vec![0; LONGEST] }
    }

    /// The next record; none when the kernel has no more now.
    ///
    /// # Errors
    /// Those of the operating system, and `InvalidData` for something that is no record.
    pub fn receive(&mut self) -> io::Result<Option<Record<'_>>> {
        let mut ancillary = cmsg_space!(TimeSpec);
        let (length, stamped) = loop {
            let mut into = [IoSliceMut::new(&mut self.buffer)];
            let flags = MsgFlags::MSG_DONTWAIT;
            match recvmsg::<()>(self.socket.as_raw_fd(), &mut into, Some(&mut ancillary), flags) {
                Ok(message) => {
                    let stamped = message.cmsgs()?.find_map(|message| match message {
                        ControlMessageOwned::ScmTimestampns(at) => Some(at.tv_sec() * 1_000_000_000 + at.tv_nsec()),
                        _ => None,
                    });
                    break (message.bytes, stamped);
                }
                Err(nix::Error::EINTR) => {}
                Err(nix::Error::EAGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        };
        let at_ns = stamped.unwrap_or_else(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos().try_into().unwrap_or(i64::MAX))
        });
        let whole = self.buffer.get(..length).unwrap_or_default();
        record(whole, at_ns).map(Some).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("the monitor gave {length} bytes that are no record"))
        })
    }
}

fn hci_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let protocol = HCI.try_into().ok().map(Protocol::from_raw);
    socket_with(AddressFamily::BLUETOOTH, SocketType::RAW, flags, protocol).map_err(|e| match e {
        rustix::io::Errno::AFNOSUPPORT | rustix::io::Errno::PROTONOSUPPORT => {
            io::Error::new(io::ErrorKind::Unsupported, "the kernel has no Bluetooth")
        }
        other => other.into(),
    })
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn record(bytes: &[u8], at_ns: i64) -> Option<Record<'_>> {
    let (head, data) = bytes.split_at_checked(HEADER)?;
    let number = |at: usize| Some(u16::from_le_bytes([*head.get(at)?, *head.get(at + 1)?]));
    (usize::from(number(4)?) == data.len()).then_some(Record { at_ns, controller: number(2)?, code: number(0)?, data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use rustix::net::{SendFlags, send, socketpair};

    #[rstest]
    #[case(&[3, 0, 1, 0, 2, 0, 0x10, 0], Some((3, 1, &[0x10, 0][..])))]
    #[case(&[8, 0, 0xff, 0xff, 0, 0], Some((8, 0xffff, &[][..])))]
    #[case::shorter_than_it_says(&[3, 0, 1, 0, 2, 0, 0x10], None)]
    #[case::longer_than_it_says(&[3, 0, 1, 0, 0, 0, 0x10], None)]
    #[case::half_a_header(&[3, 0, 1, 0, 2], None)]
    #[case::nothing(&[], None)]
    fn a_record_is_what_its_header_says(#[case] bytes: &[u8], #[case] read: Option<(u16, u16, &[u8])>) {
        assert_eq!(record(bytes, 7).map(|r| (r.code, r.controller, r.data)), read);
    }

    #[test]
    fn records_come_one_by_one_until_there_are_none() {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::NONBLOCK, None).unwrap();
        let mut monitor = Monitor::on(ours);
        assert_eq!(monitor.receive().unwrap(), None);
        for number in 0..3_u8 {
            send(&theirs, &[2, 0, 0, 0, 1, 0, number], SendFlags::empty()).unwrap();
        }
        for number in 0..3_u8 {
            let record = monitor.receive().unwrap().unwrap();
            assert_eq!((record.code, record.controller, record.data), (2, 0, &[number][..]));
            assert!(record.at_ns > 1_700_000_000_000_000_000);
        }
        assert_eq!(monitor.receive().unwrap(), None);
        send(&theirs, b"nonsense", SendFlags::empty()).unwrap();
        assert_eq!(monitor.receive().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn without_rights_or_bluetooth_it_says_so() {
        // On a host with both there is nothing to see here; the virtual rig shows that.
        if let Err(error) = Monitor::open() {
            let kinds = [io::ErrorKind::PermissionDenied, io::ErrorKind::Unsupported];
            assert!(kinds.contains(&error.kind()), "{error:?}");
        }
    }
}
