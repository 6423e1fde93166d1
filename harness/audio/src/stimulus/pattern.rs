//! The arrangement of markers that belongs to a code.

use super::parts::{Sweep, Triplet};

/// The arrangement of a triplet that belongs to a code: 16 spacings times 4 choices of directions. The spacings differ by 30 ms, more than
/// the guard round a correlation peak, so that an echo of one pattern is not another. The first marker rises in every pattern and falls in
/// every last triplet: nobody's first triplet is anybody's last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pattern(u8);

impl Pattern {
    pub(crate) fn of(code: u32) -> Self {
        // Fibonacci hashing: neighbouring codes get distant patterns.
        Self((code.wrapping_mul(0x9E37_79B1) >> 26) as u8)
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..64).map(Self)
    }

    /// Starts of the three markers after the start of the triplet.
    pub(crate) fn offsets_s(self) -> [f64; 3] {
        [0.0, 0.17 + 0.03 * f64::from(self.0 & 3), 0.44 + 0.03 * f64::from(self.0 >> 2 & 3)]
    }

    pub(crate) fn sweeps(self, triplet: Triplet) -> [Sweep; 3] {
        let sweep = |bit: u8| if self.0 >> bit & 1 == 0 { Sweep::Up } else { Sweep::Down };
        let first = [Sweep::Up, sweep(4), sweep(5)];
        match triplet {
            Triplet::First => first,
            Triplet::Last => first.map(Sweep::reversed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::MARKER_S;

    #[test]
    fn every_pattern_is_uneven_and_unlike_every_other() {
        let all: Vec<_> = Pattern::all().collect();
        for (n, pattern) in all.iter().enumerate() {
            let [_, second, third] = pattern.offsets_s();
            assert!((third - 2.0 * second).abs() > 0.009, "even spacing is no identity");
            assert!(third + MARKER_S < 0.66 && second > 0.12 && third - second > 0.12);
            for other in &all[n + 1..] {
                let same_directions = pattern.sweeps(Triplet::First) == other.sweeps(Triplet::First);
                assert!(!same_directions || pattern.offsets_s() != other.offsets_s());
            }
        }
    }

    #[test]
    fn codes_use_all_patterns() {
        let used: std::collections::BTreeSet<u8> = (0..1000).map(|code| Pattern::of(code).0).collect();
        assert_eq!(used.len(), 64);
    }
}
