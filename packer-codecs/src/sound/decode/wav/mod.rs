//! WAV: the chunks of the file, and what they say together.
//!
//! The sample forms are in [`form`], [`plain`] and [`adpcm`]. Chunks that say nothing about frames are passed over; one
//! of `fmt `, `data` and `smpl` that is cut is an error, because then samples or the loop would be missing.

mod adpcm;
mod form;
mod plain;

use packer_pack::payload::sound::SourceFormat;

use super::{Found, Sink, u32_at};
use crate::sound::problem::SoundProblem;
use form::{Coding, Form};

/// The size of a chunk that a writer which cannot go back leaves: everything that follows.
const UNKNOWN: u32 = u32::MAX;

pub(super) fn decode(bytes: &[u8], sink: &mut dyn Sink) -> Result<Found, SoundProblem> {
    // A tag in front is not usual, but recognising looks past it, so decoding does.
    let chunks = Chunks::read(&bytes[super::id3::skip(bytes)..])?;
    let form = Form::read(chunks.format)?;
    let mut found = Found { looping: None, notes: chunks.notes };
    if let Some(sampler) = chunks.sampler {
        found.looping = looping(sampler, &mut found.notes);
    }
    match form.coding {
        Coding::MsAdpcm { .. } | Coding::ImaAdpcm => {
            adpcm::decode(&form, chunks.data, chunks.fact, &mut found.notes, sink)?;
        }
        _ => plain::decode(&form, chunks.data, &mut found.notes, sink)?,
    }
    Ok(found)
}

fn damaged(reason: impl Into<String>) -> SoundProblem {
    SoundProblem::Damaged { format: SourceFormat::Wav, reason: reason.into() }
}

fn unsupported(what: impl Into<String>) -> SoundProblem {
    SoundProblem::Unsupported { format: SourceFormat::Wav, what: what.into() }
}

fn truncated(place: impl Into<String>) -> SoundProblem {
    SoundProblem::Truncated { format: SourceFormat::Wav, place: place.into() }
}

fn empty(more: impl Into<String>) -> SoundProblem {
    SoundProblem::Empty { format: SourceFormat::Wav, more: more.into() }
}

/// The chunks that matter; of several of one kind, the first.
struct Chunks<'a> {
    format: &'a [u8],
    data: &'a [u8],
    /// The number of frames, which forms with blocks need.
    fact: Option<u32>,
    sampler: Option<&'a [u8]>,
    notes: Vec<String>,
}

impl<'a> Chunks<'a> {
    /// Reads the chunks of a file that begins as a WAV does.
    fn read(bytes: &'a [u8]) -> Result<Self, SoundProblem> {
        let (mut format, mut data, mut fact, mut sampler) = (None, None, None, None);
        let mut notes = Vec::new();
        let mut at = 12;
        while let (Some(name), Some(size)) = (bytes.get(at..at + 4), u32_at(bytes, at + 4)) {
            let body = &bytes[at + 8..];
            let whole = body.get(..size as usize);
            match name {
                b"fmt " if format.is_none() => {
                    format = Some(whole.ok_or_else(|| truncated("inside its format chunk"))?);
                }
                b"data" if data.is_none() => {
                    if format.is_none() {
                        return Err(damaged("its samples come before the chunk that says what they are"));
                    }
                    if size == 0 && !body.is_empty() && data_follows(body) {
                        return Err(empty(format!(
                            ", though {} bytes follow its header: what wrote it did not finish",
                            body.len()
                        )));
                    }
                    if size == UNKNOWN {
                        notes.push(
                            "the WAV does not say how long it is; all that follows its header is taken for samples"
                                .to_owned(),
                        );
                        data = Some(body);
                        break;
                    }
                    let place = || format!("after {} of {size} bytes of samples", body.len());
                    data = Some(whole.ok_or_else(|| truncated(place()))?);
                }
                b"fact" if fact.is_none() => fact = whole.and_then(|body| u32_at(body, 0)),
                b"smpl" if sampler.is_none() => {
                    sampler = Some(whole.ok_or_else(|| truncated("inside the chunk with its loop"))?);
                }
                b"LIST" if data.is_none() && body.starts_with(b"wavl") => {
                    return Err(unsupported("samples in several pieces (a `wavl` list)"));
                }
                _ => {}
            }
            let Some(whole) = whole else { break };
            // Chunks start at even places.
            at = at + 8 + whole.len() + whole.len() % 2;
        }
        let Some(format) = format else {
            return Err(if bytes.len() < 20 {
                truncated("inside its header")
            } else {
                damaged("it has no format chunk")
            });
        };
        let data = data.ok_or_else(|| truncated("before its samples"))?;
        let declared = u32_at(bytes, 4).unwrap_or(0);
        // A final byte of padding is often counted and not written.
        if declared != UNKNOWN && u64::from(declared) + 8 > bytes.len() as u64 + 1 {
            notes.push(format!(
                "the WAV says that it has {} bytes, and it has {}; its samples are complete, and what stood after them \
                 is missing",
                u64::from(declared) + 8,
                bytes.len()
            ));
        }
        Ok(Self { format, data, fact, sampler, notes })
    }
}

/// Whether what follows an empty chunk of samples is no chunk: then it is the samples of an unfinished file.
fn data_follows(body: &[u8]) -> bool {
    let named =
        body.first_chunk::<4>().is_some_and(|name| name.iter().all(|byte| matches!(byte, 0x20..0x7f)));
    let fits = u32_at(body, 4).is_some_and(|size| size as usize <= body.len() - 8);
    !(named && fits)
}

/// The first loop of a sampler chunk, if it goes forward.
fn looping(sampler: &[u8], notes: &mut Vec<String>) -> Option<(u64, u64)> {
    let count = u32_at(sampler, 28)?;
    if count == 0 {
        return None;
    }
    let (direction, start, last) = (u32_at(sampler, 40)?, u32_at(sampler, 44)?, u32_at(sampler, 48)?);
    if direction != 0 {
        notes.push(
            "the loop of the WAV does not go forward only, which is not supported; it is left out".to_owned(),
        );
        return None;
    }
    Some((u64::from(start), u64::from(last) + 1))
}
