//! What the journal's tests share: a project on the simulated disk, and operations to try on it.
