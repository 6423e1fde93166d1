//! What all pages have around them: the head, what may run, the style, the top, the end.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::{Logo, Markup, Theme};

const STYLE: &str = include_str!("../../../reports/templates/page.css");
const SCRIPT: &str = include_str!("../../../reports/templates/page.js");

/// What a vendor changes about a page.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// A style sheet behind ours.
    pub theme: Option<Theme>,
    /// What stands at the top instead of our own title.
    pub title: Option<String>,
    /// A picture beside the title.
    pub logo: Option<Logo>,
}

/// The frame of a page.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What the vendor wants.
    pub look: &'a Look,
    /// The title, where the vendor has none.
    pub title: &'a str,
    /// What stands beside the title.
    pub subtitle: &'a str,
    /// What the title of the window says more.
    pub window: &'a str,
    /// A style sheet that only this kind of page has.
    pub sheet: Option<&'static str>,
    /// Parts of the page in their order: a place and its name. One of them is `#matrix`.
    pub parts: &'a [(&'static str, &'static str)],
}

impl Frame<'_> {
    /// Everything above the page's own parts.
    pub fn begin(&self, m: &mut Markup) {
        let title = self.look.title.as_deref().unwrap_or(self.title);
        self.head(m, title);
        m.ours("<a class=\"skip\" href=\"#matrix\">Skip to the matrix</a><header>");
        if let Some(logo) = &self.look.logo {
            m.embedded(logo.before, &STANDARD.encode(&logo.bytes), "\">");
        }
        m.leaf("h1", &[], title).leaf("p", &[("class", "small")], self.subtitle);
        m.ours("<nav aria-label=\"Sections\">");
        for (place, name) in self.parts {
            m.leaf("a", &[("href", place)], name).text(" ");
        }
        m.ours("</nav></header><main>");
    }

    /// Nothing is ever fetched, and only what stands in the file runs.
    fn head(&self, m: &mut Markup, title: &str) {
        let theme = self.look.theme.as_ref().map(Theme::css);
        let sheets: Vec<&str> = [Some(STYLE), self.sheet, theme].into_iter().flatten().collect();
        let hashes: Vec<String> = sheets.iter().map(|sheet| hash_of(sheet)).collect();
        let policy = format!(
            "default-src 'none'; img-src data:; media-src data:; font-src data:; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            hashes.join(" "),
            hash_of(SCRIPT)
        );
        m.ours("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        m.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
        m.ours("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">");
        m.ours("<link rel=\"icon\" href=\"data:,\">");
        m.leaf("title", &[], format!("{title} {}", self.window).trim());
        for sheet in sheets {
            m.sheet("style", sheet);
        }
        m.ours("</head><body>");
    }

    /// Bytes of [`end`].
    pub const END: usize = SCRIPT.len() + 64;
}

/// Everything below the page's own parts.
pub fn end(m: &mut Markup) {
    m.ours("</main>").sheet("script", SCRIPT).ours("</body></html>\n");
}

fn hash_of(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_sheets_stay_within_their_elements() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }

    #[test]
    fn a_page_allows_what_stands_in_it_and_nothing_else() {
        let look = Look {
            theme: Some(Theme::new(":root { --accent: #400080; }").unwrap()),
            title: Some("Speakers & <co>".to_owned()),
            logo: Some(Logo::new(b"\x89PNG\r\n\x1a\n....".to_vec()).unwrap()),
        };
        let parts = &[("#matrix", "Matrix")];
        let frame = Frame { look: &look, title: "Ours", subtitle: "rig", window: "run", sheet: Some("p{}"), parts };
        let mut m = Markup::new();
        frame.begin(&mut m);
        end(&mut m);
        let html = m.into_string();
        assert_eq!(html.matches("&#39;sha256-").count(), 4, "three sheets and a script");
        assert!(html.contains("default-src &#39;none&#39;") && !html.contains("unsafe-inline"));
        let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("`{text}` is not there"));
        // A theme has the last word.
        assert!(at("--pass-edge") < at("p{}") && at("p{}") < at("--accent: #400080"));
        assert!(html.contains("<h1>Speakers &amp; &lt;co&gt;</h1>") && html.contains("src=\"data:image/png;base64,"));
        assert!(html.contains("<title>Speakers &amp; &lt;co&gt; run</title>"));
    }
}
