//! The envelope of an event: who says it, under which operation, with which numbers.
//!
//! What is said is `body`; how the numbers are given is `sequence`; the text form is `wire`. Fields are public because
//! an event is a record: it can be decoded, hence forged, and proves nothing.
//!
//! Numbers are `u64` here and plain numbers on the wire. Positions, counts, sizes in bytes and times in milliseconds
//! stay far below 2^53 in practice, so consumers that know only doubles lose nothing.

use packer_domain::identity::{OperationId, Revision, SourceId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::body::EventBody;
use crate::optional;
use crate::time::Timestamp;

/// The version of this contract: raised when a reader of the former one would misunderstand or refuse an event.
pub const SCHEMA_VERSION: u32 = 1;

/// The `schema` of every event; reading any other version than [`SCHEMA_VERSION`] is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schema;

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(SCHEMA_VERSION)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            found if found == u64::from(SCHEMA_VERSION) => Ok(Self),
            found => {
                Err(D::Error::custom(format_args!("event schema {found}, where {SCHEMA_VERSION} is read")))
            }
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Schema {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Schema".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": SCHEMA_VERSION })
    }
}

/// Something that an operation said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = envelope_rules))]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The version of this contract.
    pub schema: Schema,
    /// The opening of the project that numbered this event.
    pub source: SourceId,
    /// Place in the total order of the source, contiguous from 1.
    pub position: u64,
    /// The operation that speaks.
    pub operation_id: OperationId,
    /// Place in the order of the operation, from 1: contiguous in the log, and at a subscriber when the range in
    /// `coalesced` is counted.
    pub sequence: u64,
    /// The same order counting only events that are never dropped; a progress event repeats the last one.
    pub lifecycle_sequence: u64,
    /// The operation that caused this one, if any.
    #[serde(deserialize_with = "optional::nullable")]
    pub causation_id: Option<OperationId>,
    /// When it was said; clocks can be set back, so order is `position`, never this.
    pub time: Timestamp,
    /// The snapshot that the operation started from, once it has one.
    #[serde(deserialize_with = "optional::nullable")]
    pub base_revision: Option<Revision>,
    /// The snapshot that is current through the operation; differs from `base_revision` once it published another.
    #[serde(deserialize_with = "optional::nullable")]
    pub result_revision: Option<Revision>,
    /// Whether this is the operation's last event; exactly when the body is an ending.
    pub terminal: bool,
    /// Present on a progress event that stands for several.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
    #[cfg_attr(feature = "schema", schemars(with = "Coalesced"))]
    pub coalesced: Option<Coalesced>,
    /// What is said.
    pub body: EventBody,
}

/// Which events of its operation a progress event accounts for: itself, and those before it that newer progress made
/// superfluous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Coalesced {
    /// The first `sequence` accounted for.
    pub first: u64,
    /// The last one: the event's own `sequence`.
    pub last: u64,
    /// How many they are: `last - first + 1`, always more than 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 2)))]
    pub count: u64,
}

impl Coalesced {
    /// The range from `first` to `last`; `None` unless it holds more than one number.
    pub fn range(first: u64, last: u64) -> Option<Self> {
        let count = last.checked_sub(first)?.checked_add(1)?;
        (count > 1).then_some(Self { first, last, count })
    }
}

impl Event {
    /// The first `sequence` that this event accounts for: its own, unless it stands for several.
    pub fn first_sequence(&self) -> u64 {
        self.coalesced.map_or(self.sequence, |range| range.first)
    }

    /// Whether this event is never dropped: everything but progress.
    pub fn is_lifecycle(&self) -> bool {
        self.body.is_lifecycle()
    }

    /// The rule between the envelope and its body that this event breaks, if any. Events off the wire were checked.
    pub fn broken_rule(&self) -> Option<EnvelopeRule> {
        if self.terminal != self.body.is_terminal() {
            return Some(EnvelopeRule::Terminal);
        }
        let range = self.coalesced?;
        let honest = !self.is_lifecycle() && Coalesced::range(range.first, self.sequence) == Some(range);
        (!honest).then_some(EnvelopeRule::Coalesced)
    }
}

/// What [`Event::broken_rule`] judges, as far as a schema can say it: that a range ends at the event and counts right, it
/// cannot.
#[cfg(feature = "schema")]
fn envelope_rules(schema: &mut schemars::Schema) {
    let body = |rule: serde_json::Value| serde_json::json!({ "properties": { "body": { "properties": { "type": rule } } } });
    let terminal = |is: bool| serde_json::json!({ "properties": { "terminal": { "const": is } } });
    let rules = serde_json::json!([
        {
            "if": body(serde_json::json!({ "enum": EventBody::ENDING_NAMES })),
            "then": terminal(true),
            "else": terminal(false)
        },
        {
            "if": { "required": ["coalesced"] },
            "then": body(serde_json::json!({ "const": "progress" }))
        }
    ]);
    schema.insert("allOf".to_owned(), rules);
}

/// A rule that every event keeps, beside the shapes of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeRule {
    /// `terminal` and the body disagree.
    #[error("`terminal` is true exactly on an event whose body is an ending")]
    Terminal,
    /// `coalesced` stands on something else than progress, or is not a range of several that ends at the event.
    #[error(
        "`coalesced` stands on progress only, and is a range of several that ends at the event's `sequence`"
    )]
    Coalesced,
}
