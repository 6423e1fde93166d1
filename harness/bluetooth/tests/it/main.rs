//! Captures: files of every format built byte by byte, cut anywhere, damaged and hostile; and recorded ones.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, wherever they do")]

mod build;
mod conversations;
mod damaged;
mod formats;
mod hostile;
mod keys;
mod received;
mod recorded;
mod sbc;
mod scene;
mod streams;
#[path = "../../../model/tests/it/target.rs"]
mod target;
