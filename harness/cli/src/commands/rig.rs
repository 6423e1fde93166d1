//! `rigtone rig suggest | list | check | calibrate | safe`

mod calibrate;
mod check;
mod list;
mod safe;
mod suggest;

pub(crate) use self::{
    calibrate::{How as Measuring, calibrate},
    check::{How, check},
    list::list,
    safe::safe,
    suggest::suggest,
};

/// Comes back when somebody wants the command to end; the outputs are to be made safe then.
async fn stopped() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let streams = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    // What cannot be caught ends the process, and the next start makes the outputs safe.
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = streams else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
        _ = hangup.recv() => "SIGHUP",
    }
}
