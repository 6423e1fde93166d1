//! Expectations and what was seen of them, in words: every number with its unit, n and interval.

use rigtone_model::{
    document::{Expectation, WantedCodec},
    quantity::Duration,
};

fn percent(fraction: f64) -> String {
    let text = format!("{:.1}", fraction * 100.0);
    format!("{} %", text.trim_end_matches(".0"))
}

/// What is expected, such as "`pair` succeeds in at least 90 % of trials (95 % confidence)".
pub(super) fn expected(expectation: &Expectation<'_>) -> String {
    let what = match expectation {
        Expectation::SuccessRate(e) => match &e.of {
            Some(step) => format!("`{step}` succeeds"),
            None => "the trial succeeds".to_owned(),
        },
        Expectation::Audio(e) => {
            let verb = if e.present == Some(false) { "stays silent" } else { "is heard" };
            format!("`{}` {verb}", e.step)
        }
        Expectation::Codec(e) => match e.is {
            WantedCodec::Requested => "the requested codec is agreed on".to_owned(),
            WantedCodec::Codec(codec) => format!("the codec {codec} is agreed on"),
        },
        Expectation::Latency(e) => format!("`{}` is heard within {}", e.step, e.at_most),
        Expectation::Duration(e) => {
            let limit = |word: &str, limit: Option<Duration>| limit.map(|l| format!("{word} {l}"));
            let limits: Vec<String> =
                [limit("at least", e.at_least), limit("at most", e.at_most)].into_iter().flatten().collect();
            format!("`{}` takes {}", e.of, limits.join(" and "))
        }
        Expectation::Unsupported(e) => format!("`{}` is refused", e.of),
        other => format!("`{}`", other.name()),
    };
    match expectation.rate() {
        Some(rate) => format!(
            "{what} in at least {} of trials, {} with a good device ({} confidence)",
            percent(rate.at_least),
            percent(rate.good),
            percent(rate.confidence)
        ),
        None => what,
    }
}

/// A rate as it was seen, such as "34 of 35 trials (97.1 %; at least 87.1 %, at most 99.9 %, each with 95 % confidence)".
/// The bounds are one-sided, as the question is.
pub(super) fn rate(held: u32, ambiguous: u32, n: u32, lower: f64, upper: f64, confidence: f64) -> String {
    if n == 0 {
        return "no trial gave a result".to_owned();
    }
    let doubt = if ambiguous > 0 { format!(", {ambiguous} do not tell") } else { String::new() };
    format!(
        "{held} of {n} trials{doubt} ({}; at least {}, at most {}, each with {} confidence)",
        percent(f64::from(held) / f64::from(n)),
        percent(lower),
        percent(upper),
        percent(confidence),
    )
}

/// A percentile as it was seen, such as "p90 = 187.3 ms".
pub(super) fn percentile(percentile: f64, estimate: Option<(f64, f64)>, interval: Option<(f64, f64)>) -> String {
    let number = |x: f64| match x {
        x if x == f64::INFINITY => "never".to_owned(),
        x if x == f64::NEG_INFINITY => "unknown".to_owned(),
        x => format!("{x:.1} ms"),
    };
    let Some((low, high)) = estimate else { return String::new() };
    let name = format!("p{percentile}");
    let value = if low == high { number(low) } else { format!("{} to {}", number(low), number(high)) };
    match interval {
        Some((low, high)) if low < high => format!("{name} = {value}, {} to {} by rank; ", number(low), number(high)),
        Some(_) | None => format!("{name} = {value}; "),
    }
}
