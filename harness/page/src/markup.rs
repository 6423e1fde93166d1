//! HTML put together so that text never becomes markup: names of elements and attributes are our own, everything else is escaped.

use std::fmt::Write as _;

use rigtone_report::sanitise;

/// Attributes of an element: a name of ours and any value.
pub(crate) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A piece of a page.
#[derive(Debug, Default)]
pub(crate) struct Markup(String);

impl Markup {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }

    pub(crate) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.0.push('<');
        self.0.push_str(name);
        for (key, value) in attributes {
            self.0.push(' ');
            self.0.push_str(key);
            if !value.is_empty() {
                self.0.push_str("=\"");
                escape(&mut self.0, value);
                self.0.push('"');
            }
        }
        self.0.push('>');
        self
    }

    pub(crate) fn close(&mut self, name: &'static str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        self
    }

    /// An element with what `inside` puts into it.
    pub(crate) fn element(&mut self, name: &'static str, attributes: Attributes<'_>, inside: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        inside(self);
        self.close(name);
    }

    /// An element that holds text alone.
    pub(crate) fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) -> &mut Self {
        self.open(name, attributes).text(text).close(name)
    }

    /// Text of anybody.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        escape(&mut self.0, text);
        self
    }

    /// Markup of ours.
    pub(crate) fn ours(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A piece that was made before.
    pub(crate) fn piece(&mut self, piece: &Self) -> &mut Self {
        self.0.push_str(&piece.0);
        self
    }

    /// A picture, a sound or a program that is a part of the page: base64 or hexadecimal digits, and what stands before them.
    pub(crate) fn embedded(&mut self, before: &'static str, digits: &str, after: &'static str) -> &mut Self {
        self.0.push_str(before);
        self.0.extend(digits.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')));
        self.0.push_str(after);
        self
    }

    /// A style sheet or a script that was checked to hold no end of its element.
    pub(crate) fn sheet(&mut self, name: &'static str, text: &str) -> &mut Self {
        debug_assert!(!text.contains("</"), "a sheet that ends its own element");
        self.open(name, &[]);
        self.0.push_str(text);
        self.close(name)
    }
}

/// One line that is safe between tags and within quoted attributes.
fn escape(out: &mut String, text: &str) {
    let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'<' | b'>' | b'&' | b'"' | b'\'');
    if text.bytes().all(plain) {
        out.push_str(text);
        return;
    }
    for c in sanitise::line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

/// A number for coordinates: at most one decimal, and never `NaN`.
pub(crate) fn coordinate(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let mut text = String::new();
    let _ = write!(text, "{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn text(text: &str) -> String {
        let mut markup = Markup::new();
        markup.text(text);
        markup.into_string()
    }

    #[rstest]
    #[case("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    #[case("a & b", "a &amp; b")]
    #[case("\" onload='x'", "&quot; onload=&#39;x&#39;")]
    #[case("a\u{202e}b\u{0}c\u{1b}[31md", "abcd")]
    #[case("Lautsprecher Küche \u{1f50a}", "Lautsprecher Küche \u{1f50a}")]
    fn text_stays_text(#[case] given: &str, #[case] written: &str) {
        assert_eq!(text(given), written);
    }

    proptest! {
        #[test]
        fn no_text_ends_an_attribute_or_begins_a_tag(given in "\\PC*", other in any::<String>()) {
            for given in [given, other] {
                let mut markup = Markup::new();
                markup.leaf("td", &[("title", &given)], &given);
                let markup = markup.into_string();
                prop_assert_eq!(markup.matches('<').count(), 2);
                prop_assert_eq!(markup.matches('>').count(), 2);
                prop_assert!(markup.matches('"').count() <= 2);
                prop_assert!(!markup.contains('\''));
            }
        }
    }

    #[rstest]
    #[case(1.0, "1")]
    #[case(-0.04, "0")]
    #[case(12.345, "12.3")]
    #[case(f64::NAN, "0")]
    fn coordinates_are_short(#[case] value: f64, #[case] text: &str) {
        assert_eq!(coordinate(value), text);
    }
}
