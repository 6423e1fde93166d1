//! Certificates: what a run proved of a device at a firmware, as a folder of files whose hashes stand in a signed manifest.
//!
//! Whoever has the folder can check it without the rig: every hash, the signature, and the verdicts, which are judged again from the record.
//! What keeps a run from being a certificate is named: see [`Obstacle`].

mod bundle;
mod conditions;
mod error;
mod hex;
mod key;
mod manifest;
mod verify;

pub use bundle::{Made, Request, make};
pub use conditions::{Obstacle, Subject};
pub use error::{CertificateError, Half};
pub use key::{PublicKey, SecretKey, Trust};
pub use manifest::{CertifiedCombination, Manifest, Mode, Part, Signature, schema};
pub use verify::{Problem, Standing, Verified, verify};
