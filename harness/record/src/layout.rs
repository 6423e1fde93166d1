//! Where things lie in a run directory.

use rigtone_model::id::{CombinationId, sha256_hex};

/// What was asked for.
pub const PLAN: &str = "plan.json";
/// What the run ran on.
pub const ENVIRONMENT: &str = "environment.json";
/// What happened: the truth.
pub const EVENTS: &str = "events.jsonl";
/// What the judge made of it.
pub const VERDICTS: &str = "verdicts.json";
/// The folder of the evidence.
pub const EVIDENCE: &str = "evidence";

/// The longest file name of a piece of evidence, in bytes.
const LONGEST_NAME: usize = 100;

/// Where a piece of evidence lies, below the run directory: `evidence/<combination>/0001/<name>`, from the second
/// attempt at a trial on `evidence/<combination>/0001.2/<name>`.
pub fn evidence_path(combination: &CombinationId, trial: u32, attempt: u32, name: &str) -> String {
    format!("{}/{}", evidence_folder(combination, trial, attempt), evidence_name(name))
}

/// The folder of an attempt's evidence, below the run directory.
pub(crate) fn evidence_folder(combination: &CombinationId, trial: u32, attempt: u32) -> String {
    let slug = combination.slug();
    if attempt > 1 {
        format!("{EVIDENCE}/{slug}/{trial:04}.{attempt}")
    } else {
        format!("{EVIDENCE}/{slug}/{trial:04}")
    }
}

/// A name that is safe as a file name and in a URL: `a-z A-Z 0-9 . _ -`, not beginning with a dot, of bounded length.
/// Different names stay different; a name that is safe stays as it is.
pub fn evidence_name(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' }).collect();
    if safe == name && !name.is_empty() && !name.starts_with('.') && name.len() <= LONGEST_NAME {
        return safe;
    }
    // The digest keeps apart what became alike; the extension stays, since viewers go by it.
    let digest = &sha256_hex(name.as_bytes())[..8];
    let (stem, extension) = match safe.rsplit_once('.') {
        Some((stem, extension)) if (1..=8).contains(&extension.len()) => (stem, format!(".{extension}")),
        _ => (safe.as_str(), String::new()),
    };
    let stem = stem.trim_start_matches('.');
    let stem = &stem[..stem.len().min(LONGEST_NAME - 24)];
    format!("{stem}-{digest}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn evidence_lies_below_its_combination_and_trial() {
        let id = CombinationId::from("s/a=b#00000000");
        assert_eq!(evidence_path(&id, 7, 1, "bench-1.wav"), "evidence/s.a-b.00000000/0007/bench-1.wav");
        assert_eq!(evidence_path(&id, 12345, 3, "bench-1.wav"), "evidence/s.a-b.00000000/12345.3/bench-1.wav");
    }

    #[rstest]
    #[case("")]
    #[case(".")]
    #[case("..")]
    #[case("../../etc/passwd")]
    #[case("/absolute.wav")]
    #[case(".hidden")]
    #[case("a\0b.wav")]
    #[case("zwölf \u{1f50a}.wav")]
    #[case("a\n\u{1b}[31m")]
    #[case(&"x".repeat(10_000))]
    #[case("a.\u{1f50a}\u{1f50a}")]
    fn any_name_becomes_a_plain_file_name(#[case] name: &str) {
        let safe = evidence_name(name);
        assert!(safe.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)), "{safe}");
        assert!(!safe.is_empty() && !safe.starts_with('.') && safe.len() <= LONGEST_NAME, "{safe}");
    }

    #[rstest]
    #[case("a/b.wav", "a?b.wav")]
    #[case("a/b.wav", "a-b.wav")]
    #[case("", ".")]
    fn different_names_stay_different(#[case] one: &str, #[case] other: &str) {
        assert_ne!(evidence_name(one), evidence_name(other));
    }

    #[test]
    fn the_extension_stays() {
        assert!(evidence_name("left ear.wav").ends_with(".wav"));
    }
}
