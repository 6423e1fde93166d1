//! Sources that are not Rigtone itself: others are asked, and what becomes of it is seen elsewhere.
//!
//! `operator` asks a person at the `terminal`, `voice` speaks to an assistant with the sounds of `speech`, `android` calls adb.

mod android;
mod directory;
mod operator;
mod speech;
mod terminal;
mod voice;

pub(crate) use android::Android;
pub(crate) use directory::Directory;
pub(crate) use operator::Operator;
pub(crate) use speech::{SYNTHESISER, Speech};
pub(crate) use terminal::{MEMBER as OPERATOR, Terminal};
pub(crate) use voice::{Voice, at_distance};
