//! How optional fields are read: each has one form on the wire, so that reading and writing an event give the same text.
//!
//! A field is either always there and may be `null` ([`nullable`]), or left out when there is nothing to say
//! ([`omitted`], together with `default` and `skip_serializing_if`). The derived `Option` would take all three forms.

use serde::{Deserialize, Deserializer};

/// Reads a field that must be there and may be `null`.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

/// Reads a field that may be left out and, where it is there, is not `null`.
pub(crate) fn omitted<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Whether a flag may be left out.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands every field to its predicate by reference"
)]
pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Whether a count may be left out.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands every field to its predicate by reference"
)]
pub(crate) fn is_zero(count: &u64) -> bool {
    *count == 0
}
