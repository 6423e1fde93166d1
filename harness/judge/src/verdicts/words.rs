//! Expectations and what was seen of them, in words: every number with its unit, n and interval.

use rigtone_model::{
    comparison::Summary,
    document::{Asked, Audio, Countable, Difference, Expectation, WantedCodec},
    quantity::Duration,
    verdict::ExpectationVerdict,
};

use crate::{comparison::Apart, poisson::Count, proportion::Proportion, stability::Runs};

/// Sessions that are told one by one.
const MOST_SESSIONS: usize = 12;

/// More decimals than a share near certainty can have.
const MOST_DECIMALS: usize = 15;

/// A share with one decimal, or with as many as it takes: short of certainty it is never rounded to it, and what is more than nothing never to nothing.
fn percent(fraction: f64) -> String {
    let value = fraction * 100.0;
    let exact = fraction <= 0.0 || fraction >= 1.0;
    let shown = |decimals: usize| {
        let text = format!("{value:.decimals$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let text = (1..=MOST_DECIMALS).map(shown).find(|text| exact || !matches!(text.as_str(), "0" | "100"));
    format!("{} %", text.unwrap_or_else(|| format!("{value:.0e}")))
}

/// What is expected, such as "`pair` succeeds in at least 90 % of trials (95 % confidence)".
pub(super) fn expected(expectation: &Expectation<'_>) -> String {
    let what = match expectation {
        Expectation::SuccessRate(e) => match &e.of {
            Some(step) => format!("`{step}` succeeds"),
            None => "the trial succeeds".to_owned(),
        },
        Expectation::Audio(e) => format!("`{}` {}", e.step, of_sound(e)),
        Expectation::Codec(e) => {
            let codec = match e.is {
                WantedCodec::Requested => "the requested codec is agreed on".to_owned(),
                WantedCodec::Codec(codec) => format!("the codec {codec} is agreed on"),
            };
            let limit = e.bit_rate_at_most.map(|limit| format!(" with at most {limit}"));
            codec + &limit.unwrap_or_default()
        }
        Expectation::Latency(e) => {
            let early = e.at_least.map(|limit| format!(", and not before {limit}"));
            format!("`{}` is heard within {}{}", e.step, e.at_most, early.unwrap_or_default())
        }
        Expectation::Duration(e) => {
            let text = |limit: Option<Duration>| limit.map(|limit| limit.to_string());
            format!("`{}` takes {}", e.of, limits(text(e.at_least), text(e.at_most)))
        }
        Expectation::Unsupported(e) => format!("`{}` is refused", e.of),
        Expectation::Response(e) => {
            let limits = limits(e.at_least.map(|l| l.to_string()), e.at_most.map(|l| l.to_string()));
            format!("`{}` at {} is {limits} re 1 kHz", e.step, e.at)
        }
        Expectation::Measured(e) => {
            let of = e.of.quantity().as_str();
            format!("{of} of `{}` is {}", e.step, limits(e.at_least.clone(), e.at_most.clone()))
        }
        Expectation::Count(e) => {
            let (limit, good, confidence) = e.rates();
            let of = e.step.as_deref().map_or(String::new(), |step| format!(" of `{step}`"));
            let confidence = percent(confidence);
            let events = match e.of {
                Countable::Dropouts => "dropouts",
                Countable::Reactions => "reactions",
                Countable::LinkLosses => "losses of the link",
            };
            return format!(
                "{events}{of} at most {limit} /h, {good:.3} /h with a good device ({confidence} confidence)"
            );
        }
        Expectation::Difference(e) => {
            let limits = limits(e.at_least.clone(), e.at_most.clone());
            let of = e.step.as_deref().map_or(String::new(), |step| format!(" of `{step}`"));
            let [first, second] = sides(e);
            let confidence = percent(e.confidence());
            let what = e.of.as_str();
            return format!(
                "{what}{of} with `{second}` less that with `{first}` is {limits} ({confidence} confidence)"
            );
        }
        Expectation::All(_) | Expectation::Any(_) => {
            let all = matches!(expectation, Expectation::All(_));
            let parts: Vec<String> = expectation.parts().map(|part| expected(&part)).collect();
            return format!("{}: {}", if all { "all of" } else { "any of" }, parts.join("; "));
        }
        Expectation::Role(e) => format!("the service records of `{}` state the role {}", e.of, e.is),
    };
    match expectation.rate() {
        Some(rate) if expectation.is_extreme() => format!(
            "{what} in every trial, shown for at least {} of trials ({} confidence)",
            percent(rate.at_least),
            percent(rate.confidence)
        ),
        Some(rate) => format!(
            "{what} in at least {} of {}, {} with a good device ({} confidence)",
            percent(rate.at_least),
            expectation.per().plural(),
            percent(rate.good),
            percent(rate.confidence)
        ),
        None => what,
    }
}

/// Limits, such as "at least 40 Hz and at most 80 Hz".
fn limits(at_least: Option<String>, at_most: Option<String>) -> String {
    let (low, high) = (at_least.map(|l| format!("at least {l}")), at_most.map(|l| format!("at most {l}")));
    low.into_iter().chain(high).collect::<Vec<_>>().join(" and ")
}

/// What is expected of a sound, such as "is heard with at most 0 dropouts".
fn of_sound(audio: &Audio) -> String {
    let (mut verb, mut parts) = ("is heard", Vec::new());
    audio.each(|_, quantity, asked| {
        let name = quantity.as_str().replace('-', " ");
        match asked {
            Asked::Present(true) => {}
            Asked::Present(false) => verb = "stays silent",
            Asked::AtMost(limit) => parts.push(format!("at most {limit} {name}")),
            Asked::Is(true) => parts.push(name),
            Asked::Is(false) => parts.push(format!("no {name}")),
            Asked::OneOf(words) => parts.push(format!("{name} {}", words.join(" or "))),
        }
    });
    if parts.is_empty() { verb.to_owned() } else { format!("{verb} with {}", parts.join(", ")) }
}

/// A rate as it was seen, such as "34 of 35 trials (97.1 %; at least 87.1 %, at most 99.9 %, each with 95 % confidence)".
/// The bounds are one-sided, as the question is. Where no trial tells there is no rate.
pub(super) fn rate(
    held: u32,
    ambiguous: u32,
    n: u32,
    what: &str,
    (lower, upper): (f64, f64),
    confidence: f64,
) -> String {
    if n == 0 {
        return "no trial gave a result".to_owned();
    }
    if ambiguous == n {
        return match n {
            1 => format!("1 {}, which does not tell", what.trim_end_matches('s')),
            _ => format!("{n} {what}, none of which tells"),
        };
    }
    let doubt = if ambiguous > 0 { format!(", {ambiguous} do not tell") } else { String::new() };
    format!(
        "{held} of {n} {what}{doubt} ({}; at least {}, at most {}, each with {} confidence)",
        percent(f64::from(held) / f64::from(n)),
        percent(lower),
        percent(upper),
        percent(confidence),
    )
}

/// Failures in clusters, such as "failures come in clusters: 4 stretches of equal outcomes in 40 trials where 16.0 would be expected (p = 0.001)".
pub(super) fn clusters(runs: &Runs, trials: usize) -> String {
    format!(
        "failures come in clusters: {} stretches of equal outcomes in {trials} trials where {:.1} would be expected (p = {:.1e})",
        runs.runs, runs.expected, runs.p
    )
}

/// Sessions that differ, such as "sessions differ: 10 of 10, 3 of 10 (p = 3.1e-3)".
pub(super) fn sessions(sessions: &[Proportion], p: f64) -> String {
    let each: Vec<String> = sessions.iter().map(|s| format!("{} of {}", s.successes(), s.trials())).collect();
    let (shown, rest) = each.split_at(each.len().min(MOST_SESSIONS));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("sessions differ: {}{more} (p = {p:.1e})", shown.join(", "))
}

/// Events as they were seen, such as "3 in 10.00 h (0.3 /h; at most 0.78 /h with 95 % confidence)".
pub(super) fn events(count: Count, upper: f64, confidence: f64) -> String {
    match count.estimate() {
        None => "nothing was listened to".to_owned(),
        Some(rate) => format!(
            "{} in {:.3} h ({rate:.2} /h; at most {upper:.2} /h with {} confidence)",
            count.events,
            count.hours,
            percent(confidence)
        ),
    }
}

/// The two values that a difference is between.
fn sides(difference: &Difference) -> [&str; 2] {
    [0, 1].map(|side| difference.between.get(side).map_or("", String::as_str))
}

/// A difference as it was seen, such as "12.5 % (3.1 to 20.4 %, each with 95 % confidence; 40 trials with `as-it-was`, 40 with `power-cycled`; 2 looks)".
pub(super) fn apart(difference: &Difference, apart: &Apart, confidence: f64, looks: usize) -> String {
    let unit = difference.of.unit().0;
    let number = |x: f64| match x {
        x if x == f64::INFINITY => "any more".to_owned(),
        x if x == f64::NEG_INFINITY => "any less".to_owned(),
        x => format!("{x:.1} {unit}"),
    };
    let [first, second] = sides(difference);
    format!(
        "{} (at least {}, at most {}, each with {} confidence; {} with `{first}`, {} with `{second}`; {})",
        apart.estimate.map_or_else(|| "unknown".to_owned(), number),
        number(apart.interval.lower),
        number(apart.interval.upper),
        percent(confidence),
        side(&apart.first, unit),
        side(&apart.second, unit),
        match looks {
            0 => "not looked at yet".to_owned(),
            1 => "looked at once".to_owned(),
            n => format!("looked at {n} times"),
        }
    )
}

/// One side in figures, such as "95 % of 40 trials".
fn side(side: &Summary, unit: &str) -> String {
    let estimate = match side.estimate {
        None => "unknown".to_owned(),
        Some(rate) if unit == "%" => percent(rate),
        Some(value) => format!("{value:.1} {unit}"),
    };
    format!("{estimate} in {} trials", side.n)
}

/// What was seen of the parts of an expectation, such as "pass: 34 of 35 trials …; inconclusive: …".
pub(super) fn together(parts: &[ExpectationVerdict]) -> String {
    let each: Vec<String> = parts.iter().map(|part| format!("{}: {}", part.verdict, part.seen)).collect();
    each.join(" | ")
}

/// A percentile as it was seen, such as "p90 = 187.3 ms".
pub(super) fn percentile(name: &str, unit: &str, (low, high): (f64, f64), interval: Option<(f64, f64)>) -> String {
    let number = |x: f64| match x {
        x if x == f64::INFINITY => "never".to_owned(),
        x if x == f64::NEG_INFINITY => "unknown".to_owned(),
        x => format!("{x:.1} {unit}"),
    };
    // A time may never have come; of anything else only a bound is known where there is no end.
    let range = |low: f64, high: f64| match (low, high) {
        _ if unit == "ms" => format!("{} to {}", number(low), number(high)),
        (f64::NEG_INFINITY, f64::INFINITY) => "unknown".to_owned(),
        (f64::NEG_INFINITY, high) => format!("at most {}", number(high)),
        (low, f64::INFINITY) => format!("at least {}", number(low)),
        (low, high) => format!("{} to {}", number(low), number(high)),
    };
    let value = if low == high { number(low) } else { range(low, high) };
    match interval {
        Some((low, high)) if low < high => format!("{name} = {value}, {} by rank; ", range(low, high)),
        Some(_) | None => format!("{name} = {value}; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::certain(1.0, "100 %")]
    #[case::nothing(0.0, "0 %")]
    #[case::whole(0.9, "90 %")]
    #[case::one_decimal(0.9714, "97.1 %")]
    #[case::the_last_of_one_decimal(0.9994, "99.9 %")]
    #[case::short_of_certainty(0.9996, "99.96 %")]
    #[case::very_short_of_it(0.999_996, "99.9996 %")]
    #[case::the_last_before_it(1.0 - f64::EPSILON / 2.0, "99.99999999999999 %")]
    #[case::little(0.0004, "0.04 %")]
    #[case::very_little(0.000_004, "0.0004 %")]
    #[case::next_to_nothing(1e-20, "1e-18 %")]
    fn a_share_is_never_rounded_to_all_or_nothing(#[case] fraction: f64, #[case] text: &str) {
        assert_eq!(percent(fraction), text);
    }

    #[rstest]
    #[case::none(0, 0, 0, "no trial gave a result")]
    #[case::one_that_does_not_tell(0, 1, 1, "1 trial, which does not tell")]
    #[case::none_that_tells(0, 5, 5, "5 trials, none of which tells")]
    #[case::one_that_tells(
        0,
        4,
        5,
        "0 of 5 trials, 4 do not tell (0 %; at least 0 %, at most 50 %, each with 95 % confidence)"
    )]
    fn a_rate_of_nothing_is_none(#[case] held: u32, #[case] ambiguous: u32, #[case] n: u32, #[case] text: &str) {
        assert_eq!(rate(held, ambiguous, n, "trials", (0.0, 0.5), 0.95), text);
    }
}
