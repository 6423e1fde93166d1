//! What a recording says about a stimulus: present or not, when it arrived, how loud.
//!
//! Presence is decided by correlation, never by level: whitened matched filters find the markers (peak over everything else in the recording,
//! guard 20 ms), their spacing and the noise between them prove the identity. Latency is timed by the unwhitened matched filter at the first
//! arrival. A measurement whose conditions do not hold is inconclusive with its reason; trouble of the capture chain is a
//! [`CaptureFault`], which is the rig's and never the device's.

mod analyser;
mod coverage;
mod detect;
mod findings;
mod level;
mod recording;
mod timing;

pub use analyser::{Analyser, DEFINITION_S, METHOD, METHOD_VERSION};
pub use findings::{
    Arrival, CaptureFigures, Findings, Latency, Level, MarkerFinding, Outcome, Polarity, Presence, PresenceQuality,
    Reason, Span, StimulusRef,
};
pub(crate) use level::capture_figures;
pub use level::{FULL_SCALE, dbfs, rms};
pub use recording::{CaptureFault, Emission, Expectation, Recording, SANE, speed_of_sound};
