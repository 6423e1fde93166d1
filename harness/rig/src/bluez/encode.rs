//! Stimuli become codec frames before the trial, by the field's own encoders.

use std::{fs::File, io::Write, os::fd::OwnedFd, process::Stdio};

use rigtone_audio::stimulus::Stimulus;
use rigtone_bluetooth::{
    codec::CodecConfiguration,
    sbc::{self, Allocation, ChannelMode},
};
use rigtone_model::trial::InfrastructureFault;
use rustix::fs::{MemfdFlags, SeekFrom, memfd_create, seek};
use tokio::process::Command;

/// Debian's package sbc-tools.
const SBC_ENCODER: &str = "sbcenc";

/// Silence behind every stimulus, so that suspending the stream cuts nothing off that a speaker still holds.
const TAIL_S: f64 = 0.5;

/// The encoders that are needed, and whether each is installed.
pub fn encoders() -> Vec<(&'static str, bool)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).any(|folder| folder.join(SBC_ENCODER).is_file());
    vec![(SBC_ENCODER, installed)]
}

/// Encodes a stimulus, each channel on its own, with a tail of silence. Its sample 0 is the stream's sample 0; a decoder
/// gives it back [`sbc::FILTER_DELAY`] samples later.
pub(super) async fn encode(
    stimulus: &Stimulus,
    configuration: CodecConfiguration,
) -> Result<Vec<u8>, InfrastructureFault> {
    if stimulus.rate() != configuration.rate() {
        let what = format!("`{}` has {} Hz, the stream {} Hz", stimulus.name(), stimulus.rate(), configuration.rate());
        return Err(fault(what).hint("build the stimulus at the rate of the stream"));
    }
    match configuration {
        CodecConfiguration::Sbc(sbc) => encode_sbc(stimulus, sbc).await,
        other => Err(fault(format!("no encoder for {other:?}"))),
    }
}

fn fault(what: impl Into<String>) -> InfrastructureFault {
    InfrastructureFault::new(format!("encoder {SBC_ENCODER}"), what)
}

async fn encode_sbc(stimulus: &Stimulus, configuration: sbc::Configuration) -> Result<Vec<u8>, InfrastructureFault> {
    let frame = configuration.frame();
    let tail = (TAIL_S * f64::from(stimulus.rate())) as usize + sbc::FILTER_DELAY as usize;
    let frames = (stimulus.samples().len() + tail).div_ceil(frame.samples() as usize);
    let sound = au(stimulus, configuration.mode.channels(), frames * frame.samples() as usize);
    let input = in_memory(&sound).map_err(|e| fault(format!("handing it the stimulus failed: {e}")))?;
    let output = Command::new(SBC_ENCODER)
        .args(options(configuration))
        .arg("-")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| fault(format!("starting it failed: {e}")).hint("install it: apt-get install sbc-tools"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(fault(format!("it failed with {}: {}", output.status, said.trim())));
    }
    let (made, count) = sbc::frames(&output.stdout)
        .map(|(format, frames)| (format, frames.len()))
        .map_err(|e| fault(format!("it made no SBC stream: {e}; it said: {}", said.trim())))?;
    if (made, count) != (frame, frames) {
        return Err(fault(format!("it made {count} frames of {made:?}; asked for were {frames} of {frame:?}")));
    }
    Ok(output.stdout)
}

fn options(configuration: sbc::Configuration) -> Vec<String> {
    let mut options = vec![
        format!("-b{}", configuration.max_bitpool),
        format!("-s{}", configuration.subbands.count()),
        format!("-B{}", configuration.blocks.count()),
    ];
    match configuration.mode {
        ChannelMode::JointStereo => options.push("-j".into()),
        ChannelMode::DualChannel => options.push("-d".into()),
        ChannelMode::Mono | ChannelMode::Stereo => {}
    }
    if configuration.allocation == Allocation::Snr {
        options.push("-S".into());
    }
    options
}

/// A file without a name: the encoder takes a short read from a pipe for the end.
fn in_memory(bytes: &[u8]) -> std::io::Result<Stdio> {
    let mut file = File::from(memfd_create(c"rigtone-stimulus", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    seek(&file, SeekFrom::Start(0))?;
    Ok(OwnedFd::from(file).into())
}

/// Sun audio of 16 bits: the stimulus, then silence up to `length` frames. A stream of one channel carries the mean.
fn au(stimulus: &Stimulus, channels: u32, length: usize) -> Vec<u8> {
    const HEADER: u32 = 24;
    const LINEAR_16: u32 = 3;
    let size = length as u32 * channels * 2;
    let mut bytes = b".snd".to_vec();
    for word in [HEADER, size, LINEAR_16, stimulus.rate(), channels] {
        bytes.extend(word.to_be_bytes());
    }
    // Full scale is 1.0 and stimuli stay below it.
    let word = |sample: f32| (f64::from(sample) * 32_767.0).round() as i16;
    for frame in 0..length {
        let sample = |channel: usize| stimulus.channel(channel).get(frame).copied().unwrap_or(0.0);
        if channels == 1 {
            // Both channels are there, or half a test would be lost.
            bytes.extend(word(0.5 * (sample(0) + sample(1))).to_be_bytes());
        } else {
            bytes.extend((0..channels as usize).flat_map(|channel| word(sample(channel)).to_be_bytes()));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_audio::stimulus::Name;
    use rigtone_bluetooth::sbc::Frequency;
    use rstest::rstest;

    fn smoke(rate: u32) -> Stimulus {
        Stimulus::build(Name::Smoke, rate, 7).expect("a rate of A2DP")
    }

    #[rstest]
    #[case(Frequency::Hz48000)]
    #[case(Frequency::Hz44100)]
    #[tokio::test]
    async fn the_encoder_gives_whole_frames_of_the_format_asked_for(#[case] frequency: Frequency) {
        let sbc = sbc::Configuration::high_quality(frequency);
        let stimulus = smoke(frequency.hz());
        let encoded = encode(&stimulus, CodecConfiguration::Sbc(sbc)).await.expect("sbcenc is installed");
        let (format, frames) = sbc::frames(&encoded).expect("SBC");
        assert_eq!(format, sbc.frame());
        let seconds = frames.len() as f64 * 128.0 / f64::from(frequency.hz());
        let wanted = stimulus.duration_s() + TAIL_S;
        assert!(seconds >= wanted && seconds < wanted + 0.005, "{seconds} s for {wanted} s");
    }

    #[tokio::test]
    async fn other_modes_reach_the_encoder_too() {
        let sbc = sbc::Configuration {
            mode: ChannelMode::DualChannel,
            allocation: Allocation::Snr,
            subbands: sbc::Subbands::Four,
            max_bitpool: 30,
            ..sbc::Configuration::high_quality(Frequency::Hz44100)
        };
        let encoded = encode(&smoke(44_100), CodecConfiguration::Sbc(sbc)).await.expect("sbcenc is installed");
        assert_eq!(sbc::frames(&encoded).expect("SBC").0, sbc.frame());
    }

    #[tokio::test]
    async fn a_stimulus_of_another_rate_is_refused() {
        let sbc = sbc::Configuration::high_quality(Frequency::Hz48000);
        let fault = encode(&smoke(44_100), CodecConfiguration::Sbc(sbc)).await.expect_err("another rate");
        assert!(fault.what.contains("44100") && fault.what.contains("48000"), "{fault}");
    }

    #[rstest]
    #[case::left_and_right(2, [false, true])]
    #[case::the_mean(1, [true, false])]
    fn a_stimulus_of_two_channels_goes_out_on_two_or_as_their_mean(#[case] channels: u32, #[case] alike: [bool; 2]) {
        let stimulus = Stimulus::build(Name::Channels, 48_000, 7).expect("a rate of A2DP");
        let bytes = au(&stimulus, channels, stimulus.samples().len());
        let (words, _) = bytes[24..].as_chunks::<2>();
        let sent: Vec<f64> = words.iter().map(|word| f64::from(i16::from_be_bytes(*word)) / 32_767.0).collect();
        let wanted = |frame: usize, channel: usize| {
            let sample = |channel: usize| f64::from(stimulus.channel(channel)[frame]);
            if channels == 2 { sample(channel) } else { 0.5 * (sample(0) + sample(1)) }
        };
        let worst = sent.chunks_exact(channels as usize).enumerate().flat_map(|(frame, sent)| {
            sent.iter().enumerate().map(move |(channel, sent)| (sent - wanted(frame, channel)).abs())
        });
        assert!(worst.fold(0.0, f64::max) < 2e-5);
        let differs = sent.chunks_exact(2).any(|pair| pair[0] != pair[1]);
        assert_eq!([channels == 1, differs && channels == 2], alike);
    }

    #[test]
    fn the_stimulus_is_on_both_channels_with_silence_behind() {
        let stimulus = smoke(48_000);
        let length = stimulus.samples().len() + 100;
        let bytes = au(&stimulus, 2, length);
        let (words, _) = bytes[4..24].as_chunks::<4>();
        let words: Vec<u32> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
        assert_eq!((&bytes[..4], &words[..]), (b".snd".as_slice(), &[24, length as u32 * 4, 3, 48_000, 2][..]));
        assert_eq!(bytes.len(), 24 + length * 4);
        let (frames, _) = bytes[24..].as_chunks::<4>();
        assert!(frames.iter().all(|f| f[..2] == f[2..]));
        let loudest = (0..stimulus.samples().len())
            .max_by(|a, b| stimulus.samples()[*a].abs().total_cmp(&stimulus.samples()[*b].abs()));
        let at = loudest.expect("samples");
        let heard = f64::from(i16::from_be_bytes([frames[at][0], frames[at][1]])) / 32_767.0;
        assert!((heard - f64::from(stimulus.samples()[at])).abs() < 2e-5);
        assert!(frames[length - 100..].iter().all(|f| *f == [0; 4]));
    }
}
