//! What is asked at the terminal, and how answers are read: those of options too.

use std::io::{self, BufRead};

use rigtone_model::{
    document::{Codec, Gesture, PowerKind, Role},
    quantity::Duration,
};

use super::{New, Seen, press, somebody};
use crate::{printer, trouble::Trouble};

pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("`{text}` is neither `yes` nor `no`")),
    }
}

/// Reads buttons and a time, such as `power+volume-up 5 s`, or `automatic`.
pub(super) fn gesture(text: &str) -> Result<Gesture, String> {
    if text == "automatic" {
        return Ok(Gesture { automatic: true, ..Gesture::default() });
    }
    let wrong =
        || format!("`{text}` is no gesture: write buttons and a time, such as `power+volume-up 5 s`, or `automatic`");
    let (buttons, held) = text.split_once(' ').ok_or_else(wrong)?;
    let buttons: Vec<String> = buttons.split('+').map(str::to_owned).collect();
    if buttons.iter().any(String::is_empty) {
        return Err(wrong());
    }
    Ok(press(buttons, held.parse::<Duration>().map_err(|_| wrong())?))
}

/// A list of words, separated by spaces or commas.
fn words<T: std::str::FromStr<Err = String>>(text: &str) -> Result<Vec<T>, String> {
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::parse).collect()
}

/// Asks for what is not said yet. Without somebody at a terminal whatever a document must have has to be said in options.
pub(super) fn complete(what: &mut New, seen: Option<&Seen>) -> Result<(), Trouble> {
    let has_roles = !what.roles.is_empty() || seen.is_some_and(|seen| !seen.roles.is_empty());
    if !somebody() {
        let mut missing = Vec::new();
        missing.extend(what.title.is_none().then_some("--title"));
        missing.extend((!has_roles).then_some("--role"));
        return match missing.is_empty() {
            true => Ok(()),
            false => Err(Trouble::usage(format!(
                "{}: not given, and there is nobody at a terminal to ask",
                missing.join(" and ")
            ))
            .hint("add it; what else is not said is marked as unknown")),
        };
    }
    printer::note("An empty answer means that it is not known.");
    if what.title.is_none() {
        what.title = Some(must("What is the name on the box?", |text| Ok(text.to_owned()))?);
    }
    if !has_roles {
        what.roles =
            must("Which roles can it take? a2dp-sink (a speaker), a2dp-source, hfp-unit, hfp-gateway", words::<Role>)?;
    }
    if what.codecs.is_empty() {
        let asked = "Which codecs does it offer beside SBC? aac, aptx, aptx-hd, aptx-ll, ldac, opus";
        what.codecs = ask(asked, words::<Codec>)?.unwrap_or_default();
    }
    if what.air_name.is_none() && seen.is_none_or(|seen| seen.name.is_none()) {
        what.air_name = ask("What is its name over the air?", |text| Ok(text.to_owned()))?;
    }
    if what.pairing_mode.is_none() {
        what.pairing_mode =
            ask("How is it brought into pairing mode? such as `power+volume-up 5 s`, or `automatic`", gesture)?;
    }
    if what.power.is_none() {
        what.power = ask("What feeds it? mains, adapter, usb, cells, host", str::parse::<PowerKind>)?;
    }
    if what.battery.is_none() {
        what.battery = ask("Does it go on from a battery when its supply is cut? yes, no", yes_or_no)?;
    }
    if what.boot.is_none() {
        let time = |text: &str| text.parse::<Duration>().map_err(|e| e.to_string());
        what.boot = ask("How long from power on until it answers? such as `3 s`", time)?;
    }
    if what.firmware.is_empty() {
        let versions =
            |text: &str| Ok(text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect());
        what.firmware = ask("Which firmware versions are in question?", versions)?.unwrap_or_default();
    }
    if what.source.is_none() {
        what.source = ask("Who says so? such as `its manual, page 7`", |text| Ok(text.to_owned()))?;
    }
    Ok(())
}

/// Asks until the answer can be read; nothing for an empty one.
fn ask<T>(question: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, Trouble> {
    loop {
        printer::note(question);
        let mut answer = String::new();
        let length = io::stdin().lock().read_line(&mut answer);
        if !length.is_ok_and(|length| length > 0) {
            return Err(Trouble::usage("the terminal ended before all was said; nothing was written")
                .hint("say it in options: `rigtone device new --help`"));
        }
        match answer.trim() {
            "" => return Ok(None),
            text => match read(text) {
                Ok(value) => return Ok(Some(value)),
                Err(why) => printer::note(&rigtone_report::sanitise::line(&why)),
            },
        }
    }
}

/// Asks until there is an answer.
fn must<T>(question: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Trouble> {
    loop {
        match ask(question, &read)? {
            Some(value) => return Ok(value),
            None => printer::note("The document cannot do without it."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("power+volume-up 5 s", Some(&["power", "volume-up"][..]))]
    #[case("bluetooth 500 ms", Some(&["bluetooth"][..]))]
    #[case("automatic", Some(&[][..]))]
    #[case("power", None)]
    #[case("power+ 5 s", None)]
    #[case("power 5", None)]
    fn a_gesture_is_buttons_and_a_time(#[case] text: &str, #[case] buttons: Option<&[&str]>) {
        let read = gesture(text).ok();
        assert_eq!(read.as_ref().map(|g| g.buttons().collect::<Vec<_>>()).as_deref(), buttons);
        assert!(read.is_none_or(|g| g.automatic == (text == "automatic")));
    }
}
