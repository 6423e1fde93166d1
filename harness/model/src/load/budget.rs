//! What a document may cost: far above what any needs, and small for a machine.

/// Bytes of a file: 1 MiB.
pub(crate) const BYTES: u64 = 1 << 20;
/// Characters of a line. The parser's cost grows with the square of what may be nested within one.
pub(crate) const LINE: u32 = 10_000;
/// Maps and lists within each other.
pub(crate) const DEPTH: usize = 64;
/// Values of a document.
pub(crate) const NODES: usize = 100_000;
/// Faults shown of one file.
pub(crate) const FAULTS: usize = 100;
/// Files of one call.
pub(crate) const FILES: usize = 20_000;
/// Folders within each other.
pub(crate) const FOLDERS: usize = 32;
