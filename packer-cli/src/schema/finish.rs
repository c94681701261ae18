//! What derived schemas leave open, said in all of them alike: objects have no other fields, numbers have bounds that every
//! reader of JSON keeps exactly, definitions that nothing needs are dropped, and descriptions are plain text.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The greatest number below which every whole number is exact for readers that know only doubles.
const EXACT: u64 = (1 << 53) - 1;

/// Where definitions stand.
const DEFINITIONS: &str = "$defs";

/// The schema called `name`, with everything said.
pub(super) fn finished(name: &str, mut schema: Value) -> Value {
    inline_tagged(&mut schema);
    each(&mut schema, &mut |object| {
        bound_number(object);
        close(object);
        describe(object);
    });
    drop_unused(&mut schema);
    let Value::Object(body) = schema else { return schema };
    // What it is comes first.
    let mut ordered = Map::new();
    for key in ["$schema", "$id", "title", "description"] {
        let value = match key {
            "$id" => Some(json!(format!("urn:packer:schema:{name}"))),
            "title" => Some(json!(name)),
            _ => body.get(key).cloned(),
        };
        ordered.extend(value.map(|value| (key.to_owned(), value)));
    }
    for (key, value) in body {
        ordered.entry(key).or_insert(value);
    }
    Value::Object(ordered)
}

/// Calls `change` with every object in `value`, the innermost first.
fn each(value: &mut Value, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(|inner| each(inner, change));
            change(object);
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| each(inner, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Puts the fields of what is referred to beside the tag that tells it apart: a closed object cannot be referred to
/// from one that has more fields.
fn inline_tagged(schema: &mut Value) {
    let definitions = schema.get(DEFINITIONS).cloned().unwrap_or_default();
    each(schema, &mut |object| {
        if !object.contains_key("properties") {
            return;
        }
        let target = object.get("$ref").and_then(Value::as_str).and_then(|at| at.rsplit('/').next());
        let Some(Value::Object(target)) = target.and_then(|name| definitions.get(name)).cloned() else {
            return;
        };
        object.remove("$ref");
        for (key, value) in target {
            match (object.get_mut(&key), value) {
                (Some(Value::Object(fields)), Value::Object(more)) => fields.extend(more),
                (Some(Value::Array(required)), Value::Array(more)) => required.extend(more),
                (Some(_), _) => {}
                (None, value) => {
                    object.insert(key, value);
                }
            }
        }
    });
}

/// Bounds a whole number by its type, and drops the name of the type, which no reader of JSON knows.
fn bound_number(object: &mut Map<String, Value>) {
    let Some(format) = object.get("format").and_then(Value::as_str) else { return };
    let (least, greatest) = match format {
        "uint8" => (json!(0), json!(u8::MAX)),
        "uint32" => (json!(0), json!(u32::MAX)),
        "uint" | "uint64" => (json!(0), json!(EXACT)),
        "int64" => (json!(i64::MIN), json!(i64::MAX)),
        _ => return,
    };
    object.remove("format");
    // A type may say more than its width does.
    object.entry("minimum").or_insert(least);
    object.entry("maximum").or_insert(greatest);
}

/// Closes an object against fields that nobody knows.
fn close(object: &mut Map<String, Value>) {
    let is_object = object.get("type").and_then(Value::as_str) == Some("object");
    let is_open =
        !object.contains_key("additionalProperties") && !object.contains_key("unevaluatedProperties");
    if is_object && is_open && object.contains_key("properties") {
        let has_parts = ["oneOf", "anyOf", "$ref"].iter().any(|key| object.contains_key(*key));
        let key = if has_parts { "unevaluatedProperties" } else { "additionalProperties" };
        object.insert(key.to_owned(), Value::Bool(false));
    }
}

/// Makes a description one line of plain text: no links between items of the source.
fn describe(object: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("[`", "`").replace("`]", "`");
    }
}

/// Drops the definitions that nothing refers to, nor anything that is referred to.
fn drop_unused(schema: &mut Value) {
    let Some(Value::Object(definitions)) = schema.as_object_mut().and_then(|root| root.remove(DEFINITIONS))
    else {
        return;
    };
    let mut used = BTreeSet::new();
    let mut waiting = referred(schema);
    while let Some(name) = waiting.pop() {
        if let Some(definition) = definitions.get(&name)
            && used.insert(name)
        {
            waiting.extend(referred(definition));
        }
    }
    let kept: Map<String, Value> = definitions.into_iter().filter(|(name, _)| used.contains(name)).collect();
    if let (false, Some(root)) = (kept.is_empty(), schema.as_object_mut()) {
        root.insert(DEFINITIONS.to_owned(), Value::Object(kept));
    }
}

/// The names of the definitions that `value` refers to.
fn referred(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let own = object.get("$ref").and_then(Value::as_str).and_then(|at| at.rsplit('/').next());
            own.map(str::to_owned).into_iter().chain(object.values().flat_map(referred)).collect()
        }
        Value::Array(list) => list.iter().flat_map(referred).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}
