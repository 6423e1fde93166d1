//! Markdown, read back by a parser that is not ours.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options as Dialect, Parser, Tag};
use rigtone_model::{
    rig_kind::RigKind,
    verdict::{RunVerdicts, Verdict},
};
use rigtone_report::{
    baseline::Baseline,
    markdown::{COMMENT, Options, SMALLEST, write},
    sanitise,
};
use rstest::rstest;

use crate::sample::{plan, verdicts};

fn report(run: &RunVerdicts, options: &Options<'_>) -> String {
    let mut text = Vec::new();
    write(run, &plan(), options, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_report_shows_the_result_the_worst_first_and_what_is_behind_it() {
    let causes = ["failures follow speaker flip-a: 12 of 23 trials, 0 of 35 without".to_owned()];
    let missing = ["the log ends before its run does".to_owned()];
    let options = Options { causes: &causes, missing: &missing, kind: RigKind::Simulated, ..Options::default() };
    insta::assert_snapshot!(report(&verdicts(), &options));
}

#[rstest]
fn what_no_real_device_was_tried_with_says_so_at_the_top(
    #[values(RigKind::Hardware, RigKind::Virtual, RigKind::Simulated, RigKind::Unknown)] kind: RigKind,
) {
    let page = report(&verdicts(), &Options { kind, ..Options::default() });
    let head = page.split("| verdict").next().unwrap();
    assert_eq!(head.contains(kind.heading()), kind != RigKind::Hardware, "{head}");
}

/// What a reader sees of a page: its text, and every tag of HTML or Markdown that is no plain text.
fn seen(page: &str) -> (String, Vec<String>) {
    let (mut text, mut tags) = (String::new(), Vec::new());
    for event in Parser::new_ext(page, Dialect::ENABLE_TABLES | Dialect::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(part) => text.push_str(&part),
            Event::Html(part) | Event::InlineHtml(part) => {
                tags.extend(part.split('<').skip(1).filter_map(|tag| tag.split('>').next()).map(str::to_owned));
                // The heading of a fold stands in one block of HTML.
                let outside = part.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, after)| decoded(after));
                text.extend(outside);
                if &*part == "<br>" {
                    text.push('\n');
                }
            }
            Event::Start(
                Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_) | Tag::Emphasis | Tag::Strikethrough,
            ) => {
                tags.push(format!("{event:?}"));
            }
            Event::Code(_) => tags.push("code of Markdown".into()),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => text.push('\n'),
            _ => {}
        }
    }
    (text, tags)
}

/// Text of HTML as a browser shows it.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, more) = after.split_once(';').unwrap();
        let number = name.strip_prefix('#').map(|n| n.parse().unwrap());
        let named =
            || u32::from(['&', '<', '>', '"'][["amp", "lt", "gt", "quot"].iter().position(|n| *n == name).unwrap()]);
        out.push_str(before);
        out.push(char::from_u32(number.unwrap_or_else(named)).unwrap());
        rest = more;
    }
    out + rest
}

/// The same run with this text wherever a device, a document or a driver may put one.
fn hostile(text: &str) -> (RunVerdicts, String) {
    let mut run = verdicts();
    run.run = text.into();
    for (i, combination) in run.combinations.iter_mut().enumerate() {
        combination.id = format!("{}/{text}{i}#00000000", combination.scenario).as_str().into();
        combination.faults.push(text.into());
        combination.evidence.push(text.into());
        for e in &mut combination.expectations {
            (e.expected, e.seen, e.unit) = (text.into(), text.into(), text.into());
            e.estimate = None;
        }
        if let Verdict::Skipped(reason) = &mut combination.verdict {
            *reason = text.into();
        }
    }
    let options = Options { missing: &[text.to_owned()], causes: &[text.to_owned()], ..Options::default() };
    let page = report(&run, &options);
    (run, page)
}

/// The page has the tags of the clean one and no other, the rows of the clean one, and says the text as it is.
#[track_caller]
fn does_nothing(text: &str) {
    let ours = ["code", "/code", "details", "/details", "summary", "/summary", "br"];
    let (_, page) = hostile(text);
    let (shown, tags) = seen(&page);
    assert!(tags.iter().all(|tag| ours.contains(&tag.as_str())), "{tags:?}\n{page}");
    let rows = |page: &str| page.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(rows(&page), rows(&report(&verdicts(), &Options::default())), "{page}");
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        assert_eq!(line.matches('|').count(), 7, "{line}");
    }
    let clean = sanitise::line(text);
    let bare = |text: &str| text.replace('\u{200b}', "").split_whitespace().collect::<String>();
    if clean.chars().count() <= 60 && !clean.contains('&') {
        assert!(bare(&shown).contains(&bare(&clean)), "{clean:?} is not said:\n{page}");
    }
    // In the type of a machine only addresses become links.
    let prose: String = page.split("<code>").map(|part| part.rsplit("</code>").next().unwrap_or_default()).collect();
    let (prose, _) = seen(&prose);
    for (text, signs) in [(shown, &["@", "://", "www."][..]), (prose, &["#", "!", "$", "~"])] {
        for sign in signs {
            let link = |at: usize| text[at + sign.len()..].starts_with(char::is_alphanumeric);
            assert!(!text.match_indices(sign).any(|(at, _)| link(at)), "{sign} begins a link:\n{text}");
        }
    }
}

#[rstest]
#[case::script("<script>alert(1)</script>")]
#[case::cells("a | b || c |")]
#[case::code("`a` ``b`` ```c")]
#[case::line_breaks("a\nb\r\n\n# c\n- d\n| e |")]
#[case::people("@everyone and @org/team")]
#[case::issues("#123 GH-123 org/repo#1 !4 $5 %6 ~7 &8")]
#[case::links("[a](javascript:x) ![b](http://c) <http://d> https://e.f www.g.h i@j.k")]
#[case::emphasis("*a* **b** _c_ __d__ ~~e~~ \\* $x^2$ :smile:")]
#[case::entities("&lt;b&gt; &#64;x")]
#[case::end_of_a_fold("</details></summary></code><h1>")]
#[case::comment("<!-- -->")]
#[case::terminal("\u{1b}[31mred\u{1b}[0m \u{202e}x")]
#[case::nothing("")]
fn any_text_shows_as_it_is_and_does_nothing(#[case] text: &str) {
    does_nothing(text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_at_random_does_nothing(text in "[\\PC\n]{0,40}|[a-c<>|`*_~@#!$:/.\\[\\]()\\\\&; \n-]{0,60}") {
        does_nothing(&text);
    }
}

/// A run of very many combinations, as many of them failed.
fn many(n: usize) -> RunVerdicts {
    let mut run = verdicts();
    let all = run.combinations.clone();
    run.combinations = (0..n)
        .map(|i| {
            let mut combination = all[i % all.len()].clone();
            combination.id = format!("{}{i}", combination.id).as_str().into();
            combination
        })
        .collect();
    run
}

/// The numbers after which `more` stands.
fn left_out(page: &str) -> Vec<usize> {
    let before = |at: usize| page[..at].rsplit(' ').next().and_then(|n| n.parse().ok());
    page.match_indices(" more").filter_map(|(at, _)| before(at)).collect()
}

#[rstest]
#[case(SMALLEST, 5_000)]
#[case(COMMENT, 5_000)]
#[case(1 << 20, 20_000)]
fn a_long_report_ends_before_the_limit_and_counts_what_it_left_out(#[case] limit: usize, #[case] n: usize) {
    let page = report(&many(n), &Options { limit, ..Options::default() });
    assert!(page.len() <= limit, "{} of {limit} bytes", page.len());
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| verdict")).count();
    let folds = page.matches("<details>").count();
    let told = n / 5 * 3;
    let left = left_out(&page);
    assert_eq!((left[0], left.last().copied()), (n - rows, Some(told - folds)), "{rows} rows, {folds} folds");
    assert!(rows > 5 && folds > 0 && page.matches("</details>").count() == folds);
}

#[test]
fn the_limit_holds_for_the_worst_text() {
    let (mut run, _) = hostile(&"@#|`<".repeat(200));
    for combination in &mut run.combinations {
        combination.lost = u32::MAX;
    }
    run.interrupted = Some("@".repeat(5_000));
    let long = vec!["#|@<`".repeat(100); 100];
    let page = report(&run, &Options { limit: SMALLEST, missing: &long, causes: &long, ..Options::default() });
    assert!(page.len() <= SMALLEST, "{}", page.len());
    assert!(page.contains(" more"), "{page}");
}

#[rstest]
#[case::something_changed(
    true,
    "**Since the baseline: 1 new failure**\n\n- beside runs/last\n- new failure: pairing-cold-start/"
)]
#[case::nothing_changed(false, "**Since the baseline: 0 new failures**\n\n- beside runs/last\n- nothing has changed\n")]
fn what_has_changed_since_the_baseline_stands_above_the_table(#[case] changed: bool, #[case] said: &str) {
    let mut before = verdicts();
    if changed {
        before.combinations.iter_mut().filter(|c| c.verdict == Verdict::Fail).for_each(|c| c.verdict = Verdict::Pass);
    } else {
        before.combinations.retain(|c| c.verdict == Verdict::Pass);
    }
    let mut now = verdicts();
    if !changed {
        now.combinations.retain(|c| c.verdict == Verdict::Pass);
    }
    let baseline = Baseline::of(&now, &before, "runs/last".into());
    let page = report(&now, &Options { baseline: Some(&baseline), ..Options::default() });
    let head = page.split("| verdict").next().unwrap();
    assert!(head.contains(said), "{head}");
}

#[test]
fn nothing_is_said_of_nothing() {
    let mut run = verdicts();
    run.combinations.clear();
    let page = report(&run, &Options::default());
    assert!(page.contains("no combinations") && !page.contains('|'), "{page}");
}
