//! Baking one asset: asking the store, reading exactly the inputs that its key was made from, running its codec,
//! compressing. What is stored is decided in `artifacts`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use packer_domain::build::{BuildEntry, BuildInput};
use packer_domain::codec::{BakeRequest, Baked, Codec, Finding, SourceInput};
use packer_domain::config::Compression;
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Severity, Subject};
use packer_domain::identity::Digest;
use packer_domain::kind::KindId;
use packer_domain::limits::Limits;
use packer_domain::path::AssetPath;
use packer_domain::workspace::WorkspaceState;
use packer_fs::disk::Disk;
use packer_pack::compress::{Compressor, Method};
use packer_pack::index::Payload;

use super::artifacts::Artifacts;
use crate::operation::{Operation, panic_message};

/// What baking one asset gave.
pub(super) enum Made {
    /// A payload as the pack stores it.
    Payload {
        payload: Payload,
        stored: Vec<u8>,
        diagnostics: Vec<Diagnostic>,
        /// Whether the artifact store had it.
        is_fetched: bool,
    },
    /// What is wrong with the asset.
    Failed(Vec<Diagnostic>),
    /// This input is no longer what the build began with.
    Changed(AssetPath),
    /// A file operation failed.
    Io(packer_fs::disk::DiskError),
}

/// One asset before it is baked.
pub(super) enum Begun {
    /// What its inputs hold; of those before the first one that cannot be read, if there is one, which this says.
    Read(Vec<SourceInput>, Option<Made>),
    /// The store had what baking it gives.
    Fetched(Made),
    /// Nothing was read yet, since others have so much.
    Later,
}

impl Begun {
    /// The bytes that it holds.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Read(inputs, _) => inputs.iter().map(|input| input.bytes.len() as u64).sum(),
            Self::Fetched(made) => made.bytes(),
            Self::Later => 0,
        }
    }
}

impl Made {
    /// The bytes that it holds; of what is said the texts.
    pub(super) fn bytes(&self) -> u64 {
        let said =
            |said: &[Diagnostic]| said.iter().map(|diagnostic| diagnostic.message.len() as u64).sum::<u64>();
        match self {
            Self::Payload { stored, diagnostics, .. } => stored.len() as u64 + said(diagnostics),
            Self::Failed(diagnostics) => said(diagnostics),
            Self::Changed(_) | Self::Io(_) => 0,
        }
    }
}

/// What baking needs beside the asset.
pub(super) struct Kitchen<'a> {
    pub disk: &'a dyn Disk,
    pub codecs: &'a BTreeMap<KindId, Arc<dyn Codec>>,
    pub state: &'a WorkspaceState,
    pub limits: Limits,
    pub compression: Compression,
    /// What earlier bakes gave, if that may be used.
    pub artifacts: Option<&'a Artifacts>,
    /// Told of what is wrong, but with no asset.
    pub operation: &'a Operation,
}

/// A bake that was carried out.
struct Done {
    made: Made,
    /// Whether baking the same again would give the same.
    is_lasting: bool,
    /// What it took, without reading the inputs.
    took: Duration,
}

impl Done {
    /// What is no fault of the asset, or costs nothing to find again.
    fn passing(made: Made) -> Self {
        Self { made, is_lasting: false, took: Duration::ZERO }
    }
}

/// Says for developers that an asset was baked.
fn told(entry: &BuildEntry, done: &Done) {
    let took_us = u64::try_from(done.took.as_micros()).unwrap_or(u64::MAX);
    tracing::trace!(asset = %entry.name(), took_us, "baked");
}

impl Kitchen<'_> {
    /// Bakes and compresses one asset, unless the store has what that would give.
    pub(super) fn make(&self, entry: &BuildEntry, compressor: &mut Compressor) -> Made {
        self.finish(entry, self.begin(entry), compressor)
    }

    /// Reads what baking one asset needs, or what the store has of it.
    pub(super) fn begin(&self, entry: &BuildEntry) -> Begun {
        if let Some(artifacts) = self.artifacts {
            let say = |diagnostic| self.operation.diagnose([&diagnostic]);
            if let Some(made) = artifacts.fetch(entry, self.state.config(), &say) {
                return Begun::Fetched(made);
            }
        }
        let mut inputs = Vec::with_capacity(entry.inputs().len());
        for input in entry.inputs() {
            match self.read(entry, input) {
                Ok(input) => inputs.push(input),
                Err(made) => return Begun::Read(inputs, Some(made)),
            }
        }
        Begun::Read(inputs, None)
    }

    /// Bakes and compresses what was begun.
    pub(super) fn finish(&self, entry: &BuildEntry, begun: Begun, compressor: &mut Compressor) -> Made {
        let (inputs, unread) = match begun {
            Begun::Fetched(made) => return made,
            Begun::Later => return self.make(entry, compressor),
            Begun::Read(inputs, unread) => (inputs, unread),
        };
        let done = self.bake(entry, &inputs, unread, compressor);
        told(entry, &done);
        if let Some(artifacts) = self.artifacts.filter(|_| done.is_lasting) {
            artifacts.keep(entry, self.state.config(), &done.made, done.took);
        }
        done.made
    }

    fn bake(
        &self,
        entry: &BuildEntry,
        inputs: &[SourceInput],
        unread: Option<Made>,
        compressor: &mut Compressor,
    ) -> Done {
        let Some(codec) = self.codecs.get(entry.kind()) else {
            let message = format!("no codec bakes the kind {}", entry.kind());
            let diagnostic = self.about(entry, DiagnosticCode::KindUnknown, message);
            return Done::passing(Made::Failed(vec![diagnostic]));
        };
        let differs = |(input, read): (BuildInput<'_>, &SourceInput)| {
            (Digest::of(&read.bytes) != input.digest).then(|| input.path.clone())
        };
        if let Some(path) = entry.inputs().zip(inputs).find_map(differs) {
            return Done::passing(Made::Changed(path));
        }
        if let Some(made) = unread {
            return Done::passing(made);
        }
        let began = Instant::now();
        let lasting = |made| Done { made, is_lasting: true, took: began.elapsed() };
        let request = BakeRequest {
            inputs,
            settings: entry.settings(),
            references: entry.references(),
            limits: &self.limits,
        };
        let baked = match catch_unwind(AssertUnwindSafe(|| codec.bake(&request))) {
            Ok(Ok(baked)) => baked,
            Ok(Err(findings)) => return lasting(Made::Failed(self.failures(entry, findings))),
            Err(panic) => {
                let message = format!("the codec of {} panicked: {}", entry.kind(), panic_message(&*panic));
                let diagnostic = self.about(entry, DiagnosticCode::BakePanic, message);
                return Done::passing(Made::Failed(vec![diagnostic]));
            }
        };
        if baked.payload.len() as u64 > self.limits.max_payload_bytes {
            let message = format!(
                "the payload of {} has {} bytes, over the limit of {}",
                entry.name(),
                baked.payload.len(),
                self.limits.max_payload_bytes
            );
            return lasting(Made::Failed(vec![self.about(entry, DiagnosticCode::BakeLimit, message)]));
        }
        match self.compress(entry, baked, compressor) {
            Ok(made) => lasting(made),
            Err(diagnostic) => Done::passing(Made::Failed(vec![*diagnostic])),
        }
    }

    /// What a bake gave as the pack stores it, or why it could not be compressed.
    fn compress(
        &self,
        entry: &BuildEntry,
        baked: Baked,
        compressor: &mut Compressor,
    ) -> Result<Made, Box<Diagnostic>> {
        let method = match self.compression {
            Compression::None => Method::None,
            Compression::Lz4 => Method::Lz4,
            Compression::Zstd { level } => Method::Zstd { level },
        };
        let digest = Digest::of(&baked.payload);
        let stored = match compressor.compress(method, &baked.payload) {
            Ok(stored) => stored,
            Err(error) => {
                let message = format!("{} could not be compressed: {error}", entry.name());
                return Err(Box::new(self.about(entry, DiagnosticCode::BakeUnsupported, message)));
            }
        };
        let payload = Payload {
            encoding: baked.encoding,
            compression: stored.compression,
            stored_size: stored.bytes.len() as u64,
            raw_size: baked.payload.len() as u64,
            digest: *digest.as_bytes(),
        };
        let diagnostics: Vec<Diagnostic> =
            baked.findings.into_iter().map(|finding| self.diagnostic(entry, finding)).collect();
        if diagnostics.iter().any(Diagnostic::is_error) {
            // An error is an error, also from a codec that gives a payload beside it.
            return Ok(Made::Failed(diagnostics));
        }
        let stored = match stored.bytes {
            std::borrow::Cow::Borrowed(_) => baked.payload,
            std::borrow::Cow::Owned(bytes) => bytes,
        };
        Ok(Made::Payload { payload, stored, diagnostics, is_fetched: false })
    }

    /// Reads an input, which may not be the one that the key was made from.
    fn read(&self, entry: &BuildEntry, input: BuildInput<'_>) -> Result<SourceInput, Made> {
        if input.size > self.limits.max_input_bytes {
            let message = format!(
                "{} has {} bytes, over the limit of {}",
                input.path, input.size, self.limits.max_input_bytes
            );
            let diagnostic = self.about(entry, DiagnosticCode::BakeLimit, message);
            let help =
                "raise max_input_bytes under [limits] of packer.toml if the file is meant to be that large";
            return Err(Made::Failed(vec![
                diagnostic.in_file(self.state.project_path(input.path)).help(help),
            ]));
        }
        let path = self.state.project_path(input.path);
        let bytes = match self.disk.read(path.as_str().into(), input.size) {
            Ok(bytes) => bytes,
            Err(error)
                if matches!(
                    error.source.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::FileTooLarge
                ) =>
            {
                return Err(Made::Changed(input.path.clone()));
            }
            Err(error) => return Err(Made::Io(error)),
        };
        Ok(SourceInput { relative: input.relative.to_owned(), path: input.path.clone(), bytes })
    }

    fn failures(&self, entry: &BuildEntry, findings: Vec<Finding>) -> Vec<Diagnostic> {
        let mut diagnostics: Vec<Diagnostic> =
            findings.into_iter().map(|finding| self.diagnostic(entry, finding)).collect();
        if !diagnostics.iter().any(Diagnostic::is_error) {
            // A codec that gives up has to say why; one that does not is at fault itself.
            let message =
                format!("the codec of {} gave up on {} without an error", entry.kind(), entry.name());
            diagnostics.push(self.about(entry, DiagnosticCode::BakePanic, message));
        }
        diagnostics
    }

    fn about(&self, entry: &BuildEntry, code: DiagnosticCode, message: String) -> Diagnostic {
        let file = entry.inputs().next().map_or(entry.anchor(), |input| input.path);
        Diagnostic::new(code, Subject::Asset(entry.uuid()), message).in_file(self.state.project_path(file))
    }

    fn diagnostic(&self, entry: &BuildEntry, finding: Finding) -> Diagnostic {
        let Finding { code, severity, input, span, message, help } = finding;
        let mut diagnostic = self.about(entry, code, message);
        if let Some(input) = input {
            diagnostic.file = Some(self.state.project_path(&input));
        }
        Diagnostic { severity, span, help, ..diagnostic }
    }
}

/// The errors among diagnostics.
pub(super) fn error_count(diagnostics: &[Diagnostic]) -> u64 {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count() as u64
}
