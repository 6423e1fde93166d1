//! A controller whose host is the kernel: a dongle, by way of `/dev/vhci`.
//!
//! Source: Linux `drivers/bluetooth/hci_vhci.c`. One packet for each read and write; closing the device unplugs the dongle.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::fd::{AsFd, BorrowedFd},
};

use rustix::fs::{Mode, OFlags, open};

use crate::link_key;

const DEVICE: &str = "/dev/vhci";
/// Asks for a primary controller; is answered with the same two octets and the number of the new hciN.
const CREATE: [u8; 2] = [0xFF, 0x00];
const LONGEST: usize = 1 << 16;

/// What the kernel sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromKernel {
    /// It is hciN.
    Plugged(u16),
    /// A packet for the controller.
    Packet(Vec<u8>),
}

/// A dongle that is plugged in.
#[derive(Debug)]
pub(crate) struct Dongle {
    device: File,
}

/// Opens the device of the kernel.
pub(crate) fn vhci() -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = open(DEVICE, flags, Mode::empty()).map_err(|error| {
        let cure = "the kernel must have CONFIG_BT_HCIVHCI (module hci_vhci) and the user the right to open it";
        io::Error::new(io::Error::from(error).kind(), format!("{DEVICE}: {error}; {cure}"))
    })?;
    Ok(File::from(opened))
}

impl Dongle {
    /// Plugs one in, through a device that was just opened.
    pub(crate) fn plug(mut device: File) -> io::Result<Self> {
        device.write_all(&CREATE)?;
        Ok(Self { device })
    }

    /// The next that the kernel sent; none when there is no more now.
    pub(crate) fn receive(&mut self) -> io::Result<Option<FromKernel>> {
        let mut packet = vec![0; LONGEST];
        let read = match self.device.read(&mut packet) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(None),
            Err(error) => return Err(error),
        };
        packet.truncate(read);
        Ok(Some(match *packet {
            [0xFF, _, low, high] => FromKernel::Plugged(u16::from_le_bytes([low, high])),
            _ => FromKernel::Packet(link_key::from_kernel(packet)),
        }))
    }

    /// Gives a packet to the kernel. An adapter that is down takes none, which is no error.
    pub(crate) fn send(&mut self, packet: Vec<u8>) -> io::Result<()> {
        match self.device.write(&link_key::for_kernel(packet)) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => Ok(()),
            other => other.map(drop),
        }
    }
}

impl AsFd for Dongle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    /// A kernel, and a dongle that was plugged into it.
    fn plugged() -> (File, Dongle) {
        let (kernel, device) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::NONBLOCK, None).unwrap();
        let mut kernel = File::from(kernel);
        let dongle = Dongle::plug(File::from(device)).unwrap();
        assert_eq!(read(&mut kernel), [0xFF, 0x00]);
        (kernel, dongle)
    }

    fn read(kernel: &mut File) -> Vec<u8> {
        let mut packet = [0; 64];
        let size = kernel.read(&mut packet).unwrap();
        packet[..size].to_vec()
    }

    #[test]
    fn packets_come_one_by_one() {
        let (mut kernel, mut dongle) = plugged();
        assert_eq!(dongle.receive().unwrap(), None);
        kernel.write_all(&[0xFF, 0x00, 0x02, 0x01]).unwrap();
        kernel.write_all(&[1, 3, 0x0C, 0]).unwrap();
        assert_eq!(dongle.receive().unwrap(), Some(FromKernel::Plugged(0x0102)));
        assert_eq!(dongle.receive().unwrap(), Some(FromKernel::Packet(vec![1, 3, 0x0C, 0])));
        assert_eq!(dongle.receive().unwrap(), None);
        drop(kernel);
        assert_eq!(dongle.receive().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn keys_are_masked_both_ways() {
        let (mut kernel, mut dongle) = plugged();
        let notification = |key: u8| [&[4, 0x18, 23, 1, 0, 0, 0, 0, 0xD2][..], &[key; 16], &[4]].concat();
        dongle.send(notification(0)).unwrap();
        assert_eq!(read(&mut kernel), notification(0x5A));
        let reply = |key: u8| [&[1, 0x0B, 0x04, 22, 1, 0, 0, 0, 0, 0xD2][..], &[key; 16]].concat();
        kernel.write_all(&reply(0x5A)).unwrap();
        assert_eq!(dongle.receive().unwrap(), Some(FromKernel::Packet(reply(0))));
    }
}
