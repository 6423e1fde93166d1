//! What a stimulus has parts for.

use crate::channels::Content;
use crate::stimulus::{Part, PartKind, Positions};

/// Silence and noise shorter than this only frame the markers, in seconds.
const MEASURED_S: f64 = 1.0;

/// Which measurements a recording of a stimulus carries beside presence, arrival, latency and level: those of the same name in a
/// [`super::Survey`] are there, whatever they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// The silence before the stimulus lasts long enough to be measured.
    pub floor: bool,
    /// It has channel codes.
    pub channels: bool,
    /// It has the level ladder.
    pub chain: bool,
    /// It has the sweep.
    pub response: bool,
    /// It has the dense multitone.
    pub fingerprint: bool,
    /// It has the tone.
    pub thd_n: bool,
    /// Its noise lasts long enough to be measured: loudness and steadiness.
    pub noise: bool,
}

impl Carried {
    /// What the stimulus of these positions carries.
    pub fn by(positions: &Positions) -> Self {
        let has = |wanted: fn(PartKind) -> bool| positions.first(wanted).is_some();
        Self {
            floor: measured(positions, |kind| kind == PartKind::Silence).is_some(),
            channels: has(|kind| kind == PartKind::ChannelCode { content: Content::Both }),
            chain: has(|kind| matches!(kind, PartKind::LadderStep { .. })),
            response: has(|kind| matches!(kind, PartKind::Sweep { .. })),
            fingerprint: has(|kind| kind == PartKind::Probe),
            thd_n: has(|kind| matches!(kind, PartKind::Tone { .. })),
            noise: measured(positions, |kind| kind == PartKind::Noise).is_some(),
        }
    }
}

/// The part of a kind, if it lasts long enough to be measured.
pub(super) fn measured(positions: &Positions, wanted: fn(PartKind) -> bool) -> Option<&Part> {
    positions.first(wanted).filter(|part| part.frames as f64 >= MEASURED_S * f64::from(positions.rate))
}
