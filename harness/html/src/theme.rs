//! What a vendor changes about the page: a style sheet behind ours, a title, a logo.

use crate::error::ThemeError;

const LARGEST_THEME: usize = 512 << 10;
const LARGEST_LOGO: usize = 256 << 10;

/// A style sheet that is put behind ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme(String);

impl Theme {
    /// Takes a style sheet that stays within its element and fetches nothing.
    ///
    /// # Errors
    /// [`ThemeError`].
    pub fn new(css: &str) -> Result<Self, ThemeError> {
        if css.len() > LARGEST_THEME {
            return Err(ThemeError::TooLarge { what: "the theme", bytes: css.len(), most: LARGEST_THEME });
        }
        let line = |at: usize| css.get(..at).unwrap_or_default().matches('\n').count() + 1;
        if let Some(at) = css.find("</") {
            return Err(ThemeError::EndsSheet { line: line(at) });
        }
        if let Some(at) = css.to_ascii_lowercase().find("@import") {
            return Err(ThemeError::Import { line: line(at) });
        }
        // What a parser of HTML would change: the hash of the sheet has to be that of its text.
        Ok(Self(css.replace("\r\n", "\n").replace(['\r', '\0'], "\n")))
    }

    pub(crate) fn css(&self) -> &str {
        &self.0
    }
}

/// A picture beside the title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    pub(crate) before: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Logo {
    /// Takes a PNG, JPEG or SVG file. An SVG is shown as a picture: nothing in it runs.
    ///
    /// # Errors
    /// [`ThemeError`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, ThemeError> {
        if bytes.len() > LARGEST_LOGO {
            return Err(ThemeError::TooLarge { what: "the logo", bytes: bytes.len(), most: LARGEST_LOGO });
        }
        let beginning = bytes.get(..bytes.len().min(512)).unwrap_or_default();
        let before = if beginning.starts_with(b"\x89PNG\r\n\x1a\n") {
            "<img class=\"logo\" alt=\"\" src=\"data:image/png;base64,"
        } else if beginning.starts_with(b"\xff\xd8\xff") {
            "<img class=\"logo\" alt=\"\" src=\"data:image/jpeg;base64,"
        } else if std::str::from_utf8(&bytes).is_ok() && beginning.windows(4).any(|w| w == b"<svg") {
            "<img class=\"logo\" alt=\"\" src=\"data:image/svg+xml;base64,"
        } else {
            return Err(ThemeError::NoPicture);
        };
        Ok(Self { before, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(":root{--accent:#004}\n/* </style><script> */", ThemeError::EndsSheet { line: 2 })]
    #[case("\n\n@IMPORT url(http://a)", ThemeError::Import { line: 3 })]
    fn a_theme_that_leaves_its_sheet_is_refused(#[case] css: &str, #[case] error: ThemeError) {
        assert_eq!(Theme::new(css), Err(error));
    }

    #[test]
    fn a_theme_too_large_is_refused() {
        let css = "a".repeat(LARGEST_THEME + 1);
        assert!(matches!(Theme::new(&css), Err(ThemeError::TooLarge { .. })));
    }

    #[rstest]
    #[case(b"\x89PNG\r\n\x1a\n....", true)]
    #[case(b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", true)]
    #[case(b"GIF89a", false)]
    #[case(b"", false)]
    fn a_logo_is_a_picture(#[case] bytes: &[u8], #[case] taken: bool) {
        assert_eq!(Logo::new(bytes.to_vec()).is_ok(), taken);
    }
}
