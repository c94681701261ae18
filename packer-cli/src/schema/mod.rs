//! The JSON Schemas (2020-12) of everything that the packer writes as JSON for others: events, plans, and every answer of
//! `--format json`. `cargo xtask gen-docs` puts them into `docs/schema`.
//!
//! What a form looks like follows from its type, by `schemars`; `finish` then says what derived schemas leave open. They
//! describe what is written, and so what strict readers take: no field is missing, none is unknown.

mod finish;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::response::forms;

/// The form of one kind of line.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its name, and that of its file, without the extension.
    pub name: &'static str,
    /// The commands that print it with `--format json`; none where every command can.
    pub commands: &'static [&'static str],
    /// Its schema.
    pub schema: Value,
}

impl Form {
    pub(crate) fn of<T: JsonSchema>(name: &'static str, commands: &'static [&'static str]) -> Self {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let schema = generator.into_root_schema_for::<T>().to_value();
        Self { name, commands, schema: finish::finished(name, schema) }
    }
}

/// The files of `docs/schema` with their contents: a schema each form, and `index.json`, which says which command prints
/// which.
pub fn files() -> Vec<(String, String)> {
    let forms = forms();
    let mut files: Vec<(String, String)> =
        forms.iter().map(|form| (format!("{}.json", form.name), text(&form.schema))).collect();
    let index: Map<String, Value> = forms
        .iter()
        .map(|form| {
            let about = form.schema.get("description").cloned().unwrap_or_default();
            let entry =
                json!({ "schema": format!("{}.json", form.name), "commands": form.commands, "description": about });
            (form.name.to_owned(), entry)
        })
        .collect();
    files.push(("index.json".to_owned(), text(&Value::Object(index))));
    files
}

fn text(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a schema has text keys only");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `see` with every schema in `schema`.
    fn each(schema: &Value, see: &mut dyn FnMut(&Map<String, Value>)) {
        match schema {
            Value::Object(object) => {
                see(object);
                object.values().for_each(|inner| each(inner, see));
            }
            Value::Array(list) => list.iter().for_each(|inner| each(inner, see)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_object_is_closed_and_every_number_bounded() {
        let (mut objects, mut numbers) = (0, 0);
        for form in forms() {
            each(&form.schema, &mut |schema| {
                match schema.get("type").and_then(Value::as_str) {
                    Some("object") => {
                        objects += 1;
                        let closed = ["additionalProperties", "unevaluatedProperties"];
                        let is_closed = closed.iter().any(|key| schema.contains_key(*key));
                        assert!(is_closed, "{}: an open object: {schema:?}", form.name);
                    }
                    Some("integer") => {
                        numbers += 1;
                        let is_bounded = schema.contains_key("minimum") && schema.contains_key("maximum");
                        assert!(is_bounded, "{}: a number without bounds: {schema:?}", form.name);
                    }
                    Some(_) | None => {}
                }
                assert!(!schema.contains_key("format"), "{}: a format that is none: {schema:?}", form.name);
            });
        }
        assert!(objects > 100 && numbers > 50, "{objects} objects, {numbers} numbers");
    }

    #[test]
    fn everything_that_is_referred_to_is_there_and_nothing_else() {
        for form in forms() {
            let mut referred = std::collections::BTreeSet::new();
            each(&form.schema, &mut |schema| {
                if let Some(Value::String(target)) = schema.get("$ref") {
                    referred.insert(target.clone());
                }
            });
            let none = Map::new();
            let defined = form.schema.get("$defs").and_then(Value::as_object).unwrap_or(&none);
            let defined = defined.keys().map(|name| format!("#/$defs/{name}")).collect();
            assert_eq!(referred, defined, "{}", form.name);
        }
    }

    #[test]
    fn every_form_and_every_field_says_what_it_is() {
        for form in forms() {
            assert!(form.schema.get("description").is_some(), "{} says nothing", form.name);
            each(&form.schema, &mut |schema| {
                if let Some(Value::String(text)) = schema.get("description") {
                    assert!(!text.contains("[`") && !text.contains('\n'), "{}: {text:?}", form.name);
                }
            });
        }
    }
}
