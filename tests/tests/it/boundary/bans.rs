//! The bans of the pure crates and of the adapter are complete and switched on, and nothing in them is excepted.
//!
//! That a ban holds is clippy's work, in `cargo xtask ci`; here is only that clippy was told.

use std::collections::BTreeSet;

use packer_tests::repo;

/// The crates that have a list of their own.
const FENCED: [&str; 3] = ["packer-domain", "packer-events", "studio-adapter"];

/// What each of the lists has to ban at least.
const BANNED: [&str; 61] = [
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::env::args",
    "std::env::current_dir",
    "std::env::temp_dir",
    "std::env::var",
    "std::env::var_os",
    "std::env::vars",
    "std::fs::File",
    "std::fs::OpenOptions",
    "std::fs::canonicalize",
    "std::fs::copy",
    "std::fs::create_dir",
    "std::fs::create_dir_all",
    "std::fs::exists",
    "std::fs::hard_link",
    "std::fs::metadata",
    "std::fs::read",
    "std::fs::read_dir",
    "std::fs::read_link",
    "std::fs::read_to_string",
    "std::fs::remove_dir",
    "std::fs::remove_dir_all",
    "std::fs::remove_file",
    "std::fs::rename",
    "std::fs::set_permissions",
    "std::fs::symlink_metadata",
    "std::fs::write",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::path::Path::canonicalize",
    "std::path::Path::exists",
    "std::path::Path::is_dir",
    "std::path::Path::is_file",
    "std::path::Path::is_symlink",
    "std::path::Path::metadata",
    "std::path::Path::read_dir",
    "std::path::Path::read_link",
    "std::path::Path::symlink_metadata",
    "std::path::Path::try_exists",
    "std::process::Command",
    "std::process::abort",
    "std::process::exit",
    "std::process::id",
    "std::sync::Condvar",
    "std::sync::LazyLock",
    "std::sync::Mutex",
    "std::sync::OnceLock",
    "std::sync::RwLock",
    "std::thread::JoinHandle",
    "std::thread::scope",
    "std::thread::sleep",
    "std::thread::spawn",
    "std::time::Instant",
    "std::time::Instant::now",
    "std::time::SystemTime",
    "std::time::SystemTime::now",
    "camino::Utf8Path::exists",
    "camino::Utf8Path::metadata",
    "camino::Utf8Path::read_dir_utf8",
];

/// What the adapter's list has to ban besides.
const BANNED_IN_THE_ADAPTER: [&str; 19] = [
    "std::cell::Cell",
    "std::cell::RefCell",
    "std::cell::UnsafeCell",
    "std::fs::soft_link",
    "std::hash::RandomState",
    "std::net::ToSocketAddrs",
    "std::os::unix::fs::chown",
    "std::os::unix::fs::symlink",
    "std::os::unix::net::UnixDatagram",
    "std::os::unix::net::UnixListener",
    "std::os::unix::net::UnixStream",
    "std::os::unix::process::parent_id",
    "std::sync::atomic::AtomicBool",
    "std::sync::atomic::AtomicI16",
    "std::sync::atomic::AtomicI8",
    "std::sync::atomic::AtomicIsize",
    "std::sync::atomic::AtomicU16",
    "std::sync::atomic::AtomicU8",
    "std::sync::atomic::AtomicUsize",
];

/// Groups of lints that would take the bans with them.
const GROUPS: [&str; 9] = [
    "clippy::all",
    "clippy::cargo",
    "clippy::complexity",
    "clippy::correctness",
    "clippy::nursery",
    "clippy::pedantic",
    "clippy::restriction",
    "clippy::style",
    "clippy::suspicious",
];

fn sources(package: &str) -> Vec<String> {
    let folder = format!("{package}/src/");
    let found: Vec<String> =
        repo::files_with_extension("rs").into_iter().filter(|path| path.starts_with(&folder)).collect();
    assert!(!found.is_empty(), "{folder} has no source file");
    found
}

#[test]
fn the_lists_ban_what_they_must() {
    for package in FENCED {
        let text = repo::read(&format!("{package}/clippy.toml"));
        let banned: BTreeSet<&str> =
            text.split("path = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let more: &[&str] = if package == "studio-adapter" { &BANNED_IN_THE_ADAPTER } else { &[] };
        let missing: Vec<&str> =
            BANNED.iter().chain(more).copied().filter(|path| !banned.contains(path)).collect();
        assert_eq!(missing, Vec::<&str>::new(), "{package}/clippy.toml does not ban these");
    }
}

#[test]
fn the_lists_are_switched_on_and_nothing_is_excepted() {
    for package in FENCED {
        let root = repo::read(&format!("{package}/src/lib.rs"));
        for lint in ["clippy::disallowed_methods", "clippy::disallowed_types"] {
            let denied = root.lines().any(|line| {
                line.starts_with("#![deny(") && line.split([',', '(', ')', ' ']).any(|part| part == lint)
            });
            assert!(denied, "{package}/src/lib.rs does not deny {lint}");
        }
        for path in sources(package) {
            for line in repo::read(&path).lines().filter(|line| line.contains("disallowed_")) {
                assert!(line.starts_with("#![deny("), "{path}: {line}");
            }
        }
    }
}

#[test]
fn the_adapter_names_every_variant() {
    let ban = "clippy::wildcard_enum_match_arm";
    let root = repo::read("studio-adapter/src/lib.rs");
    let denied = root.lines().any(|line| line.starts_with("#![deny(") && line.contains(ban));
    assert!(denied, "studio-adapter/src/lib.rs does not deny {ban}");
    for path in sources("studio-adapter") {
        for (index, line) in repo::read(&path).lines().enumerate() {
            let line = line.trim_start();
            let wildcard = line.starts_with("_ =>") || line.starts_with("_ if ") || line.contains(" | _ =>");
            assert!(!wildcard, "{path}:{}: {line}", index + 1);
        }
    }
}

#[test]
fn the_adapter_excepts_nothing_by_the_group() {
    for path in sources("studio-adapter") {
        let text = repo::read(&path);
        for attribute in text.split("#[").chain(text.split("#![")).skip(1) {
            let attribute = attribute.split(']').next().unwrap_or_default();
            if !["allow(", "expect(", "warn("].iter().any(|word| attribute.contains(word)) {
                continue;
            }
            let names = attribute.split(|at: char| !(at.is_alphanumeric() || at == ':' || at == '_'));
            for name in names {
                let refused =
                    GROUPS.contains(&name) || name == "clippy::wildcard_enum_match_arm" || name == "warnings";
                assert!(!refused, "{path} excepts {name}");
            }
        }
    }
}

/// The forms in which a variant is told from all others without naming them, which no lint finds. A line of text does not
/// say whose enum it is, so the adapter's own are told apart by a `match` as well.
fn passes_over_variants(line: &str) -> bool {
    let variant = |text: &str| {
        let begins = |part: &str| part.chars().next().is_some_and(char::is_uppercase);
        let word = |at: char| !(at.is_alphanumeric() || at == ':' || at == '_');
        let named = |name: &str| {
            name.rsplit_once("::").is_some_and(|(of, variant)| {
                begins(of.rsplit("::").next().unwrap_or_default()) && begins(variant)
            })
        };
        text.split(word).any(named)
    };
    let is_pattern = |begin: &str| {
        line.split(begin).skip(1).any(|rest| variant(rest.split(" = ").next().unwrap_or_default()))
    };
    let is_compared =
        [" == ", " != "].iter().any(|sign| line.contains(sign)) && variant(line) && !line.contains("=>");
    let refutable = line.trim_start().starts_with("let ") && line.contains(" else {") && is_pattern("let ");
    line.contains("matches!(")
        || is_pattern("if let ")
        || is_pattern("while let ")
        || refutable
        || is_compared
        || line.contains("Some(_) | None")
        || line.contains("(_, _) =>")
        || line.contains("(_, _, _) =>")
}

#[test]
fn the_adapter_tells_variants_apart_by_matches_alone() {
    for path in sources("studio-adapter").into_iter().filter(|path| !path.ends_with("/tests.rs")) {
        let text = repo::read(&path);
        for (index, line) in repo::shipped_part(&text).lines().enumerate() {
            let is_code = !line.trim_start().starts_with("//");
            assert!(!(is_code && passes_over_variants(line)), "{path}:{}: {line}", index + 1);
        }
    }
    for form in [
        "if let Mutation::Batch(batch) = next {",
        "while let api::Mutation::Batch(batch) = next {",
        "let Freshness::RecoveryRequired { operation_id } = freshness else { return None };",
        "plan.verdict == Verdict::Blocked",
        "Verdict::Blocked != plan.verdict",
        "matches!(plan.verdict, Verdict::Blocked)",
        "Some(_) | None => false,",
        "(_, _) => false,",
    ] {
        assert!(passes_over_variants(form), "{form}");
    }
    for form in [
        "if let Ok(code) = text.parse::<DivergenceCode>() {",
        "let Some(text) = operation else {",
        "let state = AssetState::Ready;",
        "let plural = if count == 1 { \"\" } else { \"s\" };",
        "Verdict::Blocked if count == 1 => true,",
    ] {
        assert!(!passes_over_variants(form), "{form}");
    }
}

#[test]
fn the_adapter_decodes_nothing_and_extends_nothing() {
    for path in sources("studio-adapter") {
        let text = repo::read(&path);
        let shipped = repo::shipped_part(&text);
        // A mutation is submitted as the plan that a ticket holds, and in no other way.
        for word in [
            "Deserialize",
            "serde_json",
            "packer_runtime::codec",
            "packer_domain",
            "packer_fs",
            "Command::Mutate",
            "option_env!",
            " env!(",
            "include_bytes!",
            "thread_local!",
        ] {
            let used =
                shipped.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            assert!(!used, "{path} uses {word}");
        }
    }
}
