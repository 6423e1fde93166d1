//! SBC: capability and configuration octets, frame headers, frame lengths, decoding.
//!
//! Source: Advanced Audio Distribution Profile, section 4.3 (codec specific information) and appendix B (SBC).

use thiserror::Error;

mod decode;
mod frame;

pub use decode::{DecodeError, Decoder};
pub use frame::{Frame, SYNCWORD, frames};

/// Samples by which an encoder and a decoder with 8 subbands delay the sound together: the analysis and the synthesis
/// filter are 80 taps long and work on 8 samples at a time (80 - 8 + 1).
pub const FILTER_DELAY: u32 = 73;

/// The largest bitpool that the profile knows.
pub const LARGEST_BITPOOL: u8 = 250;
/// The smallest bitpool that the profile knows.
pub const SMALLEST_BITPOOL: u8 = 2;

macro_rules! field {
    ($(#[$doc:meta])* $name:ident($octet:literal, $mask:literal) { $($(#[$vdoc:meta])* $variant:ident = $bit:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }
        impl $name {
            /// Every value, in the order of the frame header's codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            const OCTET: usize = $octet;
            const MASK: u8 = $mask;
            const fn bit(self) -> u8 {
                match self { $(Self::$variant => $bit),+ }
            }
            const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
            fn of_code(code: u8) -> Self {
                Self::ALL[usize::from(code) % Self::ALL.len()]
            }
            fn single(octets: [u8; 4]) -> Option<Self> {
                let bits = octets[Self::OCTET] & Self::MASK;
                Self::ALL.iter().find(|v| v.bit() == bits).copied()
            }
        }
    };
}

field!(
    /// Sampling frequency.
    Frequency(0, 0xF0) {
        /// 16 kHz.
        Hz16000 = 0x80, "16 kHz";
        /// 32 kHz.
        Hz32000 = 0x40, "32 kHz";
        /// 44.1 kHz.
        Hz44100 = 0x20, "44.1 kHz";
        /// 48 kHz.
        Hz48000 = 0x10, "48 kHz";
    }
);
field!(
    /// How the channels share the bits.
    ChannelMode(0, 0x0F) {
        /// One channel.
        Mono = 0x08, "mono";
        /// Two channels, a bitpool for each.
        DualChannel = 0x04, "dual channel";
        /// Two channels, one bitpool.
        Stereo = 0x02, "stereo";
        /// Two channels, sum and difference where that is shorter.
        JointStereo = 0x01, "joint stereo";
    }
);
field!(
    /// Blocks in a frame.
    Blocks(1, 0xF0) {
        /// 4 blocks.
        Four = 0x80, "4 blocks";
        /// 8 blocks.
        Eight = 0x40, "8 blocks";
        /// 12 blocks.
        Twelve = 0x20, "12 blocks";
        /// 16 blocks.
        Sixteen = 0x10, "16 blocks";
    }
);
field!(
    /// Subbands.
    Subbands(1, 0x0C) {
        /// 4 subbands.
        Four = 0x08, "4 subbands";
        /// 8 subbands.
        Eight = 0x04, "8 subbands";
    }
);
field!(
    /// How bits are given to subbands. In a frame header loudness has code 0.
    Allocation(1, 0x03) {
        /// By loudness.
        Loudness = 0x01, "loudness";
        /// By signal to noise ratio.
        Snr = 0x02, "SNR";
    }
);

impl Frequency {
    /// In Hz.
    pub const fn hz(self) -> u32 {
        match self {
            Self::Hz16000 => 16_000,
            Self::Hz32000 => 32_000,
            Self::Hz44100 => 44_100,
            Self::Hz48000 => 48_000,
        }
    }
}

impl ChannelMode {
    /// Channels.
    pub const fn channels(self) -> u32 {
        match self {
            Self::Mono => 1,
            Self::DualChannel | Self::Stereo | Self::JointStereo => 2,
        }
    }
}

impl Blocks {
    /// How many.
    pub const fn count(self) -> u32 {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
            Self::Twelve => 12,
            Self::Sixteen => 16,
        }
    }
}

impl Subbands {
    /// How many.
    pub const fn count(self) -> u32 {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

/// Why bytes are no SBC.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SbcError {
    /// Capabilities and configurations have 4 octets.
    #[error("SBC information has 4 octets, not {0}")]
    Octets(usize),
    /// A field of a configuration does not have exactly one bit.
    #[error("SBC configuration {octets:02x?} does not choose exactly one {field}")]
    NotSingle {
        /// The octets.
        octets: [u8; 4],
        /// The field.
        field: &'static str,
    },
    /// The bitpool range is empty or outside the profile's.
    #[error("SBC bitpool range {min}-{max} is not within {SMALLEST_BITPOOL}-{LARGEST_BITPOOL}")]
    Bitpool {
        /// The smallest.
        min: u8,
        /// The largest.
        max: u8,
    },
    /// Not the beginning of a frame.
    #[error("no SBC frame at byte {at}: {what}")]
    Frame {
        /// Offset in the stream.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A frame of another format than the first.
    #[error("the SBC frame at byte {at} has another format than the ones before")]
    Mixed {
        /// Offset in the stream.
        at: usize,
    },
}

/// What an endpoint can do: four octets with a bit for each possibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capabilities {
    octets: [u8; 4],
}

impl Capabilities {
    /// Reads capabilities.
    ///
    /// # Errors
    /// When there are not 4 octets. Odd contents are kept: a speaker may offer anything.
    pub fn parse(octets: &[u8]) -> Result<Self, SbcError> {
        Ok(Self { octets: octets.try_into().map_err(|_| SbcError::Octets(octets.len()))? })
    }

    /// As on the air.
    pub const fn octets(self) -> [u8; 4] {
        self.octets
    }

    /// What of `wanted` is not offered, in words; empty when `wanted` can be configured.
    pub fn lacks(self, wanted: Configuration) -> Vec<String> {
        let want = wanted.octets();
        let has = |octet: usize, bit: u8| self.octets[octet] & bit != 0;
        let mut lacking = Vec::new();
        for (octet, bit, text) in [
            (0, wanted.frequency.bit(), wanted.frequency.text()),
            (0, wanted.mode.bit(), wanted.mode.text()),
            (1, wanted.blocks.bit(), wanted.blocks.text()),
            (1, wanted.subbands.bit(), wanted.subbands.text()),
            (1, wanted.allocation.bit(), wanted.allocation.text()),
        ] {
            if !has(octet, bit) {
                lacking.push(text.to_owned());
            }
        }
        let [_, _, min, max] = self.octets;
        if want[2].max(min) > want[3].min(max) {
            lacking.push(format!("bitpool {}-{} (offered: {min}-{max})", want[2], want[3]));
        }
        lacking
    }

    /// `wanted` with the bitpools that both ends take, or what is not offered, in words.
    ///
    /// # Errors
    /// What is not offered.
    pub fn choose(self, wanted: Configuration) -> Result<Configuration, Vec<String>> {
        let lacking = self.lacks(wanted);
        if !lacking.is_empty() {
            return Err(lacking);
        }
        let [_, _, min, max] = self.octets;
        Ok(Configuration {
            min_bitpool: wanted.min_bitpool.max(min),
            max_bitpool: wanted.max_bitpool.min(max),
            ..wanted
        })
    }
}

/// One choice from the capabilities of both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// Sampling frequency.
    pub frequency: Frequency,
    /// Channel mode.
    pub mode: ChannelMode,
    /// Blocks in a frame.
    pub blocks: Blocks,
    /// Subbands.
    pub subbands: Subbands,
    /// Bit allocation.
    pub allocation: Allocation,
    /// The smallest bitpool that may be sent.
    pub min_bitpool: u8,
    /// The largest bitpool that may be sent.
    pub max_bitpool: u8,
}

impl Configuration {
    /// The profile's high quality setting for stereo: joint stereo, 16 blocks, 8 subbands, loudness, bitpool 53 at
    /// 44.1 kHz and, as in practice, at 48 kHz too. The range begins at 2 because sinks expect it there.
    pub const fn high_quality(frequency: Frequency) -> Self {
        Self {
            frequency,
            mode: ChannelMode::JointStereo,
            blocks: Blocks::Sixteen,
            subbands: Subbands::Eight,
            allocation: Allocation::Loudness,
            min_bitpool: SMALLEST_BITPOOL,
            max_bitpool: 53,
        }
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// When a field does not have exactly one bit, or the bitpool range is none.
    pub fn parse(octets: &[u8]) -> Result<Self, SbcError> {
        let octets = Capabilities::parse(octets)?.octets();
        let or = |field| SbcError::NotSingle { octets, field };
        let [_, _, min_bitpool, max_bitpool] = octets;
        if min_bitpool < SMALLEST_BITPOOL || max_bitpool > LARGEST_BITPOOL || min_bitpool > max_bitpool {
            return Err(SbcError::Bitpool { min: min_bitpool, max: max_bitpool });
        }
        Ok(Self {
            frequency: Frequency::single(octets).ok_or_else(|| or("sampling frequency"))?,
            mode: ChannelMode::single(octets).ok_or_else(|| or("channel mode"))?,
            blocks: Blocks::single(octets).ok_or_else(|| or("number of blocks"))?,
            subbands: Subbands::single(octets).ok_or_else(|| or("number of subbands"))?,
            allocation: Allocation::single(octets).ok_or_else(|| or("bit allocation"))?,
            min_bitpool,
            max_bitpool,
        })
    }

    /// As on the air. Offered as capabilities these octets leave the other end no choice but the bitpool.
    pub const fn octets(self) -> [u8; 4] {
        [
            self.frequency.bit() | self.mode.bit(),
            self.blocks.bit() | self.subbands.bit() | self.allocation.bit(),
            self.min_bitpool,
            self.max_bitpool,
        ]
    }

    /// The frames that this configuration allows with the largest bitpool.
    pub const fn frame(self) -> Frame {
        Frame {
            frequency: self.frequency,
            blocks: self.blocks,
            mode: self.mode,
            allocation: self.allocation,
            subbands: self.subbands,
            bitpool: self.max_bitpool,
        }
    }

    /// Whether a source may send such frames under this configuration: the same format, a bitpool in the range.
    pub fn allows(self, frame: Frame) -> bool {
        (self.min_bitpool..=self.max_bitpool).contains(&frame.bitpool)
            && frame == Frame { bitpool: frame.bitpool, ..self.frame() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const JOINT_48: Configuration = Configuration::high_quality(Frequency::Hz48000);

    // Vectors from captures of real devices.
    #[rstest]
    #[case([0x11, 0x15, 2, 53], Frequency::Hz48000)]
    #[case([0x21, 0x15, 2, 53], Frequency::Hz44100)]
    fn configurations_from_the_air_are_understood(#[case] octets: [u8; 4], #[case] frequency: Frequency) {
        let configuration = Configuration::parse(&octets).expect("a configuration");
        assert_eq!(configuration, Configuration::high_quality(frequency));
        assert_eq!(configuration.octets(), octets);
    }

    #[rstest]
    #[case(&[0xFF, 0xFF, 2, 53], &[])]
    #[case(&[0x11, 0x15, 2, 53], &[])]
    #[case(&[0x21, 0x15, 2, 53], &["48 kHz"])]
    #[case(&[0xFE, 0xFF, 2, 53], &["joint stereo"])]
    #[case(&[0xFF, 0xEF, 2, 53], &["16 blocks"])]
    #[case(&[0xFF, 0xFB, 2, 53], &["8 subbands"])]
    #[case(&[0xFF, 0xFE, 2, 53], &["loudness"])]
    #[case(&[0xFF, 0xFF, 60, 80], &["bitpool 2-53 (offered: 60-80)"])]
    #[case(&[0x2E, 0x15, 2, 53], &["48 kHz", "joint stereo"])]
    fn what_a_speaker_lacks_is_named(#[case] offered: &[u8], #[case] lacking: &[&str]) {
        assert_eq!(Capabilities::parse(offered).expect("4 octets").lacks(JOINT_48), lacking);
    }

    #[rstest]
    #[case(&[0x31, 0x15, 2, 53], "sampling frequency")]
    #[case(&[0x10, 0x15, 2, 53], "channel mode")]
    #[case(&[0x11, 0x35, 2, 53], "number of blocks")]
    #[case(&[0x11, 0x1D, 2, 53], "number of subbands")]
    #[case(&[0x11, 0x17, 2, 53], "bit allocation")]
    #[case(&[0x11, 0x15, 1, 53], "bitpool range 1-53")]
    #[case(&[0x11, 0x15, 2, 251], "bitpool range 2-251")]
    #[case(&[0x11, 0x15, 54, 53], "bitpool range 54-53")]
    #[case(&[0x11, 0x15, 2], "4 octets, not 3")]
    fn anything_else_than_one_choice_is_refused_by_name(#[case] octets: &[u8], #[case] named: &str) {
        let error = Configuration::parse(octets).expect_err("not a configuration").to_string();
        assert!(error.contains(named), "{error}");
    }

    #[test]
    fn a_source_may_use_a_smaller_bitpool_than_configured_and_nothing_else() {
        let frame = JOINT_48.frame();
        assert!(JOINT_48.allows(frame));
        assert!(JOINT_48.allows(Frame { bitpool: 51, ..frame }));
        assert!(!JOINT_48.allows(Frame { bitpool: 54, ..frame }));
        assert!(!JOINT_48.allows(Frame { allocation: Allocation::Snr, ..frame }));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(capabilities) = Capabilities::parse(&bytes) {
                let _ = capabilities.lacks(JOINT_48);
            }
        }

        #[test]
        fn a_configuration_survives_its_octets_and_lies_within_itself(octets: [u8; 4]) {
            if let Ok(configuration) = Configuration::parse(&octets) {
                prop_assert_eq!(configuration.octets(), octets);
                let itself = Capabilities::parse(&octets).expect("4 octets");
                prop_assert!(itself.lacks(configuration).is_empty());
            }
        }
    }
}
