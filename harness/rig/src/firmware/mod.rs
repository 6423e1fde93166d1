//! Which firmware a unit runs: what is expected to be read of it, and what was.

mod command;

use rigtone_model::{
    document::{DeviceId, Rig, Unit, Verify, Way},
    event::{FirmwareLook, FirmwareSource},
};
use serde_json::{Map, Value, json};

pub(crate) use command::output_of;

/// What is read of a unit that runs the firmware its document names; nothing when nobody looks.
pub(crate) fn expected(unit: &Unit) -> Option<(FirmwareSource, String)> {
    let named = || unit.firmware.clone();
    Some(match unit.verify.as_ref()?.way()? {
        Way::DeviceId(DeviceId { version: Some(version), .. }) => (FirmwareSource::DeviceId, version_of(*version)),
        Way::DeviceId(DeviceId { modalias, .. }) => {
            (FirmwareSource::DeviceId, modalias.clone().unwrap_or_default().to_ascii_lowercase())
        }
        Way::Gatt(gatt) => (FirmwareSource::Gatt, gatt.says.clone().unwrap_or_else(named)),
        Way::Command(_) => (FirmwareSource::Command, named()),
        Way::Operator(_) => (FirmwareSource::Operator, named()),
        Way::Declared(_) => (FirmwareSource::Declared, named()),
    })
}

/// The version of a Device ID record, as looks show it.
fn version_of(version: u16) -> String {
    format!("version {version:#06x}")
}

/// What counts of a Device ID record that BlueZ shows as `usb:v1D6Bp0246d0540`: the field that is expected, or all of it.
#[cfg_attr(not(feature = "bluez"), allow(dead_code))]
pub(crate) fn of_modalias(modalias: &str, unit: &Unit) -> String {
    let modalias = modalias.to_ascii_lowercase();
    let digits = modalias.len().checked_sub(4).and_then(|at| modalias.get(at..));
    let version = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
    match (unit.verify.as_ref().and_then(Verify::way), version) {
        (Some(Way::DeviceId(DeviceId { version: Some(_), .. })), Some(version)) => version_of(version),
        _ => modalias,
    }
}

/// A look at a unit that gave this: what was read, or why nothing was.
pub(crate) fn look(name: &str, unit: &Unit, read: Result<String, String>) -> Option<FirmwareLook> {
    let (source, expected) = expected(unit)?;
    let (found, note) = match read {
        Ok(found) => (Some(found), None),
        Err(why) => (None, Some(why)),
    };
    Some(FirmwareLook { unit: name.to_owned(), firmware: unit.firmware.clone(), source, expected, found, note })
}

/// What a person says of a unit, as a look at it.
pub(crate) fn word_of_a_person(name: &str, unit: &Unit, on: &str) -> Option<FirmwareLook> {
    let look = look(name, unit, Ok(unit.firmware.clone()))?;
    Some(FirmwareLook { note: Some(format!("who looked on {on}")), ..look })
}

/// The look at a unit that says what it runs over a link alone, and that nobody ever had a link to.
pub(crate) fn never_linked(name: &str, unit: &Unit) -> Option<FirmwareLook> {
    look(name, unit, Err("it was connected in no trial".to_owned()))
}

/// How the units of a rig are verified, for the run's environment; nothing when none is.
pub(crate) fn environment(rig: &Rig) -> Option<Value> {
    let units = rig.units.iter().filter_map(|(name, unit)| {
        let (source, expected) = expected(unit)?;
        let mut of_unit = json!({"firmware": unit.firmware, "source": source, "expected": expected});
        if let Some(Way::Declared(declared)) = unit.verify.as_ref().and_then(Verify::way) {
            of_unit["on"] = json!(declared.on);
        }
        Some((name.clone(), of_unit))
    });
    let units: Map<String, Value> = units.collect();
    (!units.is_empty()).then_some(Value::Object(units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn unit(verify: &str) -> Unit {
        let text =
            format!(r#"{{"device": "a/b", "firmware": "2.1.1", "address": "00:00:00:00:00:01", "verify": {verify}}}"#);
        serde_json::from_str(&text).expect("a unit")
    }

    #[rstest]
    #[case::version(r#"{"device-id": {"version": 529}}"#, "bluetooth:v0057p0301d0211", true)]
    #[case::other_version(r#"{"device-id": {"version": 529}}"#, "bluetooth:v0057p0301d0212", false)]
    #[case::all(r#"{"device-id": {"modalias": "bluetooth:v0057p0301d0211"}}"#, "bluetooth:v0057p0301d0211", true)]
    #[case::case(r#"{"device-id": {"modalias": "usb:v00aap0001d0211"}}"#, "usb:v00AAp0001d0211", true)]
    #[case::product(r#"{"device-id": {"modalias": "usb:v00aap0001d0211"}}"#, "usb:v00AAp0002d0211", false)]
    #[case::digits(r#"{"device-id": {"version": 3345}}"#, "bluetooth:v0057p0d0dd0D11", true)]
    #[case::nonsense(r#"{"device-id": {"version": 529}}"#, "usb", false)]
    fn a_device_id_is_compared_by_what_the_document_names(
        #[case] verify: &str,
        #[case] modalias: &str,
        #[case] right: bool,
    ) {
        let unit = unit(verify);
        let look = look("speaker", &unit, Ok(of_modalias(modalias, &unit))).expect("it is verified");
        assert_eq!(look.fault().is_none(), right, "{}", look.finding());
    }

    #[test]
    fn a_fault_says_what_was_expected_what_was_found_and_what_to_do() {
        let unit = unit(r#"{"command": {"program": ["x"]}}"#);
        let fault = look("speaker", &unit, Ok("2.1.2".to_owned())).and_then(|look| look.fault()).expect("another one");
        assert_eq!(fault.member, "unit speaker");
        assert!(fault.what.contains("says 2.1.2 where 2.1.1 is expected"), "{fault}");
        assert!(fault.hint.expect("a hint").contains("name the one it runs"));
        let fault = look("speaker", &unit, Err("it hung".to_owned())).and_then(|look| look.fault()).expect("unread");
        assert!(fault.what.contains("could not be read, it hung"), "{fault}");
    }

    #[test]
    fn what_is_not_verified_is_not_looked_at() {
        let text = r#"{"device": "a/b", "firmware": "2.1.1", "address": "00:00:00:00:00:01"}"#;
        let unit: Unit = serde_json::from_str(text).expect("a unit");
        assert_eq!(look("speaker", &unit, Ok("2.1.1".to_owned())), None);
    }
}
