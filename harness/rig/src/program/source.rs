//! A program of the lab as the driver of a source.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use rigtone_model::{
    document::{Codec, SourceProgram},
    trial::{DeviceFailure, InfrastructureFault},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::{
    process::{Killer, Outcome, Program, Setup},
    stimulus::Folder,
};
use crate::{
    capability::{
        Address, Answer, Connecting, Emission, Found, Inquiry, Link, Pairing, Programme, Settings, Streamed, Streaming,
        Wish,
    },
    clock::{Clock, Instant},
    hardware::HostClock,
};

/// Before the deadline, so that a program that is late is told from a driver that hangs.
const MARGIN_NS: i64 = 200_000_000;

/// A source behind a program.
pub(crate) struct Source {
    member: String,
    program: Arc<Mutex<Program>>,
    killer: Killer,
    clock: HostClock,
    folder: OnceCell<Folder>,
}

/// Ends the program when nobody waits for its answer any more: what it would say later answers nothing.
struct Waiting<'a> {
    killer: &'a Killer,
    given_up: Arc<AtomicBool>,
    over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.given_up.store(true, Ordering::Release);
            self.killer.kill();
        }
    }
}

impl Source {
    pub(crate) fn new(unit: &str, address: Address, document: &SourceProgram, clock: HostClock) -> Self {
        let member = format!("unit {unit}");
        let setup = Setup {
            member: member.clone(),
            program: document.program.clone(),
            of: json!({"unit": unit, "address": address.to_string()}),
            can: document.can.iter().map(|ability| ability.as_str().to_owned()).collect(),
            starts_within: Duration::from_nanos(u64::try_from(document.starts_within.ns()).unwrap_or_default()),
        };
        let program = Program::new(setup, clock);
        let killer = program.killer();
        Self { member, program: Arc::new(Mutex::new(program)), killer, clock, folder: OnceCell::new() }
    }

    /// The unit as faults name it.
    pub(crate) fn member(&self) -> &str {
        &self.member
    }

    /// That its program runs and can do what the rig's document says; tells what it can.
    pub(crate) async fn check(&self) -> Result<String, InfrastructureFault> {
        let can = self.aside(|program, _| program.start().map(<[String]>::to_vec)).await?;
        Ok(format!("its program can do {}", can.join(", ")))
    }

    /// Has the program's own thread of work do it: it blocks.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Program, &AtomicBool) -> Result<T, InfrastructureFault> + Send + 'static,
    ) -> Result<T, InfrastructureFault> {
        let program = self.program.clone();
        let given_up = Arc::new(AtomicBool::new(false));
        let mut waiting = Waiting { killer: &self.killer, given_up: given_up.clone(), over: false };
        let done = tokio::task::spawn_blocking(move || {
            work(&mut program.lock().unwrap_or_else(PoisonError::into_inner), &given_up)
        })
        .await;
        waiting.over = true;
        done.unwrap_or_else(|e| {
            Err(InfrastructureFault::new(&self.member, format!("waiting for its program failed: {e}")))
        })
    }

    async fn ask(&self, what: &'static str, with: Value, deadline: Instant) -> Result<Outcome, InfrastructureFault> {
        let until = deadline.plus(-MARGIN_NS);
        self.aside(move |program, given_up| program.ask(what, &with, until, given_up)).await
    }

    /// The words of an answer.
    fn read<T: for<'a> Deserialize<'a>>(
        &self,
        what: &str,
        answer: Map<String, Value>,
    ) -> Result<T, InfrastructureFault> {
        serde_json::from_value(Value::Object(answer)).map_err(|e| {
            let what = format!("its program did `{what}`, and what it says of it is not understood: {e}");
            InfrastructureFault::new(&self.member, what).hint("correct the program: see docs/command.md")
        })
    }

    /// Of what has no way to fail for the device.
    fn only_done(&self, what: &str, outcome: Outcome) -> Result<(), InfrastructureFault> {
        outcome.ended.map(drop).map_err(|failure| {
            let what = format!("its program says of `{what}` that the device failed ({failure}), which it cannot");
            InfrastructureFault::new(&self.member, what)
                .hint("let the program answer with `fault`: see docs/command.md")
        })
    }

    async fn file(&self, programme: &Programme) -> Result<PathBuf, InfrastructureFault> {
        let failed = |e: std::io::Error| {
            InfrastructureFault::new(&self.member, format!("writing the stimulus for its program failed: {e}"))
                .hint("free space in the folder for temporary files, or set TMPDIR")
        };
        let folder = self.folder.get_or_try_init(|| async { Folder::make() }).await.map_err(failed)?;
        folder.wav(programme).map_err(failed)
    }
}

fn target(address: Address) -> Value {
    json!({"target": address.to_string()})
}

#[derive(Deserialize)]
struct FoundAnswer {
    rssi_dbm: Option<i16>,
}

#[derive(Deserialize)]
struct LinkAnswer {
    codec: Codec,
    rate_hz: u32,
    configuration: Option<String>,
    delay_ms: Option<f64>,
}

impl LinkAnswer {
    /// As the runner has it; else why it cannot be.
    fn link(self) -> Result<Link, String> {
        if !matches!(self.rate_hz, 44_100 | 48_000) {
            return Err(format!("no stimulus has {} samples a second; 44100 and 48000 can be", self.rate_hz));
        }
        let configuration = self.configuration.as_deref().map_or(Some(Vec::new()), bytes);
        let configuration = configuration.ok_or("`configuration` is no row of hexadecimal bytes")?;
        let delay = self.delay_ms.filter(|ms| (0.0..=6_553.5).contains(ms));
        if delay.is_none() && self.delay_ms.is_some() {
            return Err("`delay_ms` is none that a sink can report".to_owned());
        }
        Ok(Link {
            codec: self.codec,
            configuration,
            rate_hz: self.rate_hz,
            reported_delay_ns: delay.map(|ms| (ms * 1e6).round() as i64),
            changes: Vec::new(),
        })
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pair = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() && pairs.len() <= 255 { pairs.iter().map(pair).collect() } else { None }
}

#[async_trait(?Send)]
impl Inquiry for Source {
    async fn find(&self, address: Address, restart_ns: Option<i64>, deadline: Instant) -> Answer<Found> {
        if restart_ns.is_some() {
            let what = "its program cannot be told to stop a search and start it anew";
            return Err(InfrastructureFault::new(&self.member, what)
                .hint("run `rigtone plan`: it skips combinations that the rig cannot do"));
        }
        match self.ask("find", target(address), deadline).await?.ended {
            Ok(done) => {
                let FoundAnswer { rssi_dbm } = self.read("find", done)?;
                Ok(Ok(Found { at: self.clock.now(), rssi_dbm }))
            }
            Err(failure) => Ok(Err(failure)),
        }
    }
}

#[async_trait(?Send)]
impl Settings for Source {
    async fn set(&self, option: &str, value: &str, deadline: Instant) -> Answer<()> {
        Ok(self.ask("set", json!({"option": option, "value": value}), deadline).await?.ended.map(drop))
    }
}

#[async_trait(?Send)]
impl Pairing for Source {
    async fn pair(&self, address: Address, deadline: Instant) -> Answer<()> {
        Ok(self.ask("pair", target(address), deadline).await?.ended.map(drop))
    }

    async fn forget(&self, address: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        self.only_done("forget", self.ask("forget", target(address), deadline).await?)
    }
}

#[async_trait(?Send)]
impl Connecting for Source {
    async fn connect(&self, address: Address, wish: Wish, deadline: Instant) -> Answer<Link> {
        let mut with = json!({"target": address.to_string(), "profile": wish.profile, "codec": wish.codec});
        if let Some(configured) = wish.configured {
            with["configured"] = configured.to_string().into();
        }
        match self.ask("connect", with, deadline).await?.ended {
            Ok(done) => {
                let answer: LinkAnswer = self.read("connect", done)?;
                let link = answer.link().map_err(|why| {
                    let what = format!("its program did `connect`, and what it says of it cannot be: {why}");
                    InfrastructureFault::new(&self.member, what).hint("correct the program: see docs/command.md")
                })?;
                Ok(Ok(link))
            }
            Err(failure) => Ok(Err(failure)),
        }
    }

    async fn disconnect(&self, address: Address, deadline: Instant) -> Result<(), InfrastructureFault> {
        self.only_done("disconnect", self.ask("disconnect", target(address), deadline).await?)
    }
}

#[async_trait(?Send)]
impl Streaming for Source {
    async fn prepare(&self, programme: &Programme, _wish: Wish, deadline: Instant) -> Result<(), InfrastructureFault> {
        let file = self.file(programme).await?;
        let with = json!({"file": file, "rate_hz": programme.rate(), "lasts_ms": lasts_ms(programme)});
        self.only_done("prepare", self.ask("prepare", with, deadline).await?)
    }

    async fn stream(
        &self,
        address: Address,
        programme: &Programme,
        deadline: Instant,
    ) -> Result<Streamed, InfrastructureFault> {
        let file = self.file(programme).await?;
        let mut with = json!({"target": address.to_string(), "file": file, "lasts_ms": lasts_ms(programme)});
        if let Some(content) = programme.content() {
            with["content"] = content.into();
        }
        let Outcome { began, ended } = self.ask("play", with, deadline).await?;
        if began.is_none() && ended.is_ok() {
            let what = "its program played, and did not say when that began";
            let hint = "let it write `began` when it begins: see docs/command.md";
            return Err(InfrastructureFault::new(&self.member, what).hint(hint));
        }
        let emission = began.map(|(at, uncertainty_ns)| Emission { at, uncertainty_ns });
        let ended: Result<(), DeviceFailure> = ended.map(drop);
        Ok(Streamed { emission, pacing: None, changes: Vec::new(), ended })
    }
}

fn lasts_ms(programme: &Programme) -> u64 {
    (programme.duration_s() * 1e3).ceil() as u64
}
