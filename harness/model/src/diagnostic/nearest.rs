//! The word that was probably meant.

/// Words longer than this are not compared: no key is, and the cost grows with the square.
const LONGEST: usize = 64;

/// The candidate that lies nearest to `word`, if one lies near enough to have been meant: at most a third of the
/// letters differ, and always one may. Swapped neighbours count as one difference; upper case and `_` for `-` count as none.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.chars().count() > LONGEST {
        return None;
    }
    let word = folded(word);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(&word, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> Vec<char> {
    word.chars().map(|c| if c == '_' || c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substituted = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substituted.min(previous[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = previous;
        previous = row;
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("wthin", Some("within"))]
    #[case("witihn", Some("within"))]
    #[case("Within", Some("within"))]
    #[case("power_cycle", Some("power-cycle"))]
    #[case("signal", None)]
    #[case("", None)]
    fn a_misspelt_word_is_recognised(#[case] word: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(word, ["unit", "within", "power-cycle"]), meant);
    }

    #[rstest]
    #[case("kitten", "sitting", 3)]
    #[case("ab", "ba", 1)]
    #[case("", "abc", 3)]
    fn the_distance_is_the_known_one(#[case] a: &str, #[case] b: &str, #[case] expected: usize) {
        assert_eq!(distance(&folded(a), &folded(b)), expected);
    }
}
