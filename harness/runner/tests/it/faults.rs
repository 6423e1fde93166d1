//! Every fault that can be planted ends in the right class: what is the rig's is never blamed on a device, and the
//! other way round.

use rigtone_model::{
    event::{Body, StepOutcome, TrialOutcome},
    load::{SourceFile, load},
    trial::FailureClass,
    verdict::Verdict,
};

use crate::bench::{Done, Planned, plan, run_from};

/// From switching on to sound, as most rows need it.
const CHAIN: &str = "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - discover: {within: 30 s}
  - pair: {attempts: 2}
  - connect: {profile: a2dp}
  - play: {signal: smoke}";

/// Where a fault has to end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Every trial is lost to this member, or not even tried: infra-error.
    Rig(&'static str),
    /// One trial is lost to this member, tried again, and the answer is found all the same.
    Once(&'static str),
    /// The device fails in this way.
    Device(FailureClass),
    /// Nothing is wrong that anybody could see.
    Nothing,
}

/// What is planted: in the rig's `faults`, in `simulated` of the speaker, in `simulated` of the relay board.
#[derive(Debug, Clone, Copy)]
struct Row {
    name: &'static str,
    fault: &'static str,
    unit: &'static str,
    board: &'static str,
    /// Whether the document of the speaker's model knows of its battery.
    battery: bool,
    steps: &'static str,
    end: End,
}

const ROW: Row = Row { name: "", fault: "", unit: "", board: "", battery: false, steps: CHAIN, end: End::Nothing };

const fn rig(name: &'static str, fault: &'static str, end: End) -> Row {
    Row { name, fault, end, ..ROW }
}

const fn device(name: &'static str, unit: &'static str, class: FailureClass) -> Row {
    Row { name, unit, end: End::Device(class), ..ROW }
}

const BOARD: &str = "relay board-1";
const CHANNEL: &str = "relay board-1 channel 1";
const DONGLE: &str = "dongle usb-1";
const DAEMON: &str = "daemon bluetoothd";
const BENCH: &str = "microphone bench-1";
const CLOCK: &str = "host clock";

/// Faults of the rig's members.
const RIG: &[Row] = &[
    rig("a relay sticks", "relay-sticks: {relay: board-1, channel: 1}", End::Rig(CHANNEL)),
    rig(
        "a relay sticks once",
        "relay-sticks: {relay: board-1, channel: 1}, in: {trial: 2, attempt: 1, step: power-cycle}",
        End::Once(CHANNEL),
    ),
    rig("another relay sticks", "relay-sticks: {relay: board-1, channel: 2}", End::Nothing),
    rig("a relay answers late", "relay-answers-late: {relay: board-1, by: 2 s}", End::Rig(BOARD)),
    rig(
        "a relay answers late once",
        "relay-answers-late: {relay: board-1, by: 2 s}, in: {trial: 2, attempt: 1}, lasting: 6 s",
        End::Once(BOARD),
    ),
    rig("a relay answers a little late", "relay-answers-late: {relay: board-1, by: 200 ms}", End::Nothing),
    rig("a relay answers garbage", "relay-answers-garbage: {relay: board-1}", End::Rig(BOARD)),
    rig(
        "a relay answers garbage once",
        "relay-answers-garbage: {relay: board-1, channel: 1}, in: {trial: 3, attempt: 1, step: power-cycle}",
        End::Once(CHANNEL),
    ),
    rig("a relay answers nothing", "relay-answers-nothing: {relay: board-1}", End::Rig(BOARD)),
    rig(
        "a relay answers nothing from a step on",
        "relay-answers-nothing: {relay: board-1}, in: {trial: 2, step: power-cycle}, lasting: 24 h",
        End::Rig(BOARD),
    ),
    rig(
        "a relay answers nothing in cleanup",
        "relay-answers-nothing: {relay: board-1}, in: {trial: 2, attempt: 1, step: power}",
        End::Once(BOARD),
    ),
    Row {
        name: "a contact that nobody reads back sticks open",
        board: "{mute: true}",
        ..rig("", "relay-sticks: {relay: board-1, channel: 1}, in: {trial: 2, attempt: 1}", End::Once(CHANNEL))
    },
    Row {
        name: "a contact that nobody reads back sticks closed",
        board: "{mute: true}",
        ..rig(
            "",
            "relay-sticks: {relay: board-1, channel: 1}, in: {trial: 2, attempt: 1, step: play}",
            End::Once(CHANNEL),
        )
    },
    Row {
        name: "a contact sticks closed, and a battery would do the same",
        board: "{mute: true}",
        battery: true,
        ..rig("", "relay-sticks: {relay: board-1, channel: 1}, in: {trial: 2, step: play}", End::Nothing)
    },
    rig("a dongle is not there", "dongle-gone: {dongle: usb-1}", End::Rig(DONGLE)),
    rig(
        "a dongle goes before a step",
        "dongle-gone: {dongle: usb-1}, in: {trial: 2, attempt: 1, step: connect}",
        End::Once(DONGLE),
    ),
    rig(
        "a dongle goes in mid-stream and returns",
        "dongle-gone: {dongle: usb-1}, in: {trial: 2, attempt: 1, step: play}, after: 1 s, lasting: 3 s",
        End::Once(DONGLE),
    ),
    rig(
        "a dongle was away while nobody used it",
        "dongle-gone: {dongle: usb-1}, in: {trial: 2, attempt: 1, step: enter-pairing-mode}, lasting: 100 ms",
        End::Once(DONGLE),
    ),
    Row {
        steps: "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - pair: {}
  - connect: {profile: a2dp}
  - wait: {for: 10 s}
  - play: {signal: smoke}",
        ..rig(
            "a dongle was away while a link went over it",
            "dongle-gone: {dongle: usb-1}, in: {trial: 2, attempt: 1, step: wait}, after: 1 s, lasting: 2 s",
            End::Once(DONGLE),
        )
    },
    rig("the daemon does not run", "daemon-restarts: {}", End::Rig(DAEMON)),
    rig(
        "the daemon restarts in a call",
        "daemon-restarts: {}, in: {trial: 2, attempt: 1, step: pair}, after: 500 ms, lasting: 2 s",
        End::Once(DAEMON),
    ),
    rig(
        "the daemon restarts in mid-stream",
        "daemon-restarts: {}, in: {trial: 2, attempt: 1, step: play}, after: 1 s, lasting: 2 s",
        End::Once(DAEMON),
    ),
    rig(
        "the daemon restarts between two calls",
        "daemon-restarts: {}, in: {trial: 2, attempt: 1, step: enter-pairing-mode}, lasting: 1 s",
        End::Once(DAEMON),
    ),
    rig("the daemon restarts at a time", "daemon-restarts: {}, from: 30 s, lasting: 2 s", End::Once(DAEMON)),
    rig("a microphone is dead", "microphone-dead: {microphone: bench-1}", End::Rig(BENCH)),
    rig(
        "a microphone is dead in a trial",
        "microphone-dead: {microphone: bench-1}, in: {trial: 2, attempt: 1}",
        End::Once(BENCH),
    ),
    rig(
        "a microphone dies in mid-stream",
        "microphone-dead: {microphone: bench-1}, in: {trial: 2, attempt: 1, step: play}, after: 1500 ms",
        End::Once(BENCH),
    ),
    rig("a microphone clips", "microphone-clips: {microphone: bench-1}", End::Rig(BENCH)),
    rig(
        "a microphone clips in a trial",
        "microphone-clips: {microphone: bench-1}, in: {trial: 2, attempt: 1}",
        End::Once(BENCH),
    ),
    rig("a microphone is noisy", "microphone-noisy: {microphone: bench-1}", End::Rig(BENCH)),
    rig(
        "a microphone is so noisy in a trial that it clips",
        "microphone-noisy: {microphone: bench-1, noise: 0 dB}, in: {trial: 2, attempt: 1}",
        End::Once(BENCH),
    ),
    Row {
        unit: "{level: -45 dB}",
        ..rig(
            "a microphone's noise hides a speaker in a trial",
            "microphone-noisy: {microphone: bench-1}, in: {trial: 2, attempt: 1}",
            End::Once(BENCH),
        )
    },
    rig(
        "a speaker is heard through a microphone's noise",
        "microphone-noisy: {microphone: bench-1}, in: {trial: 2}",
        End::Nothing,
    ),
    rig("a microphone loses samples", "microphone-loses-samples: {microphone: bench-1}", End::Rig(BENCH)),
    rig(
        "a microphone loses samples in a step",
        "microphone-loses-samples: {microphone: bench-1}, in: {trial: 2, attempt: 1, step: play}",
        End::Once(BENCH),
    ),
    rig("another microphone is dead", "microphone-dead: {microphone: spare}", End::Nothing),
    rig("the disk is full", "disk-full: {}", End::Rig("evidence")),
    rig("the disk is full for a while", "disk-full: {}, in: {trial: 2, attempt: 1, step: play}", End::Once("evidence")),
    rig(
        "the clock jumps in a step",
        "clock-jumps: {by: 1 h}, in: {trial: 2, attempt: 1, step: pair}, after: 500 ms",
        End::Once(CLOCK),
    ),
    rig(
        "the clock jumps in mid-stream",
        "clock-jumps: {by: 5 s}, in: {trial: 2, attempt: 1, step: play}, after: 2 s",
        End::Once(CLOCK),
    ),
    rig("the clock jumps at a time", "clock-jumps: {by: 1 h}, from: 30 s", End::Once(CLOCK)),
    rig("a fault of a trial that never comes", "disk-full: {}, in: {trial: 1000}", End::Nothing),
    rig("a fault of another scenario", "disk-full: {}, in: {scenario: another-*}", End::Nothing),
];

/// What units do, one for each link of the chain.
const DEVICE: &[Row] = &[
    device("it answers no inquiry", "{discovery: 0 %}", FailureClass::NotDiscovered),
    device("it starts too slowly", "{boot: 10 min}", FailureClass::NotDiscovered),
    device("it refuses to pair", "{pairing: 0 %}", FailureClass::PairingRefused),
    device("it pairs too slowly", "{pairing-takes: 60 s}", FailureClass::PairingTimedOut),
    device("it has another role", "{roles: [hfp-unit]}", FailureClass::WrongRole),
    device("it drops the link", "{drops-link-after: 1 s}", FailureClass::LinkLost),
    device("its supply fails", "{fails-after: 1 s}", FailureClass::LinkLost),
    device("it is silent", "{silent: true}", FailureClass::Silent),
    device("it freezes", "{freezes-after: 1500 ms}", FailureClass::Silent),
    Row {
        battery: true,
        ..device(
            "it freezes, and its battery keeps it frozen",
            "{freezes-after: 1500 ms, battery: 8 h}",
            FailureClass::Silent,
        )
    },
    Row {
        steps: "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - pair: {}
  - connect: {profile: a2dp}
  - wait: {for: 20 s}
  - play: {signal: smoke}",
        ..device("it drops an idle link", "{disconnects-after: 10 s}", FailureClass::NoStream)
    },
    Row {
        steps: "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - wait: {for: 20 s}
  - discover: {within: 30 s}
  - play: {signal: smoke}",
        ..device("it switches itself off", "{switches-off-after: 10 s}", FailureClass::NotDiscovered)
    },
    Row {
        name: "it is busy for a while and not idle for long",
        unit: "{switches-off-after: 30 s, disconnects-after: 30 s}",
        ..ROW
    },
    Row {
        steps: "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - pair: {}
  - pair: {by: second}
    label: pair-second
  - connect: {profile: a2dp}
  - connect: {profile: a2dp, by: second}
    label: connect-second
  - play: {signal: smoke}",
        ..device("it takes one link at a time", "{one-link: true}", FailureClass::NotConnected)
    },
    Row {
        steps: "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - enter-pairing-mode: {unit: speaker}
    label: again
  - discover: {within: 30 s}
  - play: {signal: smoke}",
        ..device("its button toggles", "{pairing-button: toggle}", FailureClass::NotDiscovered)
    },
    Row {
        name: "its button does not toggle",
        steps: "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - enter-pairing-mode: {unit: speaker}
    label: again
  - pair: {}
  - connect: {profile: a2dp}
  - play: {signal: smoke}",
        ..ROW
    },
    Row {
        steps: FORGOTTEN,
        ..device("it keeps a bond that was forgotten", "{stale-cache: true}", FailureClass::PairingRefused)
    },
    Row { name: "its stale cache is cured by a power-cycle", unit: "{stale-cache: true}", steps: CURED, ..ROW },
    Row {
        battery: true,
        steps: CURED,
        ..device("its battery keeps a stale cache", "{stale-cache: true, battery: 8 h}", FailureClass::PairingRefused)
    },
    Row {
        name: "its battery is empty before the supply returns",
        unit: "{stale-cache: true, battery: 20 s}",
        battery: true,
        steps: "
  - power-cycle: {unit: speaker, off-for: 60 s}
  - enter-pairing-mode: {unit: speaker}
  - pair: {}
  - forget: {}
    label: forget-once
  - power-cycle: {unit: speaker, off-for: 60 s}
    label: cure
  - enter-pairing-mode: {unit: speaker}
    label: again
  - pair: {}
    label: pair-again
  - connect: {profile: a2dp}
  - play: {signal: smoke}",
        ..ROW
    },
    Row { name: "it goes on from its battery", unit: "{battery: 8 h}", battery: true, ..ROW },
    Row { name: "nothing is wrong with it", ..ROW },
];

const FORGOTTEN: &str = "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - pair: {}
  - forget: {}
    label: forget-once
  - enter-pairing-mode: {unit: speaker}
    label: again
  - pair: {}
    label: pair-again
  - connect: {profile: a2dp}
  - play: {signal: smoke}";

const CURED: &str = "
  - power-cycle: {unit: speaker, off-for: 2 s}
  - enter-pairing-mode: {unit: speaker}
  - pair: {}
  - forget: {}
    label: forget-once
  - power-cycle: {unit: speaker, off-for: 5 s}
    label: cure
  - enter-pairing-mode: {unit: speaker}
    label: again
  - pair: {}
    label: pair-again
  - connect: {profile: a2dp}
  - play: {signal: smoke}";

/// Both at once: a device that fails on a rig that fails, before and after it.
const BOTH: &[Row] = &[
    Row {
        unit: "{pairing: 0 %}",
        ..rig("refused, and the dongle is gone", "dongle-gone: {dongle: usb-1}", End::Rig(DONGLE))
    },
    Row {
        unit: "{silent: true}",
        ..rig("silent, and unheard", "microphone-dead: {microphone: bench-1}", End::Rig(BENCH))
    },
    Row {
        fault: "microphone-dead: {microphone: spare}",
        ..device("silent, beside a dead microphone of others", "{silent: true}", FailureClass::Silent)
    },
];

fn document(row: &Row) -> rigtone_model::document::Rig {
    let simulated = |text: &str| if text.is_empty() { String::new() } else { format!(", simulated: {text}") };
    let (unit, board) = (simulated(row.unit), simulated(row.board));
    let faults = if row.fault.is_empty() { String::new() } else { format!("faults:\n  - {{{}}}\n", row.fault) };
    let text = format!(
        r#"rig: faulty
title: One source on a dongle, one speaker, and one fault
world: simulated
retries: {{infrastructure: 1, bench-after: 3}}
rooms: {{lab: {{rt60: 250 ms, noise: -70 dB}}}}
dongles: {{usb-1: {{address: "0C:00:00:00:00:01"}}}}
relays: {{board-1: {{channels: 4{board}}}}}
microphones:
  bench-1: {{room: lab, latency-uncertainty: 1 ms}}
  spare: {{room: lab}}
units:
  endpoint: {{device: rigtone/endpoint, firmware: host, address: "0C:00:00:00:00:01", control: endpoint, dongle: usb-1}}
  echo: {{device: amazon/echo-dot-5, firmware: "2024.02", address: "0C:00:00:00:00:02", control: command}}
  speaker:
    {{device: jbl/charge-5, firmware: "1.1.0", address: "5E:00:00:00:00:01", power: {{relay: board-1, channel: 1}},
     heard-by: {{bench-1: {{distance: 0.3 m}}}}{unit}}}
{faults}"#
    );
    let mut loaded = load(vec![SourceFile { path: "faulty.yaml".into(), bytes: text.clone().into_bytes() }]);
    assert!(loaded.diagnostics.is_empty(), "{text}\n{:#?}", loaded.diagnostics);
    loaded.library.rigs.swap_remove("faulty").expect("a rig").value
}

fn planned(row: &Row) -> Planned {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.yaml");
    let second = if row.steps.contains("second") { "\n  second: {devices: [amazon/echo-dot-5]}" } else { "" };
    let text = format!(
        "scenario: trial\ntitle: A trial\nmatrix:\n  source: {{devices: [rigtone/endpoint]}}{second}\n  speaker: {{tags: [speaker]}}\n\
         trial:{}\ncleanup:\n  - disconnect: {{}}\n  - forget: {{}}\n  - power: {{unit: speaker, state: off}}\n\
         repeat: {{at-least: 5, at-most: 8}}\n\
         expect:\n  - audio: {{in: play, present: true, at-least: 60 %, good: 98 %, confidence: 90 %}}\n",
        row.steps
    );
    std::fs::write(&path, text).expect("a file");
    let mut planned = plan(&[path.to_str().expect("plain text")], |rig| *rig = document(row));
    for device in planned.devices.values_mut() {
        device.battery = row.battery;
    }
    planned
}

/// What a run tells about a row: members that trials were lost to, and whether a device was blamed.
fn judge(row: &Row, done: &Done) -> Result<(), String> {
    let [combination] = done.verdicts.combinations.as_slice() else {
        return Err(format!("{} combinations", done.verdicts.combinations.len()));
    };
    let lost = done.lost();
    let checked: Vec<&str> = done
        .events
        .iter()
        .filter_map(|e| match &e.body {
            Body::Checked { member, ok: false, .. } => Some(member.as_str()),
            _ => None,
        })
        .collect();
    let blamed = &combination.classes;
    let verdict = &combination.verdict;
    let is = |what: bool, why: &str| if what { Ok(()) } else { Err(why.to_owned()) };
    match row.end {
        End::Rig(member) => {
            is(blamed.is_empty(), "a device is blamed for the rig")?;
            is(lost.iter().chain(&checked).all(|m| *m == member), "another member is blamed")?;
            is(!lost.is_empty() || checked.contains(&member), "nobody is blamed")?;
            is(*verdict == Verdict::InfraError, "the verdict is no infra-error")
        }
        End::Once(member) => {
            is(blamed.is_empty(), "a device is blamed for the rig")?;
            is(lost == [member], "it did not cost one trial of that member")?;
            is(checked.iter().all(|m| *m == member), "another member is blamed")?;
            is(*verdict == Verdict::Pass, "what was tried again does not pass")
        }
        End::Device(class) => {
            is(lost.is_empty(), "the rig is blamed for a device")?;
            let seen: Vec<_> = blamed.keys().copied().collect();
            is(seen == [class], "another link of the chain is blamed")?;
            is(*verdict == Verdict::Fail, "the verdict is no fail")
        }
        End::Nothing => {
            is(lost.is_empty() && blamed.is_empty(), "somebody is blamed for nothing")?;
            is(*verdict == Verdict::Pass, "what is well does not pass")
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figure is a result of its own")]
fn try_all(rows: &[Row]) {
    let mut wrong = Vec::new();
    for row in rows {
        let done = run_from(&planned(row), 1);
        if let Err(why) = judge(row, &done) {
            let steps = done.events.iter().filter_map(|e| match &e.body {
                Body::StepFinished { outcome: outcome @ (StepOutcome::Failed(_) | StepOutcome::Lost(_)), .. } => {
                    Some(format!("{:?} {outcome:?}", e.at.as_ref()))
                }
                Body::TrialFinished { outcome: outcome @ TrialOutcome::Lost(_), .. } => {
                    Some(format!("{:?} {outcome:?}", e.at.as_ref()))
                }
                Body::Checked { ok: false, .. } | Body::Benched { .. } | Body::Warning { .. } => {
                    Some(format!("{:?}", e.body))
                }
                _ => None,
            });
            let steps: Vec<String> = steps.take(12).collect();
            let combinations = &done.verdicts.combinations;
            wrong.push(format!("{}: {why}\n{row:?}\n{steps:#?}\n{combinations:#?}", row.name));
        }
    }
    println!("{} faults tried, {} ended where they should not", rows.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn faults_of_the_rig_cost_trials_and_blame_no_device() {
    try_all(RIG);
}

#[test]
fn failures_of_a_device_are_told_by_their_link_of_the_chain_and_cost_no_trial() {
    try_all(DEVICE);
}

#[test]
fn where_both_fail_nothing_is_known_of_the_device() {
    try_all(BOTH);
}

/// A kind of fault without a row would be a kind that nobody has seen at work.
#[test]
fn every_kind_of_fault_has_a_row() {
    for kind in rigtone_model::document::Fault::KINDS {
        assert!(RIG.iter().any(|row| row.fault.starts_with(&format!("{kind}:"))), "{kind}");
    }
}

/// Same seed, same faults: the same events, byte for byte.
#[test]
fn faults_come_out_the_same_each_time() {
    let row = rig(
        "",
        "dongle-gone: {dongle: usb-1}, in: {trial: 2, attempt: 1, step: play}, after: 1 s, lasting: 3 s",
        End::Nothing,
    );
    let planned = planned(&row);
    assert_eq!(run_from(&planned, 4).events, run_from(&planned, 4).events);
}
