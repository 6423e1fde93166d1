//! An Android phone that is told by adb what to do, with what its shell may do without root and without a helper on it.
//!
//! The shell can turn Bluetooth on and off, read its state and start a player. It cannot search, pair or choose a device: a phone that was paired by hand
//! connects by itself to the device that it was connected to last when its Bluetooth comes on. What it says of codec and delay is a report of the phone.

mod adb;
mod dump;

use std::{env, path::PathBuf, rc::Rc};

use async_trait::async_trait;
use hound::{SampleFormat, WavSpec, WavWriter};
use rigtone_audio::stimulus::Stimulus;
use rigtone_model::{
    event::Origin,
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};

use self::{
    adb::Adb,
    dump::{Dump, excerpt},
};
use super::directory::Directory;
use crate::{
    capability::{Address, Asked, Link, Reply, Request},
    clock::{Clock, Instant},
    hardware::HostClock,
};

/// From the order to play until a player has opened the file, in nanoseconds.
const LAG_NS: i64 = 6_000_000_000;
/// How often the phone is asked whether it has connected.
const AGAIN_NS: i64 = 1_000_000_000;
/// What is left of a step's time for the last question.
const LAST_NS: i64 = 1_000_000_000;
/// Where stimuli are put.
const FOLDER: &str = "/sdcard/Music";
const BY_HAND: &str = "do it by hand on the phone, once and outside of trials: its shell cannot";

/// A phone.
pub(crate) struct Android {
    adb: Adb,
    others: Rc<Directory>,
    clock: HostClock,
}

impl Android {
    /// The phone of that serial number, as the unit `name`.
    pub(crate) fn new(name: &str, serial: &str, others: Rc<Directory>, clock: HostClock) -> Self {
        Self { adb: Adb::new("adb".into(), name, serial, clock), others, clock }
    }

    #[cfg(test)]
    fn by(program: PathBuf, name: &str, serial: &str, clock: HostClock) -> Self {
        Self { adb: Adb::new(program, name, serial, clock), others: Rc::default(), clock }
    }

    /// Whether it is there and says how its Bluetooth is. Changes nothing.
    ///
    /// # Errors
    /// With what is wrong and what to do.
    pub(crate) async fn check(&self, deadline: Instant) -> Result<String, InfrastructureFault> {
        self.adb.ready(deadline).await?;
        let release = self.adb.shell(&["getprop", "ro.build.version.release"], deadline).await?;
        let (dump, _) = self.dump(deadline).await?;
        let state = match dump.is_on {
            Some(true) => "on",
            Some(false) => "off",
            None => "not told",
        };
        let release: String = release.trim().chars().filter(|c| !c.is_control()).take(20).collect();
        Ok(format!("a phone with Android {release}; its Bluetooth is {state}"))
    }

    async fn dump(&self, deadline: Instant) -> Result<(Dump, String), InfrastructureFault> {
        let text = self.adb.shell(&["dumpsys", "bluetooth_manager"], deadline).await?;
        Ok((Dump::read(&text), excerpt(&text)))
    }

    async fn turn(&self, on: bool, deadline: Instant) -> Result<(), InfrastructureFault> {
        let (order, state) =
            if on { ("enable", "wait-for-state:STATE_ON") } else { ("disable", "wait-for-state:STATE_OFF") };
        for word in [order, state] {
            self.adb.shell(&["cmd", "bluetooth_manager", word], deadline).await.map_err(|fault| {
                // An app that uses LE keeps a part of it running.
                let hint = "the command needs Android 12 or newer, and no app that keeps Bluetooth LE busy; see `adb shell dumpsys bluetooth_manager`";
                fault.hint(hint)
            })?;
        }
        Ok(())
    }

    async fn connect(&self, target: Address, deadline: Instant) -> Result<Reply, InfrastructureFault> {
        let called = self.others.of_address(target);
        let (before, text) = self.dump(deadline).await?;
        let reply = |asked: &str, dump: &Dump, text: String| {
            let codec =
                dump.codec.map_or_else(|| "a codec that it does not name".to_owned(), |codec| codec.to_string());
            Reply {
                asked: format!("connect to {called}: {asked}"),
                said: Some(format!("connected, with {codec}")),
                outcome: Ok(link(dump, target)),
                papers: vec![("phone-bluetooth.txt".to_owned(), text)],
            }
        };
        if before.peer(target).is_some_and(|peer| peer.is_connected) {
            return Ok(reply("it was already", &before, text));
        }
        // While Bluetooth is off some releases list no bonds.
        if before.is_on == Some(true) {
            if !before.is_bonded(target) {
                return Err(self
                    .adb
                    .fault(format!("the phone has no bond with {called}"))
                    .hint(format!("pair them: {BY_HAND}")));
            }
            self.turn(false, deadline).await?;
        }
        self.turn(true, deadline).await?;
        loop {
            let (now, text) = self.dump(deadline).await?;
            if now.peer(target).is_some_and(|peer| peer.is_connected) {
                return Ok(reply("its Bluetooth was turned on", &now, text));
            }
            if self.clock.now().plus(AGAIN_NS + LAST_NS) >= deadline {
                let what = format!("the phone did not connect to {called} after its Bluetooth had come on");
                return Ok(Reply {
                    asked: format!("connect to {called}: its Bluetooth was turned on"),
                    said: Some("not connected".to_owned()),
                    outcome: Err(DeviceFailure::new(FailureClass::NotConnected, what)),
                    papers: vec![("phone-bluetooth.txt".to_owned(), text)],
                });
            }
            self.clock.sleep_until(self.clock.now().plus(AGAIN_NS)).await;
        }
    }

    async fn play(
        &self,
        on: Address,
        signal: &str,
        stimulus: &Stimulus,
        deadline: Instant,
    ) -> Result<Reply, InfrastructureFault> {
        let name: String =
            signal.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let remote = format!("{FOLDER}/rigtone-{name}.wav");
        let local = Scratch(env::temp_dir().join(format!("rigtone-phone-{}-{name}.wav", std::process::id())));
        write(stimulus, &local.0).map_err(|e| {
            self.adb
                .fault(format!("writing the stimulus to {} failed: {e}", local.0.display()))
                .hint("free space in the folder of temporary files")
        })?;
        let path = local.0.to_string_lossy().into_owned();
        self.adb.on_phone(&["push", &path, &remote], deadline).await?;
        let scan = ["content", "call", "--method", "scan_file", "--uri", "content://media", "--arg", &remote];
        let scanned = self.adb.shell(&scan, deadline).await?;
        let uri = media_uri(&scanned).ok_or_else(|| {
            self.adb
                .fault(format!("the phone's media store did not take {remote}"))
                .hint("it needs Android 11 or newer, and a phone that was unlocked since it started")
        })?;
        let view = "android.intent.action.VIEW";
        let words = ["am", "start", "-W", "-a", view, "-d", uri, "-t", "audio/x-wav", "--grant-read-uri-permission"];
        let started = self.adb.shell(&words, deadline).await?;
        // `am` ends well also when it does not do anything.
        if let Some(error) = started.lines().find(|line| line.trim_start().starts_with("Error")) {
            let error: String = error.trim().chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(self
                .adb
                .fault(format!("no player was started: {error}"))
                .hint("install a player that opens WAV files, and make it the one that is used for them"));
        }
        let asked = format!("play `{signal}` over {}", self.others.of_address(on));
        Ok(Reply { asked, said: Some("a player was started".to_owned()), outcome: Ok(None), papers: vec![] })
    }
}

/// What the phone tells of a link; none where it does not name the codec.
fn link(dump: &Dump, target: Address) -> Option<Link> {
    let delay = dump.peer(target)?.delay_tenths.filter(|tenths| *tenths > 0);
    Some(Link {
        codec: dump.codec?,
        // Neither is told in words that hold for all releases.
        configuration: Vec::new(),
        rate_hz: 0,
        reported_delay_ns: delay.map(|tenths| i64::from(tenths) * 100_000),
        changes: Vec::new(),
    })
}

/// The address that a media store gave a file.
fn media_uri(scanned: &str) -> Option<&str> {
    let begin = scanned.find("content://media/")?;
    let rest = &scanned[begin..];
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "/:_.-".contains(c))).unwrap_or(rest.len());
    Some(&rest[..end])
}

fn write(stimulus: &Stimulus, path: &std::path::Path) -> Result<(), hound::Error> {
    let channels = stimulus.channels();
    let spec = WavSpec {
        channels: u16::try_from(channels).unwrap_or(1),
        sample_rate: stimulus.rate(),
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(path, spec)?;
    for frame in 0..stimulus.samples().len() {
        for channel in 0..channels {
            let sample = stimulus.channel(channel).get(frame).copied().unwrap_or_default();
            writer.write_sample((sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16)?;
        }
    }
    writer.finalize()
}

/// A file that is gone when nobody needs it any more.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[async_trait(?Send)]
impl Asked for Android {
    fn origin(&self) -> Origin {
        Origin::Android
    }

    async fn ask(&self, request: Request<'_>, deadline: Instant) -> Result<Reply, InfrastructureFault> {
        let cannot = |what: &str| Err(self.adb.fault(format!("a phone's shell cannot {what}")).hint(BY_HAND));
        match request {
            Request::Find(_) => return cannot("search"),
            Request::Pair(_) => return cannot("pair"),
            Request::Forget(_) => return cannot("forget a bond"),
            Request::EnterPairingMode => return cannot("make itself visible"),
            Request::Power(_) => return cannot("switch a supply"),
            Request::Say { .. } => return cannot("hear a prompt"),
            Request::Set { .. } => return cannot("change a setting"),
            Request::Connect(_) | Request::Disconnect(_) | Request::Play { .. } => {}
        }
        self.adb.ready(deadline).await?;
        match request {
            Request::Connect(target) => self.connect(target, deadline).await,
            Request::Play { on, signal, stimulus, .. } => self.play(on, signal, stimulus, deadline).await,
            _ => {
                self.turn(false, deadline).await?;
                let said = Some("its Bluetooth is off".to_owned());
                Ok(Reply {
                    asked: "disconnect: its Bluetooth was turned off".to_owned(),
                    said,
                    outcome: Ok(None),
                    papers: vec![],
                })
            }
        }
    }

    fn plays_what_it_is_given(&self) -> bool {
        true
    }

    fn lag_ns(&self) -> i64 {
        LAG_NS
    }
}

#[cfg(test)]
mod tests {
    //! The phone is a shell script in the place of adb that refuses every call which it does not know word for word.

    use super::*;
    use rigtone_audio::stimulus::Name;
    use rigtone_model::document::Codec;
    use rstest::rstest;
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    const SPEAKER: Address = Address([0x38, 0x18, 0x4C, 0xE9, 0x5E, 0x23]);
    const SERIAL: &str = "R58M12ABCDE";
    const PATIENCE_NS: i64 = 60_000_000_000;

    /// What `adb devices` lists, and what the phone shows before and after its Bluetooth came on.
    struct Phone {
        devices: &'static str,
        before: String,
        after: String,
        media: &'static str,
        player: &'static str,
    }

    impl Default for Phone {
        fn default() -> Self {
            let address = "XX:XX:XX:XX:5E:23";
            Self {
                devices: "R58M12ABCDE\tdevice\n",
                before: dump::tests::dump(true, address, address, false, "None"),
                after: dump::tests::dump(true, address, address, true, "LDAC"),
                media: "Result: Bundle[{android.intent.extra.STREAM=content://media/external_primary/audio/media/37}]",
                player: "Starting: Intent { act=android.intent.action.VIEW }\nStatus: ok\n",
            }
        }
    }

    /// Puts the phone into a folder; gives the program that stands for adb.
    fn plug_in(folder: &Path, phone: &Phone) -> PathBuf {
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
        write("devices", &format!("List of devices attached\n{}\n", phone.devices));
        write("before", &phone.before);
        write("after", &phone.after);
        write("media", phone.media);
        write("player", phone.player);
        let script = format!(
            "#!/bin/sh\ncd {folder}\necho \"$*\" >> calls\ncase \"$*\" in\n\
             devices) cat devices ;;\n\
             '-s {SERIAL} shell getprop ro.build.version.release') echo 14 ;;\n\
             '-s {SERIAL} shell dumpsys bluetooth_manager') if [ -e on ]; then cat after; else cat before; fi ;;\n\
             '-s {SERIAL} shell cmd bluetooth_manager disable') rm -f on; echo disable: Success ;;\n\
             '-s {SERIAL} shell cmd bluetooth_manager enable') touch on; echo enable: Success ;;\n\
             '-s {SERIAL} shell cmd bluetooth_manager wait-for-state:STATE_OFF') [ ! -e stuck ] || exit 255 ;;\n\
             '-s {SERIAL} shell cmd bluetooth_manager wait-for-state:STATE_ON') ;;\n\
             '-s {SERIAL} push '*' /sdcard/Music/rigtone-smoke.wav') cp \"$4\" pushed.wav ;;\n\
             '-s {SERIAL} shell content call --method scan_file --uri content://media --arg /sdcard/Music/rigtone-smoke.wav') cat media ;;\n\
             '-s {SERIAL} shell am start -W -a android.intent.action.VIEW -d content://media/external_primary/audio/media/37 -t audio/x-wav --grant-read-uri-permission') cat player ;;\n\
             *) echo \"error: unknown call $*\" >&2; exit 1 ;;\nesac\n",
            folder = folder.display()
        );
        let program = folder.join("adb");
        fs::write(&program, script).expect("a script");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may run");
        program
    }

    fn calls(folder: &Path) -> Vec<String> {
        let text = fs::read_to_string(folder.join("calls")).unwrap_or_default();
        text.lines().map(|line| line.replace(&format!("-s {SERIAL} "), "")).collect()
    }

    struct Lab {
        folder: tempfile::TempDir,
        android: Android,
        clock: HostClock,
    }

    fn lab(phone: &Phone) -> Lab {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), HostClock::start());
        let android = Android::by(plug_in(folder.path(), phone), "pixel", SERIAL, clock);
        Lab { folder, android, clock }
    }

    impl Lab {
        async fn ask(&self, request: Request<'_>, within_ns: i64) -> Result<Reply, InfrastructureFault> {
            self.android.ask(request, self.clock.now().plus(within_ns)).await
        }
    }

    #[tokio::test]
    async fn a_phone_connects_by_itself_when_its_bluetooth_comes_on() {
        let lab = lab(&Phone::default());
        let reply = lab.ask(Request::Connect(SPEAKER), PATIENCE_NS).await.expect("asked");
        let link = reply.outcome.expect("connected").expect("a link that it tells of");
        assert_eq!((link.codec, link.reported_delay_ns), (Codec::Ldac, Some(150_000_000)));
        assert_eq!(reply.said.as_deref(), Some("connected, with ldac"));
        assert!(reply.papers.iter().all(|(_, text)| text.contains("Current Codec: LDAC") && !text.contains("Private")));
        assert_eq!(
            calls(lab.folder.path()),
            [
                "devices",
                "shell dumpsys bluetooth_manager",
                "shell cmd bluetooth_manager disable",
                "shell cmd bluetooth_manager wait-for-state:STATE_OFF",
                "shell cmd bluetooth_manager enable",
                "shell cmd bluetooth_manager wait-for-state:STATE_ON",
                "shell dumpsys bluetooth_manager",
            ]
        );
    }

    #[tokio::test]
    async fn a_phone_that_does_not_connect_is_a_result() {
        let phone = Phone { after: Phone::default().before, ..Phone::default() };
        let reply = lab(&phone).ask(Request::Connect(SPEAKER), 6_000_000_000).await.expect("asked");
        let failure = reply.outcome.expect_err("not connected");
        assert_eq!(failure.class, FailureClass::NotConnected);
        assert!(failure.detail.contains("did not connect to"), "{failure}");
    }

    #[tokio::test]
    async fn what_is_connected_already_is_left_alone() {
        let phone = Phone { before: Phone::default().after, ..Phone::default() };
        let lab = lab(&phone);
        let reply = lab.ask(Request::Connect(SPEAKER), PATIENCE_NS).await.expect("asked");
        assert!(matches!(reply.outcome, Ok(Some(_))));
        assert_eq!(calls(lab.folder.path()), ["devices", "shell dumpsys bluetooth_manager"]);
    }

    #[tokio::test]
    async fn disconnecting_turns_its_bluetooth_off() {
        let lab = lab(&Phone::default());
        let reply = lab.ask(Request::Disconnect(SPEAKER), PATIENCE_NS).await.expect("asked");
        assert_eq!(reply.outcome, Ok(None));
        let last = calls(lab.folder.path()).pop();
        assert_eq!(last.as_deref(), Some("shell cmd bluetooth_manager wait-for-state:STATE_OFF"));
    }

    #[tokio::test]
    async fn the_stimulus_itself_is_pushed_and_opened() {
        let lab = lab(&Phone::default());
        let stimulus = Stimulus::build(Name::Smoke, 48_000, 7).expect("a stimulus");
        let request = Request::Play { on: SPEAKER, signal: "smoke", stimulus: &stimulus, content: None };
        let reply = lab.ask(request, PATIENCE_NS).await.expect("asked");
        assert_eq!(reply.said.as_deref(), Some("a player was started"));
        let mut pushed = hound::WavReader::open(lab.folder.path().join("pushed.wav")).expect("it was pushed");
        let samples: Vec<i16> = pushed.samples().collect::<Result<_, _>>().expect("whole");
        let channels = stimulus.channels();
        assert_eq!((usize::from(pushed.spec().channels), pushed.spec().sample_rate), (channels, 48_000));
        assert_eq!(samples.len(), stimulus.samples().len() * channels);
        let due = |n: usize| (stimulus.channel(n % channels)[n / channels] * 32_767.0).round() as i16;
        assert!(samples.iter().enumerate().all(|(n, sample)| *sample == due(n)));
    }

    #[rstest]
    #[case::missing("", "adb sees no phone R58M12ABCDE, no other either", "USB debugging")]
    #[case::another("OTHER\tdevice\n", "adb sees no phone R58M12ABCDE, but OTHER", "correct `serial`")]
    #[case::unauthorised("R58M12ABCDE\tunauthorized\n", "is unauthorized", "allow USB debugging")]
    #[case::offline("R58M12ABCDE\toffline\n", "is offline", "plug it in again")]
    #[case::rights(
        "R58M12ABCDE\tno permissions (missing udev rules?); see [docs]\n",
        "is no permissions",
        "udev rules"
    )]
    #[case::recovery("R58M12ABCDE\trecovery\n", "is recovery", "as usual")]
    #[case::twins("R58M12ABCDE\tdevice\nR58M12ABCDE\tdevice\n", "sees 2 phones", "unplug all but one")]
    #[tokio::test]
    async fn a_phone_that_cannot_be_told_is_a_fault(
        #[case] devices: &'static str,
        #[case] what: &str,
        #[case] hint: &str,
    ) {
        let lab = lab(&Phone { devices, ..Phone::default() });
        for fault in [
            lab.ask(Request::Connect(SPEAKER), PATIENCE_NS).await.map(|_| ()),
            lab.android.check(lab.clock.now().plus(PATIENCE_NS)).await.map(|_| ()),
        ] {
            let fault = fault.expect_err("a fault");
            assert_eq!(fault.member, "unit pixel");
            assert!(fault.what.contains(what), "{fault}");
            assert!(fault.hint.as_deref().is_some_and(|said| said.contains(hint)), "{fault:?}");
        }
        assert!(calls(lab.folder.path()).iter().all(|call| call == "devices"), "nothing else is asked");
    }

    #[rstest]
    #[case::no_bond(Phone { before: dump::tests::dump(true, "XX:XX:XX:XX:00:07", "null", false, "None"), ..Phone::default() }, "no bond with", "by hand")]
    #[case::no_media(Phone { media: "Result: Bundle[{}]", ..Phone::default() }, "did not take /sdcard/Music/rigtone-smoke.wav", "Android 11")]
    #[case::no_player(
        Phone { player: "Starting: Intent\nError: Activity not started, unable to resolve Intent\n", ..Phone::default() },
        "no player was started: Error: Activity not started",
        "install a player"
    )]
    #[tokio::test]
    async fn a_phone_that_cannot_do_it_is_a_fault(#[case] phone: Phone, #[case] what: &str, #[case] hint: &str) {
        let lab = lab(&phone);
        let stimulus = Stimulus::build(Name::Smoke, 48_000, 7).expect("a stimulus");
        let request = if what.contains("bond") {
            Request::Connect(SPEAKER)
        } else {
            Request::Play { on: SPEAKER, signal: "smoke", stimulus: &stimulus, content: None }
        };
        let fault = lab.ask(request, PATIENCE_NS).await.expect_err("a fault");
        assert!(fault.what.contains(what), "{fault}");
        assert!(fault.hint.as_deref().is_some_and(|said| said.contains(hint)), "{fault:?}");
    }

    #[tokio::test]
    async fn bluetooth_that_does_not_go_off_is_a_fault() {
        let lab = lab(&Phone::default());
        fs::write(lab.folder.path().join("stuck"), "").expect("a file");
        let fault = lab.ask(Request::Disconnect(SPEAKER), PATIENCE_NS).await.expect_err("a fault");
        assert!(fault.what.contains("wait-for-state:STATE_OFF") && fault.what.contains("exit code 255"), "{fault}");
    }

    #[rstest]
    #[case(Request::Find(SPEAKER), "search")]
    #[case(Request::Pair(SPEAKER), "pair")]
    #[case(Request::Forget(SPEAKER), "forget")]
    #[case(Request::EnterPairingMode, "visible")]
    #[case(Request::Power(true), "supply")]
    #[case(Request::Say { prompt: "pair", loudness: None }, "prompt")]
    #[tokio::test]
    async fn what_no_shell_can_do_is_refused_without_a_call(#[case] request: Request<'static>, #[case] what: &str) {
        let lab = lab(&Phone::default());
        let fault = lab.ask(request, PATIENCE_NS).await.expect_err("refused");
        assert!(fault.what.contains(what) && fault.hint.is_some_and(|hint| hint.contains("by hand")));
        assert_eq!(calls(lab.folder.path()), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_call_that_hangs_and_an_adb_that_is_missing_are_faults() {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), HostClock::start());
        let program = folder.path().join("adb");
        fs::write(&program, "#!/bin/sh\nsleep 600\n").expect("a script");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may run");
        let hangs = Android::by(program, "pixel", SERIAL, clock);
        let fault = hangs.ask(Request::Connect(SPEAKER), clock.now().plus(300_000_000)).await.expect_err("it hangs");
        assert!(fault.what.contains("had not ended at the deadline"), "{fault}");
        let missing = Android::by("/does/not/exist".into(), "pixel", SERIAL, clock);
        let fault = missing.check(clock.now().plus(PATIENCE_NS)).await.expect_err("not there");
        assert_eq!(fault.hint.as_deref(), Some("apt-get install adb"));
    }
}
