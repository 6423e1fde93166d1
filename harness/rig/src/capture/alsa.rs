//! The one file that knows cpal: an ALSA device, opened exactly as the rig document says.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use cpal::{
    BufferSize, ErrorKind, HostId, I24, InputCallbackInfo, SampleFormat, SizedSample, StreamConfig,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};
use rigtone_model::{
    document::{self, SampleWidth},
    trial::InfrastructureFault,
};
use tokio::sync::oneshot;

use super::{
    Wanted,
    ring::Ring,
    timeline::{self, Mark},
    watchdog::{STALL_NS, Watchdog},
};
use crate::{
    capability::{Captured, Microphone, Recording, Samples},
    clock::{Clock, Instant},
    hardware::{HostClock, within},
    usage,
    usb::Sysfs,
};

/// Frames in a period. Long, because losses matter here and delay does not.
const PERIOD: u32 = 4800;
/// The ring holds this many seconds.
const RING_S: u32 = 4;
/// Callbacks that the ring of marks holds.
const MARKS: usize = 4096;
/// How often the thread empties the ring.
const EMPTYING: Duration = Duration::from_millis(50);
/// How long a busy device is asked again.
const BUSY_ATTEMPTS: u32 = 5;

/// A microphone that is an ALSA capture device.
#[derive(Debug, Clone)]
pub struct AlsaMicrophone {
    member: String,
    alsa: document::Alsa,
    sysfs: Sysfs,
    latency_uncertainty_ns: i64,
    clock: HostClock,
}

impl AlsaMicrophone {
    /// The microphone `name`. Nothing is opened before it records.
    pub fn new(name: &str, alsa: document::Alsa, latency_uncertainty_ns: i64, sysfs: Sysfs, clock: HostClock) -> Self {
        Self { member: format!("microphone {name}"), alsa, sysfs, latency_uncertainty_ns, clock }
    }
}

#[async_trait(?Send)]
impl Microphone for AlsaMicrophone {
    async fn start(&self, deadline: Instant) -> Result<Box<dyn Recording>, InfrastructureFault> {
        // Each time anew: the number of a card changes whenever it is plugged in.
        let pcm = self
            .sysfs
            .pcm(&self.alsa)
            .map_err(|refusal| InfrastructureFault::new(&self.member, refusal.what).hint(refusal.hint))?;
        let (running, started) = oneshot::channel();
        let (order, orders) = mpsc::channel();
        let worker =
            Worker { member: self.member.clone(), device: pcm.name, alsa: self.alsa.clone(), clock: self.clock };
        let result = {
            let (give, take) = oneshot::channel();
            let work = move || {
                // Nobody listens when the recording was dropped.
                let _ = give.send(worker.record(running, &orders));
            };
            thread::Builder::new()
                .name(self.member.clone())
                .spawn(work)
                .map_err(|e| InfrastructureFault::new(&self.member, format!("starting its thread failed: {e}")))?;
            take
        };
        let recording = AlsaRecording { member: self.member.clone(), order, result, clock: self.clock };
        match within(self.clock, deadline, started).await {
            Some(Ok(())) => Ok(Box::new(recording)),
            // It ended before it began: its result says why.
            Some(Err(_)) => match recording.finish(deadline).await {
                Ok(_) => Err(InfrastructureFault::new(&self.member, "the recording ended before it began")),
                Err(fault) => Err(fault),
            },
            None => Err(InfrastructureFault::new(&self.member, "no frame arrived before the deadline")),
        }
    }

    fn latency_uncertainty_ns(&self) -> i64 {
        self.latency_uncertainty_ns
    }
}

struct AlsaRecording {
    member: String,
    /// Dropping it ends the recording.
    order: mpsc::Sender<Instant>,
    result: oneshot::Receiver<Result<Captured, InfrastructureFault>>,
    clock: HostClock,
}

impl AlsaRecording {
    async fn finish(self, deadline: Instant) -> Result<Captured, InfrastructureFault> {
        match within(self.clock, deadline, self.result).await {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(InfrastructureFault::new(&self.member, "the recording thread died")),
            None => Err(InfrastructureFault::new(&self.member, "the recording did not end before the deadline")),
        }
    }
}

#[async_trait(?Send)]
impl Recording for AlsaRecording {
    async fn stop(self: Box<Self>, deadline: Instant) -> Result<Captured, InfrastructureFault> {
        // A thread that has ended by itself has left its reason.
        let _ = self.order.send(self.clock.now());
        self.finish(deadline).await
    }
}

/// What the callbacks leave behind, without a lock.
struct Shared {
    samples: Ring<AtomicI32>,
    /// For each callback the first frame, when cpal says it was captured, and how late the callback came, all in ns.
    marks: Ring<AtomicI64>,
    frames: AtomicU64,
    lost: AtomicU64,
    /// An overrun: the device itself lost frames.
    overrun: AtomicBool,
}

impl Shared {
    fn new(alsa: &document::Alsa) -> Self {
        Self {
            samples: Ring::new(alsa.rate as usize * RING_S as usize * usize::from(alsa.channels)),
            marks: Ring::new(MARKS * 3),
            frames: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            overrun: AtomicBool::new(false),
        }
    }

    /// Takes what a callback brings: samples, when cpal says that the first of them was captured, and how late the callback came, both in ns.
    fn take<T: Word>(&self, samples: &[T], channels: usize, captured_ns: i64, late_ns: i64) {
        let frames = (samples.len() / channels) as u64;
        let first = self.frames.load(Ordering::Relaxed);
        let mark = [first.cast_signed(), captured_ns, late_ns];
        let kept = self.samples.write(samples.iter().map(|sample| sample.word())) && self.marks.write(mark.into_iter());
        if !kept {
            self.lost.fetch_add(frames, Ordering::AcqRel);
        }
        self.frames.store(first + frames, Ordering::Release);
    }
}

/// A sample as cpal gives it.
trait Word: SizedSample {
    /// Its number.
    fn word(self) -> i32;
}

impl Word for i16 {
    fn word(self) -> i32 {
        self.into()
    }
}

impl Word for I24 {
    fn word(self) -> i32 {
        // ALSA leaves open what the highest of the four bytes holds.
        (self.inner() << 8) >> 8
    }
}

impl Word for i32 {
    fn word(self) -> i32 {
        self
    }
}

const fn cpals(width: SampleWidth) -> SampleFormat {
    match width {
        SampleWidth::S16 => SampleFormat::I16,
        SampleWidth::S24 => SampleFormat::I24,
        SampleWidth::S32 => SampleFormat::I32,
    }
}

/// What was taken out of the rings.
struct Recorded {
    samples: Samples,
    /// Three numbers for each callback.
    marks: Vec<i64>,
    /// Samples in the width of the ring.
    fresh: Vec<i32>,
}

impl Recorded {
    fn empty(&mut self, shared: &Shared) {
        self.fresh.clear();
        shared.samples.read(&mut self.fresh);
        self.samples.extend(&self.fresh);
        shared.marks.read(&mut self.marks);
    }
}

struct Worker {
    member: String,
    /// The PCM that is opened.
    device: String,
    alsa: document::Alsa,
    clock: HostClock,
}

impl Worker {
    fn fault(&self, what: impl Into<String>) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, what)
    }

    fn refused(&self, doing: &str, error: &cpal::Error) -> InfrastructureFault {
        let device = &self.device;
        let hint = match error.kind() {
            ErrorKind::DeviceBusy => {
                let users = usage::of_pcm(Path::new("/proc"), &Sysfs::host(), device);
                usage::to_end(&users, device)
            }
            ErrorKind::DeviceNotAvailable => "check its USB cable".to_owned(),
            ErrorKind::PermissionDenied => "give this user the right to capture sound (group audio)".to_owned(),
            ErrorKind::UnsupportedConfig => {
                format!(
                    "correct rate, channels and format in the rig file; `arecord -D {device} --dump-hw-params` shows them"
                )
            }
            _ => "see whether arecord can record from it".to_owned(),
        };
        self.fault(format!("{doing} {device} failed: {error}")).hint(hint)
    }

    fn record(
        &self,
        running: oneshot::Sender<()>,
        orders: &mpsc::Receiver<Instant>,
    ) -> Result<Captured, InfrastructureFault> {
        let shared = Arc::new(Shared::new(&self.alsa));
        let (trouble, troubles) = mpsc::sync_channel(8);
        let stream = self.open(&shared, &trouble)?;
        let mut recorded = self.collect(&shared, &troubles, running, orders)?;
        drop(stream);
        recorded.empty(&shared);
        self.intact(&shared)?;
        self.finish(recorded)
    }

    /// Empties the rings until the order to stop is fulfilled.
    fn collect(
        &self,
        shared: &Shared,
        troubles: &mpsc::Receiver<cpal::Error>,
        running: oneshot::Sender<()>,
        orders: &mpsc::Receiver<Instant>,
    ) -> Result<Recorded, InfrastructureFault> {
        let mut running = Some(running);
        let mut recorded = Recorded { samples: Samples::none(self.alsa.format), marks: Vec::new(), fresh: Vec::new() };
        let mut watchdog = Watchdog::start(self.clock.now());
        let mut until: Option<Instant> = None;
        loop {
            match orders.recv_timeout(EMPTYING) {
                Ok(when) => until = Some(when),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) if until.is_some() => thread::sleep(EMPTYING),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(self.fault("the recording was given up")),
            }
            recorded.empty(shared);
            if let Ok(error) = troubles.try_recv() {
                return Err(self.refused("capturing from", &error));
            }
            self.intact(shared)?;
            let frames = shared.frames.load(Ordering::Acquire);
            if let Some(quiet_ns) = watchdog.look(frames, self.clock.now()) {
                let what = format!("{} delivered no frame for {} ms", self.device, quiet_ns / 1_000_000);
                return Err(self.fault(what).hint("check its USB cable, then `rigtone rig check`"));
            }
            if frames > 0
                && let Some(running) = running.take()
            {
                // Whoever waited may have given up; the next order tells.
                let _ = running.send(());
            }
            if let Some(until) = until
                && let Some(end) = end_of(&recorded.marks, frames, self.alsa.rate)
                && end >= until.0
            {
                return Ok(recorded);
            }
        }
    }

    /// A recording with a hole in it proves nothing: the hole would be taken for the speaker's.
    fn intact(&self, shared: &Shared) -> Result<(), InfrastructureFault> {
        let device = &self.device;
        if shared.overrun.load(Ordering::Acquire) {
            let what = format!("{device} overran: frames are lost");
            return Err(self.fault(what).hint("take load from the host or the USB bus"));
        }
        let lost = shared.lost.load(Ordering::Acquire);
        if lost > 0 {
            let what = format!("{lost} frames of {device} were dropped because the host did not keep up");
            return Err(self.fault(what).hint("take load from the host"));
        }
        Ok(())
    }

    fn open(
        &self,
        shared: &Arc<Shared>,
        trouble: &mpsc::SyncSender<cpal::Error>,
    ) -> Result<cpal::Stream, InfrastructureFault> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.open_once(shared, trouble) {
                Err(error) if error.kind() == ErrorKind::DeviceBusy && attempt < BUSY_ATTEMPTS => {
                    thread::sleep(Duration::from_millis(100));
                }
                Err(error) => return Err(self.refused("opening", &error)),
                Ok(stream) => return Ok(stream),
            }
        }
    }

    fn open_once(
        &self,
        shared: &Arc<Shared>,
        trouble: &mpsc::SyncSender<cpal::Error>,
    ) -> Result<cpal::Stream, cpal::Error> {
        // By name: a feature somewhere in the dependencies must not change the sound system.
        let host = cpal::host_from_id(HostId::Alsa)?;
        let id: cpal::DeviceId = format!("alsa:{}", self.device).parse()?;
        let device = host
            .device_by_id(&id)
            .ok_or_else(|| cpal::Error::with_message(ErrorKind::DeviceNotAvailable, "there is no such device"))?;
        let buffer = self.exactly(&device)?;
        let config = StreamConfig { channels: self.alsa.channels, sample_rate: self.alsa.rate, buffer_size: buffer };
        let stream = match self.alsa.format {
            SampleWidth::S16 => self.build::<i16>(&device, config, shared, trouble),
            SampleWidth::S24 => self.build::<I24>(&device, config, shared, trouble),
            SampleWidth::S32 => self.build::<i32>(&device, config, shared, trouble),
        }?;
        stream.play()?;
        Ok(stream)
    }

    fn build<T: Word>(
        &self,
        device: &cpal::Device,
        config: StreamConfig,
        shared: &Arc<Shared>,
        trouble: &mpsc::SyncSender<cpal::Error>,
    ) -> Result<cpal::Stream, cpal::Error> {
        let (writer, clock, channels) = (shared.clone(), self.clock, usize::from(self.alsa.channels));
        let on_data = move |samples: &[T], info: &InputCallbackInfo| {
            let now = clock.now().0;
            let stamp = info.timestamp();
            let captured = i64::try_from(stamp.capture.as_nanos()).unwrap_or(i64::MAX);
            let called = i64::try_from(stamp.callback.as_nanos()).unwrap_or(i64::MAX);
            writer.take(samples, channels, captured, now.saturating_sub(called));
        };
        let (overrun, trouble) = (shared.clone(), trouble.clone());
        let on_error = move |error: cpal::Error| {
            if error.kind() == ErrorKind::Xrun {
                overrun.overrun.store(true, Ordering::Release);
            } else {
                // The first one says it all.
                let _ = trouble.try_send(error);
            }
        };
        let patience = Some(Duration::from_nanos(STALL_NS.unsigned_abs()));
        device.build_input_stream(config, on_data, on_error, patience)
    }

    fn exactly(&self, device: &cpal::Device) -> Result<BufferSize, cpal::Error> {
        let document::Alsa { channels, rate, format, .. } = self.alsa;
        let wanted = Wanted { channels, rate, format: cpals(format), bits: format.bits(), period: PERIOD };
        wanted.among(device.supported_input_configs()?)
    }

    fn finish(&self, recorded: Recorded) -> Result<Captured, InfrastructureFault> {
        let Recorded { samples, marks, .. } = recorded;
        let marks = on_clock(&marks);
        if let Some(missing) = timeline::discrepancy(&marks, self.alsa.rate) {
            let what = format!("{} and the clock disagree by {missing} frames", self.device);
            return Err(self.fault(what).hint("the device lost frames without a word, or runs at another rate"));
        }
        let frames = samples.len() / usize::from(self.alsa.channels);
        let line = timeline::fit(&marks, frames as u64, self.alsa.rate)
            .ok_or_else(|| self.fault(format!("{} delivered nothing", self.device)))?;
        Ok(Captured {
            rate: self.alsa.rate,
            channels: self.alsa.channels,
            channel: self.alsa.channel.saturating_sub(1),
            reference: self.alsa.reference.map(|channel| channel.saturating_sub(1)),
            samples,
            anchors: line.anchors,
            residual_ns: line.residual_ns,
            received: None,
        })
    }
}

/// cpal counts from when the stream was made. A callback is never early, so the callback that was least late shows best
/// where that lies on the rig's clock.
fn on_clock(marks: &[i64]) -> Vec<Mark> {
    let (triples, _) = marks.as_chunks::<3>();
    let origin = triples.iter().map(|[_, _, lateness]| *lateness).min().unwrap_or_default();
    triples.iter().map(|[frame, captured, _]| Mark { frame: *frame, t_ns: origin + captured }).collect()
}

/// When the last frame that has arrived was captured.
fn end_of(marks: &[i64], frames: u64, rate: u32) -> Option<i64> {
    let last = *on_clock(marks).last()?;
    Some(last.t_ns + (frames.cast_signed() - last.frame) * 1_000_000_000 / i64::from(rate))
}

#[cfg(test)]
mod tests {
    //! A device that misbehaves is played by a thread. Those of ALSA live in child processes, because it reads its configuration once: they play a file
    //! as fast as it is read.

    use super::*;
    use crate::usb::{Class, tree::Tree};
    use rstest::rstest;
    use std::{env, fs, process::Command};

    const CHILD: &str = "RIGTONE_TEST_CAPTURE";

    fn sample(number: usize) -> i16 {
        (number * 7 % 30_011) as i16
    }

    fn document(device: &str) -> document::Alsa {
        let device = Some(device.to_owned());
        let format = SampleWidth::S16;
        let (rate, channels, channel, reference) = (48_000, 1, 1, None);
        document::Alsa { device, usb: None, pcm: None, usb_id: None, rate, format, channels, channel, reference }
    }

    /// Runs the test `name` again in a process that knows the device; true in that process.
    fn in_child(name: &str) -> bool {
        if env::var_os(CHILD).is_some() {
            return true;
        }
        let folder = env::temp_dir().join(format!("rigtone-capture-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (sound, configuration) = (folder.join("in.raw"), folder.join("asound.conf"));
        let bytes: Vec<u8> = (0..60 * 48_000).flat_map(|n| sample(n).to_le_bytes()).collect();
        fs::write(&sound, bytes).expect("a sound");
        let text = format!(
            "</usr/share/alsa/alsa.conf>\npcm.fakemic {{ type file slave.pcm {{ type null }} file \"/dev/null\" \
             infile \"{}\" format \"raw\" }}\n",
            sound.display()
        );
        fs::write(&configuration, text).expect("a configuration");
        let test = format!("{}::{name}", module_path!().split_once("::").expect("a path").1);
        let status = Command::new(env::current_exe().expect("this test"))
            .args(["--exact", &test, "--nocapture"])
            .env("ALSA_CONFIG_PATH", &configuration)
            .env(CHILD, "1")
            .status()
            .expect("it runs");
        fs::remove_dir_all(&folder).expect("the folder");
        assert!(status.success(), "see above");
        false
    }

    /// What a device does that nobody has plugged in.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Device {
        /// It delivers in time until the end.
        Well,
        /// Nothing comes at all.
        Mute,
        /// Nothing comes any more, without an error.
        Stalls,
        /// It overran, and goes on.
        Overruns,
        /// It is unplugged.
        Goes,
        /// It loses a tenth of a second without a word.
        Skips,
        /// It counts 44 100 frames where 48 000 are due.
        RunsSlow,
        /// It delivers what the host cannot take in.
        Floods,
    }

    /// Plays the device's part, in periods of a tenth of a second.
    fn play(device: Device, shared: &Shared, trouble: &mpsc::SyncSender<cpal::Error>, clock: HostClock) {
        const TENTH_NS: i64 = 100_000_000;
        let origin = clock.now().0;
        let mut captured_ns = 0;
        for period in 0..12_usize {
            match (device, period) {
                (Device::Mute, _) | (Device::Stalls, 3..) => return,
                (Device::Overruns, 3) => shared.overrun.store(true, Ordering::Release),
                (Device::Goes, 3) => {
                    let _ =
                        trouble.try_send(cpal::Error::with_message(ErrorKind::DeviceNotAvailable, "No such device"));
                    return;
                }
                (Device::Skips, 6) => captured_ns += TENTH_NS,
                (Device::Floods, 3) => {
                    for _ in 0..100 * RING_S {
                        shared.take(&[0_i16; 4800], 1, captured_ns, origin);
                    }
                }
                _ => {}
            }
            let frames = if device == Device::RunsSlow { 4410 } else { 4800 };
            let until_ns = origin + captured_ns + TENTH_NS;
            thread::sleep(Duration::from_nanos(until_ns.saturating_sub(clock.now().0).max(0).unsigned_abs()));
            let samples: Vec<i16> = (period * frames..(period + 1) * frames).map(sample).collect();
            shared.take(&samples, 1, captured_ns, origin);
            captured_ns += TENTH_NS;
        }
    }

    /// A recording that is not whole is none: whatever the device does, its seam is never taken for the speaker's.
    #[rstest]
    #[case(Device::Well, Ok(()))]
    #[case(Device::Mute, Err(("delivered no frame for", "USB cable")))]
    #[case(Device::Stalls, Err(("delivered no frame for", "USB cable")))]
    #[case(Device::Overruns, Err(("overran: frames are lost", "load")))]
    #[case(Device::Goes, Err(("capturing from hw:none failed", "USB cable")))]
    #[case(Device::Skips, Err(("and the clock disagree by 4800 frames", "without a word")))]
    #[case(Device::RunsSlow, Err(("and the clock disagree by", "another rate")))]
    #[case(Device::Floods, Err(("were dropped because the host did not keep up", "load")))]
    fn a_device_delivers_a_whole_recording_or_a_fault(
        #[case] device: Device,
        #[case] outcome: Result<(), (&str, &str)>,
    ) {
        let clock = HostClock::start();
        let worker =
            Worker { member: "microphone m".into(), device: "hw:none".into(), alsa: document("hw:none"), clock };
        let (shared, (trouble, troubles)) = (Shared::new(&worker.alsa), mpsc::sync_channel(8));
        let ((running, _started), (order, orders)) = (oneshot::channel(), mpsc::channel());
        // Whoever records wants a second of it.
        let _ = order.send(clock.now().plus(1_000_000_000));
        let recorded = thread::scope(|scope| {
            scope.spawn(|| play(device, &shared, &trouble, clock));
            worker.collect(&shared, &troubles, running, &orders)
        });
        let recorded = recorded.and_then(|recorded| worker.finish(recorded));
        match (recorded, outcome) {
            (Ok(captured), Ok(())) => {
                assert!(captured.samples.len() >= 48_000 && captured.samples.len() % 4800 == 0);
                let due = (0..captured.samples.len()).map(|n| i32::from(sample(n)));
                assert!(captured.samples.channel(0, 1).eq(due));
            }
            (Err(fault), Err((what, hint))) => {
                assert_eq!(fault.member, "microphone m");
                assert!(fault.what.contains(what), "{fault}");
                assert!(fault.hint.as_deref().is_some_and(|said| said.contains(hint)), "{fault:?}");
            }
            (recorded, _) => panic!("{device:?}: {:?}", recorded.map(|captured| captured.samples.len())),
        }
    }

    #[test]
    fn samples_arrive_unchanged() {
        if !in_child("samples_arrive_unchanged") {
            return;
        }
        let (member, device) = ("microphone m".into(), "fakemic".into());
        let worker = Worker { member, device, alsa: document("fakemic"), clock: HostClock::start() };
        let shared = Arc::new(Shared {
            samples: Ring::new(48_000),
            marks: Ring::new(MARKS * 3),
            frames: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            overrun: AtomicBool::new(false),
        });
        let (trouble, troubles) = mpsc::sync_channel(8);
        let stream = worker.open(&shared, &trouble).expect("it opens");
        while shared.frames.load(Ordering::Acquire) < 60_000 && troubles.try_recv().is_err() {
            thread::sleep(Duration::from_millis(1));
        }
        drop(stream);
        let mut heard = Vec::new();
        shared.samples.read(&mut heard);
        assert!(heard.len() >= 43_200, "whole periods up to the ring's end, not {}", heard.len());
        assert!(heard.iter().copied().eq((0..heard.len()).map(|n| i32::from(sample(n)))));
        assert!(worker.intact(&shared).expect_err("the ring ran over").what.contains("dropped"));
    }

    #[rstest]
    #[case::rate_or_channels(
        ErrorKind::UnsupportedConfig,
        "correct rate, channels and format in the rig file; `arecord -D hw:none --dump-hw-params`"
    )]
    #[case::busy(ErrorKind::DeviceBusy, "end the program that uses hw:none")]
    #[case::unplugged(ErrorKind::DeviceNotAvailable, "check its USB cable")]
    #[case::not_permitted(ErrorKind::PermissionDenied, "group audio")]
    fn a_card_that_cannot_be_opened_is_told_with_what_to_do(#[case] kind: ErrorKind, #[case] to_do: &str) {
        let clock = HostClock::start();
        let worker =
            Worker { member: "microphone m".into(), device: "hw:none".into(), alsa: document("hw:none"), clock };
        let fault = worker.refused("opening", &cpal::Error::with_message(kind, "what it offers"));
        assert_eq!(fault.member, "microphone m");
        assert!(fault.what.contains("hw:none") && fault.what.contains("what it offers"), "{fault}");
        assert!(fault.hint.as_deref().is_some_and(|hint| hint.contains(to_do)), "{fault:?}");
    }

    #[tokio::test]
    async fn a_recording_with_lost_frames_is_a_fault_and_never_a_recording() {
        if !in_child("a_recording_with_lost_frames_is_a_fault_and_never_a_recording") {
            return;
        }
        let clock = HostClock::start();
        let microphone = AlsaMicrophone::new("m", document("fakemic"), 0, Sysfs::host(), clock);
        let fault = match microphone.start(clock.now().plus(30_000_000_000)).await {
            Ok(recording) => recording.stop(clock.now().plus(30_000_000_000)).await.expect_err("it is not paced"),
            Err(fault) => fault,
        };
        assert_eq!(fault.member, "microphone m");
        assert!(fault.what.contains("dropped") || fault.what.contains("disagree"), "{fault}");
    }

    #[tokio::test]
    async fn a_device_that_is_not_there_is_named_with_what_to_do() {
        let clock = HostClock::start();
        let microphone = AlsaMicrophone::new("m", document("hw:CARD=NoSuchCard,DEV=0"), 0, Sysfs::host(), clock);
        let fault = microphone.start(clock.now().plus(30_000_000_000)).await.map(|_| ()).expect_err("not there");
        assert!(fault.what.contains("hw:CARD=NoSuchCard,DEV=0") && fault.hint.is_some(), "{fault:?}");
    }

    #[tokio::test]
    async fn a_card_that_is_not_at_its_port_is_refused_with_what_is_there() {
        let tree = Tree::new();
        tree.usb("1-2.5", "0d8c", "0014", None);
        tree.link(Class::Sound, 0, "1-2.5/1-2.5:1.0/sound/card0");
        let clock = HostClock::start();
        let alsa = document::Alsa { device: None, usb: Some("1-2.4".into()), ..document("") };
        let microphone = AlsaMicrophone::new("m", alsa, 0, tree.sysfs(), clock);
        let fault = microphone.start(clock.now().plus(30_000_000_000)).await.map(|_| ()).expect_err("not there");
        assert_eq!(fault.member, "microphone m");
        assert!(fault.what.contains("no sound card at USB port 1-2.4; there is: card 0 at USB port 1-2.5"), "{fault}");
    }

    #[test]
    fn the_callback_that_was_least_late_gives_the_clock() {
        // frame, captured, how late the callback was plus the origin 5000
        let marks = [0, 10, 5300, 4800, 110, 5000, 9600, 210, 5900];
        let t_ns: Vec<i64> = on_clock(&marks).iter().map(|m| m.t_ns).collect();
        assert_eq!(t_ns, [5010, 5110, 5210]);
        assert_eq!(end_of(&marks, 9600 + 48, 48_000), Some(5210 + 1_000_000));
    }
}
