//! `packer.toml`: text in, configuration and rendered diagnostics out.

use proptest::prelude::*;

use super::{BuildOptions, Compression, ProjectConfig, parse_config};
use crate::constants::{ConstantsLanguage, ConstantsLanguages};
use crate::kind::{KindId, SettingValue};
use crate::limits::Limits;
use crate::path::AssetPath;
use crate::toml_text::testing::{expect, kinds, render};

fn parse(text: &str) -> (Option<ProjectConfig>, String) {
    let parsed = parse_config(text, "packer.toml", &kinds());
    (parsed.output, render(&parsed.diagnostics))
}

/// A project with `text` after its name.
#[track_caller]
fn check(text: &str, expected: &str) -> Option<ProjectConfig> {
    let (config, found) = parse(&format!("[project]\nname = \"harbour\"\n{text}"));
    expect(&found, expected);
    config
}

/// A project whose folders are wrong.
#[track_caller]
fn unusable(text: &str, expected: &str) {
    assert_eq!(check(text, expected), None);
}

/// A text that says too little for a configuration.
#[track_caller]
fn refused(text: &str, expected: &str) {
    let (config, found) = parse(text);
    assert_eq!(config, None);
    expect(&found, expected);
}

#[test]
fn the_text_of_a_new_project_is_valid_and_says_the_name() {
    for name in ["harbour", "the \"harbour\" \\ ü"] {
        let (config, found) = parse(&ProjectConfig::new_project_text(name));
        assert_eq!(found, "");
        let config = config.unwrap();
        assert_eq!(config.name, name);
        assert_eq!((config.assets.as_str(), config.output.as_str()), ("assets", "build"));
        assert_eq!(config.build, BuildOptions::default());
        assert_eq!(config.build_options(Some("dev")).unwrap().compression, Compression::None);
    }
}

#[test]
fn everything_that_is_left_out_has_a_default() {
    let config = check("", "").unwrap();
    assert_eq!(config.build, BuildOptions::default());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.rules.iter().len(), 0);
}

#[test]
fn rules_are_read_in_order_with_settings_by_kind() {
    let config = check(
        "[[rules]]\nmatch = \"ui/**/*.png\"\nkind = \"image\"\npreload = true\nimage.encoding = \"indexed8\"\natlas.padding = 2\n\
         [[rules]]\nmatch = \"**/*.png\"\n[rules.image]\npremultiply = true\n",
        "",
    )
    .unwrap();
    let rule = config.rules.first_match(&AssetPath::parse("ui/a.png").unwrap()).unwrap();
    assert_eq!((rule.kind.as_ref().map(KindId::as_str), rule.preload), (Some("image"), Some(true)));
    let image = &rule.settings[&KindId::parse("image").unwrap()];
    assert_eq!(image["encoding"], SettingValue::Text("indexed8".into()));
    assert_eq!(rule.settings.len(), 2);
    assert_eq!(rule.span.as_ref().map(|span| span.line), Some(3));
    let second = config.rules.first_match(&AssetPath::parse("a.png").unwrap()).unwrap();
    assert_eq!((second.kind.as_ref(), second.settings.len()), (None, 1));
}

#[test]
fn errors_of_rules_stand_at_what_is_wrong() {
    let config = check(
        "[[rules]]\nmatch = \"../x\"\nkind = \"imgae\"\n[[rules]]\nmacth = \"a\"\nimage.encodnig = \"rgba8\"\nimage.premultiply = 1\n\
         [[rules]]\nmatch = \"a[\"\npreload = \"yes\"\nvideo.fps = 3\nimage = 5\n",
        "\
packer.toml:4:9: error[config/invalid-value] `match`: \"../x\" has a `..` segment; a pattern never leaves the assets root
packer.toml:5:8: error[kind/unknown] no codec bakes the kind \"imgae\"
  help: did you mean \"image\"?
packer.toml:6:1: error[config/missing-key] [[rules]] lacks the key `match`
  help: add `match = \"…\"`: the files that the rule is for
packer.toml:7:1: error[config/unknown-key] unknown key \"macth\" in [[rules]]
  help: did you mean `match`?
packer.toml:8:7: error[config/unknown-key] unknown key \"encodnig\" in the settings of the kind `image`
  help: did you mean `encoding`?
packer.toml:9:21: error[config/invalid-value] `premultiply`: expected true or false, found 1
packer.toml:11:9: error[config/invalid-value] `match`: \"a[\" is not a pattern: unclosed character class; missing ']'
packer.toml:12:11: error[config/invalid-value] `preload`: expected true or false, found \"yes\"
packer.toml:13:1: error[config/unknown-key] unknown key \"video\" in [[rules]]
  help: known here: match, kind, preload, atlas, image, tilemap
packer.toml:14:9: error[config/invalid-value] `image`: expected a table, found 5
",
    )
    .unwrap();
    assert_eq!(config.rules.iter().len(), 0);
}

#[test]
fn more_rules_than_can_be_meant_are_refused() {
    let rules = "[[rules]]\nmatch = \"a\"\n".repeat(1001);
    let config =
        check(&rules, "packer.toml:3:3: error[config/invalid-value] 1001 rules; at most 1000 are taken\n");
    assert_eq!(config.map(|config| config.rules.iter().len()), Some(0));
}

#[test]
fn unknown_keys_have_a_suggestion_everywhere() {
    check(
        "asset = \"a\"\n[buid]\n[build]\ncompresion = \"lz4\"\ncolour = 1\n[build.profiles.dev]\ndurabel = true\n[limits]\nmax_pixel = 1\n",
        "\
packer.toml:3:1: error[config/unknown-key] unknown key \"asset\" in [project]
  help: did you mean `assets`?
packer.toml:4:2: error[config/unknown-key] unknown key \"buid\" at the top level
  help: did you mean `build`?
packer.toml:6:1: error[config/unknown-key] unknown key \"compresion\" in [build]
  help: did you mean `compression`?
packer.toml:7:1: error[config/unknown-key] unknown key \"colour\" in [build]
  help: known here: compression, durable, alignment, constants, max_store_bytes, profiles
packer.toml:9:1: error[config/unknown-key] unknown key \"durabel\" in [build.profiles.dev]
  help: did you mean `durable`?
packer.toml:11:1: error[config/unknown-key] unknown key \"max_pixel\" in [limits]
  help: did you mean `max_pixels`?
",
    );
}

#[test]
fn wrong_types_and_values_say_what_was_expected() {
    check(
        "[build]\ncompression = \"zsdt\"\ndurable = \"no\"\nalignment = 48\nprofiles = 3\n[limits]\nmax_pixels = 0\nmax_input_bytes = 1.5\n",
        "\
packer.toml:4:15: error[config/invalid-value] `compression`: \"zsdt\" is no compression
  help: did you mean \"zstd\"?
packer.toml:5:11: error[config/invalid-value] `durable`: expected true or false, found \"no\"
packer.toml:6:13: error[config/invalid-value] `alignment`: expected a power of two from 16 to 4096
packer.toml:7:12: error[config/invalid-value] `profiles`: expected a table, found 3
packer.toml:9:14: error[config/invalid-value] `max_pixels`: expected a whole number, at least 1, found 0
packer.toml:10:19: error[config/invalid-value] `max_input_bytes`: expected a whole number, at least 1, found 1.5
",
    );
    check(
        "[build]\ncompression = 3\nalignment = 8\n",
        "\
packer.toml:4:15: error[config/invalid-value] `compression`: expected a text, found 3
packer.toml:5:13: error[config/invalid-value] `alignment`: expected a whole number from 16 to 4096, found 8
",
    );
    check(
        "rules = 3\n",
        "packer.toml:3:1: error[config/unknown-key] unknown key \"rules\" in [project]\n  help: known here: name, assets, output\n",
    );
}

#[test]
fn without_a_sound_project_table_there_is_no_configuration() {
    refused(
        "",
        "\
packer.toml:1:1: error[config/missing-key] the top level lacks the key `project`
  help: add `[project]` with `name = \"…\"`
",
    );
    refused(
        "project = 1\n",
        "\
packer.toml:1:11: error[config/invalid-value] `project`: expected a table, found 1
",
    );
    refused(
        "[project]\n",
        "\
packer.toml:1:1: error[config/missing-key] [project] lacks the key `name`
  help: add `name = \"…\"`: what people call the project
",
    );
    refused(
        "[project]\nname = \" \"\n",
        "\
packer.toml:2:8: error[config/invalid-value] `name`: expected a line of 1 to 128 bytes
",
    );
    refused(
        "[project]\nname = \n",
        "\
packer.toml:2:8: error[config/syntax] a value is missing
",
    );
}

#[test]
fn folders_are_normalised() {
    let config = check("assets = \"./art//src/\"\noutput = \"art/out\"\n", "").unwrap();
    assert_eq!((config.assets.as_str(), config.output.as_str()), ("art/src", "art/out"));
}

#[test]
fn folders_stay_inside_the_project_and_apart() {
    unusable("assets = \".\"\n", "\
packer.toml:3:10: error[config/invalid-value] `assets`: \".\" is the project itself, which also holds the packer's own files
  help: a folder inside the project, such as \"assets\"
");
    unusable(
        "assets = \"../x\"\n",
        "\
packer.toml:3:10: error[config/invalid-value] `assets`: \"../x\" leaves the project
  help: a folder inside the project, such as \"assets\"
",
    );
    unusable(
        "assets = \"/x\"\n",
        "\
packer.toml:3:10: error[config/invalid-value] `assets`: \"/x\" is absolute
  help: a folder inside the project, such as \"assets\"
",
    );
    unusable(
        "assets = \"C:/x\"\n",
        "\
packer.toml:3:10: error[config/invalid-value] `assets`: \"C:/x\" is absolute
  help: a folder inside the project, such as \"assets\"
",
    );
    unusable("assets = \"a\\\\b\"\n", "\
packer.toml:3:10: error[config/invalid-value] `assets`: \"a\\\\b\" has a backslash; folders are separated by `/`
  help: a folder inside the project, such as \"assets\"
");
    unusable(
        "assets = \".Packer/x\"\n",
        "\
packer.toml:3:10: error[config/invalid-value] `assets`: \".Packer/x\" is the packer's own folder
  help: a folder inside the project, such as \"assets\"
",
    );
    unusable(
        "assets = \"\"\n",
        "\
packer.toml:3:10: error[config/invalid-value] `assets`: \"\" is empty
  help: a folder inside the project, such as \"assets\"
",
    );
    unusable(
        "output = \"ASSETS/out\"\n",
        "\
packer.toml:3:10: error[config/invalid-value] `output` \"ASSETS/out\" is inside the assets root \"assets\"
  help: outputs would be taken for sources: choose a folder beside the assets root
",
    );
    unusable(
        "output = \"Assets\"\n",
        "\
packer.toml:3:10: error[config/invalid-value] `output` and `assets` are both \"assets\"
  help: outputs need a folder of their own, such as \"build\"
",
    );
    unusable(
        "assets = \"build/src\"\n",
        "\
packer.toml:1:1: error[config/invalid-value] `output` \"build\" holds the assets root \"build/src\"
  help: an output folder can be deleted at any time: choose one that holds no sources
",
    );
    assert!(check("output = \"assets2\"\n", "").is_some());
}

#[test]
fn profiles_override_only_what_they_say() {
    let config = check(
        "[build]\ncompression = \"zstd:19\"\nalignment = 4096\n[build.profiles.dev]\ncompression = \"none\"\n[build.profiles.ship]\ndurable = true\n",
        "",
    )
    .unwrap();
    let base = config.build_options(None).unwrap();
    assert_eq!(
        base,
        BuildOptions {
            compression: Compression::Zstd { level: 19 },
            alignment: 4096,
            ..BuildOptions::default()
        }
    );
    assert_eq!(
        config.build_options(Some("dev")),
        Ok(BuildOptions { compression: Compression::None, ..base })
    );
    assert_eq!(config.build_options(Some("ship")), Ok(BuildOptions { durable: true, ..base }));
    let error = config.build_options(Some("shp")).unwrap_err();
    assert_eq!(error.known, ["dev", "ship"]);
    assert_eq!(error.suggestion.as_deref(), Some("ship"));
}

#[test]
fn constants_are_asked_for_by_language_and_a_profile_asks_for_others() {
    let config = check(
        "[build]\nconstants = [\"rs\", \"h\"]\n[build.profiles.dev]\nconstants = []\n[build.profiles.web]\nconstants = [\"ts\"]\n[build.profiles.ship]\ndurable = true\n",
        "",
    )
    .unwrap();
    let languages = |profile| {
        let options = config.build_options(profile).unwrap();
        options.constants.iter().map(ConstantsLanguage::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(languages(None), "rs h");
    assert_eq!([languages(Some("dev")), languages(Some("web")), languages(Some("ship"))], ["", "ts", "rs h"]);
    assert_eq!(check("", "").unwrap().build.constants, ConstantsLanguages::NONE);
    check(
        "[build]\nconstants = [\"rs\", \"tss\", 3, \"java\"]\n[build.profiles.dev]\nconstants = \"rs\"\n",
        "\
packer.toml:4:20: error[config/invalid-value] `constants`: \"tss\" is no language of constants: expected \"rs\", \"ts\", \"h\" or \"cs\"
  help: did you mean \"ts\"?
packer.toml:4:27: error[config/invalid-value] `constants`: expected a text, found 3
packer.toml:4:30: error[config/invalid-value] `constants`: \"java\" is no language of constants: expected \"rs\", \"ts\", \"h\" or \"cs\"
packer.toml:6:13: error[config/invalid-value] `constants`: expected a list of texts, found \"rs\"
",
    );
}

#[test]
fn the_store_has_one_limit_for_all_profiles() {
    assert_eq!(check("", "").unwrap().max_store_bytes, 4 << 30);
    assert_eq!(check("[build]\nmax_store_bytes = 0\n", "").unwrap().max_store_bytes, 0);
    let config = check(
        "[build]\nmax_store_bytes = -1\n[build.profiles.dev]\nmax_store_bytes = 1\n",
        "\
packer.toml:4:19: error[config/invalid-value] `max_store_bytes`: expected a whole number, at least 0, found -1
packer.toml:6:1: error[config/unknown-key] unknown key \"max_store_bytes\" in [build.profiles.dev]
  help: known here: compression, durable, alignment, constants
",
    );
    assert_eq!(config.unwrap().max_store_bytes, 4 << 30);
}

#[test]
fn limits_are_read() {
    let config = check("[limits]\nmax_input_bytes = 1\nmax_pixels = 2\nmax_payload_bytes = 3\n", "").unwrap();
    assert_eq!(config.limits, Limits { max_input_bytes: 1, max_pixels: 2, max_payload_bytes: 3 });
}

proptest! {
    #[test]
    fn no_text_panics(lines in proptest::collection::vec(
        "(\\[project\\]|\\[\\[rules\\]\\]|\\[build\\]|\\[build.profiles.a\\]|name = \"x\"|match = \"[a*/{},\\[\\]]{0,6}\"|image.encoding = 1|rules = \\[1, \\{ match = \"a\" \\}\\]|build.durable = 1|assets = \"[./a\\\\ ]{0,5}\"|[a=\\[\\]{}\"']{0,5})",
        0..12,
    )) {
        let text = lines.join("\n");
        let parsed = parse_config(&text, "packer.toml", &kinds());
        prop_assert!(parsed.output.is_some() || parsed.has_errors());
    }
}
