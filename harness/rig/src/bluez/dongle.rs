//! A dongle: found by its address and its place, powered, with an agent that accepts every pairing.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use rigtone_model::trial::{DeviceFailure, InfrastructureFault};
use tokio::sync::Mutex;

use super::{
    errors::{Call, Meaning, StackError, meaning},
    identity::{Mismatch, Seen, Wanted, identify},
    media::Media,
    supply::Supply,
    watch::{Loss, Watch},
};
use crate::{
    capability::Address,
    clock::{Clock, Instant},
    hardware::{HostClock, within},
    usb::{Class, Refusal, Sysfs},
};

/// How long to wait before a busy BlueZ is asked again, and between looks at a state.
pub(super) const MOMENT_NS: i64 = 20_000_000;
/// How long a controller may take to do something that takes it milliseconds. The kernel gives it 2 s for each command.
const ANSWER_NS: i64 = 5_000_000_000;
/// How long the kernel and bluetoothd may take to find a dongle that has its supply again.
const RETURN_NS: i64 = 15_000_000_000;
/// How often is looked for it.
const LOOK_NS: i64 = 250_000_000;

/// What asking BlueZ how things stand takes at most.
const GRACE_NS: i64 = 2_000_000_000;

/// bluetoothd, as a member of the rig.
pub const DAEMON: &str = "daemon bluetoothd";

/// A Bluetooth dongle. Connects to BlueZ when it is first used, and anew when it or bluetoothd had gone.
pub struct Dongle {
    member: String,
    wanted: Wanted,
    sysfs: Sysfs,
    clock: HostClock,
    supply: Option<Supply>,
    live: Mutex<Option<Rc<Live>>>,
    /// How often it was lost, and the last time.
    losses: RefCell<(u32, Option<InfrastructureFault>)>,
    /// Whether its supply was cut since it was well.
    cycled: Cell<bool>,
}

/// What lasts as long as bluetoothd and the controller.
pub(super) struct Live {
    pub(super) adapter: bluer::Adapter,
    pub(super) media: Media,
    daemon: String,
    seen: Seen,
    watch: Watch,
    session: bluer::Session,
    // Dropping it ends it.
    _agent: bluer::agent::AgentHandle,
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

/// Why a dongle cannot be used.
struct Trouble {
    fault: InfrastructureFault,
    /// Whether cutting its supply may help: it hangs, or is not there.
    curable: bool,
}

impl Trouble {
    fn curable(fault: InfrastructureFault) -> Self {
        Self { fault, curable: true }
    }
}

impl From<InfrastructureFault> for Trouble {
    fn from(fault: InfrastructureFault) -> Self {
        Self { fault, curable: false }
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
    /// The dongle `name`. Nothing is opened before it is used. Without a `supply` nothing is tried when it hangs.
    pub fn new(name: &str, wanted: Wanted, supply: Option<Supply>, sysfs: Sysfs, clock: HostClock) -> Self {
        Self {
            member: format!("dongle {name}"),
            wanted,
            sysfs,
            clock,
            supply,
            live: Mutex::new(None),
            losses: RefCell::default(),
            cycled: Cell::new(false),
        }
    }

    /// The dongle as faults name it.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.wanted.address
    }

    /// Its supply, if that can be cut.
    pub fn supply(&self) -> Option<&Supply> {
        self.supply.as_ref()
    }

    /// How often it, bluetoothd or the system bus went away while it was open, and what it was the last time.
    pub fn losses(&self) -> (u32, Option<InfrastructureFault>) {
        let (count, last) = self.losses.borrow().clone();
        let unnoticed = self.live.try_lock().ok().and_then(|live| live.as_ref().and_then(|live| live.watch.loss()));
        match unnoticed {
            Some(loss) => (count + 1, Some(self.lost(loss))),
            None => (count, last),
        }
    }

    /// Proves it: it is there, alone with its address, at its place, powered, and does what it is told. One that hangs
    /// or is not there has its supply cut, where the rig's document says how: once, until it is well again.
    ///
    /// # Errors
    /// When it is not well.
    pub async fn check(&self, share: Instant, deadline: Instant) -> Result<String, InfrastructureFault> {
        let trouble = match self.prove(share).await {
            Ok(finding) => {
                self.cycled.set(false);
                return Ok(finding);
            }
            Err(trouble) => trouble,
        };
        match &self.supply {
            Some(supply) if trouble.curable && !self.cycled.get() => {
                self.bring_back(supply, trouble.fault, deadline).await
            }
            Some(_) if trouble.curable => {
                let what = format!("{}; cutting its supply did not help", trouble.fault.what);
                Err(InfrastructureFault { what, ..trouble.fault })
            }
            _ => Err(trouble.fault),
        }
    }

    async fn bring_back(
        &self,
        supply: &Supply,
        fault: InfrastructureFault,
        deadline: Instant,
    ) -> Result<String, InfrastructureFault> {
        let InfrastructureFault { what: hung, hint, .. } = &fault;
        self.close(fault.clone()).await;
        let done = supply.cycle(&self.member, self.clock, deadline).await.map_err(|failed| {
            let what = format!("{hung}; {}", failed.what);
            InfrastructureFault { what, ..failed }
        })?;
        self.cycled.set(true);
        let end = self.clock.now().plus(RETURN_NS).min(deadline);
        loop {
            self.clock.sleep_until(self.clock.now().plus(LOOK_NS).min(end)).await;
            match self.prove(self.clock.now().plus(ANSWER_NS).min(end)).await {
                Ok(finding) => {
                    self.cycled.set(false);
                    return Ok(format!("{hung}; {done}; {finding}"));
                }
                // Another dongle in its place: no waiting helps.
                Err(trouble) if !trouble.curable && trouble.fault.member == self.member => {
                    let what = format!("{hung}; {done}; then: {}", trouble.fault.what);
                    return Err(InfrastructureFault { what, ..trouble.fault });
                }
                Err(trouble) if self.clock.now() >= end => {
                    let what = format!("{hung}; {done}; then: {}", trouble.fault.what);
                    let hint = hint.clone();
                    return Err(InfrastructureFault { member: self.member.clone(), what, hint });
                }
                Err(_) => {}
            }
        }
    }

    async fn prove(&self, deadline: Instant) -> Result<String, Trouble> {
        let live = self.reach(deadline).await?;
        // There may be one more with its address since it was opened.
        within(self.clock, deadline, self.find(&live.session)).await.unwrap_or_else(|| Err(self.late()))?;
        self.exercise(&live, deadline).await?;
        let place = live.seen.place.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        Ok(format!("{} is {} at {place}, powered, and does what it is told", self.wanted.address, live.seen.name))
    }

    /// Has the controller do something and undo it. All else bluetoothd answers by itself, whatever became of the
    /// controller; this sends it commands and waits for their ends. Others could find it for a moment.
    async fn exercise(&self, live: &Live, deadline: Instant) -> Result<(), Trouble> {
        let deadline = self.clock.now().plus(ANSWER_NS).min(deadline);
        let hangs = |fault: InfrastructureFault| {
            let what = format!("{} does not do what it is told: {}", live.seen.name, fault.what);
            Trouble::curable(InfrastructureFault::new(&self.member, what).hint("unplug it and plug it in again"))
        };
        let adapter = &live.adapter;
        let work = async {
            let discoverable =
                self.ask("reading whether it can be found", deadline, || adapter.is_discoverable()).await?;
            for value in [discoverable != Some(true), discoverable == Some(true)] {
                let set = || adapter.set_discoverable(value);
                self.ask("changing whether it can be found", deadline, set).await?;
            }
            Ok(())
        };
        let done = tokio::select! {
            biased;
            loss = live.watch.lost() => return Err(Trouble::from(self.lost(loss))),
            done = work => done,
        };
        done.map_err(hangs)
    }

    /// Does something with it, unless it or bluetoothd goes away meanwhile: then nothing is known of the device.
    pub(super) async fn unless_lost<T>(
        &self,
        live: &Live,
        work: impl Future<Output = Result<T, InfrastructureFault>>,
    ) -> Result<T, InfrastructureFault> {
        tokio::select! {
            biased;
            loss = live.watch.lost() => Err(self.lost(loss)),
            done = work => done,
        }
    }

    fn lost(&self, loss: Loss) -> InfrastructureFault {
        let while_used = format!("while {} was in use", self.member);
        match loss {
            Loss::Daemon => InfrastructureFault::new(DAEMON, format!("it ended or was restarted {while_used}"))
                .hint("see the system log of that time (`journalctl -u bluetooth`)"),
            Loss::Bus => InfrastructureFault::new(DAEMON, format!("the system bus ended {while_used}"))
                .hint("see that the system bus runs (`systemctl status dbus`)"),
            Loss::Adapter => self
                .fault("it went away while it was in use: unplugged, or given up by the kernel")
                .hint("see its plug and hub, and the kernel's log of that time"),
        }
    }

    /// Forgets what is open, and why.
    async fn close(&self, why: InfrastructureFault) {
        let mut slot = self.live.lock().await;
        self.forget(&mut slot, why);
    }

    fn forget(&self, slot: &mut Option<Rc<Live>>, why: InfrastructureFault) {
        if slot.take().is_some() {
            let mut losses = self.losses.borrow_mut();
            *losses = (losses.0 + 1, Some(why));
        }
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

    /// It, opened and verified.
    pub(super) async fn live(&self, deadline: Instant) -> Result<Rc<Live>, InfrastructureFault> {
        self.reach(deadline).await.map_err(|trouble| trouble.fault)
    }

    async fn reach(&self, deadline: Instant) -> Result<Rc<Live>, Trouble> {
        within(self.clock, deadline, self.connect(deadline)).await.unwrap_or_else(|| Err(self.late()))
    }

    fn late(&self) -> Trouble {
        let what = format!("it did not answer before the deadline, asked for {}", self.member);
        InfrastructureFault::new(DAEMON, what).hint("restart bluetoothd").into()
    }

    async fn connect(&self, deadline: Instant) -> Result<Rc<Live>, Trouble> {
        let mut slot = self.live.lock().await;
        if let Some(live) = slot.clone() {
            match self.still(&live).await {
                None => return Ok(live),
                // Registrations died with the daemon or the adapter: all of it anew.
                Some(why) => self.forget(&mut slot, why),
            }
        }
        let live = Rc::new(self.open(deadline).await?);
        *slot = Some(live.clone());
        Ok(live)
    }

    /// Why what was opened is it no more.
    async fn still(&self, live: &Live) -> Option<InfrastructureFault> {
        if let Some(loss) = live.watch.loss() {
            return Some(self.lost(loss));
        }
        match live.media.daemon().await {
            Ok(daemon) if daemon == live.daemon => {}
            Ok(_) => return Some(self.lost(Loss::Daemon)),
            Err(_) => return Some(self.lost(Loss::Bus)),
        }
        match live.adapter.address().await {
            Ok(address) if address.0 == self.wanted.address.0 => {}
            _ => return Some(self.lost(Loss::Adapter)),
        }
        if self.place_of(&live.seen.name) != live.seen.place {
            return Some(self.fault("it is plugged in elsewhere than before"));
        }
        let powered = live.adapter.is_powered().await.unwrap_or(false);
        (!powered).then(|| self.fault("something turned its power off").hint("end what else manages Bluetooth here"))
    }

    fn place_of(&self, name: &str) -> Result<crate::usb::Place, crate::usb::PlaceError> {
        let number = name.strip_prefix("hci").and_then(|number| number.parse().ok());
        match number {
            Some(number) => self.sysfs.place(Class::Bluetooth, number),
            None => Err(crate::usb::PlaceError::Missing(name.into())),
        }
    }

    async fn open(&self, deadline: Instant) -> Result<Live, Trouble> {
        let broken = |doing: &str, error: StackError| {
            let member = if doing.starts_with("connecting") { DAEMON } else { &self.member };
            let fault = InfrastructureFault::new(member, format!("{doing} failed: {error}"));
            Trouble::from(match meaning(Call::Rig, &error) {
                Meaning::Rig(hint) => fault.hint(hint),
                Meaning::Again | Meaning::Already | Meaning::Device(..) => fault,
            })
        };
        let session = bluer::Session::new().await.map_err(|e| broken("connecting to BlueZ", e.into()))?;
        let (adapter, seen) = self.find(&session).await?;
        let media = Media::open(format!("/org/bluez/{}", adapter.name()), self.clock)
            .await
            .map_err(|e| broken("connecting to BlueZ for media", e))?;
        let watch = media.watch().await.map_err(|e| broken("watching bluetoothd", e))?;
        let daemon = media.daemon().await.map_err(|e| broken("asking for bluetoothd", e))?;
        self.power(&adapter, deadline).await?;
        let agent = bluer::agent::Agent { request_default: true, ..Default::default() };
        let agent = session.register_agent(agent).await.map_err(|e| broken("registering a pairing agent", e.into()))?;
        let live = Live { adapter, media, daemon, seen, watch, _agent: agent, session };
        // What happened between finding and watching it.
        match self.still(&live).await {
            Some(fault) => Err(fault.into()),
            None => Ok(live),
        }
    }

    async fn power(&self, adapter: &bluer::Adapter, deadline: Instant) -> Result<(), Trouble> {
        let number = adapter.name().strip_prefix("hci").and_then(|number| number.parse().ok());
        let blocked = || {
            let block = number.and_then(|number| self.sysfs.block(number))?;
            let what = format!("{} cannot be powered: it is {block}", adapter.name());
            Some(Trouble::from(self.fault(what).hint(block.hint())))
        };
        if let Some(blocked) = blocked() {
            return Err(blocked);
        }
        let deadline = self.clock.now().plus(ANSWER_NS).min(deadline);
        let powered = self.ask("powering it", deadline, || adapter.set_powered(true)).await;
        powered.map(drop).map_err(|fault| {
            let fault = if fault.hint.is_none() { fault.hint("unplug it and plug it in again") } else { fault };
            blocked().unwrap_or_else(|| Trouble::curable(fault))
        })
    }

    /// By address and place: `hciN` changes at every plug and boot.
    async fn find(&self, session: &bluer::Session) -> Result<(bluer::Adapter, Seen), Trouble> {
        let names = session.adapter_names().await.map_err(|e| {
            let error = StackError::from(e);
            let hint = match meaning(Call::Rig, &error) {
                Meaning::Rig(hint) => hint,
                Meaning::Again | Meaning::Already | Meaning::Device(..) => "see that bluetoothd runs",
            };
            InfrastructureFault::new(DAEMON, format!("asking it for dongles failed: {error}")).hint(hint)
        })?;
        let mut there = Vec::new();
        for name in names {
            // One that has just been unplugged answers no more.
            let Ok(adapter) = session.adapter(&name) else { continue };
            let Ok(address) = adapter.address().await else { continue };
            there.push(Seen { place: self.place_of(&name), name, address: Address(address.0) });
        }
        let refused = |refusal: Refusal| self.fault(refusal.what).hint(refusal.hint);
        let seen = identify(&self.wanted, &there).map_err(|mismatch| match mismatch {
            Mismatch::Missing(refusal) => Trouble::curable(refused(refusal)),
            Mismatch::Wrong(refusal) => refused(refusal).into(),
        })?;
        let adapter = session.adapter(&seen.name).map_err(|e| self.fault(StackError::from(e).to_string()))?;
        Ok((adapter, seen.clone()))
    }
}

/// What there is to say of bluetoothd.
///
/// # Errors
/// When it, or the system bus, does not run or does not answer.
pub async fn daemon(clock: HostClock, deadline: Instant) -> Result<String, InfrastructureFault> {
    let fault = |what: String, hint: &str| InfrastructureFault::new(DAEMON, what).hint(hint);
    let work = async {
        let connection = zbus::Connection::system().await.map_err(|e| (true, e))?;
        zbus::fdo::ObjectManagerProxy::new(&connection, "org.bluez", "/")
            .await
            .map_err(|e| (false, e))?
            .get_managed_objects()
            .await
            .map_err(|e| (false, e.into()))?;
        Ok(())
    };
    match within(clock, deadline, work).await {
        Some(Ok(())) => Ok(match super::version() {
            Some(version) => format!("BlueZ {version} runs"),
            None => "it runs".to_owned(),
        }),
        Some(Err((true, error))) => {
            let what = format!("the system bus cannot be reached: {error}");
            Err(fault(what, "see that the system bus runs (`systemctl status dbus`)"))
        }
        Some(Err((false, error))) => {
            let what = format!("it does not run: {}", StackError::from(error));
            Err(fault(what, "see the system log (`journalctl -u bluetooth`) and start it"))
        }
        None => Err(fault("it did not answer before the deadline".to_owned(), "restart bluetoothd")),
    }
}
