//! What the members of a rig can do: small object-safe traits, one for each capability.
//!
//! Every call takes a deadline on the rig's clock and returns soon after it at the latest. Two kinds of trouble are
//! kept apart by their types: a [`DeviceFailure`] is a result about the device under test, an [`InfrastructureFault`]
//! says that the rig failed and nothing is known about the device.

use std::{fmt, rc::Rc, sync::Arc};

use async_trait::async_trait;
use rigtone_audio::stimulus::Stimulus;
pub use rigtone_bluetooth::received::{Counts, Intervals};
pub use rigtone_model::{
    document::{Capture, Codec, Profile, WantedConfiguration},
    event::{Anchor, CaptureClock, Edge, Origin, TimedBy, TransportChange, Truth},
    quantity::Loudness,
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};

use crate::clock::Instant;
use crate::reaction::ReactionSound;
pub use crate::{programme::Programme, samples::Samples};

/// The outer error is the rig's, the inner one the device's.
pub type Answer<T> = Result<Result<T, DeviceFailure>, InfrastructureFault>;

/// A Bluetooth device address, such as `D2:00:00:00:00:01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub [u8; 6]);

impl std::str::FromStr for Address {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            *byte = parts
                .next()
                .filter(|p| p.len() == 2)
                .and_then(|p| u8::from_str_radix(p, 16).ok())
                .ok_or_else(|| format!("`{text}` is not a Bluetooth address"))?;
        }
        if parts.next().is_some() {
            return Err(format!("`{text}` is not a Bluetooth address"));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

/// What is known of a contact that was switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switched {
    /// How well its position is known.
    pub truth: Truth,
    /// When it moved, where anybody looked at a clock.
    pub edge: Option<Edge>,
}

impl From<Truth> for Switched {
    fn from(truth: Truth) -> Self {
        Self { truth, edge: None }
    }
}

/// A unit's supply.
#[async_trait(?Send)]
pub trait Power {
    /// Switches the supply. Not cancel-safe: the order may have been sent; the bench leaves the output safe in the end.
    async fn switch(&self, on: bool, deadline: Instant) -> Result<Switched, InfrastructureFault>;

    /// How long it stays in [`switch`](Self::switch) after the order was obeyed, in nanoseconds: `deadline` is that of the order.
    fn settles_ns(&self) -> i64 {
        0
    }
}

/// Buttons that were pressed together and released again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// Their names.
    pub buttons: Vec<String>,
    /// How long, from when the last was pressed until the first was released, in nanoseconds.
    pub held_ns: i64,
    /// Who timed that.
    pub timed_by: TimedBy,
    /// What is known of the contact that was pressed last.
    pub switched: Switched,
}

/// Gestures on a unit's buttons.
#[async_trait(?Send)]
pub trait Gestures {
    /// How long a gesture lasts at least, in nanoseconds, with what must be waited for now before it begins; none for
    /// one that cannot be done here.
    fn lasts_ns(&self, gesture: &str) -> Option<i64>;
    /// Does a gesture of the unit's device, and waits until the device has had the time that it then needs. Nothing is
    /// pressed when that may not be done, or would need to know what nobody knows. Cancel-safe as far as it can be:
    /// buttons that are held are released, and what the device made of it is not known then.
    async fn perform(&self, gesture: &str, deadline: Instant) -> Result<Vec<Pressed>, InfrastructureFault>;
    /// The unit has given a sign of life in this trial: it is on.
    fn is_alive(&self) {}
}

/// Bringing a unit into pairing mode.
#[async_trait(?Send)]
pub trait PairingMode {
    /// Does the device's gesture. Not cancel-safe: a button may be held; the bench releases it in the end.
    async fn enter(&self, deadline: Instant) -> Answer<()>;
}

/// A unit that answered an inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// When.
    pub at: Instant,
    /// Signal strength in dBm, where the stack tells.
    pub rssi_dbm: Option<i16>,
}

/// Searching for units.
#[async_trait(?Send)]
pub trait Inquiry {
    /// Searches until `target` answers; not answering in time is the device's failure. With `restart_ns` the search is stopped after so
    /// long, and a new one is begun. Cancel-safe: searching stops.
    async fn find(&self, target: Address, restart_ns: Option<i64>, deadline: Instant) -> Answer<Found>;
}

/// Pairing and forgetting.
#[async_trait(?Send)]
pub trait Pairing {
    /// One attempt. Cancel-safe: the attempt is called off.
    async fn pair(&self, target: Address, deadline: Instant) -> Answer<()>;
    /// Removes the bond on this side; nothing to remove is fine. Not cancel-safe.
    async fn forget(&self, target: Address, deadline: Instant) -> Result<(), InfrastructureFault>;
}

/// Service records, as service discovery (SDP) tells them.
#[async_trait(?Send)]
pub trait ServiceRecords {
    /// The service classes that the unit's own records state. Cancel-safe.
    async fn own(&self, deadline: Instant) -> Result<Vec<u16>, InfrastructureFault>;
    /// Those that the records of `target` state, over a link for this question alone and without pairing; not answering is the
    /// device's failure. Cancel-safe.
    async fn of(&self, target: Address, deadline: Instant) -> Answer<Vec<u16>>;
}

/// Settings of a unit, such as the source mode of a smart speaker.
#[async_trait(?Send)]
pub trait Settings {
    /// Changes one. Not cancel-safe: it may be changed, or not.
    async fn set(&self, option: &str, value: &str, deadline: Instant) -> Answer<()>;
}

/// What a connection should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// The profile.
    pub profile: Profile,
    /// The codec to offer.
    pub codec: Codec,
    /// The configuration that it has to have; as usual when absent.
    pub configured: Option<WantedConfiguration>,
}

/// Something that the stack told, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Instant,
    /// What.
    pub what: TransportChange,
}

/// A profile that is connected.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The codec that both sides agreed on.
    pub codec: Codec,
    /// The configuration that was really agreed on, as it is on the air; empty where nobody tells.
    pub configuration: Vec<u8>,
    /// Samples a second of the stream.
    pub rate_hz: u32,
    /// The delay that the sink reports, in nanoseconds.
    pub reported_delay_ns: Option<i64>,
    /// What the stack told of its transport meanwhile.
    pub changes: Vec<Told>,
}

/// Connecting profiles.
#[async_trait(?Send)]
pub trait Connecting {
    /// Connects the profile. Not cancel-safe: disconnect afterwards.
    async fn connect(&self, target: Address, wish: Wish, deadline: Instant) -> Answer<Link>;
    /// Disconnects; not being connected is fine. Not cancel-safe.
    async fn disconnect(&self, target: Address, deadline: Instant) -> Result<(), InfrastructureFault>;
}

/// Seeing that a link goes which this unit has made.
#[async_trait(?Send)]
pub trait Watching {
    /// Waits until there is no link to `target`, at once where there is none; still being linked in the end is the device's failure.
    /// Cancel-safe.
    async fn unlinked(&self, target: Address, deadline: Instant) -> Answer<()>;
}

/// When a stimulus left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emission {
    /// When its first sample left.
    pub at: Instant,
    /// How well that is known, in nanoseconds.
    pub uncertainty_ns: i64,
}

/// When the packets of a stream left, beside the clock of its frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pacing {
    /// Packets that were due.
    pub due: u64,
    /// Packets that left.
    pub sent: u64,
    /// What they held.
    pub bytes: u64,
    /// How late half of the packets left at most, in nanoseconds.
    pub late_p50_ns: i64,
    /// How late 99 of 100 left at most.
    pub late_p99_ns: i64,
    /// How late the latest left.
    pub late_most_ns: i64,
    /// Standard deviation of how late they left.
    pub jitter_ns: i64,
    /// Packets for which the link was full when they were due.
    pub blocked: u64,
    /// Packets that the link did not take in time.
    pub dropped: u64,
}

/// How a stream went.
#[derive(Debug, Clone, PartialEq)]
pub struct Streamed {
    /// When the stimulus left; absent when it never did.
    pub emission: Option<Emission>,
    /// When its packets left, where there were real ones.
    pub pacing: Option<Pacing>,
    /// What the stack told of its transport meanwhile.
    pub changes: Vec<Told>,
    /// Whether all of it was sent.
    pub ended: Result<(), DeviceFailure>,
}

/// Streaming audio over a connected profile.
#[async_trait(?Send)]
pub trait Streaming {
    /// Gets ready to send a programme, so that nothing but sending is left to do. Cancel-safe.
    async fn prepare(&self, programme: &Programme, wish: Wish, deadline: Instant) -> Result<(), InfrastructureFault>;
    /// Sends a programme over the link that was connected last, in real time. Cancel-safe: the stream is
    /// suspended.
    async fn stream(
        &self,
        target: Address,
        programme: &Programme,
        deadline: Instant,
    ) -> Result<Streamed, InfrastructureFault>;
}

/// Setting the volume of a sink, as its source (absolute volume of AVRCP).
#[async_trait(?Send)]
pub trait VolumeControl {
    /// Sets the volume of `target` to a share of its range; gives the share that it took, in steps of 1/127. A sink that lets nobody set it
    /// is the device's failure (`unsupported`). Cancel-safe: the order may have been sent.
    async fn set_volume(&self, target: Address, share: f64, deadline: Instant) -> Answer<f64>;
}

/// What arrived of a voice at the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct VoiceArrived {
    /// When the stimulus sounded at the microphone of the unit.
    pub emission: Emission,
    /// What the gateway received.
    pub captured: Captured,
}

/// Voice over a hands-free link, from the gateway.
#[async_trait(?Send)]
pub trait HandsFree {
    /// Plays `stimulus` right before the microphone of the unit, and records what arrives at the gateway. Cancel-safe.
    async fn uplink(&self, target: Address, stimulus: &Stimulus, deadline: Instant) -> Answer<VoiceArrived>;
    /// Sends `stimulus` from the gateway to the unit, which sounds. Cancel-safe.
    async fn downlink(&self, target: Address, stimulus: &Stimulus, deadline: Instant) -> Answer<Emission>;
}

/// Waiting for a source that connects by itself.
#[async_trait(?Send)]
pub trait Receiving {
    /// The codecs to offer from the next pairing mode on; none: all that it can.
    fn offer(&self, codecs: &[Codec]);
    /// Waits until one of `sources` is connected with a stream set up, any source when none is named; tells which. Cancel-safe.
    async fn connected(&self, sources: &[Address], deadline: Instant) -> Answer<(Address, Link)>;
    /// Waits until none of `sources` is connected, no source at all when none is named; still being so in the end is
    /// the device's failure. Cancel-safe.
    async fn disconnected(&self, sources: &[Address], deadline: Instant) -> Answer<()>;
}

/// A media packet, as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// When the host had it.
    pub at: Instant,
    /// Its bytes, headers included.
    pub bytes: u32,
}

/// What came of a stream while it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Its packets in order.
    pub packets: Vec<Arrived>,
    /// The times between those of one start of the stream; none with fewer than two.
    pub intervals: Option<Intervals>,
    /// What became of them.
    pub counts: Counts,
    /// Places where the source paused without ending the stream.
    pub pauses: u32,
    /// Codec frames that could not be decoded: they are silence in the recording.
    pub damaged: u64,
    /// Why the recording tells nothing of the sound, if it does not.
    pub not_decoded: Option<String>,
}

/// What a microphone delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Captured {
    /// Frames a second.
    pub rate: u32,
    /// Channels in a frame.
    pub channels: u16,
    /// The channel that is the microphone, from 0.
    pub channel: u16,
    /// The channel that holds the sound as it was emitted, from 0, if one does.
    pub reference: Option<u16>,
    /// The samples as captured.
    pub samples: Samples,
    /// When frames were captured, on the rig's clock: at least the first and the last.
    pub anchors: Vec<Anchor>,
    /// How well the anchors fit one line, in nanoseconds.
    pub residual_ns: i64,
    /// What came, of a microphone that hears a stream before it becomes sound.
    pub received: Option<Box<Received>>,
}

/// A microphone.
#[async_trait(?Send)]
pub trait Microphone {
    /// Starts recording; returns when frames arrive. Cancel-safe: recording ends.
    async fn start(&self, deadline: Instant) -> Result<Box<dyn Recording>, InfrastructureFault>;
    /// How well the rig knows the time of what this microphone hears, in nanoseconds.
    fn latency_uncertainty_ns(&self) -> i64;
}

/// A recording that runs; dropping it ends it.
#[async_trait(?Send)]
pub trait Recording {
    /// Ends it and gives what was captured. A lost frame is a fault: a recording with a seam proves nothing.
    async fn stop(self: Box<Self>, deadline: Instant) -> Result<Captured, InfrastructureFault>;
}

/// Recording what goes between the host and the controller of a unit.
#[async_trait(?Send)]
pub trait HciTap {
    /// The member of the rig that is recorded, such as `dongle usb-1`.
    fn member(&self) -> &str;
    /// What is kept of it.
    fn keeps(&self) -> Capture;
    /// Starts recording; returns when every packet from now on is recorded. Cancel-safe: recording ends.
    async fn record(&self, deadline: Instant) -> Result<Box<dyn HciTape>, InfrastructureFault>;
}

/// A recording of HCI traffic that goes on; dropping it ends it.
pub trait HciTape {
    /// All that was recorded until now, as a capture file with everything in it.
    ///
    /// # Errors
    /// When the recorder was ended by something else, or could not keep up.
    fn so_far(&mut self) -> Result<Vec<u8>, InfrastructureFault>;
    /// Where its clock stands beside the rig's, as far as it is known now.
    fn clock(&self) -> CaptureClock;
}

/// What somebody else is asked to do with a unit.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// Switch its supply on or off.
    Power(bool),
    /// Do the gesture of its pairing mode.
    EnterPairingMode,
    /// See whether it finds another unit.
    Find(Address),
    /// Pair it with another unit.
    Pair(Address),
    /// Remove the bond with another unit.
    Forget(Address),
    /// Connect it to another unit.
    Connect(Address),
    /// Disconnect it from another unit.
    Disconnect(Address),
    /// Play a stimulus over another unit.
    Play {
        /// The unit that should sound.
        on: Address,
        /// The name of the stimulus.
        signal: &'a str,
        /// The stimulus.
        stimulus: &'a Stimulus,
        /// What it takes the sound from, where it has several contents.
        content: Option<&'a str>,
    },
    /// Say a prompt of its device to it.
    Say {
        /// The name of the prompt.
        prompt: &'a str,
        /// How loud it has to be at the unit; as it comes, when absent.
        loudness: Option<Loudness>,
    },
    /// Change a setting of it.
    Set {
        /// The name of the setting in its device's document.
        option: &'a str,
        /// The value.
        value: &'a str,
    },
}

/// What was asked, and what is known of what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What was asked, in words.
    pub asked: String,
    /// What was answered; nothing where nobody answers.
    pub said: Option<String>,
    /// That it did not work, as whoever was asked says; else a link, where a link is what was asked for and it tells of it.
    pub outcome: Result<Option<Link>, DeviceFailure>,
    /// The words that this rests on, to be kept as evidence: a name for the file, and the text.
    pub papers: Vec<(String, String)>,
}

/// Somebody who is asked to do what Rigtone cannot do itself. An answer is the word of who gives it, and no proof: what follows decides.
#[async_trait(?Send)]
pub trait Asked {
    /// Who is asked.
    fn origin(&self) -> Origin;
    /// Asks, and waits for an answer where there is one. Not cancel-safe: what was said stays said.
    async fn ask(&self, request: Request<'_>, deadline: Instant) -> Result<Reply, InfrastructureFault>;
    /// Whether it plays the very stimulus that it is given; else it plays what `rigtone signal` wrote.
    fn plays_what_it_is_given(&self) -> bool {
        false
    }
    /// How long after it was asked the sound may begin, in nanoseconds.
    fn lag_ns(&self) -> i64;
}

/// A unit of the rig with what it can do here.
#[derive(Clone)]
pub struct Unit {
    /// Its name in the rig.
    pub name: Arc<str>,
    /// Its address.
    pub address: Address,
    /// Its supply.
    pub power: Option<Rc<dyn Power>>,
    /// Its buttons.
    pub gestures: Option<Rc<dyn Gestures>>,
    /// Its pairing mode, where no button brings it there.
    pub pairing_mode: Option<Rc<dyn PairingMode>>,
    /// Searching with it.
    pub inquiry: Option<Rc<dyn Inquiry>>,
    /// Pairing from it.
    pub pairing: Option<Rc<dyn Pairing>>,
    /// Connecting from it.
    pub connecting: Option<Rc<dyn Connecting>>,
    /// Seeing links go that it has made.
    pub watching: Option<Rc<dyn Watching>>,
    /// Setting the volume of those that it plays on.
    pub volume: Option<Rc<dyn VolumeControl>>,
    /// Streaming from it.
    pub streaming: Option<Rc<dyn Streaming>>,
    /// Being connected to.
    pub receiving: Option<Rc<dyn Receiving>>,
    /// Reading service records with it.
    pub services: Option<Rc<dyn ServiceRecords>>,
    /// Changing its settings.
    pub settings: Option<Rc<dyn Settings>>,
    /// Recording its HCI traffic, if the rig's document wants it.
    pub tap: Option<Rc<dyn HciTap>>,
    /// Who does what a source does that Rigtone cannot tell so itself.
    pub asked: Option<Rc<dyn Asked>>,
    /// Who speaks prompts to it.
    pub spoken_to: Option<Rc<dyn Asked>>,
    /// The sound by which it shows that it reacts, where its device's document names one.
    pub reaction: Option<Arc<ReactionSound>>,
    /// Voice over a hands-free link, from it as the gateway.
    pub hands_free: Option<Rc<dyn HandsFree>>,
    /// Who does with their hands what no wire does: where `power` or `pairing_mode` is absent.
    pub by_hand: Option<Rc<dyn Asked>>,
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unit").field("name", &self.name).field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn an_address_is_written_as_it_was_read() {
        let address: Address = "D2:00:00:00:0a:01".parse().expect("an address");
        assert_eq!(address.to_string(), "D2:00:00:00:0A:01");
    }

    #[rstest]
    #[case("")]
    #[case("D2:00:00:00:00")]
    #[case("D2:00:00:00:00:01:02")]
    #[case("D2:00:00:00:00:0g")]
    #[case("D2-00-00-00-00-01")]
    fn anything_else_is_no_address(#[case] text: &str) {
        assert!(text.parse::<Address>().is_err());
    }
}
