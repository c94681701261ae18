//! The example that a clone comes with builds at once, and only once.

use std::fs;

use packer_tests::project::TestProject;
use packer_tests::repo;

use super::packer;

#[test]
fn the_example_builds_and_builds_again_without_a_change() {
    let project = TestProject::copy_of(&repo::root().join("examples/harbour"), packer());
    for made in [".packer", "build"] {
        if project.path(made).exists() {
            fs::remove_dir_all(project.path(made)).unwrap();
        }
    }
    let committed = project.tree();
    project.packer(&["check"]).exits(0);
    let status = project.status();
    assert_eq!((&status["files"]["unclaimed"], &status["diagnostics"]["error"]), (&0.into(), &0.into()));
    let built = project.packer(&["build", "--format", "json"]).exits(0).ending();
    assert_eq!(built["outcome"]["assets"], status["assets"]["included"]);
    assert_eq!(built["outcome"]["unchanged"], false);
    let (tree, times) = (project.tree(), project.times());
    let again = project.packer(&["build", "--format", "json"]).exits(0).ending();
    assert_eq!(again["outcome"]["unchanged"], true);
    assert_eq!((project.tree(), project.times()), (tree, times));
    assert_eq!(project.workspace(), committed, "building changed a committed file");
    project.packer(&["build", "--prove"]).exits(0);
    project.packer(&["verify"]).exits(0);
}
