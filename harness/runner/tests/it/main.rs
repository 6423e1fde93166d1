//! Runs on the simulated rig, from documents to verdicts.

mod bench;
mod endings;
mod planted;
mod starter;
