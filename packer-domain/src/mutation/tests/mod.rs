//! What plans do: ready and empty ones, every blocker and warning that the requests document, and what carrying a
//! plan out leaves.
//!
//! Each request is made on a project given as text; plans are compared with stored texts, which are to be read in a review.

mod blockers;
mod changes;
mod effects;
mod resolutions;

/// An image at `file`, with a sidecar.
fn image(alias: &str, name: &str, file: &str) -> String {
    format!(
        "//- assets/{file}\n//- assets/{file}.asset.toml\nuuid = \"${alias}\"\nname = \"{name}\"\nkind = \"image\"\n"
    )
}

fn project(registry: &str, parts: &[String]) -> String {
    format!("//- registry\n{registry}\n{}", parts.concat())
}
