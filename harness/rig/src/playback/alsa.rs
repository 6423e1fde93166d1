//! Playing through cpal: an ALSA device, opened exactly as the rig's document says, in 16 bits.
//!
//! ALSA plays what it was handed a buffer later. So a callback is handed silence after the sound, until more of it was taken than any buffer
//! holds: then the last sample of the sound has left. A buffer that ran empty is an underrun, and the sound has a seam.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use cpal::{
    BufferSize, ErrorKind, HostId, OutputCallbackInfo, SampleFormat, StreamConfig,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};
use rigtone_model::{document, quantity::Level, trial::InfrastructureFault};
use tokio::sync::oneshot;

use super::{Loudspeaker, Mono};
use crate::{
    capture::Wanted,
    clock::{Clock, Instant},
    hardware::{HostClock, within},
    usb::Sysfs,
};

/// Frames in a period: seams matter here, and delay does not.
const PERIOD: u32 = 4800;
/// The longest buffer that is reckoned with, in seconds.
const BUFFER_S: u64 = 1;
/// How long a device may take nothing.
const STALL: Duration = Duration::from_secs(2);
/// How often is looked how far it is.
const LOOK: Duration = Duration::from_millis(20);
/// How often a busy device is asked again, and after how long.
const BUSY_ATTEMPTS: u32 = 5;
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// A loudspeaker that is an ALSA playback device.
#[derive(Debug, Clone)]
pub(crate) struct AlsaLoudspeaker {
    name: String,
    member: String,
    document: document::Loudspeaker,
    sysfs: Sysfs,
    clock: HostClock,
}

impl AlsaLoudspeaker {
    /// The loudspeaker `name`. Nothing is opened before it plays or is checked.
    pub(crate) fn new(name: &str, document: document::Loudspeaker, sysfs: Sysfs, clock: HostClock) -> Self {
        Self { name: name.to_owned(), member: format!("loudspeaker {name}"), document, sysfs, clock }
    }

    fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    /// Runs a worker in a thread of its own, which the returned sender ends when it is dropped.
    /// Gives the device that was found, and when the first sample left.
    async fn run(
        &self,
        frames: Option<Vec<i16>>,
        deadline: Instant,
    ) -> Result<(String, Option<Instant>), InfrastructureFault> {
        let pcm = self
            .sysfs
            .pcm(&self.document.alsa.place())
            .map_err(|refusal| self.fault(refusal.what).hint(refusal.hint))?;
        let found = pcm.found().unwrap_or_else(|| pcm.name.clone());
        let (member, alsa, clock) = (self.member.clone(), self.document.alsa.clone(), self.clock);
        let worker = Worker { member, device: pcm.name, alsa, clock };
        let (alive, given_up) = mpsc::channel::<()>();
        let (give, take) = oneshot::channel();
        let work = move || {
            // Nobody listens when playing was given up.
            let _ = give.send(worker.work(frames.map(Into::into), &given_up));
        };
        thread::Builder::new()
            .name(self.member.clone())
            .spawn(work)
            .map_err(|e| self.fault(format!("starting its thread failed: {e}")))?;
        let done = within(self.clock, deadline, take).await;
        drop(alive);
        match done {
            Some(Ok(result)) => result.map(|began| (found, began)),
            Some(Err(_)) => Err(self.fault("the playing thread died")),
            None => Err(self.fault("it did not play to the end before the deadline")),
        }
    }
}

#[async_trait(?Send)]
impl Loudspeaker for AlsaLoudspeaker {
    fn name(&self) -> &str {
        &self.name
    }

    async fn play(&self, sound: &Mono, deadline: Instant) -> Result<Instant, InfrastructureFault> {
        let document::Loudspeaker { alsa, level, .. } = &self.document;
        let frames = sound.frames(alsa.rate, alsa.channels, level.map_or(0.0, Level::db));
        let (device, began) = self.run(Some(frames), deadline).await?;
        began.ok_or_else(|| self.fault(format!("{device} does not tell when it plays")))
    }

    async fn check(&self, deadline: Instant) -> Result<String, InfrastructureFault> {
        let document::Playback { rate, channels, .. } = self.document.alsa;
        let (found, _) = self.run(None, deadline).await?;
        Ok(format!("{found} takes {channels} channels at {rate} Hz; that it sounds was not tried"))
    }
}

/// How far a callback is.
#[derive(Default)]
struct Progress {
    /// Frames that were handed over, silence included.
    handed: AtomicU64,
    underrun: AtomicBool,
    /// When the first frame left, on the rig's clock.
    began: OnceLock<Instant>,
}

struct Worker {
    member: String,
    /// The PCM that is opened.
    device: String,
    alsa: document::Playback,
    clock: HostClock,
}

impl Worker {
    fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    fn refused(&self, doing: &str, error: &cpal::Error) -> InfrastructureFault {
        let device = &self.device;
        let hint = match error.kind() {
            ErrorKind::DeviceBusy => format!("end the program that uses {device}"),
            ErrorKind::DeviceNotAvailable => "check its USB cable".to_owned(),
            ErrorKind::PermissionDenied => "give this user the right to play sound (group audio)".to_owned(),
            ErrorKind::UnsupportedConfig => {
                format!(
                    "correct rate and channels in the rig file; `aplay -D {device} --dump-hw-params /dev/zero` shows them"
                )
            }
            _ => "see whether aplay can play on it".to_owned(),
        };
        self.fault(format!("{doing} {device} failed: {error}")).hint(hint)
    }

    /// Plays frames to the end, and gives when the first one left; without any the device is only opened.
    fn work(
        &self,
        frames: Option<Arc<[i16]>>,
        given_up: &mpsc::Receiver<()>,
    ) -> Result<Option<Instant>, InfrastructureFault> {
        let Some(frames) = frames else {
            return self.patiently(|| self.device().and_then(|device| self.exactly(&device)).map(|_| None));
        };
        let progress = Arc::new(Progress::default());
        let (trouble, troubles) = mpsc::sync_channel(8);
        let stream = self.patiently(|| self.open(&frames, &progress, &trouble))?;
        let result = self.follow(frames.len() as u64, &progress, &troubles, given_up);
        drop(stream);
        result.map(|()| progress.began.get().copied())
    }

    /// Tries again for a while what another program may be about to end.
    fn patiently<T>(&self, mut open: impl FnMut() -> Result<T, cpal::Error>) -> Result<T, InfrastructureFault> {
        for _ in 1..BUSY_ATTEMPTS {
            match open() {
                Err(error) if error.kind() == ErrorKind::DeviceBusy => thread::sleep(BUSY_PAUSE),
                other => return other.map_err(|error| self.refused("opening", &error)),
            }
        }
        open().map_err(|error| self.refused("opening", &error))
    }

    /// Waits until so many samples, and what the device buffers, were taken.
    fn follow(
        &self,
        samples: u64,
        progress: &Progress,
        troubles: &mpsc::Receiver<cpal::Error>,
        given_up: &mpsc::Receiver<()>,
    ) -> Result<(), InfrastructureFault> {
        let enough = samples / u64::from(self.alsa.channels.max(1)) + BUFFER_S * u64::from(self.alsa.rate);
        let (mut last, mut moved) = (0, std::time::Instant::now());
        loop {
            if let Ok(error) = troubles.try_recv() {
                return Err(self.refused("playing on", &error));
            }
            if progress.underrun.load(Ordering::Acquire) {
                let what = format!("{} underran: what was heard had a seam", self.device);
                return Err(self.fault(what).hint("take load from the host or the USB bus"));
            }
            let handed = progress.handed.load(Ordering::Acquire);
            if handed >= enough {
                return Ok(());
            }
            if handed != last {
                (last, moved) = (handed, std::time::Instant::now());
            } else if moved.elapsed() > STALL {
                let what = format!("{} took no frame for {} ms", self.device, STALL.as_millis());
                return Err(self.fault(what).hint("check its USB cable, then `rigtone rig check`"));
            }
            match given_up.recv_timeout(LOOK) {
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(self.fault("playing was given up")),
                _ => continue,
            }
        }
    }

    fn device(&self) -> Result<cpal::Device, cpal::Error> {
        // By name: a feature somewhere in the dependencies must not change the sound system.
        let host = cpal::host_from_id(HostId::Alsa)?;
        let id: cpal::DeviceId = format!("alsa:{}", self.device).parse()?;
        host.device_by_id(&id)
            .ok_or_else(|| cpal::Error::with_message(ErrorKind::DeviceNotAvailable, "there is no such device"))
    }

    fn open(
        &self,
        frames: &Arc<[i16]>,
        progress: &Arc<Progress>,
        trouble: &mpsc::SyncSender<cpal::Error>,
    ) -> Result<cpal::Stream, cpal::Error> {
        let device = self.device()?;
        let buffer_size = self.exactly(&device)?;
        let config = StreamConfig { channels: self.alsa.channels, sample_rate: self.alsa.rate, buffer_size };
        let (frames, taken, channels) = (frames.clone(), progress.clone(), u64::from(self.alsa.channels.max(1)));
        let (mut place, clock) = (0, self.clock);
        let on_data = move |out: &mut [i16], info: &OutputCallbackInfo| {
            if place == 0 {
                let now = info.timestamp();
                let waits = now.playback.duration_since(now.callback).as_nanos();
                taken.began.get_or_init(|| clock.now().plus(i64::try_from(waits).unwrap_or(i64::MAX)));
            }
            let rest = frames.get(place..).unwrap_or_default();
            let count = rest.len().min(out.len());
            out[..count].copy_from_slice(&rest[..count]);
            out[count..].fill(0);
            place += count;
            taken.handed.fetch_add(out.len() as u64 / channels, Ordering::AcqRel);
        };
        let (ran_empty, trouble) = (progress.clone(), trouble.clone());
        let on_error = move |error: cpal::Error| {
            if error.kind() == ErrorKind::Xrun {
                ran_empty.underrun.store(true, Ordering::Release);
            } else {
                // The first one says it all.
                let _ = trouble.try_send(error);
            }
        };
        let stream = device.build_output_stream(config, on_data, on_error, Some(STALL))?;
        stream.play()?;
        Ok(stream)
    }

    fn exactly(&self, device: &cpal::Device) -> Result<BufferSize, cpal::Error> {
        let document::Playback { channels, rate, .. } = self.alsa;
        Wanted { channels, rate, format: SampleFormat::I16, bits: 16, period: PERIOD }
            .among(device.supported_output_configs()?)
    }
}

#[cfg(test)]
mod tests {
    //! A device that misbehaves is played by a thread. Those of ALSA live in child processes, because it reads its configuration once: they write what
    //! is played into a file, as fast as it is written.

    use super::*;
    use rstest::rstest;
    use std::{env, fs, path::PathBuf, process::Command};

    const CHILD: &str = "RIGTONE_TEST_PLAYBACK";
    const PATIENCE_NS: i64 = 60_000_000_000;

    fn document(device: &str, channels: u16) -> document::Loudspeaker {
        let device = Some(device.to_owned());
        let alsa = document::Playback { device, usb: None, pcm: None, usb_id: None, rate: 48_000, channels };
        document::Loudspeaker { room: "room".into(), alsa, level: None, calibrated: None }
    }

    fn loudspeaker(device: &str, channels: u16) -> AlsaLoudspeaker {
        AlsaLoudspeaker::new("desk", document(device, channels), Sysfs::host(), HostClock::start())
    }

    fn worker(device: &str) -> Worker {
        let (member, alsa) = ("loudspeaker l".to_owned(), document(device, 2).alsa);
        Worker { member, device: device.to_owned(), alsa, clock: HostClock::start() }
    }

    /// Runs the test `name` again in a process that knows the device `fakeout`; in that process the file that it writes.
    fn in_child(name: &str) -> Option<PathBuf> {
        if let Some(file) = env::var_os(CHILD) {
            return Some(file.into());
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (played, configuration) = (folder.path().join("out.raw"), folder.path().join("asound.conf"));
        let text = format!(
            "</usr/share/alsa/alsa.conf>\npcm.fakeout {{ type file slave.pcm {{ type null }} file \"{}\" format \"raw\" }}\n",
            played.display()
        );
        fs::write(&configuration, text).expect("a configuration");
        let test = format!("{}::{name}", module_path!().split_once("::").expect("a path").1);
        let status = Command::new(env::current_exe().expect("this test"))
            .args(["--exact", &test, "--nocapture"])
            .env("ALSA_CONFIG_PATH", &configuration)
            .env(CHILD, &played)
            .status()
            .expect("it runs");
        assert!(status.success(), "see above");
        None
    }

    fn sound() -> Mono {
        // No sample is zero, so that silence before and after cannot be taken for it.
        Mono { rate: 48_000, samples: (0..30_000_i32).map(|n| (n % 20_011 + 1) as i16).collect() }
    }

    #[tokio::test]
    async fn what_is_played_is_what_the_sound_holds() {
        let Some(file) = in_child("what_is_played_is_what_the_sound_holds") else { return };
        let wav = super::super::sound::wav(48_000, 1, 16, &sound().samples);
        let read = Mono::of_wav(&wav).expect("a sound");
        let loudspeaker = loudspeaker("fakeout", 2);
        let deadline = loudspeaker.clock.now().plus(PATIENCE_NS);
        loudspeaker.play(&read, deadline).await.expect("it plays");
        let bytes = fs::read(&file).expect("what was played");
        let (pairs, _) = bytes.as_chunks::<2>();
        let played: Vec<i16> = pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
        let begin = played.iter().position(|sample| *sample != 0).expect("something was played");
        let due = sound().frames(48_000, 2, 0.0);
        assert!(begin % 2 == 0 && played[begin..begin + due.len()] == due);
        assert!(played[begin + due.len()..].iter().all(|sample| *sample == 0), "nothing but silence follows");
    }

    #[tokio::test]
    async fn a_check_opens_the_device_and_plays_nothing() {
        let Some(file) = in_child("a_check_opens_the_device_and_plays_nothing") else { return };
        let loudspeaker = loudspeaker("fakeout", 2);
        let said = loudspeaker.check(loudspeaker.clock.now().plus(PATIENCE_NS)).await.expect("it is there");
        assert!(said.contains("fakeout takes 2 channels at 48000 Hz"), "{said}");
        assert!(fs::read(&file).unwrap_or_default().iter().all(|byte| *byte == 0));
    }

    #[rstest]
    #[case::play(true)]
    #[case::check(false)]
    #[tokio::test]
    async fn a_device_that_is_not_there_is_named_with_what_to_do(#[case] play: bool) {
        let loudspeaker = loudspeaker("hw:CARD=NoSuchCard,DEV=0", 2);
        let deadline = loudspeaker.clock.now().plus(PATIENCE_NS);
        let fault = match play {
            true => loudspeaker.play(&sound(), deadline).await.map(|_| ()).expect_err("not there"),
            false => loudspeaker.check(deadline).await.expect_err("not there"),
        };
        assert_eq!(fault.member, "loudspeaker desk");
        assert!(fault.what.contains("hw:CARD=NoSuchCard,DEV=0") && fault.hint.is_some(), "{fault:?}");
    }

    /// What a device does that nobody has plugged in.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Device {
        /// It takes all.
        Well,
        /// It takes nothing.
        Mute,
        /// It ran empty, and goes on.
        Underruns,
        /// It is unplugged.
        Goes,
    }

    #[rstest]
    #[case(Device::Well, Ok(()))]
    #[case(Device::Mute, Err(("took no frame for", "USB cable")))]
    #[case(Device::Underruns, Err(("underran: what was heard had a seam", "load")))]
    #[case(Device::Goes, Err(("playing on hw:none failed", "USB cable")))]
    fn a_sound_is_played_whole_or_is_a_fault(#[case] device: Device, #[case] outcome: Result<(), (&str, &str)>) {
        let worker = worker("hw:none");
        let progress = Progress::default();
        let (trouble, troubles) = mpsc::sync_channel(8);
        let (_alive, given_up) = mpsc::channel();
        match device {
            Device::Mute => {}
            Device::Well => progress.handed.store(15_000 + 48_000, Ordering::Release),
            Device::Underruns => progress.underrun.store(true, Ordering::Release),
            Device::Goes => {
                let gone = cpal::Error::with_message(ErrorKind::DeviceNotAvailable, "No such device");
                trouble.try_send(gone).expect("room");
            }
        }
        match (worker.follow(30_000, &progress, &troubles, &given_up), outcome) {
            (Ok(()), Ok(())) => {}
            (Err(fault), Err((what, hint))) => {
                assert!(fault.what.contains(what), "{fault}");
                assert!(fault.hint.as_deref().is_some_and(|said| said.contains(hint)), "{fault:?}");
            }
            (followed, _) => panic!("{device:?}: {followed:?}"),
        }
    }

    #[test]
    fn a_busy_device_is_asked_again_and_then_named() {
        let worker = worker("hw:0");
        let busy = || cpal::Error::with_message(ErrorKind::DeviceBusy, "busy");
        let mut tries = 0;
        let fault = worker.patiently(|| {
            tries += 1;
            Err::<(), _>(busy())
        });
        assert!(fault.expect_err("busy").hint.is_some_and(|hint| hint.contains("end the program that uses hw:0")));
        assert_eq!(tries, BUSY_ATTEMPTS);
        let mut left = 2;
        let opened = worker.patiently(|| {
            left -= 1;
            if left > 0 { Err(busy()) } else { Ok(7) }
        });
        assert_eq!(opened.expect("free at last"), 7);
    }

    #[test]
    fn whoever_gives_up_ends_it() {
        let worker = worker("hw:0");
        let ((_trouble, troubles), (alive, given_up)) = (mpsc::sync_channel(1), mpsc::channel::<()>());
        drop(alive);
        let fault = worker.follow(30_000, &Progress::default(), &troubles, &given_up).expect_err("given up");
        assert!(fault.what.contains("given up"), "{fault}");
    }
}
