//! Shelly, second generation and later: JSON-RPC over `POST /rpc`.
//!
//! Source: the vendor's description of `Switch.Set` and `Switch.GetStatus`. Switches count from 0.

use std::{num::NonZeroU8, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::Request,
    web::{Said, Words},
};

/// The words of a Shelly of the second generation.
pub(crate) struct ShellyGen2 {
    base: String,
}

#[derive(Deserialize)]
struct Answer {
    id: Option<u64>,
    result: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    #[serde(default)]
    message: String,
}

/// `Switch.GetStatus`.
#[derive(Deserialize)]
struct Status {
    id: u8,
    output: bool,
    source: Option<String>,
}

/// `Switch.Set`.
#[derive(Deserialize)]
struct Done {
    #[serde(rename = "was_on")]
    _was_on: bool,
}

impl ShellyGen2 {
    pub(crate) fn at(host: &str) -> Self {
        Self { base: format!("http://{host}") }
    }

    fn call(&self, channel: NonZeroU8, method: &str, params: &Value) -> Request {
        let body = json!({"id": u64::from(channel.get()), "method": method, "params": params});
        Request::post(format!("{}/rpc", self.base), "application/json", body.to_string())
    }
}

/// The result of the call that was made for a channel.
fn result(channel: NonZeroU8, answer: &str) -> Result<Value, String> {
    let answer: Answer = serde_json::from_str(answer).map_err(|e| format!("that is no answer of JSON-RPC: {e}"))?;
    match answer {
        Answer { error: Some(Refusal { code, message }), .. } => {
            Err(format!("it refused, with the code {code} and `{message}`"))
        }
        Answer { id, result: Some(result), .. } if id == Some(u64::from(channel.get())) => Ok(result),
        _ => Err("that answers another call".to_owned()),
    }
}

impl Words for ShellyGen2 {
    fn switch(&self, channel: NonZeroU8, on: bool) -> Request {
        self.call(channel, "Switch.Set", &json!({"id": channel.get() - 1, "on": on}))
    }

    fn acknowledged(&self, channel: NonZeroU8, answer: &str) -> Result<Option<bool>, String> {
        let done: Result<Done, _> = serde_json::from_value(result(channel, answer)?);
        // What it was before says nothing about what it is now.
        done.map(|_| None).map_err(|e| format!("that does not acknowledge `Switch.Set`: {e}"))
    }

    fn question(&self, channel: NonZeroU8) -> Option<Request> {
        Some(self.call(channel, "Switch.GetStatus", &json!({"id": channel.get() - 1})))
    }

    fn position(&self, channel: NonZeroU8, answer: &str) -> Result<Said, String> {
        let status: Result<Status, _> = serde_json::from_value(result(channel, answer)?);
        match status {
            Ok(status) if status.id == channel.get() - 1 => Ok(Said { on: status.output, by: status.source }),
            Ok(_) => Err("that is the status of another switch".to_owned()),
            Err(e) => Err(format!("that is no status of a switch: {e}")),
        }
    }

    fn pulse(&self, channel: NonZeroU8, held: Duration) -> Option<Request> {
        let params = json!({"id": channel.get() - 1, "on": true, "toggle_after": held.as_secs_f64()});
        (!held.is_zero()).then(|| self.call(channel, "Switch.Set", &params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::fake::{number, same};
    use rstest::rstest;

    fn shelly() -> ShellyGen2 {
        ShellyGen2::at("10.0.0.2")
    }

    #[test]
    fn orders_and_questions_are_those_of_the_vendor() {
        let bodies = [
            shelly().switch(number(1), true),
            shelly().switch(number(3), false),
            shelly().question(number(2)).expect("it tells"),
            shelly().pulse(number(1), Duration::from_millis(1500)).expect("it times"),
        ];
        let due = [
            json!({"id": 1, "method": "Switch.Set", "params": {"id": 0, "on": true}}),
            json!({"id": 3, "method": "Switch.Set", "params": {"id": 2, "on": false}}),
            json!({"id": 2, "method": "Switch.GetStatus", "params": {"id": 1}}),
            json!({"id": 1, "method": "Switch.Set", "params": {"id": 0, "on": true, "toggle_after": 1.5}}),
        ];
        for (request, due) in bodies.into_iter().zip(due) {
            let (kind, body) = request.post.expect("a POST");
            assert_eq!((request.url.as_str(), kind), ("http://10.0.0.2/rpc", "application/json"));
            assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON"), due);
        }
    }

    #[rstest]
    #[case(r#"{"id":1,"src":"shellyplus1-a","result":{"id":0,"source":"button","output":true,"apower":8.9}}"#,
        Ok(Said { on: true, by: Some("button".into()) }))]
    #[case(r#"{"id":1,"result":{"id":0,"output":false}}"#, Ok(Said::of(false)))]
    #[case(r#"{"id":2,"result":{"id":0,"output":false}}"#, Err("another call"))]
    #[case(r#"{"id":1,"result":{"id":1,"output":false}}"#, Err("another switch"))]
    #[case(r#"{"id":1,"result":{"was_on":false}}"#, Err("no status of a switch"))]
    #[case(r#"{"id":1,"error":{"code":-105,"message":"Argument 'id', value 0 not found!"}}"#, Err("code -105"))]
    #[case(r#"{"id":1}"#, Err("another call"))]
    #[case("[]", Err("no answer of JSON-RPC"))]
    #[case("Not Found", Err("no answer of JSON-RPC"))]
    fn answers_are_told_from_garbage(#[case] answer: &str, #[case] due: Result<Said, &str>) {
        same(shelly().position(number(1), answer), due);
    }

    #[rstest]
    #[case(r#"{"id":1,"result":{"was_on":false}}"#, Ok(None))]
    #[case(r#"{"id":1,"result":{}}"#, Err("does not acknowledge"))]
    #[case(r#"{"id":1,"error":{"code":401}}"#, Err("code 401"))]
    fn an_order_is_acknowledged_by_what_was_before(#[case] answer: &str, #[case] due: Result<Option<bool>, &str>) {
        same(shelly().acknowledged(number(1), answer), due);
    }
}
