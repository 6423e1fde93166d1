//! The command as its users meet it: the built binary, in folders of its own, without a terminal.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, wherever they do")]

mod air;
#[cfg(feature = "hardware")]
#[expect(dead_code, reason = "the rig's own tests look when orders came")]
#[path = "../../../rig/tests/it/board.rs"]
mod board;
mod bringup;
mod buttons;
mod certify;
mod check;
mod compare;
mod device;
mod ending;
mod firmware;
mod formats;
mod guides;
mod hardware;
#[cfg(feature = "history")]
mod history;
mod hostile;
mod judge;
mod junit;
mod kill;
mod measure;
mod nights;
mod others;
mod plan;
mod quarantine;
mod remeasure;
mod report;
mod run;
#[cfg(feature = "hardware")]
mod safe;
mod signal;
mod spoiled;
mod suite;
mod terminal;
mod timeline;
mod user;
