//! The controllers: the C interface of rootcanal's library.
//!
//! It keeps bare pointers to two functions for each controller and calls them, without a word on whose they are, while it is being
//! called itself. They are the same two functions of this file for all controllers: they only put aside what they are given, and every
//! call here takes it away again.

#![expect(unsafe_code, reason = "the interface is one of C")]

use std::{
    cell::RefCell,
    ffi::{c_int, c_void},
    fs, io,
    marker::PhantomData,
    path::{Path, PathBuf},
    ptr::NonNull,
    slice,
};

use sha2::{Digest, Sha256};

use crate::{
    address::Address,
    controller::{Controller, Sent},
    guard::Guard,
};

/// The release of the wheel; the interface of others differs under the same names.
const RELEASE: &str = "1.10.0";
/// SHA-256 of its `librootcanal_ffi.so` for x86_64.
const DIGEST: [u8; 32] = [
    0x06, 0xc2, 0x1a, 0xa7, 0x48, 0x0d, 0x01, 0x9d, 0x48, 0x78, 0x7c, 0x2b, 0x08, 0x2a, 0x46, 0x98, 0x56, 0x31, 0x56,
    0xf2, 0x5d, 0x91, 0x66, 0x4a, 0xd5, 0x4b, 0xf5, 0xd8, 0x39, 0x8a, 0x60, 0xd1,
];

type ToHost = extern "C" fn(c_int, *const u8, usize);
type ToAir = extern "C" fn(*const u8, usize, c_int, c_int);

/// The functions of the library, which stays loaded until the program ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Library {
    new: unsafe extern "C" fn(*const u8, ToHost, ToAir) -> *mut c_void,
    delete: unsafe extern "C" fn(*mut c_void),
    receive_hci: unsafe extern "C" fn(*mut c_void, c_int, *const u8, usize),
    receive_ll: unsafe extern "C" fn(*mut c_void, *const u8, usize, c_int, c_int),
    tick: unsafe extern "C" fn(*mut c_void),
    /// It knows nothing of threads: it stays on the one that loaded it.
    thread: PhantomData<*const ()>,
}

/// Why there are no controllers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LibraryError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// Calling another library would be undefined.
    #[error("{0} is not the librootcanal_ffi.so of the wheel rootcanal {RELEASE} for Linux on x86_64")]
    Another(PathBuf),
    /// The dynamic linker refuses it.
    #[error("cannot load {0}")]
    NotLoaded(PathBuf, #[source] libloading::Error),
}

impl Library {
    /// Loads the library.
    pub(crate) fn open(path: &Path) -> Result<Self, LibraryError> {
        let unreadable = |error| LibraryError::Unreadable(path.to_owned(), error);
        // A mere file name would be searched elsewhere by the dynamic linker.
        let path = &fs::canonicalize(path).map_err(unreadable)?;
        let octets = fs::read(path).map_err(unreadable)?;
        if Sha256::digest(&octets).as_slice() != DIGEST {
            return Err(LibraryError::Another(path.to_owned()));
        }
        let refused = |error| LibraryError::NotLoaded(path.to_owned(), error);
        // SAFETY: this very file was tried: what it runs when it is loaded needs nothing of us. It is never unloaded.
        let library = unsafe { libloading::Library::new(path) }.map_err(refused)?;
        // SAFETY: the types are those that the header of this release declares.
        let calls = unsafe {
            Self {
                new: *library.get(b"ffi_controller_new").map_err(refused)?,
                delete: *library.get(b"ffi_controller_delete").map_err(refused)?,
                receive_hci: *library.get(b"ffi_controller_receive_hci").map_err(refused)?,
                receive_ll: *library.get(b"ffi_controller_receive_ll").map_err(refused)?,
                tick: *library.get(b"ffi_controller_tick").map_err(refused)?,
                thread: PhantomData,
            }
        };
        std::mem::forget(library);
        Ok(calls)
    }

    /// A new controller, reset.
    ///
    /// # Errors
    /// When the library gives none.
    pub(crate) fn controller(self, address: Address) -> io::Result<Rootcanal> {
        // SAFETY: the six octets are only read during the call; the two functions live as long as the program.
        let handle = unsafe { (self.new)(address.to_air().as_ptr(), to_host, to_air) };
        take();
        let handle = NonNull::new(handle).ok_or_else(|| io::Error::other("the library gives no controller"))?;
        Ok(Rootcanal { library: self, handle, guard: Guard::default() })
    }
}

/// A controller of the library.
#[derive(Debug)]
pub(crate) struct Rootcanal {
    library: Library,
    handle: NonNull<c_void>,
    guard: Guard,
}

impl Rootcanal {
    fn sent(&mut self) -> Vec<Sent> {
        let sent = take();
        for packet in &sent {
            if let Sent::Host(packet) = packet {
                self.guard.note(packet);
            }
        }
        sent
    }
}

impl Controller for Rootcanal {
    fn command(&mut self, packet: &[u8]) -> Vec<Sent> {
        if let Some(answer) = self.guard.answer(packet) {
            return vec![Sent::Host(answer)];
        }
        if let Some((&kind, body)) = packet.split_first() {
            // SAFETY: the handle is of `new` and not yet deleted; the octets are copied during the call; see `to_host` on its callbacks.
            unsafe { (self.library.receive_hci)(self.handle.as_ptr(), c_int::from(kind), body.as_ptr(), body.len()) };
        }
        self.sent()
    }

    fn hear(&mut self, packet: &[u8], phy: i32, dbm: i8) -> Vec<Sent> {
        // SAFETY: as in `command`.
        unsafe {
            (self.library.receive_ll)(self.handle.as_ptr(), packet.as_ptr(), packet.len(), phy, c_int::from(dbm));
        }
        self.sent()
    }

    fn tick(&mut self) -> Vec<Sent> {
        // SAFETY: as in `command`.
        unsafe { (self.library.tick)(self.handle.as_ptr()) };
        self.sent()
    }
}

impl Drop for Rootcanal {
    fn drop(&mut self) {
        // SAFETY: the handle is of `new` and is deleted here alone.
        unsafe { (self.library.delete)(self.handle.as_ptr()) };
        take();
    }
}

thread_local! {
    /// What was sent during the call that is going on.
    static SENT: RefCell<Vec<Sent>> = const { RefCell::new(Vec::new()) };
}

fn take() -> Vec<Sent> {
    SENT.with_borrow_mut(std::mem::take)
}

// The callbacks call nothing of the library, so it is never entered twice, and do not panic: the list is borrowed nowhere else during a
// call. If one did, the program would end there: nothing unwinds out of an `extern "C"` function.

extern "C" fn to_host(kind: c_int, data: *const u8, size: usize) {
    // SAFETY: as the library promises.
    let body = unsafe { octets(data, size) };
    if let Ok(kind) = u8::try_from(kind) {
        SENT.with_borrow_mut(|sent| sent.push(Sent::Host([&[kind], body].concat())));
    }
}

extern "C" fn to_air(data: *const u8, size: usize, phy: c_int, _power: c_int) {
    // SAFETY: as the library promises.
    let packet = unsafe { octets(data, size) };
    SENT.with_borrow_mut(|sent| sent.push(Sent::Air { packet: packet.into(), phy }));
}

/// What the library shows a callback.
///
/// # Safety
/// `data` points to `size` octets that nobody changes before the callback returns, or `size` is 0.
unsafe fn octets<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { slice::from_raw_parts(data, size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_wheel_is_the_one_that_is_wrapped() {
        let pins = include_str!("../../requirements.txt");
        assert!(pins.lines().any(|line| line.starts_with(&format!("rootcanal=={RELEASE} "))));
    }

    #[test]
    fn another_library_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Library::open(file.path()), Err(LibraryError::Another(_))));
        assert!(matches!(Library::open(Path::new("/nowhere/x.so")), Err(LibraryError::Unreadable(..))));
    }
}
