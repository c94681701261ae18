//! The codecs' own time for a project: every asset baked and compressed on one thread, and nothing else timed.
//!
//! It is what a clean build of real art is measured against: the sum over the cores is what a build would take if it
//! did nothing but bake, perfectly spread. Reading, hashing, scanning and writing are not in it. Equal sources with
//! equal settings count once, since a build bakes them once.
//!
//! Anchors, rules and settings are read by the packer's own parsers; which assets there are is told from the sidecars
//! alone, so the project should be clean to `packer check`. Directory assets are counted and not baked.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use packer_domain::anchor::{AnchorForm, anchor_form, parse_anchor};
use packer_domain::codec::{BakeRequest, Codec, SourceInput};
use packer_domain::config::{Compression, ProjectConfig, parse_config};
use packer_domain::identity::Digest;
use packer_domain::kind::{KindCatalog, KindId};
use packer_domain::path::AssetPath;
use packer_domain::rules::resolve_settings;
use packer_pack::compress::{Compressor, Method};

use super::contest::ContestError;

/// What was baked, and how long the codecs and the compression took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CodecSum {
    /// In all, on one thread.
    pub(super) took: Duration,
    /// Assets baked.
    pub(super) baked: u64,
    /// Assets that were not baked again, because an equal one was.
    pub(super) equal: u64,
    /// Assets that a codec refused. What that took is counted.
    pub(super) refused: u64,
    /// Assets left out: directory assets, and anchors that are not valid.
    pub(super) left_out: u64,
}

/// A project's configuration, as far as baking depends on it.
pub(super) struct Bakery {
    config: ProjectConfig,
    kinds: KindCatalog,
    codecs: BTreeMap<KindId, Arc<dyn Codec>>,
    method: Method,
    assets: PathBuf,
}

impl Bakery {
    /// Of the project in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self, ContestError> {
        let codecs: BTreeMap<KindId, Arc<dyn Codec>> =
            packer_cli::builtin_codecs().into_iter().map(|codec| (codec.spec().id.clone(), codec)).collect();
        let kinds = KindCatalog::new(codecs.values().map(|codec| codec.spec().clone()));
        let path = folder.join("packer.toml");
        let text = fs::read_to_string(&path).map_err(ContestError::io(&path))?;
        let config = parse_config(&text, "packer.toml", &kinds).output;
        let reason = "`packer check` says why".to_owned();
        let config = config.ok_or(ContestError::Invalid { path, reason })?;
        let method = match config.build.compression {
            Compression::None => Method::None,
            Compression::Lz4 => Method::Lz4,
            Compression::Zstd { level } => Method::Zstd { level },
        };
        Ok(Self { assets: folder.join(&config.assets), config, kinds, codecs, method })
    }

    /// Where the project's sources are.
    pub(super) fn assets(&self) -> &Path {
        &self.assets
    }

    /// The project's output folder, relative to it.
    pub(super) fn output(&self) -> &Path {
        self.config.output.as_std_path()
    }

    /// How many sidecars there are below the assets root.
    pub(super) fn count(&self) -> Result<u64, ContestError> {
        Ok(sidecars(&self.assets)?.len() as u64)
    }

    /// Bakes and compresses everything.
    pub(super) fn bake_all(&self) -> Result<CodecSum, ContestError> {
        let mut sum = CodecSum::default();
        let mut compressor = Compressor::new();
        let mut known: BTreeSet<(KindId, Digest, Digest)> = BTreeSet::new();
        for (anchor, input) in sidecars(&self.assets)? {
            let at = self.assets.join(anchor.as_str());
            let text = fs::read(&at).map_err(ContestError::io(&at))?;
            let parsed = parse_anchor(&text, &anchor, anchor.as_str(), &self.kinds);
            let declaration = parsed.into_declaration().filter(|_| input.is_some());
            let (Some(declaration), Some(input)) = (declaration, input) else {
                sum.left_out += 1;
                continue;
            };
            let Some(codec) = self.codecs.get(&declaration.kind) else {
                sum.left_out += 1;
                continue;
            };
            let source = self.assets.join(input.as_str());
            let bytes = fs::read(&source).map_err(ContestError::io(&source))?;
            let rule = self.config.rules.first_match(&input);
            let settings = resolve_settings(codec.spec(), rule, &declaration.settings);
            let of_settings = Digest::of(format!("{settings:?} {:?}", input.extension()).as_bytes());
            if !known.insert((declaration.kind.clone(), of_settings, Digest::of(&bytes))) {
                sum.equal += 1;
                continue;
            }
            let inputs = [SourceInput { relative: input.file_name().to_owned(), path: input.clone(), bytes }];
            let request = BakeRequest {
                inputs: &inputs,
                settings: &settings,
                references: &[],
                limits: &self.config.limits,
            };
            let start = Instant::now();
            let baked = codec.bake(&request).ok();
            let stored = baked.as_ref().map(|baked| compressor.compress(self.method, &baked.payload).is_ok());
            sum.took += start.elapsed();
            match stored {
                Some(true) => sum.baked += 1,
                _ => sum.refused += 1,
            }
        }
        Ok(sum)
    }
}

/// Every anchor below `root`, sorted, each with the one input that it has beside it; directory assets have none here.
fn sidecars(root: &Path) -> Result<BTreeMap<AssetPath, Option<AssetPath>>, ContestError> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(ContestError::io(&folder))? {
            let entry = entry.map_err(ContestError::io(&folder))?;
            let path = entry.path();
            if entry.file_type().map_err(ContestError::io(&path))?.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(root).ok().and_then(Path::to_str);
            let Some(Ok(anchor)) = relative.map(AssetPath::parse) else { continue };
            match anchor_form(&anchor) {
                Some(AnchorForm::Sidecar { input }) => found.insert(anchor, Some(input)),
                Some(AnchorForm::Directory { .. }) => found.insert(anchor, None),
                None => None,
            };
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::generate::{self, KindMix, ProjectSpec};

    #[test]
    fn every_asset_of_a_project_is_baked_once() {
        let folder = tempfile::tempdir().unwrap();
        let spec = ProjectSpec { assets: 120, seed: 2, mix: KindMix::default() };
        generate::write(folder.path(), &spec).unwrap();
        let twin = |name: &str| folder.path().join("assets/area-000/barrel-00").join(name);
        fs::write(twin("twin.txt"), "twin").unwrap();
        fs::write(twin("other.txt"), "twin").unwrap();
        for (name, digit) in [("twin", 1), ("other", 2)] {
            let text = format!(
                "uuid = \"0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a0{digit}\"\nname = \"{name}\"\nkind = \"text\"\n"
            );
            fs::write(twin(&format!("{name}.txt.asset.toml")), text).unwrap();
        }
        fs::write(twin("asset.toml"), "").unwrap();
        let bakery = Bakery::open(folder.path()).unwrap();
        assert_eq!(bakery.count().unwrap(), 123);
        let sum = bakery.bake_all().unwrap();
        assert_eq!((sum.refused, sum.left_out), (0, 1));
        assert_eq!(sum.baked + sum.equal, 122);
        assert!(sum.equal >= 1 && sum.baked > 110, "{sum:?}");
        assert!(sum.took > Duration::ZERO);
    }
}
