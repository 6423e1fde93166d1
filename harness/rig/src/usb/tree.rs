//! A sysfs tree in a temporary folder, for tests.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Class, Sysfs};

pub(crate) struct Tree {
    root: PathBuf,
    /// Deleted with the tree.
    _folder: Option<TempDir>,
}

/// Where USB devices lie, as a host with one controller has them.
const BUS: &str = "devices/pci0/usb1";

impl Tree {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { root: folder.path().to_owned(), _folder: Some(folder) }
    }

    /// One below a folder that somebody else looks after.
    pub(crate) fn below(root: &Path) -> Self {
        Self { root: root.to_owned(), _folder: None }
    }

    pub(crate) fn sysfs(&self) -> Sysfs {
        Sysfs::at(&self.root)
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    pub(crate) fn folder(&self, path: &str) {
        fs::create_dir_all(self.path(path)).expect("a folder");
    }

    pub(crate) fn file(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
        fs::write(path, bytes).expect("written");
    }

    pub(crate) fn symlink(&self, path: &str, to: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
        symlink(to, path).expect("a link");
    }

    /// A USB device; hubs on the way are not spelt out.
    pub(crate) fn usb(&self, port: &str, vendor: &str, product: &str, serial: Option<&str>) {
        self.file(&format!("{BUS}/{port}/idVendor"), format!("{vendor}\n").as_bytes());
        self.file(&format!("{BUS}/{port}/idProduct"), format!("{product}\n").as_bytes());
        if let Some(serial) = serial {
            self.file(&format!("{BUS}/{port}/serial"), format!("{serial}\n").as_bytes());
        }
    }

    /// What the kernel numbers, below a USB device.
    pub(crate) fn link(&self, class: Class, number: u32, below: &str) {
        self.link_to(class, number, &format!("{BUS}/{below}"));
    }

    /// What the kernel names, below a USB device.
    pub(crate) fn node(&self, class: &str, name: &str, below: &str) {
        self.link_node(class, name, &format!("{BUS}/{below}"));
    }

    pub(crate) fn link_node(&self, class: &str, name: &str, folder: &str) {
        self.folder(folder);
        self.symlink(&format!("class/{class}/{name}"), &format!("../../{folder}"));
    }

    pub(crate) fn link_to(&self, class: Class, number: u32, folder: &str) {
        let (name, prefix) = class.words();
        self.folder(folder);
        self.symlink(&format!("class/{name}/{prefix}{number}"), &format!("../../{folder}"));
    }
}
