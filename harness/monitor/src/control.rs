//! What the kernel says of its controllers. It answers from what it knows: no controller is asked.
//!
//! Source: BlueZ `doc/mgmt-api.txt`; Linux `net/bluetooth/mgmt.c`, where both commands are among those that need no rights.

use std::{io, os::fd::AsFd};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{RecvFlags, SendFlags, bind, recv, send},
};

use crate::{HEADER, address::Channel, hci_socket};

const READ_INDEX_LIST: u16 = 0x0003;
const READ_INFO: u16 = 0x0004;
const COMMAND_COMPLETE: u16 = 0x0001;
const COMMAND_STATUS: u16 = 0x0002;
/// Of no controller.
const NONE: u16 = 0xffff;
/// The kernel answers at once, or has been stopped.
const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };
/// Other programs' events come between; more of them than this is no answer.
const BETWEEN: usize = 1000;
/// The longest answer of the management interface.
const LONGEST: usize = HEADER + 65_535;

/// A controller as the kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Controller {
    /// N of `hciN`.
    pub index: u16,
    /// Its address, first octet first; zeros before the kernel has read it.
    pub address: [u8; 6],
    /// Its version of HCI, by its assigned number: 6 is Bluetooth 4.0, 13 is 5.4.
    pub version: u8,
    /// Its maker, by its assigned number.
    pub manufacturer: u16,
    /// Whether it is powered.
    pub powered: bool,
}

/// The controllers that are ready, by their numbers.
///
/// # Errors
/// `Unsupported` on a kernel without Bluetooth, `TimedOut` without an answer, `InvalidData` for something that is none,
/// others of the operating system.
pub fn controllers() -> io::Result<Vec<Controller>> {
    let socket = hci_socket()?;
    bind(&socket, &Channel::CONTROL)?;
    let list = ask(&socket, READ_INDEX_LIST, NONE)?.ok_or_else(|| nonsense("it lists no controllers"))?;
    let mut found = Vec::new();
    for index in indices(&list).ok_or_else(|| nonsense("its list of controllers is cut off"))? {
        // One that has gone since has no answer.
        if let Some(info) = ask(&socket, READ_INFO, index)? {
            found.push(controller(index, &info).ok_or_else(|| nonsense("what it says of a controller is cut off"))?);
        }
    }
    found.sort_unstable_by_key(|controller| controller.index);
    Ok(found)
}

fn nonsense(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the kernel's answer makes no sense: {what}"))
}

/// Sends a command; gives its answer, or none when it was refused.
fn ask(socket: &impl AsFd, command: u16, index: u16) -> io::Result<Option<Vec<u8>>> {
    let request = [command.to_le_bytes(), index.to_le_bytes(), [0, 0]].concat();
    send(socket, &request, SendFlags::NOSIGNAL)?;
    let mut buffer = vec![0; LONGEST];
    for _ in 0..BETWEEN {
        let mut ready = [PollFd::new(socket, PollFlags::IN)];
        match poll(&mut ready, Some(&PATIENCE)) {
            Ok(0) => return Err(io::Error::new(io::ErrorKind::TimedOut, "the kernel did not answer within 2 s")),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let (length, _) = match recv(socket, &mut buffer, RecvFlags::DONTWAIT) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => continue,
            received => received?,
        };
        if let Some(answer) = answer(&buffer[..length.min(LONGEST)], command, index) {
            return Ok(answer);
        }
    }
    Err(nonsense("it says everything but what it was asked"))
}

/// What a datagram says about a command: nothing, that it was refused, or its answer.
fn answer(datagram: &[u8], command: u16, index: u16) -> Option<Option<Vec<u8>>> {
    let number = |at: usize| Some(u16::from_le_bytes([*datagram.get(at)?, *datagram.get(at + 1)?]));
    let about = number(2)? == index && number(HEADER)? == command;
    match (number(0)?, datagram.get(HEADER + 2)?) {
        (COMMAND_COMPLETE, 0) if about => Some(Some(datagram.get(HEADER + 3..)?.to_vec())),
        (COMMAND_COMPLETE | COMMAND_STATUS, _) if about => Some(None),
        _ => None,
    }
}

fn indices(list: &[u8]) -> Option<Vec<u16>> {
    let (count, rest) = list.split_at_checked(2)?;
    let count = usize::from(u16::from_le_bytes([count[0], count[1]]));
    let (pairs, _) = rest.get(..2 * count)?.as_chunks::<2>();
    Some(pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

fn controller(index: u16, info: &[u8]) -> Option<Controller> {
    let mut address: [u8; 6] = info.get(..6)?.try_into().ok()?;
    address.reverse();
    Some(Controller {
        index,
        address,
        version: *info.get(6)?,
        manufacturer: u16::from_le_bytes([*info.get(7)?, *info.get(8)?]),
        powered: info.get(13)? & 1 == 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    use std::thread;

    /// As the interface's description lays it out: address, version, manufacturer, supported and current settings.
    const INFO: [u8; 17] = [1, 0, 0, 0xCC, 0xBB, 0xAA, 0x0D, 0x5D, 0, 0xff, 0xff, 0, 0, 0x81, 0, 0, 0];

    #[test]
    fn a_controller_is_read_as_it_is_laid_out() {
        let read = controller(3, &INFO).expect("whole");
        let address = [0xAA, 0xBB, 0xCC, 0, 0, 1];
        assert_eq!(read, Controller { index: 3, address, version: 13, manufacturer: 93, powered: true });
        assert_eq!((0..14).filter_map(|length| controller(3, &INFO[..length])).count(), 0, "cut off anywhere");
    }

    #[rstest]
    #[case::none(&[0, 0], Some(vec![]))]
    #[case::two(&[2, 0, 1, 0, 0, 1], Some(vec![1, 256]))]
    #[case::cut_off(&[2, 0, 1, 0, 0], None)]
    #[case::boasting(&[0xff, 0xff, 1, 0], None)]
    #[case::nothing(&[], None)]
    fn a_list_has_what_it_says(#[case] list: &[u8], #[case] read: Option<Vec<u16>>) {
        assert_eq!(indices(list), read);
    }

    #[rstest]
    #[case::complete(&[1, 0, 7, 0, 4, 0, 4, 0, 0, 9], Some(Some(vec![9])))]
    #[case::failed(&[1, 0, 7, 0, 3, 0, 4, 0, 0x11], Some(None))]
    #[case::refused(&[2, 0, 7, 0, 3, 0, 4, 0, 0x11], Some(None))]
    #[case::of_another_controller(&[1, 0, 8, 0, 4, 0, 4, 0, 0, 9], None)]
    #[case::of_another_command(&[1, 0, 7, 0, 4, 0, 3, 0, 0, 9], None)]
    #[case::an_event(&[4, 0, 7, 0, 4, 0, 4, 0, 0, 9], None)]
    #[case::cut_off(&[1, 0, 7, 0, 4, 0, 4, 0], None)]
    fn answers_are_told_from_what_comes_between(#[case] datagram: &[u8], #[case] told: Option<Option<Vec<u8>>>) {
        assert_eq!(answer(datagram, READ_INFO, 7), told);
    }

    #[test]
    fn an_answer_is_found_behind_events_of_others() {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::empty(), None).unwrap();
        let kernel = thread::spawn(move || {
            let mut request = [0; 16];
            let (length, _) = recv(&theirs, &mut request, RecvFlags::empty()).unwrap();
            for datagram in [&[4_u8, 0, 7, 0, 0, 0][..], b"nonsense", &[1, 0, 7, 0, 4, 0, 4, 0, 0, 9]] {
                send(&theirs, datagram, SendFlags::empty()).unwrap();
            }
            request[..length].to_vec()
        });
        assert_eq!(ask(&ours, READ_INFO, 7).unwrap(), Some(vec![9]));
        assert_eq!(kernel.join().unwrap(), [4, 0, 7, 0, 0, 0]);
    }

    #[test]
    fn without_bluetooth_it_says_so() {
        // On a host with Bluetooth there is nothing to see here; the virtual rig shows that.
        if let Err(error) = controllers() {
            let kinds = [io::ErrorKind::PermissionDenied, io::ErrorKind::Unsupported];
            assert!(kinds.contains(&error.kind()), "{error:?}");
        }
    }
}
