//! The dependency graph, as `cargo metadata` tells it, against the allow-list and against ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use packer_tests::repo;
use serde_json::Value;

use super::allowed::{EXTERNAL, Edges, INTERNAL};

/// Dependencies of one crate: (kind, name), where kind is `normal`, `dev` or `build`.
type Dependencies = BTreeSet<(String, String)>;

struct Graph {
    internal: BTreeMap<String, Dependencies>,
    external: BTreeMap<String, Dependencies>,
}

fn graph() -> Graph {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"])
        .arg(repo::root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut graph = Graph { internal: BTreeMap::new(), external: BTreeMap::new() };
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap().to_owned();
        let (mut internal, mut external) = (Dependencies::new(), Dependencies::new());
        for dependency in package["dependencies"].as_array().unwrap() {
            let kind = dependency["kind"].as_str().unwrap_or("normal").to_owned();
            let optional = if dependency["optional"] == true { "?" } else { "" };
            let edge = (kind, format!("{}{optional}", dependency["name"].as_str().unwrap()));
            let ours = dependency.get("path").is_some_and(Value::is_string);
            if ours {
                internal.insert(edge)
            } else {
                external.insert(edge)
            };
        }
        graph.internal.insert(name.clone(), internal);
        graph.external.insert(name, external);
    }
    graph
}

fn listed(edges: &Edges) -> Dependencies {
    let kinds = [("normal", edges.normal), ("dev", edges.dev), ("build", edges.build)];
    let of_kind = |(kind, names): (&str, &[&str])| {
        names.iter().map(|name| (kind.to_owned(), (*name).to_owned())).collect::<Vec<_>>()
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

/// Every way in which `found` differs from `allowed`, for people.
fn differences(package: &str, found: &Dependencies, allowed: &Dependencies) -> Vec<String> {
    let new =
        found.difference(allowed).map(|(kind, name)| format!("{package} -> {name} ({kind}): not allowed"));
    let gone =
        allowed.difference(found).map(|(kind, name)| format!("{package} -> {name} ({kind}): allowed, gone"));
    new.chain(gone).collect()
}

#[test]
fn our_crates_depend_on_each_other_as_allowed() {
    let graph = graph();
    let found: BTreeSet<&str> = graph.internal.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = INTERNAL.iter().map(|edges| edges.package).collect();
    assert_eq!(found, expected, "the crates of the workspace");
    let wrong: Vec<String> = INTERNAL
        .iter()
        .flat_map(|edges| differences(edges.package, &graph.internal[edges.package], &listed(edges)))
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "see tests/tests/it/boundary/allowed.rs");
}

#[test]
fn walled_crates_depend_on_others_exactly_as_allowed() {
    let graph = graph();
    let wrong: Vec<String> = EXTERNAL
        .iter()
        .flat_map(|edges| differences(edges.package, &graph.external[edges.package], &listed(edges)))
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "see tests/tests/it/boundary/allowed.rs");
}

#[test]
fn a_new_edge_and_a_missing_one_are_both_told() {
    let edge = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    let found = Dependencies::from([edge("normal", "packer-fs"), edge("dev", "insta")]);
    let allowed = Dependencies::from([edge("dev", "packer-fs"), edge("dev", "insta")]);
    assert_eq!(
        differences("a", &found, &allowed),
        ["a -> packer-fs (normal): not allowed", "a -> packer-fs (dev): allowed, gone"]
    );
}

#[test]
fn architecture_states_the_same_graph() {
    let text = repo::read("ARCHITECTURE.md");
    let block = text
        .split_once("```dependencies\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(block, _)| block)
        .expect("ARCHITECTURE.md has a block ```dependencies");
    let stated: BTreeMap<&str, BTreeSet<&str>> = block
        .lines()
        .map(|line| {
            let (package, targets) = line.split_once("->").expect("a line is `crate -> crates`");
            let targets = targets.split(',').map(str::trim).filter(|target| !target.is_empty());
            (package.trim(), targets.collect())
        })
        .collect();
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        INTERNAL.iter().map(|edges| (edges.package, edges.normal.iter().copied().collect())).collect();
    assert_eq!(stated, allowed);
}
