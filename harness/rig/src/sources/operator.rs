//! A person who is told at the terminal what to do with a unit.

use std::rc::Rc;

use async_trait::async_trait;
use rigtone_model::{
    document::{Device, Gesture},
    event::Origin,
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};

use super::{
    directory::{Called, Directory},
    terminal::{Answer, MEMBER, Terminal},
};
use crate::{
    capability::{Asked, Reply, Request},
    clock::Instant,
};

/// From when a person hears the sound until they have said so.
const LAG_NS: i64 = 2_000_000_000;

/// A person, for one unit.
pub(crate) struct Operator {
    terminal: Rc<Terminal>,
    unit: Called,
    /// What its device's document says of its pairing mode.
    pairing_mode: Option<Gesture>,
    others: Rc<Directory>,
}

impl Operator {
    /// Who looks after the unit `name`.
    pub(crate) fn new(terminal: Rc<Terminal>, name: &str, device: &Device, others: Rc<Directory>) -> Self {
        let on_air = device.air_name.clone().unwrap_or_else(|| device.title.clone());
        let unit = Called { name: name.to_owned(), title: device.title.clone(), on_air };
        Self { terminal, unit, pairing_mode: device.gestures.get("pairing-mode").cloned(), others }
    }

    /// What a person is told, and what it means when it did not work: nothing, where that is no result about a device.
    fn told(&self, request: Request<'_>) -> Result<(String, Vec<String>, Option<FailureClass>), InfrastructureFault> {
        let Self { unit, others, .. } = self;
        let menu = || format!("On {unit}, open the list of Bluetooth devices.");
        let (title, steps, class) = match request {
            Request::Power(on) => {
                let position = if on { "on" } else { "off" };
                let steps = vec![format!("Switch the supply of {unit} {position}, at its plug or its own switch.")];
                (format!("switch {unit} {position}"), steps, None)
            }
            Request::EnterPairingMode => {
                let steps = gesture(unit, self.pairing_mode.as_ref());
                (format!("bring {unit} into pairing mode"), steps, Some(FailureClass::NotDiscovered))
            }
            Request::Find(target) => {
                let target = others.of_address(target);
                let steps = vec![menu(), format!("Wait until `{}` is listed.", target.on_air)];
                (format!("search with {unit} for {target}"), steps, Some(FailureClass::NotDiscovered))
            }
            Request::Pair(target) => {
                let target = others.of_address(target);
                let pair = format!("Choose `{}`, and confirm whatever it asks for.", target.on_air);
                let steps = vec![menu(), pair, "Wait until it is shown as paired.".to_owned()];
                (format!("pair {unit} with {target}"), steps, Some(FailureClass::PairingRefused))
            }
            Request::Connect(target) => {
                let target = others.of_address(target);
                let connect = format!("Choose `{}`, and wait until it is shown as connected.", target.on_air);
                (format!("connect {unit} to {target}"), vec![menu(), connect], Some(FailureClass::NotConnected))
            }
            Request::Disconnect(target) => {
                let target = others.of_address(target);
                let end = format!(
                    "Disconnect `{}`, and leave it paired; nothing to do if it is not connected.",
                    target.on_air
                );
                (format!("disconnect {unit} from {target}"), vec![menu(), end], None)
            }
            Request::Forget(target) => {
                let target = others.of_address(target);
                let end =
                    format!("Remove `{}` from it (forget, unpair); nothing to do if it is not there.", target.on_air);
                (format!("let {unit} forget {target}"), vec![menu(), end], None)
            }
            Request::Play { on, signal, content, .. } => {
                let target = others.of_address(on);
                let from = content.map(|content| format!(" from `{content}`")).unwrap_or_default();
                let steps = vec![
                    format!(
                        "On {unit}, play the file that `rigtone signal {signal}` wrote{from}, once, from its beginning."
                    ),
                    format!("Answer as soon as it has begun, and let it play to its end. It should sound on {target}."),
                ];
                (format!("play `{signal}`{from} on {unit}"), steps, Some(FailureClass::NoStream))
            }
            Request::Set { option, value } => {
                let steps = vec![format!("In the settings of {unit}, or in its app, set `{option}` to `{value}`.")];
                (format!("set `{option}` of {unit} to `{value}`"), steps, Some(FailureClass::Unsupported))
            }
            Request::Say { prompt, .. } => {
                let what =
                    format!("saying `{prompt}` to {unit} is not for a person: prompts are spoken alike each time");
                return Err(InfrastructureFault::new(MEMBER, what).hint("use `control: voice` and a loudspeaker"));
            }
        };
        Ok((title, steps, class))
    }
}

/// How a pairing mode is entered, step by step.
fn gesture(unit: &Called, gesture: Option<&Gesture>) -> Vec<String> {
    let Some(gesture) = gesture.filter(|gesture| !gesture.press.is_empty()) else {
        return vec![
            format!("Bring {unit} into its pairing mode, as its manual says."),
            "Answer when it can be found.".to_owned(),
        ];
    };
    let press = |press: &rigtone_model::document::Press| {
        let buttons: Vec<String> = press.buttons.iter().map(|button| format!("`{button}`")).collect();
        let together = if buttons.len() > 1 { " together" } else { "" };
        format!("On {unit}, hold {}{together} for {}.", buttons.join(" and "), press.held)
    };
    let mut steps: Vec<String> = gesture.press.iter().map(press).collect();
    if let Some(takes) = gesture.takes {
        steps.push(format!("Wait for {takes}, until it can be found."));
    }
    steps
}

#[async_trait(?Send)]
impl Asked for Operator {
    fn origin(&self) -> Origin {
        Origin::Operator
    }

    async fn ask(&self, request: Request<'_>, deadline: Instant) -> Result<Reply, InfrastructureFault> {
        let (asked, steps, class) = self.told(request)?;
        let answer = self.terminal.ask(&asked, &steps, deadline).await?;
        let reply =
            |said: &str, outcome| Reply { asked: asked.clone(), said: Some(said.to_owned()), outcome, papers: vec![] };
        match (answer, class) {
            (Answer::Done, _) => Ok(reply("done", Ok(None))),
            (Answer::DidNotWork, Some(class)) => {
                let detail = format!("a person says that it did not work: {asked}");
                Ok(reply("it did not work", Err(DeviceFailure::new(class, detail))))
            }
            // What the rig should have done is no result about the device.
            (Answer::DidNotWork, None) => {
                Err(InfrastructureFault::new(MEMBER, format!("a person says that it did not work: {asked}"))
                    .hint("see why, by hand; nothing is known of the device"))
            }
        }
    }

    fn lag_ns(&self) -> i64 {
        LAG_NS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{capability::Address, clock::Clock, hardware::HostClock, test_port::Pty};
    use rigtone_model::document::Rig;
    use rstest::rstest;
    use serde_json::json;
    use std::{cell::Cell, path::Path};

    const SPEAKER: Address = Address([0xD2, 0, 0, 0, 0, 1]);
    const PATIENCE_NS: i64 = 60_000_000_000;

    fn device(id: &str) -> Device {
        let press = json!([{"buttons": ["power", "volume-up"], "for": "5 s"}]);
        let document = json!({
            "device": id, "title": format!("The {id}"), "roles": ["a2dp-sink"], "codecs": ["sbc"], "air-name": "Box \u{1b}[2J",
            "gestures": {"pairing-mode": {"press": press, "takes": "2 s"}},
        });
        serde_json::from_value(document).expect("a device")
    }

    fn rig() -> Rig {
        let unit = |device: &str, address: &str| json!({"device": device, "firmware": "1", "address": address});
        let document = json!({
            "rig": "lab", "title": "A lab", "world": "hardware", "rooms": {"room": {}},
            "units": {"echo": unit("a/echo", "D2:00:00:00:00:02"), "box": unit("a/box", "D2:00:00:00:00:01")},
        });
        serde_json::from_value(document).expect("a rig")
    }

    /// A person at a pseudo terminal, and whether they have stopped the run.
    fn person(clock: HostClock) -> (Pty, Operator, Rc<Terminal>, Rc<Cell<bool>>) {
        let pty = Pty::open();
        let stopped = Rc::new(Cell::new(false));
        let told = stopped.clone();
        let stop = Box::new(move || told.set(true));
        let terminal = Rc::new(Terminal::at(Path::new(pty.path()), stop, clock).expect("a terminal"));
        let others = Rc::new(Directory::of(&rig(), &|id| Some(device(id))));
        let operator = Operator::new(terminal.clone(), "echo", &device("a/echo"), others);
        (pty, operator, terminal, stopped)
    }

    /// Asks, and lets a person answer each time that the terminal waits for them; gives what stood there too.
    async fn conversation(
        operator: &Operator,
        pty: Pty,
        request: Request<'_>,
        answers: &'static [&'static str],
        within_ns: i64,
        clock: HostClock,
    ) -> (Result<Reply, InfrastructureFault>, String) {
        let typist = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            for answer in answers {
                // Only what is typed after the question counts.
                text.push_str(&pty.until("): ", "stop the run: "));
                pty.say(answer.as_bytes());
            }
            (pty, text)
        });
        let result = operator.ask(request, clock.now().plus(within_ns)).await;
        let (_pty, text) = typist.await.expect("it typed");
        (result, text)
    }

    #[rstest]
    #[case::done(Request::Pair(SPEAKER), &["d\n"], "done", None)]
    #[case::in_words(Request::Find(SPEAKER), &[" Done \n"], "done", None)]
    #[case::on_a_second_try(Request::Connect(SPEAKER), &["yes?\n", "d\n"], "done", None)]
    #[case::not_found(Request::Find(SPEAKER), &["n\n"], "it did not work", Some(FailureClass::NotDiscovered))]
    #[case::not_paired(Request::Pair(SPEAKER), &["n\n"], "it did not work", Some(FailureClass::PairingRefused))]
    #[case::not_connected(Request::Connect(SPEAKER), &["no\n"], "it did not work", Some(FailureClass::NotConnected))]
    #[case::no_gesture(Request::EnterPairingMode, &["n\n"], "it did not work", Some(FailureClass::NotDiscovered))]
    #[tokio::test]
    async fn a_word_is_recorded_as_a_word(
        #[case] request: Request<'static>,
        #[case] answers: &'static [&'static str],
        #[case] said: &str,
        #[case] class: Option<FailureClass>,
    ) {
        let clock = HostClock::start();
        let (pty, operator, terminal, _) = person(clock);
        let (reply, text) = conversation(&operator, pty, request, answers, PATIENCE_NS, clock).await;
        let reply = reply.expect("an answer");
        assert_eq!(reply.said.as_deref(), Some(said));
        assert_eq!(reply.outcome.err().map(|failure| failure.class), class);
        assert!(text.contains("[1] ") && text.contains("  1. ") && text.contains("`echo` (The a/echo)"), "{text}");
        assert!(!text.contains("\u{1b}[2J"), "what a document names moves no cursor: {text:?}");
        assert!(!terminal.is_asking());
        assert_eq!(operator.origin(), Origin::Operator);
    }

    #[rstest]
    #[case::skipped(Request::Pair(SPEAKER), &["s\n"], "skipped this: pair `echo` (The a/echo) with `box` (The a/box)")]
    #[case::power(Request::Power(true), &["n\n"], "did not work: switch `echo` (The a/echo) on")]
    #[case::forget(Request::Forget(SPEAKER), &["n\n"], "did not work: let `echo` (The a/echo) forget")]
    #[case::prompt(Request::Say { prompt: "pair", loudness: None }, &[], "not for a person")]
    #[tokio::test]
    async fn what_tells_nothing_of_the_device_is_a_fault(
        #[case] request: Request<'static>,
        #[case] answers: &'static [&'static str],
        #[case] said: &str,
    ) {
        let clock = HostClock::start();
        let (pty, operator, ..) = person(clock);
        let (reply, _) = conversation(&operator, pty, request, answers, PATIENCE_NS, clock).await;
        let fault = reply.expect_err("a fault");
        assert!(fault.member == "operator" && fault.what.contains(said) && fault.hint.is_some(), "{fault:?}");
    }

    #[tokio::test]
    async fn nobody_is_waited_for_after_the_deadline() {
        let clock = HostClock::start();
        let (pty, operator, terminal, _) = person(clock);
        let (reply, _) = conversation(&operator, pty, Request::Pair(SPEAKER), &[], 300_000_000, clock).await;
        let fault = reply.expect_err("nobody answers");
        assert!(fault.what.contains("nobody answered in time: pair `echo`"), "{fault}");
        assert!(!terminal.is_asking());
    }

    #[tokio::test]
    async fn stopping_asks_the_run_to_end_and_answers_nothing() {
        let clock = HostClock::start();
        // It gets longer each time that the question was over before this host let anybody type.
        for within_ns in [1_i64, 8, 60].map(|s| s * 1_000_000_000) {
            let (pty, operator, _, stopped) = person(clock);
            let asked = clock.now();
            let (reply, _) = conversation(&operator, pty, Request::Pair(SPEAKER), &["q\n"], within_ns, clock).await;
            assert!(clock.now().since(asked) >= within_ns, "the run ends the step, and nobody else");
            let fault = reply.expect_err("no answer");
            if stopped.get() {
                assert!(fault.what.contains("stopped the run"), "{fault}");
                return;
            }
        }
        panic!("nobody could type in time");
    }

    #[tokio::test]
    async fn a_terminal_that_goes_is_a_fault() {
        let clock = HostClock::start();
        let (pty, operator, ..) = person(clock);
        let going = tokio::task::spawn_blocking(move || drop((pty.until("): ", "): "), pty)));
        let fault = operator.ask(Request::Pair(SPEAKER), clock.now().plus(PATIENCE_NS)).await.expect_err("gone");
        going.await.expect("it went");
        assert!(fault.what.contains("the terminal failed"), "{fault}");
    }

    #[rstest]
    #[case::typed(" 2.1.1 beta\n", Ok("2.1.1 beta"))]
    #[case::not_readable("\n", Err("a person could not: read the firmware"))]
    #[tokio::test]
    async fn what_is_read_off_is_taken_as_it_is_typed(#[case] answer: &'static str, #[case] read: Result<&str, &str>) {
        let clock = HostClock::start();
        let (pty, _, terminal, _) = person(clock);
        let typist = tokio::task::spawn_blocking(move || {
            pty.until("): ", "stop the run: ");
            pty.say(answer.as_bytes());
            pty
        });
        let steps = ["Look at the label.".to_owned()];
        let found = terminal.read("read the firmware", &steps, clock.now().plus(PATIENCE_NS)).await;
        let _pty = typist.await.expect("it typed");
        match (found, read) {
            (Ok(text), Ok(due)) => assert_eq!(text, due),
            (Err(fault), Err(due)) => assert!(fault.what.contains(due), "{fault}"),
            (found, due) => panic!("{found:?} where {due:?} is due"),
        }
    }

    #[test]
    fn a_gesture_is_told_button_by_button() {
        let unit = Called { name: "box".into(), title: "Box".into(), on_air: "Box".into() };
        let device = device("a/box");
        let steps = gesture(&unit, device.gestures.get("pairing-mode"));
        assert_eq!(
            steps,
            ["On `box` (Box), hold `power` and `volume-up` together for 5 s.", "Wait for 2 s, until it can be found."]
        );
        assert!(gesture(&unit, None)[0].contains("as its manual says"));
    }
}
