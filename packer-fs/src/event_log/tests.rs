//! Appending and reading on a real folder; failing writes and syncs on a disk that fails on demand.
