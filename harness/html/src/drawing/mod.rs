//! Drawings in SVG: colours come from the style sheet, and what a drawing shows stands in its label in words.

mod scale;
mod shapes;

pub use scale::{Scale, label, round_step};
pub use shapes::{count_axis, drawing, horizontal_axis, line, path, rectangle, words};
