//! The asset pack: its format, and the reader that games link.
