//! A reader of JUnit XML that shares nothing with its writer.

use std::collections::BTreeMap;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    let found = element.attributes().map(Result::unwrap).find(|a| a.key.as_ref() == name.as_bytes());
    String::from_utf8(found.unwrap_or_else(|| panic!("no attribute `{name}`")).value.into_owned()).unwrap()
}

/// How many combinations ended how: with a failure, else an error, else skipped, else a pass. The figures that the
/// file gives of itself are those of its cases.
pub(crate) fn combinations(xml: &str) -> BTreeMap<&'static str, usize> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut results: BTreeMap<String, &'static str> = BTreeMap::new();
    let mut case = String::new();
    let (mut said, mut seen) = ([0, 0, 0], [0, 0, 0]);
    loop {
        let element = match reader.read_event().unwrap() {
            Event::Start(element) => element,
            Event::Eof => break,
            _ => continue,
        };
        let result = match element.name().as_ref() {
            b"testsuite" => {
                for (sum, name) in said.iter_mut().zip(["tests", "failures", "errors"]) {
                    *sum += attribute(&element, name).parse::<usize>().unwrap();
                }
                continue;
            }
            b"testcase" => {
                seen[0] += 1;
                // `<axes>: <what>` in the class of the scenario.
                let name = attribute(&element, "name");
                let axes = name.split_once(": ").unwrap().0;
                case = format!("{} {axes}", attribute(&element, "classname"));
                "pass"
            }
            b"failure" => {
                seen[1] += 1;
                "failure"
            }
            b"error" => {
                seen[2] += 1;
                "error"
            }
            b"skipped" => "skipped",
            _ => continue,
        };
        let worst = results.entry(case.clone()).or_insert(result);
        let rank = |result: &str| ["pass", "skipped", "error", "failure"].iter().position(|r| *r == result);
        if rank(result) > rank(worst) {
            *worst = result;
        }
    }
    assert_eq!(said, seen, "tests, failures and errors as the file says and as it has them");
    let mut counts = BTreeMap::new();
    for result in results.into_values() {
        *counts.entry(result).or_default() += 1;
    }
    counts
}

/// The cases: of which suite, how called, and how they ended.
pub(crate) fn cases(xml: &str) -> Vec<(String, String, &'static str)> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut suite, mut cases) = (String::new(), Vec::new());
    loop {
        let element = match reader.read_event().unwrap() {
            Event::Start(element) => element,
            Event::Eof => return cases,
            _ => continue,
        };
        let result = match element.name().as_ref() {
            b"testsuite" => {
                suite = attribute(&element, "name");
                continue;
            }
            b"testcase" => {
                cases.push((suite.clone(), attribute(&element, "name"), "pass"));
                continue;
            }
            b"failure" => "failure",
            b"error" => "error",
            b"skipped" => "skipped",
            _ => continue,
        };
        cases.last_mut().expect("within a case").2 = result;
    }
}
