//! Registers, in the project of the current folder, the anchor that is its argument, and nothing else: no command of `packer`
//! does that alone, and a process that does it has to be killed, too.

use std::process::ExitCode;

use packer_runtime::api::{AssetPath, Command, Mutation, OpenOptions, Project, Register, Target};

fn main() -> ExitCode {
    let anchor = std::env::args().nth(1).expect("an argument names an anchor");
    let anchor = AssetPath::parse(&anchor).expect("it is below the assets root");
    let project = Project::open(".".into(), OpenOptions::default()).expect("here is a project");
    let register = Mutation::Register(Register { targets: vec![Target::Path(anchor)] });
    let outcome = project.submit(Command::Mutate(register)).wait().expect("its end can be stored");
    // As `packer` says it of what the lane refuses.
    if outcome.success().is_some() { ExitCode::SUCCESS } else { ExitCode::from(4) }
}
