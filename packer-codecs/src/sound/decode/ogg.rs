//! Ogg: pages, checked, and the packets that they carry.
//!
//! One stream, whole: a page whose checksum is wrong, one that is missing, and a file that ends before its last page are
//! noticed. Several streams, beside or after each other, are not read.

use packer_pack::payload::sound::SourceFormat;

use super::u32_at;
use crate::sound::problem::SoundProblem;

fn damaged(reason: impl Into<String>) -> SoundProblem {
    SoundProblem::Damaged { format: SourceFormat::Vorbis, reason: reason.into() }
}

fn truncated(place: impl Into<String>) -> SoundProblem {
    SoundProblem::Truncated { format: SourceFormat::Vorbis, place: place.into() }
}

/// The pages of a file, one after the other.
pub(super) struct Pages<'a> {
    bytes: &'a [u8],
    at: usize,
    index: u32,
    serial: Option<u32>,
    ended: bool,
}

/// One page.
pub(super) struct Page<'a> {
    /// The position after the last packet that ends on this page; none where no packet ends.
    pub(super) granule: Option<i64>,
    /// Whether it is the last page.
    pub(super) last: bool,
    /// Whether it begins inside a packet.
    continued: bool,
    lacing: &'a [u8],
    body: &'a [u8],
}

impl<'a> Pages<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, index: 0, serial: None, ended: false }
    }

    /// The next page; none after the last.
    pub(super) fn next(&mut self) -> Result<Option<Page<'a>>, SoundProblem> {
        let rest = &self.bytes[self.at..];
        if self.ended {
            // Filling after the last page is passed over, another sound is not.
            if rest.starts_with(b"OggS") && rest.get(5).is_some_and(|flags| flags & 2 != 0) {
                return Err(unsupported("several sounds one after the other (chained)"));
            }
            return Ok(None);
        }
        let index = self.index;
        if rest.is_empty() {
            return Err(truncated(format!("after {index} pages, none of which is the last")));
        }
        let inside = || truncated(format!("inside its page {index}"));
        if !rest.starts_with(&b"OggS"[..rest.len().min(4)]) {
            return Err(damaged(format!("where page {index} is expected, there is none")));
        }
        let header = rest.first_chunk::<27>().ok_or_else(inside)?;
        let lacing =
            rest.get(27..).and_then(|rest| rest.get(..usize::from(header[26]))).ok_or_else(inside)?;
        let start = 27 + lacing.len();
        let size: usize = lacing.iter().map(|size| usize::from(*size)).sum();
        let page = rest.get(..start + size).ok_or_else(inside)?;
        if crc(page) != u32_at(header, 22).expect("the header has 27 bytes") {
            return Err(damaged(format!("the checksum of page {index} is wrong")));
        }
        let (serial, number) = (u32_at(header, 14), u32_at(header, 18));
        if self.serial.is_some() && self.serial != serial {
            return Err(unsupported("several streams beside each other"));
        }
        if number != Some(index) {
            let found = number.unwrap_or(0);
            return Err(damaged(format!("where page {index} is expected, it has page {found}")));
        }
        let flags = header[5];
        if (index == 0) != (flags & 2 != 0) {
            return Err(damaged(format!("page {index} is marked as the first page, or the first is not")));
        }
        let granule = i64::from_le_bytes(*header[6..].first_chunk().expect("the header has 27 bytes"));
        self.serial = serial;
        self.at += page.len();
        self.index += 1;
        self.ended = flags & 4 != 0;
        Ok(Some(Page {
            granule: Some(granule).filter(|granule| *granule != -1),
            last: self.ended,
            continued: flags & 1 != 0,
            lacing,
            body: &page[start..],
        }))
    }
}

/// A packet that goes on over pages.
#[derive(Default)]
pub(super) struct Packet {
    bytes: Vec<u8>,
    open: bool,
}

impl Packet {
    /// Gives every packet that ends on `page` to `take`, and keeps what of one is left.
    pub(super) fn feed(
        &mut self,
        page: &Page<'_>,
        take: &mut dyn FnMut(&[u8]) -> Result<(), SoundProblem>,
    ) -> Result<(), SoundProblem> {
        if page.continued != self.open {
            return Err(damaged("a packet that goes on over two pages is cut there"));
        }
        let mut body = page.body;
        for size in page.lacing {
            let (part, rest) = body.split_at(usize::from(*size));
            body = rest;
            self.bytes.extend_from_slice(part);
            self.open = *size == 255;
            if !self.open {
                take(&self.bytes)?;
                self.bytes.clear();
            }
        }
        if page.last && self.open {
            return Err(truncated("inside its last packet"));
        }
        Ok(())
    }
}

fn unsupported(what: &str) -> SoundProblem {
    SoundProblem::Unsupported { format: SourceFormat::Vorbis, what: what.to_owned() }
}

/// The checksum of a page, in which the place of the checksum itself counts as zeros.
fn crc(page: &[u8]) -> u32 {
    let bytes = page[..22].iter().chain(&[0; 4]).chain(&page[26..]);
    bytes.fold(0, |crc, byte| crc << 8 ^ CRC32[usize::from((crc >> 24) as u8 ^ byte)])
}

/// CRC-32 with the usual polynomial, upper bit first.
const CRC32: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};
