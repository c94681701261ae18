//! `docs/events.md` and the schema of events name the same things.

use std::collections::BTreeSet;

use packer_tests::forms::published;
use packer_tests::repo;
use serde_json::Value;

type Names = BTreeSet<String>;

/// The words of the definition `name`, whether it is a set of words or of objects that a tag tells apart.
fn in_schema(name: &str, tag: &str) -> Names {
    let definition = &published().get("event").schema["$defs"][name];
    let forms = definition["oneOf"].as_array().unwrap_or_else(|| panic!("{name} is no choice: {definition}"));
    let word = |form: &Value| {
        let word = form.get("const").unwrap_or(&form["properties"][tag]["const"]);
        word.as_str().unwrap_or_else(|| panic!("{name}: no word in {form}")).to_owned()
    };
    forms.iter().map(word).collect()
}

/// The part of the page between two texts.
fn between(page: &str, from: &str, to: &str) -> String {
    let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("the page has no {from:?}"));
    rest.split_once(to).unwrap_or_else(|| panic!("nothing ends {from:?}: no {to:?}")).0.to_owned()
}

/// What stands between backticks, of `a {b, c}` the `a`, of `a b c` each.
fn quoted(text: &str) -> Names {
    let quoted = text.split('`').skip(1).step_by(2);
    let without_fields = quoted.map(|found| found.split('{').next().unwrap_or_default());
    without_fields.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// The first cells of a table's rows.
fn first_cells(table: &str) -> Names {
    let rows = table.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `type`"));
    rows.flat_map(|row| quoted(row.split('|').nth(1).unwrap())).collect()
}

#[test]
fn the_page_and_the_schema_name_the_same_things() {
    let page = repo::read("docs/events.md");
    let endings = first_cells(&between(&page, "## Endings", "**Outcomes**"));
    let mut bodies = first_cells(&between(&page, "## Bodies", "## Endings"));
    bodies.extend(endings);
    let states = between(&page, "- Freshness is ", "Causes of a");
    let states: Names =
        states.split("\"state\":\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    let outcomes = between(&page, "**Outcomes**", "**Reasons**");
    let outcomes = outcomes.lines().filter(|line| line.starts_with("- `"));
    let outcomes: Names = outcomes.map(|line| line.split('`').nth(1).unwrap().to_owned()).collect();
    for (what, in_page, in_schema) in [
        ("bodies", bodies, in_schema("EventBody", "type")),
        ("kinds", quoted(&between(&page, "- Kinds: ", ".")), in_schema("OperationKind", "")),
        ("phases", quoted(&between(&page, "- Phases: ", ".")), in_schema("Phase", "")),
        ("units", quoted(&between(&page, "Units: ", ".")), in_schema("Unit", "")),
        ("states", states, in_schema("FreshnessRecord", "state")),
        (
            "causes of a transition",
            quoted(&between(&page, "Causes of a transition:", ".")),
            in_schema("FreshnessCause", ""),
        ),
        ("outcomes", outcomes, in_schema("OutcomeReport", "kind")),
        ("results", quoted(&between(&page, "Results:", ".")), in_schema("RecoveryResult", "")),
        (
            "reasons",
            first_cells(&between(&page, "**Reasons**", "**Causes**")),
            in_schema("Rejection", "type"),
        ),
        (
            "causes of a failure",
            quoted(&between(&page, "**Causes** of a failure, tagged by `type`:", "Causes of an unknown")),
            in_schema("Failure", "type"),
        ),
        (
            "causes of an unknown outcome",
            quoted(&between(&page, "Causes of an unknown outcome:", ".")),
            in_schema("UnknownOutcomeCause", ""),
        ),
    ] {
        assert!(!in_page.is_empty(), "the page names no {what}");
        assert_eq!(in_page, in_schema, "{what}: left in docs/events.md, right in the schema");
    }
}

#[test]
fn the_page_names_every_field_of_an_event() {
    let page = repo::read("docs/events.md");
    let schema = &published().get("event").schema;
    let mut fields = Names::new();
    collect(schema, &mut fields);
    assert!(fields.len() > 60, "only {} fields", fields.len());
    // The place of a finding, and the parts of its subject, are those of every response.
    let told_elsewhere = ["start", "end", "line", "column", "excerpt", "unrepresentable", "asset"];
    let words: BTreeSet<&str> = page.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    let missing: Vec<&String> = fields
        .iter()
        .filter(|field| !words.contains(field.as_str()) && !told_elsewhere.contains(&field.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/events.md does not name {missing:?}");
}

/// The names of every property in `schema`.
fn collect(schema: &Value, fields: &mut Names) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                fields.extend(properties.keys().cloned());
            }
            object.values().for_each(|inner| collect(inner, fields));
        }
        Value::Array(list) => list.iter().for_each(|inner| collect(inner, fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
