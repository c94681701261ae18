//! The adapter on real projects on a real disk: what a Studio would do, and what it would then see.
#![expect(clippy::unwrap_used, reason = "all of it is test, also what stands beside the test functions")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the adapter touches no files; its tests do, to have a project that it can show, and run a compiler on its types"
)]

#[macro_use]
#[path = "../../src/testing.rs"]
mod testing;

mod catalogue;
#[cfg(unix)]
mod editor;
mod everything;
mod external;
mod outcomes;
mod session;
mod support;
mod types;
mod updates;
