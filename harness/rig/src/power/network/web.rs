//! Boards that are switched over HTTP: what is asked and understood is the family's, the conversation is the same.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::trial::InfrastructureFault;

use super::client::{Client, Request};
use crate::power::{
    line::{Line, OWN_SUPPLY},
    word,
};

/// How much of an answer that is none is shown.
const SHOWN: usize = 120;

/// What a family asks and how it understands the answers. Pure.
pub(crate) trait Words: Send {
    /// The order that switches a channel.
    fn switch(&self, channel: NonZeroU8, on: bool) -> Request;

    /// What the answer to an order says of the channel, if it says anything.
    ///
    /// # Errors
    /// Why it is no answer to that order.
    fn acknowledged(&self, channel: NonZeroU8, answer: &str) -> Result<Option<bool>, String>;

    /// The question for the position of a channel; none where the family cannot tell.
    fn question(&self, channel: NonZeroU8) -> Option<Request>;

    /// What the answer to a question says.
    ///
    /// # Errors
    /// Why it is no answer to that question.
    fn position(&self, channel: NonZeroU8, answer: &str) -> Result<Said, String>;

    /// The order that switches a channel on and, after `held`, off again without being told; none where the family, or
    /// this time, cannot do that.
    fn pulse(&self, _channel: NonZeroU8, _held: Duration) -> Option<Request> {
        None
    }

    /// Why it keeps its positions when the host goes away, and what becomes of them without a supply where that is a trap.
    fn keeps(&self) -> &'static str {
        OWN_SUPPLY
    }
}

/// What a device says of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// Whether it is on.
    pub(crate) on: bool,
    /// Who switched it last, where it tells.
    pub(crate) by: Option<String>,
}

impl Said {
    pub(crate) const fn of(on: bool) -> Self {
        Self { on, by: None }
    }
}

/// The conversation with a board over HTTP.
pub(crate) struct WebLine<W> {
    member: String,
    words: W,
    client: Client,
}

impl<W: Words> WebLine<W> {
    pub(crate) fn new(member: &str, words: W, client: Client) -> Self {
        Self { member: member.to_owned(), words, client }
    }

    fn ask<T>(
        &self,
        doing: &str,
        request: &Request,
        understood: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, InfrastructureFault> {
        let answer = self.client.ask(request).map_err(|trouble| trouble.into_fault(&self.member, doing))?;
        understood(&answer).map_err(|why| {
            let what = format!("{doing}: {} answered `{}`: {why}", request.shown(), excerpt(&answer));
            let hint = "check that the rig file names the family of this device, and how many channels it has";
            InfrastructureFault::new(&self.member, what).hint(hint)
        })
    }

    fn said(&self, channel: NonZeroU8) -> Result<Option<Said>, InfrastructureFault> {
        let Some(question) = self.words.question(channel) else { return Ok(None) };
        let doing = format!("asking for channel {channel}");
        self.ask(&doing, &question, |answer| self.words.position(channel, answer)).map(Some)
    }
}

impl<W: Words> Line for WebLine<W> {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        // Each order is a connection of its own: between them there is nothing that could break.
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        let doing = format!("switching channel {channel} {}", word(on));
        let order = self.words.switch(channel, on);
        let acknowledged = self.ask(&doing, &order, |answer| self.words.acknowledged(channel, answer))?;
        let Some(said) = self.said(channel)? else { return Ok(acknowledged) };
        if let (true, Some(by)) = (said.on != on, &said.by) {
            let what = format!("{doing}: the device says that it is {}, switched last by `{by}`", word(said.on));
            let member = format!("{} channel {channel}", self.member);
            let hint = "take it out of what else switches it: its button, its timers, its cloud";
            return Err(InfrastructureFault::new(member, what).hint(hint));
        }
        Ok(Some(said.on))
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        Ok(self.said(channel)?.map(|said| said.on))
    }

    fn pulse(&mut self, channel: NonZeroU8, held: Duration) -> Result<bool, InfrastructureFault> {
        let Some(order) = self.words.pulse(channel, held) else { return Ok(false) };
        let doing = format!("holding channel {channel}");
        self.ask(&doing, &order, |answer| self.words.acknowledged(channel, answer)).map(|_| true)
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        match self.words.question(NonZeroU8::MIN) {
            Some(_) => self.said(NonZeroU8::MIN).map(|_| ()),
            // Whatever its pages do, they are not asked for to see whether it is there.
            None => self.client.reach().map_err(|trouble| trouble.into_fault(&self.member, "looking for it")),
        }
    }

    fn spacing(&self) -> Duration {
        Duration::from_millis(50)
    }

    fn keeps(&self) -> Option<&'static str> {
        Some(self.words.keeps())
    }
}

/// The beginning of an answer, on one line.
pub(super) fn excerpt(answer: &str) -> String {
    let mut shown: String = answer.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if answer.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::{
        client::{Client, Credentials},
        fake::{Asked, Bytes, number, ok, status, web},
        netio::Netio,
        plain::Plain,
        sainsmart_web::SainsmartWeb,
        shelly_gen1::ShellyGen1,
        shelly_gen2::ShellyGen2,
        tasmota::Tasmota,
    };
    use rigtone_model::document::{Login, Secret, Web, WebMethod, WebState};
    use rstest::rstest;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with};
    use serde_json::{Value, json};
    use std::{
        net::{Ipv4Addr, SocketAddrV4},
        sync::{Arc, Mutex},
    };

    /// Far enough that no load of the host matters.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Two outputs, and all that was asked.
    #[derive(Default)]
    struct State {
        on: [bool; 2],
        asked: Vec<Asked>,
    }

    type Shared = Arc<Mutex<State>>;
    type Device = fn(&mut State, &Asked) -> Vec<u8>;

    fn device(state: &Shared, answers: Device) -> Bytes {
        let state = state.clone();
        web(move |asked| {
            let mut state = state.lock().expect("a lock");
            state.asked.push(asked.clone());
            Some(answers(&mut state, asked))
        })
    }

    fn on_of(what: &str, on: &str, off: &str) -> Option<bool> {
        match (what.ends_with(on), what.ends_with(off)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    fn shelly_gen1(state: &mut State, asked: &Asked) -> Vec<u8> {
        let path = asked.what.strip_prefix("GET /relay/").expect("a relay");
        let relay: usize = path[..1].parse().expect("a number");
        if let Some(on) = on_of(path, "?turn=on", "?turn=off") {
            state.on[relay] = on;
        }
        ok(&json!({"ison": state.on[relay], "has_timer": false, "source": "http"}).to_string())
    }

    fn shelly_gen2(state: &mut State, asked: &Asked) -> Vec<u8> {
        assert_eq!(asked.what, "POST /rpc");
        // The first call of each is challenged.
        let Some(digest) = &asked.authorization else {
            state.asked.pop();
            return b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest qop=\"auth\", realm=\"shelly\", nonce=\"60dc2b6f\", \
                algorithm=SHA-256\r\nContent-Length: 0\r\n\r\n"
                .to_vec();
        };
        for due in ["username=\"ad&min\"", "realm=\"shelly\"", "nonce=\"60dc2b6f\"", "uri=\"/rpc\"", "response=\""] {
            assert!(digest.contains(due), "{digest}");
        }
        let call: Value = serde_json::from_str(&asked.body).expect("JSON");
        let switch = call["params"]["id"].as_u64().expect("a number") as usize;
        let was = state.on[switch];
        let result = match call["method"].as_str() {
            Some("Switch.Set") => {
                state.on[switch] = call["params"]["on"].as_bool().expect("a position");
                json!({"was_on": was})
            }
            Some("Switch.GetStatus") => json!({"id": switch, "source": "HTTP_in", "output": was, "apower": 0.0}),
            other => panic!("{other:?}"),
        };
        ok(&json!({"id": call["id"], "src": "shelly", "result": result}).to_string())
    }

    fn tasmota(state: &mut State, asked: &Asked) -> Vec<u8> {
        let command = asked.what.strip_prefix("GET /cm?cmnd=Power").expect("a command");
        let Some(command) = command.strip_suffix("&user=ad%26min&password=pass%20word") else {
            return ok(r#"{"WARNING":"Need user=<username>&password=<password>"}"#);
        };
        let relay: usize = command[..1].parse().expect("a number");
        if let Some(on) = on_of(command, "%20On", "%20Off") {
            state.on[relay - 1] = on;
        }
        let name = format!("POWER{relay}");
        ok(&json!({name: if state.on[relay - 1] { "ON" } else { "OFF" }}).to_string())
    }

    fn netio(state: &mut State, asked: &Asked) -> Vec<u8> {
        // `ad&min:pass word`
        if asked.authorization.as_deref() != Some("Basic YWQmbWluOnBhc3Mgd29yZA==") {
            return status("401 Unauthorized", "");
        }
        match asked.what.as_str() {
            "GET /netio.json" => {}
            "POST /netio.json" => {
                let order: Value = serde_json::from_str(&asked.body).expect("JSON");
                let output = &order["Outputs"][0];
                state.on[output["ID"].as_u64().expect("a number") as usize - 1] = output["Action"] == 1;
            }
            other => panic!("{other}"),
        }
        let outputs = state.on.iter().zip(1..).map(|(on, id)| json!({"ID": id, "State": u8::from(*on), "Load": 0}));
        ok(&json!({"Outputs": outputs.collect::<Vec<_>>()}).to_string())
    }

    fn sainsmart(state: &mut State, asked: &Asked) -> Vec<u8> {
        let number: usize = asked.what.strip_prefix("GET /30000/").and_then(|n| n.parse().ok()).expect("a number");
        if number == 99 {
            let digits: String = state.on.iter().map(|on| if *on { '1' } else { '0' }).collect();
            return ok(&format!("<html>{digits}TUX</html>"));
        }
        state.on[number / 2] = number % 2 == 1;
        ok("<html>Relay</html>")
    }

    fn plain(state: &mut State, asked: &Asked) -> Vec<u8> {
        match asked.what.split_once(' ').expect("a method") {
            ("POST", "/set/1/on") => state.on[0] = true,
            ("POST", "/set/1/off") => state.on[0] = false,
            ("POST", "/set/2/on") => state.on[1] = true,
            ("POST", "/set/2/off") => state.on[1] = false,
            ("GET", "/all") => {}
            other => panic!("{other:?}"),
        }
        ok(&format!("0:{} 1:{}", state.on[0], state.on[1]))
    }

    fn document(host: &str) -> Web {
        Web {
            on: format!("http://{host}/set/{{channel}}/on"),
            off: format!("http://{host}/set/{{channel}}/off"),
            method: WebMethod::Post,
            state: Some(WebState {
                url: format!("http://{host}/all"),
                says_on: "{index}:true".into(),
                says_off: "{index}:false".into(),
            }),
            login: None,
        }
    }

    fn line(words: impl Words + 'static, host: &str, credentials: Option<Credentials>) -> Box<dyn Line> {
        Box::new(WebLine::new("relay plug", words, Client::with_limit(host, credentials, PATIENCE)))
    }

    #[rstest]
    #[case::shelly_gen1(shelly_gen1, |host: &str, login: Login| line(ShellyGen1::at(host), host, Some(Credentials::Basic(login))))]
    #[case::shelly_gen2(shelly_gen2, |host: &str, login: Login| line(ShellyGen2::at(host), host, Some(Credentials::Digest(login))))]
    #[case::tasmota(tasmota, |host: &str, login: Login| line(Tasmota::at(host), host, Some(Credentials::InQuery(login))))]
    #[case::netio(netio, |host: &str, login: Login| line(Netio::at(host), host, Some(Credentials::Basic(login))))]
    #[case::sainsmart(sainsmart, |host: &str, _: Login| line(SainsmartWeb::at(host, 2), host, None))]
    #[case::plain(plain, |host: &str, _: Login| line(Plain::of(document(host)), host, None))]
    fn a_device_is_switched_and_asked_what_became_of_it(
        #[case] answers: Device,
        #[case] line: fn(&str, Login) -> Box<dyn Line>,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        std::fs::write(&path, "pass word\n").expect("written");
        let password = Secret::from_file(&path.display().to_string());
        let login = Login { user: "ad&min".to_owned(), password };
        let state = Shared::default();
        let device = device(&state, answers);
        let mut line = line(device.host(), login);
        for (channel, on, both) in [(2, true, [false, true]), (1, true, [true; 2]), (2, false, [true, false])] {
            assert_eq!(line.switch(number(channel), on), Ok(Some(on)));
            assert_eq!(state.lock().expect("a lock").on, both);
        }
        assert_eq!(line.position(number(1)), Ok(Some(true)));
        assert_eq!(line.position(number(2)), Ok(Some(false)));
        assert_eq!(line.alive(), Ok(()));
        // Each order is asked after; what is asked switches nothing.
        assert_eq!(state.lock().expect("a lock").asked.len(), 2 * 3 + 3);
        assert!(line.keeps().is_some(), "the host is nothing to it");
    }

    #[test]
    fn a_device_that_tells_nothing_is_known_as_commanded_and_looked_for_without_asking() {
        let state = Shared::default();
        let device = device(&state, plain);
        let document = Web { state: None, ..document(device.host()) };
        let mut line = line(Plain::of(document), device.host(), None);
        assert_eq!(line.switch(number(1), true), Ok(None));
        assert_eq!(line.position(number(1)), Ok(None));
        assert_eq!(line.alive(), Ok(()));
        assert_eq!(state.lock().expect("a lock").asked.len(), 1);
    }

    #[test]
    fn who_else_switches_is_named() {
        fn stubborn(_: &mut State, asked: &Asked) -> Vec<u8> {
            let call: Value = serde_json::from_str(&asked.body).expect("JSON");
            let result = match call["method"].as_str() {
                Some("Switch.Set") => json!({"was_on": false}),
                _ => json!({"id": 0, "source": "button", "output": false}),
            };
            ok(&json!({"id": call["id"], "result": result}).to_string())
        }
        let device = device(&Shared::default(), stubborn);
        let mut line = line(ShellyGen2::at(device.host()), device.host(), None);
        let fault = line.switch(number(1), true).expect_err("it stays off");
        assert_eq!(fault.member, "relay plug channel 1");
        assert!(fault.what.contains("it is off, switched last by `button`") && fault.hint.is_some(), "{fault:?}");
    }

    #[test]
    fn a_pulse_is_left_to_the_device() {
        let state = Shared::default();
        let device = device(&state, shelly_gen1);
        let mut line = line(ShellyGen1::at(device.host()), device.host(), None);
        let held = Duration::from_secs(3);
        assert_eq!(line.pulse(number(1), held), Ok(true));
        assert_eq!(state.lock().expect("a lock").asked[0].what, "GET /relay/0?turn=on&timer=3");
        assert_eq!(line.pulse(number(1), Duration::from_millis(300)), Ok(false));
        assert_eq!(state.lock().expect("a lock").asked.len(), 1, "what it cannot is not sent");
    }

    fn cut_short() -> Vec<u8> {
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ison\"".to_vec()
    }

    fn moved() -> Vec<u8> {
        b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n".to_vec()
    }

    #[rstest]
    #[case::silence(|| None, "no whole answer within", "its network")]
    #[case::half(|| Some(cut_short()), "the connection ended before", "starts anew")]
    #[case::closed(|| Some(Vec::new()), "GET http", "")]
    #[case::no_http(|| Some(b"220 FTP server ready\r\n\r\n".to_vec()), "no HTTP", "what listens")]
    #[case::garbage(|| Some(ok("<html>Hello</html>")), "answered `<html>Hello</html>`: that is no state", "the family")]
    #[case::other_json(|| Some(ok(r#"{"wifi_sta":{}}"#)), "that is no state of a relay", "the family")]
    #[case::error(|| Some(status("500 Internal Server Error", "")), "status 500", "own page")]
    #[case::login(|| Some(status("401 Unauthorized", "")), "asks for a login", "`login`")]
    #[case::no_such(|| Some(status("404 Not Found", "")), "no such address on it", "this channel")]
    #[case::elsewhere(|| Some(moved()), "points to https://elsewhere.example/", "answers by itself")]
    #[case::endless(|| Some(ok(&"x".repeat(100_000))), "more than 65536 bytes", "the family")]
    fn what_is_no_answer_is_the_rigs_fault(
        #[case] answer: fn() -> Option<Vec<u8>>,
        #[case] said: &str,
        #[case] hint: &str,
    ) {
        let device = web(move |_| answer());
        // Silence alone is waited for to its end.
        let limit = if answer().is_none() { Duration::from_millis(300) } else { PATIENCE };
        let client = Client::with_limit(device.host(), None, limit);
        let mut line = WebLine::new("relay plug", ShellyGen1::at(device.host()), client);
        let fault = line.switch(number(1), true).expect_err("no answer");
        assert_eq!(fault.member, "relay plug");
        assert!(fault.what.starts_with("switching channel 1 on: ") && fault.what.contains(said), "{fault:?}");
        assert!(fault.hint.as_deref().is_some_and(|given| given.contains(hint)), "{fault:?}");
    }

    #[test]
    fn nobody_there_and_no_such_host_are_told_apart() {
        // Nobody listens at it, and as long as it is bound nobody else gets it.
        let port = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).expect("a socket");
        bind(&port, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let host = SocketAddrV4::try_from(getsockname(&port).expect("bound")).expect("IPv4").to_string();
        let fault = line(ShellyGen1::at(&host), &host, None).alive().expect_err("nobody");
        assert!(fault.what.contains("the connection was refused"), "{fault:?}");
        // Of the top-level domain that never is one: RFC 6761.
        let host = "plug.invalid";
        let client = Client::new(host, None);
        let fault = WebLine::new("relay plug", ShellyGen1::at(host), client).alive().expect_err("no such host");
        assert!(fault.what.contains("plug.invalid") && fault.hint.is_some(), "{fault:?}");
    }

    #[test]
    fn a_password_is_in_no_message() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        std::fs::write(&path, "geheim").expect("written");
        let password = Secret::from_file(&path.display().to_string());
        let login = Login { user: "admin".to_owned(), password };
        for answer in [status("500 Oops", ""), status("401 Unauthorized", ""), ok("geht nicht"), Vec::new()] {
            let device = web(move |asked| {
                assert!(asked.what.contains("geheim"));
                Some(answer.clone())
            });
            let fault =
                line(Tasmota::at(device.host()), device.host(), Some(Credentials::InQuery(login.clone()))).alive();
            assert!(!format!("{:?}", fault.expect_err("no answer")).contains("geheim"));
        }
    }
}
