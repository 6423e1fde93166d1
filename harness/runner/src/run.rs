//! A run from its plan to its verdicts.

use rigtone_judge::verdicts::{Ending, Rules};
use rigtone_model::{event::Body, plan::Plan, quantity::Duration, verdict::RunVerdicts};
use rigtone_record::{RecordError, RunWriter};
use rigtone_rig::bench::Bench;
use thiserror::Error;

use crate::{
    campaign::Campaign,
    cancel::Cancel,
    emit::{Emitter, Observer},
    past::Past,
    retain::Retention,
};

/// What ended a run before its plan was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interruption {
    /// A signal or a person.
    Asked(String),
    /// The time that was given to it.
    OutOfTime,
}

impl std::fmt::Display for Interruption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asked(who) => f.write_str(who),
            Self::OutOfTime => f.write_str("the time given by --max-time was up"),
        }
    }
}

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The seed of everything that is left to chance.
    pub seed: u64,
    /// The version of Rigtone, for the record.
    pub version: String,
    /// Seconds since 1970, for the record.
    pub unix_s: i64,
    /// End the run after this long on the rig's clock.
    pub max_time: Option<Duration>,
    /// Which evidence is kept.
    pub retention: Retention,
    /// What the run has behind it, when it goes on; nothing for a new one.
    pub past: Past,
}

/// A run that could not be recorded: nothing after that point is a result.
#[derive(Debug, Error)]
pub enum RunError {
    /// The event log could not be written.
    #[error("the run was stopped and the rig left safe because its record cannot be kept")]
    Record(#[from] RecordError),
}

/// Runs a plan on a bench and gives its verdicts.
///
/// Ends early when `cancel` asks; cleanup and safe state are done all the same, and what is known is judged.
///
/// # Errors
/// When the event log cannot be written; the rig is safe by then.
pub async fn run(
    plan: &Plan,
    rules: &Rules,
    bench: &Bench,
    writer: RunWriter,
    observer: Observer,
    cancel: &Cancel,
    options: &Options,
) -> Result<RunVerdicts, RunError> {
    let run_id = writer.run().to_owned();
    let emitter = Emitter::new(writer, observer, options.retention, &options.past, bench.simulated);
    let mut campaign = Campaign::new(plan, rules, bench, &emitter, cancel, options);
    campaign.begin().await;
    campaign.trials().await;
    // Whatever happened: outputs first, words afterwards.
    campaign.make_safe().await;
    campaign.end().await;
    let interruption = cancel.asked();
    let interrupted = interruption.as_ref().map(ToString::to_string);
    let out_of_time = interruption == Some(Interruption::OutOfTime);
    emitter.emit(bench.clock.now(), None, Body::RunFinished { interrupted, out_of_time });
    emitter.sync();
    if let Some(error) = emitter.take_broken() {
        return Err(error.into());
    }
    let interrupted = interruption.map(|why| {
        let ending = if why == Interruption::OutOfTime { Ending::OutOfTime } else { Ending::Interrupted };
        (why.to_string(), ending)
    });
    Ok(campaign.verdicts(&run_id, interrupted))
}
