//! Opening a simulated rig.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use async_trait::async_trait;
use rigtone_model::{
    document::{Control, Device, Output, Rig, Role},
    trial::InfrastructureFault,
};

use super::{
    clock::VirtualClock,
    microphone::SimulatedMicrophone,
    units::SimulatedUnit,
    world::{Shared, World},
};
use crate::{
    bench::{Bench, Finding, Keeper, Scope, TrialKey},
    capability::{Microphone, Unit},
    clock::{Clock, Instant},
};

/// How long the check of a microphone listens.
const LISTEN_NS: i64 = 200_000_000;

/// Opens a simulated rig on `clock`. A simulated unit offers what its device and its wiring could, and no more.
///
/// # Errors
/// When the document of a unit's device is missing or an address cannot be read; `check` finds both before.
pub fn open(
    rig: &Rig,
    devices: &dyn Fn(&str) -> Option<Device>,
    clock: &VirtualClock,
) -> Result<Bench, InfrastructureFault> {
    let fault = |what| InfrastructureFault::new(format!("rig {}", rig.rig), what);
    let world: Shared = Rc::new(RefCell::new(World::of(rig, devices).map_err(fault)?));
    let mut units = BTreeMap::new();
    let mut outputs = Vec::new();
    for (name, document) in &rig.units {
        let device =
            devices(&document.device).ok_or_else(|| fault(format!("no document of device `{}`", document.device)))?;
        let handle = Rc::new(SimulatedUnit { name: name.as_str().into(), world: world.clone(), clock: clock.clone() });
        let controlled = matches!(document.control, Some(Control::Endpoint | Control::Voice | Control::Command));
        let sends = controlled && device.roles.contains(&Role::A2dpSource);
        if let Some(output) = &document.power {
            outputs.push((name.clone(), output.clone()));
        }
        let unit = Unit {
            name: handle.name.clone(),
            address: document.address.parse().map_err(fault)?,
            power: document.power.as_ref().map(|_| handle.clone() as Rc<_>),
            pairing_mode: device.gestures.contains_key("pairing-mode").then(|| handle.clone() as Rc<_>),
            inquiry: controlled.then(|| handle.clone() as Rc<_>),
            pairing: controlled.then(|| handle.clone() as Rc<_>),
            connecting: controlled.then(|| handle.clone() as Rc<_>),
            streaming: sends.then(|| handle.clone() as Rc<_>),
        };
        units.insert(name.clone(), unit);
    }
    let mut microphones: BTreeMap<String, Rc<dyn Microphone>> = BTreeMap::new();
    let mut trials = BTreeMap::new();
    for (name, document) in &rig.microphones {
        let trial = Rc::new(RefCell::new(None));
        trials.insert(name.clone(), trial.clone());
        let microphone = SimulatedMicrophone {
            name: name.clone(),
            room: document.room.clone(),
            noise: rig.rooms.get(&document.room).and_then(|r| r.noise),
            dead: document.simulated.as_ref().is_some_and(|s| s.dead),
            latency_uncertainty: document.latency_uncertainty,
            world: world.clone(),
            clock: clock.clone(),
            trial,
        };
        microphones.insert(name.clone(), Rc::new(microphone));
    }
    let keeper = SimulatedKeeper { world, clock: clock.clone(), microphones: microphones.clone(), trials, outputs };
    Ok(Bench {
        clock: Rc::new(clock.clone()),
        simulated: true,
        units,
        microphones,
        heard_by: Bench::hearing(rig),
        digital_silence: Bench::digitally_silent(rig),
        keeper: Rc::new(keeper),
    })
}

struct SimulatedKeeper {
    world: Shared,
    clock: VirtualClock,
    microphones: BTreeMap<String, Rc<dyn Microphone>>,
    trials: BTreeMap<String, Rc<RefCell<Option<TrialKey>>>>,
    outputs: Vec<(String, Output)>,
}

#[async_trait(?Send)]
impl Keeper for SimulatedKeeper {
    async fn check(&self, scope: Scope<'_>, deadline: Instant) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, microphone) in &self.microphones {
            let member = format!("microphone {name}");
            if !scope.holds(&member) {
                continue;
            }
            let heard = match microphone.start(deadline).await {
                Ok(recording) => {
                    self.clock.sleep_until(self.clock.now().plus(LISTEN_NS)).await;
                    recording.stop(deadline).await
                }
                Err(fault) => Err(fault),
            };
            let (finding, ok) = match heard {
                // Even a silent room has noise; a chain that delivers one value is dead.
                Ok(captured) if captured.samples.windows(2).all(|w| w[0] == w[1]) => {
                    ("delivers one constant value, not even noise; check its cable and its gain".to_owned(), false)
                }
                Ok(captured) => (format!("hears noise at {:.1} dBFS", level_dbfs(&captured.samples)), true),
                Err(fault) => (fault.what, false),
            };
            findings.push(Finding { member, finding, ok });
        }
        findings
    }

    fn trial_begins(&self, key: &TrialKey, units: &[&str], microphones: &[&str]) {
        self.world.borrow_mut().trial_begins(key, units);
        for name in microphones {
            if let Some(trial) = self.trials.get(*name) {
                trial.replace(Some(key.clone()));
            }
        }
    }

    async fn make_safe(&self, _deadline: Instant) -> Vec<InfrastructureFault> {
        use rigtone_model::document::SafeState;
        for (unit, output) in &self.outputs {
            let on = match output.safe {
                SafeState::On => true,
                SafeState::Off => false,
                SafeState::Keep => continue,
            };
            self.world.borrow_mut().supply(unit, on, self.clock.now());
        }
        Vec::new()
    }

    fn environment(&self) -> serde_json::Value {
        serde_json::json!({"world": "simulated"})
    }
}

fn level_dbfs(samples: &[i16]) -> f64 {
    let power: f64 =
        samples.iter().map(|&x| (f64::from(x) / 32768.0).powi(2)).sum::<f64>() / samples.len().max(1) as f64;
    10.0 * power.max(1e-12).log10()
}
