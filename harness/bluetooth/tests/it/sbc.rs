//! The decoder of SBC beside the field's own, libsbc's, on what libsbc's encoder makes.

use std::{fs, path::Path, process::Command};

use proptest::prelude::*;
use rigtone_bluetooth::sbc::{DecodeError, Decoder, Frame, frames};
use rstest::rstest;

/// Loud tones and soft noise, so that every subband has something.
fn sound(rate: u32, channels: usize, length: usize) -> Vec<i16> {
    let mut noise = 1u32;
    let mut next = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(noise >> 16) / 32_768.0 - 1.0
    };
    let mut samples = Vec::new();
    for at in 0..length {
        let t = at as f64 / f64::from(rate);
        for channel in 0..channels {
            let tone = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
            let pitch = 440.0 * (channel + 1) as f64;
            // Silent at first: subbands without anything are a case of their own.
            let sample = if at < length / 4 { 0.0 } else { 0.4 * tone(pitch) + 0.2 * tone(5100.0) + 0.1 * next() };
            samples.push((sample * 32_767.0) as i16);
        }
    }
    samples
}

fn au(rate: u32, channels: usize, samples: &[i16]) -> Vec<u8> {
    let mut bytes = b".snd".to_vec();
    for word in [24, samples.len() as u32 * 2, 3, rate, channels as u32] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
    bytes
}

/// What a program writes to its output when it is given a file.
fn made_by(folder: &Path, program: &str, options: &[String], input: &[u8]) -> Vec<u8> {
    let file = folder.join(program);
    fs::write(&file, input).expect("a file");
    let output = Command::new(program).args(options).arg(&file).output().expect("sbc-tools are installed");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn decoded(stream: &[u8]) -> Vec<i16> {
    let (_, all) = frames(stream).expect("SBC");
    let (mut decoder, mut samples) = (Decoder::new(), Vec::new());
    for frame in all {
        decoder.decode(frame, &mut samples).expect("a frame");
    }
    samples
}

/// libsbc works with integers and cuts off where we round: steps of 16 bits, of which 1.5 are -87 dB.
const MOST: i32 = 6;
const MOST_RMS: f64 = 1.5;

/// Both decoders on one stream: the largest difference and its effective value, in steps of 16 bits.
fn differences(rate: u32, mode: &str, subbands: u32, blocks: u32, bitpool: u32, snr: bool) -> (i32, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let channels = if mode == "mono" { 1 } else { 2 };
    let mut options = vec![format!("-b{bitpool}"), format!("-s{subbands}"), format!("-B{blocks}")];
    options.extend(match mode {
        "joint" => Some("-j".to_owned()),
        "dual" => Some("-d".to_owned()),
        _ => None,
    });
    options.extend(snr.then(|| "-S".to_owned()));
    let frame = (subbands * blocks) as usize;
    let sound = sound(rate, channels, frame * 40);
    let stream = made_by(folder.path(), "sbcenc", &options, &au(rate, channels, &sound));
    let out = folder.path().join("decoded.au");
    made_by(folder.path(), "sbcdec", &["-f".to_owned(), out.display().to_string()], &stream);
    let theirs = fs::read(out).expect("what it decoded");
    let theirs: Vec<i16> = theirs[24..].chunks_exact(2).map(|w| i16::from_be_bytes([w[0], w[1]])).collect();
    let ours = decoded(&stream);
    assert_eq!(ours.len(), theirs.len());
    assert!(theirs.iter().any(|sample| sample.unsigned_abs() > 8000), "the oracle hears the tones");
    let differences = ours.iter().zip(&theirs).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs());
    let squares: f64 = differences.clone().map(|d| f64::from(d * d)).sum();
    (differences.max().unwrap_or_default(), (squares / ours.len() as f64).sqrt())
}

#[rstest]
fn it_decodes_as_libsbc_does(
    #[values(16_000, 32_000, 44_100, 48_000)] rate: u32,
    #[values(("mono", 31), ("dual", 38), ("stereo", 35), ("joint", 53))] (mode, bitpool): (&str, u32),
    #[values(4, 8)] subbands: u32,
    #[values(4, 8, 12, 16)] blocks: u32,
    #[values(false, true)] snr: bool,
) {
    let (largest, effective) = differences(rate, mode, subbands, blocks, bitpool, snr);
    assert!(largest <= MOST && effective < MOST_RMS, "{largest} steps, {effective:.2} rms");
}

#[rstest]
#[case("mono", 8, 2)]
#[case("mono", 4, 64)]
#[case("mono", 8, 128)]
#[case("dual", 8, 128)]
#[case("stereo", 8, 2)]
#[case("stereo", 8, 250)]
#[case("joint", 4, 128)]
#[case("joint", 8, 250)]
fn any_bitpool_will_do(#[case] mode: &str, #[case] subbands: u32, #[case] bitpool: u32) {
    let (largest, effective) = differences(48_000, mode, subbands, 16, bitpool, false);
    assert!(largest <= MOST && effective < MOST_RMS, "{largest} steps, {effective:.2} rms");
}

#[rstest]
#[case::empty(&[], "the header is cut off")]
#[case::no_syncword(&[0x9D, 0xFD, 0x35, 0], "no syncword")]
#[case::cut_off(&[0x9C, 0xFD, 0x35, 0], "of 119 bytes is cut off after 4")]
#[case::bitpool(&[0x9C, 0xF1, 0xFA, 0], "bitpool of 250")]
#[case::no_bitpool(&[0x9C, 0xFD, 0, 0], "bitpool of 0")]
fn what_is_no_frame_is_refused(#[case] bytes: &[u8], #[case] said: &str) {
    let mut long = bytes.to_vec();
    if said.contains("bitpool") {
        long.resize(2000, 0);
    }
    let mut samples = Vec::new();
    let error = Decoder::new().decode(&long, &mut samples).expect_err("no frame").to_string();
    assert!(error.contains(said) && samples.is_empty(), "{error}");
}

#[test]
fn a_flipped_bit_in_what_the_checksum_covers_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let stream = made_by(folder.path(), "sbcenc", &["-j".to_owned()], &au(48_000, 2, &sound(48_000, 2, 4096)));
    let (format, all) = frames(&stream).expect("SBC");
    let whole: Vec<u8> = all.last().expect("frames").to_vec();
    assert!(Decoder::new().decode(&whole, &mut Vec::new()).is_ok());
    // Header without syncword and checksum, flags of 8 subbands and 16 scale factors.
    assert_eq!(format.subbands.count(), 8);
    for bit in 32..32 + 8 + 64 {
        let mut broken = whole.clone();
        broken[bit / 8] ^= 0x80 >> (bit % 8);
        let error = Decoder::new().decode(&broken, &mut Vec::new()).expect_err("broken");
        assert!(matches!(error, DecodeError::Checksum { .. }), "bit {bit}: {error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 4..1100), sync: bool) {
        if sync { bytes[0] = 0x9C; }
        let (mut decoder, mut samples) = (Decoder::new(), Vec::new());
        if let Ok(frame) = decoder.decode(&bytes, &mut samples) {
            prop_assert_eq!(samples.len() as u32, frame.samples() * frame.mode.channels());
        } else {
            prop_assert!(samples.is_empty());
        }
    }

    /// Any frame at all with the checksum that it should have.
    #[test]
    fn any_whole_frame_decodes(mut bytes in prop::collection::vec(any::<u8>(), 1100), bitpool in 2u8..=64) {
        (bytes[0], bytes[2]) = (0x9C, bitpool);
        let due = match Decoder::new().decode(&bytes, &mut Vec::new()) {
            Err(DecodeError::Checksum { due, .. }) => due,
            _ => bytes[3],
        };
        bytes[3] = due;
        let mut samples = Vec::new();
        let frame = Decoder::new().decode(&bytes, &mut samples).expect("a frame");
        prop_assert_eq!(frame, Frame::parse(&bytes).expect("a header"));
        prop_assert_eq!(samples.len() as u32, frame.samples() * frame.mode.channels());
    }
}
