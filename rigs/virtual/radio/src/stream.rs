//! Unix sockets that nobody waits for.

use std::{
    fs,
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{
            fs::FileTypeExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
};

/// How much is read at once: more than a socket holds, so that the end of a connection is seen before the next one is accepted.
const GULP: usize = 1 << 20;
/// How much may wait for somebody who does not read, such as a stopped process: half a minute of the fastest stream.
const UNSENT: usize = 16 << 20;

/// Listens at a path. A socket that a killed program left there is removed.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path).or_else(|error| {
        let left = error.kind() == ErrorKind::AddrInUse
            && fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
            && UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
        if !left {
            return Err(error);
        }
        fs::remove_file(path)?;
        UnixListener::bind(path)
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: UnixStream,
    unsent: Vec<u8>,
}

impl Stream {
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket, unsent: Vec::new() })
    }

    /// What has come. At the end of the connection also false.
    pub(crate) fn receive(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut came = Vec::new();
        match (&self.socket).take(GULP as u64).read_to_end(&mut came) {
            Ok(read) => Ok((came, read == GULP)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok((came, true)),
            Err(error) => Err(error),
        }
    }

    /// Sends, now or when there is room again.
    pub(crate) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(octets);
        self.flush()
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && self.unsent.len() <= UNSENT => break,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(io::Error::other(format!(
                        "{} octets were not read by the other side",
                        self.unsent.len()
                    )));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Gives up what waits.
    pub(crate) fn forget(&mut self) {
        self.unsent.clear();
    }

    /// Whether something waits.
    pub(crate) const fn waits(&self) -> bool {
        !self.unsent.is_empty()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Stream, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Stream::new(ours).unwrap(), theirs)
    }

    #[test]
    fn what_came_before_the_end_is_told_with_it() {
        let (mut ours, mut theirs) = pair();
        assert_eq!(ours.receive().unwrap(), (vec![], true));
        theirs.write_all(b"last words").unwrap();
        assert_eq!(ours.receive().unwrap(), (b"last words".to_vec(), true));
        theirs.write_all(b"more").unwrap();
        drop(theirs);
        assert_eq!(ours.receive().unwrap(), (b"more".to_vec(), false));
    }

    #[test]
    fn who_does_not_read_is_waited_for_up_to_a_limit() {
        let (mut ours, mut theirs) = pair();
        ours.send(&vec![7; 1 << 20]).unwrap();
        assert!(ours.waits());
        let mut room = vec![0; 1 << 20];
        let mut read = 0;
        while read < room.len() {
            read += theirs.read(&mut room[read..]).unwrap();
            ours.flush().unwrap();
        }
        assert!(!ours.waits());
        let failed = (0..20).find_map(|_| ours.send(&vec![7; 1 << 20]).err());
        assert!(failed.unwrap().to_string().ends_with("octets were not read by the other side"));
        drop(theirs);
        assert_eq!(ours.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn only_a_socket_that_was_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let first = listen(&path).unwrap();
        assert_eq!(listen(&path).unwrap_err().kind(), ErrorKind::AddrInUse, "somebody listens");
        drop(first);
        drop(listen(&path).unwrap());
        let file = folder.path().join("file");
        fs::write(&file, "precious").unwrap();
        assert_eq!(listen(&file).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(fs::read(&file).unwrap(), b"precious");
    }
}
