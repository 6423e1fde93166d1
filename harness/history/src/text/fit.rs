//! Lines that fit a terminal.

/// The narrowest lines; a terminal that is narrower breaks them itself.
const NARROWEST: usize = 20;

/// How much further what is broken off is indented than its line.
const INDENT: usize = 4;

/// A text whose lines are no longer than that: they are broken after a comma or a space, a word that is longer than a line anywhere.
pub(super) fn fit(text: String, width: Option<usize>) -> String {
    let Some(width) = width else { return text };
    let mut fitted = String::with_capacity(text.len());
    for line in text.lines() {
        broken(&mut fitted, line, width.max(NARROWEST));
        fitted.push('\n');
    }
    fitted
}

fn broken(fitted: &mut String, line: &str, width: usize) {
    let line = line.trim_end_matches(' ');
    if seen(line) <= width {
        fitted.push_str(line);
        return;
    }
    let rest = line.trim_start_matches(' ');
    // Half of the line is for words, however far its table is indented.
    let mut column = (line.len() - rest.len()).min(width / 2);
    let indent = (column + INDENT).min(width / 2);
    fitted.push_str(&" ".repeat(column));
    let mut words = false;
    for mut piece in rest.split_inclusive([' ', ',']) {
        if words && column + seen(piece.trim_end()) > width {
            column = next(fitted, indent);
            words = false;
        }
        if !words && piece == " " {
            continue;
        }
        while column + seen(piece.trim_end()) > width {
            let at = piece.char_indices().nth(width - column).map_or(piece.len(), |(at, _)| at);
            let (head, tail) = piece.split_at(at);
            fitted.push_str(head);
            column = next(fitted, indent);
            piece = tail;
        }
        fitted.push_str(piece);
        column += seen(piece);
        words = true;
    }
}

/// Begins the next line; gives its first column.
fn next(fitted: &mut String, indent: usize) -> usize {
    fitted.truncate(fitted.trim_end().len());
    fitted.push('\n');
    fitted.push_str(&" ".repeat(indent));
    indent
}

/// The characters that a terminal shows of a text: colours are none.
fn seen(text: &str) -> usize {
    let (mut shown, mut escape) = (0, false);
    for character in text.chars() {
        match character {
            '\u{1b}' => escape = true,
            'm' if escape => escape = false,
            _ if escape => {}
            _ => shown += 1,
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing("\n", "\n")]
    #[case::short("pass  12 d\n", "pass  12 d\n")]
    #[case::exactly("12345678901234567890  \n", "12345678901234567890\n")]
    #[case::at_a_comma("a pairing/codec=sbc,source=phone-7.1\n", "a pairing/codec=sbc,\n    source=phone-7.1\n")]
    #[case::indented("  one two three four five\n", "  one two three four\n      five\n")]
    #[case::a_long_word("one 12345678901234567890\n", "one\n    1234567890123456\n    7890\n")]
    #[case::a_long_word_alone("  12345678901234567890\n", "  123456789012345678\n      90\n")]
    #[case::spaces_at_the_end_of_a_line("12345678901234567890   x\n", "12345678901234567890\n    x\n")]
    #[case::colours("\u{1b}[1;31mfail        \u{1b}[0m one two\n", "\u{1b}[1;31mfail        \u{1b}[0m one two\n")]
    #[case::two_lines("one\n\ntwo\n", "one\n\ntwo\n")]
    fn lines_fit(#[case] text: &str, #[case] fitted: &str) {
        assert_eq!(fit(text.to_owned(), Some(20)), fitted);
        assert_eq!(fit(text.to_owned(), None), text);
    }

    #[rstest]
    fn whatever_the_width_nothing_is_longer_and_nothing_is_lost(
        #[values(0, 20, 40, 79, 80)] width: usize,
        #[values(0, 4, 30)] indent: usize,
    ) {
        let text = format!("{}pairing/codec=sbc,source={},speaker=box x, y\n", " ".repeat(indent), "ü".repeat(50));
        let fitted = fit(text.clone(), Some(width));
        assert!(fitted.lines().all(|line| line.chars().count() <= width.max(NARROWEST)), "{fitted}");
        let words = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(words(&fitted), words(&text));
    }
}
