//! `rigtone signal`

use std::fs;

use rstest::rstest;

use crate::user::Home;

#[rstest]
#[case("smoke", "48000")]
#[case("smoke", "44100")]
#[case("full", "48000")]
fn a_stimulus_is_written_with_the_positions_of_its_parts(#[case] name: &str, #[case] rate: &str) {
    let home = Home::empty();
    let arguments = ["signal", name, "--rate", rate, "--code", "7", "--out", "s.wav", "--positions", "s.json"];
    home.rigtone(&arguments).with_code(0).says(&[name, "s.wav"]);
    let positions = home.read_json("s.json");
    assert_eq!((&positions["name"], &positions["code"]), (&name.into(), &7.into()));
    let mut reader = rigtone_record::wav::WavReader::open(&home.path("s.wav")).unwrap();
    assert_eq!((reader.rate().to_string().as_str(), reader.remark()), (rate, None));
    assert_eq!(reader.frames(), positions["frames"].as_u64().unwrap());
    let mut samples = Vec::new();
    while reader.read(&mut samples, 1 << 16).unwrap() > 0 {}
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!((0.1..0.9).contains(&peak), "{peak}");
    let parts = positions["parts"].as_array().unwrap();
    let end = |part: &serde_json::Value| part["start"].as_u64().unwrap() + part["frames"].as_u64().unwrap();
    assert!(parts.iter().all(|part| end(part) <= reader.frames()));
    // The same again is the same file, another code another one.
    let first = fs::read(home.path("s.wav")).unwrap();
    home.rigtone(&arguments).with_code(0);
    assert_eq!(fs::read(home.path("s.wav")).unwrap(), first);
    home.rigtone(&["signal", name, "--rate", rate, "--code", "8", "--out", "s.wav"]).with_code(0);
    assert_ne!(fs::read(home.path("s.wav")).unwrap(), first);
}

#[rstest]
#[case(&["signal", "loud", "--out", "s.wav"], 2, &["unknown stimulus `loud`", "smoke"])]
#[case(&["signal", "smoke", "--rate", "96000", "--out", "s.wav"], 2, &["not made at 96000 Hz"])]
#[case(&["signal", "smoke"], 2, &["--out"])]
#[case(&["signal", "smoke", "--out", "s.wav", "--positions", "s.wav"], 2, &["s.wav cannot be both", "a file of its own"])]
#[case(&["signal", "smoke", "--out", "no/such/folder/s.wav"], 2, &["no/such/folder", "help:"])]
fn what_cannot_be_written_is_explained(#[case] arguments: &[&str], #[case] code: i32, #[case] said: &[&str]) {
    let home = Home::empty();
    home.rigtone(arguments).with_code(code).says(said);
    assert!(!home.path("s.wav").exists());
}
