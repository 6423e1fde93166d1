//! What no schema can say: references, limits, labels. One case for each fault.

mod asked;
mod calibration;
mod configuration;
mod driver;
mod expect;
mod facts;
mod gestures;
mod relay;
mod rig;
mod scenario;
mod size;
mod suite;
mod wiring;

use crate::{findings, place};

/// A scenario with conditions, values, microphones and two steps of a kind.
const RICH: &str = "\
scenario: one
title: A scenario
matrix:
  source: {role: a2dp-source}
  speaker: {devices: [jbl/charge-5], tags: [portable]}
  bench: {microphone: {near: speaker}}
  pause: [1 s, 2 s]
conditions:
  cold: {off: 5 s}
  warm: {off: 9 s}
trial:
  - power-cycle: {unit: speaker, off-for: $off}
    when: [cold]
  - connect: {profile: a2dp}
    label: first
  - wait: {for: $pause}
  - connect: {profile: a2dp}
  - play: {signal: whole, heard-by: [bench]}
repeat: {at-least: 10, at-most: 100}
expect:
  - success-rate: {of: first}
";

fn one_fault(files: &[(&str, &str)], at: &str, message: &str, suggestion: &str) {
    let found = findings(files);
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), [at], "{found:#?}");
    assert!(found[0].message.contains(message), "{}", found[0].message);
    let given = found[0].suggestion.as_deref().unwrap_or_default();
    assert!(given.contains(suggestion), "{given}");
}
