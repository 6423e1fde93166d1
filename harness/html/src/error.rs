//! Why a theme or a logo is not used.

use thiserror::Error;

/// A theme or a logo that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThemeError {
    /// It could end the style sheet and go on with anything.
    #[error("the theme holds `</` in line {line}, which would end the style sheet")]
    EndsSheet {
        /// The line, from 1.
        line: usize,
    },
    /// It would be fetched from somewhere.
    #[error("the theme holds `@import` in line {line}: the page is one file and fetches nothing")]
    Import {
        /// The line, from 1.
        line: usize,
    },
    /// Beyond what a page should carry.
    #[error("{what} has {bytes} bytes; at most {most} are taken")]
    TooLarge {
        /// `the theme` or `the logo`.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest.
        most: usize,
    },
    /// Not a picture that every browser shows.
    #[error("the logo is neither PNG, JPEG nor SVG")]
    NoPicture,
}

impl ThemeError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::EndsSheet { .. } => "write the theme without `</`; in a string `<\\/` says the same",
            Self::Import { .. } => "copy what is imported into the theme",
            Self::TooLarge { .. } => "make it smaller: it is carried by every page",
            Self::NoPicture => "give a file in one of these formats",
        }
    }
}
