//! The published forms: the schemas of `docs/schema`, read as any consumer would read them, and held against what the packer
//! prints and writes.
//!
//! The validator is not ours and knows nothing of how the schemas are made. Everything that a test's packer prints with
//! `--format json`, and every log that a test looks at, goes through here, so that no answer is without a form.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::repo;

/// Where the schemas are, from the repository's root.
pub const FOLDER: &str = "docs/schema";

/// One form.
#[derive(Debug)]
pub struct Form {
    /// Its schema.
    pub schema: Value,
    /// The commands that print it; none where every command can.
    pub commands: Vec<String>,
    validator: Validator,
}

/// All of them, by name.
#[derive(Debug)]
pub struct Forms(BTreeMap<String, Form>);

/// The forms that are published, read once.
pub fn published() -> &'static Forms {
    static PUBLISHED: OnceLock<Forms> = OnceLock::new();
    PUBLISHED.get_or_init(Forms::read)
}

impl Forms {
    fn read() -> Self {
        let folder = repo::root().join(FOLDER);
        let read = |name: &str| -> Value {
            let text =
                fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let index = read("index.json");
        let form = |(name, entry): (&String, &Value)| {
            let schema = read(entry["schema"].as_str().expect("the index names a schema"));
            let validator =
                jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
            let commands = entry["commands"].as_array().expect("the index lists commands");
            let commands =
                commands.iter().map(|command| command.as_str().expect("a command is a text").to_owned());
            (name.clone(), Form { commands: commands.collect(), schema, validator })
        };
        Self(index.as_object().expect("the index is an object").iter().map(form).collect())
    }

    /// The form called `name`.
    #[track_caller]
    pub fn get(&self, name: &str) -> &Form {
        self.0.get(name).unwrap_or_else(|| panic!("there is no form {name}"))
    }

    /// Every form with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Form)> {
        self.0.iter().map(|(name, form)| (name.as_str(), form))
    }

    /// Panics unless every line of `text` is of the form called `name`.
    #[track_caller]
    pub fn check_lines(&self, name: &str, text: &str) {
        let form = self.get(name);
        for line in text.lines() {
            let value = parsed(line);
            if let Some(why) = form.fault(&value) {
                panic!("no {name}: {why}\n{line}");
            }
        }
    }

    /// Panics unless every line that a packer with these arguments printed is of a form that its command prints. Says
    /// nothing of what was asked for as text.
    #[track_caller]
    pub fn check_printed(&self, arguments: &[&str], out: &str) {
        let is_json = arguments.windows(2).any(|pair| pair == ["--format", "json"]);
        if !is_json {
            return;
        }
        let command =
            arguments.iter().find(|argument| self.iter().any(|(_, form)| form.is_printed_by(argument)));
        let is_meant =
            |form: &Form| form.commands.is_empty() || command.is_none_or(|name| form.is_printed_by(name));
        let meant: Vec<(&str, &Form)> = self.iter().filter(|(_, form)| is_meant(form)).collect();
        for line in out.lines() {
            let value = parsed(line);
            if meant.iter().any(|(_, form)| form.fault(&value).is_none()) {
                continue;
            }
            let faults = meant.iter().map(|(name, form)| format!("{name}: {:?}", form.fault(&value)));
            panic!(
                "{arguments:?} printed what is of no published form: {line}\n{}",
                faults.collect::<Vec<_>>().join("\n")
            );
        }
    }
}

impl Form {
    /// Why `value` is not of this form, if it is not.
    pub fn fault(&self, value: &Value) -> Option<String> {
        if self.is_valid(value) {
            return None;
        }
        let errors = self.validator.iter_errors(value);
        Some(
            errors
                .map(|error| format!("{} at {}", error, error.instance_path()))
                .collect::<Vec<_>>()
                .join("; "),
        )
    }

    /// Whether `value` is of this form.
    pub fn is_valid(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    fn is_printed_by(&self, command: &str) -> bool {
        self.commands.iter().any(|name| name == command)
    }
}

#[track_caller]
fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON: {error}\n{line}"))
}
