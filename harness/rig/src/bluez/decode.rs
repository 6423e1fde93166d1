//! Codec frames become sound after they were recorded: SBC by our own decoder, the others by ffmpeg.

use rigtone_bluetooth::{aac, aptx, codec::CodecConfiguration, opus, received::Part, sbc};
use rigtone_model::trial::InfrastructureFault;

use super::encode::{FFMPEG, made_by};
use crate::{clock::compute, hardware::HostClock};

/// What decoding counts as on a virtual clock; the host's takes what it takes.
const NOMINAL_NS: i64 = 10_000_000;

/// Sound of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Channels in a frame.
    pub(super) channels: u16,
    /// Samples of each part in order, frame after frame.
    pub(super) parts: Vec<Vec<i16>>,
    /// Codec frames that could not be decoded, and are silent.
    pub(super) damaged: u64,
    /// Why there is no sound, if there is none.
    pub(super) failed: Option<String>,
}

/// Decodes the parts of one or more starts of a stream.
pub(super) async fn decode(
    configuration: CodecConfiguration,
    parts: Vec<Part>,
    clock: HostClock,
) -> Result<Decoded, InfrastructureFault> {
    let input = match configuration {
        CodecConfiguration::Sbc(configuration) => {
            return compute(&clock, NOMINAL_NS, move || decode_sbc(configuration, &parts)).await.ok_or_else(|| {
                InfrastructureFault::new("decoder sbc", "decoding ended with a panic: please report this")
            });
        }
        CodecConfiguration::Aac(_) => Some(("loas", aac::loas(parts.iter().map(|part| &part.frames[..])))),
        CodecConfiguration::Opus(_) => Some(("ogg", opus::ogg(parts.iter().map(|part| &part.frames[..])))),
        CodecConfiguration::Aptx(configuration) => {
            let format = match configuration.variant {
                aptx::Variant::Classic => "aptx",
                aptx::Variant::Hd => "aptx_hd",
            };
            Some((format, parts.iter().flat_map(|part| &part.frames).copied().collect()))
        }
        _ => None,
    };
    let silent = |failed: String| {
        let parts = parts.iter().map(|part| vec![0; 2 * part.samples as usize]).collect();
        Decoded { channels: 2, parts, damaged: 0, failed: Some(failed) }
    };
    let Some((format, stream)) = input else {
        return Ok(silent(format!("there is no decoder of {}", configuration.codec().name())));
    };
    let rate = configuration.rate().to_string();
    let rate_of_input: &[&str] = if format.starts_with("aptx") { &["-sample_rate", &rate] } else { &[] };
    let words: [&[&str]; 3] = [
        &["-hide_banner", "-loglevel", "error", "-nostdin", "-f", format],
        rate_of_input,
        &["-i", "pipe:0", "-ac", "2", "-ar", &rate, "-f", "s16le", "-"],
    ];
    let words: Vec<String> = words.concat().into_iter().map(str::to_owned).collect();
    let (sound, said) = made_by(FFMPEG, &words, &stream).await?;
    let sound: Vec<i16> = sound.as_chunks::<2>().0.iter().map(|word| i16::from_le_bytes(*word)).collect();
    let due: usize = parts.iter().map(|part| part.samples as usize).sum();
    // The first unit may only prime the decoder, the last may stay within it.
    let usual = parts.first().map_or(0, |part| part.samples as usize);
    let made = sound.len() / 2;
    if made.abs_diff(due) > usual.max(aac::SAMPLES as usize) {
        let said = said.lines().next().unwrap_or_default();
        return Ok(silent(format!("ffmpeg made {made} of {due} samples of what was received: {said}")));
    }
    let (mut samples, mut cut) = (sound.into_iter(), Vec::with_capacity(parts.len()));
    for part in &parts {
        let length = 2 * part.samples as usize;
        let mut own: Vec<i16> = samples.by_ref().take(length).collect();
        own.resize(length, 0);
        cut.push(own);
    }
    Ok(Decoded { channels: 2, parts: cut, damaged: 0, failed: None })
}

fn decode_sbc(configuration: sbc::Configuration, parts: &[Part]) -> Decoded {
    let channels = configuration.mode.channels() as usize;
    let (mut decoder, mut damaged) = (sbc::Decoder::new(), 0);
    let decoded = parts.iter().map(|part| {
        let (mut samples, mut rest) = (Vec::new(), &part.frames[..]);
        while let Ok(frame) = sbc::Frame::parse(rest) {
            let before = samples.len();
            let due = before + frame.samples() as usize * channels;
            if decoder.decode(rest, &mut samples).is_err() || samples.len() != due {
                damaged += 1;
                samples.truncate(before);
                samples.resize(due, 0);
            }
            rest = rest.get(frame.length()..).unwrap_or_default();
        }
        samples.resize(part.samples as usize * channels, 0);
        samples
    });
    let parts = decoded.collect();
    Decoded { channels: channels as u16, parts, damaged, failed: None }
}

#[cfg(test)]
mod tests {
    use super::{super::encode::encode, *};
    use crate::programme::Programme;
    use rigtone_audio::stimulus::{Name, Stimulus};
    use rigtone_bluetooth::{
        packet::packetise,
        received::{Arrival, unpack},
        sbc::Frequency,
    };
    use rstest::rstest;

    fn parts(configuration: CodecConfiguration, encoded: &[u8]) -> Vec<Part> {
        let packets = packetise(configuration, encoded, 900).expect("packets");
        let arrivals: Vec<Arrival<'_>> =
            packets.iter().map(|packet| Arrival { at_ns: 0, bytes: &packet.bytes }).collect();
        let (parts, counts) = unpack(configuration, &arrivals);
        assert_eq!((counts.lost, counts.malformed, counts.disordered), (0, 0, 0), "{counts:?}");
        parts
    }

    /// What goes out as packets comes back as the sound that it was, later by the delay of the codec.
    #[rstest]
    #[case::sbc(CodecConfiguration::Sbc(sbc::Configuration::high_quality(Frequency::Hz48000)), 73)]
    #[case::sbc_at_44(CodecConfiguration::Sbc(sbc::Configuration::high_quality(Frequency::Hz44100)), 73)]
    #[case::aac(CodecConfiguration::Aac(aac::Configuration::high_quality(48_000)), 1024)]
    // The encoder's look-ahead of 6.5 ms: nothing here says that it should be left out.
    #[case::opus(CodecConfiguration::Opus(opus::Configuration), 312)]
    #[case::aptx(CodecConfiguration::Aptx(aptx::Configuration { variant: aptx::Variant::Classic, hz: 48_000 }), 90)]
    #[case::aptx_hd(CodecConfiguration::Aptx(aptx::Configuration { variant: aptx::Variant::Hd, hz: 44_100 }), 90)]
    #[tokio::test]
    async fn what_was_sent_is_heard(#[case] configuration: CodecConfiguration, #[case] delay: usize) {
        let stimulus = Stimulus::build(Name::Smoke, configuration.rate(), 7).expect("a rate of A2DP");
        let encoded = encode(&Programme::once(&stimulus), configuration).await.expect("the encoders are installed");
        let decoded = decode(configuration, parts(configuration, &encoded), HostClock::start()).await;
        let decoded = decoded.expect("the decoders are installed");
        assert_eq!((decoded.channels, decoded.damaged, &decoded.failed), (2, 0, &None));
        let heard: Vec<f64> = decoded.parts.concat().iter().step_by(2).map(|s| f64::from(*s) / 32_768.0).collect();
        let sent = stimulus.channel(0);
        let part = sent.len() / 2..sent.len() / 2 + stimulus.rate() as usize / 4;
        let product = |lag: usize| -> f64 {
            part.clone().map(|at| f64::from(sent[at]) * heard.get(at + lag).copied().unwrap_or(0.0)).sum()
        };
        let lag = (0..3000).max_by(|a, b| product(*a).total_cmp(&product(*b))).expect("lags");
        assert_eq!(lag, delay);
        let power: f64 = part.clone().map(|at| f64::from(sent[at]).powi(2)).sum();
        assert!((product(lag) / power - 1.0).abs() < 0.1, "{} at {lag}", product(lag) / power);
    }

    #[tokio::test]
    async fn a_damaged_frame_is_silent_and_counted() {
        let configuration = CodecConfiguration::Sbc(sbc::Configuration::high_quality(Frequency::Hz48000));
        let stimulus = Stimulus::build(Name::Smoke, 48_000, 7).expect("a rate of A2DP");
        let encoded = encode(&Programme::once(&stimulus), configuration).await.expect("sbcenc is installed");
        let mut parts = parts(configuration, &encoded);
        parts[10].frames[3] ^= 0xFF;
        let decoded = decode(configuration, parts, HostClock::start()).await.expect("our own decoder");
        assert_eq!((decoded.damaged, decoded.failed), (1, None));
        assert!(decoded.parts[10][..256].iter().all(|sample| *sample == 0));
    }

    #[tokio::test]
    async fn what_ffmpeg_cannot_decode_is_said() {
        let configuration = CodecConfiguration::Aac(aac::Configuration::high_quality(48_000));
        let part = |n: u64| Part { at_ns: 0, position: n * 1024, samples: 1024, frames: vec![0x55; 200] };
        let decoded = decode(configuration, (0..50).map(part).collect(), HostClock::start()).await;
        match decoded {
            Ok(decoded) => assert!(decoded.failed.is_some_and(|said| said.contains("of 51200 samples"))),
            Err(fault) => assert!(fault.member.contains("ffmpeg"), "{fault}"),
        }
    }
}
