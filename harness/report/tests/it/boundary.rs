use std::{fs, path::Path};

fn files_that_name(word: &str, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_that_name(word, &path));
        } else if fs::read_to_string(&path).unwrap().contains(word) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn only_one_file_names_junit_report() {
    let found = files_that_name("junit_report", Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    assert!(matches!(&found[..], [file] if file.ends_with("src/junit/xml.rs")), "{found:?}");
}
