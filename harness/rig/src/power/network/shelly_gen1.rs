//! Shelly, first generation: `GET /relay/0?turn=on`, answered by the state of the relay in JSON.
//!
//! Source: the vendor's description of the first generation's HTTP interface. Relays count from 0.

use std::{num::NonZeroU8, time::Duration};

use serde::Deserialize;

use super::{
    client::Request,
    web::{Said, Words},
};

/// The words of a Shelly of the first generation.
pub(crate) struct ShellyGen1 {
    base: String,
}

#[derive(Deserialize)]
struct Relay {
    ison: bool,
    source: Option<String>,
}

impl ShellyGen1 {
    pub(crate) fn at(host: &str) -> Self {
        Self { base: format!("http://{host}") }
    }

    fn relay(&self, channel: NonZeroU8, query: &str) -> Request {
        Request::get(format!("{}/relay/{}{query}", self.base, channel.get() - 1))
    }
}

fn read(answer: &str) -> Result<Said, String> {
    let relay: Relay = serde_json::from_str(answer).map_err(|e| format!("that is no state of a relay: {e}"))?;
    Ok(Said { on: relay.ison, by: relay.source })
}

impl Words for ShellyGen1 {
    fn switch(&self, channel: NonZeroU8, on: bool) -> Request {
        self.relay(channel, if on { "?turn=on" } else { "?turn=off" })
    }

    fn acknowledged(&self, _channel: NonZeroU8, answer: &str) -> Result<Option<bool>, String> {
        read(answer).map(|said| Some(said.on))
    }

    fn question(&self, channel: NonZeroU8) -> Option<Request> {
        Some(self.relay(channel, ""))
    }

    fn position(&self, _channel: NonZeroU8, answer: &str) -> Result<Said, String> {
        read(answer)
    }

    fn pulse(&self, channel: NonZeroU8, held: Duration) -> Option<Request> {
        // The vendor states whole seconds.
        let whole = held.subsec_nanos() == 0 && held.as_secs() > 0;
        whole.then(|| self.relay(channel, &format!("?turn=on&timer={}", held.as_secs())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::fake::number;
    use rstest::rstest;

    fn shelly() -> ShellyGen1 {
        ShellyGen1::at("10.0.0.1")
    }

    #[test]
    fn orders_and_questions_are_those_of_the_vendor() {
        let urls = [
            shelly().switch(number(1), true),
            shelly().switch(number(2), false),
            shelly().question(number(4)).expect("it tells"),
            shelly().pulse(number(1), Duration::from_secs(2)).expect("whole seconds"),
        ];
        let due = ["relay/0?turn=on", "relay/1?turn=off", "relay/3", "relay/0?turn=on&timer=2"];
        assert_eq!(urls, due.map(|path| Request::get(format!("http://10.0.0.1/{path}"))));
        assert_eq!(shelly().pulse(number(1), Duration::from_millis(1500)), None);
    }

    #[rstest]
    #[case(r#"{"ison":true,"has_timer":false,"timer_started":0,"source":"http"}"#, Ok(Said { on: true, by: Some("http".into()) }))]
    #[case(r#"{"ison":false}"#, Ok(Said::of(false)))]
    #[case(r#"{"ison":"true"}"#, Err("no state of a relay"))]
    #[case(r#"{"output":true}"#, Err("no state of a relay"))]
    #[case("Bad relay index", Err("no state of a relay"))]
    #[case("", Err("no state of a relay"))]
    fn answers_are_told_from_garbage(#[case] answer: &str, #[case] due: Result<Said, &str>) {
        crate::power::network::fake::same(shelly().position(number(1), answer), due);
    }
}
