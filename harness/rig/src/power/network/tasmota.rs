//! Tasmota: commands as `GET /cm?cmnd=Power1%20On`, answered by `{"POWER1":"ON"}`.
//!
//! Source: tasmota/docs, `Commands.md` and `PowerOnState.md`. A device with one relay answers `POWER` without a number,
//! unless `SetOption26` is set. `PulseTime` is a setting that stays, so pulses are not left to the device.

use std::num::NonZeroU8;

use serde_json::{Map, Value};

use super::{
    client::{Request, escaped},
    web::{Said, Words},
};

/// The words of Tasmota.
pub(crate) struct Tasmota {
    base: String,
}

impl Tasmota {
    pub(crate) fn at(host: &str) -> Self {
        Self { base: format!("http://{host}") }
    }

    fn command(&self, command: &str) -> Request {
        Request::get(format!("{}/cm?cmnd={}", self.base, escaped(command)))
    }
}

fn object(answer: &str) -> Result<Map<String, Value>, String> {
    let object: Map<String, Value> = serde_json::from_str(answer).map_err(|e| format!("that is no object: {e}"))?;
    if let Some(warning) = object.get("WARNING").or_else(|| object.get("Warning")).and_then(Value::as_str) {
        let login = warning.contains("password");
        let advice = if login { ": add `login` in the rig file, or correct it" } else { "" };
        return Err(format!("it refused, with `{warning}`{advice}"));
    }
    Ok(object)
}

fn read(channel: NonZeroU8, answer: &str) -> Result<bool, String> {
    let object = object(answer)?;
    let numbered = object.get(&format!("POWER{channel}"));
    // Only a device that has no other relay leaves the number out.
    let alone = object.get("POWER").filter(|_| channel == NonZeroU8::MIN);
    match numbered.or(alone).and_then(Value::as_str) {
        Some("ON") => Ok(true),
        Some("OFF") => Ok(false),
        Some(other) => Err(format!("`{other}` is neither ON nor OFF")),
        None => Err(format!("it says nothing of POWER{channel}")),
    }
}

impl Words for Tasmota {
    fn switch(&self, channel: NonZeroU8, on: bool) -> Request {
        self.command(&format!("Power{channel} {}", if on { "On" } else { "Off" }))
    }

    fn acknowledged(&self, channel: NonZeroU8, answer: &str) -> Result<Option<bool>, String> {
        read(channel, answer).map(Some)
    }

    fn question(&self, channel: NonZeroU8) -> Option<Request> {
        Some(self.command(&format!("Power{channel}")))
    }

    fn position(&self, channel: NonZeroU8, answer: &str) -> Result<Said, String> {
        read(channel, answer).map(Said::of)
    }

    fn keeps(&self) -> &'static str {
        // `PowerOnState` is 3 unless somebody changed it.
        "it has a supply of its own, and when that returns it goes back to the positions it had, unless its PowerOnState is 0"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::fake::{number, same};
    use rstest::rstest;

    fn tasmota() -> Tasmota {
        Tasmota::at("10.0.0.3")
    }

    #[test]
    fn orders_and_questions_are_commands() {
        let urls = [
            tasmota().switch(number(1), true).url,
            tasmota().switch(number(2), false).url,
            tasmota().question(number(8)).expect("it tells").url,
        ];
        let due = ["Power1%20On", "Power2%20Off", "Power8"].map(|c| format!("http://10.0.0.3/cm?cmnd={c}"));
        assert_eq!(urls, due);
    }

    #[rstest]
    #[case(1, r#"{"POWER1":"ON"}"#, Ok(true))]
    #[case(1, r#"{"POWER":"OFF"}"#, Ok(false))]
    #[case(2, r#"{"POWER2":"OFF"}"#, Ok(false))]
    #[case(2, r#"{"POWER":"ON"}"#, Err("nothing of POWER2"))]
    #[case(2, r#"{"POWER1":"ON"}"#, Err("nothing of POWER2"))]
    #[case(1, r#"{"POWER1":"BLINK ON"}"#, Err("neither ON nor OFF"))]
    #[case(1, r#"{"POWER1":1}"#, Err("nothing of POWER1"))]
    #[case(1, r#"{"Command":"Unknown"}"#, Err("nothing of POWER1"))]
    #[case(1, r#"{"WARNING":"Need user=<username>&password=<password>"}"#, Err("add `login`"))]
    #[case(1, "ON", Err("no object"))]
    fn answers_are_told_from_garbage(#[case] channel: u8, #[case] answer: &str, #[case] due: Result<bool, &str>) {
        same(tasmota().acknowledged(number(channel), answer), due.map(Some));
        same(tasmota().position(number(channel), answer), due.map(Said::of));
    }
}
