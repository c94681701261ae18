//! What the tests of all codecs bake with: one call from a name, bytes and settings to a payload or findings.
//!
//! Every bake is done twice and must come out equal, so that no test can pass with a codec that is not deterministic.

use packer_domain::codec::{BakeRequest, Baked, Codec, Finding, SourceInput};
use packer_domain::diagnostic::Severity;
use packer_domain::kind::{SettingValue, Settings};
use packer_domain::limits::Limits;
use packer_domain::path::AssetPath;

/// One bake, to be refined and then run.
pub(crate) struct Bake<'a> {
    codec: &'a dyn Codec,
    inputs: Vec<SourceInput>,
    settings: Settings,
    limits: Limits,
}

impl<'a> Bake<'a> {
    /// A bake of one file with the codec's default settings.
    pub(crate) fn new(codec: &'a dyn Codec, name: &str, bytes: &[u8]) -> Self {
        let path = AssetPath::parse(name).unwrap();
        Self {
            codec,
            inputs: vec![SourceInput { relative: name.to_owned(), path, bytes: bytes.to_vec() }],
            settings: codec.spec().defaults(),
            limits: Limits::default(),
        }
    }

    /// Sets a setting, which must be one that the kind accepts.
    pub(crate) fn set(mut self, key: &str, value: SettingValue) -> Self {
        self.codec.spec().setting(key).unwrap().accepts.check(&value).unwrap();
        self.settings.set(key, value);
        self
    }

    /// Sets a setting that is a text.
    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.set(key, SettingValue::Text(value.to_owned()))
    }

    /// Bakes under these limits.
    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Bakes with these inputs instead.
    pub(crate) fn inputs(mut self, inputs: Vec<SourceInput>) -> Self {
        self.inputs = inputs;
        self
    }

    /// Bakes, twice.
    pub(crate) fn run(&self) -> Result<Baked, Vec<Finding>> {
        let request = BakeRequest {
            inputs: &self.inputs,
            settings: &self.settings,
            references: &[],
            limits: &self.limits,
        };
        let first = self.codec.bake(&request);
        assert_eq!(first, self.codec.bake(&request), "the second bake differs");
        if let Err(findings) = &first {
            assert!(findings.iter().any(|finding| finding.severity == Severity::Error), "{findings:?}");
            for finding in findings {
                assert!(
                    !finding.message.is_empty() && !finding.message.ends_with('.'),
                    "{}",
                    finding.message
                );
                assert!(!finding.message.contains('\n'), "{}", finding.message);
            }
        }
        first
    }

    /// Bakes what must bake.
    #[track_caller]
    pub(crate) fn ok(&self) -> Baked {
        self.run().unwrap_or_else(|findings| panic!("did not bake: {findings:#?}"))
    }

    /// Bakes what must not bake.
    #[track_caller]
    pub(crate) fn err(&self) -> Vec<Finding> {
        match self.run() {
            Ok(baked) => panic!("baked to {} bytes", baked.payload.len()),
            Err(findings) => findings,
        }
    }

    /// The message of the one finding of what must not bake.
    #[track_caller]
    pub(crate) fn message(&self) -> String {
        let findings = self.err();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings[0].message.clone()
    }
}
