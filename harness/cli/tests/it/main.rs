//! The command as its users meet it: the built binary, in folders of its own, without a terminal.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, wherever they do")]

mod check;
mod ending;
mod hardware;
mod judge;
mod junit;
mod others;
mod plan;
mod report;
mod run;
mod user;
