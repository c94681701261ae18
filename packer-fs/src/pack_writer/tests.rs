//! Packs written from memory and from a former pack, read back.
