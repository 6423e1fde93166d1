//! Why a file says nothing.

use rigtone_audio::locate::UnfitSound;
use rigtone_audio::measure::CaptureFault;
use rigtone_record::wav::WavReadError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The file cannot be read, or is no recording of a kind that is read.
    #[error(transparent)]
    File(#[from] WavReadError),
    /// It holds no recording: the fault of whatever recorded it.
    #[error("channel {channel}: {fault}")]
    Capture {
        /// The channel, from 0.
        channel: usize,
        /// What is wrong with it.
        fault: CaptureFault,
    },
    /// It has fewer channels.
    #[error("the recording has no channel {channel} (it has {channels}, counted from 0)")]
    NoSuchChannel {
        /// The channel asked for.
        channel: usize,
        /// How many there are.
        channels: usize,
    },
    /// At its rate nothing can be measured; the header may be wrong.
    #[error("recorded at {have} frames per second where {need} are needed")]
    TooSlow {
        /// Its frames per second.
        have: u32,
        /// The fewest that serve.
        need: u32,
    },
    /// The sound cannot be looked for.
    #[error("the sound cannot be looked for: {0}")]
    Unfit(UnfitSound),
    /// The sound is longer than is kept in memory.
    #[error("the sound lasts {have_s:.0} s; what is looked for may last {} s", Self::LONGEST_SOUND_S)]
    TooLong {
        /// Its length in seconds.
        have_s: f64,
    },
    /// The emission lies where nothing was recorded.
    #[error("the stimulus was emitted at {emitted_s:.3} s, and the recording lasts {recorded_s:.3} s")]
    EmittedOutside {
        /// When it was emitted, in seconds of the recording.
        emitted_s: f64,
        /// How long it is, in seconds.
        recorded_s: f64,
    },
}

impl MeasureError {
    /// The longest sound that is looked for, in seconds.
    pub const LONGEST_SOUND_S: f64 = 600.0;
}
