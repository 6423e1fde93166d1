//! The guides, as somebody follows them who types what they say: every document is written, every command ends as it is said to.

use std::fs;

use rstest::rstest;

use crate::user::{Home, repository};

/// The blocks of a page in that language, with the line of text before each.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("```") {
        let Some((inside, next)) = after.split_once("```") else { break };
        if let Some((named, block)) = inside.split_once('\n').filter(|(named, _)| *named == language) {
            assert_eq!(named, language);
            found.push((before.trim_end(), block));
        }
        rest = next;
    }
    found
}

/// Words as a shell has them, quotes taken off.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[rstest]
#[case("guides/first-scenario.md", 6)]
#[case("guides/first-device.md", 3)]
#[case("guides/nightly.md", 3)]
#[case("guides/reading-a-report.md", 6)]
#[case("guides/certifying.md", 7)]
fn whoever_follows_a_guide_gets_where_it_leads(#[case] name: &str, #[case] commands: usize) {
    let page = fs::read_to_string(repository().join("docs").join(name)).unwrap();
    let home = Home::new();
    for (before, document) in blocks(&page, "yaml") {
        let path = before.split('`').rev().nth(1).unwrap_or_else(|| panic!("no path before a document of {name}"));
        home.write(path, document);
    }
    let mut typed = 0;
    for line in blocks(&page, "sh").iter().flat_map(|(_, block)| block.lines()) {
        let (command, code) =
            line.split_once("  # exit code ").map_or((line, 0), |(command, code)| (command, code.parse().unwrap()));
        let words = words(command);
        assert_eq!(words[0], "rigtone", "{line}");
        let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        home.rigtone(&words).with_code(code);
        typed += 1;
    }
    assert_eq!(typed, commands);
}

/// A document in the text of a guide fits into the file that it is for.
#[test]
fn a_unit_of_the_new_device_fits_into_the_simulated_rig() {
    let page = fs::read_to_string(repository().join("docs/guides/first-device.md")).unwrap();
    let home = Home::new();
    home.write("devices/acme/boom.yaml", blocks(&page, "yaml")[0].1);
    let unit = blocks(&page, "text")[0].1;
    home.write("rigs/simulated.yaml", &home.changed("rigs/simulated.yaml", "\nunits:\n", &format!("\nunits:\n{unit}")));
    home.rigtone(&["check", "devices", "rigs/simulated.yaml"]).with_code(0);
    home.rigtone(&["plan", "scenarios/starter", "--select", "speaker=boom-fw12"]).with_code(0).says(&["boom-fw12"]);
}
