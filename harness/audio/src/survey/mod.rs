//! All measurements on one recording of a stimulus: presence and arrival first, then every part by the measurement that belongs to it.
//!
//! Parts lie where the measured arrival and drift put them; drift is resampled out where a measurement needs that. What a stimulus has no part
//! for is absent from the survey; what it has a part for and the recording does not answer is inconclusive. Where the ladder shows gain control
//! everything that rests on levels is inconclusive too.

mod aligned;
mod carried;
mod examine;
mod findings;
mod later;
mod response;
mod settings;

pub use carried::Carried;
pub use findings::{ChannelFindings, Floor, Loudness, Steadiness, Survey};
pub use response::{Corner, CurvePoint, Distortion, Relative, ResponseFigures};
pub use settings::Settings;

/// Name of the method by which all but presence, arrival and continuity is measured.
pub const METHOD: &str = "parts";
/// Its version: raised when the same recording may give another answer.
pub const METHOD_VERSION: u32 = 1;
