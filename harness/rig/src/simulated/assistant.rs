//! Simulated assistants: what they make of what is said to them, and when they wake by themselves.

use std::sync::Arc;

use async_trait::async_trait;
use rigtone_audio::chime::{chime, speech};
use rigtone_model::{
    document::{AnswersOn, Deafened, SimulatedAssistant},
    event::Origin,
    quantity::{Duration, EventRate, Level, Loudness, Share},
};

use super::{
    microphone::RATE,
    units::SimulatedUnit,
    world::{Sound, World},
};
use crate::{
    bench::TrialKey,
    capability::{Asked, InfrastructureFault, Reply, Request},
    clock::{Clock, Instant},
};

/// How long a prompt takes, in seconds.
const PROMPT_S: f64 = 1.0;
/// How long an answer takes, in seconds.
const ANSWER_S: f64 = 3.0;
/// How loud people speak, at the place of the assistant.
const USUAL_DB_SPL: f64 = 65.0;
/// The level of a chime or an answer at one metre over its samples, in dB.
const OWN_LEVEL_DB: f64 = -20.0;
/// The RMS level of speech in its samples, in dB relative to full scale.
const SPEECH_DBFS: f64 = -20.0;
/// What a microphone that is not calibrated is taken to hear as full scale.
const FULL_SCALE_DB_SPL: f64 = 100.0;
const REACTS_AFTER_NS: i64 = 400_000_000;
const ANSWERS_AFTER_NS: i64 = 6_000_000_000;
const USUAL_SLOPE_DB: f64 = 2.0;

/// Something that sounds and is no stimulus: what is said, a chime, an answer.
#[derive(Clone)]
pub(super) struct Utterance {
    /// Its samples at the rate of microphones.
    pub(super) samples: Arc<[f32]>,
    /// The unit whose trial it belongs to.
    pub(super) by: Arc<str>,
    pub(super) begins: Instant,
    /// The microphones that hear it: how much louder than its samples, in dB, and how far off in metres.
    pub(super) heard_by: Vec<(String, f64, f64)>,
    pub(super) trial: Option<TrialKey>,
    /// The unit whose sound it follows from: when that ends, it does not come.
    pub(super) because: Option<Arc<str>>,
}

fn ns(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}

/// The level of a sound over its length, RMS, in dB relative to full scale.
fn level_dbfs(samples: &[f32]) -> f64 {
    let power = samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len().max(1) as f64;
    10.0 * power.max(1e-20).log10()
}

/// What is left of the recognition while something of that level sounds.
fn left(deafened: Deafened, db_spl: f64) -> f64 {
    let slope = deafened.slope.map_or(USUAL_SLOPE_DB, Level::db);
    1.0 / (1.0 + ((db_spl - deafened.half.db_spl()) / slope).exp())
}

impl World {
    fn full_scale(&self, microphone: &str) -> f64 {
        self.full_scale.get(microphone).copied().unwrap_or(FULL_SCALE_DB_SPL)
    }

    /// The sound pressure level of a sound at the place of a unit: that is where its nearest microphone stands.
    fn level_at(&self, name: &str, sound: &Sound) -> Option<f64> {
        let near = |heard: &&(String, rigtone_model::document::Heard)| heard.1.distance.metres();
        let (microphone, _) = self.bodies.get(name)?.heard_by.iter().min_by(|a, b| near(a).total_cmp(&near(b)))?;
        let (_, heard) = sound.heard_by.iter().find(|(other, _)| other == microphone)?;
        let there = sound.path.gain_db - 20.0 * heard.distance.metres().max(0.01).log10();
        Some(self.full_scale(microphone) + there + level_dbfs(sound.stimulus.samples()))
    }

    /// The loudest of what sounds at the place of a unit, its own sounds apart.
    fn loudest_at(&self, name: &str, now: Instant) -> Option<f64> {
        let body = self.bodies.get(name)?;
        let sounds = |sound: &&Sound| {
            let ends = sound.emitted.plus(ns(sound.stimulus.duration_s()));
            let ends = sound.silent_from.map_or(ends, |silent| silent.min(ends));
            *sound.by != *name && sound.trial == body.trial && sound.emitted <= now && now < ends
        };
        let levels = self.sounds.iter().filter(sounds).filter_map(|sound| self.level_at(name, sound));
        levels.max_by(f64::total_cmp)
    }

    /// Lets a unit sound as its own driver does: a chime, an answer.
    fn utter(&mut self, name: &str, samples: &Arc<[f32]>, begins: Instant, trial_of: &str, because: Option<Arc<str>>) {
        let (Some(body), Some(owner)) = (self.bodies.get(name), self.bodies.get(trial_of)) else { return };
        let level = body.nature().level.map_or(OWN_LEVEL_DB, Level::db);
        let heard = |(microphone, heard): &(String, rigtone_model::document::Heard)| {
            let metres = heard.distance.metres().max(0.01);
            (microphone.clone(), level - 20.0 * metres.log10(), metres)
        };
        let heard_by = body.heard_by.iter().map(heard).collect();
        let (by, trial) = (owner.name.clone(), owner.trial.clone());
        self.utterances.push(Utterance { samples: samples.clone(), by, begins, heard_by, trial, because });
    }

    /// Somebody begins to speak to a unit: `db_spl` at its place.
    fn is_spoken_to(&mut self, name: &str, prompt: &str, db_spl: f64, now: Instant) {
        let ends = now.plus(ns(PROMPT_S));
        let said: Arc<[f32]> = speech(RATE, PROMPT_S, 1).into();
        let Some(body) = self.bodies.get(name) else { return };
        // Whoever speaks stands elsewhere; as loud as at the unit it is at the microphone beside it.
        let heard = |(microphone, _): &(String, rigtone_model::document::Heard)| {
            (microphone.clone(), db_spl - self.full_scale(microphone) - SPEECH_DBFS, 0.0)
        };
        let heard_by = body.heard_by.iter().map(heard).collect();
        let (by, trial) = (body.name.clone(), body.trial.clone());
        let nature = body.nature().assistant.clone().unwrap_or_default();
        let awake = body.is_awake(now);
        let playing = self.loudest_at(name, ends);
        self.utterances.push(Utterance { samples: said, by, begins: now, heard_by, trial, because: None });
        let SimulatedAssistant { recognition, deafened, reacts_after, answers, .. } = nature;
        let left = deafened.zip(playing).map_or(1.0, |(deafened, level)| left(deafened, level));
        let recognition = recognition.map_or(1.0, Share::fraction) * left;
        // Drawn also by one that is off: what follows is the same whether it was.
        let understood = self.body(name).chance("recognition") < recognition && awake;
        if !understood {
            return;
        }
        let reacts = ends.plus(reacts_after.map_or(REACTS_AFTER_NS, Duration::ns));
        self.utter(name, &chime(RATE).into(), reacts, name, None);
        let Some(answers) = answers.filter(|answers| answers.to.iter().any(|to| to == prompt)) else { return };
        let begins = reacts.plus(answers.after.map_or(ANSWERS_AFTER_NS, Duration::ns));
        let linked = || {
            let peers = self.bodies.get(name)?.state.links.keys();
            peers.filter_map(|peer| self.name_of(*peer)).next()
        };
        let sounding = match answers.on {
            AnswersOn::Itself => Some(name.into()),
            AnswersOn::LinkedSpeaker => linked(),
        };
        if let Some(sounding) = sounding {
            self.utter(&sounding, &speech(RATE, ANSWER_S, 2).into(), begins, name, None);
        }
    }

    /// A unit begins to sound: assistants of its trial that hear it may wake.
    pub(super) fn may_wake_others(&mut self, sounds: &[Sound]) {
        let Some(first) = sounds.first() else { return };
        let names: Vec<Arc<str>> = self.bodies.keys().cloned().collect();
        for name in names {
            let Some(body) = self.bodies.get(&name).filter(|body| body.trial == first.trial) else { continue };
            let wakes = body.nature().assistant.as_ref().and_then(|assistant| assistant.false_wakes);
            let Some(wakes) = wakes.filter(|_| body.is_awake(first.emitted)) else { continue };
            let level = self.level_at(&name, first);
            let wakes_it = level.is_some_and(|level| wakes.above.is_none_or(|above| level >= above.db_spl()));
            if name == first.by || !wakes_it || wakes.rate.per_hour() <= 0.0 {
                continue;
            }
            let ends = first.emitted.plus(ns(first.stimulus.duration_s()));
            let mut at = first.emitted;
            let wave: Arc<[f32]> = chime(RATE).into();
            loop {
                // Poisson: times between are exponential.
                let hours = -(1.0 - self.body(&name).chance("false wakes")).ln() / EventRate::per_hour(wakes.rate);
                at = at.plus(ns((hours * 3600.0).min(1e6)));
                if at >= ends {
                    break;
                }
                self.utter(&name, &wave, at, &name, Some(first.by.clone()));
            }
        }
    }

    /// What would have followed from the sounds of a unit that ended.
    pub(super) fn calm(&mut self, name: &str, when: Instant) {
        self.utterances.retain(|one| one.because.as_deref() != Some(name) || one.begins <= when);
    }
}

#[async_trait(?Send)]
impl Asked for SimulatedUnit {
    fn origin(&self) -> Origin {
        Origin::Voice
    }

    async fn ask(&self, request: Request<'_>, _deadline: Instant) -> Result<Reply, InfrastructureFault> {
        let Request::Say { prompt, loudness } = request else {
            let what = "only prompts are said to it; the rest it does by itself";
            return Err(InfrastructureFault::new(format!("unit {}", self.name), what));
        };
        let db_spl = loudness.map_or(USUAL_DB_SPL, Loudness::db_spl);
        self.world.borrow_mut().is_spoken_to(&self.name, prompt, db_spl, self.clock.now());
        self.pass(ns(PROMPT_S)).await;
        let asked = format!("{prompt}: spoken at {db_spl} dB SPL at its place");
        Ok(Reply { asked, said: None, outcome: Ok(None), papers: vec![] })
    }

    fn lag_ns(&self) -> i64 {
        ANSWERS_AFTER_NS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::far_below(60.0, 1.0)]
    #[case::at_the_half(80.0, 0.5)]
    #[case::one_slope_above(82.0, 1.0 / (1.0 + std::f64::consts::E))]
    #[case::far_above(100.0, 0.0)]
    fn recognition_falls_with_the_level(#[case] level: f64, #[case] due: f64) {
        let deafened = Deafened { half: "80 dB SPL".parse().expect("a level"), slope: "2 dB".parse().ok() };
        assert!((left(deafened, level) - due).abs() < 1e-3, "{}", left(deafened, level));
    }
}
