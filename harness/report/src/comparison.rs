//! A comparison for people, and its exit code.

use std::fmt::Write as _;

use rigtone_model::comparison::{Answer, Comparison, Comparisons, Method, Summary};

use crate::{
    exit::Code,
    figure::{count, quantity},
    sanitise::line,
};

/// The exit code of a comparison: worse is a failure; what the trials do not tell is not decided.
pub fn code(whole: &Comparisons) -> Code {
    if whole.questions.is_empty() {
        Code::Nothing
    } else if whole.count(Answer::Worse) > 0 {
        Code::Failure
    } else if whole.count(Answer::CannotTell) > 0 {
        Code::Inconclusive
    } else {
        Code::Passed
    }
}

/// The comparison as text, group by group.
pub fn text(whole: &Comparisons) -> String {
    let mut text = format!(
        "{} `{}` beside `{}` ({:.0} % confidence, adjusted for {})\n",
        line(&whole.by),
        line(&whole.second),
        line(&whole.first),
        100.0 * whole.confidence,
        count(whole.questions.len(), "question")
    );
    let mut group = "";
    for question in &whole.questions {
        if question.group != group {
            group = &question.group;
            let _ = writeln!(text, "\n{}", line(group));
        }
        let c = &question.comparison;
        let _ = writeln!(text, "  {:<12}{}: {}", word(c.answer), line(&question.title), figures(c));
    }
    for group in &whole.unmatched {
        let _ = writeln!(text, "\nnot compared, on one side only: {}", line(group));
    }
    let counts: Vec<String> = [Answer::Worse, Answer::Different, Answer::CannotTell, Answer::Same, Answer::Better]
        .into_iter()
        .filter(|answer| whole.count(*answer) > 0)
        .map(|answer| format!("{} {}", whole.count(answer), word(answer)))
        .collect();
    match counts.as_slice() {
        [] => text.push_str("\nnothing to compare\n"),
        some => _ = writeln!(text, "\n{}", some.join(", ")),
    }
    text.push_str(&remarks(whole));
    text
}

/// What figures mean that do not say so themselves.
fn remarks(whole: &Comparisons) -> String {
    let mut text = String::new();
    let some = |what: fn(&Comparison) -> bool| whole.questions.iter().any(|question| what(&question.comparison));
    if some(|c| c.needed.is_some()) {
        let (alpha, questions) = (1.0 - whole.confidence, whole.questions.len());
        let level = alpha / questions as f64;
        let level = if level >= 0.001 { format!("{level:.3}") } else { format!("{level:.1e}") };
        let _ = writeln!(
            text,
            "so many trials would show it with 80 %, at p = {level}: {:.0} % for all {}",
            100.0 * alpha,
            count(questions, "question")
        );
    }
    if some(|c| c.first.estimate.is_none() && c.second.estimate.is_none()) {
        text.push_str(
            "never on both sides: what did not come has no time, so that there is no difference to measure\n",
        );
    }
    text
}

const fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Better => "better",
        Answer::Worse => "worse",
        Answer::Different => "different",
        Answer::Same => "same",
        Answer::CannotTell => "cannot tell",
    }
}

fn figures(c: &Comparison) -> String {
    // A rate is a fraction; a measured value may be in per cent by itself.
    let is_rate = matches!(c.method, Method::Fisher | Method::Mcnemar);
    let side = |of: Summary| match (of.estimate, c.unit.as_str()) {
        (None, _) => format!("never (n = {})", of.n),
        (Some(rate), _) if is_rate => format!("{} (n = {})", quantity(100.0 * rate, "%"), of.n),
        (Some(rate), "times as many") => format!("{rate:.3} /h (n = {})", of.n),
        (Some(value), unit) => format!("{value:.2} {unit} (n = {})", of.n),
    };
    let end = |end: Option<f64>| end.map_or("open".to_owned(), |end| format!("{end:+.2}"));
    let difference = match (c.difference, c.unit.as_str()) {
        (None, _) => "no figure for the difference".to_owned(),
        (Some(d), "%") => format!("{d:+.1} points"),
        (Some(d), unit) => format!("{d:+.2} {unit}"),
    };
    let method = match c.method {
        Method::Fisher => "Fisher",
        Method::Mcnemar => "McNemar, in pairs",
        Method::MannWhitney => "Mann-Whitney",
        Method::SignedRank => "signed ranks, in pairs",
        Method::Poisson => "Poisson",
    };
    let mut text = format!(
        "{} -> {}: {difference} [{}, {}], p = {}, adjusted {} ({method})",
        side(c.first),
        side(c.second),
        end(c.low),
        end(c.high),
        probability(c.p),
        probability(c.p_adjusted)
    );
    if let Some(n) = c.needed {
        let _ = write!(text, "; {n} trials each would show a difference like that");
    }
    text
}

fn probability(p: f64) -> String {
    if p >= 0.001 { format!("{p:.3}") } else { format!("{p:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn beside(method: Method, first: f64, second: f64) -> String {
        let side = |estimate| Summary { n: 600, estimate: Some(estimate), ambiguous: 0 };
        figures(&Comparison {
            method,
            first: side(first),
            second: side(second),
            unit: "%".to_owned(),
            difference: Some(0.0),
            low: None,
            high: None,
            p: 1.0,
            p_adjusted: 1.0,
            answer: Answer::CannotTell,
            needed: None,
        })
    }

    #[rstest]
    #[case::never_certain_and_never_nothing(Method::Fisher, 0.9999, 0.00004, "99.9 % (n = 600) -> 0.004 % (n = 600): ")]
    #[case::all_and_none(Method::Mcnemar, 1.0, 0.0, "100 % (n = 600) -> 0 % (n = 600): ")]
    #[case::measured_in_per_cent(Method::MannWhitney, 1.5, 0.25, "1.50 % (n = 600) -> 0.25 % (n = 600): ")]
    fn shares_are_shown_as_they_are(
        #[case] method: Method,
        #[case] first: f64,
        #[case] second: f64,
        #[case] words: &str,
    ) {
        let said = beside(method, first, second);
        assert!(said.starts_with(words), "{said}");
    }
}
