//! The protocol of LCUS relay boards: `A0 channel operation sum` at 9600 baud, 8N1.
//!
//! The name covers several firmwares that differ in how they can be read back. Only what all of them understand is
//! used: on and off, which no board answers. So a position is known as commanded, never as reported.

use std::{num::NonZeroU8, time::Duration};

/// Bits a second.
pub const BAUD: u32 = 9_600;
/// Boards lose an order that follows the one before too soon.
pub const SPACING: Duration = Duration::from_millis(50);

/// Length of an order.
pub const LENGTH: usize = 4;

/// The order that switches a channel, counted from 1.
pub const fn switch(channel: NonZeroU8, on: bool) -> [u8; LENGTH] {
    let (channel, operation) = (channel.get(), on as u8);
    [0xA0, channel, operation, 0xA0_u8.wrapping_add(channel).wrapping_add(operation)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, false, [0xA0, 1, 0, 0xA1])]
    #[case(1, true, [0xA0, 1, 1, 0xA2])]
    #[case(2, false, [0xA0, 2, 0, 0xA2])]
    #[case(2, true, [0xA0, 2, 1, 0xA3])]
    #[case(8, false, [0xA0, 8, 0, 0xA8])]
    #[case(8, true, [0xA0, 8, 1, 0xA9])]
    // The sum is kept in one byte.
    #[case(0x60, true, [0xA0, 0x60, 1, 0x01])]
    fn orders_are_those_of_the_vendors_table(#[case] channel: u8, #[case] on: bool, #[case] bytes: [u8; 4]) {
        assert_eq!(switch(NonZeroU8::new(channel).expect("from 1"), on), bytes);
    }
}
