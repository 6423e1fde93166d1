//! The loop: hosts, peers and orders around the radio. One thread, which waits for descriptors and for what is due.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, ErrorKind},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::{
    address::Address,
    client::Client,
    clock::{log, now},
    controller::Controller,
    dongle::{Dongle, FromKernel},
    order::Order,
    peer::{self, Peer},
    radio::Radio,
    stream::listen,
};

/// How many may give orders at a time.
const CLIENTS: usize = 64;
/// How many packets of a kernel are taken before anybody else has a turn.
const PACKETS: usize = 64;

/// Who has a controller.
enum Host {
    /// The kernel; without a dongle it is unplugged.
    Kernel(Option<Dongle>),
    /// Whoever is connected.
    Peer(Peer),
}

/// What has something to say.
#[derive(Debug, Clone, Copy)]
enum Source {
    Host(Address),
    Listener(Address),
    Orders,
    Client(usize),
}

/// Makes the controller of an address.
type Make<C> = Box<dyn Fn(Address) -> io::Result<C>>;
/// Opens the kernel's device for one more dongle.
type Open = Box<dyn Fn() -> io::Result<File>>;

/// The radio and all who are connected to it.
pub(crate) struct Server<C> {
    radio: Radio<C>,
    make: Make<C>,
    open: Open,
    hosts: BTreeMap<Address, Host>,
    orders: Option<UnixListener>,
    clients: Vec<Client>,
}

impl<C: Controller> Server<C> {
    /// Without hosts yet.
    pub(crate) fn new(radio: Radio<C>, make: Make<C>, open: Open) -> Self {
        Self { radio, make, open, hosts: BTreeMap::new(), orders: None, clients: Vec::new() }
    }

    /// Adds a peer, off.
    pub(crate) fn peer(&mut self, address: Address, path: &Path) -> io::Result<()> {
        self.hosts.insert(address, Host::Peer(Peer::listen(path)?));
        Ok(())
    }

    /// Adds a dongle, plugged in.
    pub(crate) fn dongle(&mut self, address: Address) -> io::Result<()> {
        let dongle = Dongle::plug((self.open)()?)?;
        self.radio.on(now(), address, (self.make)(address)?);
        log(format_args!("on {address}"));
        self.hosts.insert(address, Host::Kernel(Some(dongle)));
        Ok(())
    }

    /// Takes orders from now on: the socket tells that all is up.
    pub(crate) fn listen(&mut self, path: &Path) -> io::Result<()> {
        self.orders = Some(listen(path)?);
        Ok(())
    }

    /// Does what is due, waits (no longer than that), and hears who has something to say.
    ///
    /// # Errors
    /// When there is no waiting any more. What hosts and clients do is no error here.
    pub(crate) fn turn(&mut self, at_most: Option<Duration>) -> io::Result<()> {
        self.radio.run(now());
        self.deliver();
        for (source, readable, writable) in self.wait(at_most)? {
            match source {
                Source::Host(address) => self.host(address, readable, writable),
                Source::Listener(address) => self.accept_host(address),
                Source::Orders => self.accept_client(),
                Source::Client(index) => self.client(index, readable),
            }
            self.deliver();
        }
        self.clients.retain(|client| !client.is_done());
        Ok(())
    }

    fn wait(&self, at_most: Option<Duration>) -> io::Result<Vec<(Source, bool, bool)>> {
        let flags = |waits| if waits { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut watched: Vec<(Source, PollFd<'_>)> = Vec::new();
        // Hosts before listeners: one that ends makes room for the next one.
        for (&address, host) in &self.hosts {
            match host {
                Host::Kernel(Some(dongle)) => watched.push((Source::Host(address), PollFd::new(dongle, PollFlags::IN))),
                Host::Peer(Peer { host: Some(host), .. }) => {
                    watched.push((Source::Host(address), PollFd::new(&host.stream, flags(host.stream.waits()))));
                }
                _ => {}
            }
        }
        for (&address, host) in &self.hosts {
            if let Host::Peer(peer) = host {
                watched.push((Source::Listener(address), PollFd::new(&peer.listener, PollFlags::IN)));
            }
        }
        watched.extend(self.orders.iter().map(|orders| (Source::Orders, PollFd::new(orders, PollFlags::IN))));
        watched.extend(self.clients.iter().enumerate().map(|(index, client)| {
            // The end of what comes is told once, or there is no waiting for the rest to go.
            let flags = if client.has_ended() { PollFlags::OUT } else { flags(client.stream.waits()) };
            (Source::Client(index), PollFd::new(&client.stream, flags))
        }));
        let (sources, mut descriptors): (Vec<Source>, Vec<PollFd<'_>>) = watched.into_iter().unzip();
        let due = self.radio.next().map(|at| at.saturating_sub(now()));
        let timeout =
            due.into_iter().chain(at_most).min().map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        match poll(&mut descriptors, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        let heard = sources.into_iter().zip(descriptors).filter_map(|(source, descriptor)| {
            let flags = descriptor.revents();
            let writable = flags.contains(PollFlags::OUT);
            // Errors and the end are found by reading.
            let readable = flags.intersects(!PollFlags::OUT);
            (readable || writable).then_some((source, readable, writable))
        });
        Ok(heard.collect())
    }

    /// Gives hosts what their controllers have for them.
    fn deliver(&mut self) {
        for (address, packet) in self.radio.take_for_hosts() {
            let sent = match self.hosts.get_mut(&address) {
                Some(Host::Kernel(Some(dongle))) => dongle.send(packet).or_else(|error| {
                    // The kernel refuses a packet, not the dongle.
                    log(format_args!("the kernel takes no packet of {address}: {error}"));
                    Ok(())
                }),
                Some(Host::Peer(Peer { host: Some(host), .. })) => host.stream.send(&packet),
                _ => Ok(()),
            };
            if let Err(error) = sent {
                self.off(address, &error);
            }
        }
    }

    fn host(&mut self, address: Address, readable: bool, writable: bool) {
        match self.hosts.get_mut(&address) {
            Some(Host::Kernel(Some(dongle))) => {
                for _ in 0..PACKETS {
                    match dongle.receive() {
                        Ok(Some(FromKernel::Packet(packet))) => self.radio.command(now(), address, &packet),
                        Ok(Some(FromKernel::Plugged(number))) => log(format_args!("{address} is hci{number}")),
                        Ok(None) => break,
                        Err(error) => return self.off(address, &format_args!("/dev/vhci: {error}")),
                    }
                }
            }
            Some(Host::Peer(Peer { host: Some(host), .. })) => {
                let flushed = if writable { host.stream.flush().map_err(peer::End::from) } else { Ok(()) };
                let (packets, end) = if readable { host.receive() } else { (Vec::new(), Ok(())) };
                for packet in packets {
                    self.radio.command(now(), address, &packet);
                }
                if let Err(end) = flushed.and(end) {
                    self.off(address, &end);
                }
            }
            _ => {}
        }
    }

    /// Switches a controller off and parts from its host.
    fn off(&mut self, address: Address, why: &dyn std::fmt::Display) {
        self.radio.off(address);
        match self.hosts.get_mut(&address) {
            Some(Host::Kernel(dongle)) => *dongle = None,
            Some(Host::Peer(peer)) => peer.host = None,
            None => {}
        }
        log(format_args!("off {address}: {why}"));
    }

    fn accept_host(&mut self, address: Address) {
        let Some(Host::Peer(peer)) = self.hosts.get_mut(&address) else { return };
        let Some(socket) = accept(&peer.listener, &address) else { return };
        if peer.host.is_some() {
            log(format_args!("{address} has a host: another one was sent away"));
            return;
        }
        let begun = peer::Host::new(socket).and_then(|host| Ok((host, (self.make)(address)?)));
        match begun {
            Ok((host, controller)) => {
                peer.host = Some(host);
                self.radio.on(now(), address, controller);
                log(format_args!("on {address}"));
            }
            Err(error) => log(format_args!("{address} stays off: {error}")),
        }
    }

    fn accept_client(&mut self) {
        let Some(socket) = self.orders.as_ref().and_then(|orders| accept(orders, &"control")) else { return };
        if self.clients.len() == CLIENTS {
            log(format_args!("{CLIENTS} are giving orders: another one was sent away"));
            return;
        }
        match Client::new(socket) {
            Ok(client) => self.clients.push(client),
            Err(error) => log(format_args!("control: {error}")),
        }
    }

    fn client(&mut self, index: usize, readable: bool) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let heard = client.stream.flush().and_then(|()| if readable { client.receive() } else { Ok(Vec::new()) });
        let answered = heard.and_then(|lines| {
            lines.iter().try_for_each(|line| {
                let result = self.obey(line);
                log(format_args!("order {line}: {}", result.as_ref().map_or_else(String::as_str, |()| "done")));
                self.clients.get_mut(index).map_or(Ok(()), |client| client.answer(result))
            })
        });
        if let (Err(error), Some(client)) = (answered, self.clients.get_mut(index)) {
            log(format_args!("control: {error}"));
            client.end();
        }
    }

    fn obey(&mut self, line: &str) -> Result<(), String> {
        let order = Order::parse(line)?;
        let address = order.address();
        let known = || self.hosts.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let Some(antenna) = self.radio.antenna(address) else {
            return Err(format!("no controller {address}; there are {}", known()));
        };
        match order {
            Order::Range { inside, .. } => antenna.away = !inside,
            Order::Rssi { dbm, .. } => antenna.dbm = dbm,
            Order::Loss { share, .. } => antenna.loss = share,
            Order::Delay { delay, .. } => antenna.delay = delay,
            Order::Freeze { lasting, .. } => {
                if !self.radio.freeze(address, lasting.map(|lasting| now() + lasting)) {
                    return Err(format!("{address} is off"));
                }
            }
            Order::Unplug { .. } => match self.hosts.get(&address) {
                Some(Host::Kernel(Some(_))) => self.off(address, &"unplugged"),
                Some(Host::Kernel(None)) => return Err(format!("{address} is unplugged")),
                _ => return Err(no_dongle(address)),
            },
            Order::Plug { .. } => match self.hosts.get(&address) {
                Some(Host::Kernel(None)) => self.dongle(address).map_err(|error| error.to_string())?,
                Some(Host::Kernel(Some(_))) => return Err(format!("{address} is plugged in")),
                _ => return Err(no_dongle(address)),
            },
        }
        Ok(())
    }
}

fn no_dongle(address: Address) -> String {
    format!("{address} is no dongle: a peer is on while a host is connected to its socket")
}

fn accept(listener: &UnixListener, whose: &dyn std::fmt::Display) -> Option<UnixStream> {
    match listener.accept() {
        Ok((socket, _)) => Some(socket),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => {
            log(format_args!("{whose}: no connection: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
