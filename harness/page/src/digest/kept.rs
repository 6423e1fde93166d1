//! Trials that are shown one by one: what failed, what cannot be told, what the rig lost, and one that went well beside them.

use rigtone_model::{
    event::{Anchor, At, Body, Event, Listening, TransportChange},
    observation::Observation,
    trial::{FailureClass, TrialRecord},
};
use rigtone_witness::axis::Builder;

use super::tally::{Fate, Said};

/// Trials of a combination that are kept, by how they count.
const FAILED: usize = 4;
/// Of these, so many of one failure class.
const ALIKE: usize = 2;
const OTHERS: usize = 1;
/// Trials of the whole run that are kept.
const MOST: usize = 3000;
/// So many more, each the first of its combination.
const MOST_FIRST: usize = 6000;

/// A file of a trial.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) about: String,
    pub(crate) step: Option<String>,
    pub(crate) anchors: Vec<Anchor>,
    pub(crate) listening: Option<Box<Listening>>,
    /// Why it was taken away.
    pub(crate) removed: Option<String>,
}

/// How a trial that is shown ended. Of one that was broken off there is nothing to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    Failed,
    Untold,
    Lost,
    /// It went well, and stands beside the others.
    Held,
}

impl Ending {
    pub(crate) const fn of(fate: Fate) -> Option<Self> {
        match fate {
            Fate::Failed => Some(Self::Failed),
            Fate::Untold => Some(Self::Untold),
            Fate::Lost => Some(Self::Lost),
            Fate::Held => Some(Self::Held),
            Fate::Cancelled => None,
        }
    }
}

/// A trial that is shown.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) facts: Facts,
    pub(crate) axis: Builder,
}

/// What is known of a trial beside its time axis.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) trial: u32,
    pub(crate) attempt: u32,
    pub(crate) ending: Ending,
    pub(crate) class: Option<FailureClass>,
    pub(crate) words: String,
    pub(crate) began_ns: i64,
    pub(crate) ended_ns: i64,
    pub(crate) files: Vec<File>,
    /// Unit, time on the rig's clock, and whether its supply was on from there.
    pub(crate) supplies: Vec<(String, i64, bool)>,
    /// Unit, time and the state of its transport from there.
    pub(crate) states: Vec<(String, i64, String)>,
    /// When the stimulus left.
    pub(crate) emitted_ns: Vec<(Option<String>, i64)>,
    pub(crate) observations: Vec<Observation>,
}

impl Kept {
    pub(crate) fn new(at: &At, ending: Ending, said: Said, record: TrialRecord, events: &[Event]) -> Self {
        let began_ns = record.began_ns;
        let mut axis = Builder::new(&at.combination, at.trial, at.attempt, began_ns);
        let mut facts = Facts {
            trial: at.trial,
            attempt: at.attempt,
            ending,
            class: said.class,
            words: said.words,
            began_ns,
            ended_ns: events.last().map_or(began_ns, |event| event.t_ns),
            files: Vec::new(),
            supplies: Vec::new(),
            states: Vec::new(),
            emitted_ns: Vec::new(),
            observations: record.observations,
        };
        for event in events {
            axis.take(event);
            facts.look(event);
        }
        Self { facts, axis }
    }
}

impl Facts {
    fn look(&mut self, event: &Event) {
        let step = event.at.as_ref().and_then(|at| at.step.clone());
        match &event.body {
            Body::PowerSwitched { unit, on, edge, .. } => {
                self.supplies.push((unit.clone(), edge.map_or(event.t_ns, |edge| edge.acknowledged_ns), *on));
            }
            Body::TransportChanged { unit, t_ns, change: TransportChange::State(state) } => {
                self.states.push((unit.clone(), *t_ns, state.clone()));
            }
            Body::Emitted { t_ns, .. } => self.emitted_ns.push((step, *t_ns)),
            Body::Evidence { file, sha256, bytes, about, anchors, listening, .. } => self.files.push(File {
                file: file.clone(),
                sha256: sha256.clone(),
                bytes: *bytes,
                about: about.clone(),
                step,
                anchors: anchors.clone(),
                listening: listening.clone(),
                removed: None,
            }),
            Body::EvidenceRemoved { file, why } => self.remove(file, why),
            _ => {}
        }
    }

    pub(crate) fn remove(&mut self, file: &str, why: &str) {
        for removed in self.files.iter_mut().filter(|f| f.file == file) {
            removed.removed = Some(why.to_owned());
        }
    }
}

/// Whether a trial is to be kept beside those that are, of `all` in the whole run.
pub(crate) fn wanted(kept: &[Kept], all: usize, ending: Ending, class: Option<FailureClass>) -> bool {
    let like = kept.iter().filter(|k| k.facts.ending == ending);
    let room = match ending {
        Ending::Failed => like.clone().count() < FAILED && like.filter(|k| k.facts.class == class).count() < ALIKE,
        Ending::Untold | Ending::Lost | Ending::Held => like.count() < OTHERS,
    };
    let most = match ending {
        Ending::Held => MOST / 2,
        _ if kept.is_empty() => MOST_FIRST,
        _ => MOST,
    };
    room && all < most
}
