//! `cargo xtask build-assets [ARGS]`: `packer build [ARGS]`, and with no arguments the build of `examples/harbour`.
//!
//! Everything that a build is and says belongs to the packer; here is only which arguments it gets.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::harbour;

/// Builds, and ends as the packer ends.
pub(crate) fn run(repository: &Path, arguments: &[OsString]) -> ExitCode {
    packer_cli::run(command_line(repository, arguments), packer_cli::builtin_codecs())
}

/// The packer's command line, its own name first.
fn command_line(repository: &Path, arguments: &[OsString]) -> Vec<OsString> {
    let mut all = vec![OsString::from("packer"), OsString::from("build")];
    if arguments.is_empty() {
        all.extend(["--project".into(), repository.join(harbour::FOLDER).into_os_string()]);
    } else {
        all.extend_from_slice(arguments);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_call_chooses_the_example() {
        let root = Path::new("/repository");
        let bare = command_line(root, &[]);
        assert_eq!(bare[..3], ["packer", "build", "--project"].map(OsString::from));
        assert!(Path::new(&bare[3]).ends_with(harbour::FOLDER));
        let given = command_line(root, &["--jobs".into(), "2".into()]);
        assert_eq!(given, ["packer", "build", "--jobs", "2"].map(OsString::from));
    }
}
