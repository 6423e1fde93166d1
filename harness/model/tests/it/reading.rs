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
    let (files, faults) = folder.read(&["d", "d/b.yaml", "d/sub"]);
    assert_eq!((files, faults), (["d/a.yml", "d/b.yaml", "d/sub/c.yaml"].map(str::to_owned).to_vec(), vec![]));
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
    folder.file("all/d/a.yaml", b"rig: x");
    symlink("..", folder.0.join("all/d/up")).unwrap();
    symlink("b.yaml", folder.0.join("all/d/b.yaml")).unwrap();
    let (files, faults) = folder.read(&["all"]);
    assert_eq!(files, ["all/d/a.yaml"]);
    assert_eq!(faults, ["link-loop - all/d/b.yaml", "link-loop - all/d/up"]);
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
    assert_eq!(folder.read(&["all/0", "all"]).0.len(), 30);
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

/// `d` is a project of its own, with links to what lies beside it.
fn with_links_out(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.file("d/a.yaml", b"rig: x");
    folder.file("beside/secret.yaml", b"rig: y");
    folder.file("beside/notes.txt", b"");
    symlink("../beside", folder.0.join("d/folder")).expect("a link can be made");
    symlink("../beside/secret.yaml", folder.0.join("d/file.yaml")).expect("a link can be made");
    symlink("../beside/notes.txt", folder.0.join("d/notes.txt")).expect("a link can be made");
    folder
}

#[test]
fn a_link_that_leads_out_of_the_named_folder_is_not_followed() {
    let (files, faults) = with_links_out("leaves").read(&["d"]);
    assert_eq!(files, ["d/a.yaml"]);
    assert_eq!(faults, ["leaves-project - d/file.yaml", "leaves-project - d/folder"]);
}

#[test]
fn a_link_to_a_place_that_is_named_too_is_followed() {
    let (files, faults) = with_links_out("named").read(&["d", "beside"]);
    assert_eq!((files.len(), faults), (2, vec![]), "{files:?}");
}

#[test]
fn a_link_that_the_user_names_is_followed() {
    let folder = with_links_out("asked");
    assert_eq!(folder.read(&["d/file.yaml"]), (vec!["d/file.yaml".into()], vec![]));
    assert_eq!(folder.read(&["d/folder"]), (vec!["d/folder/secret.yaml".into()], vec![]));
}

#[test]
fn a_folder_with_the_name_of_a_document_is_a_fault() {
    let folder = Folder::new("folder");
    folder.file("d/a.yaml", b"rig: x");
    folder.file("d/lab.yaml/b.yaml", b"rig: y");
    assert_eq!(folder.read(&["d"]), (vec!["d/a.yaml".into()], vec!["not-a-file - d/lab.yaml".into()]));
    assert_eq!(folder.read(&["d/lab.yaml"]), (vec![], vec!["not-a-file - d/lab.yaml".into()]));
}

#[test]
fn a_device_is_not_opened() {
    let (files, faults) = read(&["/dev/zero".into(), "/dev/tty".into()]);
    assert_eq!(files, []);
    assert_eq!(faults.iter().map(place).collect::<Vec<_>>(), ["not-a-file -"; 2]);
}

#[test]
fn files_that_are_too_large_together_are_not_all_read() {
    let folder = Folder::new("together");
    for n in 10..20 {
        folder.file(&format!("d/{n}.yaml"), &vec![b'#'; 1 << 20]);
    }
    let (files, faults) = folder.read(&["d"]);
    assert_eq!(files.len(), 8);
    assert_eq!(faults, ["too-large - d/18.yaml"]);
}

#[test]
fn of_very_many_faults_the_first_are_shown_and_the_others_are_counted() {
    let folder = Folder::new("dangling");
    fs::create_dir_all(folder.0.join("d")).unwrap();
    for n in 1000..2500 {
        symlink("nowhere", folder.0.join(format!("d/{n}.yaml"))).unwrap();
    }
    let (_, faults) = read(&[folder.0.join("d")]);
    assert_eq!(faults.len(), 1001);
    let last = faults.iter().find(|fault| fault.code.name() == "too-many-faults").unwrap();
    assert!(last.path.ends_with("d/2000.yaml") && last.message.contains("499 more"), "{last:?}");
}

/// Names are shown to people: a terminal must not obey them.
#[test]
fn a_file_name_cannot_reach_the_terminal() {
    let folder = Folder::new("names");
    let names = [
        "two\nlines.yaml",
        "\u{1b}[2Jclear.yaml",
        "\u{1b}]0;title\u{7}.yaml",
        "left\u{202e}lmay.yaml",
        "\u{9b}31m.yaml",
        "\u{61c}\u{e0041}.yaml",
    ];
    for name in names {
        folder.file(&format!("d/{name}"), b"rig: x\nnothing: 1\n");
    }
    let (files, faults) = read(&[folder.0.join("d")]);
    assert_eq!((files.len(), faults), (names.len(), vec![]));
    let loaded = rigtone_model::load::load(files);
    let shown = rigtone_model::diagnostic::render(&loaded.diagnostics, &loaded.sources, false);
    assert!(shown.contains("two\u{240a}lines.yaml") && shown.contains("nothing: 1"), "{shown}");
    let obeyed =
        |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
    assert_eq!(shown.chars().find(|c| obeyed(*c)), None);
}
