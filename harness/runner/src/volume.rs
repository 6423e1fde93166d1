//! The volume at which a step plays: as it is asked for, or until it is as loud as it has to be.

use rigtone_model::{
    document::Play,
    observation::{Quantity, Value},
    trial::{DeviceFailure, FailureClass},
};
use rigtone_rig::capability::{Answer, Streaming, Unit, VolumeControl, Wish};

use crate::{
    emit::Place,
    hearing,
    step::{Session, cannot},
};

/// The time that setting a volume has.
const SETTING_NS: i64 = 5_000_000_000;
/// How often it is tried to be as loud as asked for.
const TRIES: u32 = 8;
/// How close to that is close enough, in dB: what a level is known to, and what a step of a volume makes.
const CLOSE_DB: f64 = 1.0;
/// What one step of AVRCP is, as a share.
const STEP: f64 = 1.0 / 127.0;

/// Sets the volume that a play asks for, where it asks for one.
pub(crate) async fn set(
    session: &Session<'_>,
    play: &Play,
    streaming: &dyn Streaming,
    unit: &Unit,
    target: &Unit,
    wish: Wish,
    place: Place<'_>,
) -> Answer<()> {
    let bindings = session.trial.bindings();
    let volume = session.bound(play.volume.as_ref().map(|volume| bindings.resolve(volume)).transpose())?;
    let loudness = session.bound(play.loudness.as_ref().map(|loudness| bindings.resolve(loudness)).transpose())?;
    if volume.is_none() && loudness.is_none() {
        return Ok(Ok(()));
    }
    let control = unit.volume.as_deref().ok_or_else(|| cannot(unit, "set a volume"))?;
    let knob = Knob { session, control, unit, target };
    let mut taken = None;
    if let Some(volume) = volume {
        taken = match knob.turn(volume.fraction()).await? {
            Ok(taken) => Some(taken),
            Err(failure) => return Ok(Err(failure)),
        };
    }
    if let Some(loudness) = loudness {
        taken = match knob.until(loudness.db_spl(), taken, streaming, wish).await? {
            Ok(taken) => Some(taken),
            Err(failure) => return Ok(Err(failure)),
        };
    }
    if let Some(taken) = taken {
        let value = Value::Number { value: 100.0 * taken, unit: "%".to_owned(), uncertainty: 50.0 * STEP };
        session.observe(place, Quantity::Volume, value);
    }
    Ok(Ok(()))
}

/// The volume of a unit, in the hand of its source.
struct Knob<'a> {
    session: &'a Session<'a>,
    control: &'a dyn VolumeControl,
    unit: &'a Unit,
    target: &'a Unit,
}

impl Knob<'_> {
    async fn turn(&self, share: f64) -> Answer<f64> {
        let deadline = self.session.now().plus(SETTING_NS);
        let member = format!("unit {}", self.unit.name);
        let setting = self.control.set_volume(self.target.address, share, deadline);
        self.session.bounded(deadline, &member, setting).await
    }

    /// Turns it until a short noise is as loud at the nearest microphone, in dB SPL (A-weighted). How loud a step is differs from device to device:
    /// the true volume is kept between one that was too soft and one that was too loud, and looked for on the line through what was heard.
    async fn until(&self, wanted_db: f64, from: Option<f64>, streaming: &dyn Streaming, wish: Wish) -> Answer<f64> {
        let mut soft: Option<(f64, f64)> = None;
        let mut loud: Option<(f64, f64)> = None;
        let mut next = from.unwrap_or(0.5);
        for _ in 0..TRIES {
            let taken = match self.turn(next).await? {
                Ok(taken) => taken,
                Err(failure) => return Ok(Err(failure)),
            };
            let heard_db = match hearing::loudness(self.session, streaming, self.unit, self.target, wish).await? {
                Ok(heard_db) => heard_db,
                Err(failure) => return Ok(Err(failure)),
            };
            if heard_db.is_some_and(|heard| (heard - wanted_db).abs() <= CLOSE_DB) {
                return Ok(Ok(taken));
            }
            // What is not heard is too soft.
            let heard_db = heard_db.unwrap_or(f64::NEG_INFINITY);
            let at = Some((taken, heard_db));
            if heard_db < wanted_db {
                soft = at;
            } else {
                loud = at;
            }
            next = match (soft, loud) {
                (Some((volume, heard)), None) if volume >= 1.0 - STEP / 2.0 => {
                    return Ok(Err(out_of_reach(wanted_db, heard, "at full volume")));
                }
                (None, Some((volume, heard))) if volume <= STEP / 2.0 => {
                    return Ok(Err(out_of_reach(wanted_db, heard, "at the lowest volume")));
                }
                (Some(_), None) => 1.0,
                (None, _) => 0.0,
                (Some((low, low_db)), Some((high, high_db))) if high - low > STEP * 1.5 => {
                    let on_the_line = low + (high - low) * (wanted_db - low_db) / (high_db - low_db);
                    // Without a level at the lower end there is no line.
                    let middle = if low_db.is_finite() { on_the_line } else { 0.5 * (low + high) };
                    middle.clamp(low + STEP, high - STEP)
                }
                (Some((_, low_db)), Some((_, high_db))) => {
                    let heard = if wanted_db - low_db < high_db - wanted_db { low_db } else { high_db };
                    return Ok(Err(out_of_reach(wanted_db, heard, "at the nearest step of its volume")));
                }
            };
        }
        let heard = soft.or(loud).map_or(f64::NEG_INFINITY, |(_, heard)| heard);
        Ok(Err(out_of_reach(wanted_db, heard, &format!("after {TRIES} tries"))))
    }
}

fn out_of_reach(wanted_db: f64, heard_db: f64, when: &str) -> DeviceFailure {
    let heard =
        if heard_db.is_finite() { format!("it has {heard_db:.1} dB SPL") } else { "nothing is heard".to_owned() };
    let detail = format!("it should be as loud as {wanted_db:.1} dB SPL, and {when} {heard}");
    DeviceFailure::new(FailureClass::OutOfLimits, detail)
}
