//! Codecs for tests: ones that wait until they are let go, that panic, that complain, and that never bake alike.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use packer_runtime::codec::{
    BakeRequest, Baked, Codec, DiagnosticCode, Finding, InputArity, KindId, KindSpec, Severity,
};

type Bake = dyn Fn(&BakeRequest<'_>) -> Result<Baked, Vec<Finding>> + Send + Sync;

struct TestCodec {
    spec: KindSpec,
    bake: Box<Bake>,
}

impl Codec for TestCodec {
    fn spec(&self) -> &KindSpec {
        &self.spec
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        (self.bake)(request)
    }
}

/// A codec for files with the extension `kind`.
pub(crate) fn codec(
    kind: &'static str,
    extensions: &'static [&'static str],
    bake: impl Fn(&BakeRequest<'_>) -> Result<Baked, Vec<Finding>> + Send + Sync + 'static,
) -> Arc<dyn Codec> {
    let spec = KindSpec {
        id: KindId::parse(kind).unwrap(),
        codec_version: 1,
        payload_version: 1,
        inputs: InputArity::One,
        extensions,
        signatures: &[],
        settings: Vec::new(),
    };
    Arc::new(TestCodec { spec, bake: Box::new(bake) })
}

/// The payload that is the source.
pub(crate) fn as_it_is(request: &BakeRequest<'_>) -> Baked {
    Baked { encoding: 0, payload: request.inputs[0].bytes.clone(), findings: Vec::new() }
}

/// Holds every bake of a gated codec until it is let go. Dropping it lets all of them go, then and later.
pub(crate) struct Gate {
    entered: Receiver<String>,
    go: Sender<()>,
}

impl Gate {
    /// Waits until a bake has begun; says of which source.
    pub(crate) fn entered(&self) -> String {
        self.entered.recv_timeout(Duration::from_secs(30)).expect("no bake began")
    }

    /// The sources of the bakes that began since.
    pub(crate) fn others(&self) -> Vec<String> {
        self.entered.try_iter().collect()
    }

    /// Lets one bake go.
    pub(crate) fn open(&self) {
        self.go.send(()).unwrap();
    }
}

/// A codec for `*.slow`, and what holds it.
pub(crate) fn gated() -> (Arc<dyn Codec>, Gate) {
    let (entered, receiver) = channel();
    let (go, gone) = channel::<()>();
    let (entered, gone) = (Mutex::new(entered), Mutex::new(gone));
    let codec = codec("slow", &["slow"], move |request| {
        let path = request.inputs[0].path.to_string();
        // Nobody looks any more once the gate is gone; then nothing is held either.
        let _ = entered.lock().unwrap().send(path);
        let held = gone.lock().unwrap().recv_timeout(Duration::from_secs(30));
        assert_ne!(held, Err(RecvTimeoutError::Timeout), "nobody let it go");
        Ok(as_it_is(request))
    });
    (codec, Gate { entered: receiver, go })
}

/// A codec for `*.boom` that panics at sources that say so.
pub(crate) fn panicking() -> Arc<dyn Codec> {
    codec("boom", &["boom"], |request| {
        assert!(request.inputs[0].bytes != b"panic", "the codec cannot take this");
        Ok(as_it_is(request))
    })
}

/// A codec for `*.dice` whose payloads are never alike.
pub(crate) fn dice() -> Arc<dyn Codec> {
    let thrown = AtomicU64::new(0);
    codec("dice", &["dice"], move |request| {
        let payload = thrown.fetch_add(1, Ordering::Relaxed).to_le_bytes().to_vec();
        Ok(Baked { payload, ..as_it_is(request) })
    })
}

/// A codec for `*.fuss` that finds in each source what it says: `warning`, `error`, or with `!` at the end, an error
/// beside a payload.
pub(crate) fn fussy() -> Arc<dyn Codec> {
    codec("fuss", &["fuss"], |request| {
        let input = &request.inputs[0];
        let finding = |severity| Finding {
            severity,
            ..Finding::new(DiagnosticCode::BakeUnsupported, input, "so it says")
        };
        match input.bytes.as_slice() {
            b"warning" => Ok(Baked { findings: vec![finding(Severity::Warning)], ..as_it_is(request) }),
            b"error" => Err(vec![finding(Severity::Error)]),
            b"error!" => Ok(Baked { findings: vec![finding(Severity::Error)], ..as_it_is(request) }),
            _ => Ok(as_it_is(request)),
        }
    })
}
