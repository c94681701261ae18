//! Codecs of the built-in kinds.
