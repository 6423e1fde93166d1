//! Every family on a port with a board behind it that checks each byte, and that may stick, stay silent, answer in part, answer
//! something else, or be unplugged.

use std::{num::NonZeroU8, thread, time::Duration};

use rigtone_model::document::RelayBoard;
use rstest::rstest;
use serde_json::{Value, json};

use super::line;
use crate::{power::port::patience, test_port::Pty};

/// What is sent, and what the board says to it.
type Exchange = (Vec<u8>, Vec<u8>);

/// A board of a family, and the bytes of switching one of its channels on and asking for it.
struct Case {
    document: Value,
    channel: u8,
    opening: Vec<Exchange>,
    order: Exchange,
    question: Vec<u8>,
    on: Vec<u8>,
    off: Vec<u8>,
    /// How often it is asked before it is given up.
    questions: usize,
}

fn case(family: &str) -> Case {
    let plain = |document: Value, channel, order: Exchange, [question, on, off]: [&[u8]; 3]| Case {
        document,
        channel,
        opening: vec![],
        order,
        question: question.to_vec(),
        on: on.to_vec(),
        off: off.to_vec(),
        questions: 1,
    };
    match family {
        "lcus" => plain(
            json!({"lcus": {"reports": "frames"}, "channels": 4}),
            2,
            (vec![0xA0, 2, 1, 0xA3], vec![]),
            [&[0xA0, 2, 5, 0xA7], &[0xA0, 2, 1, 0xA3], &[0xA0, 2, 0, 0xA2]],
        ),
        "modbus-rtu" => plain(
            json!({"modbus-rtu": {}, "channels": 8}),
            2,
            (vec![1, 5, 0, 1, 0xFF, 0, 0xDD, 0xFA], vec![1, 5, 0, 1, 0xFF, 0, 0xDD, 0xFA]),
            [&[1, 1, 0, 0, 0, 8, 0x3D, 0xCC], &[1, 1, 1, 2, 0xD0, 0x49], &[1, 1, 1, 0, 0x51, 0x88]],
        ),
        "numato" => Case {
            opening: vec![(b"\r".to_vec(), b"\n\r>".to_vec())],
            ..plain(
                json!({"numato": {}, "channels": 16}),
                11,
                (b"relay on a\r".to_vec(), b"relay on a\n\r>".to_vec()),
                [b"relay read a\r", b"relay read a\n\ron\n\r>", b"relay read a\n\roff\n\r>"],
            )
        },
        "kmtronic" => Case {
            questions: 2,
            ..plain(
                json!({"kmtronic": {}, "channels": 4}),
                2,
                (vec![0xFF, 2, 1], vec![]),
                [&[0xFF, 9, 0], &[0, 1, 0, 0], &[0, 0, 0, 0]],
            )
        },
        "devantech" => Case {
            opening: vec![(vec![0x5A], vec![8, 1])],
            ..plain(
                json!({"devantech": {"model": "rly08"}, "channels": 8}),
                2,
                (vec![0x66], vec![]),
                [&[0x5B], &[2], &[0]],
            )
        },
        "k8090" => plain(
            json!({"k8090": {}, "channels": 8}),
            2,
            // It says unasked that a relay moved.
            (vec![4, 0x11, 2, 0, 0, 0xE9, 0x0F], vec![4, 0x51, 0, 2, 0, 0xA9, 0x0F]),
            [&[4, 0x18, 0, 0, 0, 0xE4, 0x0F], &[4, 0x51, 0, 2, 0, 0xA9, 0x0F], &[4, 0x51, 0, 0, 0, 0xAB, 0x0F]],
        ),
        "conrad" => Case {
            opening: vec![(vec![0], vec![0xFF, 1, 0, 0xFE]), (vec![1, 1, 0, 0], vec![0xFE, 1, 0x0A, 0xF5, 1, 2, 0, 3])],
            ..plain(
                json!({"conrad": {}, "channels": 8}),
                2,
                (vec![6, 1, 2, 5], vec![0xF9, 1, 2, 0xFA]),
                [&[2, 1, 0, 3], &[0xFD, 1, 2, 0xFE], &[0xFD, 1, 0, 0xFC]],
            )
        },
        "sainsmart" => plain(
            json!({"sainsmart": {"reports": true}, "channels": 16}),
            2,
            (b":FE050001FF00FD\r\n".to_vec(), b":FE050001FF00FD\r\n".to_vec()),
            [b":FE0100000010F1\r\n", b":FE01020200FD\r\n", b":FE01020000FF\r\n"],
        ),
        other => unreachable!("{other}"),
    }
}

fn board(document: &Value, pty: &Pty) -> RelayBoard {
    let mut document = document.clone();
    for family in document.as_object_mut().expect("a map").values_mut().filter(|family| family.is_object()) {
        family["port"] = json!(pty.path());
    }
    serde_json::from_value(document).expect("a board")
}

fn number(channel: u8) -> NonZeroU8 {
    NonZeroU8::new(channel).expect("from 1")
}

/// The board takes and answers exactly this, and has time for it; then it does what is left to do.
fn plays<T: Send + 'static>(
    mut pty: Pty,
    exchanges: Vec<Exchange>,
    then: impl FnOnce(Pty) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    patience::set(patience::LONG);
    thread::spawn(move || {
        for (sent, said) in exchanges {
            assert_eq!(pty.read(sent.len()), sent);
            if !said.is_empty() {
                pty.say(&said);
            }
        }
        then(pty)
    })
}

/// Opens the board and switches the channel on; then asks, waits at least so long, and gets this answer.
fn asked(family: &str, least: Duration, answer: impl FnOnce(&Case) -> Vec<u8>) -> Result<Option<bool>, String> {
    let (case, pty) = (case(family), Pty::open());
    let mut line = line("relay b", &board(&case.document, &pty)).expect("a family");
    let answer = answer(&case);
    let silent = answer != case.on && answer != case.off;
    let times = if silent { case.questions } else { 1 };
    let mut exchanges = case.opening.clone();
    let (sent, said) = case.order.clone();
    // What tells unasked that a relay moved does not tell it of one that did not.
    let tells = family != "k8090" || answer == case.on;
    exchanges.push((sent, if tells { said } else { vec![] }));
    exchanges.extend(vec![(case.question.clone(), answer); times]);
    let played = plays(pty, exchanges, |pty| pty);
    line.open().expect("it is there");
    // What a board says unasked may come while it is asked: wait as the thread of a board does.
    let spoken = line.switch(number(case.channel), true);
    thread::sleep(line.spacing());
    patience::set(least);
    let told = spoken.and_then(|_| line.position(number(case.channel)));
    let pty = played.join().expect("as played");
    assert_eq!(pty.waiting(), 0, "nothing more was sent");
    told.map_err(|fault| {
        assert!(fault.member == "relay b" && fault.hint.is_some(), "{fault:?}");
        fault.what
    })
}

#[rstest]
fn every_family_switches_and_says_where_its_relays_are(
    #[values("lcus", "modbus-rtu", "numato", "kmtronic", "devantech", "k8090", "conrad", "sainsmart")] family: &str,
) {
    assert_eq!(asked(family, patience::LONG, |case| case.on.clone()), Ok(Some(true)));
}

#[rstest]
fn a_relay_that_sticks_is_told_by_every_family(
    #[values("lcus", "modbus-rtu", "numato", "kmtronic", "devantech", "k8090", "conrad", "sainsmart")] family: &str,
) {
    assert_eq!(asked(family, patience::LONG, |case| case.off.clone()), Ok(Some(false)));
}

#[rstest]
fn a_board_that_is_silent_is_no_board_that_is_off(
    #[values("lcus", "modbus-rtu", "numato", "kmtronic", "devantech", "k8090", "conrad", "sainsmart")] family: &str,
) {
    let fault = asked(family, Duration::ZERO, |_| vec![]).expect_err("silent");
    assert!(fault.starts_with("asking for channel ") && fault.ends_with("no answer within 500 ms"), "{fault}");
}

#[rstest]
fn half_an_answer_is_none(
    #[values("lcus", "modbus-rtu", "numato", "kmtronic", "k8090", "conrad", "sainsmart")] family: &str,
) {
    let mut fault = String::new();
    for least in patience::GROWING {
        fault = asked(family, least, |case| case.on[..case.on.len() - 1].to_vec()).expect_err("half");
        let within = least.max(Duration::from_millis(500)).as_millis();
        if fault.contains(&format!("and nothing more within {within} ms, which is half an answer")) {
            return;
        }
    }
    panic!("{fault}");
}

#[rstest]
fn something_else_is_no_answer(
    #[values("lcus", "modbus-rtu", "numato", "kmtronic", "devantech", "k8090", "conrad", "sainsmart")] family: &str,
) {
    let fault = asked(family, patience::LONG, |_| b"garbage that goes on".to_vec()).expect_err("garbage");
    assert!(fault.contains("it answered 67 61 72 62 61 67 65 20 74 68 61 74 ..., which is no answer"), "{fault}");
}

#[rstest]
fn a_board_that_is_unplugged_in_mid_answer_is_gone(
    #[values("lcus", "modbus-rtu", "numato", "kmtronic", "devantech", "k8090", "conrad", "sainsmart")] family: &str,
) {
    let (case, pty) = (case(family), Pty::open());
    let (path, mut line) = (pty.path().to_owned(), line("relay b", &board(&case.document, &pty)).expect("a family"));
    let half = case.on[..case.on.len() / 2].to_vec();
    let mut exchanges = case.opening.clone();
    exchanges.push((case.question.clone(), half));
    let played = plays(pty, exchanges, Pty::unplug);
    line.open().expect("it is there");
    let fault = line.position(number(case.channel)).expect_err("gone");
    let _number = played.join().expect("as played");
    assert!(fault.what.contains(&path) && fault.hint.is_some(), "{fault:?}");
    assert!(line.alive().is_err(), "it is not there any more");
}

#[rstest]
#[case::lcus(json!({"lcus": {}, "channels": 4}), vec![(1, true, vec![0xA0, 1, 1, 0xA2])])]
#[case::sainsmart(json!({"sainsmart": {}, "channels": 16}), vec![(1, false, b":FE0500000000FD\r\n".to_vec())])]
#[case::dlp_ior4(json!({"dlp-ior4": {}, "channels": 4}), vec![(4, true, b"4".to_vec()), (4, false, b"R".to_vec())])]
#[case::icstation(
    json!({"icstation": {"state-after-open": "assumed"}, "channels": 4}),
    vec![(1, true, vec![0xFE]), (3, true, vec![0xFA]), (1, false, vec![0xFB])],
)]
fn what_tells_no_position_is_never_asked_for_one(#[case] document: Value, #[case] orders: Vec<(u8, bool, Vec<u8>)>) {
    let pty = Pty::open();
    let mut line = line("relay b", &board(&document, &pty)).expect("a family");
    // One of them sends orders back, which is no position.
    let exchanges =
        orders.iter().map(|(_, _, sent)| (sent.clone(), if sent[0] == b':' { sent.clone() } else { vec![] }));
    let played = plays(pty, exchanges.collect(), |pty| pty);
    line.open().expect("it is there");
    for (channel, on, _) in &orders {
        assert_eq!(line.switch(number(*channel), *on), Ok(None));
        assert_eq!(line.position(number(*channel)), Ok(None));
    }
    assert_eq!(played.join().expect("as played").waiting(), 0);
}

/// What a board of a family does when it is opened, and why it is refused.
#[rstest]
#[case::another_model(
    json!({"devantech": {"model": "rly16"}, "channels": 8}),
    vec![(vec![0x5A], vec![8, 1])],
    "it is a module of the id 8 (firmware 1), where 9 is due"
)]
#[case::another_number(
    json!({"devantech": {"model": "rly08", "number": "00001234"}, "channels": 8}),
    vec![(vec![0x5A], vec![8, 1]), (vec![0x38], b"00001235".to_vec())],
    "it is the module of the serial number 00001235, where 00001234 is due"
)]
#[case::no_prompt(
    json!({"numato": {}, "channels": 8}),
    vec![(b"\r".to_vec(), b"\n\r".to_vec())],
    "waiting for its prompt: it answered 0A 0D, and nothing more"
)]
#[case::never_in_step(
    json!({"conrad": {}, "channels": 8}),
    vec![(vec![0], vec![]); 4],
    "waiting for a whole frame: no answer within 100 ms"
)]
#[case::a_card_too_few(
    json!({"conrad": {}, "channels": 16}),
    vec![(vec![0], vec![0xFF, 1, 0, 0xFE]), (vec![1, 1, 0, 0], vec![0xFE, 1, 0x0A, 0xF5, 1, 2, 0, 3])],
    "having the cards count themselves: it answered FE 01 0A F5 01 02 00 03, which is no answer"
)]
fn a_board_that_is_not_the_one_is_refused_before_anything_is_switched(
    #[case] document: Value,
    #[case] opening: Vec<Exchange>,
    #[case] said: &str,
) {
    let mut told = String::new();
    for least in patience::GROWING {
        let pty = Pty::open();
        let mut line = line("relay b", &board(&document, &pty)).expect("a family");
        let played = plays(pty, opening.clone(), |pty| pty);
        patience::set(least);
        let fault = line.open().expect_err("refused");
        assert!(fault.hint.is_some(), "{fault:?}");
        told = fault.what;
        if told.contains(said) {
            assert_eq!(played.join().expect("as played").waiting(), 0);
            return;
        }
    }
    panic!("{told}");
}

#[test]
fn cards_that_are_out_of_step_are_brought_into_it() {
    let Case { document, opening, .. } = case("conrad");
    // The first byte is still a part of what they took for a frame.
    let opening = [vec![(vec![0], vec![])], opening].concat();
    let opens = |least| {
        let pty = Pty::open();
        let mut line = line("relay b", &board(&document, &pty)).expect("a family");
        let played = plays(pty, opening.clone(), |pty| pty);
        patience::set(least);
        line.open().is_ok() && played.join().expect("as played").waiting() == 0
    };
    assert!(patience::GROWING.into_iter().any(opens));
}

#[test]
fn what_a_modbus_board_refuses_is_told_with_its_reason() {
    let pty = Pty::open();
    let mut line = line("relay b", &board(&json!({"modbus-rtu": {}, "channels": 8}), &pty)).expect("a family");
    let order = vec![1, 5, 0, 1, 0xFF, 0, 0xDD, 0xFA];
    let played = plays(pty, vec![(order, vec![1, 0x85, 2, 0xC3, 0x51])], |pty| pty);
    let fault = line.switch(number(2), true).expect_err("refused");
    assert!(fault.what.contains("refuses it with exception 02 (illegal data address)"), "{fault}");
    played.join().expect("as played");
}

#[rstest]
#[case::modbus_rtu(
    json!({"modbus-rtu": {"pulses": true}, "channels": 8}), vec![],
    700, (vec![1, 5, 2, 0, 0, 7, 0x8D, 0xB0], vec![1, 5, 2, 0, 0, 7, 0x8D, 0xB0]), true
)]
#[case::devantech(
    json!({"devantech": {"model": "rly16", "pulses": true}, "channels": 8}), vec![(vec![0x5A], vec![9, 3])],
    500, (vec![0x5E, 1, 0, 50], vec![]), true
)]
#[case::no_step(json!({"modbus-rtu": {"pulses": true}, "channels": 8}), vec![], 250, (vec![], vec![]), false)]
#[case::not_stated(json!({"modbus-rtu": {}, "channels": 8}), vec![], 700, (vec![], vec![]), false)]
#[case::not_stated_either(
    json!({"devantech": {"model": "rly08"}, "channels": 8}), vec![(vec![0x5A], vec![8, 1])], 500, (vec![], vec![]), false
)]
#[case::not_possible(json!({"lcus": {}, "channels": 8}), vec![], 500, (vec![], vec![]), false)]
fn a_board_times_a_pulse_where_its_document_says_that_it_can(
    #[case] document: Value,
    #[case] opening: Vec<Exchange>,
    #[case] ms: u64,
    #[case] order: Exchange,
    #[case] does: bool,
) {
    let pty = Pty::open();
    let mut line = line("relay b", &board(&document, &pty)).expect("a family");
    let exchanges = [opening, vec![order]].concat();
    let played = plays(pty, exchanges, |pty| pty);
    line.open().expect("it is there");
    assert_eq!(line.pulse(number(1), Duration::from_millis(ms)), Ok(does));
    assert_eq!(played.join().expect("as played").waiting(), 0);
}

#[test]
fn a_board_whose_mode_may_be_lost_is_not_spoken_to_again() {
    let pty = Pty::open();
    let document = json!({"icstation": {"state-after-open": "assumed"}, "channels": 4});
    let mut line = line("relay b", &board(&document, &pty)).expect("a family");
    line.open().expect("it is there");
    let _number = pty.unplug();
    assert!(line.alive().expect_err("gone").what.contains("is gone"));
    let fault = line.switch(number(1), true).expect_err("its mode is lost");
    assert!(fault.what.contains("it lost the mode in which it takes orders"), "{fault}");
}

#[test]
fn a_module_that_answers_its_ping_is_there() {
    let pty = Pty::open();
    let mut line = line("relay b", &board(&json!({"dlp-ior4": {}, "channels": 4}), &pty)).expect("a family");
    let played = plays(pty, vec![(b"'".to_vec(), b"R".to_vec()), (b"'".to_vec(), vec![])], |pty| pty);
    assert_eq!(line.alive(), Ok(()));
    patience::set(Duration::ZERO);
    assert!(line.alive().expect_err("silent").what.contains("no answer"));
    played.join().expect("as played");
}

#[rstest]
#[case(json!({"lcus": {"port": "/dev/b"}, "channels": 4}), false)]
#[case(json!({"devantech": {"port": "/dev/b", "model": "rly16"}, "channels": 8}), false)]
#[case(json!({"devantech": {"port": "/dev/b", "model": "rly16l"}, "channels": 8}), true)]
#[case(json!({"dlp-ior4": {"port": "/dev/b"}, "channels": 4}), true)]
#[case(json!({"modbus-rtu": {"port": "/dev/b"}, "channels": 8}), true)]
#[case(json!({"k8090": {"port": "/dev/b"}, "channels": 8}), true)]
#[case(json!({"conrad": {"port": "/dev/b"}, "channels": 8}), true)]
#[case(json!({"dcttech": {"usb": "1-2"}, "channels": 2}), false)]
fn boards_that_keep_their_positions_are_known(#[case] document: Value, #[case] keeps: bool) {
    let board: RelayBoard = serde_json::from_value(document).expect("a board");
    assert_eq!(line("relay b", &board).expect("a family").keeps().is_some(), keeps);
}

#[test]
fn what_is_no_serial_port_is_not_called_busy() {
    let board = serde_json::from_value(json!({"lcus": {"port": "/dev/null"}, "channels": 4})).expect("a board");
    let fault = line("relay b", &board).and_then(|mut line| line.open()).expect_err("no port");
    assert!(fault.what.contains("opening /dev/null failed"), "{fault}");
    assert!(fault.hint.is_some_and(|hint| hint.contains("see whether it is a serial port")));
}

#[test]
fn a_board_of_no_known_family_is_refused() {
    let fault = line("relay b", &RelayBoard::default()).map(|_| ()).expect_err("no family");
    assert!(fault.member == "relay b" && fault.hint.is_some(), "{fault:?}");
}
