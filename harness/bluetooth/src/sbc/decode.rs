//! Decoding SBC.
//!
//! Source: A2DP, appendix B, sections 12.4 (bit stream), 12.5 (bit allocation, quantisation), 12.6 (synthesis) and 12.8 (tables).

use std::f64::consts::PI;

use thiserror::Error;

use super::{Allocation, ChannelMode, Frame, Frequency, SbcError, Subbands};

const SUBBANDS_AT_MOST: usize = 8;
/// Of one channel: 10 vectors of twice as many samples as there are subbands.
const HISTORY: usize = 20;
/// What a sample of a subband has at most.
const BITS_AT_MOST: u32 = 16;
/// A frame's scale factor as the loudness sees a silent subband.
const SILENT: i32 = -5;
const HEADER_BITS: usize = 32;

/// Why a frame cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It does not begin with a frame.
    #[error(transparent)]
    Frame(#[from] SbcError),
    /// There are fewer bytes than its header says.
    #[error("an SBC frame of {length} bytes is cut off after {given}")]
    CutOff {
        /// What the header says.
        length: usize,
        /// What is there.
        given: usize,
    },
    /// The bitpool is not one that its format can have.
    #[error("an SBC frame has a bitpool of {0}, which its format cannot have")]
    Bitpool(u8),
    /// Its checksum is wrong.
    #[error("an SBC frame has the checksum {found:#04x} and not {due:#04x}")]
    Checksum {
        /// As in the frame.
        found: u8,
        /// As its bytes give it.
        due: u8,
    },
}

/// Decodes the frames of one stream, one after the other.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// The synthesis of each channel.
    channels: [Synthesis; 2],
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Before the first frame: all was silent.
    pub fn new() -> Self {
        Self { channels: [Synthesis::new(), Synthesis::new()] }
    }

    /// Decodes the frame at the beginning of `bytes` and appends its samples to `samples`, frame after frame with all channels of
    /// each, full scale at 32 768. A frame that fails appends nothing and changes nothing.
    ///
    /// # Errors
    /// When it is no whole frame, has an impossible bitpool or a wrong checksum.
    pub fn decode(&mut self, bytes: &[u8], samples: &mut Vec<i16>) -> Result<Frame, DecodeError> {
        let frame = Frame::parse(bytes)?;
        let length = frame.length();
        let bytes = bytes.get(..length).ok_or(DecodeError::CutOff { length, given: bytes.len() })?;
        let (channels, subbands) = (frame.mode.channels() as usize, frame.subbands.count() as usize);
        let pools = if matches!(frame.mode, ChannelMode::Mono | ChannelMode::DualChannel) { 1 } else { channels };
        // More bits than every sample can take would never be given away.
        if usize::from(frame.bitpool) > BITS_AT_MOST as usize * subbands * pools
            || frame.bitpool < super::SMALLEST_BITPOOL
        {
            return Err(DecodeError::Bitpool(frame.bitpool));
        }
        let mut bits = Bits { bytes, at: HEADER_BITS };
        let joint = if frame.mode == ChannelMode::JointStereo { bits.take(subbands as u32) } else { 0 };
        let mut factors = [[0u32; SUBBANDS_AT_MOST]; 2];
        for factor in factors.iter_mut().take(channels).flat_map(|of| of.iter_mut().take(subbands)) {
            *factor = bits.take(4);
        }
        let due = checksum(bytes, bits.at);
        if bytes[3] != due {
            return Err(DecodeError::Checksum { found: bytes[3], due });
        }
        let given = allocate(frame, &factors);
        for _ in 0..frame.blocks.count() {
            let mut block = [[0.0; SUBBANDS_AT_MOST]; 2];
            for channel in 0..channels {
                for subband in 0..subbands {
                    block[channel][subband] =
                        dequantised(&mut bits, given[channel][subband], factors[channel][subband]);
                }
            }
            // The first bit is the first subband's; the last subband is never joint.
            for subband in (0..subbands - 1).filter(|subband| joint >> (subbands - 1 - subband) & 1 == 1) {
                let (sum, difference) = (block[0][subband], block[1][subband]);
                (block[0][subband], block[1][subband]) = (sum + difference, sum - difference);
            }
            let mut sound = [[0.0; SUBBANDS_AT_MOST]; 2];
            for channel in 0..channels {
                sound[channel] = self.channels[channel].synthesise(&block[channel], frame.subbands);
            }
            for sample in 0..subbands {
                samples
                    .extend(sound.iter().take(channels).map(|of| of[sample].round().clamp(-32_768.0, 32_767.0) as i16));
            }
        }
        Ok(frame)
    }
}

/// A sample of a subband as it was before it was quantised.
fn dequantised(bits: &mut Bits<'_>, given: u32, factor: u32) -> f64 {
    if given == 0 {
        return 0.0;
    }
    let levels = f64::from((1u32 << given) - 1);
    f64::from(1u32 << (factor + 1)) * ((2.0 * f64::from(bits.take(given)) + 1.0) / levels - 1.0)
}

/// Reads bits from the front. Behind the end there are zeros; the length was checked before.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |value, _| {
            let bit = self.bytes.get(self.at / 8).map_or(0, |byte| byte >> (7 - self.at % 8) & 1);
            self.at += 1;
            value << 1 | u32::from(bit)
        })
    }
}

/// Over the header without syncword and checksum, and what follows up to the bit `end`: x^8 + x^4 + x^3 + x^2 + 1, from 0x0F.
fn checksum(bytes: &[u8], end: usize) -> u8 {
    let header = (8..24).chain(HEADER_BITS..end);
    header.fold(0x0F, |crc: u8, at| {
        let bit = bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        if crc >> 7 == bit { crc << 1 } else { crc << 1 ^ 0x1D }
    })
}

/// What loudness takes from a scale factor, by sampling frequency and subband.
const fn offsets(frequency: Frequency, subbands: Subbands) -> &'static [i32] {
    match (subbands, frequency) {
        (Subbands::Four, Frequency::Hz16000) => &[-1, 0, 0, 0],
        (Subbands::Four, _) => &[-2, 0, 0, 1],
        (Subbands::Eight, Frequency::Hz16000) => &[-2, 0, 0, 0, 0, 0, 0, 1],
        (Subbands::Eight, Frequency::Hz32000) => &[-3, 0, 0, 0, 0, 0, 1, 2],
        (Subbands::Eight, _) => &[-4, 0, 0, 0, 0, 0, 1, 2],
    }
}

type PerSubband<T> = [[T; SUBBANDS_AT_MOST]; 2];

/// Bits of the samples of each channel and subband.
fn allocate(frame: Frame, factors: &PerSubband<u32>) -> PerSubband<u32> {
    let (channels, subbands) = (frame.mode.channels() as usize, frame.subbands.count() as usize);
    let mut needs = [[0; SUBBANDS_AT_MOST]; 2];
    for channel in 0..channels {
        for (subband, offset) in offsets(frame.frequency, frame.subbands).iter().enumerate() {
            let factor = factors[channel][subband] as i32;
            let loudness = factor - offset;
            needs[channel][subband] = match frame.allocation {
                Allocation::Snr => factor,
                Allocation::Loudness if factor == 0 => SILENT,
                Allocation::Loudness if loudness > 0 => loudness / 2,
                Allocation::Loudness => loudness,
            };
        }
    }
    let mut given = [[0; SUBBANDS_AT_MOST]; 2];
    let bitpool = u32::from(frame.bitpool);
    if matches!(frame.mode, ChannelMode::Mono | ChannelMode::DualChannel) {
        for channel in 0..channels {
            share(&[channel], subbands, bitpool, &needs, &mut given);
        }
    } else {
        share(&[0, 1], subbands, bitpool, &needs, &mut given);
    }
    given
}

/// Gives the bits of one pool to the subbands of these channels.
fn share(channels: &[usize], subbands: usize, bitpool: u32, needs: &PerSubband<i32>, given: &mut PerSubband<u32>) {
    let places = || (0..subbands).flat_map(|subband| channels.iter().map(move |channel| (*channel, subband)));
    let need = |(channel, subband): (usize, usize)| needs[channel][subband];
    let mut slice = places().map(need).max().unwrap_or_default() + 1;
    let (mut count, mut next) = (0, 0);
    loop {
        slice -= 1;
        count += next;
        let costs = places().map(need).map(|need| match need - slice {
            1 => 2,
            2..16 => 1,
            _ => 0,
        });
        next = costs.sum();
        if count + next >= bitpool {
            break;
        }
    }
    if count + next == bitpool {
        count += next;
        slice -= 1;
    }
    for (channel, subband) in places() {
        let above = need((channel, subband)) - slice;
        given[channel][subband] = if above < 2 { 0 } else { above.unsigned_abs().min(BITS_AT_MOST) };
    }
    // What is left goes to the lower subbands first: to those that have some, or are next to get their first two.
    for (channel, subband) in places() {
        let bits = &mut given[channel][subband];
        if count >= bitpool {
            break;
        } else if (2..BITS_AT_MOST).contains(bits) {
            *bits += 1;
            count += 1;
        } else if need((channel, subband)) == slice + 1 && bitpool > count + 1 {
            *bits = 2;
            count += 2;
        }
    }
    for (channel, subband) in places() {
        let bits = &mut given[channel][subband];
        if count >= bitpool {
            break;
        } else if *bits < BITS_AT_MOST {
            *bits += 1;
            count += 1;
        }
    }
}

/// The synthesis filter bank of one channel.
#[derive(Debug, Clone)]
struct Synthesis {
    /// The newest vector first. One with fewer subbands uses the front.
    history: [f64; HISTORY * SUBBANDS_AT_MOST],
}

impl Synthesis {
    const fn new() -> Self {
        Self { history: [0.0; HISTORY * SUBBANDS_AT_MOST] }
    }

    /// From one sample of each subband to as many of the sound.
    fn synthesise(&mut self, block: &[f64; SUBBANDS_AT_MOST], subbands: Subbands) -> [f64; SUBBANDS_AT_MOST] {
        match subbands {
            Subbands::Four => self.of::<4>(block, &PROTOTYPE_4, &MATRIX_4.0),
            Subbands::Eight => self.of::<8>(block, &PROTOTYPE_8, &MATRIX_8.0),
        }
    }

    fn of<const N: usize>(
        &mut self,
        block: &[f64; SUBBANDS_AT_MOST],
        prototype: &[f64],
        matrix: &[[f64; SUBBANDS_AT_MOST]],
    ) -> [f64; SUBBANDS_AT_MOST] {
        let history = &mut self.history[..HISTORY * N];
        history.copy_within(..(HISTORY - 2) * N, 2 * N);
        for (value, row) in history.iter_mut().zip(matrix) {
            *value = row.iter().zip(block).take(N).map(|(factor, sample)| factor * sample).sum();
        }
        let mut sound = [0.0; SUBBANDS_AT_MOST];
        // Of each pair of vectors the first half of the newer one and the second half of the older one.
        for pair in 0..5 {
            for j in 0..N {
                let (newer, older) = (history[pair * 4 * N + j], history[pair * 4 * N + 3 * N + j]);
                sound[j] += newer * prototype[pair * 2 * N + j] + older * prototype[pair * 2 * N + N + j];
            }
        }
        sound.map(|sum| -(N as f64) * sum)
    }
}

/// cos((i + 1/2) (k + N/2) pi / N) for k in rows and the subband i in columns.
struct Matrix<const ROWS: usize>([[f64; SUBBANDS_AT_MOST]; ROWS]);

impl<const ROWS: usize> Matrix<ROWS> {
    fn new() -> Self {
        let subbands = ROWS as f64 / 2.0;
        Self(std::array::from_fn(|k| {
            std::array::from_fn(|i| ((i as f64 + 0.5) * (k as f64 + subbands / 2.0) * PI / subbands).cos())
        }))
    }
}

static MATRIX_4: std::sync::LazyLock<Matrix<8>> = std::sync::LazyLock::new(Matrix::new);
static MATRIX_8: std::sync::LazyLock<Matrix<16>> = std::sync::LazyLock::new(Matrix::new);

/// Table 12.22.
#[rustfmt::skip]
const PROTOTYPE_4: [f64; 40] = [
    0.00000000E+00, 5.36548976E-04, 1.49188357E-03, 2.73370904E-03, 3.83720193E-03, 3.89205149E-03, 1.86581691E-03, -3.06012286E-03,
    1.09137620E-02, 2.04385087E-02, 2.88757392E-02, 3.21939290E-02, 2.58767811E-02, 6.13245186E-03, -2.88217274E-02, -7.76463494E-02,
    1.35593274E-01, 1.94987841E-01, 2.46636662E-01, 2.81828203E-01, 2.94315332E-01, 2.81828203E-01, 2.46636662E-01, 1.94987841E-01,
    -1.35593274E-01, -7.76463494E-02, -2.88217274E-02, 6.13245186E-03, 2.58767811E-02, 3.21939290E-02, 2.88757392E-02, 2.04385087E-02,
    -1.09137620E-02, -3.06012286E-03, 1.86581691E-03, 3.89205149E-03, 3.83720193E-03, 2.73370904E-03, 1.49188357E-03, 5.36548976E-04,
];

/// Table 12.23.
#[rustfmt::skip]
const PROTOTYPE_8: [f64; 80] = [
    0.00000000E+00, 1.56575398E-04, 3.43256425E-04, 5.54620202E-04, 8.23919506E-04, 1.13992507E-03, 1.47640169E-03, 1.78371725E-03,
    2.01182542E-03, 2.10371989E-03, 1.99454554E-03, 1.61656283E-03, 9.02154502E-04, -1.78805361E-04, -1.64973098E-03, -3.49717454E-03,
    5.65949473E-03, 8.02941163E-03, 1.04584443E-02, 1.27472335E-02, 1.46525263E-02, 1.59045603E-02, 1.62208471E-02, 1.53184106E-02,
    1.29371806E-02, 8.85757540E-03, 2.92408442E-03, -4.91578024E-03, -1.46404076E-02, -2.61098752E-02, -3.90751381E-02, -5.31873032E-02,
    6.79989431E-02, 8.29847578E-02, 9.75753918E-02, 1.11196689E-01, 1.23264548E-01, 1.33264415E-01, 1.40753505E-01, 1.45389847E-01,
    1.46955068E-01, 1.45389847E-01, 1.40753505E-01, 1.33264415E-01, 1.23264548E-01, 1.11196689E-01, 9.75753918E-02, 8.29847578E-02,
    -6.79989431E-02, -5.31873032E-02, -3.90751381E-02, -2.61098752E-02, -1.46404076E-02, -4.91578024E-03, 2.92408442E-03, 8.85757540E-03,
    1.29371806E-02, 1.53184106E-02, 1.62208471E-02, 1.59045603E-02, 1.46525263E-02, 1.27472335E-02, 1.04584443E-02, 8.02941163E-03,
    -5.65949473E-03, -3.49717454E-03, -1.64973098E-03, -1.78805361E-04, 9.02154502E-04, 1.61656283E-03, 1.99454554E-03, 2.10371989E-03,
    2.01182542E-03, 1.78371725E-03, 1.47640169E-03, 1.13992507E-03, 8.23919506E-04, 5.54620202E-04, 3.43256425E-04, 1.56575398E-04,
];
