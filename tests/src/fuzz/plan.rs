//! Plan files: read, and where they were taken, written and read once more.
//!
//! An input is the file's bytes.

use packer_domain::identity::Digest;
use packer_domain::mutation::{MutationPlan, PLAN_SCHEMA, ShownPlan};
use packer_fs::plan_file::{ReadPlanError, decode, encode};

use super::input::{check_message, seed};
use super::{Seed, Verdict};
use crate::repo;

pub(super) fn run(data: &[u8]) -> Verdict {
    let shown = match decode(data) {
        Ok(shown) => shown,
        Err(refused) => {
            check_message(&refused.to_string());
            check_place(&refused, data);
            return Verdict::Refused;
        }
    };
    // Whatever a file says of itself, it can be asked.
    let altered = shown.is_altered();
    let written = encode(&in_full(&shown)).expect("what was read is within the limits");
    let again = decode(&written).expect("what was written reads back");
    assert_eq!(again, shown, "what was written reads otherwise");
    assert_eq!(again.is_altered(), altered);
    // With the digests that belong to it, it is a plan; with another request, it is none any more.
    let mut sealed = in_full(&shown);
    sealed.effects_digest = sealed.compute_effects_digest();
    let sealed = sealed.configured(Digest::of(data));
    let read = decode(&encode(&sealed).expect("digests have one length")).expect("it is a plan");
    assert!(!read.is_altered(), "sealed, it is still altered");
    let elsewhere = ShownPlan { configuration: Some(Digest::of(b"elsewhere")), ..read };
    assert!(elsewhere.is_altered(), "another configuration is not noticed");
    Verdict::Taken
}

/// A refusal has a place, which is one in the file or just behind it.
fn check_place(refused: &ReadPlanError, data: &[u8]) {
    match refused {
        ReadPlanError::Malformed { line, column, reason } => {
            assert!(reason.chars().count() <= 310 * 10, "the reason repeats the file");
            let longest = data.split(|byte| *byte == b'\n').nth(line - 1).map(<[u8]>::len);
            let longest = longest.unwrap_or_else(|| panic!("there is no line {line}"));
            assert!((1..=longest + 2).contains(column), "column {column} of {longest} in line {line}");
        }
        ReadPlanError::Schema { found } => assert_ne!(*found, u64::from(PLAN_SCHEMA)),
        ReadPlanError::TooLarge { .. } | ReadPlanError::Disk(_) => panic!("{refused}"),
    }
}

/// A plan in full that says what was shown.
fn in_full(shown: &ShownPlan) -> MutationPlan {
    let ShownPlan {
        mutation,
        lineage,
        configuration,
        verdict,
        registry_mutations,
        filesystem_mutations,
        seen,
        effects_digest,
        plan_digest,
    } = shown.clone();
    MutationPlan {
        schema: PLAN_SCHEMA,
        mutation,
        lineage,
        configuration,
        verdict,
        blockers: Vec::new(),
        warnings: Vec::new(),
        registry_mutations,
        filesystem_mutations,
        seen,
        affected: Vec::new(),
        effects_digest,
        plan_digest,
    }
}

/// A plan with every form, as its snapshot has it.
fn everything() -> String {
    let text = repo::read("packer-fs/src/plan_file/snapshots/packer_fs__plan_file__tests__everything.snap");
    let body = text.splitn(3, "---\n").nth(2).expect("a snapshot has a head");
    body.to_owned()
}

pub(super) fn seeds() -> Vec<Seed> {
    let whole = everything();
    let changed = |name: &str, from: &str, to: &str| seed(name, whole.replacen(from, to, 1));
    let lines: String = whole.lines().map(str::trim_start).collect();
    let nested = "{\"mutation\":\"batch\",\"mutations\":[".repeat(100);
    vec![
        seed("everything", whole.as_str()),
        seed("one-line", lines),
        changed("altered", "\"build\": \"excluded\"", "\"build\": \"included\""),
        changed("newer", "\"schema\": 1", "\"schema\": 2"),
        changed("field-more", "\"lineage\"", "\"more\": {\"a\": [1]}, \"lineage\""),
        changed("path", "\"path\": \"1.png\"", "\"path\": \"../1.png\""),
        changed("escape", "\"name\": \"ui/a\"", "\"name\": \"\\u001b[31m\\ud800\""),
        changed("number", "18446744073709551615", "18446744073709551616"),
        changed("order", "\"mutation\": \"register\",", ""),
        changed("findings", "\"blockers\": []", "\"blockers\": [{\"a\": null}, [[]], \"x\"]"),
        seed("torn", &whole[..whole.len() / 2]),
        seed("nested", format!("{{\"schema\":1,\"mutation\":{nested}")),
        seed("empty", ""),
        seed("not-utf-8", [b"{\"schema\":1,\"mutation\":\"\xff\"".as_slice(), whole.as_bytes()].concat()),
    ]
}
