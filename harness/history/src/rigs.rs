//! The rigs of a series. Another rig has other microphones, another room and other dongles: what changes with it is no change of the device.

use crate::{
    age::day,
    history::{Point, RunLine},
};

/// So many moves are told one by one. With more of them rigs take turns.
const MOVES: usize = 4;

/// On which rigs the runs of a series were.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rigs<'a> {
    /// Each of them once, in the order in which they came.
    all: Vec<&'a str>,
    /// Where another rig goes on, and which: the place of its first point. None where rigs take turns.
    moves: Vec<(usize, &'a str)>,
}

impl<'a> Rigs<'a> {
    pub(crate) fn of(points: &[Point], runs: &'a [RunLine]) -> Self {
        let (mut all, mut moves, mut before) = (Vec::new(), Vec::new(), None);
        for (place, point) in points.iter().enumerate() {
            let rig = runs[point.run].rig.as_str();
            if !all.contains(&rig) {
                all.push(rig);
            }
            if before.replace(rig).is_some_and(|before| before != rig) {
                moves.push((place, rig));
            }
        }
        if moves.len() > MOVES {
            moves.clear();
        }
        Self { all, moves }
    }

    /// Whether there are several.
    pub(crate) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// Where another rig goes on, and which; nothing where rigs take turns.
    pub(crate) fn moves(&self) -> &[(usize, &'a str)] {
        &self.moves
    }

    /// The rig that goes on with this point, if another one does.
    pub(crate) fn at(&self, place: usize) -> Option<&'a str> {
        self.moves.iter().find(|(at, _)| *at == place).map(|(_, rig)| *rig)
    }

    /// Which rigs, and since when, such as `rig lab-a, from 2026-11-30 on lab-b`; nothing of one alone.
    pub(crate) fn in_words(&self, points: &[Point], runs: &[RunLine]) -> Option<String> {
        if !self.are_several() {
            return None;
        }
        if self.moves.is_empty() {
            return Some(format!("rigs {} in turn", self.all.join(", ")));
        }
        let mut words = format!("rig {}", self.all[0]);
        for (place, rig) in &self.moves {
            words += &format!(", from {} on {rig}", day(runs[points[*place].run].unix_s));
        }
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, word::Word};
    use rstest::rstest;

    /// A run a day from 2026-11-30 on.
    fn run(day: usize, rig: &str) -> RunLine {
        RunLine {
            id: String::new(),
            directory: String::new(),
            rig: rig.to_owned(),
            kind: Kind::Hardware,
            unix_s: 1_795_996_800 + 86_400 * day as i64,
            rigtone: String::new(),
            interrupted: None,
            exit_code: 0,
        }
    }

    fn point(run: usize) -> Point {
        Point {
            run,
            verdict: Word::Pass,
            n: 1,
            held: 1,
            ambiguous: 0,
            estimate: None,
            low: None,
            high: None,
            confidence: None,
        }
    }

    #[rstest]
    #[case::nothing(&[], None, &[])]
    #[case::one(&["a", "a", "a"], None, &[])]
    #[case::moved(&["a", "b", "b"], Some("rig a, from 2026-12-01 on b"), &[1])]
    #[case::there_and_back(&["a", "b", "a"], Some("rig a, from 2026-12-01 on b, from 2026-12-02 on a"), &[1, 2])]
    #[case::in_turn(&["a", "b", "a", "b", "a", "b"], Some("rigs a, b in turn"), &[])]
    fn rigs_are_told_with_their_days(#[case] rigs: &[&str], #[case] said: Option<&str>, #[case] moves: &[usize]) {
        let runs: Vec<RunLine> = rigs.iter().enumerate().map(|(day, rig)| run(day, rig)).collect();
        let points: Vec<Point> = (0..runs.len()).map(point).collect();
        let told = Rigs::of(&points, &runs);
        assert_eq!(told.in_words(&points, &runs).as_deref(), said);
        assert_eq!(told.moves().iter().map(|(place, _)| *place).collect::<Vec<_>>(), moves);
        assert_eq!(told.at(1).is_some(), moves.contains(&1));
    }
}
