//! Reading the service records of a unit: its own where it is Rigtone, else over the air by another unit of the trial.

use rigtone_model::observation::{Quantity, Value};
use rigtone_rig::capability::Unit;

use crate::{
    emit::Place,
    step::{Session, StepEnd, StepResult, USUAL_NS, cannot, is_alive},
};

/// Reads them, and observes the service classes that they state.
pub(crate) async fn read(session: &Session<'_>, axis: &str, place: Place<'_>) -> StepResult {
    let trial = session.trial;
    let unit = trial.unit(axis)?;
    let deadline = session.now().plus(USUAL_NS);
    let mut classes = if let Some(own) = &unit.services {
        session.bounded(deadline, &format!("unit {}", unit.name), own.own(deadline)).await?
    } else {
        let mut others = trial.units().into_iter().filter_map(|name| trial.bench.units.get(name));
        let reads = |other: &Unit| other.services.clone();
        let (by, services) = others
            .find_map(|other| Some((other, reads(other)?)))
            .ok_or_else(|| cannot(unit, "have its service records read"))?;
        let answer = services.of(unit.address, deadline);
        match session.bounded(deadline, &format!("unit {}", by.name), answer).await? {
            Ok(classes) => classes,
            Err(failure) => return Ok(StepEnd::Failed(failure)),
        }
    };
    is_alive(unit);
    classes.sort_unstable();
    classes.dedup();
    let words: Vec<String> = classes.iter().map(|class| format!("{class:04x}")).collect();
    session.observe(place, Quantity::ServiceClasses, Value::Word(words.join(" ")));
    Ok(StepEnd::Done)
}
