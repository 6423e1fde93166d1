//! Devices on the loopback that tests talk to.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream, UdpSocket},
    num::NonZeroU8,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

pub(crate) fn number(channel: u8) -> NonZeroU8 {
    NonZeroU8::new(channel).expect("from 1")
}

/// That it is what is due: the same, or a refusal with those words.
#[track_caller]
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(found: Result<T, String>, due: Result<T, &str>) {
    match (found, due) {
        (Ok(found), Ok(due)) => assert_eq!(found, due),
        (Err(found), Err(due)) => assert!(found.contains(due), "{found} does not say {due}"),
        (found, due) => panic!("{found:?} where {due:?} is due"),
    }
}

/// A device that talks over TCP. Dropping it closes its port.
pub(crate) struct Bytes {
    host: String,
    over: Arc<AtomicBool>,
    /// The connection that is served now.
    served: Arc<Mutex<Option<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Bytes {
    /// Serves one connection after the other.
    pub(crate) fn serve(mut talk: impl FnMut(&mut dyn Read, &mut dyn Write) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("bound").to_string();
        let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
        let (ends, serves) = (over.clone(), served.clone());
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                if ends.load(Ordering::Acquire) {
                    return;
                }
                *serves.lock().expect("a lock") = stream.try_clone().ok();
                let mut write = stream.try_clone().expect("a clone");
                talk(&mut stream, &mut write);
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        Self { host, over, served, thread: Some(thread) }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(stream) = self.served.lock().expect("a lock").take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let _ = TcpStream::connect(&self.host);
        // A fake that did not meet what it expected has panicked: the test must not pass then.
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// What a device over HTTP was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `GET /relay/0`
    pub(crate) what: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

/// A device over HTTP: answers are whole, with their head. None: it says nothing and waits.
pub(crate) fn web(mut answer: impl FnMut(&Asked) -> Option<Vec<u8>> + Send + 'static) -> Bytes {
    Bytes::serve(move |read, write| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match read.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8(head).expect("text");
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")))?;
            Some(line.split_once(": ")?.1.to_owned())
        };
        let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().expect("a number"))];
        read.read_exact(&mut body).expect("the body");
        let first = head.lines().next().expect("a line");
        let asked = Asked {
            what: first.strip_suffix(" HTTP/1.1").expect("HTTP/1.1").to_owned(),
            authorization: header("authorization"),
            body: String::from_utf8(body).expect("text"),
        };
        match answer(&asked) {
            Some(bytes) => {
                let _ = write.write_all(&bytes);
            }
            // Until the other side has enough of it.
            None => {
                let _ = read.read(&mut [0]);
            }
        }
    })
}

/// A whole answer.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    status("200 OK", body)
}

pub(crate) fn status(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A device that talks in packets. Dropping it closes its port.
pub(crate) struct Packets {
    host: String,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Packets {
    pub(crate) fn serve(mut answer: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let host = socket.local_addr().expect("bound").to_string();
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("set");
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let thread = thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !ends.load(Ordering::Acquire) {
                let Ok((count, from)) = socket.recv_from(&mut buffer) else { continue };
                for packet in answer(&buffer[..count]) {
                    let _ = socket.send_to(&packet, from);
                }
            }
        });
        Self { host, over, thread: Some(thread) }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}
