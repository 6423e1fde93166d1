//! Power switches on the network, and ports of USB hubs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    relay::{Place, Stated},
    secret::Secret,
};

/// A host with a port where it is not the usual one: a name, an IPv4 address, or an IPv6 address in brackets.
const HOST: &str = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)(:[1-9][0-9]{0,4})?$";
/// An address over plain HTTP.
const URL: &str = r"^http://[^\s/?#]+([/?][^\s#]*)?$";

/// A host and the port that it is reached by, so that one device is known by one name. Whatever case its name has.
fn at_host(family: &'static str, host: &str, usual: u16, transport: &str, sizes: &'static [u8]) -> Stated {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if has_port { String::new() } else { format!(":{usual}") };
    let key = format!("{transport}:{}{port}", host.to_ascii_lowercase());
    Stated { family, place: Place::Elsewhere { key, field: "host" }, sizes }
}

/// A name and a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Login {
    /// The name of the user.
    #[schemars(regex(pattern = r"^[^:\x00-\x1f]+$"), extend("examples" = ["admin"]))]
    pub user: String,
    /// Where its password is read from.
    pub password: Secret,
}

/// A Shelly of the first generation: `GET /relay/0?turn=on`. It times pulses of whole seconds itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShellyGen1 {
    /// Where it is: a name or an address, with the port where that is not 80.
    #[schemars(regex(pattern = HOST), extend("examples" = ["192.168.1.20"]))]
    pub host: String,
    /// What it asks for, if its login is restricted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

impl ShellyGen1 {
    pub(super) fn stated(&self) -> Stated {
        at_host("shelly-gen1", &self.host, 80, "tcp", &[])
    }
}

/// A Shelly of the second generation or later: `Switch.Set` over `POST /rpc`. It times pulses itself, and tells who
/// switched it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShellyGen2 {
    /// Where it is: a name or an address, with the port where that is not 80.
    #[schemars(regex(pattern = HOST), extend("examples" = ["192.168.1.21"]))]
    pub host: String,
    /// Where the password of its user `admin` is read from, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

impl ShellyGen2 {
    pub(super) fn stated(&self) -> Stated {
        at_host("shelly-gen2", &self.host, 80, "tcp", &[])
    }
}

/// A device with Tasmota: `GET /cm?cmnd=Power1%20On`. After a loss of power it does what its `PowerOnState` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tasmota {
    /// Where it is: a name or an address, with the port where that is not 80.
    #[schemars(regex(pattern = HOST), extend("examples" = ["192.168.1.22"]))]
    pub host: String,
    /// What it asks for, if it has a web password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

impl Tasmota {
    pub(super) fn stated(&self) -> Stated {
        at_host("tasmota", &self.host, 80, "tcp", &[])
    }
}

/// A socket or power strip of NETIO with its JSON interface switched on: `POST /netio.json`. It times pulses itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Netio {
    /// Where it is: a name or an address, with the port where that is not 80.
    #[schemars(regex(pattern = HOST), extend("examples" = ["192.168.1.23"]))]
    pub host: String,
    /// The user of its JSON interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

impl Netio {
    pub(super) fn stated(&self) -> Stated {
        at_host("netio", &self.host, 80, "tcp", &[])
    }
}

/// The web board of SainSmart with 8 or 16 relays: `GET /30000/NN`, and its positions at `/30000/99`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SainsmartWeb {
    /// Where it is: a name or an address, with the port where that is not 80.
    #[schemars(regex(pattern = HOST), extend("examples" = ["192.168.1.4"]))]
    pub host: String,
}

impl SainsmartWeb {
    pub(super) fn stated(&self) -> Stated {
        at_host("sainsmart-web", &self.host, 80, "tcp", &[8, 16])
    }
}

/// Any device that is switched by addresses over HTTP. In addresses and texts `{channel}` is the channel from 1, and
/// `{index}` the channel from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Web {
    /// The address that switches a channel on.
    #[schemars(regex(pattern = URL), extend("examples" = ["http://192.168.1.24/io.cgi?DOA{channel}"]))]
    pub on: String,
    /// The address that switches a channel off.
    #[schemars(regex(pattern = URL), extend("examples" = ["http://192.168.1.24/io.cgi?DOI{channel}"]))]
    pub off: String,
    /// How the two are asked for; default `get`.
    #[serde(default, skip_serializing_if = "WebMethod::is_usual")]
    pub method: WebMethod,
    /// How it tells positions; without it a switched channel is known as commanded only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<WebState>,
    /// What it asks for, if it does (HTTP basic authentication).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

impl Web {
    /// Host and port of the device.
    pub fn authority(&self) -> &str {
        let rest = self.on.strip_prefix("http://").unwrap_or(&self.on);
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    }

    pub(super) fn stated(&self) -> Stated {
        let stated = at_host("http", self.authority(), 80, "tcp", &[]);
        Stated { place: Place::Elsewhere { key: stated.place.key().unwrap_or_default(), field: "on" }, ..stated }
    }
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebMethod {
    /// GET.
    #[default]
    Get,
    /// POST without a body.
    Post,
}

impl WebMethod {
    const fn is_usual(&self) -> bool {
        matches!(self, Self::Get)
    }
}

/// Where positions are asked for, and what in the answer says them. Exactly one of the two texts must be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WebState {
    /// The address that is asked.
    #[schemars(regex(pattern = URL), extend("examples" = ["http://192.168.1.24/io.cgi?relay"]))]
    pub url: String,
    /// What stands in the answer when the channel is on.
    #[schemars(length(min = 1), extend("examples" = ["\"ison\":true"]))]
    pub says_on: String,
    /// What stands in the answer when the channel is off.
    #[schemars(length(min = 1), extend("examples" = ["\"ison\":false"]))]
    pub says_off: String,
}

/// A power strip that is switched by SNMP: a `preset`, or `outlet` with its two values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Snmp {
    /// Where it is: a name or an address, with the port where that is not 161.
    #[schemars(regex(pattern = HOST), extend("examples" = ["192.168.1.25"]))]
    pub host: String,
    /// The version that it speaks; default `v1`.
    #[serde(default)]
    pub version: SnmpVersion,
    /// Where the community is read from that may write.
    pub community: Secret,
    /// A device whose objects are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<SnmpPreset>,
    /// The object that switches an outlet and tells its position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlet: Option<SnmpOutlet>,
}

impl Snmp {
    pub(super) fn stated(&self) -> Stated {
        at_host("snmp", &self.host, 161, "udp", &[])
    }
}

/// The object of an outlet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SnmpOutlet {
    /// Its identifier, with `{channel}` where the outlet stands.
    #[schemars(regex(pattern = r"^\.?[0-2](\.([0-9]{1,10}|\{channel\}))+$"), extend("examples" = [".1.3.6.1.4.1.318.1.1.4.4.2.1.3.{channel}"]))]
    pub oid: String,
    /// The value that switches on, and that says on.
    pub on: i32,
    /// The value that switches off, and that says off.
    pub off: i32,
}

/// A version of SNMP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnmpVersion {
    /// Version 1.
    #[default]
    V1,
    /// Version 2c.
    V2c,
}

/// A device whose objects are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnmpPreset {
    /// APC MasterSwitch (`sPDUOutletCtl`).
    ApcMasterSwitch,
    /// APC switched rack PDU (`rPDUOutletControlOutletCommand`).
    ApcRackPdu,
}

impl Snmp {
    /// The object of an outlet; none in a document that `check` refuses.
    pub fn object(&self) -> Option<SnmpOutlet> {
        // PowerNet-MIB of APC: 1 is on, 2 is off in both.
        let apc = |below: &str| {
            let oid = format!(".1.3.6.1.4.1.318.1.1.{below}.{{channel}}");
            Some(SnmpOutlet { oid, on: 1, off: 2 })
        };
        match (self.preset, &self.outlet) {
            (Some(_), Some(_)) => None,
            (Some(SnmpPreset::ApcMasterSwitch), None) => apc("4.4.2.1.3"),
            (Some(SnmpPreset::ApcRackPdu), None) => apc("12.3.3.1.1.4"),
            (None, outlet) => outlet.clone(),
        }
    }
}

/// A relay board of Devantech on the network (ETH002, ETH484, ETH008, ETH8020): bytes over TCP. It times pulses itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DevantechEth {
    /// Where it is: a name or an address, with the port where that is not 17494.
    #[schemars(regex(pattern = HOST), extend("examples" = ["192.168.1.26"]))]
    pub host: String,
    /// Where its password is read from, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

impl DevantechEth {
    pub(super) fn stated(&self) -> Stated {
        at_host("devantech-eth", &self.host, 17494, "tcp", &[2, 4, 8, 20])
    }
}

/// A USB hub whose ports are channels: channel 3 is its port 3. Needs Linux 6.0 and the right to write to the files
/// `disable` of its ports. A hub that cannot switch its supply takes a device off the bus all the same, so use it for
/// what hangs on USB, or see that it really cuts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UsbHub {
    /// The USB port that the hub is plugged into, or `usb1` for the ports of the host's own controller 1.
    #[schemars(regex(pattern = r"^(usb[1-9][0-9]{0,2}|[1-9][0-9]{0,2}-[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){0,4})$"), extend("examples" = ["1-2"]))]
    pub usb: String,
}

impl UsbHub {
    pub(super) fn stated(&self) -> Stated {
        let key = format!("hub:{}", self.usb);
        Stated { family: "usb-hub", place: Place::Elsewhere { key, field: "usb" }, sizes: &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::RelayBoard;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case(json!({"shelly-gen1": {"host": "Plug-1.lab"}}), "tcp:plug-1.lab:80")]
    #[case(json!({"tasmota": {"host": "10.0.0.1:8080"}}), "tcp:10.0.0.1:8080")]
    #[case(json!({"devantech-eth": {"host": "[fe80::1]"}}), "tcp:[fe80::1]:17494")]
    #[case(json!({"snmp": {"host": "h", "community": {"from-env": "C"}}}), "udp:h:161")]
    #[case(json!({"http": {"on": "http://h:81/on?x=http://other/", "off": "http://h:81/off"}}), "tcp:h:81")]
    #[case(json!({"http": {"on": "http://h?on", "off": "http://h?off"}}), "tcp:h:80")]
    #[case(json!({"usb-hub": {"usb": "1-2"}}), "hub:1-2")]
    fn a_device_is_known_by_where_it_is(#[case] board: Value, #[case] key: &str) {
        let mut board = board;
        board["channels"] = 1.into();
        let board: RelayBoard = serde_json::from_value(board).expect("a board");
        assert_eq!(board.key().as_deref(), Some(key));
        assert_eq!(board.stated().len(), 1);
    }

    #[test]
    fn a_program_is_known_by_all_of_its_words() {
        let key = |program: Value| {
            let board = json!({"channels": 1, "command": {"program": program}});
            serde_json::from_value::<RelayBoard>(board).expect("a board").key().expect("a key")
        };
        let (one, two) = (key(json!(["/opt/lab/strip", "1"])), key(json!(["/opt/lab/strip", "2"])));
        assert!(one.starts_with("program:strip#") && one != two);
        assert!(key(json!(["x".repeat(4000)])).len() < 100, "it is part of file names");
    }

    #[test]
    fn presets_are_those_of_the_vendors_table() {
        let object = |preset| {
            let snmp = json!({"host": "h", "community": {"from-env": "C"}, "preset": preset});
            serde_json::from_value::<Snmp>(snmp).expect("a strip").object().expect("an object")
        };
        let master = object("apc-master-switch");
        assert_eq!((master.oid.as_str(), master.on, master.off), (".1.3.6.1.4.1.318.1.1.4.4.2.1.3.{channel}", 1, 2));
        assert_eq!(object("apc-rack-pdu").oid, ".1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.{channel}");
    }
}
