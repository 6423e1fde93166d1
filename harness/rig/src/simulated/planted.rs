//! Planted faults: which are there when, and who meets them.

use std::sync::Arc;

use rigtone_model::{
    document::{Fault, LateRelay, RelayFault, Rig, Trouble},
    quantity::Duration,
};

use crate::{bench::TrialKey, capability::InfrastructureFault, clock::Instant};

/// The faults of a rig and the times at which they are there.
pub(super) struct Planted {
    faults: Vec<Fault>,
    spans: Vec<Span>,
    running: Vec<Running>,
}

/// A time in which a fault is there.
#[derive(Debug, Clone)]
struct Span {
    fault: usize,
    from: Instant,
    until: Option<Instant>,
    /// The trial that it began with and that alone meets it; all do once that trial has ended.
    trial: Option<TrialKey>,
    /// Whether a dongle that it took away has come back.
    over: bool,
}

impl Span {
    fn is_on(&self, now: Instant) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// A trial that runs.
struct Running {
    key: TrialKey,
    began: Instant,
    units: Vec<Arc<str>>,
    uses: Vec<String>,
    jumped_ns: i64,
}

/// Whose eyes see.
#[derive(Clone, Copy)]
pub(super) enum Viewer<'a> {
    /// A trial; none is one too.
    Trial(Option<&'a TrialKey>),
    /// A check of what these trials use.
    Check(&'a [TrialKey]),
}

impl Viewer<'_> {
    fn sees(self, span: &Span) -> bool {
        let Some(trial) = &span.trial else { return true };
        match self {
            Self::Trial(own) => own == Some(trial),
            Self::Check(trials) => trials.contains(trial),
        }
    }
}

/// What a relay board does with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoardTrouble {
    Sticks,
    Late(i64),
    Garbage,
    Nothing,
}

/// What a microphone does to a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MicrophoneTrouble {
    /// From and until when it delivers zeros.
    Dead(Instant, Option<Instant>),
    Clips,
    /// Its own noise in dBFS.
    Noisy(f64),
    LosesSamples,
}

/// What a trial used, in the words of findings; of a relay board the channels too.
pub(super) struct Uses {
    pub(super) units: Vec<Arc<str>>,
    pub(super) members: Vec<String>,
    pub(super) jumped_ns: i64,
}

/// When a trial began, and how far the clock had jumped by then.
pub(super) struct Began {
    pub(super) at: Instant,
    pub(super) jumped_ns: i64,
}

pub(super) fn channel_of(relay: &str, channel: u8) -> String {
    format!("relay {relay} channel {channel}")
}

/// The member that a fault strikes; none for what every trial uses.
fn member(trouble: Trouble<'_>) -> Option<String> {
    let relay = |relay: &str, channel: Option<u8>| match channel {
        Some(channel) => channel_of(relay, channel),
        None => format!("relay {relay}"),
    };
    match trouble {
        Trouble::RelaySticks(RelayFault { relay: name, channel })
        | Trouble::RelayAnswersGarbage(RelayFault { relay: name, channel })
        | Trouble::RelayAnswersNothing(RelayFault { relay: name, channel })
        | Trouble::RelayAnswersLate(LateRelay { relay: name, channel, .. }) => Some(relay(name, *channel)),
        Trouble::DongleGone(f) => Some(format!("dongle {}", f.dongle)),
        Trouble::DaemonRestarts => Some(DAEMON.to_owned()),
        Trouble::MicrophoneDead(f) | Trouble::MicrophoneClips(f) | Trouble::MicrophoneLosesSamples(f) => {
            Some(format!("microphone {}", f.microphone))
        }
        Trouble::MicrophoneNoisy(f) => Some(format!("microphone {}", f.microphone)),
        Trouble::DiskFull | Trouble::ClockJumps(_) => None,
    }
}

/// The daemon that every dongle hangs on.
pub(super) const DAEMON: &str = "daemon bluetoothd";

impl Planted {
    /// The faults of a rig; those of a time of the clock are there from now on.
    pub(super) fn of(rig: &Rig) -> Self {
        let spans = rig.faults.iter().enumerate().filter(|(_, f)| f.moment.is_none()).map(|(fault, f)| {
            let from = Instant(f.from.map_or(0, Duration::ns));
            Span { fault, from, until: f.lasting.map(|d| from.plus(d.ns())), trial: None, over: false }
        });
        Self { spans: spans.collect(), faults: rig.faults.clone(), running: Vec::new() }
    }

    /// Whether there is anything that could go wrong with dongles.
    pub(super) fn has_outages(&self) -> bool {
        self.faults.iter().any(|f| matches!(f.trouble(), Trouble::DongleGone(_) | Trouble::DaemonRestarts))
    }

    pub(super) fn trial_begins(&mut self, key: &TrialKey, now: Instant, uses: Uses) {
        // Whoever has a unit now ends what was said to run on it before.
        self.running.retain(|r| !r.units.iter().any(|unit| uses.units.contains(unit)));
        let Uses { units, members, jumped_ns } = uses;
        self.running.push(Running { key: key.clone(), began: now, units, uses: members, jumped_ns });
        self.begin(key, None, now);
    }

    pub(super) fn step_begins(&mut self, key: &TrialKey, label: &str, now: Instant) {
        self.begin(key, Some(label), now);
    }

    /// Begins the faults of a trial or of a step of it.
    fn begin(&mut self, key: &TrialKey, step: Option<&str>, now: Instant) {
        let Some(running) = self.running.iter().find(|r| r.key == *key) else { return };
        for (index, fault) in self.faults.iter().enumerate() {
            let Some(moment) = &fault.moment else { continue };
            let used = |name: &str| running.uses.iter().any(|used| used == name);
            let begins = moment.step.as_deref() == step
                && moment.is_of(&key.combination, key.trial, key.attempt)
                && moment.unit.as_deref().is_none_or(|unit| running.units.iter().any(|u| **u == *unit))
                && member(fault.trouble()).is_none_or(|name| used(&name));
            let again = || self.spans.iter().any(|s| s.fault == index && s.trial.as_ref() == Some(key) && s.is_on(now));
            if begins && !again() {
                let from = now.plus(fault.after.map_or(0, Duration::ns));
                let until = fault.lasting.map(|d| from.plus(d.ns()));
                self.spans.push(Span { fault: index, from, until, trial: Some(key.clone()), over: false });
            }
        }
    }

    /// Ends a trial: what was to last for it is over, what was to last longer is met by everybody.
    pub(super) fn trial_ends(&mut self, key: &TrialKey, now: Instant) {
        self.running.retain(|r| r.key != *key);
        for span in self.spans.iter_mut().filter(|s| s.trial.as_ref() == Some(key)) {
            span.trial = None;
            span.until.get_or_insert(now);
        }
    }

    /// When a trial that runs began.
    pub(super) fn began(&self, key: &TrialKey) -> Option<Began> {
        let running = self.running.iter().find(|r| r.key == *key)?;
        Some(Began { at: running.began, jumped_ns: running.jumped_ns })
    }

    /// Forgets what is over and what nobody will ask about any more.
    pub(super) fn prune(&mut self, now: Instant) {
        let oldest = self.running.iter().map(|r| r.began).min().unwrap_or(now);
        self.spans.retain(|s| s.until.is_none_or(|until| until >= oldest));
    }

    /// The trials that a check of these members may look into.
    pub(super) fn trials_of(&self, holds: &dyn Fn(&str) -> bool) -> Vec<TrialKey> {
        let looked_into = |r: &&Running| r.units.iter().any(|unit| holds(&format!("unit {unit}")));
        self.running.iter().filter(looked_into).map(|r| r.key.clone()).collect()
    }

    fn visible<'a>(&'a self, viewer: Viewer<'a>) -> impl Iterator<Item = (&'a Span, Trouble<'a>)> {
        let seen = self.spans.iter().filter(move |span| viewer.sees(span));
        seen.map(|span| (span, self.faults[span.fault].trouble()))
    }

    fn on<'a>(&'a self, now: Instant, viewer: Viewer<'a>) -> impl Iterator<Item = Trouble<'a>> {
        self.visible(viewer).filter(move |(span, _)| span.is_on(now)).map(|(_, trouble)| trouble)
    }

    /// What is wrong with a channel of a board, the worst first; with the whole board when none is given.
    pub(super) fn board(
        &self,
        relay: &str,
        channel: Option<u8>,
        now: Instant,
        viewer: Viewer<'_>,
    ) -> Option<BoardTrouble> {
        let is = |name: &str, of: Option<u8>| name == relay && (of.is_none() || of == channel);
        let found = self.on(now, viewer).filter_map(|trouble| match trouble {
            Trouble::RelayAnswersNothing(f) if is(&f.relay, f.channel) => Some((0, BoardTrouble::Nothing)),
            Trouble::RelaySticks(f) if is(&f.relay, f.channel) => Some((1, BoardTrouble::Sticks)),
            Trouble::RelayAnswersGarbage(f) if is(&f.relay, f.channel) => Some((2, BoardTrouble::Garbage)),
            Trouble::RelayAnswersLate(f) if is(&f.relay, f.channel) => Some((3, BoardTrouble::Late(f.by.ns()))),
            _ => None,
        });
        found.min_by_key(|(rank, _)| *rank).map(|(_, trouble)| trouble)
    }

    /// Whether a contact stays where it is.
    pub(super) fn holds_contact(&self, relay: &str, channel: u8, now: Instant, viewer: Viewer<'_>) -> bool {
        let at = Some(channel);
        let is = |f: &RelayFault| f.relay == relay && (f.channel.is_none() || f.channel == at);
        let holds = |t| matches!(t, Trouble::RelaySticks(f) | Trouble::RelayAnswersNothing(f) if is(f));
        self.on(now, viewer).any(holds)
    }

    /// What befell a recording that was made from `from` until `to`.
    pub(super) fn microphone(
        &self,
        name: &str,
        (from, to): (Instant, Instant),
        viewer: Viewer<'_>,
    ) -> Vec<MicrophoneTrouble> {
        let met = |span: &Span| span.from < to && span.until.is_none_or(|until| until > from);
        let befell = self.visible(viewer).filter(|(span, _)| met(span)).filter_map(|(span, trouble)| match trouble {
            Trouble::MicrophoneDead(f) if f.microphone == name => Some(MicrophoneTrouble::Dead(span.from, span.until)),
            Trouble::MicrophoneClips(f) if f.microphone == name => Some(MicrophoneTrouble::Clips),
            Trouble::MicrophoneNoisy(f) if f.microphone == name => Some(MicrophoneTrouble::Noisy(f.noise.db())),
            Trouble::MicrophoneLosesSamples(f) if f.microphone == name => Some(MicrophoneTrouble::LosesSamples),
            _ => None,
        });
        befell.collect()
    }

    pub(super) fn disk_is_full(&self, now: Instant) -> bool {
        // Every trial writes to one disk.
        self.spans.iter().any(|s| s.is_on(now) && matches!(self.faults[s.fault].trouble(), Trouble::DiskFull))
    }

    /// The outage of a dongle or of its daemon that touched the time from `from` until `now`, and when it began.
    pub(super) fn outage(
        &self,
        dongle: &str,
        (from, now): (Instant, Instant),
        viewer: Viewer<'_>,
    ) -> Option<(Instant, InfrastructureFault)> {
        let touches = |span: &Span| span.from <= now && span.until.is_none_or(|until| until > from);
        let found = self
            .visible(viewer)
            .filter(|(span, _)| touches(span))
            .filter_map(|(span, trouble)| Some((span.from, outage_of(dongle, trouble)?)));
        found.min_by_key(|(from, _)| *from)
    }

    /// Why a member is not there now: a dongle or the daemon.
    pub(super) fn absence(&self, member: &str, now: Instant, viewer: Viewer<'_>) -> Option<InfrastructureFault> {
        let dongle = member.strip_prefix("dongle ").unwrap_or_default();
        self.on(now, viewer).filter_map(|trouble| outage_of(dongle, trouble)).find(|fault| fault.member == member)
    }

    /// When the next outage begins.
    pub(super) fn next_outage(&self, dongle: &str, now: Instant, viewer: Viewer<'_>) -> Option<Instant> {
        let next = self.visible(viewer).filter(|(s, trouble)| s.from > now && outage_of(dongle, *trouble).is_some());
        next.map(|(span, _)| span.from).min()
    }

    /// Dongles that came back since this was asked last, in the order in which they did.
    pub(super) fn returned(&mut self, now: Instant) -> Vec<String> {
        let faults = &self.faults;
        let mut back: Vec<(Instant, String)> = Vec::new();
        for span in self.spans.iter_mut().filter(|s| !s.over) {
            if let (Trouble::DongleGone(f), Some(until)) = (faults[span.fault].trouble(), span.until)
                && until <= now
            {
                span.over = true;
                back.push((until, f.dongle.clone()));
            }
        }
        back.sort();
        back.into_iter().map(|(_, dongle)| dongle).collect()
    }

    /// The jumps of the clock that begin with a trial or a step, or at a time: when, and how far. Each is told once.
    pub(super) fn jumps(&mut self) -> Vec<(Instant, i64)> {
        let faults = &self.faults;
        let mut jumps = Vec::new();
        for span in self.spans.iter_mut().filter(|s| !s.over) {
            if let Trouble::ClockJumps(jump) = faults[span.fault].trouble() {
                span.over = true;
                jumps.push((span.from, jump.by.ns()));
            }
        }
        jumps
    }
}

fn outage_of(dongle: &str, trouble: Trouble<'_>) -> Option<InfrastructureFault> {
    match trouble {
        Trouble::DongleGone(f) if f.dongle == dongle => Some(
            InfrastructureFault::new(format!("dongle {dongle}"), "no dongle has its address: it is not on the bus")
                .hint("plug it in again; its name may change, its address does not"),
        ),
        Trouble::DaemonRestarts => Some(
            InfrastructureFault::new(DAEMON, "it does not run, or was started anew meanwhile")
                .hint("see its log for the cause (`journalctl -u bluetooth`)"),
        ),
        _ => None,
    }
}
