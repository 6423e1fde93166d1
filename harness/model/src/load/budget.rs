//! What documents may cost: far above what any lab needs, and small for a machine.

/// Bytes of a file: 1 MiB.
pub(crate) const BYTES: u64 = 1 << 20;
/// Bytes of all files of one call: 8 MiB are some thousand documents.
pub(crate) const ALL_BYTES: u64 = 8 << 20;
/// Characters of a line. The parser's cost grows with the square of what may be nested within one.
pub(crate) const LINE: u32 = 10_000;
/// Maps and lists within each other.
pub(crate) const DEPTH: usize = 64;
/// Values of a document, keys included.
pub(crate) const NODES: usize = 20_000;
/// Faults shown of one file.
pub(crate) const FAULTS: usize = 100;
/// Faults shown of all files.
pub(crate) const ALL_FAULTS: usize = 1_000;
/// Files of one call.
pub(crate) const FILES: usize = 10_000;
/// Entries of folders that one call looks at, documents or not.
pub(crate) const ENTRIES: usize = 100_000;
/// Folders within each other.
pub(crate) const FOLDERS: usize = 32;
/// Steps of a scenario, those beside others included.
pub(crate) const STEPS: usize = 500;
/// Axes of a scenario.
pub(crate) const AXES: usize = 32;
/// Conditions of a scenario.
pub(crate) const CONDITIONS: usize = 100;
/// Expectations of a scenario.
pub(crate) const EXPECTATIONS: usize = 100;
/// Points that the values and conditions of a scenario may make together, before any unit multiplies them.
pub(crate) const POINTS: usize = 10_000;
/// Hours that the steps of a trial may take together: a week.
pub(crate) const TRIAL_H: f64 = 168.0;
/// Hours that all trials of a combination may take together: a year.
pub(crate) const COMBINATION_H: f64 = 8760.0;
