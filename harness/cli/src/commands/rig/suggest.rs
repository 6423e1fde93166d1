//! `rigtone rig suggest`

use rigtone_report::exit::Code;
use rigtone_rig::plugged::{self, Host, Plugged};
use serde::Serialize;

use crate::{printer, trouble::Trouble};

/// The form of `--json`.
#[derive(Serialize)]
struct Suggestion {
    schema: &'static str,
    #[serde(flatten)]
    plugged: Plugged,
    /// The document that is printed without `--json`.
    document: String,
}

pub(crate) fn suggest(id: &str, json: bool) -> Result<Code, Trouble> {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !id.split('-').all(word) {
        return Err(Trouble::usage(format!("`{id}` is no id of a rig"))
            .hint("write lower case words and numbers joined by `-`, such as `lab-1`"));
    }
    let plugged = Plugged::look(&Host::this());
    let document = plugged::document(&plugged, id);
    if json {
        printer::json(&Suggestion { schema: "1.0", plugged, document })?;
    } else {
        printer::out(&document);
    }
    Ok(Code::Passed)
}
