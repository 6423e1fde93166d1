//! Runs on the simulated rig, from documents to verdicts.

mod asked;
mod bench;
mod endings;
mod faults;
mod firmware;
mod lines;
mod planted;
mod radio;
mod receiving;
mod resources;
mod resume;
mod sound;
mod starter;
mod suites;
mod voice;
