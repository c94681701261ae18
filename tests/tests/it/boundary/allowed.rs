//! The allow-list of dependencies: everything that may stand in a crate's manifest, as far as walls are concerned.
//!
//! A name that ends in `?` is an optional dependency. ARCHITECTURE.md states the same graph of normal edges.

/// The dependencies of one crate, by kind, each list in the order of names.
pub(super) struct Edges {
    pub(super) package: &'static str,
    pub(super) normal: &'static [&'static str],
    pub(super) dev: &'static [&'static str],
    pub(super) build: &'static [&'static str],
}

/// Dependencies between our crates: every crate of the workspace, exactly.
pub(super) const INTERNAL: [Edges; 10] = [
    Edges { package: "packer-pack", normal: &[], dev: &[], build: &[] },
    Edges { package: "packer-domain", normal: &[], dev: &[], build: &[] },
    Edges { package: "packer-events", normal: &["packer-domain"], dev: &[], build: &[] },
    Edges { package: "packer-codecs", normal: &["packer-domain", "packer-pack"], dev: &[], build: &[] },
    Edges { package: "packer-fs", normal: &["packer-domain", "packer-pack"], dev: &[], build: &[] },
    Edges {
        package: "packer-runtime",
        normal: &["packer-codecs", "packer-domain", "packer-events", "packer-fs", "packer-pack"],
        dev: &[],
        build: &[],
    },
    Edges { package: "studio-adapter", normal: &["packer-events", "packer-runtime"], dev: &[], build: &[] },
    Edges { package: "packer-cli", normal: &["packer-events", "packer-runtime"], dev: &[], build: &[] },
    Edges {
        package: "xtask",
        normal: &["packer-cli", "packer-domain", "packer-pack", "packer-runtime", "studio-adapter"],
        dev: &[],
        build: &[],
    },
    Edges {
        package: "packer-tests",
        normal: &[
            "packer-cli",
            "packer-codecs",
            "packer-domain",
            "packer-events",
            "packer-fs",
            "packer-pack",
            "packer-runtime",
        ],
        dev: &[],
        build: &[],
    },
];

/// Dependencies on others' crates, exactly, of the crates where one more would breach a wall: what a game links, what is
/// pure, the contract of events, and what an editor links.
pub(super) const EXTERNAL: [Edges; 4] = [
    Edges {
        package: "packer-pack",
        normal: &["blake3", "lz4_flex?", "memmap2?", "thiserror", "zerocopy", "zstd?"],
        dev: &["allocation-counter", "proptest", "tempfile", "zip"],
        build: &[],
    },
    Edges {
        package: "packer-domain",
        normal: &[
            "blake3",
            "camino",
            "caseless",
            "globset",
            "imbl",
            "schemars?",
            "serde",
            "serde_json",
            "similar",
            "strsim",
            "thiserror",
            "toml_edit",
            "toml_parser",
            "unicode-normalization",
            "uuid",
        ],
        dev: &["divan", "insta", "proptest"],
        build: &[],
    },
    Edges {
        package: "packer-events",
        normal: &["schemars?", "serde", "serde_json", "thiserror"],
        dev: &["insta", "proptest"],
        build: &[],
    },
    Edges {
        package: "studio-adapter",
        normal: &["serde"],
        dev: &["insta", "portable-pty", "ratatui", "serde_json", "tempfile", "vt100"],
        build: &[],
    },
];
