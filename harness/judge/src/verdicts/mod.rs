//! From plans and trial records to verdicts.
//!
//! The runner and `rigtone judge` call the same functions: what is judged during the run is judged again, bit for bit,
//! from its record.

mod causes;
mod doubt;
mod outcome;
mod replay;
mod rules;
mod sound;
mod tallies;
mod tally;
mod test;
mod words;

pub use causes::causes;
pub use doubt::doubt;
pub use outcome::{TrialResult, counted, result};
pub use replay::Replay;
pub use rules::{ExpectationRule, RuleError, Rules, RunPlan, ScenarioRules, design};
pub use tallies::Tallies;
pub use tally::{Ending, Tally};
