//! Why a capture is no proof, in words.

use rigtone_bluetooth::timeline::{Damage, Side};
use rigtone_report::figure::count;

use super::text::lasting;

pub(super) fn words(damage: &Damage) -> String {
    let of = |adapter: u16, handle: u16| format!("hci{adapter} handle {handle}");
    let side = |side: &Side| match side {
        Side::Host => "sent",
        Side::Peer => "received",
    };
    match damage {
        Damage::CutShort { record, offset } => format!("the file ends within record {record} at byte {offset}"),
        Damage::ImpossibleLength { record, offset, claimed } => {
            format!("record {record} at byte {offset} claims {claimed} bytes: nothing after it was read")
        }
        Damage::Dropped { packets } => format!("the recorder lost {}", count(*packets as usize, "packet")),
        Damage::CutPackets { records, first } => {
            format!(
                "the recorder kept only a part of {}, the first in record {first}",
                count(*records as usize, "packet")
            )
        }
        Damage::Malformed { records, first } => {
            format!("packets that contradict their own header: {records}, the first in record {first}")
        }
        Damage::OutOfOrder { records, first, by_ns } => {
            format!("records older than one before: {records}, the first is {first}, by up to {}", lasting(*by_ns))
        }
        Damage::Unfinished { adapter, handle, of: whose, packets } => {
            format!("{}: {} packets that were never finished: {packets}", of(*adapter, *handle), side(whose))
        }
        Damage::Orphans { adapter, handle, of: whose, fragments } => {
            format!("{}: {} fragments that go on with nothing: {fragments}", of(*adapter, *handle), side(whose))
        }
        Damage::Misfits { adapter, handle, of: whose, packets } => {
            format!("{}: {} packets that do not fit their length: {packets}", of(*adapter, *handle), side(whose))
        }
        Damage::MoreCompleted { adapter, handle, sent, completed } => {
            format!("{}: {} sent, {completed} reported as sent", of(*adapter, *handle), count(*sent as usize, "packet"))
        }
        Damage::FewerCompleted { adapter, handle, held, room } => {
            format!(
                "{}: {} would wait in a controller with room for {room}",
                of(*adapter, *handle),
                count(*held as usize, "packet")
            )
        }
        Damage::MissingNumbers { adapter, handle, gaps, missing } => {
            format!(
                "{}: missing of our media packets: {missing}, in {}",
                of(*adapter, *handle),
                count(*gaps as usize, "place")
            )
        }
    }
}
