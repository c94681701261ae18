//! What an editor links.
