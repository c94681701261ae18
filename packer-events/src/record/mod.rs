//! Findings and states as data on the wire: what the domain and the runtime know, in a form that can also be read back.
//!
//! These decide nothing and hold no rules of their own; their owners make them. Reading one back gives no claim that
//! the packer ever said it.

mod diagnostic;
mod freshness;

pub use diagnostic::{
    DiagnosticRecord, DivergenceRecord, RelatedRecord, SeverityRecord, SpanRecord, SubjectRecord,
};
pub use freshness::{Changes, FreshnessCause, FreshnessRecord, UnknownCause};
