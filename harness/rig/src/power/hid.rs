//! A raw HID of the host that takes and gives feature reports.

use std::{
    ffi::CString,
    fs::{File, OpenOptions},
    io,
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use rigtone_model::trial::InfrastructureFault;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::usb::Node;

/// The report that a device has which numbers none.
const REPORT: u8 = 0;
/// More than any report of a relay board.
const LONGEST: usize = 64;

/// What takes and gives feature reports.
pub(crate) trait Reports: Send {
    /// Gives it a report, without the number.
    ///
    /// # Errors
    /// What the kernel or the device says.
    fn give(&mut self, report: &[u8]) -> Result<(), String>;
    /// Takes its report; the first byte may be the number.
    ///
    /// # Errors
    /// What the kernel or the device says.
    fn take(&mut self) -> Result<Vec<u8>, String>;
}

/// One that is open, for this program alone as far as others ask.
struct Hid {
    device: hidapi::HidDevice,
    _lock: File,
}

/// Opens a HID. Nothing is sent to it.
///
/// # Errors
/// When it is missing, busy or refused.
pub(crate) fn open(member: &str, node: &Node) -> Result<Box<dyn Reports>, InfrastructureFault> {
    let failed = |why: &str, hint: &str| {
        let what = format!("opening {node} failed: {why}");
        InfrastructureFault::new(member, what).hint(hint)
    };
    let lock = locked(&node.path).map_err(|e| {
        failed(
            &e.to_string(),
            match e.kind() {
                io::ErrorKind::PermissionDenied => {
                    "give this user the right to read and write the file, by a udev rule for 16c0:05df"
                }
                io::ErrorKind::WouldBlock => "end the program that uses the board",
                _ => "plug the board in, or correct the rig file",
            },
        )
    })?;
    let path = CString::new(node.path.as_os_str().as_bytes()).map_err(|e| failed(&e.to_string(), "rename the file"))?;
    // It would look at every HID of the host otherwise. Nobody else in this program uses it.
    hidapi::HidApi::disable_device_discovery();
    let opened = hidapi::HidApi::new().and_then(|api| api.open_path(&path));
    let device = opened.map_err(|e| failed(&e.to_string(), "check the board's USB cable and its hub"))?;
    Ok(Box::new(Hid { device, _lock: lock }))
}

/// The kernel lets any number of programs open a HID; those that ask for its lock are told.
fn locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(io::Error::new(io::ErrorKind::WouldBlock, "another program has it")),
        locked => locked.map(|()| file).map_err(io::Error::from),
    }
}

impl Reports for Hid {
    fn give(&mut self, report: &[u8]) -> Result<(), String> {
        let bytes = [&[REPORT], report].concat();
        self.device.send_feature_report(&bytes).map_err(|e| e.to_string())
    }

    fn take(&mut self) -> Result<Vec<u8>, String> {
        let mut buffer = [0; LONGEST];
        buffer[0] = REPORT;
        let length = self.device.get_feature_report(&mut buffer).map_err(|e| e.to_string())?;
        Ok(buffer[..length.min(LONGEST)].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::UsbDevice;
    use rstest::rstest;

    fn node(path: &Path) -> Node {
        let device = UsbDevice { port: "1-2".parse().expect("a port"), id: "16c0:05df".into(), serial: None };
        Node { path: path.to_owned(), device, product: Some("USBRelay2".into()) }
    }

    #[rstest]
    #[case::missing("/dev/hidraw-none", "No such file")]
    #[case::no_hid("/dev/null", "failed")]
    fn what_is_no_hid_is_refused_with_its_place(#[case] path: &str, #[case] said: &str) {
        let fault = open("relay b", &node(Path::new(path))).map(|_| ()).expect_err("refused");
        assert!(fault.what.contains(path) && fault.what.contains("USB port 1-2"), "{fault}");
        assert!(fault.what.contains(said) && fault.hint.is_some(), "{fault}");
    }

    #[test]
    fn a_file_that_another_holds_is_busy() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let _held = locked(file.path()).expect("free");
        let fault = open("relay b", &node(file.path())).map(|_| ()).expect_err("busy");
        assert!(fault.what.contains("another program has it"), "{fault}");
        assert_eq!(fault.hint.as_deref(), Some("end the program that uses the board"));
    }
}
