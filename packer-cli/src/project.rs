//! From arguments to an open project: which folder it is, what paths people type mean, and what opening had to recover.
//!
//! The only files looked at are `packer.toml` upwards of the working folder, and only whether they are there.

use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use packer_events::report::{Ending, OutcomeReport};
use packer_runtime::api::{
    AssetPath, Feed, FirstObservation, OpenOptions, Outcome, Project, Target, WatchOptions,
};
use packer_runtime::codec::Codec;

use crate::args::GlobalArgs;
use crate::failure::Failure;
use crate::render::{self, ProjectFlag};
use crate::ui::Ui;

/// An open project, and where people stand.
#[derive(Debug)]
pub(crate) struct Opened {
    pub project: Project,
    place: Place,
    flag: ProjectFlag,
}

/// Where the project is, and where people stand.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The project's folder, as the file system spells it.
    pub root: Utf8PathBuf,
    /// The same as people spelled it.
    spelled: Utf8PathBuf,
    cwd: Utf8PathBuf,
}

/// The working folder.
pub(crate) fn working_folder() -> Result<Utf8PathBuf, Failure> {
    let cwd = std::env::current_dir()
        .map_err(|error| Failure::usage(format!("there is no working folder: {error}")))?;
    Utf8PathBuf::from_path_buf(cwd)
        .map_err(|path| Failure::usage(format!("the working folder {} is not UTF-8", path.display())))
}

/// Where the project is: as `--project` says, or the nearest folder upwards with a `packer.toml`.
pub(crate) fn place(global: &GlobalArgs) -> Result<Place, Failure> {
    let cwd = working_folder()?;
    let spelled = match &global.project {
        Some(project) => normalized(&cwd.join(project)),
        None => nearest(&cwd, |folder| folder.join("packer.toml").is_file()).ok_or_else(|| {
            Failure::usage(format!(
                "{cwd} is in no project: neither it nor a folder above it has a packer.toml"
            ))
            .hint("`packer new DIR` makes a project; `--project DIR` names one")
        })?,
    };
    // Where this fails, opening says why.
    let root = spelled.canonicalize_utf8().unwrap_or_else(|_| spelled.clone());
    Ok(Place { root, spelled, cwd })
}

fn nearest(cwd: &Utf8Path, is_project: impl Fn(&Utf8Path) -> bool) -> Option<Utf8PathBuf> {
    cwd.ancestors().find(|folder| is_project(folder)).map(Utf8Path::to_owned)
}

/// `path` without `.` and `..`, by its text alone.
pub(crate) fn normalized(path: &Utf8Path) -> Utf8PathBuf {
    let mut normal = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                normal.pop();
            }
            Utf8Component::Prefix(_) | Utf8Component::RootDir | Utf8Component::Normal(_) => {
                normal.push(component);
            }
        }
    }
    normal
}

/// Whether a typed path can only be that of a folder.
fn is_folder(typed: &str) -> bool {
    typed.ends_with('/') || matches!(typed.rsplit('/').next(), Some("." | ".."))
}

/// A relative path with `slash` at its end, and without `.` and `..` as far as these lead nowhere else.
fn relative(typed: &Utf8Path, slash: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for component in typed.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if segments.last().is_some_and(|last| *last != "..") => {
                segments.pop();
            }
            other => segments.push(other.as_str()),
        }
    }
    if segments.is_empty() { ".".to_owned() } else { format!("{}{slash}", segments.join("/")) }
}

impl Place {
    /// A path that people typed, absolute, below the project's folder as the file system spells it if it is below it.
    pub(crate) fn absolute(&self, path: &Utf8Path) -> Utf8PathBuf {
        let absolute = normalized(&self.cwd.join(path));
        match absolute.strip_prefix(&self.spelled) {
            Ok(below) if below.as_str().is_empty() => self.root.clone(),
            Ok(below) => self.root.join(below),
            Err(_) => absolute,
        }
    }
}

/// Opens the project, and says what that had to recover.
pub(crate) fn open(
    global: &GlobalArgs,
    codecs: Vec<Arc<dyn Codec>>,
    jobs: Option<usize>,
    first_observation: FirstObservation,
    ui: &mut Ui,
) -> Result<Opened, Failure> {
    let place = place(global)?;
    let wait_for_lane = !global.no_wait;
    let options = OpenOptions { codecs, jobs, wait_for_lane, first_observation, ..OpenOptions::default() };
    let project = Project::open(&place.root, options)?;
    for outcome in project.recovered() {
        tell_recovery(outcome, ui);
    }
    Ok(Opened { project, place, flag: ProjectFlag::new(global.project.as_deref()) })
}

/// Opens the project so that it is watched, with its events from the first on; those say what opening had to recover.
pub(crate) fn open_watched(
    global: &GlobalArgs,
    codecs: Vec<Arc<dyn Codec>>,
    jobs: Option<usize>,
    watch: WatchOptions,
) -> Result<(Opened, Feed), Failure> {
    let place = place(global)?;
    let (wait_for_lane, first_observation) = (!global.no_wait, FirstObservation::AtOpening);
    let options = OpenOptions {
        codecs,
        jobs,
        wait_for_lane,
        first_observation,
        watch: Some(watch),
        ..OpenOptions::default()
    };
    let (project, feed) = Project::open_and_subscribe(&place.root, options)?;
    Ok((Opened { project, place, flag: ProjectFlag::new(global.project.as_deref()) }, feed))
}

/// Says what a recovery did.
pub(crate) fn tell_recovery(outcome: &Outcome, ui: &mut Ui) {
    let paint = ui.paint_err();
    let line = match outcome.ending() {
        Ending::Succeeded(OutcomeReport::Recover(report)) => render::recovery(report, paint),
        other => render::ending(other, paint),
    };
    ui.note(&line);
}

impl Opened {
    /// Where it is, and where people stand.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// What names the project in a command that is to be typed.
    pub(crate) fn project_flag(&self) -> &ProjectFlag {
        &self.flag
    }

    /// What a path that people typed means: from where they stand, or else from the project's folder.
    pub(crate) fn target(&self, path: &Utf8Path) -> Result<Target, Failure> {
        let here = self.project.locate(&self.place.absolute(path));
        let from_root = || self.project.locate(&normalized(&self.place.root.join(path)));
        match here {
            Ok(target) => Ok(target),
            Err(error) => from_root().map_err(|_| {
                Failure::of(crate::exit::Exit::Usage, &error)
                    .hint("name files and folders below the assets root")
            }),
        }
    }

    /// Where something is to go, as the packer takes destinations: from the assets root, with a slash at the end where a
    /// folder is meant. Read from where people stand, or else from the project's folder, or else as it is typed; that
    /// includes what leads out of the assets root, of which the packer says so.
    pub(crate) fn destination(&self, typed: &Utf8Path) -> String {
        let slash = if is_folder(typed.as_str()) { "/" } else { "" };
        for absolute in [self.place.absolute(typed), normalized(&self.place.root.join(typed))] {
            match self.project.locate(&absolute) {
                Ok(Target::Root) => return ".".to_owned(),
                Ok(Target::Path(path)) => return format!("{path}{slash}"),
                Err(_) => {}
            }
        }
        if typed.is_absolute() { typed.to_string() } else { relative(typed, slash) }
    }

    /// Every asset path that a text may mean, the likeliest first: from where people stand, from the project's folder,
    /// from the assets root.
    pub(crate) fn candidates(&self, text: &str) -> Vec<AssetPath> {
        let typed = Utf8Path::new(text);
        let mut found = Vec::new();
        for absolute in [self.place.absolute(typed), normalized(&self.place.root.join(typed))] {
            if let Ok(Target::Path(path)) = self.project.locate(&absolute) {
                found.push(path);
            }
        }
        found.extend(AssetPath::parse(text));
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_project_upwards_is_meant() {
        let is_project = |folder: &Utf8Path| ["/games/harbour", "/games"].contains(&folder.as_str());
        let found = |cwd: &str| nearest(Utf8Path::new(cwd), is_project).map(Utf8PathBuf::into_string);
        assert_eq!(found("/games/harbour/assets/ui").as_deref(), Some("/games/harbour"));
        assert_eq!(found("/games/other").as_deref(), Some("/games"));
        assert_eq!(found("/home"), None);
    }

    #[test]
    fn what_leads_out_of_everything_still_does() {
        for (typed, expected) in [
            ("../x", "../x"),
            ("a/../../x/", "../x/"),
            ("../../x", "../../x"),
            ("..", "../"),
            ("./menu/../ui/a.png", "ui/a.png"),
            ("menu/.", "menu/"),
            (".", "."),
            ("menu/..", "."),
            (r"a\b", r"a\b"),
        ] {
            let slash = if is_folder(typed) { "/" } else { "" };
            assert_eq!(relative(Utf8Path::new(typed), slash), expected, "{typed}");
        }
    }

    #[test]
    fn paths_are_read_from_where_people_stand() {
        let place = Place {
            root: "/real/harbour".into(),
            spelled: "/link/harbour".into(),
            cwd: "/real/harbour/assets".into(),
        };
        for (typed, expected) in [
            ("ui/a.png", "/real/harbour/assets/ui/a.png"),
            (".", "/real/harbour/assets"),
            ("/link/harbour", "/real/harbour"),
            ("../assets/./ui/", "/real/harbour/assets/ui"),
            ("/link/harbour/assets/ui", "/real/harbour/assets/ui"),
            ("../../../../../etc", "/etc"),
            ("/elsewhere/a", "/elsewhere/a"),
        ] {
            assert_eq!(place.absolute(Utf8Path::new(typed)).as_str(), expected, "{typed}");
        }
    }
}
