//! A dongle: found by its address, powered, with an agent that accepts every pairing.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use rigtone_model::trial::{DeviceFailure, InfrastructureFault};
use serde_json::json;
use tokio::sync::Mutex;

use super::{
    errors::{Call, Meaning, StackError, meaning},
    media::Media,
};
use crate::{
    capability::Address,
    clock::{Clock, Instant},
    hardware::{HostClock, within},
};

/// How long to wait before a busy BlueZ is asked again, and between looks at a state.
pub(super) const MOMENT_NS: i64 = 20_000_000;

/// What asking BlueZ how things stand takes at most.
const GRACE_NS: i64 = 2_000_000_000;

/// A Bluetooth dongle. Connects to BlueZ when it is first used, and anew when bluetoothd was restarted.
pub struct Dongle {
    member: String,
    address: Address,
    clock: HostClock,
    live: Mutex<Option<Rc<Live>>>,
    description: RefCell<Option<serde_json::Value>>,
    openings: Cell<u32>,
}

/// What lasts as long as bluetoothd.
pub(super) struct Live {
    pub(super) adapter: bluer::Adapter,
    pub(super) media: Media,
    daemon: String,
    // Dropping either ends it.
    _agent: bluer::agent::AgentHandle,
    _session: bluer::Session,
}

impl Live {
    pub(super) fn device(&self, target: Address) -> Result<bluer::Device, StackError> {
        Ok(self.adapter.device(bluer::Address(target.0))?)
    }

    /// The path that BlueZ gives a device.
    pub(super) fn path(&self, target: Address) -> String {
        format!("/org/bluez/{}/dev_{}", self.adapter.name(), target.to_string().replace(':', "_"))
    }
}

/// How a call that involves a device went.
pub(super) enum Called<T> {
    /// Fine.
    Done(T),
    /// It was so already.
    Already,
    /// The device failed.
    Failed(DeviceFailure),
    /// No answer before the deadline.
    Late,
}

impl Dongle {
    /// The dongle `name` of that address. Nothing is opened before it is used.
    pub fn new(name: &str, address: Address, clock: HostClock) -> Self {
        let member = format!("dongle {name}");
        Self { member, address, clock, live: Mutex::new(None), description: RefCell::new(None), openings: Cell::new(0) }
    }

    /// The dongle as faults name it.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// What it was when it was last opened, for the run's environment.
    pub fn description(&self) -> Option<serde_json::Value> {
        self.description.borrow().clone()
    }

    /// How often it was opened: once, and again whenever it or bluetoothd had gone meanwhile.
    pub fn openings(&self) -> u32 {
        self.openings.get()
    }

    /// Opens it, if it is not open, and says what it is.
    ///
    /// # Errors
    /// When it is not there, cannot be powered, or bluetoothd does not answer.
    pub async fn check(&self, deadline: Instant) -> Result<String, InfrastructureFault> {
        let live = self.live(deadline).await?;
        let finding = format!("{} is {}, powered", self.address, live.adapter.name());
        Ok(finding)
    }

    pub(super) fn clock(&self) -> HostClock {
        self.clock
    }

    /// Time for what is still to be said when `deadline` may have come.
    pub(super) fn afterwards(&self, deadline: Instant) -> Instant {
        deadline.max(self.clock.now().plus(GRACE_NS))
    }

    pub(super) fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    /// Sleeps a moment, at most until `deadline`.
    pub(super) async fn moment(&self, deadline: Instant) {
        self.clock.sleep_until(self.clock.now().plus(MOMENT_NS).min(deadline)).await;
    }

    /// Calls `call` until BlueZ is not busy, and sorts out what its answer means.
    pub(super) async fn call<T, E: Into<StackError>, F: Future<Output = Result<T, E>>>(
        &self,
        kind: Call,
        doing: &str,
        deadline: Instant,
        mut call: impl FnMut() -> F,
    ) -> Result<Called<T>, InfrastructureFault> {
        loop {
            let Some(answer) = within(self.clock, deadline, call()).await else { return Ok(Called::Late) };
            let error: StackError = match answer {
                Ok(value) => return Ok(Called::Done(value)),
                Err(error) => error.into(),
            };
            match meaning(kind, &error) {
                Meaning::Device(class, note) => {
                    return Ok(Called::Failed(DeviceFailure::new(class, format!("{note}: {error}"))));
                }
                Meaning::Rig(hint) => return Err(self.fault(format!("{doing} failed: {error}")).hint(hint)),
                Meaning::Already => return Ok(Called::Already),
                Meaning::Again if self.clock.now() >= deadline => return Ok(Called::Late),
                Meaning::Again => self.moment(deadline).await,
            }
        }
    }

    /// The same for a call that no device can make fail.
    pub(super) async fn ask<T, E: Into<StackError>, F: Future<Output = Result<T, E>>>(
        &self,
        doing: &str,
        deadline: Instant,
        call: impl FnMut() -> F,
    ) -> Result<Option<T>, InfrastructureFault> {
        match self.call(Call::Rig, doing, deadline, call).await? {
            Called::Done(value) => Ok(Some(value)),
            Called::Already => Ok(None),
            Called::Failed(failure) => Err(self.fault(format!("{doing} failed: {failure}"))),
            Called::Late => Err(self.fault(format!("{doing} was not answered before the deadline"))),
        }
    }

    pub(super) async fn live(&self, deadline: Instant) -> Result<Rc<Live>, InfrastructureFault> {
        let late = || self.fault("BlueZ did not answer before the deadline").hint("restart bluetoothd");
        within(self.clock, deadline, self.connect(deadline)).await.unwrap_or_else(|| Err(late()))
    }

    async fn connect(&self, deadline: Instant) -> Result<Rc<Live>, InfrastructureFault> {
        let mut slot = self.live.lock().await;
        if let Some(live) = &*slot {
            let same_daemon = live.media.daemon().await.is_ok_and(|daemon| daemon == live.daemon);
            let same_adapter = live.adapter.address().await.is_ok_and(|address| address.0 == self.address.0);
            if same_daemon && same_adapter && live.adapter.is_powered().await.unwrap_or(false) {
                return Ok(live.clone());
            }
            // Registrations died with the daemon or the adapter: all of it anew.
            *slot = None;
        }
        let live = Rc::new(self.open(deadline).await?);
        *slot = Some(live.clone());
        Ok(live)
    }

    async fn open(&self, deadline: Instant) -> Result<Live, InfrastructureFault> {
        let broken = |doing: &str, error: StackError| {
            let fault = self.fault(format!("{doing} failed: {error}"));
            match meaning(Call::Rig, &error) {
                Meaning::Rig(hint) => fault.hint(hint),
                Meaning::Again | Meaning::Already | Meaning::Device(..) => fault,
            }
        };
        let session = bluer::Session::new().await.map_err(|e| broken("connecting to BlueZ", e.into()))?;
        let adapter = self.adapter(&session).await?;
        self.ask("powering it", deadline, || adapter.set_powered(true)).await?;
        let agent = bluer::agent::Agent { request_default: true, ..Default::default() };
        let agent = session.register_agent(agent).await.map_err(|e| broken("registering a pairing agent", e.into()))?;
        let media = Media::open(format!("/org/bluez/{}", adapter.name()))
            .await
            .map_err(|e| broken("connecting to BlueZ for media", e))?;
        let daemon = media.daemon().await.map_err(|e| broken("asking for bluetoothd", e))?;
        let link = format!("/sys/class/bluetooth/{}", adapter.name());
        let place = std::fs::canonicalize(link).ok().map(|path| path.display().to_string());
        let description = json!({
            "address": self.address.to_string(),
            "adapter": adapter.name(),
            "place": place,
            "modalias": adapter
                .modalias()
                .await
                .ok()
                .flatten()
                .map(|m| format!("{}:v{:04X}p{:04X}d{:04X}", m.source, m.vendor, m.product, m.device)),
        });
        *self.description.borrow_mut() = Some(description);
        self.openings.set(self.openings.get() + 1);
        Ok(Live { adapter, media, daemon, _agent: agent, _session: session })
    }

    /// By address: `hciN` changes at every plug and boot.
    async fn adapter(&self, session: &bluer::Session) -> Result<bluer::Adapter, InfrastructureFault> {
        let names = session.adapter_names().await.map_err(|e| {
            let error = StackError::from(e);
            self.fault(format!("asking for dongles failed: {error}")).hint("see that bluetoothd runs")
        })?;
        let (mut found, mut others) = (Vec::new(), Vec::new());
        for name in names {
            // One that has just been unplugged answers no more.
            let Ok(adapter) = session.adapter(&name) else { continue };
            let Ok(address) = adapter.address().await else { continue };
            if address.0 == self.address.0 {
                found.push(adapter);
            } else {
                others.push(address.to_string());
            }
        }
        match (found.pop(), found.is_empty()) {
            (Some(adapter), true) => Ok(adapter),
            (Some(_), false) => Err(self
                .fault(format!("several dongles have the address {}", self.address))
                .hint("unplug all but one: copied addresses break paging")),
            (None, _) => Err(self
                .fault(format!("no dongle with the address {}; there are: [{}]", self.address, others.join(", ")))
                .hint("plug it in, or correct the address in the rig file")),
        }
    }
}
