//! Orders to the radio: one JSON object each.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::address::Address;

/// What can be ordered, as told to whoever orders something else.
pub(crate) const ORDERS: &str = r#"{"range": ADDRESS, "in": true|false}, {"rssi": ADDRESS, "dbm": -127..20}, {"loss": ADDRESS, "share": 0..1}, {"delay": ADDRESS, "ms": 0..10000}, {"unplug": ADDRESS}, {"plug": ADDRESS}, {"freeze": ADDRESS} or with "for-ms""#;

/// An order, to or about the controller of an address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Order {
    /// Out of range nothing is sent and nothing received.
    Range { address: Address, inside: bool },
    /// Signal strength.
    Rssi { address: Address, dbm: i8 },
    /// Share of ACL packets lost.
    Loss { address: Address, share: f64 },
    /// How much later link-layer packets come.
    Delay { address: Address, delay: Duration },
    /// A dongle leaves its host.
    Unplug { address: Address },
    /// And comes back.
    Plug { address: Address },
    /// The controller stops, for a while or until it is switched off.
    Freeze { address: Address, lasting: Option<Duration> },
}

impl Order {
    /// Whom it is about.
    pub(crate) const fn address(self) -> Address {
        match self {
            Self::Range { address, .. }
            | Self::Rssi { address, .. }
            | Self::Loss { address, .. }
            | Self::Delay { address, .. }
            | Self::Unplug { address }
            | Self::Plug { address }
            | Self::Freeze { address, .. } => address,
        }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, and what could be ordered.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        read(line).map_err(|why| format!("{why}; orders: {ORDERS}"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    range: Address,
    r#in: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rssi {
    rssi: Address,
    dbm: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Loss {
    loss: Address,
    share: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    delay: Address,
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unplug {
    unplug: Address,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plug {
    plug: Address,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Freeze {
    freeze: Address,
    for_ms: Option<u64>,
}

fn read(line: &str) -> Result<Order, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
    let members = value.as_object().ok_or_else(|| format!("no JSON object: {value}"))?;
    let verbs = ["range", "rssi", "loss", "delay", "unplug", "plug", "freeze"];
    let verb =
        verbs.into_iter().find(|verb| members.contains_key(*verb)).ok_or_else(|| format!("no order: {value}"))?;
    match verb {
        "range" => fields(value).map(|Range { range: address, r#in: inside }| Order::Range { address, inside }),
        "rssi" => {
            let Rssi { rssi: address, dbm } = fields(value)?;
            // As far as HCI can tell it.
            let dbm = i8::try_from(dbm).ok().filter(|dbm| *dbm != i8::MIN && *dbm <= 20);
            dbm.map(|dbm| Order::Rssi { address, dbm }).ok_or_else(|| "`dbm` is not from -127 to 20".to_owned())
        }
        "loss" => {
            let Loss { loss: address, share } = fields(value)?;
            if !(0.0..=1.0).contains(&share) {
                return Err("`share` is not from 0 to 1".to_owned());
            }
            Ok(Order::Loss { address, share })
        }
        "delay" => {
            let Delay { delay: address, ms } = fields(value)?;
            if ms > 10_000 {
                return Err("`ms` is not from 0 to 10000".to_owned());
            }
            Ok(Order::Delay { address, delay: Duration::from_millis(ms) })
        }
        "unplug" => fields(value).map(|Unplug { unplug: address }| Order::Unplug { address }),
        "plug" => fields(value).map(|Plug { plug: address }| Order::Plug { address }),
        _ => fields(value).map(|Freeze { freeze: address, for_ms }| Order::Freeze {
            address,
            lasting: for_ms.map(Duration::from_millis),
        }),
    }
}

fn fields<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    let shown = value.to_string();
    serde_json::from_value(value).map_err(|error| format!("{error}: {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn address() -> Address {
        "D2:00:00:00:00:01".parse().unwrap()
    }

    #[rstest]
    #[case(r#"{"range": "D2:00:00:00:00:01", "in": false}"#, Order::Range { address: address(), inside: false })]
    #[case(r#"{"in": true, "range": "d2:00:00:00:00:01"}"#, Order::Range { address: address(), inside: true })]
    #[case(r#"{"rssi": "D2:00:00:00:00:01", "dbm": -71}"#, Order::Rssi { address: address(), dbm: -71 })]
    #[case(r#"{"loss": "D2:00:00:00:00:01", "share": 0.05}"#, Order::Loss { address: address(), share: 0.05 })]
    #[case(r#"{"loss": "D2:00:00:00:00:01", "share": 1}"#, Order::Loss { address: address(), share: 1.0 })]
    #[case(r#"{"delay": "D2:00:00:00:00:01", "ms": 40}"#, Order::Delay { address: address(), delay: Duration::from_millis(40) })]
    #[case(r#"{"unplug": "D2:00:00:00:00:01"}"#, Order::Unplug { address: address() })]
    #[case(r#"{"plug": "D2:00:00:00:00:01"}"#, Order::Plug { address: address() })]
    #[case(r#"{"freeze": "D2:00:00:00:00:01"}"#, Order::Freeze { address: address(), lasting: None })]
    #[case(
        r#"{"freeze": "D2:00:00:00:00:01", "for-ms": 900}"#,
        Order::Freeze { address: address(), lasting: Some(Duration::from_millis(900)) }
    )]
    fn an_order_is_understood(#[case] line: &str, #[case] order: Order) {
        assert_eq!(Order::parse(line), Ok(order));
    }

    #[rstest]
    #[case("range", "no JSON: expected value")]
    #[case("", "no JSON: EOF")]
    #[case("[]", "no JSON object: []")]
    #[case("{}", "no order: {}")]
    #[case(r#"{"rang": "D2:00:00:00:00:01"}"#, "no order: ")]
    #[case(r#"{"range": "D2:00:00:00:00:01"}"#, "missing field `in`")]
    #[case(r#"{"range": "D2:00:00:00:00:01", "in": "no"}"#, "expected a boolean")]
    #[case(r#"{"range": "speaker", "in": true}"#, "`speaker` is no address")]
    #[case(r#"{"range": 1, "in": true}"#, "expected a string")]
    #[case(r#"{"range": "D2:00:00:00:00:01", "in": true, "for": 1}"#, "unknown field `for`")]
    #[case(r#"{"range": "D2:00:00:00:00:01", "in": true, "plug": "D2:00:00:00:00:01"}"#, "unknown field `plug`")]
    #[case(r#"{"rssi": "D2:00:00:00:00:01", "dbm": -128}"#, "`dbm` is not from -127 to 20")]
    #[case(r#"{"rssi": "D2:00:00:00:00:01", "dbm": 21}"#, "`dbm` is not from -127 to 20")]
    #[case(r#"{"rssi": "D2:00:00:00:00:01", "dbm": -5000000000}"#, "`dbm` is not from -127 to 20")]
    #[case(r#"{"rssi": "D2:00:00:00:00:01", "dbm": -70.5}"#, "expected i64")]
    #[case(r#"{"loss": "D2:00:00:00:00:01", "share": 5}"#, "`share` is not from 0 to 1")]
    #[case(r#"{"loss": "D2:00:00:00:00:01", "share": -0.1}"#, "`share` is not from 0 to 1")]
    #[case(r#"{"loss": "D2:00:00:00:00:01", "share": "5 %"}"#, "expected f64")]
    #[case(r#"{"delay": "D2:00:00:00:00:01", "ms": -1}"#, "expected u64")]
    #[case(r#"{"delay": "D2:00:00:00:00:01", "ms": 10001}"#, "`ms` is not from 0 to 10000")]
    #[case(r#"{"unplug": "D2:00:00:00:00:01", "ms": 1}"#, "unknown field `ms`")]
    #[case(r#"{"plug": null}"#, "expected a string")]
    #[case(r#"{"freeze": "D2:00:00:00:00:01", "for-ms": "1 s"}"#, "expected u64")]
    fn anything_else_is_an_error_that_tells_what_there_is(#[case] line: &str, #[case] why: &str) {
        let error = Order::parse(line).unwrap_err();
        assert!(error.contains(why), "{error}");
        assert!(error.ends_with(ORDERS), "{error}");
    }

    proptest! {
        #[test]
        fn no_line_is_too_much(line in ".{0,200}", ms in any::<u64>()) {
            let _ = Order::parse(&line);
            let lasting = Some(Duration::from_millis(ms));
            let frozen = Order::parse(&format!(r#"{{"freeze": "D2:00:00:00:00:01", "for-ms": {ms}}}"#));
            prop_assert_eq!(frozen, Ok(Order::Freeze { address: address(), lasting }));
        }
    }
}
