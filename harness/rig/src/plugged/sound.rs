//! What the kernel's sound driver for USB says a card can capture: `/proc/asound/cardN/streamD`.
//!
//! Source of the layout: Linux `sound/usb/proc.c`. The device is not opened, so that whoever records from it is not disturbed.

use serde::Serialize;

/// What a capture device offers in one of its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Offer {
    /// Formats as ALSA names them, such as `S16_LE`.
    pub formats: Vec<String>,
    /// How many channels.
    pub channels: u16,
    /// Frames a second: each rate, or the lowest and the highest where all between are offered.
    pub rates: Vec<u32>,
    /// `true`: all rates between the two are offered.
    pub continuous: bool,
}

impl Offer {
    /// Whether it is offered at that rate.
    pub fn has_rate(&self, rate: u32) -> bool {
        match (self.continuous, self.rates.as_slice()) {
            (true, [low, high]) => (*low..=*high).contains(&rate),
            (_, rates) => rates.contains(&rate),
        }
    }

    /// Whether it is offered in that format.
    pub fn has_format(&self, format: &str) -> bool {
        self.formats.iter().any(|offered| offered == format)
    }

    /// For people, such as `1 channel of S16_LE at 44100, 48000 Hz`.
    pub fn told(&self) -> String {
        let rates: Vec<String> = self.rates.iter().map(u32::to_string).collect();
        let rates = rates.join(if self.continuous { " to " } else { ", " });
        let channels = if self.channels == 1 { "channel" } else { "channels" };
        format!("{} {channels} of {} at {rates} Hz", self.channels, self.formats.join("/"))
    }
}

/// Reads what can be captured; settings that are not told whole are left out.
pub(super) fn offers(text: &str) -> Vec<Offer> {
    let mut offers = Vec::new();
    let mut setting = Setting::default();
    let mut captures = false;
    for line in text.lines() {
        // The two directions stand at the margin, what belongs to them is indented.
        if !line.starts_with(char::is_whitespace) {
            offers.extend(std::mem::take(&mut setting).whole());
            captures = line.trim_end() == "Capture:";
            continue;
        }
        if !captures {
            continue;
        }
        let Some((key, value)) = line.trim().split_once(':') else {
            if line.trim().starts_with("Altset ") {
                offers.extend(std::mem::take(&mut setting).whole());
            }
            continue;
        };
        match key {
            "Format" => setting.formats = value.split_whitespace().map(str::to_owned).collect(),
            "Channels" => setting.channels = value.trim().parse().ok(),
            "Rates" => setting.rates = rates(value),
            _ => {}
        }
    }
    offers.extend(setting.whole());
    offers
}

#[derive(Default)]
struct Setting {
    formats: Vec<String>,
    channels: Option<u16>,
    rates: Option<(Vec<u32>, bool)>,
}

impl Setting {
    fn whole(self) -> Option<Offer> {
        let (rates, continuous) = self.rates?;
        let channels = self.channels.filter(|&channels| channels > 0)?;
        (!self.formats.is_empty()).then_some(Offer { formats: self.formats, channels, rates, continuous })
    }
}

fn rates(text: &str) -> Option<(Vec<u32>, bool)> {
    let text = text.trim();
    if let Some(range) = text.strip_suffix("(continuous)") {
        let (low, high) = range.split_once('-')?;
        let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        return (low <= high).then(|| (vec![low, high], true));
    }
    let rates = text.split(',').map(|rate| rate.trim().parse().ok()).collect::<Option<Vec<u32>>>()?;
    (!rates.is_empty()).then_some((rates, false))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Written after `proc_dump_substream_formats` of the kernel.
    pub(crate) const HEADSET: &str = "C-Media USB Headphone Set at usb-0000:00:14.0-2, full speed : USB Audio

Playback:
  Status: Stop
  Interface 1
    Altset 1
    Format: S16_LE
    Channels: 2
    Endpoint: 0x01 (1 OUT) (ADAPTIVE)
    Rates: 48000, 44100
    Bits: 16
    Channel map: FL FR

Capture:
  Status: Running
    Interface = 2
    Altset = 1
    Packet Size = 100
    Momentary freq = 48000 Hz (0x30.0000)
  Interface 2
    Altset 1
    Format: S16_LE
    Channels: 1
    Endpoint: 0x82 (2 IN) (ASYNC)
    Rates: 48000, 44100
    Bits: 16
    Channel map: MONO
  Interface 2
    Altset 2
    Format: S24_3LE S32_LE
    Channels: 2
    Endpoint: 0x82 (2 IN) (ASYNC)
    Rates: 8000 - 96000 (continuous)
";

    #[test]
    fn what_can_be_captured_is_told_from_what_can_be_played() {
        let told: Vec<String> = offers(HEADSET).iter().map(Offer::told).collect();
        let due = ["1 channel of S16_LE at 48000, 44100 Hz", "2 channels of S24_3LE/S32_LE at 8000 to 96000 Hz"];
        assert_eq!(told, due);
    }

    #[rstest]
    #[case(44_100, [true, true])]
    #[case(48_000, [true, true])]
    #[case(96_000, [false, true])]
    #[case(32_000, [false, true])]
    #[case(7_999, [false, false])]
    fn a_rate_is_one_of_a_list_or_lies_in_a_range(#[case] rate: u32, #[case] offered: [bool; 2]) {
        let all: Vec<bool> = offers(HEADSET).iter().map(|offer| offer.has_rate(rate)).collect();
        assert_eq!(all, offered);
    }

    #[rstest]
    #[case::nothing("")]
    #[case::plays_only(
        "Playback:\n  Interface 1\n    Altset 1\n    Format: S16_LE\n    Channels: 2\n    Rates: 48000\n"
    )]
    #[case::half("Capture:\n  Interface 1\n    Altset 1\n    Format: S16_LE\n    Channels: 2\n")]
    #[case::no_channels("Capture:\n    Altset 1\n    Format: S16_LE\n    Channels: 0\n    Rates: 48000\n")]
    #[case::no_numbers("Capture:\n    Altset 1\n    Format: S16_LE\n    Channels: x\n    Rates: y\n")]
    #[case::backwards("Capture:\n    Altset 1\n    Format: S16_LE\n    Channels: 1\n    Rates: 9 - 8 (continuous)\n")]
    fn what_is_not_told_whole_is_not_offered(#[case] text: &str) {
        assert_eq!(offers(text), []);
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read(text in "(Capture:\n)?([ -~]{0,20}\n){0,20}") {
            let _ = offers(&text);
        }
    }
}
