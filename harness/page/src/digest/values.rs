//! Numbers that were measured in many trials.

use rigtone_model::observation::Value;

/// The values of one quantity over the trials of a combination. Four bytes a value: a million trials take some megabytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Values {
    pub(crate) unit: String,
    pub(crate) numbers: Vec<f32>,
    /// The largest half width of the intervals in which the true values lie.
    pub(crate) uncertainty: f64,
    /// Trials in which only a bound is known, or nothing.
    pub(crate) untold: u32,
}

impl Values {
    pub(crate) fn push(&mut self, value: f64) {
        if value.is_finite() {
            self.numbers.push(value as f32);
        } else {
            self.untold += 1;
        }
    }

    /// Takes what a trial observed; words and truths are no numbers.
    pub(crate) fn take(&mut self, value: &Value) {
        match value {
            Value::Number { value, unit, uncertainty } => {
                if self.unit.is_empty() {
                    self.unit.clone_from(unit);
                }
                // What is told in another unit cannot stand on the same axis.
                if self.unit == *unit {
                    self.push(*value);
                    self.uncertainty = self.uncertainty.max(if uncertainty.is_finite() { *uncertainty } else { 0.0 });
                } else {
                    self.untold += 1;
                }
            }
            Value::Range { .. } | Value::Inconclusive { .. } => self.untold += 1,
            Value::Truth(_) | Value::Word(_) => {}
        }
    }

    pub(crate) fn sorted(&self) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.numbers.iter().map(|v| f64::from(*v)).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// The place of a percentile among `n` sorted values, from 1, as the judge counts: ⌈n·share⌉.
pub(crate) fn rank(n: usize, share: f64) -> usize {
    (n as f64 * share).ceil().max(1.0) as usize
}

/// A percentile of sorted values: one of them.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    sorted.get(rank(sorted.len(), share).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.5, Some(5.0))]
    #[case(0.9, Some(9.0))]
    #[case(0.0, Some(1.0))]
    #[case(1.0, Some(10.0))]
    fn a_percentile_is_a_value_that_was_seen(#[case] share: f64, #[case] value: Option<f64>) {
        let sorted: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(percentile(&sorted, share), value);
        assert_eq!(percentile(&[], share), None);
    }

    #[test]
    fn what_has_no_number_or_another_unit_is_counted_and_not_drawn() {
        let mut values = Values::default();
        let number = |value, unit: &str| Value::Number { value, unit: unit.to_owned(), uncertainty: 0.5 };
        for value in [
            number(1.0, "ms"),
            number(2.0, "s"),
            number(f64::INFINITY, "ms"),
            Value::Inconclusive { reason: "silent".to_owned() },
            Value::Truth(true),
        ] {
            values.take(&value);
        }
        assert_eq!((values.numbers, values.untold, values.uncertainty), (vec![1.0], 3, 0.5));
    }
}
