//! From the file of a recording to what it says about a stimulus, or about any sound that is known.
//!
//! Files may be hours long: one pass checks every sample, another looks for the stimulus a stretch at a time, and only the stretch that holds it
//! is measured. Positions are counted from the beginning of the file, at the rate of the stimulus.

mod error;
mod report;
mod schema;
mod search;
mod sound;
mod source;
mod stimulus;

pub use error::MeasureError;
pub use report::{
    Against, DifferenceAt, Emitted, EmittedBy, LookedFor, Place, RecordingFacts, RecordingRemark, Report,
    SCHEMA_VERSION, SoundFindings, SoundLatency, SoundRef,
};
pub use schema::schema;
pub use sound::{Sound, measure_sound};
pub use source::Source;
pub use stimulus::{Request, compare, measure};
