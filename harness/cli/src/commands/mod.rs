//! One file for each command.

pub(crate) mod attach;
pub(crate) mod certify;
pub(crate) mod check;
pub(crate) mod claims;
pub(crate) mod compare;
pub(crate) mod device;
#[cfg(feature = "history")]
pub(crate) mod history;
pub(crate) mod judge;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod measure;
pub(crate) mod merge;
pub(crate) mod page;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod rig;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod signal;
pub(crate) mod timeline;
pub(crate) mod wear;
