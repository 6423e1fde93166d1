//! Links from a page to the runs that it rests on.

use std::{
    fmt::Write as _,
    fs,
    path::{Component, Path, PathBuf},
};

/// Where a page lies. Its links are relative: the folder may be moved, or served, as a whole.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// The real folder of the page.
    folder: Option<PathBuf>,
}

impl Links {
    /// Links from a file that may not exist yet.
    pub fn from(file: &Path) -> Self {
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { folder: fs::canonicalize(parent).ok() }
    }

    /// A link to a directory with a real path; nothing where a page lies nowhere.
    pub(crate) fn to(&self, directory: &str) -> Option<String> {
        let (from, to) = (self.folder.as_deref()?, Path::new(directory));
        let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
        let mut link = "../".repeat(from.components().count() - common);
        for part in to.components().skip(common) {
            if let Component::Normal(name) = part {
                encode(&mut link, name.as_encoded_bytes());
                link.push('/');
            }
        }
        Some(if link.is_empty() { "./".to_owned() } else { link })
    }
}

/// Percent-encoding of RFC 3986: what is not plain, and what would end a path or name another scheme.
fn encode(link: &mut String, name: &[u8]) {
    for byte in name {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => link.push(char::from(*byte)),
            other => {
                let _ = write!(link, "%{other:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::beside("/lab/runs", "/lab/runs/a", "a/")]
    #[case::above("/lab/pages/x", "/lab/runs/a", "../../runs/a/")]
    #[case::itself("/lab/runs/a", "/lab/runs/a", "./")]
    #[case::spaces_and_quotes("/lab", "/lab/my \"run\"?#", "my%20%22run%22%3F%23/")]
    #[case::a_scheme("/lab", "/lab/javascript:alert(1)", "javascript%3Aalert%281%29/")]
    #[case::other_scripts("/lab", "/lab/ü", "%C3%BC/")]
    fn links_are_relative_and_safe(#[case] from: &str, #[case] to: &str, #[case] link: &str) {
        let links = Links { folder: Some(from.into()) };
        assert_eq!(links.to(to).as_deref(), Some(link));
    }
}
