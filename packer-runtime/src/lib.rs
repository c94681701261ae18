//! Snapshot and lane of a project.
