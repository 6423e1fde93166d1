//! Axes: from values to places, and round numbers to label them with.

/// A linear axis.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// The value at its beginning.
    pub low: f64,
    /// The value at its end, which is above.
    pub high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// An axis from `low` to `high` (widened when they are equal) over the places `from` to `to`.
    pub fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        let (low, high) = match (low.is_finite(), high.is_finite()) {
            (true, true) if high > low => (low, high),
            (true, _) => (low, low + low.abs().max(1.0) * 0.1),
            _ => (0.0, 1.0),
        };
        Self { low, high, from, to }
    }

    /// The place of a value; of one beyond the ends that of the end.
    pub fn at(self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.from + share * (self.to - self.from)
    }

    /// Round values within, about `most` of them.
    pub fn ticks(self, most: usize) -> Vec<f64> {
        let step = round_step((self.high - self.low) / most.max(1) as f64);
        let first = (self.low / step).ceil();
        let count = ((self.high / step).floor() - first).max(0.0) as usize;
        (0..=count.min(50)).map(|n| (first + n as f64) * step).filter(|v| *v <= self.high + step * 1e-9).collect()
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below.
pub fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let ten = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * ten).find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * ten)
}

/// A label of an axis whose ticks are `step` apart.
pub fn label(value: f64, step: f64) -> String {
    let decimals = (-step.abs().max(1e-9).log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.')) { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, 10.0, 5, &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0])]
    #[case(203.0, 236.0, 4, &[210.0, 220.0, 230.0])]
    #[case(-30.0, -10.0, 2, &[-30.0, -20.0, -10.0])]
    fn ticks_are_round(#[case] low: f64, #[case] high: f64, #[case] most: usize, #[case] ticks: &[f64]) {
        assert_eq!(Scale::new(low, high, 0.0, 100.0).ticks(most), ticks);
    }

    #[rstest]
    #[case(5.0, 5.0)]
    #[case(f64::NAN, 3.0)]
    #[case(0.0, f64::INFINITY)]
    #[case(1e300, -1e300)]
    fn any_ends_make_an_axis(#[case] low: f64, #[case] high: f64) {
        let scale = Scale::new(low, high, 0.0, 100.0);
        assert!(scale.high > scale.low && scale.ticks(5).len() <= 51);
        assert!((0.0..=100.0).contains(&scale.at(7.0)));
    }

    #[rstest]
    #[case(0.30000000000000004, 0.1, "0.3")]
    #[case(200.0, 50.0, "200")]
    #[case(-0.0, 1.0, "0")]
    fn labels_have_the_decimals_of_their_step(#[case] value: f64, #[case] step: f64, #[case] text: &str) {
        assert_eq!(label(value, step), text);
    }
}
