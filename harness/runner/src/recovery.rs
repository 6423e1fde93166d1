//! Looking at the rig when a trial gave reason to: is it the rig, and does it come back?

use rigtone_model::{event::Body, trial::InfrastructureFault};
use rigtone_rig::bench::{Finding, Scope};

use crate::trial::Trial;

/// How long a look may take.
const LOOK_NS: i64 = 30_000_000_000;
/// How often a member that does not answer is looked at before it is given up.
const LOOKS: u32 = 6;
/// From one look to the next: a dongle that was plugged in again, or a daemon that starts, needs some seconds.
const BETWEEN_NS: i64 = 5_000_000_000;
/// Members that every rig has, whatever a trial needs of it.
const OF_EVERY_RIG: [&str; 2] = ["host clock", "daemon bluetoothd"];

/// Checks everything that the trial used; what was found is recorded.
async fn check(trial: &Trial<'_>) -> Vec<Finding> {
    let combination = trial.combination;
    let needed = combination.resources.iter().chain(combination.relies_on.iter()).map(|member| &**member);
    let members: Vec<&str> = needed.chain(OF_EVERY_RIG).collect();
    let deadline = trial.now().plus(LOOK_NS);
    let findings = trial.bench.keeper.check(Scope::Members(&members), deadline).await;
    for finding in &findings {
        let (member, finding, ok) = (finding.member.clone(), finding.finding.clone(), finding.ok);
        trial.place.emit(trial.now(), Body::Checked { member, finding, ok });
    }
    findings
}

/// The fault that explains what the trial saw, if it is one of the rig.
pub(crate) async fn look(trial: &Trial<'_>) -> Option<InfrastructureFault> {
    let bad = check(trial).await.into_iter().find(|finding| !finding.ok)?;
    Some(InfrastructureFault::new(bad.member, bad.finding).hint("the trial is tried again when the rig is well"))
}

/// Waits until the rig is well again; gives the members that did not come back, with what was found.
pub(crate) async fn recover(trial: &Trial<'_>) -> Vec<(String, String)> {
    let clock = &trial.bench.clock;
    let mut bad = Vec::new();
    for look in 1..=LOOKS {
        bad = check(trial).await.into_iter().filter(|f| !f.ok).map(|f| (f.member, f.finding)).collect();
        if bad.is_empty() {
            break;
        }
        if look < LOOKS {
            clock.sleep_until(clock.now().plus(BETWEEN_NS)).await;
        }
    }
    bad
}
