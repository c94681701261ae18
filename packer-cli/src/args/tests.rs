//! The arguments: which there are, that the page tells of each, and which are refused.

use clap::CommandFactory;

use super::*;

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn an_empty_path_never_means_the_working_folder() {
    for typed in [
        &["adopt", ""][..],
        &["new", ""],
        &["build", "--output", ""],
        &["status", "--project", ""],
        &["verify", ""],
        &["list", "--pack", ""],
        &["unpack", "a.pack", ""],
        &["reconcile", "--path", ""],
        &["mv", "a", ""],
        &["dup", "a", ""],
        &["adopt", "a", "--plan-out", ""],
        &["apply", ""],
    ] {
        let parsed = Cli::try_parse_from(std::iter::once("packer").chain(typed.iter().copied()));
        assert!(parsed.is_err_and(|error| error.to_string().contains("expected a path")), "{typed:?}");
    }
}

#[test]
fn the_commands_of_this_version() {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let expected = [
        "new",
        "adopt",
        "status",
        "list",
        "show",
        "check",
        "explain",
        "mv",
        "rename",
        "set",
        "include",
        "exclude",
        "rm",
        "dup",
        "reconcile",
        "recover",
        "undo",
        "log",
        "apply",
        "build",
        "refresh",
        "watch",
        "verify",
        "unpack",
        "gc",
        "events",
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_command_and_flag_is_in_the_page_about_the_command_line() {
    let page = include_str!("../../../docs/cli.md");
    let command = Cli::command();
    let mut looked_at = 0;
    for sub in std::iter::once(&command).chain(command.get_subcommands()) {
        let name = sub.get_name();
        assert!(page.contains(&format!("packer {name}")) || name == "packer", "{name} is not in docs/cli.md");
        for flag in sub.get_arguments().filter_map(clap::Arg::get_long) {
            looked_at += 1;
            assert!(page.contains(&format!("`--{flag}")), "--{flag} of {name} is not in docs/cli.md");
        }
    }
    assert!(looked_at > 15, "only {looked_at} flags were looked at");
}

#[test]
fn assignments_have_a_key() {
    let text = |t: &str| SettingValue::Text(t.to_owned());
    for (typed, key, value) in [
        ("encoding=rgba8", "encoding", text("rgba8")),
        ("preload=true", "preload", SettingValue::Bool(true)),
        ("a = 7", "a", SettingValue::Int(7)),
        ("a=b=c", "a", text("b=c")),
        ("a=", "a", text("")),
    ] {
        assert_eq!(parse_assignment(typed), Ok((key.to_owned(), value)), "{typed}");
    }
    for bad in ["", "a", "=", " =a"] {
        assert!(parse_assignment(bad).is_err(), "{bad:?} was taken");
    }
}

#[test]
fn the_last_of_the_paths_is_where_assets_go() {
    let parsed = Cli::try_parse_from(["packer", "mv", "a", "b", "into/", "--yes"]).unwrap();
    let CommandArgs::Mv(args) = parsed.command else { panic!("it is a move") };
    assert_eq!((args.assets, args.path.as_str()), (vec!["a".to_owned(), "b".to_owned()], "into/"));
    for bad in [&["mv", "a"][..], &["set", "a"], &["rm"], &["dup", "a"]] {
        let parsed = Cli::try_parse_from(std::iter::once("packer").chain(bad.iter().copied()));
        assert!(parsed.is_err(), "{bad:?}");
    }
    assert!(Cli::try_parse_from(["packer", "set", "a", "--clear", "k", "--clear", "l"]).is_ok());
}

#[test]
fn sizes_have_units() {
    let good = [("0", 0), ("4096", 4096), ("3k", 3072), ("2G", 2 << 30), ("1T", 1 << 40)];
    for (text, bytes) in good {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
    for bad in ["", "G", "-1", "1.5G", "1GB", "1KK", "99999999999T", "1 G"] {
        assert!(parse_size(bad).is_err(), "{bad:?} was taken");
    }
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for bad in [
        &["packer", "adopt", "a", "--yes", "--dry-run"][..],
        &["packer", "adopt", "a", "--yes", "--plan-out", "p"],
        &["packer", "adopt", "a", "--overwrite"],
        &["packer", "apply", "p", "--yes", "--dry-run"],
        &["packer", "apply"],
        &["packer", "status", "--quiet", "--verbose"],
        &["packer", "recover", "--keep-theirs", "--finish-ours"],
        &["packer", "build", "--jobs", "0"],
        &["packer", "build", "--jobs", "100000"],
        &["packer", "build", "--constants", "rs,java"],
        &["packer", "build", "--constants", ""],
        &["packer", "watch", "--profile", "release"],
        &["packer", "adopt"],
        &["packer"],
    ] {
        assert!(Cli::try_parse_from(bad).is_err(), "{bad:?} was taken");
    }
    let cli = Cli::try_parse_from(["packer", "build", "--project", "p", "--format", "json", "-j", "2"]);
    assert_eq!(cli.unwrap().global.format, Format::Json);
}
