//! Links from a page to the runs that it rests on.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use rigtone_html::link;

/// The report that a run leaves in its directory.
const REPORT: &str = "report.html";

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

    /// A link to a run's report, or to its directory where it has none; nothing where a page lies nowhere.
    pub(crate) fn to(&self, directory: &str) -> Option<String> {
        let report = Path::new(directory).join(REPORT);
        let below = if report.is_file() { REPORT } else { "" };
        self.to_folder(directory).map(|folder| folder + below)
    }

    fn to_folder(&self, directory: &str) -> Option<String> {
        let (from, to) = (self.folder.as_deref()?, Path::new(directory));
        let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
        let mut path = "../".repeat(from.components().count() - common);
        for part in to.components().skip(common) {
            if let Component::Normal(name) = part {
                path.push_str(&link(name.as_encoded_bytes()));
                path.push('/');
            }
        }
        Some(if path.is_empty() { "./".to_owned() } else { path })
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
