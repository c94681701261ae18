//! The bytes of one artifact: a head of fixed size, the payload as a pack stores it, what its bake had to say.
//!
//! ```text
//! magic      8  "PKRSTOR1"
//! key       32  what it is filed under
//! digest    32  BLAKE3 of the payload before it was compressed
//! raw size   8  bytes of that
//! stored     8  bytes of the payload as it is here
//! findings   4  bytes of the findings
//! sort       1  0: a payload, 1: a bake that failed
//! encoding   1
//! compression 1
//! zero       1
//! checksum  32  BLAKE3 of the 96 bytes before it and of everything after it
//! payload, then findings as JSON
//! ```
//!
//! Little-endian. Every bit of a file counts: one that is changed, missing or too many is a [`Defect`]. Sizes are compared
//! with the file's before anything is allocated by them. Which file is which artifact is the business of the module above.

use std::io::{self, Read};

use packer_domain::identity::Digest;
use thiserror::Error;

use super::findings;
use super::{Artifact, ArtifactKey, Content, StoredPayload};

/// Bytes of the head.
pub(super) const HEAD_BYTES: usize = 128;

const MAGIC: [u8; 8] = *b"PKRSTOR1";
const CHECKSUM_AT: usize = 96;

/// What one bake may have to say, in bytes of JSON; an artifact with more is not stored.
pub(super) const MAX_FINDINGS_BYTES: usize = 1 << 20;

/// Why a file is not the artifact that it should be.
#[derive(Debug, Error)]
pub enum Defect {
    /// It does not begin as artifacts do.
    #[error("it is no artifact")]
    NotAnArtifact,
    /// It is another artifact than its name says.
    #[error("it is filed under the wrong key")]
    WrongKey,
    /// It has another size than its head says.
    #[error("it has {found} bytes, not the {expected} that its head says")]
    Size {
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// Its payload is larger than the caller takes.
    #[error("its payload has {bytes} bytes, over the limit of {max}")]
    TooLarge {
        /// Bytes that its head says.
        bytes: u64,
        /// The most that are taken.
        max: u64,
    },
    /// Its bytes are not those that were written.
    #[error("its checksum does not fit")]
    Checksum,
    /// Its parts make no sense, though they are those that were written.
    #[error("its parts make no sense")]
    Parts,
    /// It could not be read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
}

/// What the head says.
struct Head {
    key: Digest,
    digest: Digest,
    raw_size: u64,
    stored: u64,
    findings: u64,
    sort: u8,
    encoding: u8,
    compression: u8,
    checksum: [u8; 32],
}

/// The head of an artifact, and its findings as they follow the payload. `None` if it has too much to say.
pub(super) fn encode(
    key: ArtifactKey,
    content: Content<&[u8]>,
    said: &[packer_domain::diagnostic::Diagnostic],
) -> Option<([u8; HEAD_BYTES], Vec<u8>)> {
    let findings = findings::encode(said);
    if findings.len() > MAX_FINDINGS_BYTES {
        return None;
    }
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(&MAGIC);
    head[8..40].copy_from_slice(key.digest().as_bytes());
    head[88..92].copy_from_slice(&u32::try_from(findings.len()).ok()?.to_le_bytes());
    let stored: &[u8] = match content {
        Content::Failure => {
            head[92] = 1;
            &[]
        }
        Content::Payload(StoredPayload { encoding, compression, raw_size, raw_digest, stored }) => {
            head[40..72].copy_from_slice(raw_digest.as_bytes());
            head[72..80].copy_from_slice(&raw_size.to_le_bytes());
            head[80..88].copy_from_slice(&(stored.len() as u64).to_le_bytes());
            (head[93], head[94]) = (encoding, compression);
            stored
        }
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head[..CHECKSUM_AT]).update(stored).update(&findings);
    head[CHECKSUM_AT..].copy_from_slice(hasher.finalize().as_bytes());
    Some((head, findings))
}

/// Reads an artifact of `size` bytes and checks all of it.
pub(super) fn decode(
    mut file: impl Read,
    size: u64,
    key: ArtifactKey,
    max_payload: u64,
) -> Result<Artifact, Defect> {
    let (bytes, head) = head(&mut file, size, key)?;
    if head.stored > max_payload {
        return Err(Defect::TooLarge { bytes: head.stored, max: max_payload });
    }
    // The file has that many bytes, so no more is allocated than there is.
    let body = usize::try_from(head.stored + head.findings).map_err(|_| Defect::Parts)?;
    let mut stored = vec![0; body];
    file.read_exact(&mut stored).map_err(cut)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..CHECKSUM_AT]).update(&stored);
    if *hasher.finalize().as_bytes() != head.checksum {
        return Err(Defect::Checksum);
    }
    let said = findings::decode(&stored[body - head.findings as usize..]).ok_or(Defect::Parts)?;
    stored.truncate(body - head.findings as usize);
    let content = match head.sort {
        0 => Content::Payload(StoredPayload {
            encoding: head.encoding,
            compression: head.compression,
            raw_size: head.raw_size,
            raw_digest: head.digest,
            stored,
        }),
        1 if stored.is_empty() && !said.is_empty() => Content::Failure,
        _ => return Err(Defect::Parts),
    };
    Ok(Artifact { content, said })
}

/// Checks an artifact of `size` bytes, holding no more of it than a block.
pub(super) fn check(mut file: impl Read, size: u64, key: ArtifactKey) -> Result<(), Defect> {
    let (bytes, head) = head(&mut file, size, key)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..CHECKSUM_AT]);
    hasher.update_reader(&mut file).map_err(Defect::Unreadable)?;
    if *hasher.finalize().as_bytes() == head.checksum { Ok(()) } else { Err(Defect::Checksum) }
}

fn head(file: &mut impl Read, size: u64, key: ArtifactKey) -> Result<([u8; HEAD_BYTES], Head), Defect> {
    let mut bytes = [0; HEAD_BYTES];
    if size < HEAD_BYTES as u64 {
        return Err(Defect::Size { expected: HEAD_BYTES as u64, found: size });
    }
    file.read_exact(&mut bytes).map_err(cut)?;
    if bytes[..8] != MAGIC {
        return Err(Defect::NotAnArtifact);
    }
    let number = |at: usize| u64::from_le_bytes(array(&bytes, at));
    let head = Head {
        key: Digest::from_bytes(array(&bytes, 8)),
        digest: Digest::from_bytes(array(&bytes, 40)),
        raw_size: number(72),
        stored: number(80),
        findings: u64::from(u32::from_le_bytes(array(&bytes, 88))),
        sort: bytes[92],
        encoding: bytes[93],
        compression: bytes[94],
        checksum: array(&bytes, CHECKSUM_AT),
    };
    if head.key != key.digest() {
        return Err(Defect::WrongKey);
    }
    let expected = (HEAD_BYTES as u64).saturating_add(head.stored).saturating_add(head.findings);
    if expected != size {
        return Err(Defect::Size { expected, found: size });
    }
    Ok((bytes, head))
}

/// A file that ends before its size was cut off while it was read.
fn cut(error: io::Error) -> Defect {
    if error.kind() == io::ErrorKind::UnexpectedEof { Defect::Checksum } else { Defect::Unreadable(error) }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
