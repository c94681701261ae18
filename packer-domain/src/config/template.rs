//! The `packer.toml` of a new project.

/// The text, with `name` in it; every line that is commented out says the default.
pub(super) fn new_project_text(name: &str) -> String {
    let name = toml_edit::Value::from(name).to_string();
    format!(
        r#"# What this project's assets are and how they are packed. `packer check` says when something is wrong here.

[project]
name = {name}
assets = "assets"       # where the sources and their anchors are
output = "build"        # where `packer build` writes the pack

# Rules say what a file is when it is adopted, and which settings it starts from. The first one that matches counts;
# patterns start at the assets root. Files that no rule covers go by their extension and content.
#
# [[rules]]
# match = "ui/**/*.png"
# kind = "image"
# image.encoding = "rgba8"

[build]
compression = "zstd"    # "none", "lz4", "zstd", or with a level: "zstd:19"
# max_store_bytes = 4294967296   # what the cache of baked assets under .packer keeps; 0: nothing
# constants = ["rs"]     # names of the assets for game code: "rs", "ts", "h", "cs"
# durable = false       # true: outputs are synced to the disk before success is reported

# A profile says what differs: `packer build --profile dev`
[build.profiles.dev]
compression = "none"
"#
    )
}
