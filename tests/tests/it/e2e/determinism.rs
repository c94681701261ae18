//! One workspace, one pack: with any number of threads, with and without what earlier builds left, in any folder, under
//! any locale and time zone.

use std::fs;

use packer_tests::packer::Run;
use packer_tests::picture::png;
use packer_tests::project::TestProject;

use super::packer;

/// Enough assets that threads have something to race for, with equal payloads among them.
fn project() -> TestProject {
    let project = TestProject::with_sources(packer());
    for n in 0..40 {
        project.write(&format!("assets/tiles/{n}.png"), &png(16, n % 30));
        project.write(&format!("assets/words/{n}.txt"), format!("{n} words\n").repeat(n as usize).as_bytes());
    }
    project.packer(&["adopt", "assets", "--yes"]).exits(0);
    project.packer(&["adopt", "assets", "--kind", "raw", "--yes"]).exits(0);
    project
}

#[test]
fn the_pack_is_the_same_however_it_is_built() {
    let project = project();
    project.packer(&["build"]).exits(0);
    let expected = project.outputs();
    let check =
        |project: &TestProject, how: &str| assert!(project.outputs() == expected, "{how} gave another pack");

    for jobs in ["1", "2", "8"] {
        fs::remove_dir_all(project.path("build")).unwrap();
        fs::remove_dir_all(project.path(".packer")).unwrap();
        project.packer(&["build", "--jobs", jobs]).exits(0);
        check(&project, &format!("--jobs {jobs} from nothing"));
        project.packer(&["build", "--no-store", "--jobs", jobs]).exits(0);
        check(&project, &format!("--jobs {jobs} --no-store"));
    }

    let elsewhere = project.copy();
    fs::remove_dir_all(elsewhere.path("build")).unwrap();
    elsewhere.packer(&["build"]).exits(0);
    check(&elsewhere, "another folder");

    for (locale, zone) in
        [("tr_TR.UTF-8", "Pacific/Chatham"), ("de_DE.UTF-8", "America/St_Johns"), ("C", "UTC")]
    {
        fs::remove_dir_all(project.path("build")).unwrap();
        let mut command = project.command(&["build", "--no-store"]);
        command.env("LC_ALL", locale).env("LANG", locale).env("TZ", zone);
        Run::of(command.output().unwrap()).exits(0);
        check(&project, locale);
    }

    // Changed, built, changed back and built again: mostly taken over, and the same pack.
    project.write("assets/texts/hello.txt", b"other");
    project.packer(&["build"]).exits(0);
    assert!(project.outputs() != expected);
    project.write("assets/texts/hello.txt", "Grüße\n".as_bytes());
    let again = project.packer(&["build", "--format", "json"]).exits(0).ending();
    assert!(again["outcome"]["reused"].as_u64() > Some(80), "{again}");
    check(&project, "an incremental build");
}

#[test]
fn prove_says_so() {
    let project = project();
    let plain = project.packer(&["build", "--format", "json"]).exits(0).ending();
    assert_eq!(plain["outcome"].get("proved"), None);
    let tree = project.tree();
    for arguments in
        [&["build", "--prove"][..], &["build", "--prove", "--jobs", "1"], &["build", "--prove", "--no-store"]]
    {
        let told = project.packer(arguments).exits(0);
        assert!(told.text().contains("proved"), "{}", told.text());
        let ending = project.packer(&[arguments, &["--format", "json"]].concat()).exits(0).ending();
        assert_eq!(ending["outcome"]["proved"], true);
        assert_eq!(ending["outcome"]["pack_digest"], plain["outcome"]["pack_digest"]);
    }
    assert_eq!(project.tree(), tree, "proving wrote something");
    assert_eq!(project.leftovers(), Vec::<std::path::PathBuf>::new());
}
