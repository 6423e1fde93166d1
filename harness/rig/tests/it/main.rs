//! The rig's safety as the world outside sees it: processes that end badly, and a board that is a pseudo terminal.

#![cfg(feature = "serial")]

#[expect(dead_code, reason = "the tests of the command hang it and let it babble")]
mod board;
mod crash;
mod gestures;
