//! Objects of several forms that are told apart by the text of one field, which is the first; and the small things that
//! strict reading needs beside what `serde` derives.
//!
//! `serde` would derive such forms too, and keep whole objects in memory until it met the field, after which no error has a
//! place any more. Here the field comes first, as it is written, and everything else is read where it stands.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

/// What is told apart by the text of its first field.
pub(super) trait Tagged: Sized {
    /// The field.
    const TAG: &'static str;
    /// The texts that it may have.
    const WORDS: &'static [&'static str];

    /// The form called `word`, one of [`WORDS`](Self::WORDS), from the other fields; `depth` batches stand around it.
    fn read<'de, D: Deserializer<'de>>(word: &str, rest: D, depth: usize) -> Result<Self, D::Error>;
}

/// Reads a [`Tagged`] around which so many batches stand.
pub(super) struct ByTag<T> {
    depth: usize,
    form: PhantomData<T>,
}

impl<T> ByTag<T> {
    pub(super) fn within(depth: usize) -> Self {
        Self { depth, form: PhantomData }
    }
}

impl<'de, T: Tagged> DeserializeSeed<'de> for ByTag<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Tagged> Visitor<'de> for ByTag<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object that begins with `{}`", T::TAG)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let Some(first) = map.next_key::<String>()? else { return Err(A::Error::missing_field(T::TAG)) };
        if first != T::TAG {
            let expected = format!("expected `{}` as the object's first field, found `{first}`", T::TAG);
            return Err(A::Error::custom(expected));
        }
        let word: String = map.next_value()?;
        if !T::WORDS.contains(&word.as_str()) {
            return Err(A::Error::unknown_variant(&word, T::WORDS));
        }
        T::read(&word, MapAccessDeserializer::new(map), self.depth)
    }
}

/// What may be null, and has to be said.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// What is read from a text.
pub(super) struct Parsed<T>(pub T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}
