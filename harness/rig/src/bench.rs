//! A rig that was opened: its clock, its members, and the way to leave it safe.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use async_trait::async_trait;
use rigtone_model::{
    document::{Calibrated, Heard, Rig, SafeState},
    event::{Deviation, FirmwareLook},
    id::CombinationId,
    trial::InfrastructureFault,
};

use crate::{
    capability::{Microphone, Power, Unit},
    clock::{Clock, Instant},
    playback::Loudspeaker,
};

/// What a check of a member found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The member, such as `relay board-1`.
    pub member: String,
    /// What was found.
    pub finding: String,
    /// Whether trials may rely on it.
    pub ok: bool,
}

/// The trial that a rig is about to serve; with the run's seed it decides everything that is left to chance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialKey {
    /// The seed of the run.
    pub seed: u64,
    /// The combination.
    pub combination: CombinationId,
    /// The trial, from 1.
    pub trial: u32,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// Which members a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All of the rig, as before a run.
    Whole,
    /// These alone, named as in [`Finding::member`]: what a trial used and nobody else may use meanwhile.
    Members(&'a [&'a str]),
}

impl Scope<'_> {
    /// Whether the check looks at a member.
    pub fn holds(&self, member: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Members(members) => members.contains(&member),
        }
    }
}

/// What the rig noticed by itself while a trial ran.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Aftermath {
    /// What went wrong with the rig, whatever the steps told: the host slept, the daemon restarted. The trial proves
    /// nothing then.
    pub incidents: Vec<InfrastructureFault>,
    /// What the simulated world remembers of the trial's units, for [`Keeper::remember`]; hardware remembers by itself.
    pub memory: Option<serde_json::Value>,
}

/// An output that is wired to something, for whoever tries it out.
#[derive(Clone)]
pub struct WiredOutput {
    /// What it is wired to, such as `power of kitchen-speaker`.
    pub what: String,
    /// The channel, such as `relay board-1 channel 3`.
    pub member: String,
    /// Its safe position.
    pub safe: SafeState,
    /// Switches it.
    pub switch: Rc<dyn Power>,
}

/// When the firmware of a unit is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookWhen<'a> {
    /// Before the trials and after them: nobody has a link to it.
    Idle,
    /// In a trial, when this unit of the rig has just been paired with it or connected to it.
    Linked {
        /// The one that has the link.
        by: &'a str,
    },
    /// After the trials, for one that nobody was linked to in any of them.
    NeverLinked,
}

/// What a whole rig can do beyond its members.
#[async_trait(?Send)]
pub trait Keeper {
    /// Proves the rig's own chain: every member in `scope` answers and is the one expected. Cancel-safe.
    async fn check(&self, scope: Scope<'_>, deadline: Instant) -> Vec<Finding>;
    /// Reads the firmware of a unit, where the rig's document says how and this is the moment for it. Cancel-safe.
    ///
    /// What the unit, or a program of the lab, does not tell is a look without a finding; a fault is what kept the rig from asking.
    async fn look_at_firmware(
        &self,
        _unit: &str,
        _when: LookWhen<'_>,
        _deadline: Instant,
    ) -> Result<Option<FirmwareLook>, InfrastructureFault> {
        Ok(None)
    }
    /// A trial begins on these units and microphones, which nobody else uses until it has ended.
    fn trial_begins(&self, key: &TrialKey, units: &[&str], microphones: &[&str]);
    /// A step of a trial begins. Faults that are planted there begin with it.
    fn step_begins(&self, _key: &TrialKey, _label: &str) {}
    /// A trial has ended, its cleanup included.
    fn trial_ends(&self, _key: &TrialKey, _units: &[&str]) -> Aftermath {
        Aftermath::default()
    }
    /// Brings the simulated world's units back to where a trial left them that was run before a crash.
    fn remember(&self, _memory: &serde_json::Value) {}
    /// Whether a question stands at the terminal just now, over which nothing should be written.
    fn is_asking(&self) -> bool {
        false
    }
    /// Whether a full disk is planted just now.
    fn disk_is_full(&self) -> bool {
        false
    }
    /// How loud the room is where nothing plays, as the last check of a microphone heard it: RMS in dB relative to full scale, mean taken
    /// out. Nothing of one that was not checked, or hears no noise.
    fn noise_dbfs(&self, _microphone: &str) -> Option<f64> {
        None
    }
    /// Which microphone it is: where it is plugged in and what it says it is. Nothing of one that is not there.
    fn identity(&self, _microphone: &str) -> Option<String> {
        None
    }
    /// The outputs that are wired to something, in the order of the document.
    fn outputs(&self) -> Vec<WiredOutput> {
        Vec::new()
    }
    /// Drives every output to its declared safe state; tries all of them and reports what failed.
    async fn make_safe(&self, deadline: Instant) -> Vec<InfrastructureFault>;
    /// What a person should know before anything is begun, one sentence each.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
    /// Versions and identities for the run's `environment.json`.
    fn environment(&self) -> serde_json::Value;
}

/// A rig that was opened.
pub struct Bench {
    /// Its clock.
    pub clock: Rc<dyn Clock>,
    /// Whether its clock is virtual, so that evidence can be made again from the seed.
    pub simulated: bool,
    /// Its units by name.
    pub units: BTreeMap<String, Unit>,
    /// Its microphones by name.
    pub microphones: BTreeMap<String, Rc<dyn Microphone>>,
    /// Its loudspeakers by name, as far as they were asked for.
    pub loudspeakers: BTreeMap<String, Rc<dyn Loudspeaker>>,
    /// The microphones that hear the units: by unit, nearest first.
    pub heard_by: BTreeMap<String, Vec<(String, Heard)>>,
    /// What is known of calibrated microphones.
    pub calibrated: BTreeMap<String, Calibrated>,
    /// The own responses of microphones, where a maker's file tells.
    pub responses: BTreeMap<String, Arc<Deviation>>,
    /// Microphones that deliver zeros while nothing sounds, so that zeros are no fault of theirs.
    pub digital_silence: BTreeSet<String>,
    /// What it can do as a whole.
    pub keeper: Rc<dyn Keeper>,
}

impl Bench {
    /// How a microphone hears a unit.
    pub fn heard(&self, unit: &str, microphone: &str) -> Option<Heard> {
        self.heard_by.get(unit)?.iter().find(|(name, _)| name == microphone).map(|(_, heard)| *heard)
    }

    /// The microphone that hears a unit best.
    pub fn nearest_microphone(&self, unit: &str) -> Option<&str> {
        self.heard_by.get(unit)?.first().map(|(name, _)| name.as_str())
    }

    /// The microphones of a rig's document that deliver zeros while nothing sounds.
    pub fn digitally_silent(rig: &Rig) -> BTreeSet<String> {
        rig.microphones.iter().filter(|(_, m)| m.hears_zeros()).map(|(name, _)| name.clone()).collect()
    }

    /// The calibrated microphones of a rig's document.
    pub fn calibrations(rig: &Rig) -> BTreeMap<String, Calibrated> {
        rig.microphones.iter().filter_map(|(name, m)| Some((name.clone(), m.calibrated?))).collect()
    }

    /// Who is heard where, of a rig's document.
    pub fn hearing(rig: &Rig) -> BTreeMap<String, Vec<(String, Heard)>> {
        let heard = |unit: &rigtone_model::document::Unit| {
            let mut heard: Vec<(String, Heard)> =
                unit.heard_by.iter().map(|(name, heard)| (name.clone(), *heard)).collect();
            heard.sort_by(|a, b| a.1.distance.metres().total_cmp(&b.1.distance.metres()));
            heard
        };
        rig.units.iter().map(|(name, unit)| (name.clone(), heard(unit))).collect()
    }
}
