//! The contract of packer events.
