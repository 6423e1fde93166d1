//! The web board of SainSmart: `GET /30000/NN`, two numbers for each relay, and a page that shows all at `/30000/99`.
//!
//! Source: pdudaemon `sainsmart.py`, ACTS `sain_smart_board.py`. That page has a digit for each relay before the word TUX.

use std::num::NonZeroU8;

use super::{
    client::Request,
    web::{Said, Words},
};

/// The words of the board.
pub(crate) struct SainsmartWeb {
    base: String,
    channels: u8,
}

impl SainsmartWeb {
    pub(crate) fn at(host: &str, channels: u8) -> Self {
        Self { base: format!("http://{host}/30000"), channels }
    }
}

impl Words for SainsmartWeb {
    fn switch(&self, channel: NonZeroU8, on: bool) -> Request {
        let number = u16::from(channel.get() - 1) * 2 + u16::from(on);
        Request::get(format!("{}/{number:02}", self.base))
    }

    fn acknowledged(&self, _channel: NonZeroU8, _answer: &str) -> Result<Option<bool>, String> {
        // Its page for people comes, whatever was ordered.
        Ok(None)
    }

    fn question(&self, _channel: NonZeroU8) -> Option<Request> {
        Some(Request::get(format!("{}/99", self.base)))
    }

    fn position(&self, channel: NonZeroU8, answer: &str) -> Result<Said, String> {
        let Some((before, _)) = answer.split_once("TUX") else {
            return Err("the board has not finished starting: switch its supply off and on".to_owned());
        };
        let digits: Vec<char> = before.chars().rev().take_while(|c| matches!(c, '0' | '1')).collect();
        if digits.len() < usize::from(self.channels) {
            return Err(format!("it shows {} relays, where {} are due", digits.len(), self.channels));
        }
        let place = digits.len().checked_sub(usize::from(channel.get()));
        let digit = place.and_then(|place| digits.get(place)).ok_or_else(|| format!("it has no relay {channel}"))?;
        Ok(Said::of(*digit == '1'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::fake::{number, same};
    use rstest::rstest;

    #[rstest]
    #[case(1, false, "00")]
    #[case(1, true, "01")]
    #[case(5, false, "08")]
    #[case(8, true, "15")]
    fn orders_are_numbers(#[case] channel: u8, #[case] on: bool, #[case] due: &str) {
        let board = SainsmartWeb::at("10.0.0.5", 8);
        assert_eq!(board.switch(number(channel), on), Request::get(format!("http://10.0.0.5/30000/{due}")));
    }

    #[rstest]
    #[case(1, "10000001TUX", Ok(true))]
    #[case(2, "<html><p>10000001TUX</p>", Ok(false))]
    #[case(8, "10000001TUX", Ok(true))]
    #[case(1, "10000001", Err("has not finished starting"))]
    #[case(1, "1000TUX", Err("shows 4 relays"))]
    #[case(9, "10000001TUX", Err("no relay 9"))]
    fn positions_stand_before_the_word(#[case] channel: u8, #[case] answer: &str, #[case] due: Result<bool, &str>) {
        same(SainsmartWeb::at("h", 8).position(number(channel), answer), due.map(Said::of));
    }
}
