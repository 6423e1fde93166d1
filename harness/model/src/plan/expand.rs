//! From documents to combinations.

use std::{collections::BTreeSet, sync::Arc};

use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    AxisValue, Bindings, Capabilities, Capability, Combination, PlannedScenario, asked,
    bindings::BindingError,
    capability,
    resources::{self, nearest},
    services, settings, voice,
};
use crate::{
    document::{
        Absence, Action, Axis, Codec, Device, Event, Expectation, Measurable, PAIRING_MODE, Play, Profile, Rig,
        Scenario, Step, UnitChoice, WaitFor, WantedCodec, World,
    },
    id::CombinationId,
    quantity::Duration,
};

/// A plan that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// No device that is known, on whatever rig, fits an axis.
    #[error("scenario `{scenario}`: no known device fits the axis `{axis}`; add a device or widen the axis")]
    NoDevice {
        /// The scenario.
        scenario: String,
        /// The axis.
        axis: String,
    },
    /// A parameter stands for nothing.
    #[error("scenario `{scenario}`: {source}")]
    Binding {
        /// The scenario.
        scenario: String,
        /// What is wrong.
        source: BindingError,
    },
    /// More combinations than anybody can want.
    #[error("scenario `{scenario}` has more than {limit} combinations; narrow its matrix")]
    TooMany {
        /// The scenario.
        scenario: String,
        /// The limit.
        limit: usize,
    },
}

/// The most combinations of one scenario.
const MOST_COMBINATIONS: usize = 1_000_000;

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Expansion<'a> {
    /// The rig.
    pub rig: &'a Rig,
    /// Every known device, by id.
    pub devices: &'a IndexMap<String, Device>,
    /// How long a stimulus lasts, by name.
    pub signal_length: &'a SignalLength,
}

/// How long a stimulus lasts, by name.
pub type SignalLength = dyn Fn(&str) -> Option<Duration>;

impl std::fmt::Debug for Expansion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expansion").field("rig", &self.rig.rig).finish_non_exhaustive()
    }
}

/// A unit of the rig with what planning needs to know of it.
struct Candidate<'a> {
    value: AxisValue,
    resource: Arc<str>,
    unit: &'a crate::document::Unit,
    device: &'a Device,
    capabilities: Capabilities,
    codecs: &'a [Codec],
}

impl<'a> Candidate<'a> {
    fn seat(&'a self) -> asked::Seat<'a> {
        let receives = self.capabilities.has(Capability::Receiving);
        asked::Seat { name: self.value.text(), unit: self.unit, device: self.device, receives }
    }
}

/// The combinations of a scenario, in the order of its matrix; its conditions are innermost.
///
/// A combination that this rig cannot do is there too, with the reason why it is skipped.
///
/// # Errors
/// When no known device fits an axis, or a parameter stands for nothing.
pub fn expand(planned: &PlannedScenario, from: &Expansion<'_>) -> Result<Vec<Combination>, PlanError> {
    let scenario = &planned.document;
    let candidates = candidates(from);
    let scenario_name: Arc<str> = scenario.scenario.as_str().into();
    let meaning = Sha256::new_with_prefix(meaning_of(scenario));

    let mut names: Vec<Arc<str>> = Vec::new();
    let mut choices: Vec<Vec<Choice<'_>>> = Vec::new();
    for (axis, spec) in &scenario.matrix {
        let choice: Vec<Choice<'_>> = match spec {
            Axis::Values(values) => values.iter().map(|v| Choice::Value(v.as_str().into())).collect(),
            Axis::Units(wanted) => {
                if !from.devices.values().any(|d| fits_device(wanted, d)) {
                    return Err(PlanError::NoDevice { scenario: scenario.scenario.clone(), axis: axis.clone() });
                }
                candidates.iter().filter(|(name, c)| fits(wanted, name, c)).map(|(_, c)| Choice::Unit(c)).collect()
            }
            Axis::Microphone(choice) => vec![Choice::MicrophoneNear(choice.near.as_str())],
        };
        if choice.is_empty() {
            let reason = format!("no unit of the rig `{}` fits the axis `{axis}`", from.rig.rig);
            return Ok(vec![placeholder(&scenario_name, meaning, &reason)]);
        }
        names.push(axis.as_str().into());
        choices.push(choice);
    }
    if choices.iter().try_fold(1_usize, |n, c| n.checked_mul(c.len())).is_none_or(|n| n > MOST_COMBINATIONS) {
        return Err(PlanError::TooMany { scenario: scenario.scenario.clone(), limit: MOST_COMBINATIONS });
    }

    let compared: BTreeSet<&str> = scenario.expect.iter().filter_map(|e| compared(scenario, e.expectation())).collect();
    let shape = Shape { scenario, scenario_name: &scenario_name, names: &names, compared, meaning: &meaning, from };
    let conditions: Vec<Option<&str>> = if scenario.conditions.is_empty() {
        vec![None]
    } else {
        scenario.conditions.keys().map(|c| Some(c.as_str())).collect()
    };
    let needs: Vec<Result<Vec<(&str, Capability)>, String>> =
        conditions.iter().map(|c| needs_under(scenario, *c)).collect();
    let mut combinations = Vec::new();
    let mut odometer = vec![0_usize; choices.len()];
    loop {
        let point: Vec<&Choice<'_>> = odometer.iter().zip(&choices).map(|(&i, c)| &c[i]).collect();
        if shape.sensible(&point) {
            for (condition, needs) in conditions.iter().zip(&needs) {
                combinations.push(shape.combination(&point, *condition, needs)?);
            }
        }
        // The last axis turns fastest.
        let Some(turn) = (0..choices.len()).rev().find(|&i| odometer[i] + 1 < choices[i].len()) else { break };
        odometer[turn] += 1;
        odometer[turn + 1..].fill(0);
    }
    if combinations.is_empty() {
        let reason = format!("no two units of the rig `{}` fit the matrix together", from.rig.rig);
        combinations.push(placeholder(&scenario_name, meaning, &reason));
    }
    Ok(combinations)
}

/// A point's place on one axis.
enum Choice<'a> {
    Unit(&'a Candidate<'a>),
    MicrophoneNear(&'a str),
    Value(Arc<str>),
}

/// Stands for a scenario that has no combination on this rig, so that it is seen to be skipped.
fn placeholder(scenario: &Arc<str>, meaning: Sha256, reason: &str) -> Combination {
    let hash: [u8; 32] = meaning.finalize().into();
    Combination {
        id: CombinationId::new(scenario, std::iter::empty(), &hash),
        scenario: scenario.clone(),
        axes: Vec::new(),
        condition: None,
        group: group(&hash),
        resources: Arc::from([]),
        relies_on: Arc::from([]),
        trial_ns: 0,
        skipped: Some(reason.into()),
    }
}

pub(super) fn group(hash: &[u8; 32]) -> u64 {
    u64::from_le_bytes(hash[..8].try_into().expect("eight of 32 bytes"))
}

/// The bytes that give a scenario its meaning: what is done. Titles, limits and the number of trials may change
/// without making it another scenario.
pub(super) fn meaning_of(scenario: &Scenario) -> Vec<u8> {
    let parts = (&scenario.scenario, &scenario.setup, &scenario.trial, &scenario.cleanup);
    serde_json::to_vec(&parts).expect("steps are plain data")
}

fn candidates<'a>(from: &Expansion<'a>) -> Vec<(&'a str, Candidate<'a>)> {
    let units = from.rig.units.iter().filter_map(|(name, unit)| Some((name, unit, from.devices.get(&unit.device)?)));
    units
        .map(|(name, unit, device)| {
            let candidate = Candidate {
                value: AxisValue::Unit {
                    name: name.as_str().into(),
                    device: unit.device.as_str().into(),
                    firmware: unit.firmware.as_str().into(),
                },
                resource: format!("unit {name}").into(),
                unit,
                device,
                capabilities: Capabilities::of(unit, device, from.rig),
                codecs: device.codecs_of(&unit.firmware),
            };
            (name.as_str(), candidate)
        })
        .collect()
}

fn fits_device(wanted: &UnitChoice, device: &Device) -> bool {
    wanted.role.is_none_or(|r| device.roles.contains(&r))
        && (wanted.devices.is_empty() || wanted.devices.contains(&device.device))
}

fn fits(wanted: &UnitChoice, name: &str, candidate: &Candidate<'_>) -> bool {
    let tagged = |tag: &String| candidate.device.tags.contains(tag) || candidate.unit.tags.contains(tag);
    fits_device(wanted, candidate.device)
        && wanted.tags.iter().all(tagged)
        && (wanted.units.is_empty() || wanted.units.iter().any(|u| u == name))
        && (wanted.firmware.is_empty() || wanted.firmware.contains(&candidate.unit.firmware))
}

fn steps_under<'a>(scenario: &'a Scenario, condition: Option<&str>) -> impl Iterator<Item = &'a Step> + use<'a> {
    scenario.steps_under(condition)
}

fn needs_under<'a>(scenario: &'a Scenario, condition: Option<&'a str>) -> Result<Vec<(&'a str, Capability)>, String> {
    let mut needs = Vec::new();
    let among = |names: &[String]| condition.is_some_and(|c| names.iter().any(|name| name == c));
    let speaks = |e: &crate::document::Expect| match e.expectation() {
        Expectation::Difference(difference) => difference.axis(scenario).is_some() || among(&difference.between),
        _ => e.when.is_empty() || among(&e.when),
    };
    if !scenario.expect.iter().any(speaks) {
        return Err(format!("no expectation speaks about the condition `{}`", condition.unwrap_or_default()));
    }
    for step in steps_under(scenario, condition) {
        capability::needs(step, &mut needs)?;
    }
    for expect in &scenario.expect {
        let kind = expect.expectation();
        let judged = |kind: Expectation<'_>| match kind {
            Expectation::Count(_) => true,
            Expectation::Difference(_) => true,
            other => other.rate().is_some(),
        };
        if !kind.leaves().all(judged) {
            return Err(format!("this version of Rigtone does not judge all of the expectation `{}`", kind.name()));
        }
    }
    needs.dedup();
    Ok(needs)
}

/// The axis whose values a difference is between; none where it is between conditions.
fn compared<'a>(scenario: &'a Scenario, expectation: Expectation<'a>) -> Option<&'a str> {
    match expectation {
        Expectation::Difference(difference) => difference.axis(scenario),
        _ => None,
    }
}

/// What all combinations of a scenario share.
struct Shape<'a> {
    scenario: &'a Scenario,
    scenario_name: &'a Arc<str>,
    names: &'a [Arc<str>],
    /// Axes whose values are compared with each other: combinations that differ in them alone are one group.
    compared: BTreeSet<&'a str>,
    meaning: &'a Sha256,
    from: &'a Expansion<'a>,
}

impl Shape<'_> {
    /// No unit stands on two axes at once, unless the author wants it so by naming it on both.
    fn sensible(&self, point: &[&Choice<'_>]) -> bool {
        let mut seen = BTreeSet::new();
        point.iter().all(|choice| match choice {
            Choice::Unit(candidate) => seen.insert(&candidate.resource),
            _ => true,
        })
    }

    fn combination(
        &self,
        point: &[&Choice<'_>],
        condition: Option<&str>,
        needs: &Result<Vec<(&str, Capability)>, String>,
    ) -> Result<Combination, PlanError> {
        let unit_on = |axis: &str| {
            self.names.iter().zip(point).find_map(|(name, choice)| match choice {
                Choice::Unit(candidate) if &**name == axis => Some(*candidate),
                _ => None,
            })
        };
        let mut skipped: Option<String> = needs.as_ref().err().cloned();
        let mut axes: Vec<(Arc<str>, AxisValue)> = Vec::with_capacity(point.len());
        for (name, choice) in self.names.iter().zip(point) {
            let value = match choice {
                Choice::Unit(candidate) => candidate.value.clone(),
                Choice::Value(value) => AxisValue::Value(value.clone()),
                Choice::MicrophoneNear(axis) => match unit_on(axis).and_then(|c| nearest(c.unit)) {
                    Some(microphone) => AxisValue::Microphone(microphone.as_str().into()),
                    None => {
                        skipped.get_or_insert_with(|| format!("no microphone hears the unit on the axis `{axis}`"));
                        AxisValue::Microphone("none".into())
                    }
                },
            };
            axes.push((name.clone(), value));
        }
        axes.sort_by(|a, b| a.0.cmp(&b.0));

        let parameters = condition.and_then(|c| self.scenario.conditions.get(c));
        let bindings = Bindings::new(&axes, parameters);
        let binding = |source| PlanError::Binding { scenario: self.scenario.scenario.clone(), source };
        if let Ok(needs) = needs {
            for (axis, capability) in needs {
                if skipped.is_none()
                    && let Some(candidate) = unit_on(axis)
                    && !candidate.capabilities.has(*capability)
                {
                    skipped = Some(format!("{}: {capability}", candidate.value.text()));
                }
            }
            if skipped.is_none() {
                skipped = self.unclaimed_codec(condition, &bindings, &unit_on).map_err(binding)?;
            }
            if skipped.is_none() {
                skipped = self.unconfigurable(condition, &bindings).map_err(binding)?;
            }
            if skipped.is_none() {
                skipped = self.uncalibrated(condition, &unit_on);
            }
            if skipped.is_none() {
                skipped = self.unrecorded(condition, &unit_on).or_else(|| self.untold(condition));
            }
            if skipped.is_none() {
                skipped = self.unwatched(condition, &unit_on);
            }
            if skipped.is_none() {
                skipped = self.overlong(condition, &bindings).map_err(binding)?;
            }
            if skipped.is_none() {
                skipped = self.unplayable(condition, &bindings, &unit_on).map_err(binding)?;
            }
            if skipped.is_none() {
                let units = self.names.iter().filter_map(|axis| {
                    unit_on(axis).map(|candidate| (&**axis, candidate.value.text(), candidate.capabilities))
                });
                let units: Vec<services::Seat<'_>> = units.collect();
                skipped = services::unread(steps_under(self.scenario, condition), &units);
            }
            if skipped.is_none() {
                skipped = self.unset(condition, &bindings, &unit_on).map_err(binding)?;
            }
            if skipped.is_none() {
                skipped = self.undone(condition, &unit_on).or_else(|| {
                    let seat = |axis: &str| unit_on(axis).map(Candidate::seat);
                    let steps = || steps_under(self.scenario, condition);
                    asked::unseen(self.scenario, self.from.rig, steps(), &seat)
                        .or_else(|| voice::unheard(self.scenario, self.from.rig, steps(), &seat))
                });
            }
        }

        let mut meaning = self.meaning.clone();
        for (name, value) in &axes {
            meaning.update(name.as_bytes());
            match value {
                AxisValue::Unit { device, firmware, .. } => {
                    meaning.update(device.as_bytes());
                    meaning.update([0]);
                    meaning.update(firmware.as_bytes());
                }
                AxisValue::Value(text) => meaning.update(text.as_bytes()),
                // A microphone is part of the rig, not of what is tested.
                AxisValue::Microphone(_) => {}
            }
            meaning.update([0]);
        }
        // Two units of one device and firmware mean the same, but are no comparison group.
        let mut group_hash = self.meaning.clone();
        for (name, value) in axes.iter().filter(|(name, _)| !self.compared.contains(&**name)) {
            group_hash.update(name.as_bytes());
            group_hash.update(value.text().as_bytes());
            if let AxisValue::Unit { device, firmware, .. } = value {
                group_hash.update(device.as_bytes());
                group_hash.update([0]);
                group_hash.update(firmware.as_bytes());
            }
            group_hash.update([0]);
        }
        if let Some(condition) = condition {
            meaning.update(condition.as_bytes());
            meaning.update(serde_json::to_vec(&parameters).expect("parameters are plain text"));
        }
        let pairs = axes.iter().map(|(n, v)| (&**n, v.text())).chain(condition.map(|c| ("condition", c)));
        let id = CombinationId::new(self.scenario_name, pairs, &meaning.finalize().into());

        let units = || self.names.iter().filter_map(|name| unit_on(name));
        let relies_on = self.relies_on(units(), condition, &bindings).map_err(binding)?;
        let steps = steps_under(self.scenario, condition);
        let resources = resources::of(self.from.rig, steps, units().map(|c| (&c.resource, c.unit)));
        let trial_ns = self.trial_ns(condition, &bindings, &unit_on).map_err(binding)?;
        Ok(Combination {
            id,
            scenario: self.scenario_name.clone(),
            axes,
            condition: condition.map(Into::into),
            group: group(&group_hash.finalize().into()),
            resources,
            relies_on,
            trial_ns,
            skipped: skipped.map(Into::into),
        })
    }

    /// A gesture that a unit cannot do, and why.
    fn undone<'c>(
        &self,
        condition: Option<&str>,
        unit_on: &dyn Fn(&str) -> Option<&'c Candidate<'c>>,
    ) -> Option<String> {
        steps_under(self.scenario, condition).find_map(|step| {
            let Action::Gesture(gesture) = step.action() else { return None };
            let candidate = unit_on(&gesture.unit)?;
            let why = capability::obstacle_to(candidate.unit, candidate.device, self.from.rig, &gesture.name)?;
            Some(format!("{}: {why}", candidate.value.text()))
        })
    }

    /// A setting that a unit cannot have changed, and why.
    fn unset<'c>(
        &self,
        condition: Option<&str>,
        bindings: &Bindings<'_>,
        unit_on: &dyn Fn(&str) -> Option<&'c Candidate<'c>>,
    ) -> Result<Option<String>, BindingError> {
        for step in steps_under(self.scenario, condition) {
            let Action::Set(set) = step.action() else { continue };
            let (value, Some(candidate)) = (bindings.resolve(&set.value)?, unit_on(&set.unit)) else { continue };
            let (unit, device) = (candidate.unit, candidate.device);
            if let Some(why) = settings::obstacle_to(unit, device, self.from.rig, &set.option, &value) {
                return Ok(Some(format!("{}: {why}", candidate.value.text())));
            }
        }
        Ok(None)
    }

    /// Asking for a codec that a firmware does not even claim proves nothing, unless the scenario expects another one.
    fn unclaimed_codec<'c>(
        &self,
        condition: Option<&str>,
        bindings: &Bindings<'_>,
        unit_on: &dyn Fn(&str) -> Option<&'c Candidate<'c>>,
    ) -> Result<Option<String>, BindingError> {
        for step in steps_under(self.scenario, condition) {
            let Action::Connect(connect) = step.action() else { continue };
            // The codecs of documents are those of music.
            if connect.profile == Profile::Hfp {
                continue;
            }
            let codec = bindings.codec(connect)?;
            let mut expected = self.scenario.expect.iter().flat_map(|e| e.expectation().leaves());
            let fallback_wanted = expected.any(|expectation| match expectation {
                Expectation::Codec(c) => matches!(c.is, WantedCodec::Codec(wanted) if wanted != codec),
                Expectation::Unsupported(_) => true,
                _ => false,
            });
            if fallback_wanted {
                continue;
            }
            for axis in [&connect.by, &connect.unit] {
                if let Some(candidate) = unit_on(axis)
                    && !candidate.codecs.contains(&codec)
                {
                    let (name, firmware) = (candidate.value.text(), &candidate.unit.firmware);
                    return Ok(Some(format!("{name}: firmware {firmware} does not claim the codec {codec}")));
                }
            }
        }
        Ok(None)
    }

    /// The simulated world has one configuration of each codec.
    fn unconfigurable(&self, condition: Option<&str>, bindings: &Bindings<'_>) -> Result<Option<String>, BindingError> {
        for step in steps_under(self.scenario, condition) {
            let Action::Connect(connect) = step.action() else { continue };
            let codec = bindings.codec(connect)?;
            let unusual = bindings.configuration(connect)?.filter(|wanted| !wanted.is_usual(codec));
            if let Some(wanted) = unusual.filter(|_| self.from.rig.world == World::Simulated) {
                let what = "the simulated world has the usual configuration of each codec only";
                return Ok(Some(format!("{what}, and {codec} at {wanted} is asked for")));
            }
        }
        Ok(None)
    }

    /// The steps in which something is limited that is `wanted`.
    fn measured_in(&self, wanted: impl Fn(Measurable) -> bool) -> Vec<&str> {
        let expected = self.scenario.expect.iter().flat_map(|e| e.expectation().leaves());
        let of = |expectation| match expectation {
            Expectation::Measured(m) if wanted(m.of) => Some(m.step.as_str()),
            _ => None,
        };
        expected.filter_map(of).collect()
    }

    /// Sound pressure is known of calibrated microphones only.
    fn uncalibrated<'c>(
        &self,
        condition: Option<&str>,
        unit_on: &dyn Fn(&str) -> Option<&'c Candidate<'c>>,
    ) -> Option<String> {
        let wanted = self.measured_in(|of| of == Measurable::SoundPressure);
        steps_under(self.scenario, condition).find_map(|step| {
            let Action::Play(play) = step.action() else { return None };
            let microphone = nearest(unit_on(&play.on)?.unit)?;
            let known = self.from.rig.microphones.get(microphone).is_some_and(|m| m.calibrated.is_some());
            (wanted.contains(&step.name()) && !known).then(|| {
                format!("the microphone `{microphone}` is not calibrated: its rig's document has no `calibrated` of it")
            })
        })
    }

    /// A link whose end is waited for, and that neither end tells of.
    fn unwatched<'c>(
        &self,
        condition: Option<&str>,
        unit_on: &dyn Fn(&str) -> Option<&'c Candidate<'c>>,
    ) -> Option<String> {
        steps_under(self.scenario, condition).find_map(|step| {
            let Action::WaitFor(WaitFor { event: Event::Disconnected, unit, .. }) = step.action() else { return None };
            let candidate = unit_on(unit)?;
            if candidate.capabilities.has(Capability::Receiving) {
                return None;
            }
            let Some(by) = self.scenario.linked_by(unit, condition).and_then(unit_on) else {
                return Some(format!("{}: {}", candidate.value.text(), Capability::Receiving));
            };
            let watches = by.capabilities.has(Capability::Watching);
            (!watches).then(|| format!("{}: {}", by.value.text(), Capability::Watching))
        })
    }

    /// A limit that every device would exceed says nothing about any.
    fn overlong(&self, condition: Option<&str>, bindings: &Bindings<'_>) -> Result<Option<String>, BindingError> {
        let Some(limit) = self.scenario.trial_limit else { return Ok(None) };
        // What takes its time whatever the device does.
        let least = |step: &Step| {
            Ok(match step.action() {
                Action::PowerCycle(cycle) => bindings.resolve(&cycle.off_for)?.ns(),
                Action::Play(play) => self.playing_ns(play, bindings)?,
                Action::Listen(listen) => listen.lasting.ns(),
                Action::Wait(wait) => bindings.resolve(&wait.lasting)?.ns(),
                Action::WaitFor(WaitFor { absence_is: Some(Absence::Success), within, .. }) => within.ns(),
                _ => 0,
            })
        };
        let least_ns = line_ns(&self.scenario.trial, condition, &least)?;
        Ok((least_ns >= limit.ns())
            .then(|| format!("its steps take {} at least, and `trial-limit` is {limit}", Duration::from_ns(least_ns))))
    }

    /// How long a play lasts, in nanoseconds.
    fn playing_ns(&self, play: &Play, bindings: &Bindings<'_>) -> Result<i64, BindingError> {
        let Some(length) = (self.from.signal_length)(&play.signal) else { return Ok(0) };
        let lasting = play.lasting.as_ref().map(|lasting| bindings.resolve(lasting)).transpose()?;
        let times = lasting.map_or(1, |lasting| Play::times(lasting, length));
        Ok(length.ns().saturating_mul(i64::from(times)))
    }

    /// A play that cannot be done, or would be measured by nobody.
    fn unplayable<'c>(
        &self,
        condition: Option<&str>,
        bindings: &Bindings<'_>,
        unit_on: &dyn Fn(&str) -> Option<&'c Candidate<'c>>,
    ) -> Result<Option<String>, BindingError> {
        let rig = self.from.rig;
        for step in steps_under(self.scenario, condition) {
            let Action::Play(play) = step.action() else { continue };
            let name = step.name();
            if let Some(lasting) = play.lasting.as_ref().map(|lasting| bindings.resolve(lasting)).transpose()?
                && lasting > Play::LONGEST
            {
                return Ok(Some(format!("`{name}` plays for {lasting}, and {} is the longest", Play::LONGEST)));
            }
            if let Some(level) = play.level.as_ref().map(|level| bindings.resolve(level)).transpose()?
                && level.db() > 0.0
            {
                return Ok(Some(format!(
                    "`{name}` plays at {level}: a stimulus is close to full scale at 0 dB already"
                )));
            }
            if let Some(loudness) = play.loudness.as_ref().map(|loudness| bindings.resolve(loudness)).transpose()?
                && let Some(microphone) = unit_on(&play.on).and_then(|candidate| nearest(candidate.unit))
                && rig.microphones.get(microphone).is_none_or(|m| m.calibrated.is_none())
            {
                return Ok(Some(format!(
                    "the microphone `{microphone}` is not calibrated, and `{name}` has to be {loudness} there: its rig's document has no `calibrated` of it"
                )));
            }
            if let Some(content) = play.content.as_ref().map(|content| bindings.resolve(content)).transpose()?
                && let Some(source) = unit_on(&play.by)
                && let Some(why) = asked::lacks_content(source.unit, source.device, rig, &content)
            {
                return Ok(Some(format!("{}: {why}", source.value.text())));
            }
            let near = |axis: &String| match self.scenario.matrix.get(axis) {
                Some(Axis::Microphone(choice)) => unit_on(&choice.near).and_then(|candidate| nearest(candidate.unit)),
                _ => None,
            };
            for (n, axis) in play.heard_by.iter().enumerate() {
                let same = |other: &&String| near(other).is_some() && near(other) == near(axis);
                if let Some(other) = play.heard_by[..n].iter().find(same) {
                    return Ok(Some(format!("one microphone stands on both axes, `{other}` and `{axis}`")));
                }
            }
        }
        Ok(None)
    }

    /// What is measured in HCI traffic needs a dongle that records it.
    fn unrecorded<'c>(
        &self,
        condition: Option<&str>,
        unit_on: &dyn Fn(&str) -> Option<&'c Candidate<'c>>,
    ) -> Option<String> {
        let wanted = self.measured_in(|of| of.actions().is_some() && !of.is_told_by_source());
        steps_under(self.scenario, condition).filter(|step| wanted.contains(&step.name())).find_map(|step| {
            let by = match step.action() {
                Action::Discover(discover) => &discover.by,
                Action::Pair(pair) => &pair.by,
                Action::Connect(connect) => &connect.by,
                Action::Play(play) => &play.by,
                _ => return None,
            };
            let candidate = unit_on(by)?;
            match &candidate.unit.dongle {
                Some(dongle) if self.from.rig.dongles.get(dongle).is_some_and(|d| d.capture.is_some()) => None,
                Some(dongle) => Some(format!(
                    "the HCI traffic of the dongle `{dongle}` is not recorded: its rig's document has no `capture` of it"
                )),
                None => {
                    Some(format!("{}: it has no dongle whose HCI traffic could be recorded", candidate.value.text()))
                }
            }
        })
    }

    /// No real packets leave in the simulated world.
    fn untold(&self, condition: Option<&str>) -> Option<String> {
        let wanted = self.measured_in(Measurable::is_told_by_source);
        let simulated = self.from.rig.world == World::Simulated;
        let step = steps_under(self.scenario, condition).find(|step| simulated && wanted.contains(&step.name()))?;
        Some(format!("the simulated world sends no packets that could be timed in `{}`", step.name()))
    }

    /// Members that are shared, but without which a trial cannot be done.
    fn relies_on<'c>(
        &self,
        units: impl Iterator<Item = &'c Candidate<'c>>,
        condition: Option<&str>,
        bindings: &Bindings<'_>,
    ) -> Result<Arc<[Arc<str>]>, BindingError> {
        let plays = steps_under(self.scenario, condition).any(|s| matches!(s.action(), Action::Play(_)));
        let mut encoders: BTreeSet<Arc<str>> = BTreeSet::new();
        for step in steps_under(self.scenario, condition).filter(|_| plays) {
            if let Action::Connect(connect) = step.action() {
                encoders.insert(format!("encoder {}", encoder(bindings.codec(connect)?)).into());
            }
        }
        let mut members: BTreeSet<Arc<str>> = BTreeSet::new();
        for candidate in units {
            let outputs = candidate.unit.power.iter();
            let outputs = outputs.chain(candidate.unit.buttons.values().map(|button| &button.output));
            members.extend(outputs.flat_map(|output| [output.board().into(), output.member().into()]));
            members.extend(asked::synthesiser(candidate.unit, candidate.device, self.from.rig).map(Into::into));
            if plays && candidate.unit.dongle.is_some() {
                members.extend(encoders.iter().cloned());
            }
        }
        Ok(members.into_iter().collect())
    }

    /// The time a trial is expected to take with a device that does everything well. Rough on purpose: it is shown,
    /// and decides nothing.
    fn trial_ns<'c>(
        &self,
        condition: Option<&str>,
        bindings: &Bindings<'_>,
        unit_on: &dyn Fn(&str) -> Option<&'c Candidate<'c>>,
    ) -> Result<i64, BindingError> {
        let boot = |axis: &str| unit_on(axis).and_then(|c| c.device.boot).map_or(2_000_000_000, Duration::ns);
        let second = 1_000_000_000;
        let expected = |step: &Step| {
            Ok(match step.action() {
                Action::Power(power) if power.state == crate::document::OnOff::On => boot(&power.unit),
                Action::PowerCycle(cycle) => bindings.resolve(&cycle.off_for)?.ns().saturating_add(boot(&cycle.unit)),
                Action::EnterPairingMode(on) => unit_on(&on.unit).map_or(0, |c| gesture_ns(c.device, PAIRING_MODE)),
                Action::Gesture(gesture) => unit_on(&gesture.unit).map_or(0, |c| gesture_ns(c.device, &gesture.name)),
                Action::Discover(_) => 3 * second,
                Action::Pair(_) | Action::Disconnect(_) => 2 * second,
                Action::Connect(_) => second,
                Action::Play(play) => self.playing_ns(play, bindings)?.saturating_add(second),
                Action::Listen(listen) => listen.lasting.ns(),
                Action::Prompt(prompt) => prompt.every.ns().saturating_mul(i64::from(prompt.times)),
                Action::VoiceLoop(voice) => second.saturating_mul(i64::from(voice.times)),
                Action::Wait(wait) => bindings.resolve(&wait.lasting)?.ns(),
                Action::WaitFor(wait) => wait.within.ns(),
                Action::ReadServices(_) => second,
                Action::Power(_) | Action::Set(_) | Action::Forget(_) => 0,
            })
        };
        let mut total = 0_i64;
        for part in [&self.scenario.setup, &self.scenario.trial, &self.scenario.cleanup] {
            total = total.saturating_add(line_ns(part, condition, &expected)?);
        }
        // Units whose documents are missing cannot be reached here; a hardware rig adds the settling of its drivers.
        let settling = if self.from.rig.world == World::Hardware { second } else { 0 };
        Ok(total.saturating_add(settling))
    }
}

/// How long steps take that are done one after the other, each with the longer of itself and what is done beside it.
fn line_ns(
    steps: &[Step],
    condition: Option<&str>,
    each: &dyn Fn(&Step) -> Result<i64, BindingError>,
) -> Result<i64, BindingError> {
    steps.iter().filter(|step| step.applies(condition)).try_fold(0_i64, |total, step| {
        let beside = line_ns(&step.meanwhile, condition, each)?;
        Ok(total.saturating_add(each(step)?.max(beside)))
    })
}

/// What makes the stream of a codec, as rigs call it.
const fn encoder(codec: Codec) -> &'static str {
    match codec {
        Codec::Sbc => "sbcenc",
        Codec::Ldac => "gst-launch-1.0",
        _ => "ffmpeg",
    }
}

fn gesture_ns(device: &Device, name: &str) -> i64 {
    device.gestures.get(name).map_or(0, |gesture| gesture.lasts().ns())
}
