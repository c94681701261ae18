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
        let missing: Vec<&str> = BANNED.into_iter().filter(|path| !banned.contains(path)).collect();
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
fn the_adapter_decodes_nothing_and_extends_nothing() {
    for path in sources("studio-adapter") {
        let text = repo::read(&path);
        let shipped = repo::shipped_part(&text);
        for word in ["Deserialize", "serde_json", "packer_runtime::codec", "packer_domain", "packer_fs"] {
            let used =
                shipped.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            assert!(!used, "{path} uses {word}");
        }
    }
}
