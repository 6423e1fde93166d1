//! One question over HTTP and its answer, with a limit for all of it.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rigtone_model::{document::Login, trial::InfrastructureFault};

use super::{digest, secret};

/// From the first packet to the last byte of the answer. Plugs on a radio link take their time.
const ANSWER: Duration = Duration::from_secs(3);
/// No answer of such a device is longer.
const LONGEST: u64 = 64 * 1024;

/// A question or an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Where, without anything secret.
    pub(crate) url: String,
    /// What is posted, and as what; nothing is asked for by GET.
    pub(crate) post: Option<(&'static str, String)>,
}

impl Request {
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self { url: url.into(), post: None }
    }

    pub(crate) fn post(url: impl Into<String>, kind: &'static str, body: impl Into<String>) -> Self {
        Self { url: url.into(), post: Some((kind, body.into())) }
    }

    const fn method(&self) -> &'static str {
        if self.post.is_some() { "POST" } else { "GET" }
    }

    /// As messages name it.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}", self.method(), self.url)
    }
}

/// How a device wants to be told who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// By a header that says it in clear text.
    Basic(Login),
    /// Behind the address, as `user` and `password`.
    InQuery(Login),
    /// By a digest that a challenge is answered with.
    Digest(Login),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) what: String,
    pub(crate) hint: String,
}

impl Trouble {
    pub(super) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    pub(super) fn into_fault(self, member: &str, doing: &str) -> InfrastructureFault {
        InfrastructureFault::new(member, format!("{doing}: {}", self.what)).hint(self.hint)
    }
}

/// What asks.
pub(crate) struct Client {
    agent: ureq::Agent,
    limit: Duration,
    credentials: Option<Credentials>,
    /// Host and port, to see whether it is there.
    authority: String,
}

impl Client {
    /// One for a device at `authority`: a host, with its port where that is not 80.
    pub(crate) fn new(authority: &str, credentials: Option<Credentials>) -> Self {
        Self::with_limit(authority, credentials, ANSWER)
    }

    pub(super) fn with_limit(authority: &str, credentials: Option<Credentials>, limit: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(limit))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // The devices of a lab stand beside it, whatever the host reaches the rest of the world by.
            .proxy(None)
            // They close connections without saying so, and then the next order would be lost.
            .max_idle_connections(0)
            .user_agent("rigtone")
            .build();
        Self { agent: config.into(), limit, credentials, authority: authority.to_owned() }
    }

    /// Asks once; the answer is text.
    pub(crate) fn ask(&self, request: &Request) -> Result<String, Trouble> {
        let mut url = request.url.clone();
        let mut authorization = None;
        match &self.credentials {
            Some(Credentials::Basic(login)) => {
                let password = secret::read(&login.password)?;
                authorization = Some(format!("Basic {}", STANDARD.encode(format!("{}:{password}", login.user))));
            }
            Some(Credentials::InQuery(login)) => {
                let separator = if url.contains('?') { '&' } else { '?' };
                let (user, password) = (escaped(&login.user), escaped(&secret::read(&login.password)?));
                url = format!("{url}{separator}user={user}&password={password}");
            }
            Some(Credentials::Digest(_)) | None => {}
        }
        let mut response = self.send(request, &url, authorization.as_deref())?;
        if let (Some(Credentials::Digest(login)), 401) = (&self.credentials, response.status().as_u16()) {
            let answer = self.answer(request, login, &response)?;
            response = self.send(request, &url, Some(&answer))?;
        }
        let status = response.status().as_u16();
        if status != 200 {
            return Err(self.other_status(request, status, header(&response, "location")));
        }
        let body = response.body_mut().with_config().limit(LONGEST).read_to_vec();
        let bytes = body.map_err(|error| self.refused(request, &error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn send(
        &self,
        request: &Request,
        url: &str,
        authorization: Option<&str>,
    ) -> Result<ureq::http::Response<ureq::Body>, Trouble> {
        let sent = match (&request.post, authorization) {
            (None, None) => self.agent.get(url).call(),
            (None, Some(authorization)) => self.agent.get(url).header("authorization", authorization).call(),
            (Some((kind, body)), authorization) => {
                let mut asked = self.agent.post(url).header("content-type", *kind);
                if let Some(authorization) = authorization {
                    asked = asked.header("authorization", authorization);
                }
                asked.send(body.as_bytes())
            }
        };
        sent.map_err(|error| self.refused(request, &error))
    }

    /// What answers a challenge.
    fn answer(
        &self,
        request: &Request,
        login: &Login,
        response: &ureq::http::Response<ureq::Body>,
    ) -> Result<String, Trouble> {
        let challenge = header(response, "www-authenticate").unwrap_or_default();
        let password = secret::read(&login.password)?;
        let target = request.url.strip_prefix("http://").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
        // It need not be secret, only new.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
        let once = format!("{:08x}{now:032x}", std::process::id());
        let asking = digest::Asking {
            user: &login.user,
            password: &password,
            method: request.method(),
            target: target.unwrap_or("/"),
            once: &once,
        };
        digest::answer(challenge, &asking).map_err(|why| {
            let what = format!("{}: it asks for a login that cannot be given: {why}", request.shown());
            Trouble::new(what, "check the family in the rig file, or switch the login off on the device")
        })
    }

    /// Whether anything listens there. Nothing is asked.
    pub(crate) fn reach(&self) -> Result<(), Trouble> {
        let with_port = match self.authority.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => self.authority.clone(),
            _ => format!("{}:80", self.authority),
        };
        reach(&with_port, self.limit).map(drop)
    }

    fn refused(&self, request: &Request, error: &ureq::Error) -> Trouble {
        let shown = request.shown();
        match error {
            ureq::Error::Io(error) => not_reached(&shown, error),
            ureq::Error::Timeout(_) => late(&shown, self.limit),
            ureq::Error::HostNotFound => unknown_host(&self.authority),
            ureq::Error::ConnectionFailed => Trouble::new(format!("{shown}: no connection"), CHECK_NETWORK),
            ureq::Error::BodyExceedsLimit(_) => {
                let what = format!("{shown}: the answer has more than {LONGEST} bytes, so it is no answer");
                Trouble::new(what, "check that the rig file names the family of this device")
            }
            // What remains tells of the protocol; only the address could hold a secret, and it is not in them.
            ureq::Error::Protocol(error) => {
                let what = format!("{shown}: the answer is no HTTP, or half of it: {error}");
                Trouble::new(what, "check what listens at this address, and that it does so by HTTP")
            }
            _ => Trouble::new(format!("{shown}: it could not be asked"), "check the address in the rig file"),
        }
    }

    fn other_status(&self, request: &Request, status: u16, location: Option<&str>) -> Trouble {
        let shown = request.shown();
        match status {
            401 | 403 if self.credentials.is_some() => {
                Trouble::new(format!("{shown}: the login was refused (status {status})"), "check user and password")
            }
            401 | 403 => Trouble::new(
                format!("{shown}: it asks for a login (status {status})"),
                "add `login` in the rig file where this family has it, or switch the login off on the device",
            ),
            300..=399 => {
                let place = location.map_or("elsewhere".to_owned(), super::web::excerpt);
                let what = format!("{shown}: it points to {place} (status {status}), which is not followed");
                Trouble::new(what, "write the address that answers by itself, over plain HTTP")
            }
            404 => {
                let what = format!("{shown}: there is no such address on it (status 404)");
                Trouble::new(what, "check the family in the rig file, and that the device has this channel")
            }
            _ => Trouble::new(
                format!("{shown}: it answered with status {status}"),
                "look at the device's own page, or switch it off and on",
            ),
        }
    }
}

fn header<'a>(response: &'a ureq::http::Response<ureq::Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

const CHECK_NETWORK: &str = "check its supply and its network, and its address in the rig file";

pub(super) fn late(shown: &str, limit: Duration) -> Trouble {
    Trouble::new(format!("{shown}: no whole answer within {} s", limit.as_secs_f64()), CHECK_NETWORK)
}

pub(super) fn unknown_host(host: &str) -> Trouble {
    Trouble::new(format!("no host is known as `{host}`"), "write its IP address in the rig file, or correct its name")
}

/// What the network said.
pub(super) fn not_reached(shown: &str, error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Trouble::new(
            format!("{shown}: the connection was refused"),
            "check the address and port in the rig file, and that the device has this interface switched on",
        ),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => late(shown, ANSWER),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            Trouble::new(
                format!("{shown}: the connection ended before the answer was whole"),
                "look whether the device starts anew, and what else uses it",
            )
        }
        _ => Trouble::new(format!("{shown}: {error}"), CHECK_NETWORK),
    }
}

/// A connection to `host:port`, by the first of its addresses that takes it.
pub(super) fn reach(with_port: &str, limit: Duration) -> Result<TcpStream, Trouble> {
    let addresses = with_port.to_socket_addrs().map_err(|_| unknown_host(with_port))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| unknown_host(with_port), |error| not_reached(with_port, &error)))
}

/// Text as a part of an address.
pub(super) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'_' | b'~' | b'-' => escaped.push(char::from(byte)),
            _ => {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}
