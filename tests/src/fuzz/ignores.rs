//! `.packerignore` files, as a scan applies them: to a small project, cold and warm.
//!
//! An input is the text of one in the assets root and, after a line with a single dash, of one in the folder `ui`.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use packer_domain::diagnostic::{Diagnostic, DiagnosticCode};
use packer_fs::disk::sim::SimDisk;
use packer_fs::index::{FileRole, StatIndex};
use packer_fs::layout;
use packer_fs::scan::{ScanRequest, ScanResult, scan};

use super::input::{check_diagnostics, seed, text_of};
use super::{Seed, Verdict};

const ROOT: &str = "assets";
const FILES: [&str; 9] = [
    "a.png",
    "a.png.asset.toml",
    "b.psd",
    "ui/a.png",
    "ui/[x]",
    "ui/deep/er/b.psd",
    "ui/deep/Grüße.txt",
    "ui/old~",
    "x/asset.toml",
];

static POOL: LazyLock<rayon::ThreadPool> = LazyLock::new(|| {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started")
});

pub(super) fn run(data: &[u8]) -> Verdict {
    let cut = data.windows(3).position(|bytes| bytes == b"\n-\n");
    let (outer, inner) = cut.map_or((data, None), |at| (&data[..at], Some(&data[at + 3..])));
    let disk = SimDisk::new();
    for path in FILES {
        disk.put(format!("{ROOT}/{path}").as_str().into(), path.as_bytes());
    }
    let files = [("", Some(outer)), ("ui/", inner)];
    for (folder, bytes) in files {
        let Some(bytes) = bytes else { continue };
        disk.put(format!("{ROOT}/{folder}.packerignore").as_str().into(), bytes);
    }
    disk.put_dir(layout::OPERATIONAL.into());
    disk.advance_clock_ns(5_000_000_000);

    let cold = scanned(&disk, None);
    cold.write_index(&disk, layout::INDEX.into()).expect("the disk does not fail");
    let index = StatIndex::load(&disk, layout::INDEX.into(), ROOT.into()).expect("it was just written");
    let warm = scanned(&disk, index.map(Arc::new).as_ref());
    assert_eq!(cold.index.listing_digest(), warm.index.listing_digest(), "a warm scan sees others");
    assert_eq!(cold.index.content_digest(), warm.index.content_digest(), "a warm scan reads others");
    assert_eq!((cold.ignored, &cold.problems), (warm.ignored, &warm.problems));
    assert_eq!(warm.cost.files_read, 0, "a warm scan reads");

    let seen = seen(&cold.index);
    assert!(seen.iter().all(|path| FILES.contains(&path.as_str())), "{seen:?}");
    assert!(cold.ignored > 0 || seen.len() == FILES.len(), "{seen:?}: passed over in silence");
    assert!(cold.unread.is_empty(), "{:?}", cold.unread);
    for (folder, bytes) in files {
        let file = format!("{ROOT}/{folder}.packerignore");
        let of_file = |found: &&Diagnostic| found.file.as_deref() == Some(file.as_str());
        let found: Vec<Diagnostic> = cold.problems.iter().filter(of_file).cloned().collect();
        check_diagnostics(&found, text_of(bytes.unwrap_or_default()), &file);
        assert!(found.iter().all(|found| found.code == DiagnosticCode::IgnoreInvalid), "{found:?}");
    }
    if cold.problems.is_empty() { Verdict::Taken } else { Verdict::Refused }
}

/// The paths that a scan saw, without the ignore files.
fn seen(index: &StatIndex) -> BTreeSet<String> {
    let paths = index.folders().flat_map(|folder| {
        let files = folder.files.map(|at| index.entry(at)).filter(|file| file.role != FileRole::IgnoreFile);
        let path = folder.path;
        files.map(
            move |file| if path.is_empty() { file.name.to_owned() } else { format!("{path}/{}", file.name) },
        )
    });
    paths.collect()
}

/// Scans the assets of a disk.
pub(super) fn scanned(disk: &SimDisk, previous: Option<&Arc<StatIndex>>) -> ScanResult {
    let request = ScanRequest {
        assets_root: ROOT.into(),
        stamp: layout::STAMP.into(),
        previous,
        pool: &POOL,
        cancel: &|| false,
        on_progress: &|_| {},
    };
    scan(disk, &request).expect("the assets root is there")
}

pub(super) fn seeds() -> Vec<Seed> {
    let texts: [(&str, &[u8]); 12] = [
        ("empty", b""),
        ("plain", b"# art\n*.psd\n/ui/deep/\n"),
        ("take-back", b"*\n!*/\n!*.png\n\\#a\n"),
        ("inner", b"*.psd\n-\n!*.psd\n/a.png\n"),
        ("defaults", b"!*~\n!.*\n"),
        ("stars", b"**/b.psd\nui/**\nx/**/asset.toml\n"),
        ("classes", b"[a-b].p[!x]d\nui/\\[x\\]\n"),
        ("spaces", b"a.png \nb.psd\\ \n\t\n"),
        ("crlf-mark", b"\xef\xbb\xbf*.psd\r\n*.png\r\n"),
        ("not-patterns", b"a[\n{x\n[z-a]\n\\\n***\n"),
        ("not-utf-8", b"*.psd\n\xff\n"),
        ("anchors", b"*.toml\n-\n\n!/deep/\ndeep\n"),
    ];
    texts.iter().map(|(name, bytes)| seed(name, *bytes)).collect()
}
