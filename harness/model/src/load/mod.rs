//! Loading of documents in three stages, so that every fault of every file is shown at once and has a position.
//!
//! 1. `parse`: bytes to a [`Tree`] with positions, within budgets.
//! 2. `shape`: the JSON Schema generated from the types is held against the tree.
//! 3. `decode`: the tree becomes a typed document, which after stage 2 cannot fail.

pub(crate) mod budget;
mod collect;
mod decode;
mod explain;
mod keywords;
mod library;
mod parse;
mod read;
mod scalar;
mod shape;
mod tree;

pub(crate) use collect::Collected;
pub use library::{Entry, Library, Loaded, SourceFile, load};
pub use read::read;
pub use tree::{Field, Node, Tree, Value};
