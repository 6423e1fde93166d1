//! Opening what others do for a unit: a person at the terminal, a voice assistant, a phone.

use std::{collections::BTreeMap, rc::Rc};

use async_trait::async_trait;
use rigtone_model::{
    document::{self, ByHand, Control, Device, PAIRING_MODE, Rig, Unit as UnitDocument, Verify, Way},
    trial::InfrastructureFault,
};

use super::{
    HostClock,
    members::Members,
    open::{OpenError, Selection, document},
};
use crate::{
    bench::{Finding, Scope},
    capability::{Asked, Gestures, Pressed, Unit},
    clock::{Clock, Instant},
    lock::Resource,
    playback::Loudspeaker,
    sources::{Android, Directory, OPERATOR, Operator, SYNTHESISER, Speech, Terminal, Voice, at_distance},
    usb::Sysfs,
};

/// How long one of them is waited for in a check, in nanoseconds.
const SHARE_NS: i64 = 8_000_000_000;

/// Those who are asked on a rig, and what speaks to them.
#[derive(Default)]
pub(super) struct Others {
    terminal: Option<Rc<Terminal>>,
    directory: Option<Rc<Directory>>,
    loudspeakers: BTreeMap<String, Rc<dyn Loudspeaker>>,
    /// What synthesises prompts, where one has to be.
    speech: Option<Speech>,
    /// By unit.
    phones: BTreeMap<String, Rc<Android>>,
}

/// The gestures of a unit that a person brings into pairing mode: all others are pressed.
struct ButPairingMode(Rc<dyn Gestures>);

#[async_trait(?Send)]
impl Gestures for ButPairingMode {
    fn lasts_ns(&self, gesture: &str) -> Option<i64> {
        self.0.lasts_ns(gesture).filter(|_| gesture != PAIRING_MODE)
    }

    async fn perform(&self, gesture: &str, deadline: Instant) -> Result<Vec<Pressed>, InfrastructureFault> {
        self.0.perform(gesture, deadline).await
    }

    fn is_alive(&self) {
        self.0.is_alive();
    }
}

/// The loudspeaker of a unit that is spoken to.
fn loudspeaker_of<'a>(rig: &'a Rig, unit: &'a UnitDocument) -> Option<(&'a str, &'a document::Loudspeaker)> {
    let name = &unit.spoken_to.as_ref().filter(|_| unit.control == Some(Control::Voice))?.loudspeaker;
    Some((name, rig.loudspeakers.get(name)?))
}

/// The devices of the host that are behind them.
pub(super) fn resources(rig: &Rig, wanted: &Selection) -> Vec<Resource> {
    let units = wanted.units.iter().filter_map(|name| Some((name, rig.units.get(name)?)));
    let of_units = units.clone().filter_map(|(_, unit)| loudspeaker_of(rig, unit));
    let by_name = wanted.loudspeakers.iter().filter_map(|name| Some((name.as_str(), rig.loudspeakers.get(name)?)));
    let loudspeakers: BTreeMap<&str, &document::Loudspeaker> = of_units.chain(by_name).collect();
    let mut resources = Vec::new();
    for (name, loudspeaker) in loudspeakers {
        let alsa = loudspeaker.alsa.place();
        // A card that is not there now is nobody else's either.
        let device = Sysfs::host().pcm(&alsa).map_or_else(|_| alsa.named(), |pcm| pcm.name);
        resources.push(Resource::loudspeaker(name, &device));
    }
    for (name, unit) in units {
        if let (Some(Control::Android), Some(phone)) = (unit.control, &unit.android) {
            resources.push(Resource::phone(name, &phone.serial));
        }
    }
    resources
}

impl Others {
    /// The terminal, opened when somebody is needed at it.
    fn terminal(&mut self, clock: HostClock) -> Result<Rc<Terminal>, OpenError> {
        if let Some(terminal) = &self.terminal {
            return Ok(terminal.clone());
        }
        Ok(self.terminal.insert(Rc::new(Terminal::of_stdin(clock)?)).clone())
    }

    /// Whether a question stands at the terminal now.
    pub(super) fn is_asking(&self) -> bool {
        self.terminal.as_ref().is_some_and(|terminal| terminal.is_asking())
    }

    /// What a person reads who is asked for the firmware of a unit; else why nothing was read.
    pub(super) async fn read_firmware(&self, unit: &str, at: &str, deadline: Instant) -> Result<String, String> {
        let terminal = self.terminal.as_ref().ok_or_else(|| "there is no terminal".to_owned())?;
        let title = format!("read the firmware of `{unit}`");
        terminal.read(&title, &[format!("Look at {at}.")], deadline).await.map_err(|fault| fault.what)
    }

    /// What is known of those whom a check looks at. Nobody is asked, and nothing sounds.
    pub(super) async fn check(&self, scope: Scope<'_>, clock: HostClock, deadline: Instant) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut found = |member: String, found: Result<String, String>| {
            let (ok, finding) = (found.is_ok(), found.unwrap_or_else(|e| e));
            findings.push(Finding { member, finding, ok });
        };
        // Who is not looked at in time is not told of: nothing is known of it.
        let share = || {
            let now = clock.now();
            (now < deadline).then(|| now.plus(SHARE_NS).min(deadline))
        };
        if let Some(terminal) = self.terminal.as_ref().filter(|_| scope.holds(OPERATOR)) {
            let there = terminal.check().map(|()| "a terminal is there; who sits at it is not known".to_owned());
            found(OPERATOR.to_owned(), there.map_err(|e| format!("the terminal is gone: {e}")));
        }
        for (name, loudspeaker) in &self.loudspeakers {
            let member = format!("loudspeaker {name}");
            let Some(share) = share().filter(|_| scope.holds(&member)) else { continue };
            found(member, loudspeaker.check(share).await.map_err(|fault| fault.what));
        }
        let member = format!("synthesiser {SYNTHESISER}");
        if let (Some(speech), true, Some(share)) = (&self.speech, scope.holds(&member), share()) {
            found(member, speech.check(share).await);
        }
        for (name, phone) in &self.phones {
            let member = format!("unit {name}");
            let Some(share) = share().filter(|_| scope.holds(&member)) else { continue };
            found(member, phone.check(share).await.map_err(|fault| fault.what));
        }
        findings
    }
}

#[cfg(feature = "alsa")]
#[expect(clippy::unnecessary_wraps, reason = "without its driver it cannot be opened")]
fn open_loudspeaker(
    name: &str,
    document: &document::Loudspeaker,
    clock: HostClock,
) -> Result<Rc<dyn Loudspeaker>, OpenError> {
    Ok(Rc::new(crate::playback::AlsaLoudspeaker::new(name, document.clone(), Sysfs::host(), clock)))
}

#[cfg(not(feature = "alsa"))]
fn open_loudspeaker(name: &str, _: &document::Loudspeaker, _: HostClock) -> Result<Rc<dyn Loudspeaker>, OpenError> {
    Err(OpenError::NotBuilt { member: format!("loudspeaker {name}"), feature: "alsa" })
}

impl Members {
    /// Adds to a unit those who are asked for what it does, as its document says.
    pub(super) fn open_asked(
        &mut self,
        document: &UnitDocument,
        device: &Device,
        rig: &Rig,
        devices: &dyn Fn(&str) -> Option<Device>,
        clock: HostClock,
        unit: &mut Unit,
    ) -> Result<(), OpenError> {
        let others = self.others.directory.get_or_insert_with(|| Rc::new(Directory::of(rig, devices))).clone();
        if matches!(document.verify.as_ref().and_then(Verify::way), Some(Way::Operator(_))) {
            self.others.terminal(clock)?;
        }
        if !document.by_hand.is_empty() || document.control == Some(Control::Operator) {
            self.open_operator(document, device, others.clone(), clock, unit)?;
        }
        match document.control {
            Some(Control::Voice) => self.open_voice(document, device, rig, others, clock, unit),
            Some(Control::Android) => self.open_phone(document, others, clock, unit),
            _ => Ok(()),
        }
    }

    /// A loudspeaker of the rig, which is opened once.
    pub(super) fn loudspeaker(
        &mut self,
        name: &str,
        document: &document::Loudspeaker,
        clock: HostClock,
    ) -> Result<Rc<dyn Loudspeaker>, OpenError> {
        if let Some(opened) = self.others.loudspeakers.get(name) {
            return Ok(opened.clone());
        }
        let opened = open_loudspeaker(name, document, clock)?;
        self.others.loudspeakers.insert(name.to_owned(), opened.clone());
        Ok(opened)
    }

    fn open_operator(
        &mut self,
        document: &UnitDocument,
        device: &Device,
        others: Rc<Directory>,
        clock: HostClock,
        unit: &mut Unit,
    ) -> Result<(), OpenError> {
        let terminal = self.others.terminal(clock)?;
        let person: Rc<dyn Asked> = Rc::new(Operator::new(terminal, &unit.name, device, others));
        if document.by_hand.contains(&ByHand::PairingMode) {
            // What the document gives to a person is not done by itself.
            unit.pairing_mode = None;
            let pressed = unit.gestures.take();
            unit.gestures = pressed.map(|pressed| Rc::new(ButPairingMode(pressed)) as Rc<dyn Gestures>);
        }
        unit.by_hand = (!document.by_hand.is_empty()).then(|| person.clone());
        unit.asked = (document.control == Some(Control::Operator)).then_some(person);
        Ok(())
    }

    fn open_voice(
        &mut self,
        unit_document: &UnitDocument,
        device: &Device,
        rig: &Rig,
        others: Rc<Directory>,
        clock: HostClock,
        unit: &mut Unit,
    ) -> Result<(), OpenError> {
        let missing = || {
            document(format!("unit {}", unit.name), "`control: voice` needs a loudspeaker of the rig in `spoken-to`")
        };
        let (name, loudspeaker) = loudspeaker_of(rig, unit_document).ok_or_else(missing)?;
        let distance = unit_document.spoken_to.as_ref().map(|to| to.distance);
        let at_unit = loudspeaker.calibrated.zip(distance).map(|(known, far)| at_distance(known.at_one_metre, far));
        let loudspeaker = self.loudspeaker(name, loudspeaker, clock)?;
        let speech = Speech::of_host(clock);
        if device.prompts.values().any(|prompt| prompt.wav.is_none()) {
            self.others.speech = Some(speech.clone());
        }
        let voice = Rc::new(Voice::new(&unit.name, device, loudspeaker, speech, others).known_to_be(at_unit));
        unit.spoken_to = Some(voice.clone());
        unit.asked = Some(voice);
        Ok(())
    }

    fn open_phone(
        &mut self,
        unit_document: &UnitDocument,
        others: Rc<Directory>,
        clock: HostClock,
        unit: &mut Unit,
    ) -> Result<(), OpenError> {
        let missing =
            || document(format!("unit {}", unit.name), "`control: android` needs the serial number of a phone");
        let phone = unit_document.android.as_ref().ok_or_else(missing)?;
        let phone = Rc::new(Android::new(&unit.name, &phone.serial, others, clock));
        self.others.phones.insert(unit.name.to_string(), phone.clone());
        unit.asked = Some(phone);
        Ok(())
    }
}
