//! The families of relay boards. A family is a file below this folder with its bytes and what it says of itself as a
//! [`Line`], and one line in the table here.

mod conrad;
mod dcttech;
mod devantech;
mod dlp_ior4;
mod icstation;
mod k8090;
mod kmtronic;
mod lcus;
mod modbus_rtu;
mod numato;
mod sainsmart;

use rigtone_model::{document::RelayBoard, trial::InfrastructureFault};

use super::line::Line;

/// Makes the line of a board, if it is of that family; nothing is opened.
type Make = fn(member: &str, board: &RelayBoard) -> Option<Box<dyn Line>>;

const FAMILIES: &[Make] = &[
    |member, board| Some(Box::new(lcus::Lcus::new(member, board.lcus.as_ref()?, board.channels))),
    |member, board| Some(Box::new(modbus_rtu::ModbusRtu::new(member, board.modbus_rtu.as_ref()?, board.channels))),
    |member, board| Some(Box::new(numato::Numato::new(member, board.numato.as_ref()?, board.channels))),
    |member, board| Some(Box::new(kmtronic::KmTronic::new(member, board.kmtronic.as_ref()?, board.channels))),
    |member, board| Some(Box::new(devantech::Devantech::new(member, board.devantech.as_ref()?))),
    |member, board| Some(Box::new(k8090::K8090::new(member, board.k8090.as_ref()?))),
    |member, board| Some(Box::new(conrad::Conrad::new(member, board.conrad.as_ref()?, board.channels))),
    |member, board| Some(Box::new(sainsmart::SainSmart::new(member, board.sainsmart.as_ref()?))),
    |member, board| Some(Box::new(dlp_ior4::DlpIor4::new(member, board.dlp_ior4.as_ref()?))),
    |member, board| Some(Box::new(icstation::IcStation::new(member, board.icstation.as_ref()?))),
    |member, board| Some(Box::new(dcttech::DctTech::new(member, board.dcttech.as_ref()?, board.channels))),
];

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

#[cfg(test)]
mod tests;
