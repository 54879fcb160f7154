//! Holds `docs/metadata.schema.json` to the types: the JSON Schema of `metadata.json`, made of [`Metadata`] and its documentation.
//!
//! `WATCHCAP_SCHEMA=write cargo test --lib metadata::schema` writes it anew.

use schemars::generate::SchemaSettings;

use super::Metadata;
use crate::session::table::schema::FORMAT_VERSION;

/// Returns the text of the schema.
fn schema() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Metadata>();
    schema.insert("title".into(), format!("metadata.json of a watchcap session, format {FORMAT_VERSION}").into());
    schema.insert(
        "description".into(),
        "FORMAT.md describes every key. Null is not measured or not applicable; keys of later minor versions are allowed.".into(),
    );
    let mut text = serde_json::to_string_pretty(&schema).expect("JSON");
    text.push('\n');
    text
}

#[test]
fn the_schema_in_the_documents_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metadata.schema.json");
    if std::env::var_os("WATCHCAP_SCHEMA").is_some_and(|what| what == "write") {
        std::fs::write(path, schema()).expect("the schema");
    }
    let there = std::fs::read_to_string(path).expect("docs/metadata.schema.json");
    assert!(
        there == schema(),
        "docs/metadata.schema.json is not what the types say: write it with `WATCHCAP_SCHEMA=write cargo test --lib metadata::schema`"
    );
}
