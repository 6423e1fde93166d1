//! One phone through `adb`: each call with a deadline, and each way to fail with what to do.

use std::{ffi::OsString, path::PathBuf};

use rigtone_model::trial::InfrastructureFault;

use crate::program::once::{ProgramError, run};
use crate::{clock::Instant, hardware::HostClock};

/// No answer that is wanted is longer, in bytes.
const LONGEST: u64 = 8 << 20;

/// The phone of one serial number, and no other.
#[derive(Debug, Clone)]
pub(super) struct Adb {
    program: PathBuf,
    serial: String,
    member: String,
    clock: HostClock,
}

impl Adb {
    pub(super) fn new(program: PathBuf, unit: &str, serial: &str, clock: HostClock) -> Self {
        Self { program, serial: serial.to_owned(), member: format!("unit {unit}"), clock }
    }

    pub(super) fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    /// Whether the phone is there and lets itself be told what to do.
    pub(super) async fn ready(&self, deadline: Instant) -> Result<(), InfrastructureFault> {
        let listed = self.call(&["devices"], deadline).await?;
        let serial = &self.serial;
        let phones: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
        let states: Vec<&str> = phones.iter().filter(|(found, _)| found == serial).map(|(_, state)| *state).collect();
        match states.as_slice() {
            [] => {
                let others: Vec<&str> = phones.iter().map(|(found, _)| *found).collect();
                let others =
                    if others.is_empty() { "no other either".to_owned() } else { format!("but {}", others.join(", ")) };
                Err(self.fault(format!("adb sees no phone {serial}, {others}")).hint(
                    "plug it in with a cable that carries data, turn on USB debugging, or correct `serial` in the rig file",
                ))
            }
            [state] => self.state(state.split_whitespace().next().unwrap_or_default(), state),
            several => Err(self
                .fault(format!("adb sees {} phones {serial}", several.len()))
                .hint("unplug all but one: nothing tells them apart")),
        }
    }

    fn state(&self, word: &str, whole: &str) -> Result<(), InfrastructureFault> {
        let serial = &self.serial;
        let hint = match word {
            "device" => return Ok(()),
            "unauthorized" => "unlock the phone and allow USB debugging from this computer",
            "offline" => "unplug the phone and plug it in again, or restart it; then `adb reconnect`",
            "no" => {
                "give this user the right to use the phone: udev rules of the package android-sdk-platform-tools-common"
            }
            "recovery" | "sideload" | "bootloader" => "start the phone as usual",
            _ => "see what `adb devices` says",
        };
        let state: String = whole.chars().filter(|c| !c.is_control()).take(60).collect();
        Err(self.fault(format!("phone {serial} is {state}")).hint(hint))
    }

    /// Runs a command in the phone's shell. The arguments are words of ours, which no shell takes for more.
    pub(super) async fn shell(&self, words: &[&str], deadline: Instant) -> Result<String, InfrastructureFault> {
        self.on_phone(&[&["shell"], words].concat(), deadline).await
    }

    /// A call that is meant for the phone.
    pub(super) async fn on_phone(&self, words: &[&str], deadline: Instant) -> Result<String, InfrastructureFault> {
        self.call(&[&["-s", self.serial.as_str()], words].concat(), deadline).await
    }

    async fn call(&self, words: &[&str], deadline: Instant) -> Result<String, InfrastructureFault> {
        let arguments: Vec<OsString> = words.iter().map(|word| OsString::from(*word)).collect();
        let called = run(&self.program, &arguments, &[], LONGEST, self.clock, deadline).await;
        let output = called.map_err(|error| {
            let hint = match &error {
                ProgramError::NotThere(_) => "apt-get install adb",
                ProgramError::Late(_) => {
                    "see whether the phone answers `adb shell`, and give the step more time with `within`"
                }
                ProgramError::Failed { complaint, .. } if complaint.contains("not found") => {
                    "plug the phone in, or correct `serial` in the rig file"
                }
                ProgramError::Failed { complaint, .. } if complaint.contains("unauthorized") => {
                    "unlock the phone and allow USB debugging from this computer"
                }
                ProgramError::Failed { complaint, .. } if complaint.contains("offline") => {
                    "unplug the phone and plug it in again"
                }
                _ => "see what the same call of adb says in a terminal",
            };
            self.fault(format!("`adb {}`: {error}", words.join(" "))).hint(hint)
        })?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}
