//! A program of the lab as a relay board.

use std::{num::NonZeroU8, sync::atomic::AtomicBool, time::Duration};

use rigtone_model::{document::SwitchProgram, trial::InfrastructureFault};
use serde_json::{Map, Value, json};

use super::process::{Outcome, Program, Setup};
use crate::{
    clock::Clock,
    hardware::HostClock,
    power::{Line, word},
};

/// How long it may take until it has said what it can.
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// The conversation with a program that switches.
pub(crate) struct Switch {
    member: String,
    program: Program,
    within_ns: i64,
    clock: HostClock,
}

impl Switch {
    pub(crate) fn new(member: &str, document: &SwitchProgram, channels: u8) -> Self {
        let clock = HostClock::start();
        let name = member.strip_prefix("relay ").unwrap_or(member);
        let setup = Setup {
            member: member.to_owned(),
            program: document.program.clone(),
            of: json!({"relay": name, "channels": channels}),
            can: vec!["switch".to_owned()],
            starts_within: STARTS_WITHIN,
        };
        let within_ns = document.within.ns();
        Self { member: member.to_owned(), program: Program::new(setup, clock), within_ns, clock }
    }

    fn can(&mut self, ability: &str) -> Result<bool, InfrastructureFault> {
        Ok(self.program.start()?.iter().any(|can| can == ability))
    }

    fn ask(&mut self, doing: &str, what: &str, with: &Value) -> Result<Map<String, Value>, InfrastructureFault> {
        let deadline = self.clock.now().plus(self.within_ns);
        let Outcome { ended, .. } = self.program.ask(what, with, deadline, &AtomicBool::new(false))?;
        ended.map_err(|failure| {
            // It is no device under test: what it does not do is the rig's fault.
            let what = format!("{doing}: its program says that it failed: {}", failure.detail);
            InfrastructureFault::new(&self.member, what).hint("see what it wrote, and its documentation")
        })
    }

    /// The position in an answer, if it has one.
    fn position_in(&self, answer: &Map<String, Value>) -> Result<Option<bool>, InfrastructureFault> {
        match answer.get("on") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(*on)),
            Some(_) => {
                let what = "its program says a position that is neither true nor false";
                Err(InfrastructureFault::new(&self.member, what).hint("correct the program: see docs/command.md"))
            }
        }
    }
}

impl Line for Switch {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        self.program.start().map(drop)
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        let doing = format!("switching channel {channel} {}", word(on));
        let answer = self.ask(&doing, "switch", &json!({"channel": channel, "on": on}))?;
        self.position_in(&answer)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        if !self.can("position")? {
            return Ok(None);
        }
        let answer = self.ask(&format!("asking for channel {channel}"), "position", &json!({"channel": channel}))?;
        self.position_in(&answer)
    }

    fn pulse(&mut self, channel: NonZeroU8, held: Duration) -> Result<bool, InfrastructureFault> {
        let ms = u64::try_from(held.as_millis()).ok().filter(|&ms| Duration::from_millis(ms) == held);
        let (Some(ms), true) = (ms, self.can("pulse")?) else { return Ok(false) };
        let with = json!({"channel": channel, "held_ms": ms});
        let answer = self.ask(&format!("holding channel {channel}"), "pulse", &with)?;
        match answer.get("begun") {
            Some(Value::Bool(begun)) => Ok(*begun),
            _ => {
                let what = "its program does not say whether a pulse has begun";
                Err(InfrastructureFault::new(&self.member, what).hint("correct the program: see docs/command.md"))
            }
        }
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.program.start().map(drop)
    }

    fn spacing(&self) -> Duration {
        Duration::ZERO
    }

    fn keeps(&self) -> Option<&'static str> {
        Some("whatever its program switches stays as it is when the program ends")
    }
}
