//! One point of a scenario's matrix under one condition, as whoever asks about it sees it.

use super::{Bindings, Capability, SignalLength, candidate::Candidate};
use crate::document::{Expectation, Rig, Scenario, Step};

/// What a combination is made from.
pub(super) struct Point<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) condition: Option<&'a str>,
    pub(super) rig: &'a Rig,
    pub(super) signal_length: &'a SignalLength,
    pub(super) bindings: Bindings<'a>,
    /// What its steps need, by axis.
    pub(super) needs: &'a [(&'a str, Capability)],
    /// Who stands on its axes.
    pub(super) units: &'a [(&'a str, &'a Candidate<'a>)],
}

impl<'a> Point<'a> {
    /// The unit on an axis, where it is an axis of units.
    pub(super) fn unit_on(&self, axis: &str) -> Option<&'a Candidate<'a>> {
        unit_on(self.units, axis)
    }

    /// Its steps, with those that are done beside others.
    pub(super) fn steps(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        self.scenario.steps_under(self.condition)
    }

    /// What is expected, one by one.
    pub(super) fn expected(&self) -> impl Iterator<Item = Expectation<'a>> + use<'a> {
        self.scenario.expect.iter().flat_map(|expect| expect.expectation().leaves())
    }
}

/// The unit on an axis.
pub(super) fn unit_on<'a>(units: &[(&str, &'a Candidate<'a>)], axis: &str) -> Option<&'a Candidate<'a>> {
    units.iter().find(|(name, _)| *name == axis).map(|(_, candidate)| *candidate)
}
