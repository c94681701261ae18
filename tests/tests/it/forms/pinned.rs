//! What the crates pin of their JSON, in snapshots and in seeds, is of the published forms.

use packer_tests::forms::published;
use packer_tests::repo;
use serde_json::{Value, json};

/// The body of a snapshot file: what follows its head.
pub(super) fn snapshot(path: &str) -> String {
    let text = repo::read(path);
    let (_, rest) = text.split_once("---\n").unwrap();
    rest.split_once("---\n").unwrap().1.trim_end().to_owned()
}

const WIRE: &str = "packer-events/src/wire/snapshots/packer_events__wire__tests__";

/// Every body that the crate of events pins, each in an envelope.
pub(super) fn events() -> Vec<Value> {
    let envelopes = snapshot(&format!("{WIRE}envelopes.snap"));
    let envelopes: Vec<Value> = envelopes.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut events = envelopes.clone();
    for (file, terminal) in [("bodies", false), ("endings", true)] {
        for line in snapshot(&format!("{WIRE}{file}.snap")).lines() {
            let mut event = envelopes[0].clone();
            event["body"] = serde_json::from_str(line).unwrap();
            event["terminal"] = json!(terminal);
            events.push(event);
        }
    }
    assert!(events.len() > 40, "only {} events", events.len());
    events
}

/// The plan in which everything stands that a plan can have. Sizes that no disk has are made smaller: the form knows no
/// number that some reader of JSON would round.
pub(super) fn plan() -> Value {
    let path = "packer-fs/src/plan_file/snapshots/packer_fs__plan_file__tests__everything.snap";
    let mut plan: Value = serde_json::from_str(&snapshot(path)).unwrap();
    for effect in plan["filesystem_mutations"].as_array_mut().unwrap() {
        if effect["size"].as_u64().is_some_and(|size| size >= 1 << 53) {
            effect["size"] = json!((1_u64 << 53) - 1);
        }
    }
    plan
}

/// The same in as many plans as it needs so that each has one of everything at the most.
pub(super) fn small_plans() -> Vec<Value> {
    let whole = plan();
    let lists = [
        "/mutation/mutations",
        "/registry_mutations",
        "/filesystem_mutations",
        "/seen",
        "/blockers",
        "/affected",
    ];
    let len = |list: &&str| whole.pointer(list).unwrap().as_array().unwrap().len();
    let longest = lists.iter().map(len).max().unwrap();
    let one = |n: usize| {
        let mut plan = whole.clone();
        for list in lists {
            let list = plan.pointer_mut(list).unwrap().as_array_mut().unwrap();
            *list = list.get(n).cloned().into_iter().collect();
        }
        plan
    };
    (0..longest).map(one).collect()
}

#[test]
fn what_is_pinned_of_events_is_of_the_published_forms() {
    for event in events() {
        assert_eq!(published().get("event").fault(&event), None, "{event}");
        assert_eq!(published().get("body").fault(&event["body"]), None, "{event}");
    }
}

#[test]
fn what_is_pinned_of_answers_is_of_the_published_forms() {
    assert_eq!(published().get("plan").fault(&plan()), None);
    let answers = [
        (
            "error",
            "packer-cli/src/snapshots/packer_cli__failure__tests__errors_go_where_errors_are_looked_for-2.snap",
        ),
        (
            "logged-operation",
            "packer-cli/src/render/snapshots/packer_cli__render__log__tests__the_json_has_everything_that_is_logged.snap",
        ),
        (
            "status",
            "packer-cli/src/render/snapshots/packer_cli__render__status__tests__the_json_has_the_figures_as_given.snap",
        ),
    ];
    for (form, path) in answers {
        let text = snapshot(path);
        let values: Vec<Value> = match serde_json::from_str(&text) {
            Ok(Value::Array(values)) => values,
            Ok(value) => vec![value],
            Err(_) => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        };
        assert!(!values.is_empty(), "{path} is empty");
        for value in values {
            assert_eq!(published().get(form).fault(&value), None, "{path}: {value}");
        }
    }
}

#[test]
fn every_readable_line_of_a_seed_is_of_the_published_form() {
    let mut lines = 0;
    for path in repo::files().into_iter().filter(|path| path.starts_with("fuzz/corpus/events/")) {
        let Ok(text) = String::from_utf8(repo::bytes(&path)) else { continue };
        for line in text.lines().filter(|line| packer_events::wire::decode_line(line).is_ok()) {
            published().check_lines("event", line);
            lines += 1;
        }
    }
    assert!(lines > 10, "only {lines} lines");
}
