//! The time and the randomness of this process: the two things that the crates below are handed.

use std::time::{SystemTime, UNIX_EPOCH};

use packer_domain::identity::UuidDraw;
use packer_events::time::Timestamp;

/// Now, UTC.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// What new uuids are made from: now, and fresh random bits.
pub fn draw() -> UuidDraw {
    UuidDraw { unix_ms: now().unix_ms(), entropy: *uuid::Uuid::new_v4().as_bytes() }
}
