//! Power switches on the network and ports of USB hubs: what they are told and what they say, each family in a file.

mod client;
mod devantech_eth;
mod digest;
#[cfg(test)]
mod fake;
mod netio;
mod plain;
mod sainsmart_web;
mod secret;
mod shelly_gen1;
mod shelly_gen2;
mod snmp;
mod snmp_wire;
mod tasmota;
#[cfg(test)]
mod tests;
mod usb_hub;
mod web;

use rigtone_model::document::Login;

use self::{
    client::{Client, Credentials},
    web::WebLine,
};
use super::families::Make;

/// The families here.
pub(super) const FAMILIES: &[Make] = &[
    |member, board| {
        let document = board.shelly_gen1.as_ref()?;
        let client = Client::new(&document.host, document.login.clone().map(Credentials::Basic));
        Some(Box::new(WebLine::new(member, shelly_gen1::ShellyGen1::at(&document.host), client)))
    },
    |member, board| {
        let document = board.shelly_gen2.as_ref()?;
        // It knows one user.
        let login = document.password.clone().map(|password| Login { user: "admin".to_owned(), password });
        let client = Client::new(&document.host, login.map(Credentials::Digest));
        Some(Box::new(WebLine::new(member, shelly_gen2::ShellyGen2::at(&document.host), client)))
    },
    |member, board| {
        let document = board.tasmota.as_ref()?;
        let client = Client::new(&document.host, document.login.clone().map(Credentials::InQuery));
        Some(Box::new(WebLine::new(member, tasmota::Tasmota::at(&document.host), client)))
    },
    |member, board| {
        let document = board.netio.as_ref()?;
        let client = Client::new(&document.host, document.login.clone().map(Credentials::Basic));
        Some(Box::new(WebLine::new(member, netio::Netio::at(&document.host), client)))
    },
    |member, board| {
        let document = board.sainsmart_web.as_ref()?;
        let client = Client::new(&document.host, None);
        let words = sainsmart_web::SainsmartWeb::at(&document.host, board.channels);
        Some(Box::new(WebLine::new(member, words, client)))
    },
    |member, board| {
        let document = board.http.as_ref()?;
        let client = Client::new(document.authority(), document.login.clone().map(Credentials::Basic));
        Some(Box::new(WebLine::new(member, plain::Plain::of(document.clone()), client)))
    },
    |member, board| Some(Box::new(snmp::Snmp::new(member, board.snmp.as_ref()?))),
    |member, board| {
        let document = board.devantech_eth.as_ref()?;
        Some(Box::new(devantech_eth::DevantechEth::new(member, document, board.channels)))
    },
    |member, board| Some(Box::new(usb_hub::UsbHub::new(member, board.usb_hub.as_ref()?, crate::usb::Sysfs::host()))),
];

/// A host with its port, or the usual one.
fn with_port(host: &str, usual: u16) -> String {
    let named = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok() && !port.is_empty());
    // The last part of an IPv6 address in brackets ends with one.
    if named { host.to_owned() } else { format!("{host}:{usual}") }
}

#[cfg(test)]
mod ports {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("10.0.0.1", "10.0.0.1:161")]
    #[case("10.0.0.1:1161", "10.0.0.1:1161")]
    #[case("[fe80::1]", "[fe80::1]:161")]
    #[case("[fe80::1]:1161", "[fe80::1]:1161")]
    #[case("strip", "strip:161")]
    fn a_port_that_is_named_is_kept(#[case] host: &str, #[case] due: &str) {
        assert_eq!(with_port(host, 161), due);
    }
}
