//! HTML put together so that text never becomes markup: names of elements and attributes are our own, everything else is escaped.

use std::fmt::Write as _;

use rigtone_report::sanitise;

/// Attributes of an element: a name of ours and any value.
pub type Attributes<'a> = &'a [(&'static str, &'a str)];

/// The longest text of anybody, in characters. A device, a document or a log may say as much as it likes: what is longer ends in `…`.
pub const LONGEST: usize = 2000;

/// Attributes that we make ourselves: drawings, pictures, sound, links to what is there.
const OURS: [&str; 4] = ["content", "d", "href", "src"];

/// A piece of a page.
#[derive(Debug, Default)]
pub struct Markup {
    html: String,
    /// Texts of which the end is not shown.
    cut: usize,
}

impl Markup {
    /// A piece in which nothing stands.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.html.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.html.is_empty()
    }

    /// Texts so far of which the end is not shown.
    pub fn cut(&self) -> usize {
        self.cut
    }

    /// What was written.
    pub fn into_string(self) -> String {
        self.html
    }

    /// The beginning of an element.
    pub fn open(&mut self, name: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.html.push('<');
        self.html.push_str(name);
        for (key, value) in attributes {
            self.html.push(' ');
            self.html.push_str(key);
            if !value.is_empty() {
                self.html.push_str("=\"");
                // What an attribute repeats was counted where it stands.
                let cut = self.cut;
                match OURS.contains(key) {
                    true => escape(&mut self.html, value),
                    false => self.shortened(value),
                }
                self.cut = cut;
                self.html.push('"');
            }
        }
        self.html.push('>');
        self
    }

    /// The end of an element.
    pub fn close(&mut self, name: &'static str) -> &mut Self {
        self.html.push_str("</");
        self.html.push_str(name);
        self.html.push('>');
        self
    }

    /// An element with what `inside` puts into it.
    pub fn element(&mut self, name: &'static str, attributes: Attributes<'_>, inside: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        inside(self);
        self.close(name);
    }

    /// An element that holds text alone.
    pub fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) -> &mut Self {
        self.open(name, attributes).text(text).close(name)
    }

    /// Text of anybody.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.shortened(text);
        self
    }

    fn shortened(&mut self, text: &str) {
        // A character has a byte at least.
        if text.len() <= LONGEST {
            escape(&mut self.html, text);
            return;
        }
        let short = sanitise::short(text, LONGEST);
        self.cut += usize::from(short.ends_with('…'));
        escape(&mut self.html, &short);
    }

    /// Markup of ours.
    pub fn ours(&mut self, markup: &'static str) -> &mut Self {
        self.html.push_str(markup);
        self
    }

    /// A piece that was made before.
    pub fn piece(&mut self, piece: &Self) -> &mut Self {
        self.html.push_str(&piece.html);
        self.cut += piece.cut;
        self
    }

    /// A picture, a sound or a program that is a part of the page: base64 or hexadecimal digits, and what stands before them.
    pub fn embedded(&mut self, before: &'static str, digits: &str, after: &'static str) -> &mut Self {
        self.html.push_str(before);
        self.html.extend(digits.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')));
        self.html.push_str(after);
        self
    }

    /// A style sheet or a script that was checked to hold no end of its element.
    pub fn sheet(&mut self, name: &'static str, text: &str) -> &mut Self {
        debug_assert!(!text.contains("</"), "a sheet that ends its own element");
        self.open(name, &[]);
        self.html.push_str(text);
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
pub fn coordinate(value: f64) -> String {
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

    #[rstest]
    #[case("a", LONGEST, LONGEST, 0)]
    #[case("a", LONGEST + 1, LONGEST + 2, 1)]
    #[case("<", LONGEST + 1, 4 * (LONGEST - 1) + 3, 1)]
    #[case("\u{1f50a}", LONGEST, 4 * LONGEST, 0)]
    #[case("a", 1_000_000, LONGEST + 2, 1)]
    fn a_text_is_as_long_as_a_person_reads_it(
        #[case] letter: &str,
        #[case] times: usize,
        #[case] bytes: usize,
        #[case] cut: usize,
    ) {
        let given = letter.repeat(times);
        let mut markup = Markup::new();
        markup.text(&given);
        assert_eq!((markup.len(), markup.cut()), (bytes, cut));
        // As long within a tag, and counted once.
        markup.open("td", &[("title", &given)]);
        assert_eq!((markup.len(), markup.cut()), (2 * bytes + "<td title=\"\">".len(), cut));
    }

    #[test]
    fn a_picture_is_whole() {
        let picture = "a".repeat(10 * LONGEST);
        let mut markup = Markup::new();
        markup.open("image", &[("href", &picture)]);
        assert!(markup.len() > picture.len() && markup.cut() == 0);
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
