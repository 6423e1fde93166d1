//! Many questions at once: p-values as they must be read beside each other.

/// Adjusted by Holm's method (S. Holm 1979): below α with probability α at most for any of them that is true. For release gates.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut largest = 0.0f64;
    adjusted(p_values, (0..count).map(|place| (count - place) as f64), |p| {
        largest = largest.max(p);
        largest
    })
}

/// Adjusted by the method of Benjamini and Hochberg (1995): of those below α a share of α is true by chance. For dashboards.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let order = order(p_values);
    let mut out = vec![1.0; count];
    let mut smallest = 1.0f64;
    for (place, index) in order.into_iter().enumerate().rev() {
        smallest = smallest.min(p_values[index] * count as f64 / (place + 1) as f64);
        out[index] = smallest;
    }
    out
}

fn adjusted(p_values: &[f64], factors: impl Iterator<Item = f64>, mut run: impl FnMut(f64) -> f64) -> Vec<f64> {
    let mut out = vec![1.0; p_values.len()];
    for (index, factor) in order(p_values).into_iter().zip(factors) {
        out[index] = run((p_values[index] * factor).min(1.0));
    }
    out
}

/// Indices by rising value.
fn order(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    order
}
