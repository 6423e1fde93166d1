//! What a step refers to: axes and parameters.

use std::str::FromStr;

use crate::{
    document::{Action, Configuration},
    quantity::Param,
};

/// What an axis has to hold to be named at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Unit,
    Microphone,
}

/// An axis that a step names.
pub(super) struct AxisName<'a> {
    /// Where in the action, such as `["heard-by", "0"]`.
    pub(super) at: Vec<String>,
    pub(super) due: Due,
    pub(super) name: &'a str,
}

/// A `$name` of a step.
pub(super) struct Parameter<'a> {
    /// Where in the action, such as `["configuration", "bitpool"]`.
    pub(super) at: &'static [&'static str],
    pub(super) name: &'a str,
    /// Whether a value could stand in its place.
    pub(super) fits: fn(&str) -> bool,
}

fn unit<'a>(key: &str, name: &'a str) -> AxisName<'a> {
    AxisName { at: vec![key.to_owned()], due: Due::Unit, name }
}

/// The axes that an action names, those by default included.
pub(super) fn axes(action: Action<'_>) -> Vec<AxisName<'_>> {
    match action {
        Action::Power(a) => vec![unit("unit", &a.unit)],
        Action::PowerCycle(a) => vec![unit("unit", &a.unit)],
        Action::EnterPairingMode(a) | Action::ReadServices(a) => vec![unit("unit", &a.unit)],
        Action::Gesture(a) => vec![unit("unit", &a.unit)],
        Action::Set(a) => vec![unit("unit", &a.unit)],
        Action::Discover(a) => vec![unit("by", &a.by), unit("unit", &a.unit)],
        Action::Pair(a) => vec![unit("by", &a.by), unit("unit", &a.unit)],
        Action::Connect(a) => vec![unit("by", &a.by), unit("unit", &a.unit)],
        Action::Disconnect(a) | Action::Forget(a) => vec![unit("by", &a.by), unit("unit", &a.unit)],
        Action::Play(a) => {
            let microphones = a.heard_by.iter().enumerate().map(|(n, name)| AxisName {
                at: vec!["heard-by".into(), n.to_string()],
                due: Due::Microphone,
                name,
            });
            [unit("by", &a.by), unit("on", &a.on)].into_iter().chain(microphones).collect()
        }
        Action::Listen(a) => vec![AxisName { at: vec!["with".into()], due: Due::Microphone, name: &a.with }],
        Action::Prompt(a) => vec![unit("unit", &a.unit)],
        Action::VoiceLoop(a) => vec![unit("by", &a.by), unit("unit", &a.unit)],
        Action::Wait(_) => vec![],
        Action::WaitFor(a) => vec![unit("unit", &a.unit)],
    }
}

impl Parameter<'_> {
    /// The key itself.
    pub(super) fn key(&self) -> &'static str {
        self.at.last().copied().unwrap_or_default()
    }
}

fn parameter<'a, T: FromStr>(at: &'static [&'static str], value: Option<&'a Param<T>>) -> Option<Parameter<'a>> {
    match value? {
        Param::Fixed(_) => None,
        Param::From(name) => Some(Parameter { at, name, fits: |text| text.parse::<T>().is_ok() }),
    }
}

fn configuration(asked: Option<&Configuration>) -> [Option<Parameter<'_>>; 6] {
    [
        parameter(&["configuration", "rate"], asked.and_then(|c| c.rate.as_ref())),
        parameter(&["configuration", "mode"], asked.and_then(|c| c.mode.as_ref())),
        parameter(&["configuration", "bitpool"], asked.and_then(|c| c.bitpool.as_ref())),
        parameter(&["configuration", "blocks"], asked.and_then(|c| c.blocks.as_ref())),
        parameter(&["configuration", "subbands"], asked.and_then(|c| c.subbands.as_ref())),
        parameter(&["configuration", "allocation"], asked.and_then(|c| c.allocation.as_ref())),
    ]
}

/// The parameters that an action takes from an axis or a condition.
pub(super) fn parameters(action: Action<'_>) -> Vec<Parameter<'_>> {
    let found = match action {
        Action::PowerCycle(a) => vec![parameter(&["off-for"], Some(&a.off_for))],
        Action::Set(a) => vec![parameter(&["value"], Some(&a.value))],
        Action::Discover(a) => vec![parameter(&["restart-every"], a.restart_every.as_ref())],
        Action::Connect(a) => {
            let codec = parameter(&["codec"], a.codec.as_ref());
            std::iter::once(codec).chain(configuration(a.configuration.as_ref())).collect()
        }
        Action::Play(a) => vec![
            parameter(&["content"], a.content.as_ref()),
            parameter(&["for"], a.lasting.as_ref()),
            parameter(&["volume"], a.volume.as_ref()),
            parameter(&["level"], a.level.as_ref()),
            parameter(&["loudness"], a.loudness.as_ref()),
        ],
        Action::Prompt(a) => vec![parameter(&["loudness"], a.loudness.as_ref())],
        Action::Wait(a) => vec![parameter(&["for"], Some(&a.lasting))],
        Action::Power(_)
        | Action::EnterPairingMode(_)
        | Action::ReadServices(_)
        | Action::Gesture(_)
        | Action::Pair(_)
        | Action::Disconnect(_)
        | Action::Forget(_)
        | Action::Listen(_)
        | Action::VoiceLoop(_)
        | Action::WaitFor(_) => vec![],
    };
    found.into_iter().flatten().collect()
}

/// The stimulus that an action names.
pub(super) fn stimulus(action: Action<'_>) -> Option<&str> {
    match action {
        Action::Play(a) => Some(&a.signal),
        Action::Listen(a) => a.signal.as_deref(),
        Action::VoiceLoop(a) => Some(&a.signal),
        _ => None,
    }
}
