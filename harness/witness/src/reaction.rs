//! Reactions in a recording: the sound that a unit makes when it has understood that it is spoken to.

use std::{cell::RefCell, collections::BTreeMap};

use rigtone_audio::{locate::UnfitSound, occurrences::Finder, resample::Converter};
use rigtone_model::{event::Anchor, observation::Method};

/// So often an hour chance is taken for a reaction, at most.
pub const FALSE_ALARMS_AN_HOUR: f64 = 1e-3;

thread_local! {
    // One for each worker and sound, by the hash of its file and the rate of recordings.
    static FINDERS: RefCell<BTreeMap<(String, u32), Finder>> = const { RefCell::new(BTreeMap::new()) };
}

/// The sound of a unit.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// Its samples, full scale at 1.0.
    pub samples: &'a [f32],
    /// Frames a second.
    pub rate: u32,
    /// What tells it from every other one.
    pub sha256: &'a str,
}

/// A reaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// When its sound began, on the rig's clock.
    pub t_ns: i64,
    /// The same in the recording, in seconds from its first frame.
    pub at_s: f64,
    /// Correlation over its standard deviation under noise.
    pub score: f64,
    /// How unequally the stretches of the sound contribute to it.
    pub unequal: f64,
}

/// How reactions are found.
pub fn method() -> Method {
    Method { name: "matched-filter".to_owned(), version: 1 }
}

/// The reactions in a recording of `rate` frames a second, in order.
///
/// # Errors
/// When the sound is none that could be looked for.
pub fn reactions(rate: u32, samples: &[f32], anchors: &[Anchor], sound: Looked<'_>) -> Result<Vec<Seen>, UnfitSound> {
    FINDERS.with_borrow_mut(|known| {
        let key = (sound.sha256.to_owned(), rate);
        if !known.contains_key(&key) {
            known.insert(key.clone(), finder(rate, sound)?);
        }
        let Some(finder) = known.get_mut(&key) else { return Ok(Vec::new()) };
        let found = finder.find(samples, finder.threshold(FALSE_ALARMS_AN_HOUR));
        let seen = found.into_iter().filter_map(|one| {
            let at_s = one.frame / f64::from(rate.max(1));
            Some(Seen { t_ns: time_at(anchors, one.frame)?, at_s, score: one.score, unequal: one.unequal })
        });
        Ok(seen.collect())
    })
}

fn finder(rate: u32, sound: Looked<'_>) -> Result<Finder, UnfitSound> {
    if sound.rate == rate {
        return Finder::new(sound.samples, rate);
    }
    let converter = Converter::new(sound.rate, rate);
    let mut converted = vec![0.0; converter.frames(sound.samples.len() as u64) as usize];
    converter.convert(sound.samples, 0, 0, &mut converted);
    Finder::new(&converted, rate)
}

/// When a frame was captured, on the line through the first and the last anchor.
fn time_at(anchors: &[Anchor], frame: f64) -> Option<i64> {
    let (first, last) = (anchors.first()?, anchors.last()?);
    let span = last.frame - first.frame;
    let ns = last.t_ns.saturating_sub(first.t_ns) as f64;
    (span > 0.0).then(|| first.t_ns + ((frame - first.frame) / span * ns).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_audio::chime::chime;
    use rstest::rstest;

    #[rstest]
    #[case::same_rate(48_000)]
    #[case::recorded_at_another_rate(44_100)]
    fn a_reaction_is_found_at_its_time(#[case] rate: u32) {
        let sound = chime(48_000);
        let mut recording: Vec<f32> = (0..4 * rate).map(|n| if n % 7 < 3 { 1e-4 } else { -1e-4 }).collect();
        let from = (1.5 * f64::from(rate)) as usize;
        recording[from..].iter_mut().zip(chime(rate)).for_each(|(out, sample)| *out += 0.2 * sample);
        let anchors =
            [Anchor { frame: 0.0, t_ns: 7_000_000_000 }, Anchor { frame: f64::from(4 * rate), t_ns: 11_000_000_000 }];
        let looked = Looked { samples: &sound, rate: 48_000, sha256: "chime" };
        let seen = reactions(rate, &recording, &anchors, looked).expect("a sound");
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert!((seen[0].t_ns - 8_500_000_000).abs() < 1_000_000, "{seen:?}");
        assert!((seen[0].at_s - 1.5).abs() < 1e-3, "{seen:?}");
    }
}
