//! From plans and trial records to verdicts.
//!
//! The runner and `rigtone judge` call the same functions: what is judged during the run is judged again, bit for bit,
//! from its record.

mod beside;
mod causes;
mod doubt;
mod looks;
mod outcome;
mod replay;
mod rules;
mod sound;
mod state;
mod tallies;
mod tally;
mod test;
mod words;

pub use causes::causes;
pub use doubt::doubt;
pub use looks::{Look, Looks};
pub use outcome::{TrialResult, counted, result, results};
pub use replay::Replay;
pub use rules::{ExpectationRule, RuleError, Rules, RunPlan, ScenarioRules, Standing, designs};
pub use tallies::Tallies;
pub use tally::{Ending, Tally};
