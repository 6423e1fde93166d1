//! When a simulated unit answers a search.
//!
//! Bluetooth Core Specification, volume 2, part B, 8.4: whoever searches sends at the 16 frequencies of one train for 2.56 s, then at those
//! of the other train, and begins each search with the same one. A unit listens now and then at one frequency, which stays in its train
//! while both clocks run alike. Having heard the search it waits for up to 1023 slots, and answers the next packet that it hears.

use rigtone_model::{document::InquiryScan, quantity::Share};

use super::body::Body;

/// How long a search stays with one train: 256 times 10 ms.
const TRAIN_NS: i64 = 2_560_000_000;
/// The longest wait between hearing and answering: 1023 slots of 625 us.
const BACK_OFF_NS: f64 = 639_375_000.0;

/// A search as the unit meets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    /// From its beginning until the unit can listen.
    pub(super) from_ns: i64,
    /// Until it is given up.
    pub(super) until_ns: i64,
    /// After how long it is begun anew.
    pub(super) restart_ns: Option<i64>,
}

impl Search {
    /// The train that is sent at a time: 0 or 1.
    fn train(self, at_ns: i64) -> i64 {
        let since = self.restart_ns.map_or(at_ns, |every| at_ns % every.max(1));
        since / TRAIN_NS % 2
    }
}

impl Body {
    /// How long after the beginning of a search it answers; nothing when it does not.
    pub(super) fn answers_after_ns(&mut self, search: Search) -> Option<i64> {
        let at_ns = match self.nature().inquiry_scan {
            None => Some(search.from_ns + self.inquiry_ns()),
            Some(scan) => self.hears_a_train(scan, search),
        };
        at_ns.filter(|at| *at <= search.until_ns)
    }

    fn hears_a_train(&mut self, scan: InquiryScan, search: Search) -> Option<i64> {
        let InquiryScan { every, interlaced, hears } = scan;
        let every = every.clamp(InquiryScan::SHORTEST, InquiryScan::LONGEST).ns();
        let train = i64::from(self.chance("inquiry-train") < 0.5);
        let mut at_ns = search.from_ns + (every as f64 * self.chance("inquiry")) as i64;
        let sends = |at_ns: i64| interlaced || search.train(at_ns) == train;
        while at_ns <= search.until_ns {
            if sends(at_ns) && self.chance("inquiry-hears") < hears.map_or(1.0, Share::fraction) {
                let answers_ns = at_ns + (BACK_OFF_NS * self.chance("inquiry-back-off")) as i64;
                if sends(answers_ns) {
                    return Some(answers_ns);
                }
                // Its train has ended meanwhile: it goes back to listening now and then, from now on.
                at_ns = answers_ns;
            }
            at_ns += every;
        }
        None
    }

    /// How long an inquiry needs: 0.3 to 3 s, as a real one between two scan windows.
    fn inquiry_ns(&mut self) -> i64 {
        (0.3e9 + 2.7e9 * self.chance("inquiry")) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::TrialKey, clock::Instant};
    use rigtone_model::{
        document::{Device, Unit},
        quantity::Duration,
    };
    use rstest::rstest;
    use serde_json::{Value, json};

    /// When a unit answers in each of 400 trials, in seconds.
    fn answers(scan: &Value, restart: Option<Duration>) -> Vec<Option<f64>> {
        let unit = json!({"device": "a/b", "firmware": "1", "address": "D2:00:00:00:00:01", "simulated": {"inquiry-scan": scan}});
        let unit: Unit = serde_json::from_value(unit).expect("a unit");
        let device = json!({"device": "a/b", "title": "b", "roles": ["a2dp-sink"], "codecs": ["sbc"]});
        let device: Device = serde_json::from_value(device).expect("a device");
        let mut body = Body::of("u", &unit, &device).expect("a body");
        let search = Search { from_ns: 0, until_ns: 90_000_000_000, restart_ns: restart.map(Duration::ns) };
        let mut one = |trial: u32| {
            let key = TrialKey { combination: "c".into(), trial, attempt: 1, seed: 7 };
            body.trial_begins(&key, Instant(0));
            body.answers_after_ns(search).map(|ns| ns as f64 / 1e9)
        };
        (0..400).map(&mut one).collect()
    }

    fn found(answers: &[Option<f64>]) -> f64 {
        answers.iter().flatten().count() as f64 / answers.len() as f64
    }

    #[rstest]
    #[case(json!({"every": "1.28 s"}), 1.28)]
    #[case(json!({"every": "2.56 s"}), 2.56)]
    fn a_search_that_runs_through_has_sent_both_trains_after_5_12_s(#[case] scan: Value, #[case] every_s: f64) {
        let all = answers(&scan, None);
        // Who hears at the end of its train waits for the next one of its own.
        let longest = 2.0 * 2.56 + 2.56 + every_s + 0.64;
        assert!(all.iter().all(|at| at.is_some_and(|at| at <= longest)), "{all:?}");
        let in_second_train = all.iter().flatten().filter(|at| **at > 2.56).count();
        assert!((120..=300).contains(&in_second_train), "{in_second_train} of 400, where half are due");
    }

    #[test]
    fn a_restart_before_the_first_train_has_ended_never_sends_the_second() {
        let share = found(&answers(&json!({"every": "1.28 s"}), Some(Duration::from_s(2))));
        // Five standard deviations around one half.
        assert!((share - 0.5).abs() < 0.125, "{share}");
        assert!((found(&answers(&json!({"every": "1.28 s"}), Some(Duration::from_s(10)))) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn who_listens_in_both_trains_does_not_mind_restarts() {
        let scan = json!({"every": "1.28 s", "interlaced": true});
        let (through, restarted) = (answers(&scan, None), answers(&scan, Some(Duration::from_s(2))));
        assert_eq!(through, restarted);
        assert!(through.iter().all(|at| at.is_some_and(|at| at <= 1.28 + 0.64)));
    }
}
