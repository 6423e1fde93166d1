//! What the codec left of the sound: bandwidth, brick walls, the fall back to the hands-free profile, the staircase of aptX.
//!
//! Evidence beside the negotiated codec, never the primary truth: the name can lie about what is heard. The probe is a dense multitone with empty
//! places: its lines are the same in every period, so that a room changes their levels but fills no empty place, and what does fill them is the
//! codec's noise.

mod bandwidth;
mod family;
mod probe;
mod residual;

pub use bandwidth::Edge;
pub use family::{Family, Fingerprint, fingerprint};
pub use probe::{PROBE_S, Probe, ProbeError, probe};
pub use residual::BandResidual;
