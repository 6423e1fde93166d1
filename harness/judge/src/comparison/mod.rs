//! Two devices, firmware versions, conditions or runs beside each other.
//!
//! Combinations are matched by everything but what is compared. Each expectation of their scenario is a question: its trials are compared by its
//! kind (rates exactly, measured values by ranks, events by their exact shares), in pairs where the two took turns. All questions of one comparison
//! are one family: better and worse need a p-value that holds for all of them together (Holm); the same is said where the interval lies within
//! the margin. Each interval has the confidence by itself, and agrees with the p-value that is not adjusted.

mod decide;
mod difference;
mod gather;
mod needed;
mod never;
mod paired;
mod side;

pub use decide::{Compared, Margins, Side, compare};
pub use difference::{Apart, apart};
pub use gather::{Gatherer, Series, Trial};
pub use side::{By, Matched, Pair, SideError};
