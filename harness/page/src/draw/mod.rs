//! Drawings in SVG. Colours come from the style sheet; every number that a drawing shows stands beside it in words too.

mod bars;
mod distribution;
mod lanes;
mod scale;
mod shapes;
mod spans;
mod timeline;

pub(crate) use self::{
    bars::{attempts, fates},
    distribution::{Distribution, distribution},
    lanes::{Lane, lanes},
    spans::{Span, spans},
    timeline::{Scene, place as timeline_place, timeline},
};

/// Width of a small drawing: it fits a page of 360 pixels.
const SMALL: f64 = 320.0;
