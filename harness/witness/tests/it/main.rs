//! What captures of real stacks say about the steps in which they were made.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, wherever they do")]

mod axis;
mod radio;
mod sound;
