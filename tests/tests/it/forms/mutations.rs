//! Every small change of a JSON value: a field less, a field more, another value in any place, texts that are almost right.

use serde_json::{Map, Value, json};

/// A changed value, and how it was changed.
pub(super) struct Mutated {
    /// What was done, for people.
    pub how: String,
    /// Where, as a JSON pointer.
    pub at: String,
    /// What came of it.
    pub value: Value,
}

/// Everything that can stand in the place of something else.
fn strangers() -> Vec<Value> {
    let mut strangers =
        vec![json!(null), json!(true), json!(false), json!([]), json!({}), json!(["a"]), json!({"a": 1})];
    strangers.extend([json!(-1), json!(0), json!(1), json!(2), json!(1.5), json!(300), json!(1_u64 << 33)]);
    let texts = [
        "",
        "x",
        "a/b.png",
        "a//b",
        "../a",
        "/a",
        "a\\b",
        "a\u{7f}b",
        "A b",
        "project",
        "build",
        "error",
        "b3:00",
        "2026-02-30T09:00:00.123Z",
        "2026-11-22T09:00:00Z",
        "1969-11-22T09:00:00.123Z",
        "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10",
        "0192f0c1-7e7c-4b7a-8a44-0d3d7c1f9a10",
        "0192F0C1-7E7C-7B7A-8A44-0D3D7C1F9A10",
    ];
    strangers.extend(texts.map(|text| json!(text)));
    strangers
}

/// Every change of what stands in `whole` at `below`, a JSON pointer.
pub(super) fn mutations(whole: &Value, below: &str) -> Vec<Mutated> {
    let mut places = Vec::new();
    collect(whole.pointer(below).unwrap(), below, &mut places);
    // What stands elsewhere is the likeliest to be taken for right: another tag, another id.
    let mut strangers = strangers();
    for place in &places {
        let found = whole.pointer(place).unwrap();
        if !found.is_object() && !found.is_array() && !strangers.contains(found) {
            strangers.push(found.clone());
        }
    }
    let mut all = Vec::new();
    for place in &places {
        let found = whole.pointer(place).unwrap();
        for stranger in strangers.iter().filter(|stranger| *stranger != found) {
            put(whole, place, stranger.clone(), format!("{stranger} for {found}"), &mut all);
        }
        match found {
            Value::Object(fields) => objects(whole, place, fields, &mut all),
            Value::String(text) => texts(whole, place, text, &mut all),
            Value::Array(list) if !list.is_empty() => {
                let longer: Vec<Value> = list.iter().chain(list.first()).cloned().collect();
                put(whole, place, Value::Array(longer), "one more".to_owned(), &mut all);
            }
            Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    all
}

fn objects(whole: &Value, place: &str, fields: &Map<String, Value>, all: &mut Vec<Mutated>) {
    for field in fields.keys() {
        let mut fewer = fields.clone();
        fewer.shift_remove(field);
        put(whole, place, Value::Object(fewer), format!("without {field}"), all);
    }
    for (field, value) in [("foreign", json!(1)), ("type", json!("started")), ("path", json!(null))] {
        let mut more = fields.clone();
        if more.insert(field.to_owned(), value).is_none() {
            put(whole, place, Value::Object(more), format!("with {field}"), all);
        }
    }
}

fn texts(whole: &Value, place: &str, text: &str, all: &mut Vec<Mutated>) {
    let mut shorter = text.to_owned();
    shorter.pop();
    for other in [format!("{text} "), format!(" {text}"), format!("{text}x"), text.to_uppercase(), shorter] {
        if other != text {
            put(whole, place, json!(other), format!("{other:?} for {text:?}"), all);
        }
    }
}

fn put(whole: &Value, place: &str, value: Value, how: String, all: &mut Vec<Mutated>) {
    let mut changed = whole.clone();
    *changed.pointer_mut(place).unwrap() = value;
    all.push(Mutated { how, at: place.to_owned(), value: changed });
}

/// The places of everything in `value`, as JSON pointers; the whole is the first.
fn collect(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (field, inner) in fields {
                let field = field.replace('~', "~0").replace('/', "~1");
                collect(inner, &format!("{at}/{field}"), places);
            }
        }
        Value::Array(list) => {
            // Of many equal ones, one tells of all.
            let is_new = |index: &usize| *index == 0 || list[index - 1] != list[*index];
            (0..list.len())
                .filter(is_new)
                .for_each(|index| collect(&list[index], &format!("{at}/{index}"), places));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
