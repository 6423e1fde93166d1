//! The configuration of a codec: what is asked of it, and at which point of the matrix it cannot be.

use rstest::rstest;

use super::one_fault;
use crate::{DEVICE, RIG, findings, with_line};

const SCENARIO: &str = "\
scenario: one
title: A scenario
matrix:
  source: {role: a2dp-source}
  speaker: {role: a2dp-sink}
  bitpool: [32, 53]
conditions:
  joint: {rate: 48 kHz, mode: joint-stereo, subbands: 8}
  mono: {rate: 44.1 kHz, mode: mono, subbands: \"4\"}
trial:
  - pair: {attempts: 3}
  - connect: {profile: a2dp, codec: sbc, configuration: {rate: $rate, mode: $mode, bitpool: $bitpool, subbands: $subbands}}
  - play: {signal: smoke}
repeat: {at-least: 10, at-most: 100}
expect:
  - success-rate: {of: pair}
";

#[rstest]
#[case::parameters(SCENARIO.to_owned())]
#[case::written_out(with_line(
    SCENARIO,
    12,
    "  - connect: {profile: a2dp, codec: sbc, configuration: {rate: $rate, mode: $mode, subbands: $subbands, bitpool: $bitpool, blocks: 4, allocation: snr}}",
))]
// Nothing is played: every rate of the codec will do.
#[case::a_rate_of_no_stimulus(with_line(
    &with_line(SCENARIO, 8, "  joint: {rate: 16 kHz, mode: joint-stereo, subbands: 8}"),
    13,
    "  - wait: {for: 1 s}",
))]
fn a_configuration_that_can_be_has_no_fault(#[case] text: String) {
    assert_eq!(findings(&[("one.yaml", text.as_str()), ("jbl/charge-5.yaml", DEVICE), ("lab.yaml", RIG)]), []);
}

#[rstest]
#[case::value_of_an_axis(
    6,
    "  bitpool: [32, 65]",
    "unfit-value 6:17-19 matrix.bitpool[1]",
    "a bitpool of 65 is too large for `mono` with 4 subbands",
    "write a number from 2 to 64"
)]
#[case::no_bitpool_at_all(
    6,
    "  bitpool: [32, 251]",
    "unfit-value 6:17-20 matrix.bitpool[1]",
    "`251` does not fit where it is used, as `bitpool`",
    ""
)]
#[case::rate_of_a_condition(
    8,
    "  joint: {rate: 96 kHz, mode: joint-stereo, subbands: 8}",
    "unfit-value 8:17-23 conditions.joint.rate",
    "sbc has no rate of 96 kHz",
    "write one of `16 kHz`, `32 kHz`, `44.1 kHz`, `48 kHz`"
)]
#[case::rate_without_a_stimulus(
    8,
    "  joint: {rate: 32 kHz, mode: joint-stereo, subbands: 8}",
    "unfit-value 8:17-23 conditions.joint.rate",
    "no stimulus is made at 32 kHz, and a step plays one",
    "write one of `44.1 kHz`, `48 kHz`"
)]
#[case::a_word_that_is_none(
    9,
    "  mono: {rate: 44.1 kHz, mode: momo, subbands: 4}",
    "unfit-value 9:32-36 conditions.mono.mode",
    "`momo` does not fit where it is used, as `mode`",
    ""
)]
#[case::a_number_out_of_range(
    12,
    "  - connect: {profile: a2dp, configuration: {rate: $rate, mode: $mode, bitpool: $bitpool, subbands: $subbands, blocks: 20}}",
    "out-of-range 12:120-122 trial[1].connect.configuration.blocks",
    "the number `20` is out of range",
    "write a number between 4 and 16"
)]
#[case::a_number_between_steps(
    12,
    "  - connect: {profile: a2dp, configuration: {rate: $rate, mode: $mode, bitpool: $bitpool, subbands: $subbands, blocks: 6}}",
    "out-of-range 12:120-121 trial[1].connect.configuration.blocks",
    "the number `6` is no multiple of 4",
    "write a number between 4 and 16 in steps of 4"
)]
#[case::a_word_for_a_number(
    12,
    "  - connect: {profile: a2dp, configuration: {rate: $rate, mode: $mode, bitpool: bitpool, subbands: $subbands}}",
    "wrong-format 12:81-88 trial[1].connect.configuration.bitpool",
    "`bitpool` does not have the right form",
    "write a whole number, or `$` and the name of an axis"
)]
#[case::a_misspelt_key(
    12,
    "  - connect: {profile: a2dp, configuration: {rates: $rate, mode: $mode, bitpool: $bitpool, subbands: $subbands}}",
    "unknown-key 12:46-51 trial[1].connect.configuration.rates",
    "unknown key `rates` in `configuration`",
    "did you mean `rate`?"
)]
#[case::of_another_codec(
    12,
    "  - connect: {profile: a2dp, codec: ldac, configuration: {rate: $rate, mode: stereo, allocation: snr}}",
    "unfit-value 12:98-101 trial[1].connect.configuration.allocation",
    "only sbc has a `allocation`, and ldac is asked for",
    "leave it out"
)]
#[case::of_another_profile(
    12,
    "  - connect: {profile: hfp, configuration: {rate: $rate, mode: $mode, bitpool: $bitpool, subbands: $subbands}}",
    "unfit-value 12:29-42 trial[1].connect.configuration",
    "hfp has no configuration that could be asked for",
    "delete it, or connect `a2dp`"
)]
fn what_cannot_be_is_told_where_it_stands(
    #[case] line: usize,
    #[case] by: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] advice: &str,
) {
    let text = with_line(SCENARIO, line, by);
    one_fault(&[("one.yaml", &text), ("jbl/charge-5.yaml", DEVICE), ("lab.yaml", RIG)], at, message, advice);
}
