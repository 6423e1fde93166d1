//! Text that came from devices, drivers and documents, made safe for terminals and XML. The only place where this is done.
//!
//! Removed are terminal control sequences (ECMA-48), characters that XML 1.0 does not allow, other control characters, and the
//! marks that turn the direction of text, which make a line read as something else.

use std::{iter::Peekable, str::Chars};

use rigtone_model::id::sha256_hex;

/// Text as one line: line breaks and tabs become a space.
pub fn line(text: &str) -> String {
    clean(text).map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).collect()
}

/// Text of several lines: line feeds and tabs stay.
pub fn block(text: &str) -> String {
    clean(text).collect()
}

/// A block that may stand between `<![CDATA[` and `]]>`.
pub fn cdata(text: &str) -> String {
    block(text).replace("]]>", "]]]]><![CDATA[>")
}

/// A document of JSON that a terminal bears: characters that must not be shown stand in it by their numbers, so nothing of
/// the text is lost. JSON has such characters within strings alone.
pub fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if shown(c) {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// A line of at most `most` characters; a longer one is cut and ends in `…`.
pub fn short(text: &str, most: usize) -> String {
    let text = line(text);
    match text.char_indices().nth(most) {
        None => text,
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A line of at most `most` characters (at least 10) by which the text can be told from any other: when cleaning or cutting
/// loses something, a digest of the whole text ends it. Never empty.
pub fn label(text: &str, most: usize) -> String {
    let clean = line(text);
    let clean = clean.trim();
    if clean == text && !clean.is_empty() && clean.chars().count() <= most {
        return clean.to_owned();
    }
    let kept: String = clean.chars().take(most.saturating_sub(9)).collect();
    format!("{kept}~{}", &sha256_hex(text.as_bytes())[..8])
}

/// The characters that may be shown. CR LF and CR become a line feed, as do the separators of Unicode.
fn clean(text: &str) -> impl Iterator<Item = char> {
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        loop {
            let c = rest.next()?;
            match c {
                '\u{1b}' => skip_sequence(&mut rest),
                '\u{9b}' => skip_control_sequence(&mut rest),
                '\r' => {
                    rest.next_if_eq(&'\n');
                    return Some('\n');
                }
                '\u{85}' | '\u{2028}' | '\u{2029}' => return Some('\n'),
                c if shown(c) => return Some(c),
                _ => {}
            }
        }
    })
}

fn shown(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => false,
        c => !c.is_control(),
    }
}

/// After ESC: `[` begins a control sequence; `]`, `P`, `X`, `^` and `_` begin a string up to BEL or ESC `\`; anything else is
/// intermediate characters and one final character.
fn skip_sequence(rest: &mut Peekable<Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            // A string that nothing ends is no string: what follows it must not vanish.
            let mut ahead = rest.clone();
            while let Some(c) = ahead.next() {
                let ended = c == '\u{7}' || c == '\u{9c}' || (c == '\u{1b}' && ahead.next_if_eq(&'\\').is_some());
                if ended {
                    *rest = ahead;
                    return;
                }
                if c == '\n' {
                    return;
                }
            }
        }
        Some(' '..='/') => {
            while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
            rest.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => {
            rest.next();
        }
        _ => {}
    }
}

fn skip_control_sequence(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
    rest.next_if(|c| ('@'..='~').contains(c));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// XML 1.0, production 2.
    fn allowed_in_xml(c: char) -> bool {
        matches!(u32::from(c), 0x9 | 0xa | 0xd | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..=0x10_ffff)
    }

    #[test]
    fn of_every_character_only_what_xml_and_terminals_can_bear_is_left() {
        for c in '\0'..=char::MAX {
            for kept in block(&format!("a{c}b")).chars() {
                assert!(
                    allowed_in_xml(kept) && (!kept.is_control() || matches!(kept, '\n' | '\t')),
                    "{c:?} gives {kept:?}"
                );
            }
            assert!(!line(&format!("a{c}b")).contains(char::is_control), "{c:?}");
        }
    }

    #[rstest]
    #[case::colour("\u{1b}[1;31mred\u{1b}[0m", "red")]
    #[case::clear_screen("a\u{1b}[2Jb", "ab")]
    #[case::window_title("a\u{1b}]0;owned\u{7}b", "ab")]
    #[case::link("\u{1b}]8;;http://x\u{1b}\\text\u{1b}]8;;\u{1b}\\", "text")]
    #[case::string_without_end("a\u{1b}]0;not hidden", "a0;not hidden")]
    #[case::string_over_a_line("a\u{1b}]0;x\nb\u{7}", "a0;x b")]
    #[case::eight_bit("a\u{9b}31mb", "ab")]
    #[case::charset("a\u{1b}(0b", "ab")]
    #[case::two_characters("a\u{1b}cb", "ab")]
    #[case::cut_sequence("a\u{1b}[12", "a")]
    #[case::lone_escape("a\u{1b}", "a")]
    #[case::escape_before_a_letter_of_ours("a\u{1b}\u{1f50a}", "a\u{1f50a}")]
    #[case::line_breaks("a\r\nb\rc\nd\te", "a b c d e")]
    #[case::turned_text("abc\u{202e}cba", "abccba")]
    #[case::not_a_character("a\u{fffe}\u{ffff}b", "ab")]
    #[case::emoji("\u{1f50a} \u{1f1e9}\u{1f1ea}", "\u{1f50a} \u{1f1e9}\u{1f1ea}")]
    fn sequences_are_removed_and_text_stays(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(line(text), expected);
    }

    #[test]
    fn a_section_end_is_split_in_two_sections() {
        assert_eq!(cdata("a]]>b\nc"), "a]]]]><![CDATA[>b\nc");
        // What stands between the parts must not hide an end.
        assert_eq!(cdata("]]\0>"), "]]]]><![CDATA[>");
    }

    #[test]
    fn a_document_of_json_says_the_same_without_what_a_terminal_obeys() {
        for text in ["a\u{9b}31mb", "\u{1b}[2J", "abc\u{202e}cba", "\u{fffe}", "\u{7f}", "\u{1f50a} \\u0000\n"] {
            let document = serde_json::to_string_pretty(&[text]).unwrap();
            let safe = json(&document);
            assert!(safe.chars().all(shown), "{safe}");
            assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), [text]);
        }
    }

    #[test]
    fn labels_stay_as_they_are_when_they_can_and_differ_when_they_cannot() {
        assert_eq!(label("codec=sbc", 40), "codec=sbc");
        let labels = ["a\u{1b}[1mb", "a\0b", "ab", "", "\0", "x".repeat(10_000).as_str(), "x".repeat(10_001).as_str()]
            .map(|text| label(text, 40));
        for (i, one) in labels.iter().enumerate() {
            assert!(!one.is_empty() && one.chars().count() <= 40, "{one}");
            assert!(labels[i + 1..].iter().all(|other| other != one), "{one} twice");
        }
    }

    #[test]
    fn a_long_line_is_cut_at_a_character() {
        assert_eq!(short("\u{1f50a}\u{1f50a}\u{1f50a}\u{1f50a}", 3), "\u{1f50a}\u{1f50a}…");
        assert_eq!(short("abc", 3), "abc");
    }
}
