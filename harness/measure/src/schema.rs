//! The JSON Schema of a report.

use rigtone_model::schema::sorted;
use schemars::{Schema, generate::SchemaSettings};
use serde_json::Value;

use crate::report::Report;

/// The schema of a [`Report`] (draft 2020-12), its keys in alphabetical order.
pub fn schema() -> Value {
    let schema: Schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Report>();
    sorted(schema.to_value())
}
