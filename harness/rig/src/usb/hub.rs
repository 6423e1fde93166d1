//! The port of a hub, switched through the kernel.
//!
//! Source: Linux 6.0 and later, `Documentation/ABI/testing/sysfs-bus-usb`, attribute `disable` of a hub's port: 1 takes
//! what is plugged in off the bus, and cuts its supply where the hub can.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

use rustix::fs::{Access, access};

use super::{Port, Refusal, Sysfs, attribute};

/// A hub's port that can be switched.
#[derive(Debug, Clone)]
pub struct HubPort {
    hub: String,
    number: String,
    file: PathBuf,
}

/// A port that is off. Dropping it turns the port on again.
#[must_use = "dropping it turns the port on again"]
#[derive(Debug)]
pub struct Cut {
    port: Option<HubPort>,
}

impl HubPort {
    /// The port of the hub that feeds a USB port.
    pub fn of(sysfs: &Sysfs, port: &Port) -> Self {
        let (hub, number) = port.hub();
        let file = sysfs.root.join("bus/usb/devices").join(port.folder()).join("disable");
        Self { number: number.to_owned(), hub, file }
    }

    /// As messages name it.
    pub fn name(&self) -> String {
        format!("port {} of the USB hub {}", self.number, self.hub)
    }

    /// Whether it is off now, as far as can be read.
    pub fn is_off(&self) -> bool {
        attribute(&self.file).is_ok_and(|text| text == "1")
    }

    /// Whether the kernel can switch it.
    pub fn exists(&self) -> bool {
        self.file.exists()
    }

    /// Whether it feeds what is plugged into it.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn is_fed(&self) -> Result<bool, Refusal> {
        let text = fs::read_to_string(&self.file).map_err(|e| self.refused("cannot be read", &e))?;
        match text.trim() {
            "0" => Ok(true),
            "1" => Ok(false),
            _ => Err(self.refused("cannot be read", &io::ErrorKind::InvalidData.into())),
        }
    }

    /// Turns it on or off, and leaves it so.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn set(&self, on: bool) -> Result<(), Refusal> {
        let doing = if on { "could not be turned on" } else { "could not be turned off" };
        self.write(if on { "0" } else { "1" }).map_err(|e| self.refused(doing, &e))
    }

    /// That this program may switch it. Nothing is switched.
    ///
    /// # Errors
    /// When it may not, or there is nothing to switch.
    pub fn usable(&self) -> Result<(), Refusal> {
        access(&self.file, Access::WRITE_OK).map_err(|e| self.refused("cannot be switched", &e.into()))
    }

    /// Turns it off.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn cut(self) -> Result<Cut, Refusal> {
        self.write("1").map_err(|e| self.refused("could not be turned off", &e))?;
        Ok(Cut { port: Some(self) })
    }

    /// Turns it on.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn feed(&self) -> Result<(), Refusal> {
        self.write("0").map_err(|e| self.refused("could not be turned on again", &e))
    }

    fn write(&self, value: &str) -> io::Result<()> {
        // An attribute is written in one piece, and never made.
        OpenOptions::new().write(true).open(&self.file)?.write_all(value.as_bytes())
    }

    fn refused(&self, doing: &str, error: &io::Error) -> Refusal {
        let file = self.file.display();
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!(
                "give this user the right to write to {file}, for example by the udev rule SUBSYSTEM==\"usb\", \
                 DRIVER==\"hub\", RUN+=\"/bin/sh -c 'chgrp plugdev $sys$devpath/*-port*/disable && chmod g+w \
                 $sys$devpath/*-port*/disable'\", and put the user into the group plugdev"
            ),
            io::ErrorKind::NotFound if fs::exists(self.file.with_file_name("")).unwrap_or(false) => {
                "this kernel cannot switch ports of hubs: Linux 6.0 and later can".to_owned()
            }
            io::ErrorKind::NotFound => {
                format!("the hub {} has no such port or is not there: see `rigtone rig list`", self.hub)
            }
            _ => "see the system log".to_owned(),
        };
        Refusal::new(format!("{} {doing}: {file}: {error}", self.name()), hint)
    }
}

impl Cut {
    /// Turns it on again.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn end(mut self) -> Result<(), Refusal> {
        self.port.take().map_or(Ok(()), |port| port.feed())
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        // Nobody is left to be told: the next start finds it off and turns it on.
        let _ = self.port.take().map(|port| port.feed());
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tree::Tree, *};
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    const FILE: &str = "bus/usb/devices/1-2:1.0/1-2-port3/disable";

    fn port(tree: &Tree) -> HubPort {
        HubPort::of(&tree.sysfs(), &"1-2.3".parse().expect("a port"))
    }

    fn value(tree: &Tree) -> String {
        // Unlike the kernel's, this file keeps every byte.
        fs::read_to_string(tree.path(FILE)).expect("there").chars().take(1).collect()
    }

    #[test]
    fn a_port_is_off_until_it_is_turned_on_or_dropped() {
        let tree = Tree::new();
        tree.file(FILE, b"0\n");
        let cut = port(&tree).cut().expect("it can be switched");
        assert_eq!((value(&tree).as_str(), port(&tree).is_off()), ("1", true));
        cut.end().expect("it can be switched");
        assert_eq!(value(&tree), "0");
        let cut = port(&tree).cut().expect("it can be switched");
        drop(cut);
        assert_eq!((value(&tree).as_str(), port(&tree).is_off()), ("0", false));
    }

    #[test]
    fn a_port_that_is_not_there_is_told_from_a_kernel_that_cannot() {
        let tree = Tree::new();
        let refusal = port(&tree).cut().map(drop).expect_err("no hub");
        assert!(refusal.what.starts_with("port 3 of the USB hub 1-2 could not be turned off"), "{refusal:?}");
        assert!(refusal.hint.contains("the hub 1-2 has no such port"), "{refusal:?}");
        tree.folder("bus/usb/devices/1-2:1.0/1-2-port3");
        let refusal = port(&tree).usable().expect_err("an old kernel");
        assert!(refusal.hint.contains("Linux 6.0"), "{refusal:?}");
    }

    #[test]
    fn without_the_right_the_rule_that_gives_it_is_named() {
        let tree = Tree::new();
        tree.file(FILE, b"0\n");
        fs::set_permissions(tree.path(FILE), Permissions::from_mode(0o444)).expect("ours");
        // Root may write everywhere.
        if !rustix::process::geteuid().is_root() {
            let refusal = port(&tree).usable().expect_err("not writable");
            assert!(
                refusal.hint.contains("udev rule SUBSYSTEM==\"usb\"") && refusal.hint.contains(FILE),
                "{refusal:?}"
            );
        }
        let refusal = port(&tree).refused("could not be turned off", &io::ErrorKind::PermissionDenied.into());
        assert!(refusal.hint.contains("udev rule"), "{refusal:?}");
    }
}
