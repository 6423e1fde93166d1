//! Expectations.

mod difference;
mod share;

use super::{
    Vocabulary, dangling, references,
    steps::{self, Placed},
    unknown,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    document::{
        Action, Audio, Axis, Count, Countable, Event, Expect, Expectation, Measured, Parts, Per, Response, Scenario,
        WaitFor,
    },
    load::Entry,
    observation::Quantity,
};

pub(super) fn check(
    entry: &Entry<Scenario>,
    steps: &[Placed<'_>],
    vocabulary: &Vocabulary<'_>,
    faults: &mut Vec<Diagnostic>,
) {
    let all = steps::conditions(&entry.value.conditions);
    for (n, expect) in entry.value.expect.iter().enumerate() {
        let at = vec!["expect".to_owned(), n.to_string()];
        let kind = expect.expectation().name();
        Checker { entry, steps, vocabulary, all: &all, faults, at, kind }.one(expect);
    }
    let expect = &entry.value.expect;
    if !expect.is_empty() && expect.iter().all(|expect| expect.gating == Some(false)) {
        let message = "no expectation decides: whatever comes out, the scenario passes";
        let fault = entry.diagnostic(Code::NothingDecides, &["expect", "0", "gating"], message);
        faults.push(fault.suggest("delete `gating: false` at one that has to hold"));
    }
}

struct Checker<'a> {
    entry: &'a Entry<Scenario>,
    steps: &'a [Placed<'a>],
    vocabulary: &'a Vocabulary<'a>,
    all: &'a [Option<&'a str>],
    faults: &'a mut Vec<Diagnostic>,
    /// Where the expectation stands.
    at: Vec<String>,
    kind: &'static str,
}

impl<'a> Checker<'a> {
    fn one(&mut self, expect: &'a Expect) {
        self.one_under(expect, &expect.when);
    }

    /// An expectation that has to hold under these conditions; under all where none are named.
    fn one_under(&mut self, expect: &'a Expect, when: &[String]) {
        let known: Vec<&str> = self.all.iter().copied().flatten().collect();
        for (n, condition) in expect.when.iter().enumerate() {
            if !known.contains(&condition.as_str()) {
                let n = n.to_string();
                let fault = dangling(self.entry, &self.beside(&["when", &n]), "condition", condition, &known);
                self.faults.push(fault);
            }
        }
        let conditions: Vec<Option<&str>> = match when {
            [] => self.all.to_vec(),
            when => self.all.iter().copied().filter(|c| when.iter().any(|w| Some(w.as_str()) == *c)).collect(),
        };
        let expectation = expect.expectation();
        match expectation {
            Expectation::SuccessRate(rate) if rate.per == Some(Per::Attempt) => self.attempts(expectation, &conditions),
            Expectation::SuccessRate(_) | Expectation::Unsupported(_) => {
                self.step(expectation, &conditions, "", |_| true);
            }
            Expectation::Audio(audio) => self.audio(audio, &conditions),
            Expectation::Codec(codec) => match &codec.step {
                Some(_) => self.step(expectation, &conditions, "connects", |a| a.connects()),
                None => self.only_connect(&conditions),
            },
            Expectation::Latency(latency) => {
                self.step(expectation, &conditions, "plays", sounds_with_a_source);
                if let Some(low) = latency.at_least.filter(|low| *low > latency.at_most) {
                    self.crossed(format!("at most {}, at least {low}", latency.at_most));
                }
            }
            Expectation::Response(response) => self.response(response, &conditions),
            Expectation::Measured(measured) => self.measured(measured, &conditions),
            Expectation::Duration(time) => {
                self.step(expectation, &conditions, "", |_| true);
                match (time.at_least, time.at_most) {
                    (None, None) => self.incomplete("no limit is given", "add `at-most`, `at-least` or both"),
                    (Some(low), Some(high)) if high < low => self.crossed(format!("at most {high}, at least {low}")),
                    _ => {}
                }
            }
            Expectation::Count(count) => self.count(count, &conditions),
            Expectation::Role(role) => self.role(&role.of),
            Expectation::Difference(difference) => self.difference(difference, expect),
            Expectation::All(parts) | Expectation::Any(parts) => self.parts(parts, expect),
        }
        self.rate(expectation);
    }

    /// Each part is checked like an expectation of its own, under the conditions of the whole.
    fn parts(&mut self, parts: &'a Parts, whole: &Expect) {
        for (n, part) in parts.0.iter().enumerate() {
            let mut at = self.at.clone();
            at.extend([self.kind.to_owned(), n.to_string()]);
            let kind = part.expectation().name();
            let mut inner = Checker {
                entry: self.entry,
                steps: self.steps,
                vocabulary: self.vocabulary,
                all: self.all,
                faults: &mut *self.faults,
                at,
                kind,
            };
            if let Some((key, advice)) = match part {
                part if !part.when.is_empty() => Some(("when", "write `when` beside the whole")),
                part if part.gating.is_some() => Some(("gating", "write `gating` beside the whole")),
                part => match part.expectation() {
                    Expectation::All(_) | Expectation::Any(_) => Some((kind, "write one list of single expectations")),
                    Expectation::Difference(_) => Some((kind, "write the difference as an expectation of its own")),
                    _ => None,
                },
            } {
                let message = format!("a part of `{}` cannot have `{key}`", self.kind);
                let fault = self.entry.diagnostic(Code::WrongReference, &inner.beside(&[key]), message);
                inner.faults.push(fault.suggest(advice));
                continue;
            }
            inner.one_under(part, &whole.when);
        }
    }

    /// A key beside the kind.
    fn beside<'p>(&'p self, keys: &[&'p str]) -> Vec<&'p str> {
        self.at.iter().map(String::as_str).chain(keys.iter().copied()).collect()
    }

    /// A key of the kind.
    fn path<'p>(&'p self, key: &'p str) -> Vec<&'p str> {
        self.beside(&[self.kind, key])
    }

    fn fault(&mut self, code: Code, key: &str, message: impl Into<String>, suggestion: &str) {
        let fault = self.entry.diagnostic(code, &self.path(key), message);
        self.faults.push(fault.suggest(suggestion));
    }

    fn incomplete(&mut self, message: &str, suggestion: &str) {
        let fault = self.entry.diagnostic(Code::Incomplete, &self.beside(&[self.kind]), message);
        self.faults.push(fault.suggest(suggestion));
    }

    fn crossed(&mut self, message: String) {
        self.fault(Code::LimitsCrossed, "at-most", message, "write an `at-most` that is not below `at-least`");
    }

    /// The steps of the trial that bear a name, under the conditions in question; explains when they do not fit.
    fn step(
        &mut self,
        expectation: Expectation<'_>,
        conditions: &[Option<&str>],
        does: &str,
        fits: impl Fn(Action<'_>) -> bool,
    ) {
        let Some(name) = expectation.step() else { return };
        let steps = self.steps;
        let key = self.step_key();
        let named: Vec<&Placed<'_>> = trial(steps).filter(|placed| placed.step.name() == name).collect();
        if named.is_empty() {
            let mut known: Vec<&str> = trial(steps).map(|placed| placed.step.name()).collect();
            known.dedup();
            let mut fault = unknown(self.entry, Code::UnknownStep, &self.path(key), "step", name, &known);
            if let Some(other) = steps.iter().find(|placed| placed.step.name() == name) {
                fault.message = format!("the step `{name}` is part of `{}`, not of the trial", other.section());
                fault.suggestion =
                    Some(format!("move it into `trial`, or name one of its steps: {}", known.join(", ")));
            }
            self.faults.push(fault);
            return;
        }
        for condition in conditions {
            let done: Vec<_> = named.iter().filter(|placed| placed.applies(*condition)).collect();
            match (done.as_slice(), condition) {
                ([], Some(condition)) => {
                    let message = format!("the step `{name}` is not done under the condition `{condition}`");
                    let advice = "name the conditions in `when` of the expectation";
                    return self.fault(Code::UnknownStep, key, message, advice);
                }
                // Two equal labels are a fault of the steps, and have been explained there.
                ([first, second, ..], _) if first.step.label.is_some() && second.step.label.is_some() => return,
                ([first, second, ..], _) => {
                    let fault = self.entry.diagnostic(
                        Code::AmbiguousStep,
                        &self.path(key),
                        format!("there are {} steps called `{name}`", done.len()),
                    );
                    let place =
                        |placed: &Placed<'_>| self.entry.key_position(&placed.at([placed.step.action().name()]));
                    self.faults.push(
                        fault
                            .label(&self.entry.path, place(first), "one")
                            .label(&self.entry.path, place(second), "another")
                            .suggest("give the step a `label` and name that"),
                    );
                    return;
                }
                _ => {}
            }
        }
        if let Some(wrong) = named.iter().find(|placed| !fits(placed.step.action())) {
            let what = wrong.step.action().name();
            let known: Vec<_> =
                trial(steps).filter(|p| fits(p.step.action())).map(|p| format!("`{}`", p.step.name())).collect();
            let advice = if known.is_empty() { "there is none in the trial".into() } else { known.join(", ") };
            let message = format!("`{}` needs a step that {does}, and `{name}` is a `{what}`", self.kind);
            self.fault(Code::WrongStep, key, message, &format!("steps that fit: {advice}"));
        }
    }

    /// The key under which an expectation names its step.
    fn step_key(&self) -> &'static str {
        match self.kind {
            "success-rate" | "duration" | "unsupported" => "of",
            _ => "in",
        }
    }

    fn only_connect(&mut self, conditions: &[Option<&str>]) {
        for condition in conditions {
            let connects = trial(self.steps).filter(|p| p.step.action().connects() && p.applies(*condition)).count();
            if connects != 1 {
                let (code, advice) = match connects {
                    0 => (Code::UnknownStep, "add a step `connect`, or one that waits for a source to connect"),
                    _ => (Code::AmbiguousStep, "name the step: `in: <label>`"),
                };
                return self.fault(code, "is", format!("the trial has {connects} steps that connect"), advice);
            }
        }
    }

    fn audio(&mut self, audio: &Audio, conditions: &[Option<&str>]) {
        self.step(Expectation::Audio(audio), conditions, "plays or listens", sounds);
        let (mut asked, mut of_sound) = (false, None);
        audio.each(|key, quantity, _| {
            asked = true;
            self.carried(&audio.step, key, quantity);
            if quantity != Quantity::Presence {
                of_sound.get_or_insert(key);
            }
        });
        if !asked {
            self.incomplete(
                "nothing is expected of the sound",
                "add `present`, `dropouts-at-most` or another of its keys",
            );
        }
        if let (Some(false), Some(key)) = (audio.present, of_sound) {
            self.fault(
                Code::WrongReference,
                key,
                "nothing is to be heard, so there is nothing to expect of the sound",
                "delete it, or write `present: true`",
            );
        }
        let Some(at) = &audio.at else { return };
        let Some(Axis::Microphone(choice)) = self.entry.value.matrix.get(at) else {
            let microphones: Vec<&str> = (self.entry.value.matrix.iter())
                .filter(|(_, axis)| matches!(axis, Axis::Microphone(_)))
                .map(|(name, _)| name.as_str())
                .collect();
            self.faults.push(dangling(self.entry, &self.path("at"), "axis of microphones", at, &microphones));
            return;
        };
        let records = |action: Action<'_>| match action {
            Action::Play(play) if play.heard_by.is_empty() => choice.near == play.on,
            Action::Play(play) => play.heard_by.contains(at),
            Action::Listen(listen) => listen.with == *at,
            _ => true,
        };
        if trial(self.steps).any(|p| p.step.name() == audio.step && !records(p.step.action())) {
            let message = format!("`{at}` does not record the step `{}`", audio.step);
            self.fault(Code::WrongReference, "at", message, "add the axis to `heard-by` of the step");
        }
    }

    /// Whether the signals that a step plays let a quantity be measured; explains which do when they do not.
    fn carried(&mut self, step: &str, key: &str, quantity: Quantity) {
        let signal = |placed: &Placed<'a>| references::stimulus(placed.step.action());
        let any = |placed: &Placed<'a>| matches!(placed.step.action(), Action::Listen(l) if l.signal.is_none());
        if quantity != Quantity::Presence && trial(self.steps).any(|p| p.step.name() == step && any(p)) {
            let message = format!("`{step}` listens for any sound, which answers nothing but `present`");
            self.fault(Code::WrongStep, key, message, "name the `signal` that it listens for");
            return;
        }
        let played: Vec<&str> = trial(self.steps).filter(|p| p.step.name() == step).filter_map(signal).collect();
        // What nobody knows has been explained where it is played.
        let known = played.into_iter().filter_map(|name| self.vocabulary.stimulus(name));
        let Some(wrong) = known.into_iter().find(|stimulus| !stimulus.carries.contains(&quantity)) else { return };
        let fitting: Vec<String> = (self.vocabulary.stimuli.iter())
            .filter(|stimulus| stimulus.carries.contains(&quantity))
            .map(|stimulus| format!("`{}`", stimulus.name))
            .collect();
        let message = format!("a recording of the signal `{}` does not answer `{}`", wrong.name, quantity.as_str());
        let advice = match fitting.join(", ") {
            none if none.is_empty() => "no signal does".to_owned(),
            some => format!("play a signal that does: {some}"),
        };
        self.fault(Code::WrongStep, key, message, &advice);
    }

    fn response(&mut self, response: &Response, conditions: &[Option<&str>]) {
        let plays = |action: Action<'_>| matches!(action, Action::Play(_));
        self.step(Expectation::Response(response), conditions, "plays", plays);
        self.carried(&response.step, "at", Quantity::Response);
        if !(20.0..=20_000.0).contains(&response.at.hertz()) {
            let message = format!("{} lies outside of what the sweep measures", response.at);
            self.fault(Code::UnfitValue, "at", message, "name a frequency from 20 Hz to 20 kHz");
        }
        match (response.at_least, response.at_most) {
            (None, None) => self.incomplete("no limit is given", "add `at-least`, `at-most` or both"),
            (Some(low), Some(high)) if high < low => self.crossed(format!("at most {high}, at least {low}")),
            _ => {}
        }
    }

    fn measured(&mut self, measured: &Measured, conditions: &[Option<&str>]) {
        match measured.of.actions() {
            Some(actions) => {
                let done = match actions {
                    ["discover"] => "searches",
                    ["pair"] => "pairs",
                    ["connect"] => "connects",
                    ["play"] => "plays",
                    _ => "pairs or connects",
                };
                let does = |action: Action<'_>| actions.contains(&action.name());
                self.step(Expectation::Measured(measured), conditions, done, does);
            }
            None => {
                let plays = |action: Action<'_>| matches!(action, Action::Play(_));
                self.step(Expectation::Measured(measured), conditions, "plays", plays);
                self.carried(&measured.step, "of", measured.of.quantity());
            }
        }
        for (key, text) in [("at-least", &measured.at_least), ("at-most", &measured.at_most)] {
            if let Some(text) = text {
                self.limit(key, text, &|text| measured.of.limit(text), measured.of.unit().1);
            }
        }
        match (measured.limits(), &measured.at_least, &measured.at_most) {
            (_, None, None) => self.incomplete("no limit is given", "add `at-least`, `at-most` or both"),
            ((Some(low), Some(high)), Some(at_least), Some(at_most)) if high < low => {
                self.crossed(format!("at most {at_most}, at least {at_least}"));
            }
            _ => {}
        }
    }

    /// A limit whose unit depends on what is limited.
    fn limit(&mut self, key: &str, text: &str, read: &dyn Fn(&str) -> Option<f64>, example: &str) {
        if read(text).is_none() {
            let code = if text.parse::<f64>().is_ok() { Code::MissingUnit } else { Code::WrongUnit };
            let message = format!(
                "`{text}` is not in the unit of what is {}",
                if self.kind == "difference" { "compared" } else { "limited" }
            );
            self.fault(code, key, message, &format!("write it like `{example}`"));
        }
    }

    fn count(&mut self, count: &Count, conditions: &[Option<&str>]) {
        let expectation = Expectation::Count(count);
        let (limit, good, _) = count.rates();
        if limit <= 0.0 {
            let message = "no time of listening shows that something never happens";
            self.fault(Code::Untestable, "at-most", message, "allow a rate, such as `at-most: 1 /h`");
        } else if good >= limit {
            let message = format!("`good` is {good} /h, not below the limit of {limit} /h");
            let advice =
                "write a `good` below `at-most`: a test needs room between what is rejected and what is accepted";
            self.fault(Code::Untestable, "good", message, advice);
        }
        match count.of {
            Countable::Dropouts => {
                self.step(expectation, conditions, "plays or listens", sounds);
                if let Some(step) = &count.step {
                    self.carried(step, "of", Quantity::Dropouts);
                }
            }
            Countable::Reactions => {
                self.step(expectation, conditions, "speaks to a unit or waits for its reaction", |action| {
                    matches!(action, Action::Prompt(_) | Action::WaitFor(WaitFor { event: Event::Reaction, .. }))
                });
            }
            Countable::LinkLosses => self.step(expectation, conditions, "", |_| true),
        }
    }

    fn role(&mut self, axis: &str) {
        let matrix = &self.entry.value.matrix;
        if !matches!(matrix.get(axis), Some(Axis::Units(_))) {
            let units: Vec<&str> =
                matrix.iter().filter(|(_, a)| matches!(a, Axis::Units(_))).map(|(name, _)| name.as_str()).collect();
            self.faults.push(dangling(self.entry, &self.path("of"), "axis of units", axis, &units));
            return;
        }
        if !trial(self.steps).any(|p| matches!(p.step.action(), Action::ReadServices(a) if a.unit == axis)) {
            let message = format!("no step reads the service records of `{axis}`");
            self.fault(
                Code::UnknownStep,
                "of",
                message,
                &format!("add `- read-services: {{unit: {axis}}}` to the trial"),
            );
        }
    }
}

fn trial<'s, 'p>(steps: &'s [Placed<'p>]) -> impl Iterator<Item = &'s Placed<'p>> {
    steps.iter().filter(|placed| placed.section() == "trial")
}

fn sounds(action: Action<'_>) -> bool {
    matches!(action, Action::Play(_) | Action::Listen(_))
}

fn sounds_with_a_source(action: Action<'_>) -> bool {
    matches!(action, Action::Play(_) | Action::VoiceLoop(_))
}
