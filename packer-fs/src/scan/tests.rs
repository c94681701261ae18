//! Scans of a real folder, of disks that misbehave, and of what cannot be made on a real one.
