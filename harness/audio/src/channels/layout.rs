//! From what microphones hear to how the channels of a speaker are wired.

use schemars::JsonSchema;
use serde::Serialize;

use super::identity::{Carries, Heard};
use crate::measure::{Outcome, Reason};

/// Arrivals must differ by so much before they tell which driver is nearer.
const NEARER_S: f64 = 50e-6;

/// A side of a stereo speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// How a speaker plays the channels of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Each side its channel.
    Stereo,
    /// Each side the other's channel.
    Swapped,
    /// The sum of both channels.
    MonoSum,
    /// The left channel only.
    LeftOnly,
    /// The right channel only.
    RightOnly,
}

/// The layout from two recordings, one with the microphone near the left driver and one near the right.
pub fn layout(near_left: &Outcome<Heard>, near_right: &Outcome<Heard>) -> Outcome<Layout> {
    let (left, right) = match (near_left, near_right) {
        (Outcome::Measured(left), Outcome::Measured(right)) => (left, right),
        (Outcome::Inconclusive(reason), _) | (_, Outcome::Inconclusive(reason)) => {
            return Outcome::Inconclusive(*reason);
        }
    };
    Outcome::Measured(match (left.carries, right.carries) {
        (Carries::Left, Carries::Right) => Layout::Stereo,
        (Carries::Right, Carries::Left) => Layout::Swapped,
        (Carries::Sum, Carries::Sum) => Layout::MonoSum,
        (Carries::Left, Carries::Left) => Layout::LeftOnly,
        (Carries::Right, Carries::Right) => Layout::RightOnly,
        _ => return Outcome::Inconclusive(undecided(if left.carries == Carries::Both { left } else { right })),
    })
}

/// The layout from one recording, with the microphone nearer to the driver of one side: which code arrives first tells stereo from swapped.
pub fn layout_from(heard: &Outcome<Heard>, nearer: Side) -> Outcome<Layout> {
    let heard = match heard {
        Outcome::Measured(heard) => heard,
        Outcome::Inconclusive(reason) => return Outcome::Inconclusive(*reason),
    };
    let (Carries::Both, Some(left), Some(right)) = (heard.carries, heard.left, heard.right) else {
        return Outcome::Measured(match heard.carries {
            Carries::Left => Layout::LeftOnly,
            Carries::Right => Layout::RightOnly,
            Carries::Sum | Carries::Both => Layout::MonoSum,
        });
    };
    let later_s = match nearer {
        Side::Left => right.arrival_s - left.arrival_s,
        Side::Right => left.arrival_s - right.arrival_s,
    };
    if later_s.abs() < NEARER_S {
        return Outcome::Inconclusive(undecided(heard));
    }
    Outcome::Measured(if later_s > 0.0 { Layout::Stereo } else { Layout::Swapped })
}

fn undecided(heard: &Heard) -> Reason {
    Reason::Undecided { figure_db: heard.ratio_db, below_db: 3.0, above_db: 10.0 }
}
