//! What a simulated assistant makes of what is said and of what plays beside it.

use std::collections::BTreeMap;

use rigtone_audio::{
    chime::chime,
    occurrences::Finder,
    stimulus::{Name, Stimulus},
};
use rigtone_model::{
    document::{Codec, Device, Profile},
    load::{SourceFile, load},
};
use rstest::rstest;

use super::{VirtualClock, open};
use crate::{
    bench::TrialKey,
    capability::{Request, Wish},
    clock::Clock,
    programme::Programme,
};

const S: i64 = 1_000_000_000;
const ASSISTANT: &str = "\
device: maker/assistant
title: An assistant
roles: [a2dp-source]
codecs: [sbc]
prompts: {wake-word: {text: Computer}}
firmware: {\"1\": {}}
";
const SPEAKER: &str = "\
device: maker/speaker
title: A speaker
roles: [a2dp-sink]
codecs: [sbc]
gestures: {pairing-mode: {automatic: true}}
firmware: {\"1\": {}}
";

/// Reactions in one trial in which a speaker of that level plays for 12 s beside an assistant of that nature, and somebody speaks in the middle, or nobody.
fn reactions(trial: u32, speaker: &str, assistant: &str, speaks: bool) -> usize {
    let rig = format!(
        r#"rig: lab
title: A lab
world: simulated
rooms: {{room: {{noise: -70 dB}}}}
microphones: {{bench: {{room: room, calibrated: {{full-scale: 100 dB SPL, uncertainty: 1 dB}}}}}}
units:
  assistant:
    {{device: maker/assistant, firmware: "1", address: "0C:00:00:00:00:01", control: voice,
     heard-by: {{bench: {{distance: 0.1 m}}}}, simulated: {{level: -15 dB, assistant: {assistant}}}}}
  speaker:
    {{device: maker/speaker, firmware: "1", address: "5E:00:00:00:00:01",
     heard-by: {{bench: {{distance: 1 m}}}}, simulated: {speaker}}}
"#
    );
    let files =
        [("devices/maker/speaker.yaml", SPEAKER), ("devices/maker/assistant.yaml", ASSISTANT), ("lab.yaml", &rig)];
    let file = |(path, text): (&str, &str)| SourceFile { path: path.into(), bytes: text.as_bytes().to_vec() };
    let loaded = load(files.into_iter().map(file).collect());
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let devices: BTreeMap<String, Device> =
        loaded.library.devices.iter().map(|(id, entry)| (id.clone(), entry.value.clone())).collect();
    let clock = VirtualClock::new();
    let bench = open(&loaded.library.rigs["lab"].value, &|id| devices.get(id).cloned(), &clock).expect("a rig");
    let key = TrialKey { seed: 7, combination: "s/x#00000000".into(), trial, attempt: 1 };
    let noise = Stimulus::build(Name::Noise, 48_000, 1).expect("a stimulus");
    let (source, target) = (&bench.units["assistant"], bench.units["speaker"].address);
    let captured = clock.runtime().expect("a runtime").block_on(async {
        clock.sleep_until(clock.now().plus(5 * S)).await;
        bench.keeper.trial_begins(&key, &["assistant", "speaker"], &["bench"]);
        let deadline = clock.now().plus(60 * S);
        let wish = Wish { profile: Profile::A2dp, codec: Codec::Sbc, configured: None };
        source.pairing.as_ref().expect("pairs").pair(target, deadline).await.expect("a rig").expect("paired");
        let connecting = source.connecting.as_ref().expect("connects");
        connecting.connect(target, wish, deadline).await.expect("a rig").expect("connected");
        let recording = bench.microphones["bench"].start(deadline).await.expect("a recording");
        let noise = Programme::once(&noise);
        let play = source.streaming.as_ref().expect("streams").stream(target, &noise, deadline);
        let speak = async {
            clock.sleep_until(clock.now().plus(5 * S)).await;
            if speaks {
                let request = Request::Say { prompt: "wake-word", loudness: None };
                source.spoken_to.as_ref().expect("hears").ask(request, deadline).await.expect("said");
            }
        };
        let (streamed, ()) = tokio::join!(play, speak);
        streamed.expect("a stream").ended.expect("whole");
        recording.stop(deadline).await.expect("recorded")
    });
    let mut finder = Finder::new(&chime(48_000), 48_000).expect("a sound");
    let threshold = finder.threshold(1e-3);
    finder.find(&captured.samples.scaled(0, 1), threshold).len()
}

/// How many of 20 trials have a reaction to what is said.
fn recognised(speaker: &str, assistant: &str) -> usize {
    (1..=20).filter(|trial| reactions(*trial, speaker, assistant, true) > 0).count()
}

#[rstest]
#[case::softly("{level: -40 dB}", 20..=20)]
#[case::loudly("{level: -5 dB}", 0..=0)]
fn a_loud_speaker_deafens_it(#[case] speaker: &str, #[case] due: std::ops::RangeInclusive<usize>) {
    // The noise lies some 10 to 20 dB below full scale: at 1 m it is 40 to 50 dB SPL soft, and 75 to 85 loud.
    let found = recognised(speaker, "{deafened: {half: 65 dB SPL, slope: 1 dB}}");
    assert!(due.contains(&found), "{found}");
}

#[rstest]
#[case::loud_enough("{level: -5 dB}", 3.0)]
#[case::too_soft("{level: -40 dB}", 0.0)]
fn it_wakes_by_itself_while_something_loud_plays(#[case] speaker: &str, #[case] per_trial: f64) {
    // 900 an hour are 3 in the 12 s of the noise. Chimes that overlap count as one, and the last may be cut off.
    let trials = 10;
    let assistant = "{false-wakes: {rate: 900 /h, above: 65 dB SPL}}";
    let found: usize = (1..=trials).map(|trial| reactions(trial, speaker, assistant, false)).sum();
    let due = per_trial * f64::from(trials);
    let spread = 3.0 * due.sqrt();
    assert!((due - spread - 5.0..=due + spread).contains(&(found as f64)), "{found} where {due} are due");
}
