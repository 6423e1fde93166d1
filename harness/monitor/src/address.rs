//! The addresses of the kernel's channels, which rustix does not know.

use std::ptr;

use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};

/// `AF_BLUETOOTH`.
const BLUETOOTH: u16 = 31;
/// `HCI_DEV_NONE`: of all controllers.
const ALL: u16 = 0xffff;
/// `HCI_CHANNEL_MONITOR`.
const MONITOR: u16 = 2;
/// `HCI_CHANNEL_CONTROL`.
const CONTROL: u16 = 3;

/// `struct sockaddr_hci`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Channel {
    family: u16,
    device: u16,
    channel: u16,
}

impl Channel {
    pub(crate) const MONITOR: Self = Self { family: BLUETOOTH, device: ALL, channel: MONITOR };
    pub(crate) const CONTROL: Self = Self { family: BLUETOOTH, device: ALL, channel: CONTROL };
}

#[expect(unsafe_code, reason = "rustix takes addresses of other families through this trait alone")]
// SAFETY: the pointer is to this value, which is laid out as the kernel's structure and outlives the call; the length is its own.
unsafe impl SocketAddrArg for Channel {
    unsafe fn with_sockaddr<R>(&self, call: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R) -> R {
        call(ptr::from_ref(self).cast(), size_of::<Self>() as SocketAddrLen)
    }
}
