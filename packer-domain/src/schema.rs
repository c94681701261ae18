//! How the types with a text form of their own stand in a JSON Schema; behind the feature `schema`, which the generator of
//! `docs/schema` alone asks for.
//!
//! Types that derive their JSON derive their schema too. Those that read themselves from a text are described by hand,
//! each beside the parser whose rule it repeats. Bounding numbers, and closing objects against fields that nobody
//! knows, is the generator's.

/// Describes a type to `schemars`: its name, and the schema of its JSON.
macro_rules! described {
    ($type:ident, $schema:tt) => {
        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

pub(crate) use described;
