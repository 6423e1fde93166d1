//! What is asked of a survey beside where to look.

use crate::channels::Side;
use crate::loudness::Calibration;
use crate::measure::Reason;
use crate::response::MicrophoneResponse;

/// What is asked of the results, and what is known of the microphone.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Gaps of this length in seconds must be found with 99.9 %, else dropouts are inconclusive.
    pub wanted_gap_s: f64,
    /// THD+N is to be judged against this limit in dB re the tone; noise must lie 10 dB below it.
    pub thd_n_limit_db: f64,
    /// The driver that the microphone is nearer to. Without it stereo cannot be told from swapped by one microphone.
    pub nearer: Option<Side>,
    /// What makes sound pressure of levels.
    pub calibration: Option<Calibration>,
    /// The microphone's own response, taken out of the speaker's.
    pub microphone: Option<MicrophoneResponse>,
    /// The rate in Hz at which the microphone was recorded, if another than that of the samples: what it could not carry is not measured.
    pub recorded_at: Option<u32>,
}

impl Default for Settings {
    /// Gaps of 10 ms, THD+N against -30 dB (3 %), one microphone whose place and response are unknown.
    fn default() -> Self {
        Self {
            wanted_gap_s: 0.010,
            thd_n_limit_db: -30.0,
            nearer: None,
            calibration: None,
            microphone: None,
            recorded_at: None,
        }
    }
}

impl Settings {
    /// The recording holds sound up to `hz` Hz.
    pub(super) fn carries(&self, hz: f64) -> Result<(), Reason> {
        let need = (2.0 * hz).ceil() as u32;
        match self.recorded_at {
            Some(have) if have < need => Err(Reason::WrongRate { have, need }),
            _ => Ok(()),
        }
    }
}
