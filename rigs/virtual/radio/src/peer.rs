//! A controller whose host is whoever is connected to a Unix socket: the connection is its power.

use std::{
    io,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
};

use crate::{
    h4::{Framer, Garbage},
    stream::{Stream, listen},
};

/// The socket of a peer, and its host if there is one.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) listener: UnixListener,
    pub(crate) host: Option<Host>,
}

/// The host of a peer.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) stream: Stream,
    framer: Framer,
}

/// How a host ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// It closed the connection.
    #[error("disconnected")]
    Closed,
    /// It closed the connection while it was sending a packet.
    #[error("disconnected after {0} octets of a packet")]
    Cut(usize),
    /// What it sends is no HCI.
    #[error("disconnected for {0}")]
    Garbage(#[from] Garbage),
    /// The connection failed.
    #[error("{0}")]
    Failed(#[from] io::Error),
}

impl Peer {
    pub(crate) fn listen(path: &Path) -> io::Result<Self> {
        Ok(Self { listener: listen(path)?, host: None })
    }
}

impl Host {
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        Ok(Self { stream: Stream::new(socket)?, framer: Framer::default() })
    }

    /// The whole packets that have come, and the end of the host if it came too.
    pub(crate) fn receive(&mut self) -> (Vec<Vec<u8>>, Result<(), End>) {
        let mut packets = Vec::new();
        let end = self.receive_into(&mut packets);
        (packets, end)
    }

    fn receive_into(&mut self, packets: &mut Vec<Vec<u8>>) -> Result<(), End> {
        let (came, open) = self.stream.receive()?;
        self.framer.push(&came);
        while let Some(packet) = self.framer.next()? {
            packets.push(packet);
        }
        match self.framer.rest() {
            _ if open => Ok(()),
            0 => Err(End::Closed),
            rest => Err(End::Cut(rest)),
        }
    }
}
