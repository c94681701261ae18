//! `cargo xtask build-assets [ARGS]`: `packer build [ARGS]`, and with no arguments the build of `examples/harbour`.
//!
//! Everything that a build is and says belongs to the packer; here is only which arguments it gets.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::harbour;

/// Builds, and ends as the packer ends.
pub(crate) fn run(repository: &Path, arguments: &[OsString]) -> ExitCode {
    let arguments = build_arguments(repository, arguments);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--release", "--package", "packer-cli", "--"])
        .args(arguments)
        .status();
    match status {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("cargo run: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The packer's arguments, without its own name.
fn build_arguments(repository: &Path, arguments: &[OsString]) -> Vec<OsString> {
    let mut all = vec![OsString::from("build")];
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
        let bare = build_arguments(root, &[]);
        assert_eq!(bare[..2], [OsString::from("build"), OsString::from("--project")]);
        assert!(Path::new(&bare[2]).ends_with(harbour::FOLDER));
        let given = build_arguments(root, &["--jobs".into(), "2".into()]);
        assert_eq!(given, ["build", "--jobs", "2"].map(OsString::from));
    }
}
