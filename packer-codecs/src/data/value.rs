//! One value of any of the formats, and its canonical writings.
//!
//! Canonical: objects in the order of their keys' UTF-8 bytes, whole numbers without a fraction, other numbers as the
//! shortest decimal that reads back to the same 64-bit float and always told apart from whole ones, no blanks. In
//! `MessagePack` every value takes its shortest form, and floats are 64-bit.

use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A value. A float is always finite.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number beyond `i64`.
    UInt(u64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    /// In the order of the keys, none of them twice.
    Object(Vec<(Arc<str>, Value)>),
}

impl Value {
    /// An object of entries in any order, of which no two have one key.
    pub(super) fn object(mut entries: Vec<(Arc<str>, Self)>) -> Self {
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self::Object(entries)
    }

    /// The canonical JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("writing to memory cannot fail, and every key is a text")
    }

    /// The canonical `MessagePack`.
    pub(super) fn to_messagepack(&self) -> Vec<u8> {
        rmp_serde::to_vec(self).expect("writing to memory cannot fail, and every length is known")
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::UInt(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(values) => serializer.collect_seq(values),
            Self::Object(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key.as_ref(), value)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These are the bytes of payloads: a library that writes them otherwise needs a new codec version.
    #[test]
    fn numbers_and_texts_have_one_json_form() {
        let floats = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.000_001, "1e-6"),
            (0.000_01, "0.00001"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
        ];
        for (value, text) in floats {
            assert_eq!(String::from_utf8(Value::Float(value).to_json()).unwrap(), text);
        }
        assert_eq!(Value::Int(i64::MIN).to_json(), b"-9223372036854775808");
        assert_eq!(Value::UInt(u64::MAX).to_json(), b"18446744073709551615");
        assert_eq!(
            String::from_utf8(Value::Text("\"\\/\u{8}\n\u{1}\u{7f}å\u{1f600}".into()).to_json()).unwrap(),
            "\"\\\"\\\\/\\b\\n\\u0001\u{7f}å\u{1f600}\""
        );
    }

    #[test]
    fn messagepack_takes_the_shortest_form() {
        let cases: [(Value, &[u8]); 9] = [
            (Value::Int(127), &[0x7f]),
            (Value::Int(128), &[0xcc, 0x80]),
            (Value::Int(-32), &[0xe0]),
            (Value::Int(-33), &[0xd0, 0xdf]),
            (Value::Int(65536), &[0xce, 0, 1, 0, 0]),
            (Value::UInt(u64::MAX), &[0xcf, 255, 255, 255, 255, 255, 255, 255, 255]),
            (Value::Float(1.0), &[0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
            (Value::Text("å".into()), &[0xa2, 0xc3, 0xa5]),
            (Value::List(Vec::new()), &[0x90]),
        ];
        for (value, bytes) in cases {
            assert_eq!(value.to_messagepack(), bytes, "{value:?}");
        }
    }

    #[test]
    fn keys_are_in_the_order_of_their_bytes() {
        let keys = ["b", "a", "B", "å", "\u{ffff}", "\u{10000}", ""];
        let object = Value::object(keys.iter().map(|key| (Arc::from(*key), Value::Null)).collect());
        assert_eq!(
            String::from_utf8(object.to_json()).unwrap(),
            "{\"\":null,\"B\":null,\"a\":null,\"b\":null,\"å\":null,\"\u{ffff}\":null,\"\u{10000}\":null}"
        );
    }
}
