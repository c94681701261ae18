//! `packer.toml`: what a project is called, where its assets and outputs are, its rules, build profiles and limits.
//!
//! Text in, typed configuration and every diagnostic out. Reading the file is `packer-fs`'s; what rules mean is `rules`'.
//!
//! Guarantees: the assets root and the output folder are relative, inside the project, normalised, outside `.packer` and
//! apart from each other. Where other parts are wrong, the valid rest is still given, with errors beside it; whoever
//! commits or builds refuses while there are errors.

mod build;
mod parse;
mod template;
#[cfg(test)]
mod tests;

pub use build::{BuildOptions, BuildOverrides, Compression, CompressionError, DEFAULT_ZSTD_LEVEL};
pub use parse::parse_config;

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use thiserror::Error;

use crate::limits::Limits;
use crate::rules::RuleSet;
use crate::toml_text::suggest;

/// The name of the file that makes a folder a project.
pub const CONFIG_FILE: &str = "packer.toml";

/// The folder of the packer's own operational files, relative to the project.
pub const OPERATIONAL_FOLDER: &str = ".packer";

/// What the artifact store keeps where nothing is said: 4 GiB.
pub const DEFAULT_STORE_BYTES: u64 = 4 << 30;

/// What `packer.toml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectConfig {
    /// What people call the project.
    pub name: String,
    /// The assets root, relative to the project.
    pub assets: Utf8PathBuf,
    /// The folder of the build outputs, relative to the project.
    pub output: Utf8PathBuf,
    /// The rules, in their order.
    pub rules: RuleSet,
    /// How packs are built where no profile is asked for.
    pub build: BuildOptions,
    /// What each profile does differently, by name.
    pub profiles: BTreeMap<String, BuildOverrides>,
    /// The most bytes that the artifact store is to keep; 0 keeps nothing.
    pub max_store_bytes: u64,
    /// What one asset may cost.
    pub limits: Limits,
}

/// A profile that `packer.toml` does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("packer.toml has no build profile {name:?}")]
pub struct UnknownProfile {
    /// The name as given.
    pub name: String,
    /// The profiles that there are, sorted.
    pub known: Vec<String>,
    /// The one that was probably meant.
    pub suggestion: Option<String>,
}

impl ProjectConfig {
    /// How to build, with the named profile's differences, if one is named.
    pub fn build_options(&self, profile: Option<&str>) -> Result<BuildOptions, UnknownProfile> {
        let Some(name) = profile else { return Ok(self.build) };
        match self.profiles.get(name) {
            Some(overrides) => Ok(self.build.with(overrides)),
            None => Err(UnknownProfile {
                name: name.to_owned(),
                known: self.profiles.keys().cloned().collect(),
                suggestion: suggest(name, self.profiles.keys().map(String::as_str)).map(str::to_owned),
            }),
        }
    }

    /// The `packer.toml` that a new project called `name` starts with.
    pub fn new_project_text(name: &str) -> String {
        template::new_project_text(name)
    }
}
