//! The example project `examples/harbour`: which files its sources are, writing them, and checking those on disk.
//!
//! `art`, `sounds`, `texts` and `data` make the contents; the same bytes come out on every machine. Anchors and the registry are
//! not made here: `packer adopt` writes them, and this module neither writes, checks nor removes them.

mod art;
mod data;
mod sounds;
mod texts;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the project is in the repository.
pub(crate) const FOLDER: &str = "examples/harbour";

/// One file of the project.
struct SourceFile {
    /// Its path relative to the project, `/`-separated.
    path: String,
    bytes: Vec<u8>,
}

impl SourceFile {
    fn text(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
    }
}

/// A difference between the project on disk and what the generator makes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// A generated file that is not on disk.
    Missing(String),
    /// A file whose bytes are others.
    Changed(String),
    /// A file below `assets` that is neither generated nor the packer's.
    Extra(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{FOLDER}/{path} is missing"),
            Self::Changed(path) => write!(f, "{FOLDER}/{path} differs from what the generator makes"),
            Self::Extra(path) => write!(f, "{FOLDER}/{path} is not made by the generator"),
        }
    }
}

const PROJECT: &str = r#"# The harbour: a small game project that shows what a packer project looks like.
# Its art, sounds, texts and data are made by `cargo xtask gen-harbour`; the anchors beside them, and registry.jsonl, by
# `packer adopt assets`.

[project]
name = "harbour"
assets = "assets"       # where the sources and their anchors are
output = "build"        # where `packer build` writes the pack

# The first rule that matches a file says what it becomes when it is adopted, and which settings its asset starts from.
# An anchor then says only what differs.

# Icons and buttons are on the screen from the first moment, and are blended over everything else.
[[rules]]
match = "ui/**/*.{png,tga,gif}"
kind = "image"
preload = true
image.premultiply = true

# Measurements, not colours: they go into the pack as they are.
[[rules]]
match = "scenes/seabed.png"
kind = "image"
image.encoding = "source"

[[rules]]
match = "**/*.{png,bmp,qoi}"
kind = "image"

# Levels are read often: in this form the game need not parse text.
[[rules]]
match = "data/levels/*.json"
kind = "data"
data.encoding = "messagepack"

[[rules]]
match = "data/**/*.{json,toml,csv}"
kind = "data"

[[rules]]
match = "texts/**/*.txt"
kind = "text"

# Which frames of a sound repeat, its file says.
[[rules]]
match = "sounds/*.wav"
kind = "sound"

[[rules]]
match = "data/*.bin"
kind = "raw"

[build]
compression = "zstd"

# Larger, and quicker to make: `packer build --profile dev`
[build.profiles.dev]
compression = "none"
"#;

const GIT_ATTRIBUTES: &str = "registry.jsonl text eol=lf merge=union\n";

const GIT_IGNORE: &str = "/build/\n/.packer/\n";

fn files() -> Vec<SourceFile> {
    let mut files = vec![
        SourceFile::text("packer.toml", PROJECT),
        SourceFile::text(".gitattributes", GIT_ATTRIBUTES),
        SourceFile::text(".gitignore", GIT_IGNORE),
    ];
    files.extend(art::files());
    files.extend(sounds::files());
    files.extend(texts::files());
    files.extend(data::files());
    files
}

/// Writes every source whose bytes differ into `project`, and removes nothing. Returns how many it wrote.
pub(crate) fn write(project: &Path) -> Result<usize, HarbourError> {
    let mut written = 0;
    for file in files() {
        let path = project.join(&file.path);
        if fs::read(&path).is_ok_and(|bytes| bytes == file.bytes) {
            continue;
        }
        let folder = path.parent().unwrap_or(project);
        fs::create_dir_all(folder).map_err(|source| HarbourError::at(folder, source))?;
        fs::write(&path, &file.bytes).map_err(|source| HarbourError::at(&path, source))?;
        written += 1;
    }
    Ok(written)
}

/// Every difference between `project` on disk and what the generator makes, by path.
pub(crate) fn check(project: &Path) -> Result<Vec<Difference>, HarbourError> {
    let expected: BTreeMap<String, Vec<u8>> =
        files().into_iter().map(|file| (file.path, file.bytes)).collect();
    let mut differences = Vec::new();
    for (path, bytes) in &expected {
        let on_disk = project.join(path);
        match fs::read(&on_disk) {
            Ok(found) if found == *bytes => {}
            Ok(_) => differences.push(Difference::Changed(path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                differences.push(Difference::Missing(path.clone()));
            }
            Err(source) => return Err(HarbourError::at(&on_disk, source)),
        }
    }
    let mut found = Vec::new();
    list(&project.join("assets"), "assets", &mut found)?;
    let is_anchor = |path: &str| path.ends_with(".asset.toml") || path.ends_with("/asset.toml");
    let extra = found.into_iter().filter(|path| !is_anchor(path) && !expected.contains_key(path));
    differences.extend(extra.map(Difference::Extra));
    Ok(differences)
}

fn list(folder: &Path, name: &str, found: &mut Vec<String>) -> Result<(), HarbourError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(HarbourError::at(folder, source)),
    };
    let mut entries =
        entries.collect::<io::Result<Vec<_>>>().map_err(|source| HarbourError::at(folder, source))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(|source| HarbourError::at(&entry.path(), source))?;
        if kind.is_dir() {
            list(&entry.path(), &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// A file of the example that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub(crate) struct HarbourError {
    path: PathBuf,
    source: io::Error,
}

impl HarbourError {
    fn at(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn assets() -> Vec<SourceFile> {
        files().into_iter().filter(|file| file.path.starts_with("assets/")).collect()
    }

    fn text_of(path: &str) -> String {
        let file = files().into_iter().find(|file| file.path == path).unwrap();
        String::from_utf8(file.bytes).unwrap()
    }

    /// What adoption will call each asset: its path without the extension.
    fn names() -> BTreeSet<String> {
        let stem = |path: &str| path["assets/".len()..].rsplit_once('.').unwrap().0.to_owned();
        assets().iter().map(|file| stem(&file.path)).collect()
    }

    #[test]
    fn the_same_bytes_come_out_every_time() {
        let bytes = |files: Vec<SourceFile>| files.into_iter().map(|f| (f.path, f.bytes)).collect::<Vec<_>>();
        assert_eq!(bytes(files()), bytes(files()));
    }

    #[test]
    fn the_project_is_small_and_complete() {
        let assets = assets();
        assert!((30..=50).contains(&assets.len()), "{} assets", assets.len());
        let total: usize = assets.iter().map(|file| file.bytes.len()).sum();
        assert!(total < 200 * 1024, "{total} bytes");
        assert_eq!(names().len(), assets.len(), "two assets would share a name");
        let extensions: BTreeSet<&str> = assets.iter().filter_map(|f| f.path.rsplit('.').next()).collect();
        let expected = ["bin", "bmp", "csv", "gif", "json", "png", "qoi", "tga", "toml", "txt", "wav"];
        assert_eq!(extensions.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_picture_decodes_to_its_size() {
        let size_of = |path: &str| {
            let file = assets().into_iter().find(|file| file.path == path).unwrap();
            let format = image::ImageFormat::from_path(path).unwrap();
            let reader = image::ImageReader::with_format(io::Cursor::new(file.bytes), format);
            reader.into_dimensions().unwrap()
        };
        assert_eq!(size_of("assets/scenes/day.bmp"), (160, 90));
        assert_eq!(size_of("assets/scenes/dusk.qoi"), (160, 90));
        assert_eq!(size_of("assets/ui/flag.gif"), (24, 20));
        assert_eq!(size_of("assets/ui/pointer.tga"), (16, 16));
        let pngs: Vec<SourceFile> =
            assets().into_iter().filter(|f| f.path.rsplit('.').next() == Some("png")).collect();
        assert!(!pngs.is_empty());
        let mut colors = BTreeSet::new();
        for file in pngs {
            let mut reader = png::Decoder::new(io::Cursor::new(&file.bytes)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            colors.insert(format!("{:?} {:?}", info.color_type, info.bit_depth));
        }
        assert_eq!(colors.len(), 4, "one of the forms of PNG is not shown: {colors:?}");
    }

    #[test]
    fn levels_and_things_name_assets_of_the_project() {
        let names = names();
        let mut checked = 0;
        let mut check = |name: &str| {
            assert!(names.contains(name), "{name} is no asset");
            checked += 1;
        };
        for level in ["quay", "breakwater", "lighthouse"] {
            let text = text_of(&format!("assets/data/levels/{level}.json"));
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            let legend = json["legend"].as_object().unwrap();
            legend.values().for_each(|name| check(name.as_str().unwrap()));
            let rows: Vec<&str> =
                json["rows"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
            assert_eq!(json["size"][1].as_u64().unwrap(), rows.len() as u64, "{level}");
            for row in rows {
                assert_eq!(json["size"][0].as_u64().unwrap(), row.len() as u64, "{level}: {row}");
                assert!(row.chars().all(|tile| legend.contains_key(&tile.to_string())), "{level}: {row}");
            }
            for thing in json["things"].as_array().unwrap() {
                check(thing["sprite"].as_str().unwrap());
            }
        }
        for path in ["assets/data/items.toml", "assets/data/ships.toml"] {
            let document: toml_edit::DocumentMut = text_of(path).parse().unwrap();
            let lines = document.to_string();
            let values = lines
                .lines()
                .filter_map(|line| line.strip_prefix("icon = ").or_else(|| line.strip_prefix("sprite = ")));
            values.for_each(|value| check(value.trim_matches('"')));
        }
        assert!(checked > 30, "only {checked} names were looked at");
    }

    #[test]
    fn the_example_on_disk_is_what_the_generator_makes() {
        let differences = check(&crate::repository().join(FOLDER)).unwrap();
        assert_eq!(differences, [], "run `cargo xtask gen-harbour`");
    }
}
