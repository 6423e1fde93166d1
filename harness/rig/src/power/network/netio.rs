//! NETIO: `POST /netio.json` with the outputs to switch, answered by the state of all.
//!
//! Source: NETIO AN20, the JSON protocol over HTTP. Outputs count from 1. Actions: 0 off, 1 on, 2 off for a while, 3 on for
//! a while; `Delay` in milliseconds.

use std::{num::NonZeroU8, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::Request,
    web::{Said, Words},
};

/// The words of NETIO.
pub(crate) struct Netio {
    url: String,
}

#[derive(Deserialize)]
struct State {
    #[serde(rename = "Outputs")]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(rename = "ID")]
    id: u8,
    #[serde(rename = "State")]
    state: u8,
}

impl Netio {
    pub(crate) fn at(host: &str) -> Self {
        Self { url: format!("http://{host}/netio.json") }
    }

    fn order(&self, output: &Value) -> Request {
        Request::post(&self.url, "application/json", json!({"Outputs": [output]}).to_string())
    }
}

fn read(channel: NonZeroU8, answer: &str) -> Result<bool, String> {
    let state: State = serde_json::from_str(answer).map_err(|e| format!("that is no state of outputs: {e}"))?;
    let mut of_channel = state.outputs.iter().filter(|output| output.id == channel.get());
    match (of_channel.next().map(|output| output.state), of_channel.next()) {
        (Some(0), None) => Ok(false),
        (Some(1), None) => Ok(true),
        (Some(other), None) => Err(format!("the state {other} is neither 0 nor 1")),
        (None, _) => Err(format!("it has no output {channel}")),
        (Some(_), Some(_)) => Err(format!("it has two outputs {channel}")),
    }
}

impl Words for Netio {
    fn switch(&self, channel: NonZeroU8, on: bool) -> Request {
        self.order(&json!({"ID": channel.get(), "Action": u8::from(on)}))
    }

    fn acknowledged(&self, channel: NonZeroU8, answer: &str) -> Result<Option<bool>, String> {
        read(channel, answer).map(Some)
    }

    fn question(&self, _channel: NonZeroU8) -> Option<Request> {
        Some(Request::get(&self.url))
    }

    fn position(&self, channel: NonZeroU8, answer: &str) -> Result<Said, String> {
        read(channel, answer).map(Said::of)
    }

    fn pulse(&self, channel: NonZeroU8, held: Duration) -> Option<Request> {
        let ms =
            u32::try_from(held.as_millis()).ok().filter(|&ms| ms > 0 && Duration::from_millis(ms.into()) == held)?;
        // It counts in tenths of a second.
        (ms % 100 == 0).then(|| self.order(&json!({"ID": channel.get(), "Action": 3, "Delay": ms})))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::fake::{number, same};
    use rstest::rstest;

    fn netio() -> Netio {
        Netio::at("10.0.0.4")
    }

    #[test]
    fn orders_are_those_of_the_vendor() {
        let pulse = netio().pulse(number(1), Duration::from_millis(1500)).expect("it times");
        for (request, due) in [
            (netio().switch(number(1), true), json!({"Outputs": [{"ID": 1, "Action": 1}]})),
            (netio().switch(number(4), false), json!({"Outputs": [{"ID": 4, "Action": 0}]})),
            (pulse, json!({"Outputs": [{"ID": 1, "Action": 3, "Delay": 1500}]})),
        ] {
            assert_eq!(request.url, "http://10.0.0.4/netio.json");
            let (_, body) = request.post.expect("a POST");
            assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON"), due);
        }
        assert_eq!(netio().pulse(number(1), Duration::from_micros(1_500_500)), None);
        assert_eq!(netio().pulse(number(1), Duration::from_millis(1_550)), None);
        assert_eq!(netio().question(number(2)), Some(Request::get("http://10.0.0.4/netio.json")));
    }

    #[rstest]
    #[case(1, r#"{"Agent":{"Model":"NETIO 4"},"Outputs":[{"ID":1,"Name":"a","State":1,"Action":6,"Delay":5000},{"ID":2,"State":0}]}"#, Ok(true))]
    #[case(2, r#"{"Outputs":[{"ID":1,"State":1},{"ID":2,"State":0}]}"#, Ok(false))]
    #[case(3, r#"{"Outputs":[{"ID":1,"State":1}]}"#, Err("no output 3"))]
    #[case(1, r#"{"Outputs":[{"ID":1,"State":1},{"ID":1,"State":0}]}"#, Err("two outputs"))]
    #[case(1, r#"{"Outputs":[{"ID":1,"State":2}]}"#, Err("neither 0 nor 1"))]
    #[case(1, r#"{"result":{"error":{"code":400}}}"#, Err("no state of outputs"))]
    #[case(1, "<html>", Err("no state of outputs"))]
    fn answers_are_told_from_garbage(#[case] channel: u8, #[case] answer: &str, #[case] due: Result<bool, &str>) {
        same(netio().acknowledged(number(channel), answer), due.map(Some));
        same(netio().position(number(channel), answer), due.map(Said::of));
    }
}
