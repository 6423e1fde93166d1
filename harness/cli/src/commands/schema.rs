//! `rigtone schema`

use std::path::Path;

use rigtone_model::{comparison::Comparisons, inspection::Inspection, schema};
use rigtone_report::exit::Code;

use crate::{printer, trouble::Trouble};

pub(crate) fn schema(out: Option<&Path>) -> Result<Code, Trouble> {
    let measurement = ("measurement.schema.json".to_owned(), format!("{:#}\n", rigtone_measure::schema()));
    let comparison = ("comparison.schema.json".to_owned(), format!("{:#}\n", Comparisons::json_schema()));
    let timeline = ("timeline.schema.json".to_owned(), format!("{:#}\n", super::timeline::schema()));
    let trial = ("trial.schema.json".to_owned(), format!("{:#}\n", super::timeline::trial_schema()));
    let inspection = ("inspection.schema.json".to_owned(), format!("{:#}\n", Inspection::json_schema()));
    let others = [measurement, comparison, timeline, trial, inspection];
    #[cfg(feature = "history")]
    let others = others
        .into_iter()
        .chain([("history.schema.json".to_owned(), format!("{:#}\n", rigtone_history::History::json_schema()))]);
    for (name, text) in schema::committed().into_iter().chain(others) {
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
