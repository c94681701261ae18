//! Outputs that something happened to behind the packer's back: a cut of power that left them hollow or short with the
//! stat that they had, and programs that change them and set their times back. Whatever it was, the next build notices,
//! and nothing of it is taken over into its pack.

use std::os::unix::fs::MetadataExt;

use camino::Utf8PathBuf;
use packer_fs::build_record::BuildRecord;
use packer_fs::build_stamp::BuildStamp;
use packer_fs::disk::OsDisk;
use packer_fs::layout;
use packer_runtime::api::{BuildRequest, Command, MANIFEST_FILE, PACK_FILE, Project};
use packer_runtime::packs;

use super::codecs::gated;
use super::support::{Workspace, build, built};

const PAGE: usize = 4096;

/// A project whose pack has several pages, built, and what it built.
struct Bench {
    workspace: Workspace,
    project: Project,
    outputs: [Vec<u8>; 2],
}

impl Bench {
    fn new(options: &str) -> Self {
        let files: Vec<(String, Vec<u8>)> = (0..6_u64)
            .map(|number| {
                // Digests of numbers as text: little smaller when compressed.
                let blocks = (0..96).map(|block| packer_runtime::api::Digest::of(&[number as u8, block]));
                let bytes = blocks.flat_map(|digest| digest.to_string().into_bytes()).collect();
                (format!("assets/{number}.txt"), bytes)
            })
            .collect();
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect();
        let (workspace, project) = Workspace::adopted(&files, Vec::new());
        let config = workspace.text("packer.toml").replace("[build]\n", &format!("[build]\n{options}\n"));
        workspace.write("packer.toml", config.as_bytes());
        let outcome = build(&project);
        assert_eq!(built(&outcome).baked, 6);
        let outputs = [PACK_FILE, MANIFEST_FILE].map(|name| workspace.read(&format!("build/{name}")));
        Self { workspace, project, outputs }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        self.workspace.root.join("build").join(name)
    }

    fn disk(&self) -> OsDisk {
        OsDisk::new(self.workspace.root.clone())
    }

    /// Writes other bytes into an output, in place, and sets its time back.
    fn change_unseen(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        let modified = path.metadata().unwrap().modified().unwrap();
        std::fs::write(&path, bytes).unwrap();
        std::fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    }

    /// Makes the packer's notes those of an earlier boot, `other` or this one, and of the outputs as they now stand: what a
    /// cut of power leaves has the stat of what was written.
    fn cut_power(&self, boot: Option<&str>) {
        let disk = self.disk();
        let record = BuildRecord::load(&disk, layout::BUILD_RECORD.into()).unwrap().unwrap();
        let mut head = record.head().clone();
        let outputs = std::iter::once(&mut head.pack).chain(&mut head.others);
        for fact in outputs {
            let stat = packer_fs::disk::Disk::stat(&disk, &fact.path).unwrap().unwrap();
            fact.mtime_ns = stat.mtime_ns;
            fact.size = stat.size;
        }
        if let Some(boot) = boot {
            assert!(head.unsynced_boot.is_some(), "it was not synced");
            head.unsynced_boot = Some(boot.to_owned());
        }
        let path = self.workspace.root.join(layout::BUILD_RECORD);
        std::fs::write(path, BuildRecord::encode(&head, &record.iter().collect::<Vec<_>>())).unwrap();
        let stamp = BuildStamp::load(&disk, layout::BUILD_STAMP.into()).unwrap();
        let stamp = BuildStamp::of(&disk, &head, stamp.base, stamp.assets).unwrap();
        stamp.store(&disk, layout::BUILD_STAMP.into()).unwrap();
    }

    /// Builds, and says how much was baked and what was said. The outputs must be those of the first build.
    #[track_caller]
    fn rebuilt(&self, what: &str) -> (u64, bool, Vec<String>) {
        let outcome = build(&self.project);
        let report = built(&outcome);
        let outputs = [PACK_FILE, MANIFEST_FILE].map(|name| std::fs::read(self.path(name)).unwrap());
        assert!(outputs == self.outputs, "{what}: the outputs are not what they should be");
        let said = self.workspace.diagnostics_of(&outcome).into_iter().map(|said| said.code).collect();
        (report.baked, report.unchanged, said)
    }

    #[track_caller]
    fn check_damaged(&self, what: &str) {
        assert_eq!(self.rebuilt(what), (6, false, vec!["build/pack-damaged".to_owned()]), "{what}");
        assert_eq!(self.rebuilt(what), (0, true, Vec::new()), "{what}: once more");
    }
}

/// Every page of the pack zeroed by itself, from each on, and cut there; and cut elsewhere.
fn damages(pack: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut damages = Vec::new();
    for from in (0..pack.len()).step_by(PAGE) {
        let mut hollow = pack.to_vec();
        hollow[from..(from + PAGE).min(pack.len())].fill(0);
        damages.push((format!("without the page at {from}"), hollow));
        let mut hollow = pack.to_vec();
        hollow[from..].fill(0);
        damages.push((format!("without what is from {from} on"), hollow));
        damages.push((format!("cut at {from}"), pack[..from].to_vec()));
    }
    for length in [1, 127, 128, 129, pack.len() / 2, pack.len() - 1] {
        damages.push((format!("cut at {length}"), pack[..length].to_vec()));
    }
    damages
}

#[test]
fn what_a_cut_of_power_leaves_of_a_pack_is_noticed_after_the_reboot() {
    let bench = Bench::new("");
    let damages = damages(&bench.outputs[0]);
    assert!(damages.len() > 18, "the pack has several pages");
    for (what, bytes) in damages {
        bench.change_unseen(PACK_FILE, &bytes);
        bench.cut_power(Some("another boot"));
        bench.check_damaged(&what);
    }
    // Nothing but the boot tells: in the same one, such a pack cannot come to be, and is believed.
    let mut hollow = bench.outputs[0].clone();
    hollow[PAGE..2 * PAGE].fill(0);
    bench.change_unseen(PACK_FILE, &hollow);
    bench.cut_power(None);
    assert!(built(&build(&bench.project)).unchanged);
    // Undamaged, it is looked at and left.
    bench.change_unseen(PACK_FILE, &bench.outputs[0]);
    bench.cut_power(Some("another boot"));
    assert_eq!(bench.rebuilt("undamaged"), (0, true, Vec::new()));
}

#[test]
fn what_a_cut_of_power_leaves_of_a_pack_is_not_taken_over_into_the_next() {
    let bench = Bench::new("");
    let source = bench.workspace.read("assets/0.txt");
    for (what, bytes) in damages(&bench.outputs[0]) {
        bench.workspace.write("assets/0.txt", b"edited");
        bench.change_unseen(PACK_FILE, &bytes);
        bench.cut_power(Some("another boot"));
        let outcome = build(&bench.project);
        assert_eq!(built(&outcome).baked, 6, "{what}");
        let problems = packs::verify(&bench.path(PACK_FILE)).unwrap();
        assert!(problems.ok, "{what}: {problems:?}");
        bench.workspace.write("assets/0.txt", &source);
        assert_eq!(bench.rebuilt(&what), (1, false, Vec::new()), "{what}: edited back");
    }
}

#[test]
fn what_a_cut_of_power_leaves_of_a_manifest_is_written_again() {
    let bench = Bench::new("");
    let manifest = bench.outputs[1].clone();
    for (what, bytes) in [
        ("empty", vec![]),
        ("hollow", vec![0; manifest.len()]),
        ("short", manifest[..manifest.len() / 2].to_vec()),
    ] {
        bench.change_unseen(MANIFEST_FILE, &bytes);
        bench.cut_power(Some("another boot"));
        assert_eq!(bench.rebuilt(what), (0, false, Vec::new()), "{what}");
        assert_eq!(bench.rebuilt(what), (0, true, Vec::new()), "{what}: once more");
    }
}

/// Puts other bytes into the place of the output with this name.
type Swap = fn(&Bench, &str, &[u8]);

/// Ways to get other bytes into the place of an output, with the size and the time that it had.
fn swaps() -> [(&'static str, Swap); 4] {
    [
        ("written in place", |bench, name, bytes| bench.change_unseen(name, bytes)),
        ("renamed into its place", |bench, name, bytes| {
            let (path, other) = (bench.path(name), bench.path("other"));
            std::fs::write(&other, bytes).unwrap();
            let modified = path.metadata().unwrap().modified().unwrap();
            std::fs::File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
            std::fs::rename(other, path).unwrap();
        }),
        ("deleted and made anew", |bench, name, bytes| {
            let path = bench.path(name);
            let modified = path.metadata().unwrap().modified().unwrap();
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
            std::fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
        }),
        ("written by another name", |bench, name, bytes| {
            let (path, other) = (bench.path(name), bench.workspace.root.join("another name"));
            std::fs::hard_link(&path, &other).unwrap();
            let (inode, modified) =
                (path.metadata().unwrap().ino(), path.metadata().unwrap().modified().unwrap());
            std::fs::write(&other, bytes).unwrap();
            std::fs::File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
            std::fs::remove_file(other).unwrap();
            assert_eq!(path.metadata().unwrap().ino(), inode);
        }),
    ]
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

#[test]
fn damage_of_the_same_size_and_time_is_noticed_however_it_came() {
    for options in ["", "durable = true"] {
        let bench = Bench::new(options);
        let [pack, manifest] = bench.outputs.clone();
        for (how, swap) in swaps() {
            for at in [0, 200, PAGE, pack.len() - 1] {
                let what = format!("{options} byte {at} {how}");
                swap(&bench, PACK_FILE, &flipped(&pack, at));
                bench.check_damaged(&what);
            }
            swap(&bench, MANIFEST_FILE, &flipped(&manifest, 9));
            assert_eq!(bench.rebuilt(how), (0, false, Vec::new()), "{options} {how}: the manifest");
            // The same bytes are no damage, whatever happened to their file.
            swap(&bench, PACK_FILE, &pack);
            swap(&bench, MANIFEST_FILE, &manifest);
            assert_eq!(bench.rebuilt(how), (0, true, Vec::new()), "{options} {how}: as it was");
        }
    }
}

#[test]
fn nothing_of_a_damaged_pack_is_taken_over_however_the_damage_came() {
    let bench = Bench::new("");
    let source = bench.workspace.read("assets/0.txt");
    for (how, swap) in swaps() {
        for at in [200, 2 * PAGE, bench.outputs[0].len() - 1] {
            swap(&bench, PACK_FILE, &flipped(&bench.outputs[0], at));
            bench.workspace.write("assets/0.txt", b"edited");
            assert_eq!(built(&build(&bench.project)).baked, 6, "byte {at} {how}");
            assert!(packs::verify(&bench.path(PACK_FILE)).unwrap().ok, "byte {at} {how}");
            bench.workspace.write("assets/0.txt", &source);
            assert_eq!(bench.rebuilt(how), (1, false, Vec::new()), "byte {at} {how}: edited back");
        }
    }
}

#[test]
fn an_older_pack_in_the_place_of_the_last_is_damage() {
    let bench = Bench::new("");
    let older = bench.outputs[0].clone();
    let mut source = bench.workspace.read("assets/0.txt");
    source[0] ^= 1;
    bench.workspace.write("assets/0.txt", &source);
    built(&build(&bench.project));
    let newer = bench.workspace.pack();
    assert_eq!(older.len(), newer.len());
    for (how, swap) in swaps() {
        swap(&bench, PACK_FILE, &older);
        assert_eq!(built(&build(&bench.project)).baked, 6, "{how}");
        assert!(bench.workspace.pack() == newer, "{how}");
    }
}

#[test]
fn a_manifest_of_another_pack_is_written_again() {
    let bench = Bench::new("");
    let other = String::from_utf8(bench.outputs[1].clone()).unwrap();
    let renamed = other.replacen("\"0\"", "\"7\"", 1);
    assert_ne!(other, renamed);
    bench.change_unseen(MANIFEST_FILE, renamed.as_bytes());
    assert_eq!(bench.rebuilt("renamed"), (0, false, Vec::new()));
}

#[test]
fn damage_that_comes_while_a_build_bakes_is_in_no_pack() {
    let (codec, gate) = gated();
    let files: [(&str, &[u8]); 3] =
        [("assets/x.slow", b"first"), ("assets/a.txt", &[b'a'; 100]), ("assets/b.txt", &[b'b'; 100])];
    let (workspace, project) = Workspace::adopted(&files, vec![codec]);
    let pack = workspace.root.join("build").join(PACK_FILE);
    let overtaken = |edit: &[u8], bakes: u32, damage: &dyn Fn()| {
        workspace.write("assets/x.slow", edit);
        let handle = project.submit(Command::Build(BuildRequest::default()));
        gate.entered();
        damage();
        (0..bakes).for_each(|_| gate.open());
        let outcome = handle.wait().unwrap();
        let said: Vec<String> =
            workspace.diagnostics_of(&outcome).into_iter().map(|said| said.code).collect();
        assert!(packs::verify(&pack).unwrap().ok, "it was taken over");
        (built(&outcome).baked, said)
    };
    assert_eq!(overtaken(b"first", 1, &|| {}), (3, Vec::new()));
    assert_eq!(overtaken(b"second", 1, &|| {}), (1, Vec::new()));
    let damage = || {
        let disk = OsDisk::new(workspace.root.clone());
        let record = BuildRecord::load(&disk, layout::BUILD_RECORD.into()).unwrap().unwrap();
        let mut bytes = std::fs::read(&pack).unwrap();
        record.iter().for_each(|(_, payload)| bytes[payload.offset as usize] ^= 1);
        std::fs::write(&pack, bytes).unwrap();
    };
    // What was baked beside what cannot be taken over any more is baked again.
    assert_eq!(overtaken(b"third", 2, &damage), (3, vec!["build/pack-damaged".to_owned()]));
    assert!(built(&build(&project)).unchanged);
}
