//! The families of relay boards. A family is a file below this folder with its bytes and what it says of itself as a
//! [`Line`], and one line in the table here.

mod lcus;

use rigtone_model::{document::RelayBoard, trial::InfrastructureFault};

use super::line::Line;

/// Makes the line of a board, if it is of that family; nothing is opened.
type Make = fn(member: &str, board: &RelayBoard) -> Option<Box<dyn Line>>;

const FAMILIES: &[Make] =
    &[|member, board| Some(Box::new(lcus::Lcus::new(member, board.lcus.as_ref()?, board.channels)))];

/// The line of a board, named as faults name it. Nothing is opened.
///
/// # Errors
/// When it is of no family that this version knows.
pub(super) fn line(member: &str, board: &RelayBoard) -> Result<Box<dyn Line>, InfrastructureFault> {
    FAMILIES.iter().find_map(|make| make(member, board)).ok_or_else(|| {
        InfrastructureFault::new(member, "it is of no family of boards that this version can reach")
            .hint("use the version of Rigtone that switched it last, or name its family in the rig file")
    })
}
