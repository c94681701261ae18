//! One frame of the file: the records of one build, or of a part of it.
//!
//! ```text
//! length     u32       bytes of the body
//! checksum   32 bytes  BLAKE3 of the body
//! body                 the build as JSON; shapes; records
//! shape                kind, codec version u32, payload version u32, settings (key, value)*
//! record               uuid 16, flags u8 (1: fetched, 2: was in the pack before), build key 32, shape u32, inputs (path, digest 32, size u64)*,
//!                      references (setting, uuid 16, id u32, kind, key 32)*
//! ```
//!
//! Little-endian; before each text its length (u32), before each list its number of items (u32). Most assets of a kind
//! share their shape, so it stands in a frame once.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use packer_domain::build::{BuildEntry, InputPart, KeyParts, ReferencePart};
use packer_domain::identity::{AssetId, AssetUuid, Digest};
use packer_domain::kind::{KindId, KindSpec, Settings};

use super::{How, Made, RecordedBuild};
use crate::disk::WriteFile;

/// A frame is written when it has so many bytes. One record more may come on top.
const FULL: usize = 1 << 20;

/// A frame of more bytes counts as damaged.
const MAX_BYTES: u32 = 64 << 20;

/// One frame, read.
pub(super) struct Frame {
    pub build: Arc<RecordedBuild>,
    pub records: Vec<Record>,
}

/// An asset as one build made it.
pub(super) struct Record {
    pub uuid: AssetUuid,
    pub made: Made,
    pub parts: KeyParts,
}

/// What reading comes to next.
pub(super) enum Step {
    Frame(Frame),
    /// A frame that is not what was written.
    Damaged,
    /// Nothing, or nothing that is a frame.
    End,
}

/// Gathers records and writes them as frames.
pub(super) struct FrameWriter<'e> {
    build: Vec<u8>,
    shapes: BTreeMap<Vec<u8>, u32>,
    /// Shapes by what they were made of, so that most are not made twice.
    known: BTreeMap<(&'e KindId, &'e Settings), u32>,
    records: Vec<u8>,
    count: u32,
}

impl<'e> FrameWriter<'e> {
    pub(super) fn new(build: &RecordedBuild) -> Self {
        let build = serde_json::to_vec(build).expect("texts are JSON");
        let (shapes, known) = (BTreeMap::new(), BTreeMap::new());
        Self { build, shapes, known, records: Vec::new(), count: 0 }
    }

    /// Adds an asset as it was built.
    pub(super) fn entry(&mut self, entry: &'e BuildEntry, spec: &KindSpec, made: Made) {
        let shape = if let Some(shape) = self.known.get(&(entry.kind(), entry.settings())) {
            *shape
        } else {
            let settings = entry.settings().iter().map(|(key, value)| (key, value.to_string()));
            let shape = self.shape(entry.kind(), spec.codec_version, spec.payload_version, settings);
            self.known.insert((entry.kind(), entry.settings()), shape);
            shape
        };
        self.begin(entry.uuid(), made, entry.key, shape);
        count(&mut self.records, entry.inputs().len());
        for input in entry.inputs() {
            self.input(input.relative, input.digest, input.size);
        }
        count(&mut self.records, entry.references().len());
        for r in entry.references() {
            self.reference(&r.key, r.target, r.id, &r.kind, r.build_key);
        }
    }

    /// Adds an asset as it was recorded.
    pub(super) fn record(&mut self, Record { uuid, made, parts }: &Record) {
        let settings = parts.settings.iter().map(|(key, value)| (key.as_str(), value.clone()));
        let shape = self.shape(&parts.kind, parts.codec_version, parts.payload_version, settings);
        self.begin(*uuid, *made, parts.build_key, shape);
        count(&mut self.records, parts.inputs.len());
        for input in &parts.inputs {
            self.input(&input.relative, input.digest, input.size);
        }
        count(&mut self.records, parts.references.len());
        for r in &parts.references {
            self.reference(&r.key, r.target, r.id, &r.kind, r.build_key);
        }
    }

    /// Writes what was gathered, if it is enough for a frame; gives its bytes.
    pub(super) fn write_if_full(&mut self, file: &mut dyn WriteFile) -> io::Result<u64> {
        if self.records.len() < FULL { Ok(0) } else { self.write(file) }
    }

    /// Writes what was gathered, if anything; gives its bytes.
    pub(super) fn write(&mut self, file: &mut dyn WriteFile) -> io::Result<u64> {
        if self.count == 0 {
            return Ok(0);
        }
        let mut body = Vec::with_capacity(self.build.len() + self.records.len() + 1024);
        count(&mut body, self.build.len());
        body.extend_from_slice(&self.build);
        let mut shapes: Vec<(&Vec<u8>, u32)> = self.shapes.iter().map(|(bytes, at)| (bytes, *at)).collect();
        shapes.sort_unstable_by_key(|(_, at)| *at);
        count(&mut body, shapes.len());
        for (bytes, _) in shapes {
            body.extend_from_slice(bytes);
        }
        body.extend_from_slice(&self.count.to_le_bytes());
        body.extend_from_slice(&self.records);
        let mut head = Vec::with_capacity(36);
        head.extend_from_slice(&(body.len() as u32).to_le_bytes());
        head.extend_from_slice(blake3::hash(&body).as_bytes());
        file.write_all(&head)?;
        file.write_all(&body)?;
        self.shapes.clear();
        self.known.clear();
        self.records.clear();
        self.count = 0;
        Ok((head.len() + body.len()) as u64)
    }

    fn shape<'s>(
        &mut self,
        kind: &KindId,
        codec_version: u32,
        payload_version: u32,
        settings: impl Iterator<Item = (&'s str, String)>,
    ) -> u32 {
        let mut bytes = Vec::new();
        text(&mut bytes, kind.as_str());
        bytes.extend_from_slice(&codec_version.to_le_bytes());
        bytes.extend_from_slice(&payload_version.to_le_bytes());
        let mut list = Vec::new();
        let mut number = 0;
        for (key, value) in settings {
            text(&mut list, key);
            text(&mut list, &value);
            number += 1;
        }
        count(&mut bytes, number);
        bytes.extend_from_slice(&list);
        let next = self.shapes.len() as u32;
        *self.shapes.entry(bytes).or_insert(next)
    }

    fn begin(&mut self, uuid: AssetUuid, made: Made, key: Digest, shape: u32) {
        self.count += 1;
        self.records.extend_from_slice(uuid.as_bytes());
        self.records.push(u8::from(made.how == How::Fetched) | u8::from(made.was_in_pack) << 1);
        self.records.extend_from_slice(key.as_bytes());
        self.records.extend_from_slice(&shape.to_le_bytes());
    }

    fn input(&mut self, relative: &str, digest: Digest, size: u64) {
        text(&mut self.records, relative);
        self.records.extend_from_slice(digest.as_bytes());
        self.records.extend_from_slice(&size.to_le_bytes());
    }

    fn reference(&mut self, key: &str, target: AssetUuid, id: AssetId, kind: &KindId, build_key: Digest) {
        text(&mut self.records, key);
        self.records.extend_from_slice(target.as_bytes());
        self.records.extend_from_slice(&id.get().to_le_bytes());
        text(&mut self.records, kind.as_str());
        self.records.extend_from_slice(build_key.as_bytes());
    }
}

/// Reads the next frame.
pub(super) fn read(reader: &mut impl Read) -> io::Result<Step> {
    let mut head = [0; 36];
    if !fill(reader, &mut head)? {
        return Ok(Step::End);
    }
    let length = u32::from_le_bytes(array(&head, 0));
    if length > MAX_BYTES {
        return Ok(Step::End);
    }
    // Grows as it is read, so that a length that lies allocates no more than there is.
    let mut body = Vec::new();
    reader.by_ref().take(u64::from(length)).read_to_end(&mut body)?;
    if body.len() != length as usize {
        return Ok(Step::End);
    }
    // Before anything of it is believed: what a damaged one says of its parts could ask for any amount of memory.
    if *blake3::hash(&body).as_bytes() != head[4..] {
        return Ok(Step::Damaged);
    }
    Ok(parse(&body).map_or(Step::Damaged, Step::Frame))
}

fn parse(body: &[u8]) -> Option<Frame> {
    let mut body = Cursor(body);
    let length = body.number()?;
    let build: RecordedBuild = serde_json::from_slice(body.take(length as usize)?).ok()?;
    let shapes: Vec<KeyParts> = body.list(Cursor::shape)?;
    let records = body.list(|body| body.record(&shapes))?;
    body.0.is_empty().then(|| Frame { build: Arc::new(build), records })
}

struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4).map(|bytes| u32::from_le_bytes(array(bytes, 0)))
    }

    fn text(&mut self) -> Option<&'b str> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length as usize)?).ok()
    }

    fn digest(&mut self) -> Option<Digest> {
        self.take(32).map(|bytes| Digest::from_bytes(array(bytes, 0)))
    }

    fn uuid(&mut self) -> Option<AssetUuid> {
        AssetUuid::from_bytes(array(self.take(16)?, 0))
    }

    fn kind(&mut self) -> Option<KindId> {
        KindId::parse(self.text()?).ok()
    }

    /// A list; its number of items is not believed before they are there.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let number = self.number()?;
        let mut items = Vec::new();
        for _ in 0..number {
            items.push(item(self)?);
        }
        Some(items)
    }

    /// The parts that all records of a shape have in common.
    fn shape(&mut self) -> Option<KeyParts> {
        Some(KeyParts {
            build_key: Digest::from_bytes([0; 32]),
            kind: self.kind()?,
            codec_version: self.number()?,
            payload_version: self.number()?,
            settings: self
                .list(|body| Some((body.text()?.to_owned(), body.text()?.to_owned())))?
                .into_iter()
                .collect(),
            inputs: Vec::new(),
            references: Vec::new(),
        })
    }

    fn record(&mut self, shapes: &[KeyParts]) -> Option<Record> {
        let uuid = self.uuid()?;
        let flags = self.take(1)?[0];
        if flags > 3 {
            return None;
        }
        let how = if flags & 1 == 0 { How::Baked } else { How::Fetched };
        let made = Made { how, was_in_pack: flags & 2 != 0 };
        let build_key = self.digest()?;
        let shape = shapes.get(self.number()? as usize)?;
        let inputs = self.list(|body| {
            Some(InputPart {
                relative: body.text()?.to_owned(),
                digest: body.digest()?,
                size: u64::from_le_bytes(array(body.take(8)?, 0)),
            })
        })?;
        let references = self.list(|body| {
            Some(ReferencePart {
                key: body.text()?.to_owned(),
                target: body.uuid()?,
                id: AssetId::new(body.number()?)?,
                kind: body.kind()?,
                build_key: body.digest()?,
            })
        })?;
        let parts = KeyParts { build_key, inputs, references, ..shape.clone() };
        Some(Record { uuid, made, parts })
    }
}

/// Fills `bytes`; false if there are not so many.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn count(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u32).to_le_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
