//! What was measured of a rig.

use rigtone_model::check::stale_calibrations;
use rstest::rstest;

use super::one_fault;
use crate::{DEVICE, RIG, load_one, place, with_line};

const CALIBRATION: &str = "\
calibration: lab
microphones:
  bench:
    full-scale: 120 dB SPL
    uncertainty: 0.3 dB
    calibrator: 94 dB SPL
    of: the simulated microphone bench
    on: 2026-11-01
    good-for: 365 d
    rigtone: 0.1.0
";

fn all<'a>(rig: &'a str, calibration: &'a str) -> [(&'static str, &'a str); 3] {
    [("devices/jbl/charge-5.yaml", DEVICE), ("rigs/lab.yaml", rig), ("rigs/calibration/lab.yaml", calibration)]
}

#[test]
fn what_was_measured_of_a_rig_stands_beside_it() {
    assert_eq!(crate::findings(&all(RIG, CALIBRATION)), []);
}

#[rstest]
#[case::rig(
    1,
    "calibration: lap",
    "dangling-reference 1:14-17 calibration",
    "there is no rig `lap`",
    "did you mean `lab`?"
)]
#[case::microphone(
    3,
    "  banch:",
    "dangling-reference 3:3-8 microphones.banch",
    "there is no microphone `banch`",
    "did you mean `bench`?"
)]
#[case::day(
    8,
    "    on: 2026-02-30",
    "unfit-value 8:9-19 microphones.bench.on",
    "there is no day `2026-02-30`",
    "2026-11-01"
)]
#[case::never(
    9,
    "    good-for: 1 h",
    "out-of-range 9:15-18 microphones.bench.good-for",
    "worth something for 1 d",
    "365 d"
)]
#[case::for_ever(9, "    good-for: 9999 d", "out-of-range 9:15-21 microphones.bench.good-for", "to 3660 d", "365 d")]
fn one_fault_each(
    #[case] line: usize,
    #[case] with: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] suggestion: &str,
) {
    let calibration = with_line(CALIBRATION, line, with);
    let name = if line == 1 { "rigs/calibration/lap.yaml" } else { "rigs/calibration/lab.yaml" };
    let files = [("devices/jbl/charge-5.yaml", DEVICE), ("rigs/lab.yaml", RIG), (name, calibration.as_str())];
    one_fault(&files, at, message, suggestion);
}

#[test]
fn two_figures_of_one_microphone_are_one_too_many() {
    let rig = with_line(RIG, 11, "  bench: {room: room, calibrated: {full-scale: 110 dB SPL, uncertainty: 0.3 dB}}");
    let message = "the rig's document states a figure of `bench` too";
    one_fault(&all(&rig, CALIBRATION), "not-exactly-one 3:3-8 microphones.bench", message, "delete `calibrated` there");
}

#[rstest]
#[case("2026-11-02", None)]
#[case("2027-10-18", Some("the calibration of `bench` ends in 14 days"))]
#[case("2027-11-01", Some("the calibration of `bench` ends today"))]
#[case("2027-11-11", Some("the calibration of `bench` ended 10 days ago"))]
#[case("2026-10-01", Some("was calibrated on a day that has not come yet"))]
fn an_end_is_told_before_it_comes(#[case] today: &str, #[case] told: Option<&str>) {
    let loaded = load_one("calibration/lab.yaml", CALIBRATION);
    let stale = stale_calibrations(&loaded.library.calibrations["lab"], today);
    match (stale.as_slice(), told) {
        ([], None) => {}
        ([finding], Some(told)) => {
            assert!(finding.message.contains(told) && !finding.is_error(), "{finding:?}");
            assert_eq!(place(finding), "stale-calibration 8:9-19 microphones.bench.on");
        }
        (stale, _) => panic!("{stale:?}"),
    }
}
