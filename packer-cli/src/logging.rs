//! Developers' logs: `tracing` to standard error. Only a binary installs a subscriber, and this is one's whole body.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::args::GlobalArgs;
use crate::ui::is_colored;

/// The variable that filters the logs, in the syntax of `tracing`.
const VARIABLE: &str = "PACKER_LOG";

/// Installs the subscriber, unless the process has one.
pub(crate) fn install(global: &GlobalArgs) {
    let filter = match std::env::var(VARIABLE) {
        Ok(filter) if !filter.is_empty() => EnvFilter::new(filter),
        Ok(_) | Err(_) => EnvFilter::new(default_filter(global.verbose)),
    };
    let colored = is_colored(global.color, std::io::stderr().is_terminal());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colored)
        .with_target(true)
        .finish();
    // Whoever calls the library may have installed another one; theirs is kept.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn default_filter(verbose: bool) -> &'static str {
    if verbose {
        "warn,packer_cli=debug,packer_runtime=debug,packer_fs=debug,packer_codecs=debug"
    } else {
        "off"
    }
}
