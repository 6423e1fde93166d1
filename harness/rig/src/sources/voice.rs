//! A source that is told by spoken prompts what to do. It is not listened to: what becomes of it is seen on the air and heard by microphones.

use std::{borrow::Cow, rc::Rc};

use async_trait::async_trait;
use indexmap::IndexMap;
use rigtone_model::{
    document::{Device, SpokenPrompt},
    event::Origin,
    quantity::{Distance, Loudness},
    trial::InfrastructureFault,
};

use super::{directory::Directory, speech::Speech};
use crate::{
    capability::{Address, Asked, Reply, Request},
    clock::Instant,
    playback::{Loudspeaker, Mono},
};

/// How long an assistant may take until what was asked for sounds, in nanoseconds: it thinks, and it says what it is going to do.
const LAG_NS: i64 = 15_000_000_000;

/// The name of a prompt, the other unit in it, and its stimulus.
type Spoken<'a> = (Cow<'a, str>, Option<Address>, Option<&'a str>);

/// A source that is spoken to.
pub(crate) struct Voice {
    member: String,
    loudspeaker: Rc<dyn Loudspeaker>,
    prompts: IndexMap<String, SpokenPrompt>,
    speech: Speech,
    others: Rc<Directory>,
    /// What a sound of 0 dB RMS relative to full scale comes to at the place of the unit, in dB SPL, where that is known.
    at_unit: Option<f64>,
}

/// The sound pressure level at a distance of what has `at_one_metre`: sound of a small source falls with distance, as long as the room does not
/// add to it.
pub(crate) fn at_distance(at_one_metre: Loudness, distance: Distance) -> f64 {
    at_one_metre.db_spl() - 20.0 * distance.metres().max(0.01).log10()
}

impl Voice {
    /// The unit `name`, spoken to through a loudspeaker.
    pub(crate) fn new(
        name: &str,
        device: &Device,
        loudspeaker: Rc<dyn Loudspeaker>,
        speech: Speech,
        others: Rc<Directory>,
    ) -> Self {
        Self {
            member: format!("unit {name}"),
            loudspeaker,
            prompts: device.prompts.clone(),
            speech,
            others,
            at_unit: None,
        }
    }

    /// The same, where it is known how loud its loudspeaker is at the unit.
    pub(crate) fn known_to_be(mut self, at_unit: Option<f64>) -> Self {
        self.at_unit = at_unit;
        self
    }

    /// A prompt as loud as it has to be at the unit.
    fn as_loud_as(&self, name: &str, sound: Mono, loudness: Option<Loudness>) -> Result<Mono, InfrastructureFault> {
        let Some(wanted) = loudness else { return Ok(sound) };
        let Some(at_unit) = self.at_unit else {
            return Err(self
                .fault("how loud its loudspeaker is is not known")
                .hint("run `rigtone plan`: it skips such combinations"));
        };
        let louder = wanted.db_spl() - at_unit - sound.active_dbfs();
        sound.louder(louder).ok_or_else(|| {
            self.fault(format!("the prompt `{name}` cannot be {wanted} loud at it: its peaks would be cut off"))
                .hint("turn up the amplifier and measure `calibrated` of the loudspeaker anew, or bring it nearer")
        })
    }

    fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    /// The prompt of a request, the other unit in it, and its stimulus.
    fn prompt_of<'a>(&self, request: Request<'a>) -> Result<Spoken<'a>, InfrastructureFault> {
        let (name, other, signal) = match request {
            Request::Set { option, value } => return Ok((format!("set-{option}-{value}").into(), None, None)),
            Request::Pair(target) => ("pair", Some(target), None),
            Request::Forget(target) => ("forget", Some(target), None),
            Request::Connect(target) => ("connect", Some(target), None),
            Request::Disconnect(target) => ("disconnect", Some(target), None),
            Request::Play { on, signal, content, .. } => (content.unwrap_or("play"), Some(on), Some(signal)),
            Request::Say { prompt, .. } => (prompt, None, None),
            Request::Find(_) => return Err(self.fault("a voice assistant does not say what it finds")),
            Request::Power(_) | Request::EnterPairingMode => return Err(self.fault("words move no switch")),
        };
        Ok((name.into(), other, signal))
    }

    /// The words of a prompt, with what its names stand for.
    fn words(
        &self,
        name: &str,
        text: &str,
        other: Option<Address>,
        signal: Option<&str>,
    ) -> Result<String, InfrastructureFault> {
        let mut words = text.to_owned();
        let names = [
            ("{speaker}", other.map(|other| self.others.of_address(other).on_air)),
            ("{signal}", signal.map(str::to_owned)),
        ];
        for (place, value) in names.into_iter().filter(|(place, _)| text.contains(place)) {
            let Some(value) = value else {
                return Err(self
                    .fault(format!("the prompt `{name}` says `{place}`, and the step names none"))
                    .hint("give the step a prompt of its own, with the words themselves"));
            };
            words = words.replace(place, &value);
        }
        Ok(words)
    }
}

#[async_trait(?Send)]
impl Asked for Voice {
    fn origin(&self) -> Origin {
        Origin::Voice
    }

    async fn ask(&self, request: Request<'_>, deadline: Instant) -> Result<Reply, InfrastructureFault> {
        let (name, other, signal) = self.prompt_of(request)?;
        let loudness = if let Request::Say { loudness, .. } = request { loudness } else { None };
        let prompt = self.prompts.get(&*name).ok_or_else(|| {
            self.fault(format!("its device has no prompt `{name}`"))
                .hint("add it under `prompts` in the device's document")
        })?;
        let words = prompt.text.as_deref().map(|text| self.words(&name, text, other, signal)).transpose()?;
        let sound =
            self.speech.of(prompt, words.as_deref(), deadline).await.map_err(|mute| {
                self.fault(format!("the prompt `{name}` cannot be said: {}", mute.what)).hint(mute.hint)
            })?;
        let sound = self.as_loud_as(&name, sound, loudness)?;
        self.loudspeaker.play(&sound, deadline).await?;
        let said = words.or_else(|| prompt.wav.clone()).unwrap_or_default();
        let loud = loudness.map(|loudness| format!(", {loudness} at it")).unwrap_or_default();
        let asked = format!("{name}: \"{said}\" was spoken through loudspeaker {}{loud}", self.loudspeaker.name());
        // Nobody has heard what it answers.
        Ok(Reply { asked, said: None, outcome: Ok(None), papers: vec![] })
    }

    fn lag_ns(&self) -> i64 {
        LAG_NS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, hardware::HostClock, playback::wav};
    use rigtone_model::document::Rig;
    use rstest::rstest;
    use serde_json::json;
    use std::{cell::RefCell, fs, path::Path};

    const BOX: Address = Address([0xD2, 0, 0, 0, 0, 1]);

    /// Keeps what it was given to play, or is broken.
    #[derive(Default)]
    struct Ear {
        heard: RefCell<Vec<Vec<i16>>>,
        broken: bool,
    }

    #[async_trait(?Send)]
    impl Loudspeaker for Ear {
        fn name(&self) -> &str {
            "desk"
        }
        async fn play(&self, sound: &Mono, _: Instant) -> Result<Instant, InfrastructureFault> {
            if self.broken {
                return Err(InfrastructureFault::new("loudspeaker desk", "underran"));
            }
            self.heard.borrow_mut().push(sound.samples.clone());
            Ok(Instant(0))
        }
        async fn check(&self, _: Instant) -> Result<String, InfrastructureFault> {
            Ok(String::new())
        }
    }

    fn devices(id: &str, wav: &Path) -> Device {
        let prompts = json!({
            "pair": {"wav": wav.display().to_string()},
            "connect": {"text": "Alexa, connect to {speaker}"},
            "play": {"text": "Alexa, play {signal}"},
            "stop": {"text": "Alexa, stop {speaker}"},
        });
        let document = json!({
            "device": id, "title": format!("The {id}"), "roles": ["a2dp-source"], "codecs": ["sbc"], "air-name": "Kitchen Box",
            "prompts": prompts,
        });
        serde_json::from_value(document).expect("a device")
    }

    /// A voice with a synthesiser that is a shell script which makes nothing: what it is told is the recording of `pair`.
    fn voice(folder: &Path, broken: bool, clock: HostClock) -> (Voice, Rc<Ear>) {
        let recording = folder.join("pair.wav");
        fs::write(&recording, wav(48_000, 1, 16, &[1, 2, 3])).expect("a recording");
        let unit = |address: &str| json!({"device": "a/b", "firmware": "1", "address": address});
        let rig: Rig = serde_json::from_value(json!({
            "rig": "lab", "title": "A lab", "world": "hardware", "rooms": {"room": {}},
            "units": {"box": unit("D2:00:00:00:00:01")},
        }))
        .expect("a rig");
        let others = Rc::new(Directory::of(&rig, &|id| Some(devices(id, &recording))));
        let ear = Rc::new(Ear { broken, ..Ear::default() });
        let speech = Speech::with(Path::new("/does/not/exist"), folder, clock);
        (Voice::new("echo", &devices("a/echo", &recording), ear.clone(), speech, others), ear)
    }

    #[tokio::test]
    async fn what_is_asked_is_played_and_answered_by_nobody() {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), HostClock::start());
        let (voice, ear) = voice(folder.path(), false, clock);
        let reply = voice.ask(Request::Pair(BOX), clock.now().plus(60_000_000_000)).await.expect("asked");
        assert_eq!(*ear.heard.borrow(), [vec![1, 2, 3]]);
        assert!(reply.asked.starts_with("pair: ") && reply.asked.ends_with("through loudspeaker desk"), "{reply:?}");
        // Neither a link nor a failure: an assistant's word is not taken.
        assert_eq!((reply.said, reply.outcome), (None, Ok(None)));
    }

    #[rstest]
    // A square wave of a tenth of full scale: 20 dB below what the loudspeaker is known by.
    #[case::as_it_is(Some(90.0), 70.0, Ok(3277))]
    #[case::softer(Some(90.0), 50.0, Ok(328))]
    #[case::cut_off(Some(90.0), 95.0, Err("its peaks would be cut off"))]
    #[case::unknown(None, 70.0, Err("is not known"))]
    #[tokio::test]
    async fn a_prompt_is_as_loud_at_the_unit_as_it_should_be(
        #[case] at_unit: Option<f64>,
        #[case] wanted: f64,
        #[case] peak: Result<i16, &str>,
    ) {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), HostClock::start());
        let (voice, ear) = voice(folder.path(), false, clock);
        let wave: Vec<i16> = (0..4800).map(|n| if n % 2 == 0 { 3277 } else { -3277 }).collect();
        fs::write(folder.path().join("pair.wav"), wav(48_000, 1, 16, &wave)).expect("a recording");
        let request = Request::Say { prompt: "pair", loudness: Loudness::from_db_spl(wanted) };
        let said = voice.known_to_be(at_unit).ask(request, clock.now().plus(60_000_000_000)).await;
        match peak {
            Ok(peak) => {
                said.expect("said");
                assert_eq!(ear.heard.borrow()[0].iter().max(), Some(&peak));
            }
            Err(why) => assert!(said.expect_err("not said").what.contains(why)),
        }
    }

    #[rstest]
    #[case("1 m", 90.0)]
    #[case("2 m", 90.0 - 6.0206)]
    #[case("0.5 m", 90.0 + 6.0206)]
    fn sound_falls_with_distance(#[case] distance: &str, #[case] due: f64) {
        let level = at_distance("90 dB SPL".parse().expect("a level"), distance.parse().expect("a distance"));
        assert!((level - due).abs() < 1e-3, "{level}");
    }

    #[rstest]
    #[case("connect", Some(BOX), None, Ok("Alexa, connect to Kitchen Box"))]
    #[case("play", Some(BOX), Some("smoke"), Ok("Alexa, play smoke"))]
    #[case("stop", None, None, Err("says `{speaker}`, and the step names none"))]
    fn names_stand_for_what_is_on_the_air(
        #[case] prompt: &str,
        #[case] other: Option<Address>,
        #[case] signal: Option<&str>,
        #[case] words: Result<&str, &str>,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let (voice, _) = voice(folder.path(), false, HostClock::start());
        let text = voice.prompts[prompt].text.clone().expect("words");
        match (voice.words(prompt, &text, other, signal), words) {
            (Ok(found), Ok(due)) => assert_eq!(found, due),
            (Err(fault), Err(due)) => assert!(fault.what.contains(due), "{fault}"),
            (found, due) => panic!("{found:?} where {due:?} is due"),
        }
    }

    #[rstest]
    #[case::search(Request::Find(BOX), false, "unit echo", "does not say what it finds")]
    #[case::power(Request::Power(true), false, "unit echo", "move no switch")]
    #[case::no_prompt(Request::Forget(BOX), false, "unit echo", "no prompt `forget`")]
    #[case::no_synthesiser(
        Request::Connect(BOX),
        false,
        "unit echo",
        "the prompt `connect` cannot be said: there is no program"
    )]
    #[case::seam(Request::Pair(BOX), true, "loudspeaker desk", "underran")]
    #[tokio::test]
    async fn what_cannot_be_said_is_a_fault(
        #[case] request: Request<'static>,
        #[case] broken: bool,
        #[case] member: &str,
        #[case] what: &str,
    ) {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), HostClock::start());
        let (voice, ear) = voice(folder.path(), broken, clock);
        let fault = voice.ask(request, clock.now().plus(60_000_000_000)).await.expect_err("not said");
        assert_eq!(fault.member, member);
        assert!(fault.what.contains(what), "{fault}");
        assert!(ear.heard.borrow().is_empty());
    }
}
