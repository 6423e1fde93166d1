//! Drawings of a run. Every number that a drawing shows stands beside it in words too.

mod bars;
mod distribution;
mod lanes;
#[cfg(test)]
mod probe;
mod spans;
mod timeline;

pub(crate) use self::{
    bars::{attempts, fates},
    distribution::{Distribution, Limit, Side, distribution},
    lanes::{Lane, lanes},
    spans::{Span, spans},
    timeline::{Scene, place as timeline_place, timeline},
};

/// Width of a small drawing: it fits a page of 360 pixels.
const SMALL: f64 = 320.0;
