//! Expectations about what a recording says: yes and no, words and counts; measured quantities; the response.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{Fingerprint, Layout, Polarity};
use crate::{
    observation::Quantity,
    quantity::{Drift, Duration, Frequency, Level, Loudness, Share},
};

/// What has to be heard while a step plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Audio {
    /// The step that plays or listens.
    #[serde(rename = "in")]
    pub step: String,
    /// The microphone axis; the one nearest to the sounding unit when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Whether the stimulus has to be heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// The most holes a trial may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropouts_at_most: Option<u32>,
    /// The most jumps a trial may have: stretches left out, silences put in, stretches played again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skips_at_most: Option<u32>,
    /// The most clicks and bursts beside the sound that a trial may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clicks_at_most: Option<u32>,
    /// The most lasting changes of the level that a trial may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_changes_at_most: Option<u32>,
    /// Whether the sound may be heard twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubled: Option<bool>,
    /// Whether the loop may howl.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub howling: Option<bool>,
    /// Whether something between the source and the recording may move the gain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain_control: Option<bool>,
    /// Whether the sound has to come as sent or turned over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polarity: Option<Polarity>,
    /// How the channels of the stream may be played. One microphone tells stereo from swapped only where the rig says
    /// which driver it is nearer to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Layout>,
    /// What the bandwidth may say about the codec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprint: Vec<Fingerprint>,
    /// The share of trials in which it must hold; default `90 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Share>,
    /// That share with a good device; default as for `success-rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

/// One of the things that are expected of a sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Asked<'a> {
    /// It is heard, or it is not.
    Present(bool),
    /// This happens so often at most.
    AtMost(u32),
    /// This is so, or not.
    Is(bool),
    /// This is one of these words.
    OneOf(&'a [&'static str]),
}

impl Audio {
    /// Everything that is expected: the key, the quantity that answers it, and what it has to be.
    pub fn each(&self, mut look: impl FnMut(&'static str, Quantity, Asked<'_>)) {
        if let Some(wanted) = self.present {
            look("present", Quantity::Presence, Asked::Present(wanted));
        }
        for (key, quantity, limit) in [
            ("dropouts-at-most", Quantity::Dropouts, self.dropouts_at_most),
            ("skips-at-most", Quantity::Skips, self.skips_at_most),
            ("clicks-at-most", Quantity::Clicks, self.clicks_at_most),
            ("level-changes-at-most", Quantity::LevelChanges, self.level_changes_at_most),
        ] {
            if let Some(limit) = limit {
                look(key, quantity, Asked::AtMost(limit));
            }
        }
        for (key, quantity, wanted) in [
            ("doubled", Quantity::Doubled, self.doubled),
            ("howling", Quantity::Howling, self.howling),
            ("gain-control", Quantity::GainControl, self.gain_control),
        ] {
            if let Some(wanted) = wanted {
                look(key, quantity, Asked::Is(wanted));
            }
        }
        let polarity: Vec<_> = self.polarity.iter().map(|word| word.as_str()).collect();
        let channels: Vec<_> = self.channels.iter().map(|word| word.as_str()).collect();
        let fingerprint: Vec<_> = self.fingerprint.iter().map(|word| word.as_str()).collect();
        for (key, quantity, wanted) in [
            ("polarity", Quantity::Polarity, polarity),
            ("channels", Quantity::Channels, channels),
            ("fingerprint", Quantity::Fingerprint, fingerprint),
        ] {
            if !wanted.is_empty() {
                look(key, quantity, Asked::OneOf(&wanted));
            }
        }
    }
}

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measurable {
    /// Level of the recorded stimulus, such as `-30 dBFS`.
    Level,
    /// Its ratio to the noise in the band of the markers, such as `20 dB`.
    Snr,
    /// A-weighted level of its noise, such as `-30 dBFS`.
    AWeightedLevel,
    /// The same as sound pressure, such as `75 dB SPL`; needs a calibrated microphone.
    SoundPressure,
    /// Level of the silence before the stimulus, such as `-60 dBFS`.
    NoiseFloor,
    /// The same, A-weighted.
    AWeightedNoise,
    /// Level of mains hum in that silence, such as `-70 dBFS`.
    Hum,
    /// Total harmonic distortion and noise at 1 kHz, such as `-40 dB`.
    ThdN,
    /// How the clocks of player and microphone run apart, such as `50 ppm`.
    Drift,
    /// What was missing at the start of the sound, such as `20 ms`.
    StartUpLoss,
    /// The longest hole, such as `10 ms`; `0 s` where there is none.
    LongestDropout,
    /// Highest over lowest level, such as `3 dB`.
    LevelRange,
    /// Where the response is 3 dB down below, such as `80 Hz`.
    LowerCorner,
    /// Where the response is 3 dB down above, such as `15 kHz`.
    UpperCorner,
    /// Up to where the sound is whole, such as `15 kHz`.
    Bandwidth,
    /// From the start of the search to the answer, such as `2 s`; in `discover`. This and what follows needs a dongle with
    /// `capture`.
    InquiryTime,
    /// From the call to the link, such as `1 s`; in `pair` or `connect`.
    PageTime,
    /// How long it took to prove who is there, such as `2 s`; in `pair` or `connect`.
    AuthenticationTime,
    /// From the start of the search to the end of the pairing, such as `4 s`; in `pair`.
    ColdStartTime,
    /// From the first question for services to the last answer, such as `500 ms`; in `pair` or `connect`.
    SdpTime,
    /// From the channel for signals to the agreed configuration, such as `500 ms`; in `connect`.
    NegotiationTime,
    /// From the end of authentication to the open stream, such as `2 s`; in `connect`.
    SetUpTime,
    /// From START to the first media packet, such as `100 ms`; in `play`.
    FirstMediaTime,
    /// The delay that the sink reports, such as `150 ms`; in `connect`, of a source that Rigtone itself is. So is what follows, in `play`.
    ReportedDelay,
    /// How much later than the frame clock 99 of 100 packets left, such as `5 ms`.
    PacketLateness,
    /// How much later the latest packet left, such as `20 ms`.
    WorstPacketLateness,
    /// Standard deviation of how late packets left, such as `2 ms`.
    PacketJitter,
    /// Packets for which the link was full when they were due, such as `1 %`.
    BlockedPackets,
    /// Packets that the link did not take in time, such as `0 %`.
    DroppedPackets,
}

impl Measurable {
    /// What answers it.
    pub const fn quantity(self) -> Quantity {
        match self {
            Self::Level => Quantity::Level,
            Self::Snr => Quantity::Snr,
            Self::AWeightedLevel => Quantity::AWeightedLevel,
            Self::SoundPressure => Quantity::SoundPressure,
            Self::NoiseFloor => Quantity::NoiseFloor,
            Self::AWeightedNoise => Quantity::AWeightedNoise,
            Self::Hum => Quantity::Hum,
            Self::ThdN => Quantity::ThdN,
            Self::Drift => Quantity::Drift,
            Self::StartUpLoss => Quantity::StartUpLoss,
            Self::LongestDropout => Quantity::LongestDropout,
            Self::LevelRange => Quantity::LevelRange,
            Self::LowerCorner => Quantity::LowerCorner,
            Self::UpperCorner => Quantity::UpperCorner,
            Self::Bandwidth => Quantity::Bandwidth,
            Self::InquiryTime => Quantity::InquiryTime,
            Self::PageTime => Quantity::PageTime,
            Self::AuthenticationTime => Quantity::AuthenticationTime,
            Self::ColdStartTime => Quantity::ColdStartTime,
            Self::SdpTime => Quantity::SdpTime,
            Self::NegotiationTime => Quantity::NegotiationTime,
            Self::SetUpTime => Quantity::SetUpTime,
            Self::FirstMediaTime => Quantity::FirstMediaTime,
            Self::ReportedDelay => Quantity::ReportedDelay,
            Self::PacketLateness => Quantity::PacketLateness,
            Self::WorstPacketLateness => Quantity::WorstPacketLateness,
            Self::PacketJitter => Quantity::PacketJitter,
            Self::BlockedPackets => Quantity::BlockedPackets,
            Self::DroppedPackets => Quantity::DroppedPackets,
        }
    }

    /// The unit of its observations, and how a limit is written.
    pub const fn unit(self) -> (&'static str, &'static str) {
        match self {
            Self::Level | Self::AWeightedLevel | Self::NoiseFloor | Self::AWeightedNoise | Self::Hum => {
                ("dBFS", "-50 dBFS")
            }
            Self::Snr | Self::ThdN | Self::LevelRange => ("dB", "20 dB"),
            Self::SoundPressure => ("dB SPL", "75 dB SPL"),
            Self::Drift => ("ppm", "50 ppm"),
            Self::StartUpLoss | Self::LongestDropout => ("ms", "20 ms"),
            Self::LowerCorner | Self::UpperCorner | Self::Bandwidth => ("Hz", "15 kHz"),
            Self::InquiryTime
            | Self::PageTime
            | Self::AuthenticationTime
            | Self::ColdStartTime
            | Self::SdpTime
            | Self::NegotiationTime
            | Self::SetUpTime
            | Self::FirstMediaTime => ("ms", "500 ms"),
            Self::ReportedDelay => ("ms", "150 ms"),
            Self::PacketLateness | Self::WorstPacketLateness | Self::PacketJitter => ("ms", "5 ms"),
            Self::BlockedPackets | Self::DroppedPackets => ("%", "1 %"),
        }
    }

    /// Whether the source itself tells it: no capture and no recording is needed, but one that Rigtone is.
    pub const fn is_told_by_source(self) -> bool {
        matches!(
            self,
            Self::ReportedDelay
                | Self::PacketLateness
                | Self::WorstPacketLateness
                | Self::PacketJitter
                | Self::BlockedPackets
                | Self::DroppedPackets
        )
    }

    /// The actions in which the source or its HCI traffic tells it; none where it is measured in the sound.
    pub const fn actions(self) -> Option<&'static [&'static str]> {
        match self {
            Self::InquiryTime => Some(&["discover"]),
            Self::PageTime | Self::AuthenticationTime | Self::SdpTime => Some(&["pair", "connect"]),
            Self::ColdStartTime => Some(&["pair"]),
            Self::NegotiationTime | Self::SetUpTime => Some(&["connect"]),
            Self::ReportedDelay => Some(&["connect"]),
            Self::FirstMediaTime
            | Self::PacketLateness
            | Self::WorstPacketLateness
            | Self::PacketJitter
            | Self::BlockedPackets
            | Self::DroppedPackets => Some(&["play"]),
            _ => None,
        }
    }

    /// A limit in the unit of the observations; none if it is not written in a unit of this quantity.
    pub fn limit(self, text: &str) -> Option<f64> {
        match self.unit().0 {
            "ppm" => text.parse().ok().map(Drift::ppm),
            "ms" => text.parse().ok().map(Duration::milliseconds),
            "Hz" => text.parse().ok().map(Frequency::hertz),
            "%" => text.parse::<Share>().ok().map(|share| share.fraction() * 100.0),
            "dB SPL" => text.parse().ok().map(Loudness::db_spl),
            _ => text.parse().ok().map(Level::db),
        }
    }
}

/// A measured quantity and its limits: a percentile over the trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Measured {
    /// The step in which it is measured: one that plays, or whose HCI traffic has it.
    #[serde(rename = "in")]
    pub step: String,
    /// What is limited.
    pub of: Measurable,
    /// The share of trials within the limits, in per cent; default `90`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 99.99))]
    pub percentile: Option<f64>,
    /// `true`: a limit of the extreme. The first trial outside fails it; it passes after as many trials without one as show,
    /// with the confidence, that a share of `percentile` of all trials lies within (default 95).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_trial: Option<bool>,
    /// The limit below, in the unit of what is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// The limit above, in the unit of what is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<String>,
    /// The share of trials within the limits with a good device; default as for `success-rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}

impl Measured {
    /// The limits below and above in the unit of the observations; a limit that does not read is none.
    pub fn limits(&self) -> (Option<f64>, Option<f64>) {
        let limit = |text: &Option<String>| text.as_deref().and_then(|text| self.of.limit(text));
        (limit(&self.at_least), limit(&self.at_most))
    }
}

/// The level at a frequency, relative to 1 kHz: a percentile over the trials. The room is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Response {
    /// The step that plays.
    #[serde(rename = "in")]
    pub step: String,
    /// The frequency, 20 Hz to 20 kHz; the response is smoothed over a sixth of an octave below 200 Hz, a twelfth above.
    pub at: Frequency,
    /// The lowest level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Level>,
    /// The highest level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Level>,
    /// The share of trials within the limits, in per cent; default `90`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 99.99))]
    pub percentile: Option<f64>,
    /// `true`: a limit of the extreme. The first trial outside fails it; it passes after as many trials without one as show,
    /// with the confidence, that a share of `percentile` of all trials lies within (default 95).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_trial: Option<bool>,
    /// The share of trials within the limits with a good device; default as for `success-rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Share>,
    /// The confidence of both answers; default `95 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Share>,
}
