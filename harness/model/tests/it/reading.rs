//! Files and folders.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
};

use rigtone_model::load::read;

use crate::place;

/// A folder of its own for each test, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rigtone-read-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.0)).expect("a folder can be made");
        fs::write(&path, bytes).expect("a file can be written");
        path
    }
    fn read(&self, paths: &[&str]) -> (Vec<String>, Vec<String>) {
        let (files, faults) = read(&paths.iter().map(|p| self.0.join(p)).collect::<Vec<_>>());
        let short = |path: &Path| path.strip_prefix(&self.0).unwrap_or(path).display().to_string();
        (
            files.iter().map(|file| short(&file.path)).collect(),
            faults.iter().map(|f| format!("{} {}", place(f), short(&f.path))).collect(),
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_yaml_files_of_a_folder_are_read_in_order_and_once() {
    let folder = Folder::new("order");
    for name in ["d/b.yaml", "d/a.yml", "d/sub/c.yaml", "d/helper.py", "d/.hidden/x.yaml"] {
        folder.file(name, name.as_bytes());
    }
    assert_eq!(folder.read(&["d", "d/b.yaml", "d/sub"]).0, ["d/a.yml", "d/b.yaml", "d/sub/c.yaml"]);
}

#[test]
fn a_named_file_needs_no_ending() {
    let folder = Folder::new("ending");
    folder.file("notes.txt", b"rig: x");
    assert_eq!(folder.read(&["notes.txt"]), (vec!["notes.txt".into()], vec![]));
}

#[test]
fn a_missing_path_is_named() {
    assert_eq!(Folder::new("missing").read(&["nowhere"]), (vec![], vec!["not-found - nowhere".into()]));
}

#[test]
fn a_folder_without_documents_is_named() {
    let folder = Folder::new("none");
    folder.file("d/helper.py", b"");
    assert_eq!(folder.read(&["d"]).1, ["no-documents - d"]);
}

#[test]
fn links_in_a_circle_end() {
    let folder = Folder::new("circle");
    folder.file("d/a.yaml", b"rig: x");
    symlink("..", folder.0.join("d/up")).unwrap();
    symlink("b.yaml", folder.0.join("d/b.yaml")).unwrap();
    let (files, faults) = folder.read(&["d"]);
    assert_eq!(files, ["d/a.yaml"]);
    assert_eq!(faults, ["link-loop - d/b.yaml", "link-loop - d/up/d"]);
}

/// Two links in each of thirty folders: a billion ways, thirty folders.
#[test]
fn a_thicket_of_links_is_walked_once() {
    let folder = Folder::new("thicket");
    for n in 0..30 {
        folder.file(&format!("all/{n}/x.yaml"), b"rig: x");
        for link in ["l", "r"] {
            symlink(format!("../{}", n + 1), folder.0.join(format!("all/{n}/{link}"))).unwrap();
        }
    }
    assert_eq!(folder.read(&["all/0"]).0.len(), 30);
}

#[test]
fn something_that_is_no_file_is_not_opened() {
    let folder = Folder::new("socket");
    folder.file("d/a.yaml", b"rig: x");
    let _listener = UnixListener::bind(folder.0.join("d/s.yaml")).unwrap();
    assert_eq!(folder.read(&["d"]), (vec!["d/a.yaml".into()], vec!["not-a-file - d/s.yaml".into()]));
}

#[test]
fn a_large_file_is_not_read_whole() {
    let folder = Folder::new("large");
    let path = folder.file("d/a.yaml", b"");
    // A file that only claims its size; reading it whole would need a terabyte.
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(folder.read(&["d"]), (vec![], vec!["too-large - d/a.yaml".into()]));
}

#[test]
fn a_path_through_a_file_is_explained() {
    let folder = Folder::new("through");
    folder.file("a.yaml", b"rig: x");
    assert_eq!(folder.read(&["a.yaml/b.yaml"]).1, ["unreadable - a.yaml/b.yaml"]);
}
