//! `rigtone schema`

use std::path::Path;

use rigtone_model::{comparison::Comparisons, inspection::Inspection, schema};
use rigtone_report::exit::Code;

use crate::{printer, trouble::Trouble};

/// The schemas of what commands print, beside those of documents.
fn printed() -> impl Iterator<Item = (String, String)> {
    let schemas = [
        ("certificate", rigtone_certificate::schema()),
        ("claims", rigtone_report::claims::schema()),
        ("comparison", Comparisons::json_schema()),
        ("inspection", Inspection::json_schema()),
        ("measurement", rigtone_measure::schema()),
        ("timeline", super::timeline::schema()),
        ("trial", super::timeline::trial_schema()),
    ];
    let named = schemas.into_iter().map(|(name, schema)| (format!("{name}.schema.json"), format!("{schema:#}\n")));
    #[cfg(feature = "history")]
    let named =
        named.chain([("history.schema.json".to_owned(), format!("{:#}\n", rigtone_history::History::json_schema()))]);
    named.chain(rigtone_report::json::form::schemas())
}

pub(crate) fn schema(out: Option<&Path>) -> Result<Code, Trouble> {
    for (name, text) in schema::committed().into_iter().chain(printed()) {
        match out {
            None => printer::out(&format!("{text}\n")),
            Some(folder) => {
                let path = folder.join(&name);
                std::fs::create_dir_all(folder)
                    .and_then(|()| std::fs::write(&path, text))
                    .map_err(|e| Trouble::usage(format!("writing {} failed: {e}", path.display())))?;
                printer::out(&format!("{}\n", path.display()));
            }
        }
    }
    Ok(Code::Passed)
}
