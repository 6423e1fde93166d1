//! HTML files that open anywhere without a network, and that no text of a device, a document or a log can break.
//!
//! - [`Markup`]: what is written; everything that is not ours is escaped.
//! - [`Frame`]: what all pages have around them; [`Look`] is what a vendor changes of it.
//! - [`filter`]: what is shown of a matrix; [`Badge`]: verdicts.
//! - [`drawing`]: shapes and scales.
//!
//! Style and script of all pages are `reports/templates/page.css` and `page.js`.

mod badge;
pub mod drawing;
mod error;
mod filter;
mod frame;
mod link;
mod markup;
mod theme;

pub use badge::Badge;
pub use error::ThemeError;
pub use filter::filter;
pub use frame::{Frame, Look, end};
pub use link::link;
pub use markup::{Attributes, LONGEST, Markup, coordinate};
pub use theme::{Logo, Theme};
