//! `rigtone measure`: planted sounds in files of every kind, and files that are none.

use std::{f64::consts::TAU, path::Path};

use rstest::rstest;
use serde_json::Value;

use crate::user::{Home, keeps_to};

/// Frames of `name` at `rate` with `code`, by the command itself: left and right.
fn stimulus(home: &Home, name: &str, rate: u32, code: &str) -> Vec<[f64; 2]> {
    let rate = rate.to_string();
    home.rigtone(&["signal", name, "--rate", &rate, "--code", code, "--out", "s.wav", "--positions", "s.json"])
        .with_code(0);
    let mut reader = hound::WavReader::open(home.path("s.wav")).unwrap();
    let channels = usize::from(reader.spec().channels);
    let samples: Vec<f64> = reader.samples::<i16>().map(|sample| f64::from(sample.unwrap()) / 32_768.0).collect();
    samples.chunks(channels).map(|frame| [frame[0], frame[channels - 1]]).collect()
}

/// The sound of both channels `late` frames after its emission `lead` frames after the start, over a little noise; and that emission itself.
fn heard(sound: &[[f64; 2]], lead: usize, late: usize, tail: usize) -> [Vec<f64>; 2] {
    let mut state = 1u32;
    let mut noise = |level: f64| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        level * (f64::from(state) / f64::from(u32::MAX) - 0.5)
    };
    let at = |frame: usize, shift: usize| frame.checked_sub(shift).and_then(|frame| sound.get(frame));
    let frames = lead + late + sound.len() + tail;
    let microphone =
        (0..frames).map(|n| at(n, lead + late).map_or(0.0, |[l, r]| 0.15 * (l + r)) + noise(1e-3)).collect();
    let reference = (0..frames).map(|n| at(n, lead).map_or(0.0, |[l, _]| *l) + noise(1e-4)).collect();
    [microphone, reference]
}

/// Writes channels in turn by an independent writer.
fn write(path: &Path, rate: u32, bits: u16, float: bool, channels: &[&[f64]]) {
    let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
    let spec =
        hound::WavSpec { channels: channels.len() as u16, sample_rate: rate, bits_per_sample: bits, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for frame in 0..channels[0].len() {
        for channel in channels {
            if float {
                writer.write_sample(channel[frame] as f32).unwrap();
            } else {
                writer.write_sample((channel[frame] * 2f64.powi(i32::from(bits) - 1)) as i32).unwrap();
            }
        }
    }
    writer.finalize().unwrap();
}

/// The report, which must keep to its published schema.
fn report(home: &Home, arguments: &[&str]) -> Value {
    let mut all = vec!["measure", "rec.wav", "--json"];
    all.extend(arguments);
    let report = home.rigtone(&all).with_code(0).json();
    keeps_to("measurement.schema.json", &report);
    report
}

fn number(report: &Value, pointer: &str) -> f64 {
    let found = report.pointer(pointer).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number at {pointer} of {report:#}"))
}

#[rstest]
fn every_kind_of_file_says_the_same(
    #[values((16, false), (24, false), (32, false), (32, true))] (bits, float): (u16, bool),
    #[values(1, 2, 8)] channels: usize,
) {
    let home = Home::empty();
    let sound = stimulus(&home, "smoke", 48_000, "7");
    let [microphone, reference] = heard(&sound, 10_000, 5_000, 48_000);
    let still = vec![0.0; microphone.len()];
    let mut all: Vec<&[f64]> = vec![&still; channels];
    all[channels - 1] = &microphone;
    if channels > 1 {
        all[0] = &reference;
    }
    write(&home.path("rec.wav"), 48_000, bits, float, &all);
    let channel = (channels - 1).to_string();
    let mut arguments = vec!["--stimulus", "smoke", "--code", "7", "--channel", &channel];
    arguments.extend(if channels > 1 { ["--reference-channel", "0"] } else { ["--emitted-at", "208.333333 ms"] });
    let report = report(&home, &arguments);
    assert_eq!(report["survey"]["findings"]["presence"]["state"], "present");
    let latency_s = number(&report, "/survey/findings/latency/measured/value_s");
    assert!((latency_s - 5_000.0 / 48_000.0).abs() < 10e-6, "{latency_s}");
    assert!((number(&report, "/survey/findings/arrival/measured/frame") - 15_000.0).abs() < 0.5);
}

/// A stretch is found in the middle of a long file, and its positions are those of the file.
#[test]
fn a_stimulus_far_into_a_long_recording_is_found() {
    let home = Home::empty();
    let sound = stimulus(&home, "smoke", 48_000, "7");
    let [microphone, _] = heard(&sound, 48_000 * 150, 0, 48_000 * 30);
    write(&home.path("rec.wav"), 48_000, 16, false, &[&microphone]);
    let report = report(&home, &["--stimulus", "smoke", "--code", "7"]);
    assert_eq!(report["survey"]["findings"]["presence"]["state"], "present");
    assert!((number(&report, "/survey/findings/arrival/measured/frame") - 7_200_000.0).abs() < 0.5);
    assert!(number(&report, "/recording/to_frame") - number(&report, "/recording/from_frame") < 48_000.0 * 8.0);
    let marker = number(&report, "/survey/findings/quality/markers/0/frame");
    assert!((marker - 7_200_000.0 - 0.6 * 48_000.0).abs() < 48.0, "{marker}");
}

/// Events of a stretch are placed on the whole file.
#[test]
fn a_hole_far_into_a_long_recording_is_where_it_is() {
    let home = Home::empty();
    let mut sound = stimulus(&home, "noise", 48_000, "7");
    let positions = home.read_json("s.json");
    let noise = positions["parts"].as_array().unwrap().iter().find(|part| part["kind"] == "noise").unwrap();
    let hole = noise["start"].as_u64().unwrap() as usize + 5 * 48_000;
    sound[hole..hole + 960].fill([0.0; 2]);
    let [microphone, _] = heard(&sound, 48_000 * 150, 0, 48_000 * 30);
    write(&home.path("rec.wav"), 48_000, 16, false, &[&microphone]);
    let report = report(&home, &["--stimulus", "noise", "--code", "7"]);
    let event = "/survey/steadiness/continuity/measured/events/0";
    assert_eq!(report.pointer(event).unwrap()["kind"], "mute");
    let planted_s = 150.0 + hole as f64 / 48_000.0;
    assert!((number(&report, &format!("{event}/from_s")) - planted_s).abs() < 0.5e-3);
    assert!((number(&report, &format!("{event}/to_s")) - planted_s - 0.02).abs() < 0.5e-3);
}

/// A microphone that died while it should have heard is no silence of the speaker; zeros behind a take that was heard are no matter.
#[rstest]
#[case(true)]
#[case(false)]
fn a_channel_that_goes_dead_proves_no_absence(#[case] sounded: bool) {
    let home = Home::empty();
    let [mut microphone, _] = heard(&stimulus(&home, "smoke", 48_000, "7"), 48_000, 0, 48_000 * 2);
    if !sounded {
        microphone = heard(&[], 48_000, 0, 48_000 * 5)[0].clone();
    }
    microphone.resize(48_000 * 200, 0.0);
    write(&home.path("rec.wav"), 48_000, 16, false, &[&microphone]);
    if sounded {
        let report = report(&home, &["--stimulus", "smoke", "--code", "7"]);
        assert_eq!(report["survey"]["findings"]["presence"]["state"], "present");
    } else {
        for more in [&[][..], &["--emitted-at", "100 s"]] {
            let mut arguments = vec!["measure", "rec.wav", "--stimulus", "smoke", "--code", "7"];
            arguments.extend(more);
            home.rigtone(&arguments).with_code(12).says(&["rec.wav", "every sample of the recording is 0"]);
        }
    }
}

/// What was clipped at another rate is still seen to be clipped.
#[rstest]
fn a_clipped_recording_says_nothing(#[values(48_000, 96_000, 16_000)] rate: u32) {
    let home = Home::empty();
    let tone = |n: u32| (1.5 * (TAU * 300.0 * f64::from(n) / f64::from(rate)).sin()).clamp(-1.0, 32_767.0 / 32_768.0);
    write(&home.path("rec.wav"), rate, 16, false, &[&(0..rate * 5).map(tone).collect::<Vec<_>>()]);
    let report = report(&home, &["--stimulus", "smoke", "--rate", "48000"]);
    assert_eq!(report["survey"]["findings"]["presence"]["why"]["reason"], "clipped", "{report:#}");
}

#[test]
fn a_reference_that_holds_nothing_is_named() {
    let home = Home::empty();
    let [microphone, _] = heard(&stimulus(&home, "smoke", 48_000, "7"), 10_000, 5_000, 48_000);
    let [noise, _] = heard(&[], microphone.len(), 0, 0);
    write(&home.path("rec.wav"), 48_000, 16, false, &[&microphone, &noise]);
    let arguments = ["measure", "rec.wav", "--stimulus", "smoke", "--code", "7", "--reference-channel", "1"];
    home.rigtone(&arguments).with_code(0).says(&[
        "reference heard         no",
        "heard                   yes",
        "time of emission unknown",
    ]);
}

/// The sound at 44.1 kHz in a recording at 96 kHz; at 16 kHz what such a recording cannot hold is not measured.
#[rstest]
fn any_rate_is_measured_as_far_as_it_goes(#[values(96_000, 44_100, 16_000)] rate: u32) {
    let home = Home::empty();
    let sound = stimulus(&home, "noise", 44_100, "3");
    // A straight line between the samples is rough and enough: which measurements are made at all is the question.
    let fine = |n: usize| {
        let at = n as f64 * 44_100.0 / f64::from(rate);
        let (whole, share) = (at as usize, at.fract());
        let value = |n: usize| sound.get(n).map_or(0.0, |frame| frame[0]);
        0.3 * (value(whole) * (1.0 - share) + value(whole + 1) * share)
            + 1e-4 * (TAU * 50.0 * n as f64 / f64::from(rate)).sin()
    };
    let frames = (sound.len() as f64 * f64::from(rate) / 44_100.0) as usize + rate as usize;
    let recorded: Vec<f64> = (0..frames).map(fine).collect();
    write(&home.path("rec.wav"), rate, 16, false, &[&recorded]);
    let report = report(&home, &["--stimulus", "noise", "--rate", "44100", "--code", "3"]);
    assert_eq!(report["survey"]["findings"]["presence"]["state"], "present", "{report:#}");
    let dropouts = &report["survey"]["steadiness"]["continuity"];
    match rate {
        16_000 => assert_eq!(dropouts["inconclusive"]["reason"], "wrong-rate", "{dropouts:#}"),
        _ => assert!(dropouts["measured"].is_object(), "{dropouts:#}"),
    }
}

/// Two days by the header, four seconds by the sound: what is too slow to be measured is refused before it is made 48,000 times as long.
#[rstest]
#[case::by_a_wrong_header(1, "smoke", 16_000)]
#[case::by_a_little(15_999, "full", 16_000)]
#[case::for_a_sound_of_ones_own(7_999, "tune.wav", 8_000)]
fn a_rate_that_holds_nothing_is_refused(#[case] rate: u32, #[case] stimulus: &str, #[case] need: u32) {
    let home = Home::empty();
    let sound = tune(48_000, 3.95);
    write(&home.path("rec.wav"), rate, 16, false, &[&sound]);
    write(&home.path("tune.wav"), 48_000, 16, false, &[&sound]);
    let said = format!("rec.wav: recorded at {rate} frames per second where {need} are needed");
    home.rigtone(&["measure", "rec.wav", "--stimulus", stimulus]).with_code(2).says(&[&said, "where the header"]);
    // So is a sound that is looked for.
    write(&home.path("slow.wav"), 1, 16, false, &[&sound[..480]]);
    let said = "slow.wav: recorded at 1 frames per second where 8000 are needed";
    home.rigtone(&["measure", "tune.wav", "--stimulus", "slow.wav"]).with_code(2).says(&[said]);
}

#[test]
fn the_whole_stimulus_is_explained_and_compared() {
    let home = Home::empty();
    let sound = stimulus(&home, "full", 48_000, "11");
    let [microphone, reference] = heard(&sound, 24_000, 9_600, 48_000);
    write(&home.path("rec.wav"), 48_000, 24, false, &[&microphone, &reference]);
    let louder: Vec<f64> = microphone.iter().map(|sample| 1.05 * sample).collect();
    write(&home.path("other.wav"), 48_000, 24, false, &[&louder, &reference]);
    let arguments =
        ["--stimulus", "s.wav", "--positions", "s.json", "--reference-channel", "1", "--against", "other.wav"];
    let report = report(&home, &arguments);
    assert!((number(&report, "/survey/findings/latency/measured/value_s") - 0.2).abs() < 10e-6);
    assert_eq!(report["survey"]["channels"]["heard"]["measured"]["carries"], "sum");
    assert_eq!(report["survey"]["steadiness"]["continuity"]["measured"]["dropouts"]["measured"]["count"], 0);
    // A difference of level alone is none of response.
    let differences = report["against"]["response"].as_array().unwrap();
    assert_eq!(differences[0]["hz"], 60.0);
    assert!(differences.iter().any(|at| at["difference"]["measured"].is_object()));
    for at in differences.iter().filter_map(|at| at["difference"]["measured"]["db"].as_f64()) {
        assert!(at.abs() < 0.1, "{at} dB");
    }
    home.rigtone(&["measure", "rec.wav", "--stimulus", "full", "--code", "11", "--reference-channel", "1"])
        .with_code(0)
        .says(&[
            "heard                   yes",
            "latency                 200.0",
            "dropouts                none",
            "THD+N",
        ]);
}

/// What another rig or another speaker played, and what nobody played, is no presence.
#[rstest]
#[case("8", "foreign")]
#[case("7", "present")]
fn another_code_is_said_to_be_another(#[case] code: &str, #[case] state: &str) {
    let home = Home::empty();
    let [microphone, _] = heard(&stimulus(&home, "smoke", 48_000, "7"), 1000, 0, 1000);
    write(&home.path("rec.wav"), 48_000, 16, false, &[&microphone]);
    let report = report(&home, &["--stimulus", "smoke", "--code", code]);
    assert_eq!(report["survey"]["findings"]["presence"]["state"], state);
}

/// The markers of all stimuli are alike: of the same code another one may be what was played.
#[test]
fn another_stimulus_is_not_taken_for_another_speaker() {
    let home = Home::empty();
    let [microphone, _] = heard(&stimulus(&home, "smoke", 48_000, "0"), 1000, 0, 1000);
    write(&home.path("rec.wav"), 48_000, 16, false, &[&microphone]);
    let said = "heard                   another stimulus, or another code: ";
    home.rigtone(&["measure", "rec.wav", "--stimulus", "full"]).with_code(0).says(&[said]);
}

/// A header of 44 bytes over samples, some of its bytes replaced.
fn file(samples: &[i16], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = rigtone_record::wav::encode_i16(48_000, 1, samples).unwrap();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

fn floats(samples: &[f32]) -> Vec<u8> {
    let mut file = file(&[], 20, &[3, 0]);
    file[32..36].copy_from_slice(&[4, 0, 32, 0]);
    file[40..44].copy_from_slice(&(samples.len() as u32 * 4).to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[rstest]
#[case::nothing(vec![], 12, &["no samples", "record it again"])]
#[case::no_samples(file(&[], 0, b"RIFF"), 12, &["no samples", "record it again"])]
#[case::half_a_header(file(&[1, 2, 3], 0, b"RIFF")[..30].to_vec(), 2, &["ends within its header"])]
#[case::eight_bits(file(&[1, 2, 3], 32, &[1, 0, 8, 0]), 2, &["8 bits are not read", "convert"])]
#[case::silence(file(&[0; 96_000], 0, b"RIFF"), 12, &["every sample of the recording is 0", "--digital-silence"])]
#[case::not_a_number(floats(&[0.0, f32::NAN, 0.5]), 12, &["frame 1 is not an audio sample"])]
#[case::all_not_a_number(floats(&[f32::NAN; 1000]), 12, &["frame 0 is not an audio sample"])]
#[case::infinite(floats(&[0.0, 0.1, f32::INFINITY]), 12, &["frame 2 is not an audio sample"])]
fn a_file_that_is_no_recording_is_refused(#[case] file: Vec<u8>, #[case] code: i32, #[case] said: &[&str]) {
    let home = Home::empty();
    std::fs::write(home.path("rec.wav"), file).unwrap();
    home.rigtone(&["measure", "rec.wav", "--stimulus", "smoke"]).with_code(code).says(said);
}

/// Sizes in the header are claims; what is too short or silent is said to be so.
#[rstest]
#[case::length_zero(file(&[5, -5, 7, 1], 40, &[0; 4]), &[], "no-length")]
#[case::four_gib(file(&[5, -5, 7, 1], 40, &[0xff; 4]), &[], "no-length")]
#[case::cut_off(file(&[5, -5, 7, 1], 40, &[200, 0, 0, 0]), &[], "truncated")]
#[case::silent(file(&[0; 96_000], 0, b"RIFF"), &["--digital-silence"], "")]
fn a_recording_without_an_answer_says_so(#[case] file: Vec<u8>, #[case] more: &[&str], #[case] remark: &str) {
    let home = Home::empty();
    std::fs::write(home.path("rec.wav"), file).unwrap();
    let mut arguments = vec!["--stimulus", "smoke"];
    arguments.extend(more);
    let report = report(&home, &arguments);
    assert_eq!(report["survey"]["findings"]["presence"]["state"], "inconclusive");
    assert_eq!(report["survey"]["findings"]["presence"]["why"]["reason"], "too-short");
    assert_eq!(report["recording"]["remark"]["kind"].as_str().unwrap_or_default(), remark);
}

/// A piece of music in miniature: four voices that change their notes twice a second, each with harmonics and its own tremolo.
fn tune(rate: u32, seconds: f64) -> Vec<f64> {
    let mut state = 9u32;
    let mut draw = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(u32::MAX)
    };
    let frames = (seconds * f64::from(rate)) as usize;
    let mut out = vec![0.0; frames];
    for _ in 0..4 {
        let mut phase = 0.0;
        let mut hz = 220.0;
        for (n, sample) in out.iter_mut().enumerate() {
            if n % (rate as usize / 2) == 0 {
                hz = 150.0 * 2f64.powf(2.0 * draw());
            }
            phase += TAU * hz / f64::from(rate);
            let voices: f64 = (1..12).map(|k| (f64::from(k) * phase).sin() / f64::from(k)).sum();
            *sample += 0.06 * voices + 0.004 * (draw() - 0.5);
        }
    }
    out
}

/// A file of one's own is found, followed and timed: whatever its rate, wherever in a long recording, with a hole in it.
#[rstest]
#[case::at_once(48_000, 0.3, false)]
#[case::far_into_it(48_000, 130.0, true)]
#[case::at_another_rate(44_100, 2.0, true)]
fn a_sound_of_ones_own_is_found_followed_and_timed(#[case] rate: u32, #[case] lead_s: f64, #[case] holed: bool) {
    let home = Home::empty();
    let sound = tune(rate, 8.0);
    write(&home.path("tune.wav"), rate, 16, false, &[&sound, &sound]);
    let mut stream: Vec<[f64; 2]> = sound.iter().map(|sample| [*sample; 2]).collect();
    let hole = (5.0 * f64::from(rate)) as usize;
    if holed {
        stream[hole..hole + rate as usize / 50].fill([0.0; 2]);
    }
    let (lead, late) = ((lead_s * f64::from(rate)) as usize, 4_321);
    let [microphone, reference] = heard(&stream, lead, late, 4 * rate as usize);
    write(&home.path("rec.wav"), rate, 24, false, &[&microphone, &reference]);
    let report = report(&home, &["--stimulus", "tune.wav", "--reference-channel", "1"]);
    assert_eq!(report["looked_for"]["kind"], "sound");
    assert_eq!(report["sound"]["heard"]["measured"], true, "{report:#}");
    let arrival = number(&report, "/sound/arrival/measured/frame");
    assert!((arrival - (lead + late) as f64).abs() < 0.5, "{arrival}");
    let latency_s = number(&report, "/sound/latency/measured/value_s");
    assert!((latency_s - late as f64 / f64::from(rate)).abs() < 10e-6, "{latency_s}");
    let dropouts = report.pointer("/sound/continuity/measured/dropouts/measured/count").unwrap();
    assert_eq!(dropouts, u64::from(holed), "{:#}", report["sound"]["continuity"]);
    if holed {
        let from_s = number(&report, "/sound/continuity/measured/events/0/from_s");
        assert!((from_s - (lead + late + hole) as f64 / f64::from(rate)).abs() < 1e-3, "{from_s}");
    }
    home.rigtone(&["measure", "rec.wav", "--stimulus", "tune.wav"])
        .with_code(0)
        .says(&["heard                   yes", "latency                 inconclusive: time of emission unknown"]);
}

/// Another piece, noise, a quiet room, and a recording that is shorter than the sound: never a yes, and a no only where it is proved.
#[rstest]
#[case::a_quiet_room(1e-4, 12.0, Some(false))]
#[case::a_noisy_one(0.3, 12.0, None)]
#[case::too_short(1e-4, 3.0, None)]
fn a_sound_that_is_not_there_is_not_heard(#[case] level: f64, #[case] seconds: f64, #[case] heard: Option<bool>) {
    let home = Home::empty();
    write(&home.path("tune.wav"), 48_000, 16, false, &[&tune(48_000, 8.0)]);
    let mut state = 5u32;
    let noise: Vec<f64> = (0..(seconds * 48_000.0) as usize)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            level * (f64::from(state) / f64::from(u32::MAX) - 0.5)
        })
        .collect();
    write(&home.path("rec.wav"), 48_000, 24, false, &[&noise]);
    let report = report(&home, &["--stimulus", "tune.wav"]);
    assert_eq!(report["sound"]["heard"]["measured"].as_bool(), heard, "{report:#}");
    assert!(report["sound"]["arrival"]["measured"].is_null() && report["sound"]["continuity"]["measured"].is_null());
}

#[rstest]
#[case(&["--stimulus", "loud"], &["unknown stimulus `loud`"])]
#[case(&["--stimulus", "short.wav"], &["short.wav", "lasts 0.010 s", "50 ms to 10 minutes"])]
#[case(&["--stimulus", "still.wav"], &["still.wav", "it is silent"])]
#[case(&["--stimulus", "s.wav", "--code", "3"], &["--code", "stimuli by name"])]
#[case(&["--stimulus", "s.wav", "--against", "none.wav"], &["`s.wav` has no sweep"])]
#[case(&["--stimulus", "full", "--positions", "s.json"], &["positions are those of `smoke`"])]
#[case(&["--stimulus", "rec.wav", "--positions", "s.json"], &["does not hold the stimulus"])]
#[case(&["--stimulus", "smoke", "--positions", "s.wav"], &["s.wav", "rigtone signal --positions"])]
#[case(&["--stimulus", "smoke", "--channel", "1"], &["no channel 1"])]
#[case(&["--stimulus", "smoke", "--reference-channel", "3"], &["no channel 3"])]
#[case(&["--stimulus", "smoke", "--emitted-at", "1 h"], &["emitted at 3600.000 s"])]
#[case(&["--stimulus", "smoke", "--microphone", "s.json"], &["s.json"])]
#[case(&["--stimulus", "smoke", "--against", "none.wav"], &["`smoke` has no sweep"])]
#[case(&["--stimulus", "sweep", "--against", "none.wav"], &["none.wav"])]
fn wrong_usage_is_explained(#[case] arguments: &[&str], #[case] said: &[&str]) {
    let home = Home::empty();
    let [microphone, _] = heard(&stimulus(&home, "smoke", 48_000, "0"), 1000, 0, 1000);
    write(&home.path("rec.wav"), 48_000, 16, false, &[&microphone]);
    write(&home.path("short.wav"), 48_000, 16, false, &[&microphone[..480]]);
    write(&home.path("still.wav"), 48_000, 16, false, &[&[0.0; 48_000]]);
    let mut all = vec!["measure", "rec.wav"];
    all.extend(arguments);
    home.rigtone(&all).with_code(2).says(said);
}
