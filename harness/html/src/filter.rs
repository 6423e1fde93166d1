//! What is shown of a matrix: by text, scenario and verdict. The script of the page makes it work, and shows it only then.

use crate::{Badge, Markup};

/// Writes the filter; gives how many scenarios find no room in it.
///
/// What it filters are rows of `section.scenario`, in them what has `data-verdict`, and every `details.combination`.
pub fn filter(m: &mut Markup, badges: &[Badge], scenarios: &[&str], most_bytes: usize) -> usize {
    m.ours("<form id=\"filter\" class=\"filter\" hidden role=\"search\" aria-label=\"Filter combinations\"><label>Text <input type=\"search\" name=\"text\" autocomplete=\"off\" placeholder=\"device, firmware, codec\"></label><label>Scenario <select name=\"scenario\"><option value=\"\">all</option>");
    let (mut left_out, full) = (scenarios.len(), m.len() + most_bytes);
    for scenario in scenarios {
        if m.len() > full {
            break;
        }
        m.leaf("option", &[("value", scenario)], scenario);
        left_out -= 1;
    }
    m.ours("</select></label><fieldset><legend>Verdict</legend>");
    for badge in badges {
        m.ours("<label class=\"check\">")
            .open("input", &[("type", "checkbox"), ("name", "verdict"), ("value", badge.word), ("checked", "")])
            .text(" ");
        badge.write(m);
        m.ours("</label>");
    }
    m.ours(
        "</fieldset><button type=\"reset\">Show all</button><output id=\"shown\" aria-live=\"polite\"></output></form>",
    );
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_what_is_there_stays_text() {
        let badges = [Badge::new("fail", "✗", "v-fail", 0)];
        let scenarios = ["<b>", "second", "third"];
        let mut m = Markup::new();
        let fixed = {
            let mut m = Markup::new();
            filter(&mut m, &badges, &[], 0);
            m.len()
        };
        assert_eq!(filter(&mut m, &badges, &scenarios, 1000), 0);
        let html = m.into_string();
        assert!(html.contains("<option value=\"&lt;b&gt;\">&lt;b&gt;</option>") && !html.contains("<b>"));
        assert!(html.contains("value=\"fail\" checked>"));
        // Room for the first only: what would go beyond is not begun.
        let mut m = Markup::new();
        assert_eq!(filter(&mut m, &badges, &scenarios, 1), 2);
        assert!(m.len() < fixed + 100);
    }
}
