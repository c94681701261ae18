//! The head of a value as a table: of a list of objects its first rows, of an object its fields, of anything else its items.
//!
//! The value is read from its text without being kept: what is beyond the head is passed over and counted.

use std::fmt;

use packer_pack::payload::data::DataView;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{MAX_CELL_CHARS, PreviewError, PreviewRequest};

/// The beginning of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableHead {
    /// The names of the columns, in the order in which rows first have them. A list of plain values has one, `value`; an
    /// object has two, `key` and `value`.
    pub columns: Vec<String>,
    /// The rows, each with a cell for each column; none for what a row does not have.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows there are in all.
    pub total_rows: u64,
    /// Whether rows of the head have columns that are not listed.
    pub has_more_columns: bool,
}

/// The head of a value.
pub(super) fn head(view: DataView<'_>, request: &PreviewRequest) -> Result<TableHead, PreviewError> {
    let seed = Whole { rows: request.rows as usize, columns: request.columns as usize };
    let failed = |message: String| PreviewError::Value { message };
    match view {
        DataView::Json(text) => {
            let mut json = serde_json::Deserializer::from_str(text);
            let table = seed.deserialize(&mut json).map_err(|error| failed(error.to_string()))?;
            json.end().map_err(|error| failed(error.to_string()))?;
            Ok(table)
        }
        DataView::MessagePack(bytes) => {
            let mut pack = rmp_serde::Deserializer::from_read_ref(bytes);
            seed.deserialize(&mut pack).map_err(|error| failed(error.to_string()))
        }
    }
}

/// What stands in one place of a list or an object.
enum Item {
    Cell(String),
    Row(Vec<(String, String)>),
}

/// Reads the whole value as a table.
#[derive(Clone, Copy)]
struct Whole {
    rows: usize,
    columns: usize,
}

/// A table without rows.
fn empty(columns: &[&str]) -> TableHead {
    TableHead {
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows: Vec::new(),
        total_rows: 0,
        has_more_columns: false,
    }
}

/// One cell is all there is.
fn single(cell: String) -> TableHead {
    TableHead { rows: vec![vec![Some(cell)]], total_rows: 1, ..empty(&["value"]) }
}

impl<'de> DeserializeSeed<'de> for Whole {
    type Value = TableHead;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TableHead, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole {
    type Value = TableHead;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TableHead, A::Error> {
        let mut table = empty(&[]);
        while table.rows.len() < self.rows {
            let Some(item) = list.next_element_seed(Place { columns: self.columns })? else { break };
            let fields = match item {
                Item::Cell(cell) => vec![("value".to_owned(), cell)],
                Item::Row(fields) => fields,
            };
            let mut row = vec![None; table.columns.len()];
            for (name, cell) in fields {
                let at = table.columns.iter().position(|column| *column == name).or_else(|| {
                    (table.columns.len() < self.columns).then(|| {
                        table.columns.push(name);
                        row.push(None);
                        table.columns.len() - 1
                    })
                });
                match at {
                    Some(at) => row[at] = Some(cell),
                    None => table.has_more_columns = true,
                }
            }
            table.rows.push(row);
        }
        table.total_rows = table.rows.len() as u64;
        while list.next_element::<IgnoredAny>()?.is_some() {
            table.total_rows += 1;
        }
        // A column that a later row brought is missing in those before.
        let width = table.columns.len();
        table.rows.iter_mut().for_each(|row| row.resize(width, None));
        Ok(table)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TableHead, A::Error> {
        let mut table = empty(&["key", "value"]);
        while table.rows.len() < self.rows {
            let Some(key) = map.next_key_seed(Place { columns: 0 })? else { break };
            let value = map.next_value_seed(Place { columns: 0 })?;
            table.rows.push(vec![Some(cell_of(key)), Some(cell_of(value))]);
        }
        table.total_rows = table.rows.len() as u64;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            table.total_rows += 1;
        }
        Ok(table)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<TableHead, E> {
        Ok(single(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<TableHead, E> {
        Ok(single(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<TableHead, E> {
        Ok(single(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<TableHead, E> {
        Ok(single(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<TableHead, E> {
        Ok(single(cut(value)))
    }

    fn visit_unit<E: Error>(self) -> Result<TableHead, E> {
        Ok(single("null".to_owned()))
    }
}

/// Reads what stands in one place: an object as a row of so many columns at the most, anything else as a cell.
#[derive(Clone, Copy)]
struct Place {
    columns: usize,
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut fields = Vec::new();
        let mut count = 0_u64;
        // One more than there are columns tells that there are more.
        while self.columns > 0 && fields.len() <= self.columns {
            let Some(key) = map.next_key_seed(Place { columns: 0 })? else { return Ok(Item::Row(fields)) };
            let value = map.next_value_seed(Place { columns: 0 })?;
            fields.push((cell_of(key), cell_of(value)));
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            count += 1;
        }
        if self.columns > 0 { Ok(Item::Row(fields)) } else { Ok(Item::Cell(counted('{', count, '}'))) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        let mut count = 0;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Item::Cell(counted('[', count, ']')))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Item, E> {
        Ok(Item::Cell(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Item, E> {
        Ok(Item::Cell(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Item, E> {
        Ok(Item::Cell(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Item, E> {
        Ok(Item::Cell(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Item, E> {
        Ok(Item::Cell(cut(value)))
    }

    fn visit_unit<E: Error>(self) -> Result<Item, E> {
        Ok(Item::Cell("null".to_owned()))
    }
}

fn cell_of(item: Item) -> String {
    match item {
        Item::Cell(cell) => cell,
        Item::Row(fields) => counted('{', fields.len() as u64, '}'),
    }
}

/// What is in a cell that holds several values: `[3]`, `{2}`, `[]`.
fn counted(open: char, count: u64, close: char) -> String {
    if count == 0 { format!("{open}{close}") } else { format!("{open}{count}{close}") }
}

/// A text as a cell.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CELL_CHARS) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
