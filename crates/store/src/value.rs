//! Values on their way into a statement and out of a row, the same for both engines.

use std::borrow::Cow;
use std::fmt::Display;

use freehold_domain::port::PortError;
use freehold_domain::time::Timestamp;
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use uuid::Uuid;

/// What a statement is given for one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// A count, an amount or a moment.
    Integer(i64),
    /// Text without NUL, which PostgreSQL cannot keep.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A bare id.
    Id(Uuid),
    /// Yes or no.
    Flag(bool),
}

impl<'a> Value<'a> {
    /// The text, with U+FFFD in place of every NUL, so that both engines keep the same.
    pub(crate) fn text(text: &'a str) -> Self {
        if text.contains('\0') {
            Self::Text(Cow::Owned(text.replace('\0', "\u{fffd}")))
        } else {
            Self::Text(Cow::Borrowed(text))
        }
    }

    /// The text, or nothing.
    pub(crate) fn optional_text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// The count, held at the largest that a column takes.
    pub(crate) fn count(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The moment in microseconds.
    pub(crate) fn moment(moment: Timestamp) -> Self {
        Self::Integer(moment.as_micros())
    }

    /// The moment in microseconds, or nothing.
    pub(crate) fn optional_moment(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Null, Self::moment)
    }

    /// The bytes, or nothing.
    pub(crate) fn optional_bytes(bytes: Option<&'a [u8]>) -> Self {
        bytes.map_or(Self::Null, Self::Bytes)
    }

    /// The value as JSON text.
    pub(crate) fn json<T: Serialize>(what: &'static str, value: &T) -> Result<Self, PortError> {
        serde_json::to_string(value)
            .map(|text| Self::Text(Cow::Owned(text)))
            .map_err(|why| corrupt(what, why))
    }
}

/// The error for stored content that does not read back.
pub(crate) fn corrupt(what: &'static str, why: impl Display) -> PortError {
    PortError::Corrupt {
        what,
        why: why.to_string(),
    }
}

/// One row as an engine hands it out. Columns count from 0; an engine's own complaint comes back as text.
pub(crate) trait Row {
    /// The column as an integer.
    fn integer(&self, column: usize) -> Result<Option<i64>, String>;
    /// The column as text.
    fn text(&self, column: usize) -> Result<Option<&str>, String>;
    /// The column as bytes.
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, String>;
    /// The column as an id.
    fn id(&self, column: usize) -> Result<Option<Uuid>, String>;
    /// The column as yes or no.
    fn flag(&self, column: usize) -> Result<Option<bool>, String>;
}

/// Reads a row's columns one after the other, in the order in which the statement names them.
pub(crate) struct Columns<'r> {
    row: &'r dyn Row,
    what: &'static str,
    next: usize,
}

impl<'r> Columns<'r> {
    /// A reader at the first column of `row`, which holds a `what`.
    pub(crate) fn of(row: &'r dyn Row, what: &'static str) -> Self {
        Self { row, what, next: 0 }
    }

    /// The error that names the column read last.
    pub(crate) fn broken(&self, why: impl Display) -> PortError {
        corrupt(self.what, format_args!("column {}: {why}", self.next))
    }

    fn column<T>(
        &mut self,
        read: impl FnOnce(&'r dyn Row, usize) -> Result<T, String>,
    ) -> Result<T, PortError> {
        let column = self.next;
        self.next += 1;
        read(self.row, column).map_err(|why| self.broken(why))
    }

    fn present<T>(&self, value: Option<T>) -> Result<T, PortError> {
        value.ok_or_else(|| self.broken("it is empty"))
    }

    /// The next column as an integer.
    pub(crate) fn integer(&mut self) -> Result<i64, PortError> {
        let value = self.optional_integer()?;
        self.present(value)
    }

    /// The next column as an integer or nothing.
    pub(crate) fn optional_integer(&mut self) -> Result<Option<i64>, PortError> {
        self.column(|row, column| row.integer(column))
    }

    /// The next column as an integer of another size.
    pub(crate) fn sized<T: TryFrom<i64>>(&mut self) -> Result<T, PortError>
    where
        T::Error: Display,
    {
        let value = self.integer()?;
        T::try_from(value).map_err(|why| self.broken(why))
    }

    /// The next column as an integer of another size, or nothing.
    pub(crate) fn optional_sized<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, PortError>
    where
        T::Error: Display,
    {
        self.optional_integer()?
            .map(T::try_from)
            .transpose()
            .map_err(|why| self.broken(why))
    }

    /// The next column as a moment.
    pub(crate) fn moment(&mut self) -> Result<Timestamp, PortError> {
        self.integer().map(Timestamp::from_micros)
    }

    /// The next column as a moment or nothing.
    pub(crate) fn optional_moment(&mut self) -> Result<Option<Timestamp>, PortError> {
        Ok(self.optional_integer()?.map(Timestamp::from_micros))
    }

    /// The next column as text.
    pub(crate) fn text(&mut self) -> Result<&'r str, PortError> {
        let value = self.optional_text()?;
        self.present(value)
    }

    /// The next column as text or nothing.
    pub(crate) fn optional_text(&mut self) -> Result<Option<&'r str>, PortError> {
        self.column(|row, column| row.text(column))
    }

    /// The next column as text of its own, or nothing.
    pub(crate) fn optional_string(&mut self) -> Result<Option<String>, PortError> {
        Ok(self.optional_text()?.map(str::to_owned))
    }

    /// The next column as bytes.
    pub(crate) fn bytes(&mut self) -> Result<&'r [u8], PortError> {
        let value = self.optional_bytes()?;
        self.present(value)
    }

    /// The next column as bytes or nothing.
    pub(crate) fn optional_bytes(&mut self) -> Result<Option<&'r [u8]>, PortError> {
        self.column(|row, column| row.bytes(column))
    }

    /// The next column as a hash of 32 bytes.
    pub(crate) fn hash(&mut self) -> Result<[u8; 32], PortError> {
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|why| self.broken(why))
    }

    /// The next column as an id.
    pub(crate) fn id(&mut self) -> Result<Uuid, PortError> {
        let value = self.optional_id()?;
        self.present(value)
    }

    /// The next column as an id or nothing.
    pub(crate) fn optional_id(&mut self) -> Result<Option<Uuid>, PortError> {
        self.column(|row, column| row.id(column))
    }

    /// The next column as yes or no.
    pub(crate) fn flag(&mut self) -> Result<bool, PortError> {
        let value = self.column(|row, column| row.flag(column))?;
        self.present(value)
    }

    /// The next column as one of a set of words, by the names that serde knows them by.
    pub(crate) fn word<T: DeserializeOwned>(&mut self) -> Result<T, PortError> {
        let value = self.optional_word()?;
        self.present(value)
    }

    /// The next column as one of a set of words, or nothing.
    pub(crate) fn optional_word<T: DeserializeOwned>(&mut self) -> Result<Option<T>, PortError> {
        let Some(text) = self.optional_text()? else {
            return Ok(None);
        };
        let word: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
        T::deserialize(word).map(Some).map_err(|why| self.broken(why))
    }

    /// The next column, which holds JSON.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, PortError> {
        let text = self.text()?;
        serde_json::from_str(text).map_err(|why| self.broken(why))
    }
}
