//! A project that stays open while a thousand random things happen to its workspace knows after each refresh what one knows
//! that was opened just now: edits of sources, anchors, the registry and the configuration, files and folders that are
//! renamed, copied and deleted, and branches that are switched.
//!
//! A seed whose edits once came out unequal stays in [`SEEDS`].

use camino::Utf8PathBuf;
use packer_events::report::OutcomeReport;
use packer_runtime::api::{AssetQuery, Command, FirstObservation, Project, Snapshot, WorkspaceSummary};

use super::chance::Chance;
use super::recording::{anchor, id, kinds, line, many, one, open, uuid};
use super::support::{Workspace, adopt_all, run};

const SEEDS: [u64; 2] = [1, 2];
const EDITS: usize = 500;
const MOST_EDITS_A_REFRESH: usize = 6;
const FOLDERS: [&str; 6] = ["ui", "ui/deep", "world", "world/near", "UI", "new"];
const NAMES: [&str; 5] = ["a", "b", "c", "d/e", "f"];

struct Edits {
    workspace: Workspace,
    chance: Chance,
    branches: usize,
    done: Vec<String>,
}

impl Edits {
    fn new(seed: u64) -> Self {
        let workspace = Workspace::new();
        let edits = Self { workspace, chance: Chance::new(seed), branches: 1, done: Vec::new() };
        edits.workspace.write("assets/ui/first.txt", b"first");
        edits.workspace.git(&["init", "--quiet"]);
        edits.workspace.commit();
        edits
    }

    /// Files of the assets root, or folders; none where there is none.
    fn any(&mut self, folders: bool) -> Option<Utf8PathBuf> {
        let all: Vec<String> = self.workspace.tree().into_keys().collect();
        let is_one = |path: &&String| {
            path.strip_prefix("assets/").is_some_and(|rest| !rest.is_empty())
                && path.ends_with('/') == folders
        };
        let those: Vec<&String> = all.iter().filter(is_one).collect();
        if those.is_empty() {
            return None;
        }
        let chosen = self.chance.of(&those).trim_end_matches('/').to_owned();
        Some(self.workspace.root.join(chosen))
    }

    /// A path where something may stand already.
    fn place(&mut self) -> Utf8PathBuf {
        let folder = *self.chance.of(&FOLDERS);
        let number = self.chance.below(12);
        let name = *self.chance.of(&["n", "N", "long-name"]);
        let ending = *self.chance.of(&["txt", "rec", "rec.asset.toml", "txt.asset.toml", "frm"]);
        self.workspace.root.join(format!("assets/{folder}/{name}{number}.{ending}"))
    }

    fn anchor(&mut self) {
        let number = self.chance.below(30);
        let name = *self.chance.of(&NAMES);
        let folder = *self.chance.of(&FOLDERS);
        let (kind, path, rest) = match self.chance.below(4) {
            0 => ("set", format!("{folder}/asset.toml"), "inputs = [\"**/*.frm\", \"*.txt\"]\n".to_owned()),
            1 => ("text", format!("{folder}/n{number}.txt.asset.toml"), String::new()),
            2 => ("rec", format!("{folder}/n{number}.rec.asset.toml"), "broken = \n".to_owned()),
            _ => {
                let to = *self.chance.of(&NAMES);
                ("rec", format!("{folder}/n{number}.rec.asset.toml"), format!("[rec]\nto = \"{to}\"\n"))
            }
        };
        let text = anchor(number, &format!("{name}{}", number % 5), kind, &rest);
        self.write(&format!("assets/{path}"), text.as_bytes());
    }

    /// Writes, unless a file stands where a folder would have to be, or the other way round.
    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.workspace.root.join(path);
        if std::fs::create_dir_all(path.parent().unwrap()).is_ok() && !path.is_dir() {
            std::fs::write(path, bytes).unwrap();
        }
    }

    fn registry(&mut self) {
        let text = self.workspace.text("registry.jsonl");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = self.chance.below(lines.len());
        match self.chance.below(4) {
            0 if at > 0 => {
                lines.remove(at);
            }
            1 if at > 0 => {
                let other = lines[at].replace("\"included\"", "\"excluded\"");
                lines.push(other);
            }
            _ => {
                let number = self.chance.below(30);
                let folder = *self.chance.of(&FOLDERS);
                let added = line(number, &format!("{folder}/n{number}.rec.asset.toml"));
                let other_id = format!("\"id\":{}", id(self.chance.below(30)));
                let is_known = text.contains(&uuid(number));
                let same_id = added.replace(&format!("\"id\":{}", id(number)), &other_id);
                lines.push(if is_known { same_id } else { added }.trim_end().to_owned());
            }
        }
        lines.dedup();
        self.workspace.write("registry.jsonl", (lines.join("\n") + "\n").as_bytes());
    }

    fn rename(&mut self, folders: bool) {
        let Some(from) = self.any(folders) else { return };
        let to = if folders {
            let folder = *self.chance.of(&FOLDERS);
            self.workspace.root.join(format!("assets/{folder}"))
        } else {
            self.place()
        };
        if to.parent().is_some_and(|parent| std::fs::create_dir_all(parent).is_ok()) {
            // A folder into itself, or over one with something in it, is refused; so it is for people.
            let _refused = std::fs::rename(from, to);
        }
    }

    fn edit(&mut self, project: &Project) {
        let which = self.chance.below(16);
        self.done.push(which.to_string());
        match which {
            0..=2 => {
                let (path, bytes) = (self.place(), self.chance.number().to_string());
                let path = path.strip_prefix(&self.workspace.root).unwrap().to_owned();
                self.write(path.as_str(), bytes.as_bytes());
            }
            3..=5 => self.anchor(),
            6 => self.registry(),
            7 => self.rename(false),
            8 => self.rename(true),
            9 => {
                if let (Some(from), to) = (self.any(false), self.place())
                    && std::fs::create_dir_all(to.parent().unwrap()).is_ok()
                    && !to.is_dir()
                {
                    std::fs::copy(from, to).unwrap();
                }
            }
            10 => {
                if let Some(path) = self.any(false) {
                    std::fs::remove_file(path).unwrap();
                }
            }
            11 if self.chance.once_in(3) => {
                if let Some(path) = self.any(true) {
                    std::fs::remove_dir_all(path).unwrap();
                }
            }
            12 => {
                let rules = ["*.frm\n", "ui/\n", ""];
                let rule = *self.chance.of(&rules);
                self.write("assets/.packerignore", rule.as_bytes());
            }
            13 if self.chance.once_in(4) => {
                let size = self.chance.below(3);
                let rule =
                    format!("[project]\nname = \"game\"\n[[rules]]\nmatch = \"**\"\nrec.size = {size}\n");
                self.workspace.write("packer.toml", rule.as_bytes());
            }
            14 => {
                // Whatever comes of it: many of these workspaces are in no order to be adopted.
                run(project, Command::Mutate(adopt_all(None)));
            }
            _ => self.switch(),
        }
    }

    /// Keeps what there is on its branch, and goes to another, or to a new one.
    fn switch(&mut self) {
        self.workspace.commit();
        if self.branches < 4 {
            self.workspace.git(&["checkout", "--quiet", "-b", &format!("b{}", self.branches)]);
            self.branches += 1;
        } else {
            let to = self.chance.below(self.branches);
            self.workspace.git(&["checkout", "--quiet", &format!("b{to}")]);
        }
    }
}

#[track_caller]
fn assert_same(following: &Snapshot, fresh: &Snapshot, done: &[String]) {
    let summary = |snapshot: &Snapshot| {
        let summary = snapshot.summary().clone();
        WorkspaceSummary { revision: fresh.revision(), ..summary }
    };
    assert_eq!(summary(following), summary(fresh), "{done:?}");
    assert_eq!(following.project_name(), fresh.project_name());
    assert_eq!(following.diagnostics(), fresh.diagnostics(), "{done:?}");
    assert_eq!(following.divergences(), fresh.divergences(), "{done:?}");
    assert_eq!(following.unclaimed(), fresh.unclaimed(), "{done:?}");
    let rows = |snapshot: &Snapshot| snapshot.assets(&AssetQuery::default()).rows;
    let all = rows(following);
    assert_eq!(all, rows(fresh), "{done:?}");
    for uuid in all.iter().filter_map(|row| row.uuid) {
        assert_eq!(following.asset(uuid), fresh.asset(uuid), "{done:?}");
    }
    for path in following.unclaimed() {
        assert_eq!(following.size_of(path), fresh.size_of(path));
    }
}

fn follow(seed: u64) -> (usize, usize) {
    let mut edits = Edits::new(seed);
    let codecs = || kinds(one(), many());
    let project = open(&edits.workspace, codecs(), FirstObservation::AtOpening);
    let (mut made, mut published, mut refused) = (0, 0, 0);
    while made < EDITS {
        edits.done.clear();
        for _ in 0..=edits.chance.below(MOST_EDITS_A_REFRESH) {
            edits.edit(&project);
            made += 1;
        }
        let before = project.status().snapshot.revision();
        let refreshed = run(&project, Command::Refresh);
        let Some(OutcomeReport::Refresh(report)) = refreshed.success() else {
            // A registry that was merged into nonsense: whoever opens it now is refused as well.
            refused += 1;
            edits.workspace.git(&["checkout", "--quiet", "--", "registry.jsonl", "packer.toml"]);
            continue;
        };
        let following = project.status().snapshot.clone();
        assert_eq!((report.from, report.to), (before, following.revision()));
        published += usize::from(report.from != report.to);
        let fresh = open(&edits.workspace, codecs(), FirstObservation::AtOpening);
        assert_same(&following, &fresh.status().snapshot, &edits.done);
    }
    (published, refused)
}

#[test]
fn a_project_that_follows_knows_what_one_knows_that_was_opened_just_now() {
    for seed in SEEDS {
        let (published, refused) = follow(seed);
        assert!(published > 50 && refused < 20, "seed {seed}: {published} published, {refused} refused");
    }
}
