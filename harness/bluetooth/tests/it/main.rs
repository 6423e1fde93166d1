//! Captures: files of every format built byte by byte, cut anywhere, damaged and hostile; and recorded ones.

mod build;
mod conversations;
mod formats;
mod recorded;
mod scene;
