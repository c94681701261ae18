//! A change of one thing that decides a byte bakes exactly what depends on it; a change of anything else bakes nothing.
//!
//! Each row of the tables is one change of one workspace, made in an open project, before a project is opened that
//! observes at once, and before one is opened that leaves this to the build: the three ways to a build take different
//! shortcuts. After each, the next build must find nothing to do, and a clean one must give the same bytes. What decides
//! bytes is in `decisive`, what does not in `idle`.

mod decisive;
mod idle;

use std::sync::Arc;

use packer_runtime::api::{
    BuildRequest, Command, FirstObservation, MANIFEST_FILE, Mutation, PACK_FILE, Project, Reconcile, draw,
};
use packer_runtime::codec::{Codec, KindSpec};

use super::recording::{ALL, Recorder, kinds, many, one, open, workspace};
use super::support::{Workspace, build_as, built, mutated, run};

/// One change, and what a build does after it.
struct Row {
    what: &'static str,
    change: fn(&mut Bench),
    /// What is baked, sorted.
    baked: &'static [&'static str],
    outputs: Outputs,
}

/// What a build does to its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outputs {
    /// It leaves them alone, and says that they are unchanged.
    Untouched,
    /// It writes them again, the same byte for byte.
    Same,
    /// It writes other ones.
    Other,
}

/// How the project is opened whose build is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// It is the one that built before.
    Kept,
    Anew(FirstObservation),
}

/// A workspace that was built once.
struct Bench {
    workspace: Workspace,
    codecs: Vec<Arc<dyn Codec>>,
    recorder: Recorder,
    project: Option<Project>,
}

impl Bench {
    fn new() -> Self {
        let (codecs, recorder) = (kinds(one(), many()), Recorder::default());
        let mut bench = Self { workspace: workspace(), codecs, recorder, project: None };
        assert_eq!(bench.build(), (ALL.map(str::to_owned).to_vec(), false));
        bench
    }

    fn project(&mut self) -> &Project {
        self.open(FirstObservation::AtOpening);
        self.project.as_ref().unwrap()
    }

    /// Opens the project, unless it is open.
    fn open(&mut self, first: FirstObservation) {
        if self.project.is_none() {
            let codecs = self.recorder.on(self.codecs.clone());
            self.project = Some(open(&self.workspace, codecs, first));
        }
    }

    fn close(&mut self) {
        self.project = None;
    }

    /// Other versions of the test kinds.
    fn kinds(&mut self, one: KindSpec, many: KindSpec) {
        self.close();
        self.codecs = kinds(one, many);
    }

    /// Builds; gives what was baked, and whether the outputs were left alone.
    fn build(&mut self) -> (Vec<String>, bool) {
        self.build_as(BuildRequest::default())
    }

    fn build_as(&mut self, request: BuildRequest) -> (Vec<String>, bool) {
        let outcome = build_as(self.project(), request);
        let (report, baked) = (built(&outcome), self.recorder.take());
        assert_eq!(report.baked + report.failed, baked.len() as u64, "{baked:?}");
        (baked, report.unchanged)
    }

    fn outputs(&self, folder: &str) -> [Vec<u8>; 2] {
        [PACK_FILE, MANIFEST_FILE].map(|name| self.workspace.read(&format!("{folder}/{name}")))
    }

    fn write(&self, path: &str, text: &str) {
        self.workspace.write(path, text.as_bytes());
    }

    /// Puts one text in the place of another.
    #[track_caller]
    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.workspace.text(path);
        assert!(text.contains(from), "{path} has no {from:?}:\n{text}");
        self.write(path, &text.replace(from, to));
    }

    fn append(&self, path: &str, more: &str) {
        self.write(path, &(self.workspace.text(path) + more));
    }

    /// Resolves every divergence in the only way that is offered.
    fn reconcile(&mut self) {
        let all = Reconcile { select: Vec::new(), resolution: None, path: None, name: None, draw: draw() };
        mutated(&run(self.project(), Command::Mutate(Mutation::Reconcile(all))));
    }

    /// Makes the change of `row`, builds, and says everything that is not as the row has it.
    fn check(mut self, row: &Row, opening: Opening) -> Vec<String> {
        let before = self.outputs("build");
        if opening != Opening::Kept {
            self.close();
        }
        (row.change)(&mut self);
        if let Opening::Anew(first) = opening {
            self.close();
            self.open(first);
        }
        self.recorder.take();
        let (baked, untouched) = self.build();
        let outputs = match (untouched, self.outputs("build") == before) {
            (true, true) => Outputs::Untouched,
            (false, true) => Outputs::Same,
            (false, false) => Outputs::Other,
            (true, false) => panic!("{}: outputs that are unchanged differ", row.what),
        };
        let mut wrong = Vec::new();
        let place = format!("{} ({opening:?})", row.what);
        if baked != row.baked {
            wrong.push(format!("{place}: baked {baked:?}, not {:?}", row.baked));
        }
        if outputs != row.outputs {
            wrong.push(format!("{place}: {outputs:?}, not {:?}", row.outputs));
        }
        let again = self.build();
        if again != (Vec::new(), true) {
            wrong.push(format!("{place}: built once more, {again:?}"));
        }
        let clean = BuildRequest { reuse: false, output: Some("clean".into()), ..BuildRequest::default() };
        self.build_as(clean);
        if self.outputs("build") != self.outputs("clean") {
            wrong.push(format!("{place}: a clean build differs"));
        }
        wrong
    }
}

fn check(rows: &[Row], opening: Opening) {
    let wrong: Vec<String> = rows.iter().flat_map(|row| Bench::new().check(row, opening)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_decides_a_byte_bakes_what_depends_on_it_in_an_open_project() {
    check(decisive::ROWS, Opening::Kept);
}

#[test]
fn what_decides_a_byte_bakes_what_depends_on_it_in_a_project_that_observes_when_it_is_opened() {
    check(decisive::ROWS, Opening::Anew(FirstObservation::AtOpening));
}

#[test]
fn what_decides_a_byte_bakes_what_depends_on_it_in_a_project_that_observes_when_it_builds() {
    check(decisive::ROWS, Opening::Anew(FirstObservation::ByFirstOperation));
}

#[test]
fn what_decides_nothing_bakes_nothing_in_an_open_project() {
    check(idle::ROWS, Opening::Kept);
}

#[test]
fn what_decides_nothing_bakes_nothing_in_a_project_that_observes_when_it_is_opened() {
    check(idle::ROWS, Opening::Anew(FirstObservation::AtOpening));
}

#[test]
fn what_decides_nothing_bakes_nothing_in_a_project_that_observes_when_it_builds() {
    check(idle::ROWS, Opening::Anew(FirstObservation::ByFirstOperation));
}
