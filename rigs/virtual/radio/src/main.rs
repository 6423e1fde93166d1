//! The radio of the virtual rig: Bluetooth controllers (rootcanal's library) with fixed addresses, and the air between them.
//!
//! A host's controller belongs to the kernel (`/dev/vhci`: a dongle); a peer's to whoever is connected to its Unix socket (HCI, H4): the
//! connection is the power of that controller. The control socket appears when everything is up; it takes one JSON object per line and
//! answers `{"ok":true}` or `{"error":...}`; [`order`] reads them.

mod address;
mod air;
mod client;
mod clock;
mod controller;
mod dongle;
#[cfg(test)]
mod fake;
mod guard;
mod h4;
mod link_key;
mod order;
mod peer;
mod radio;
mod rootcanal;
mod server;
mod stream;
mod wheel;

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use anyhow::{Context, ensure};
use clap::Parser;

use crate::{address::Address, air::Air, clock::log, radio::Radio, rootcanal::Library, server::Server};

/// The radio of the virtual rig: Bluetooth controllers and the air between them.
#[derive(Debug, Parser)]
#[command(after_long_help = format!("Orders to the control socket, one JSON object per line: {}", order::ORDERS))]
struct Arguments {
    /// A controller of the kernel (a dongle, by way of /dev/vhci); may be given several times
    #[arg(long = "host", value_name = "ADDRESS")]
    hosts: Vec<Address>,
    /// A controller of whoever connects to this Unix socket (HCI, H4); may be given several times
    #[arg(long = "peer", value_name = "ADDRESS=SOCKET", value_parser = peer_argument)]
    peers: Vec<(Address, PathBuf)>,
    /// Unix socket for orders; it appears when everything is up
    #[arg(long, value_name = "SOCKET")]
    control: PathBuf,
    /// librootcanal_ffi.so, or a virtual environment of Python in which the wheel is installed
    #[arg(long, value_name = "PATH", env = "VIRTUAL_ENV")]
    library: PathBuf,
    /// What losses are left to
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn peer_argument(word: &str) -> Result<(Address, PathBuf), String> {
    let (address, path) = word.split_once('=').ok_or_else(|| "no `=` between address and socket".to_owned())?;
    let address = address.parse().map_err(|error: address::NoAddress| error.to_string())?;
    Ok((address, path.into()))
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(format_args!("rigtone-radio: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let peers = arguments.peers.iter().map(|(address, _)| *address);
    let mut addresses = BTreeSet::new();
    for address in arguments.hosts.iter().copied().chain(peers) {
        ensure!(addresses.insert(address), "two controllers cannot have the address {address}");
    }
    let library = Library::open(&wheel::library(&arguments.library)?)?;
    log(format_args!("seed {}", arguments.seed));
    let radio = Radio::new(Air::new(arguments.seed, addresses));
    let mut server = Server::new(radio, Box::new(move |address| library.controller(address)), Box::new(dongle::vhci));
    for (address, path) in &arguments.peers {
        server
            .peer(*address, path)
            .with_context(|| format!("cannot listen for the host of {address} at {}", path.display()))?;
    }
    for address in &arguments.hosts {
        server.dongle(*address).with_context(|| format!("cannot plug in {address}"))?;
    }
    let control = &arguments.control;
    server.listen(control).with_context(|| format!("cannot listen for orders at {}", control.display()))?;
    loop {
        server.turn(None).context("cannot wait")?;
    }
}
