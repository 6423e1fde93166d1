//! Somebody who gives orders: lines of text, each with an answer.

use std::{io, os::unix::net::UnixStream};

use serde_json::json;

use crate::stream::Stream;

/// An order is shorter.
const LONGEST: usize = 4096;

/// A connection to the control socket.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: Stream,
    rest: Vec<u8>,
    ended: bool,
}

impl Client {
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        Ok(Self { stream: Stream::new(socket)?, rest: Vec::new(), ended: false })
    }

    /// The lines that have come.
    pub(crate) fn receive(&mut self) -> io::Result<Vec<String>> {
        let (came, open) = self.stream.receive()?;
        self.rest.extend(came);
        self.ended |= !open;
        let mut lines: Vec<Vec<u8>> = Vec::new();
        while let Some(end) = self.rest.iter().position(|octet| *octet == b'\n') {
            lines.push(self.rest.drain(..=end).collect());
        }
        if self.ended && !self.rest.is_empty() {
            lines.push(std::mem::take(&mut self.rest));
        }
        if self.rest.len() > LONGEST {
            return Err(io::Error::other(format!("a line of more than {LONGEST} octets")));
        }
        Ok(lines.iter().map(|line| String::from_utf8_lossy(line).trim().to_owned()).collect())
    }

    /// Says how an order went.
    pub(crate) fn answer(&mut self, result: Result<(), String>) -> io::Result<()> {
        let answer = match result {
            Ok(()) => json!({"ok": true}),
            Err(error) => json!({"error": error}),
        };
        self.stream.send(format!("{answer}\n").as_bytes())
    }

    /// Parts from it.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.stream.forget();
    }

    /// Whether no more will come.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether no more will come and all was answered.
    pub(crate) const fn is_done(&self) -> bool {
        self.ended && !self.stream.waits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::Shutdown,
    };

    fn pair() -> (Client, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Client::new(ours).unwrap(), theirs)
    }

    #[test]
    fn lines_may_come_in_pieces_and_several_at_once() {
        let (mut client, mut user) = pair();
        user.write_all(b"{\"a\"").unwrap();
        assert!(client.receive().unwrap().is_empty());
        user.write_all(b": 1}\n{}\r\n\xFF\nrest").unwrap();
        assert_eq!(client.receive().unwrap(), ["{\"a\": 1}", "{}", "\u{FFFD}"]);
        assert!(!client.is_done());
        user.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.receive().unwrap(), ["rest"]);
        assert!(client.is_done());
        client.answer(Ok(())).unwrap();
        client.answer(Err("no \"such\" thing".to_owned())).unwrap();
        drop(client);
        let mut said = String::new();
        user.read_to_string(&mut said).unwrap();
        assert_eq!(said, "{\"ok\":true}\n{\"error\":\"no \\\"such\\\" thing\"}\n");
    }

    #[test]
    fn an_endless_line_ends_the_connection() {
        let (mut client, mut user) = pair();
        user.write_all(&[b'x'; LONGEST + 1]).unwrap();
        assert!(client.receive().unwrap_err().to_string().starts_with("a line of more than"));
    }
}
