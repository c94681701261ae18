//! The schemas refuse what the readers refuse: every small change of everything that is pinned, judged by both.
//!
//! Where the two differ, one of the reasons below has to say so; a reason that nothing needs any more fails too.

use std::collections::BTreeSet;

use packer_events::wire::decode_line;
use packer_fs::plan_file;
use packer_tests::forms::{Form, published};
use serde_json::{Value, json};

use super::mutations::{Mutated, mutations};
use super::pinned;

/// What a schema of JSON cannot say, or what a reader does not care about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exception {
    /// That a range counts right and ends at the event: arithmetic.
    Range,
    /// Which years have a 29th of February.
    LeapDay,
    /// A number beyond what every reader of JSON keeps: the schema refuses it, the reader knows 64 bits.
    BeyondDoubles,
    /// `7.0` is a whole number to a schema, and to the reader none.
    WrittenAsFraction,
    /// Tags inside a body are texts; the reader takes their number in the order of the variants, too.
    TagByNumber,
    /// What a plan says for people is read by nobody.
    ForPeople,
    /// A set is written without doubles; the reader takes them for one.
    SaidTwice,
    /// The field that tells objects apart is the first: JSON has no order.
    TagFirst,
}

/// Judges every change of `samples`, below the place that is beside each, by the schema and by the reader; which exceptions came up, and how many changes there
/// were.
fn compare(
    form: &Form,
    samples: &[(Value, &str)],
    is_read: impl Fn(&Value) -> bool,
    excuse: impl Fn(&Mutated) -> Option<Exception>,
) -> (BTreeSet<Exception>, usize) {
    let mut used = BTreeSet::new();
    let (mut changes, mut refused, mut wrong) = (0, 0, Vec::new());
    for (sample, below) in samples {
        for mutated in mutations(sample, below).into_iter().chain(numbers(sample)) {
            changes += 1;
            let (read, is_of_form) = (is_read(&mutated.value), form.is_valid(&mutated.value));
            refused += usize::from(!read);
            if read == is_of_form {
                continue;
            }
            if let Some(exception) = excuse(&mutated) {
                used.insert(exception);
            } else {
                let fault = form.fault(&mutated.value);
                wrong.push(format!("{} at {}: read {read}, {fault:?}", mutated.how, mutated.at));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {changes} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(refused * 2 > changes && refused < changes, "{refused} of {changes} refused");
    (used, changes)
}

/// Numbers of which a schema and a reader think differently.
fn numbers(sample: &Value) -> Vec<Mutated> {
    let mut all = Vec::new();
    for place in
        ["/position", "/sequence", "/mutation/mutations/0/draw/unix_ms", "/filesystem_mutations/0/size"]
    {
        for number in [json!(1_u64 << 53), json!((1_u64 << 53) - 1), json!(4.0)] {
            let mut value = sample.clone();
            if let Some(found) = value.pointer_mut(place) {
                *found = number.clone();
                all.push(Mutated { how: format!("{number}"), at: place.to_owned(), value });
            }
        }
    }
    if let Some(time) = sample.pointer("/time") {
        let mut value = sample.clone();
        value["time"] = json!(time.as_str().unwrap().replace("11-22", "02-29"));
        all.push(Mutated { how: "a leap day of no leap year".to_owned(), at: "/time".to_owned(), value });
    }
    all
}

fn excuse_of_any(mutated: &Mutated) -> Option<Exception> {
    match mutated.value.pointer(&mutated.at) {
        Some(Value::Number(number)) if number.as_u64().is_some_and(|n| n >= 1 << 53) => {
            Some(Exception::BeyondDoubles)
        }
        Some(Value::Number(number)) if number.is_f64() => Some(Exception::WrittenAsFraction),
        _ => None,
    }
}

#[test]
fn the_schema_of_events_refuses_what_the_reader_refuses() {
    let excuse = |mutated: &Mutated| match mutated.at.as_str() {
        "/time" if mutated.how.starts_with("a leap day") => Some(Exception::LeapDay),
        at if at.starts_with("/coalesced") => Some(Exception::Range),
        // The number at which the range has to end.
        "/sequence" if mutated.value.get("coalesced").is_some() => Some(Exception::Range),
        at => {
            let is_tag = ["/kind", "/type", "/state"].iter().any(|tag| at.ends_with(tag));
            let is_number = mutated.value.pointer(at).is_some_and(Value::is_u64);
            if is_tag && is_number { Some(Exception::TagByNumber) } else { excuse_of_any(mutated) }
        }
    };
    // Of the envelope all changes, of each body all of its own.
    let envelopes = 3;
    let events: Vec<(Value, &str)> = pinned::events()
        .into_iter()
        .enumerate()
        .map(|(n, event)| (event, if n < envelopes { "" } else { "/body" }))
        .collect();
    let is_read = |value: &Value| decode_line(&value.to_string()).is_ok();
    let (used, changes) = compare(published().get("event"), &events, is_read, excuse);
    let expected = [
        Exception::Range,
        Exception::LeapDay,
        Exception::BeyondDoubles,
        Exception::WrittenAsFraction,
        Exception::TagByNumber,
    ];
    assert_eq!(used, expected.into());
    assert!(changes > 20_000, "only {changes} changes");
}

#[test]
fn the_schema_of_plans_refuses_what_the_reader_refuses() {
    let excuse = |mutated: &Mutated| {
        let for_people = ["/blockers", "/warnings", "/affected"];
        if for_people.iter().any(|field| mutated.at.starts_with(field)) {
            return Some(Exception::ForPeople);
        }
        let is_doubled = mutated.at.ends_with("/clear") && mutated.how == "one more";
        if is_doubled { Some(Exception::SaidTwice) } else { excuse_of_any(mutated) }
    };
    let is_read = |value: &Value| plan_file::decode(value.to_string().as_bytes()).is_ok();
    let plans: Vec<(Value, &str)> = pinned::small_plans().into_iter().map(|plan| (plan, "")).collect();
    let (used, changes) = compare(published().get("plan"), &plans, is_read, excuse);
    let expected =
        [Exception::ForPeople, Exception::BeyondDoubles, Exception::WrittenAsFraction, Exception::SaidTwice];
    assert_eq!(used, expected.into());
    assert!(changes > 5_000, "only {changes} changes");
}

#[test]
fn a_plan_whose_tag_is_not_first_is_of_the_form_and_is_not_read() {
    let plan = pinned::plan();
    let sorted = |value: &Value| -> Value {
        let Value::Object(fields) = value else { panic!("it is an object") };
        fields.iter().rev().map(|(field, value)| (field.clone(), value.clone())).collect()
    };
    let mut turned = plan.clone();
    turned["mutation"] = sorted(&plan["mutation"]);
    assert_eq!(turned, plan, "the same to JSON");
    assert_eq!(published().get("plan").fault(&turned), None);
    let error = plan_file::decode(turned.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("first field"), "{:?}: {error}", Exception::TagFirst);
}
