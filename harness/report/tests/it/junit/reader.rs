//! A JUnit reader of its own: what it counts must be what the file says of itself.

use std::collections::BTreeMap;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) suites: Vec<Suite>,
}

#[derive(Debug, Default)]
pub(crate) struct Suite {
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) cases: Vec<Case>,
}

#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) classname: String,
    pub(crate) name: String,
    pub(crate) time: String,
    /// `success` or the element that says otherwise, and its type.
    pub(crate) result: String,
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) body: String,
    pub(crate) output: String,
}

impl Report {
    pub(crate) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.suites.iter().flat_map(|s| &s.cases)
    }

    /// The only case whose name holds all of these.
    pub(crate) fn case(&self, parts: &[&str]) -> &Case {
        let found: Vec<&Case> = self.cases().filter(|c| parts.iter().all(|part| c.name.contains(part))).collect();
        match found[..] {
            [case] => case,
            _ => panic!(
                "{} cases with {parts:?} in {:#?}",
                found.len(),
                self.cases().map(|c| &c.name).collect::<Vec<_>>()
            ),
        }
    }

    pub(crate) fn count(&self, result: &str) -> usize {
        self.cases().filter(|c| c.result == result).count()
    }
}

fn attributes(element: &BytesStart<'_>) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    element
        .attributes()
        .map(|a| a.expect("a well-formed attribute"))
        .map(|a| {
            (text(a.key.as_ref()), quick_xml::escape::unescape(&text(&a.value)).expect("known entities").into_owned())
        })
        .collect()
}

pub(crate) fn read(xml: &str) -> Report {
    let mut report = Report::default();
    let mut path: Vec<String> = Vec::new();
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let text = match reader.read_event().expect("well-formed XML") {
            Event::Start(element) => {
                open(&mut report, &element);
                path.push(String::from_utf8(element.name().as_ref().to_vec()).expect("UTF-8"));
                continue;
            }
            Event::End(_) => {
                path.pop();
                continue;
            }
            Event::CData(data) => String::from_utf8(data.to_vec()).expect("UTF-8"),
            Event::Eof => break,
            _ => continue,
        };
        let case = report.suites.last_mut().and_then(|s| s.cases.last_mut()).expect("text stands in cases");
        match path.last().map(String::as_str) {
            Some("system-out") => case.output.push_str(&text),
            _ => case.body.push_str(&text),
        }
    }
    for suite in &report.suites {
        let say = |key: &str| suite.attributes[key].parse::<usize>().expect("a count");
        let found = |result: &str| suite.cases.iter().filter(|c| c.result == result).count();
        assert_eq!(say("tests"), suite.cases.len());
        assert_eq!((say("failures"), say("errors")), (found("failure"), found("error")));
    }
    report
}

fn open(report: &mut Report, element: &BytesStart<'_>) {
    let mut attributes = attributes(element);
    let mut take = |key: &str| attributes.remove(key).unwrap_or_default();
    match element.name().as_ref() {
        b"testsuites" | b"system-out" => {}
        b"testsuite" => report.suites.push(Suite { attributes, cases: Vec::new() }),
        b"testcase" => {
            let case = Case {
                classname: take("classname"),
                name: take("name"),
                time: take("time"),
                result: "success".into(),
                ..Case::default()
            };
            report.suites.last_mut().expect("cases stand in suites").cases.push(case);
        }
        result @ (b"failure" | b"error" | b"skipped") => {
            let case = report.suites.last_mut().and_then(|s| s.cases.last_mut()).expect("results stand in cases");
            case.result = String::from_utf8(result.to_vec()).expect("UTF-8");
            (case.kind, case.message) = (take("type"), take("message"));
        }
        other => panic!("an element nobody reads: {}", String::from_utf8_lossy(other)),
    }
}
