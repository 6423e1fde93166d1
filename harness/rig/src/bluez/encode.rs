//! Stimuli become codec frames before the trial, by the field's own encoders.

use std::{fs::File, io::Write, os::fd::OwnedFd, path::PathBuf, process::Stdio};

use rigtone_bluetooth::{
    aac, aptx,
    codec::CodecConfiguration,
    ldac, opus,
    sbc::{self, Allocation, ChannelMode},
};
use rigtone_model::{id::sha256_hex, trial::InfrastructureFault};
use rustix::fs::{MemfdFlags, SeekFrom, memfd_create, seek};
use tokio::process::Command;

use super::cache::Cache;
use crate::programme::Programme;

/// A program that encodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    /// Its name.
    pub name: &'static str,
    /// Debian's package of it.
    pub package: &'static str,
}

const SBCENC: Encoder = Encoder { name: "sbcenc", package: "sbc-tools" };
pub(super) const FFMPEG: Encoder = Encoder { name: "ffmpeg", package: "ffmpeg" };
const GSTREAMER: Encoder = Encoder {
    name: "gst-launch-1.0",
    package: "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-bad",
};

/// Silence behind every programme, so that suspending the stream cuts nothing off that a speaker still holds.
const TAIL_S: f64 = 0.5;
/// Samples by which encoder and decoder together delay the sound.
const AAC_DELAY: u32 = 2 * aac::SAMPLES;
const APTX_DELAY: u32 = 90;
const OPUS_DELAY: u32 = 312;
/// A frame of each end; nobody but the vendor decodes it.
const LDAC_DELAY: u32 = 512;
/// The element of GStreamer that encodes LDAC, and the most frames that it holds back.
const LDAC_ELEMENT: &str = "ldacenc";
const LDAC_HELD: usize = 15;
/// Raised when stimuli are handed to encoders in another way.
const FORM: u32 = 1;
/// Bits a second of Opus.
const OPUS_BPS: &str = "192000";

/// Where a program is installed.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The encoders of all codecs, and whether each is installed.
pub async fn encoders() -> Vec<(Encoder, bool)> {
    // GStreamer may be there without the plugin that encodes.
    let has_ldac = installed(GSTREAMER.name).is_some()
        && Command::new("gst-inspect-1.0")
            .args(["--exists", LDAC_ELEMENT])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .is_ok_and(|status| status.success());
    let has = |encoder: Encoder| installed(encoder.name).is_some();
    vec![(SBCENC, has(SBCENC)), (FFMPEG, has(FFMPEG)), (GSTREAMER, has_ldac)]
}

/// Why encoded stimuli are not kept for the next run, if they are not.
pub fn cache_trouble() -> Option<String> {
    Cache::of_user().trouble()
}

/// What encodes a codec.
const fn encoder(configuration: CodecConfiguration) -> Encoder {
    match configuration {
        CodecConfiguration::Sbc(_) => SBCENC,
        CodecConfiguration::Ldac(_) => GSTREAMER,
        _ => FFMPEG,
    }
}

/// What an encoder is, as far as that tells one version from another: its file, and what it says of itself.
async fn version(encoder: Encoder) -> Option<String> {
    let program = installed(encoder.name)?;
    let about = std::fs::metadata(&program).ok()?;
    let said = match encoder.name {
        "ffmpeg" => made_by(encoder, &["-version".to_owned()], &[]).await.ok()?.0,
        "gst-launch-1.0" => made_by(encoder, &["--version".to_owned()], &[]).await.ok()?.0,
        // It says nothing of itself.
        _ => Vec::new(),
    };
    let changed = about.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos();
    Some(format!("{} {} {changed} {}", program.display(), about.len(), String::from_utf8_lossy(&said)))
}

/// The name of an encoded stimulus in the cache: the hash of everything that it is made from.
fn key(programme: &Programme, configuration: CodecConfiguration, version: &str) -> String {
    let stimulus = programme.stimulus();
    let mut bytes = format!("{FORM} {configuration:?} {}\n{version}\n", stimulus.rate()).into_bytes();
    for channel in 0..2 {
        bytes.extend(stimulus.channel(channel).iter().flat_map(|sample| sample.to_le_bytes()));
    }
    // What is sent once at its own level keeps the name that it always had.
    if programme.repeats() != 1 || programme.level_db() < 0.0 {
        bytes.extend(format!("{} times at {} dB", programme.repeats(), programme.level_db()).bytes());
    }
    sha256_hex(&bytes)
}

/// An encoded stimulus: as the cache has it, else made anew and kept.
pub(super) async fn encoded(
    programme: &Programme,
    configuration: CodecConfiguration,
) -> Result<Vec<u8>, InfrastructureFault> {
    kept_in(Cache::of_user(), programme, configuration).await
}

async fn kept_in(
    cache: Cache,
    programme: &Programme,
    configuration: CodecConfiguration,
) -> Result<Vec<u8>, InfrastructureFault> {
    let Some(version) = version(encoder(configuration)).await else { return encode(programme, configuration).await };
    let (asked, sound) = (cache.clone(), programme.clone());
    // Hashing takes longer than other streams can wait for their next packet.
    let found = tokio::task::spawn_blocking(move || {
        let key = key(&sound, configuration, &version);
        (asked.get(&key), key)
    });
    let Ok((kept, key)) = found.await else { return encode(programme, configuration).await };
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let made = encode(programme, configuration).await?;
    let content = made.clone();
    // Whether it can be kept was said when the rig was checked.
    let _ = tokio::task::spawn_blocking(move || cache.put(&key, &content)).await;
    Ok(made)
}

/// Encodes a programme, each channel on its own, with a tail of silence. Its sample 0 is the stream's sample 0; a decoder
/// gives it back [`sbc::FILTER_DELAY`] samples later.
pub(super) async fn encode(
    programme: &Programme,
    configuration: CodecConfiguration,
) -> Result<Vec<u8>, InfrastructureFault> {
    if programme.rate() != configuration.rate() {
        let what =
            format!("`{}` has {} Hz, the stream {} Hz", programme.name(), programme.rate(), configuration.rate());
        return Err(InfrastructureFault::new("stimulus", what).hint("build the stimulus at the rate of the stream"));
    }
    match configuration {
        CodecConfiguration::Sbc(sbc) => encode_sbc(programme, sbc).await,
        CodecConfiguration::Aac(aac) => encode_aac(programme, aac).await,
        CodecConfiguration::Aptx(aptx) => encode_aptx(programme, aptx).await,
        CodecConfiguration::Opus(_) => encode_opus(programme).await,
        CodecConfiguration::Ldac(ldac) => encode_ldac(programme, ldac).await,
        other => Err(fault(SBCENC, format!("no encoder for {other:?}"))),
    }
}

fn fault(encoder: Encoder, what: impl Into<String>) -> InfrastructureFault {
    InfrastructureFault::new(format!("encoder {}", encoder.name), what)
}

/// The frames of a stimulus with its tail, in whole units of `unit` samples.
fn frames(programme: &Programme, delay: u32, unit: u32) -> usize {
    let tail = (TAIL_S * f64::from(programme.rate())) as usize + delay as usize;
    (programme.frames() + tail).div_ceil(unit as usize)
}

/// Hands a sound to a program, or what it made of one; gives what it made, and what it said.
pub(super) async fn made_by(
    encoder: Encoder,
    arguments: &[String],
    sound: &[u8],
) -> Result<(Vec<u8>, String), InfrastructureFault> {
    let input = in_memory(sound).map_err(|e| fault(encoder, format!("handing it the stimulus failed: {e}")))?;
    let output = Command::new(encoder.name)
        .args(arguments)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| {
            fault(encoder, format!("starting it failed: {e}"))
                .hint(format!("install it: apt-get install {}", encoder.package))
        })?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if !output.status.success() {
        return Err(fault(encoder, format!("it failed with {}: {said}", output.status)));
    }
    Ok((output.stdout, said))
}

async fn encode_sbc(programme: &Programme, configuration: sbc::Configuration) -> Result<Vec<u8>, InfrastructureFault> {
    let frame = configuration.frame();
    let frames = frames(programme, sbc::FILTER_DELAY, frame.samples());
    let sound = au(programme, configuration.mode.channels(), frames * frame.samples() as usize);
    let (stream, said) = made_by(SBCENC, &options(configuration), &sound).await?;
    let (made, count) = sbc::frames(&stream)
        .map(|(format, frames)| (format, frames.len()))
        .map_err(|e| fault(SBCENC, format!("it made no SBC stream: {e}; it said: {said}")))?;
    if (made, count) != (frame, frames) {
        let what = format!("it made {count} frames of {made:?}; asked for were {frames} of {frame:?}");
        return Err(fault(SBCENC, what));
    }
    Ok(stream)
}

/// What ffmpeg is told: from the sound on its input to a raw stream on its output.
fn ffmpeg(coding: &[&str]) -> Vec<String> {
    let from = ["-hide_banner", "-loglevel", "error", "-nostdin", "-f", "au", "-i", "pipe:0"];
    from.iter().chain(coding).chain(&["-"]).map(|&word| word.to_owned()).collect()
}

async fn encode_aac(programme: &Programme, configuration: aac::Configuration) -> Result<Vec<u8>, InfrastructureFault> {
    let elements = frames(programme, AAC_DELAY, aac::SAMPLES);
    let sound = au(programme, 2, elements * aac::SAMPLES as usize);
    let rate = configuration.bps.to_string();
    // Every element carries the configuration: a sink that misses one goes on with the next.
    let coding = ["-c:a", "aac", "-profile:a", "aac_low", "-b:a", &rate, "-f", "latm", "-smc-interval", "1"];
    let (stream, said) = made_by(FFMPEG, &ffmpeg(&coding), &sound).await?;
    let made = aac::elements(&stream)
        .map_err(|e| fault(FFMPEG, format!("it made no AAC stream: {e}; it said: {said}")))?
        .len();
    // It may begin with one element that only primes the decoder.
    if made != elements && made != elements + 1 {
        return Err(fault(FFMPEG, format!("it made {made} elements of AAC; asked for were {elements}")));
    }
    Ok(stream)
}

async fn encode_opus(programme: &Programme) -> Result<Vec<u8>, InfrastructureFault> {
    let wanted = frames(programme, OPUS_DELAY, opus::SAMPLES);
    let sound = au(programme, 2, wanted * opus::SAMPLES as usize);
    let frame = opus::FRAME_MS.to_string();
    // At a constant rate every frame fits the smallest usual packet.
    let coding = [
        "-c:a",
        "libopus",
        "-b:a",
        OPUS_BPS,
        "-vbr",
        "off",
        "-frame_duration",
        &frame,
        "-application",
        "audio",
        "-f",
        "opus",
    ];
    let (stream, said) = made_by(FFMPEG, &ffmpeg(&coding), &sound).await?;
    let made = opus::frames(&stream)
        .map_err(|e| fault(FFMPEG, format!("it made no stream of Opus: {e}; it said: {said}")))?
        .len();
    // The look-ahead of the encoder may need one more.
    if made != wanted && made != wanted + 1 {
        return Err(fault(FFMPEG, format!("it made {made} frames of Opus; asked for were {wanted}")));
    }
    Ok(stream)
}

async fn encode_ldac(
    programme: &Programme,
    configuration: ldac::Configuration,
) -> Result<Vec<u8>, InfrastructureFault> {
    let wanted = frames(programme, LDAC_DELAY, configuration.samples());
    let channels = configuration.mode.channels();
    let sound = au(programme, channels, wanted * configuration.samples() as usize);
    let mode = match configuration.mode {
        ldac::Mode::Mono => "mono",
        ldac::Mode::DualChannel => "dual",
        ldac::Mode::Stereo => "stereo",
    };
    let pipeline = format!(
        "fdsrc fd=0 ! auparse ! audioconvert ! audio/x-raw,format=S16LE ! {LDAC_ELEMENT} eqmid=sq ! \
         audio/x-ldac,channel-mode={mode} ! fdsink fd=1"
    );
    let words: Vec<String> = std::iter::once("-q").chain(pipeline.split_whitespace()).map(str::to_owned).collect();
    let (stream, said) = made_by(GSTREAMER, &words, &sound).await?;
    let made = configuration
        .frames(&stream)
        .map_err(|e| fault(GSTREAMER, format!("it made no LDAC stream: {e}; it said: {said}")))?
        .len();
    // What is left in the library at the end is less than a packet of it.
    if made > wanted || made + LDAC_HELD < wanted {
        return Err(fault(GSTREAMER, format!("it made {made} frames of LDAC; asked for were {wanted}")));
    }
    Ok(stream)
}

async fn encode_aptx(
    programme: &Programme,
    configuration: aptx::Configuration,
) -> Result<Vec<u8>, InfrastructureFault> {
    let name = match configuration.variant {
        aptx::Variant::Classic => "aptx",
        aptx::Variant::Hd => "aptx_hd",
    };
    let words = frames(programme, APTX_DELAY, aptx::SAMPLES);
    let sound = au(programme, 2, words * aptx::SAMPLES as usize);
    let (stream, _) = made_by(FFMPEG, &ffmpeg(&["-c:a", name, "-f", name]), &sound).await?;
    let (made, wanted) = (stream.len(), words * configuration.variant.bytes());
    if made != wanted {
        return Err(fault(FFMPEG, format!("it made {made} bytes of {name}; asked for were {wanted}")));
    }
    Ok(stream)
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
    options.push("-".into());
    options
}

/// A file without a name: the encoder takes a short read from a pipe for the end.
fn in_memory(bytes: &[u8]) -> std::io::Result<Stdio> {
    let mut file = File::from(memfd_create(c"rigtone-stimulus", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    seek(&file, SeekFrom::Start(0))?;
    Ok(OwnedFd::from(file).into())
}

/// Sun audio of 16 bits: the programme, then silence up to `length` frames. A stream of one channel carries the mean.
fn au(programme: &Programme, channels: u32, length: usize) -> Vec<u8> {
    const HEADER: u32 = 24;
    const LINEAR_16: u32 = 3;
    let size = length as u32 * channels * 2;
    let mut bytes = b".snd".to_vec();
    for word in [HEADER, size, LINEAR_16, programme.rate(), channels] {
        bytes.extend(word.to_be_bytes());
    }
    // Full scale is 1.0 and stimuli stay below it.
    let word = |sample: f32| (f64::from(sample) * 32_767.0).round() as i16;
    bytes.reserve(size as usize);
    for (left, right) in programme.samples(0).zip(programme.samples(1)).take(length) {
        if channels == 1 {
            // Both channels are there, or half a test would be lost.
            bytes.extend(word(0.5 * (left + right)).to_be_bytes());
        } else {
            bytes.extend([left, right].into_iter().flat_map(|sample| word(sample).to_be_bytes()));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_audio::stimulus::{Name, Stimulus};
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
        let encoded =
            encode(&Programme::once(&stimulus), CodecConfiguration::Sbc(sbc)).await.expect("sbcenc is installed");
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
        let encoded =
            encode(&Programme::once(&smoke(44_100)), CodecConfiguration::Sbc(sbc)).await.expect("sbcenc is installed");
        assert_eq!(sbc::frames(&encoded).expect("SBC").0, sbc.frame());
    }

    /// A stimulus comes out of ffmpeg's decoder as it went in, but for the delay of the codec.
    #[rstest]
    #[case::aac(CodecConfiguration::Aac(aac::Configuration::high_quality(48_000)), "loas", 1024)]
    #[case::aac_at_44(CodecConfiguration::Aac(aac::Configuration { hz: 44_100, bps: 128_000 }), "loas", 1024)]
    // ffmpeg leaves the look-ahead of 312 samples out, as Ogg says that a player should.
    #[case::opus(CodecConfiguration::Opus(opus::Configuration), "ogg", 0)]
    #[case::aptx(CodecConfiguration::Aptx(aptx::Configuration { variant: aptx::Variant::Classic, hz: 48_000 }), "aptx", 90)]
    #[case::aptx_hd(CodecConfiguration::Aptx(aptx::Configuration { variant: aptx::Variant::Hd, hz: 48_000 }), "aptx_hd", 90)]
    #[tokio::test]
    async fn what_ffmpeg_encodes_is_the_stimulus(
        #[case] configuration: CodecConfiguration,
        #[case] format: &str,
        #[case] delay: usize,
    ) {
        let stimulus = smoke(configuration.rate());
        let encoded = encode(&Programme::once(&stimulus), configuration).await.expect("ffmpeg is installed");
        let words = ["-hide_banner", "-loglevel", "error", "-f", format, "-i", "pipe:0", "-f", "f32le", "-"];
        let words = words.map(str::to_owned);
        let (decoded, _) = made_by(FFMPEG, &words, &encoded).await.expect("a decoder");
        let (samples, _) = decoded.as_chunks::<8>();
        let heard: Vec<f32> = samples.iter().map(|&[a, b, c, d, ..]| f32::from_le_bytes([a, b, c, d])).collect();
        // The lag at which both agree best, by the loudest second.
        let sent = stimulus.samples();
        let part = sent.len() / 2..sent.len() / 2 + stimulus.rate() as usize / 4;
        let product = |lag: usize| -> f64 {
            part.clone().map(|at| f64::from(sent[at]) * f64::from(heard.get(at + lag).copied().unwrap_or(0.0))).sum()
        };
        let lag = (0..3000).max_by(|a, b| product(*a).total_cmp(&product(*b))).expect("lags");
        assert_eq!(lag, delay);
        let power: f64 = part.clone().map(|at| f64::from(sent[at]).powi(2)).sum();
        assert!((product(lag) / power - 1.0).abs() < 0.1, "{} at {lag}", product(lag) / power);
    }

    #[rstest]
    #[case::stereo(ldac::Mode::Stereo, 48_000)]
    #[case::mono(ldac::Mode::Mono, 44_100)]
    #[tokio::test]
    async fn ldac_comes_in_whole_frames_of_the_configuration(#[case] mode: ldac::Mode, #[case] hz: u32) {
        let (ldac, stimulus) = (ldac::Configuration { hz, mode }, smoke(hz));
        let encoded =
            encode(&Programme::once(&stimulus), CodecConfiguration::Ldac(ldac)).await.expect("ldacenc is installed");
        let seconds = ldac.frames(&encoded).expect("LDAC").len() as f64 * 128.0 / f64::from(hz);
        let wanted = stimulus.duration_s() + TAIL_S;
        assert!(seconds > wanted - 0.05 && seconds < wanted + 0.05, "{seconds} s for {wanted} s");
    }

    /// `ldacenc` of GStreamer 1.22 makes stereo of it without a word.
    #[tokio::test]
    async fn frames_of_another_mode_than_asked_for_are_refused() {
        let ldac = ldac::Configuration { hz: 48_000, mode: ldac::Mode::DualChannel };
        let fault = encode(&Programme::once(&smoke(48_000)), CodecConfiguration::Ldac(ldac)).await.expect_err("stereo");
        assert!(fault.what.contains("is of another configuration"), "{fault}");
    }

    #[tokio::test]
    async fn an_encoded_stimulus_is_kept_until_it_is_damaged() {
        let home = tempfile::tempdir().expect("a folder");
        let cache = Cache::in_folder(home.path());
        let sbc = CodecConfiguration::Sbc(sbc::Configuration::high_quality(Frequency::Hz48000));
        let stimulus = smoke(48_000);
        let kept =
            || async { kept_in(cache.clone(), &Programme::once(&stimulus), sbc).await.expect("sbcenc is installed") };
        let made = kept().await;
        let entry = std::fs::read_dir(home.path()).expect("the cache").next().expect("one entry").expect("it").path();
        // What stands there is what is given: a planted entry with a right hash is taken.
        let key = entry.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        cache.put(&key, b"planted").expect("room");
        assert_eq!(kept().await, b"planted");
        std::fs::write(&entry, b"damaged").expect("room");
        assert_eq!(kept().await, made);
        assert_eq!(kept().await, made);
    }

    #[test]
    fn whatever_an_encoded_stimulus_is_made_from_is_in_its_name() {
        let sbc = sbc::Configuration::high_quality(Frequency::Hz48000);
        let of = |stimulus: &Stimulus, sbc, version: &str| {
            key(&Programme::once(stimulus), CodecConfiguration::Sbc(sbc), version)
        };
        let other = Stimulus::build(Name::Smoke, 48_000, 8).expect("a rate of A2DP");
        let keys = [
            of(&smoke(48_000), sbc, "1"),
            of(&smoke(48_000), sbc, "2"),
            of(&smoke(48_000), sbc::Configuration { max_bitpool: 52, ..sbc }, "1"),
            of(&smoke(44_100), sbc, "1"),
            of(&other, sbc, "1"),
        ];
        let different: std::collections::BTreeSet<&String> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(keys[0], of(&smoke(48_000), sbc, "1"));
    }

    #[tokio::test]
    async fn a_stimulus_of_another_rate_is_refused() {
        let sbc = sbc::Configuration::high_quality(Frequency::Hz48000);
        let fault =
            encode(&Programme::once(&smoke(44_100)), CodecConfiguration::Sbc(sbc)).await.expect_err("another rate");
        assert!(fault.what.contains("44100") && fault.what.contains("48000"), "{fault}");
    }

    #[rstest]
    #[case::left_and_right(2, [false, true])]
    #[case::the_mean(1, [true, false])]
    fn a_stimulus_of_two_channels_goes_out_on_two_or_as_their_mean(#[case] channels: u32, #[case] alike: [bool; 2]) {
        let stimulus = Stimulus::build(Name::Channels, 48_000, 7).expect("a rate of A2DP");
        let bytes = au(&Programme::once(&stimulus), channels, stimulus.samples().len());
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
        let bytes = au(&Programme::once(&stimulus), 2, length);
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
