//! Small files of the packer's own that are shortcuts and never the truth: one JSON value in a frame that tells whether it
//! is what was written. They are replaced in place and without syncing, and count as none where they are damaged.
//!
//! ```text
//! magic 8, length of the body u64, body: JSON, checksum 32: BLAKE3 of everything before it
//! ```
//!
//! Little-endian. What such a file means is its owner's business.

use std::io::Write;

use camino::Utf8Path;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk::{Disk, DiskError, DiskOperation};

const PREFIX_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 32;

/// The value in a frame that starts with `magic`; `None` if it is not what was written.
pub(crate) fn decode<T: DeserializeOwned>(magic: [u8; 8], bytes: &[u8]) -> Option<T> {
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    let (prefix, json) = body.split_at_checked(PREFIX_BYTES)?;
    let length = u64::from_le_bytes(*prefix.last_chunk()?);
    let is_whole = prefix.starts_with(&magic) && length == json.len() as u64;
    if !is_whole || blake3::hash(body).as_bytes() != checksum {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// A frame that starts with `magic`, with `value`, which is of digests, numbers, texts and lists of these.
pub(crate) fn encode<T: Serialize>(magic: [u8; 8], value: &T) -> Vec<u8> {
    let json = serde_json::to_vec(value).expect("digests, numbers and texts are JSON");
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + json.len() + CHECKSUM_BYTES);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&(json.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&json);
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

/// Writes `bytes` at `path`, in place: a torn file is none.
pub(crate) fn store(disk: &dyn Disk, path: &Utf8Path, bytes: &[u8]) -> Result<(), DiskError> {
    let fail = |source| DiskError { operation: DiskOperation::Write, path: path.to_owned(), source };
    let mut file = disk.open_write(path)?;
    file.set_len(0).and_then(|()| file.write_all(bytes)).and_then(|()| file.flush()).map_err(fail)
}
