//! Why a price table was refused, told so that its author finds the line.

use std::fmt;

use crate::provider::ProviderKind;

/// A price table was refused; nothing of it is in use.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file as a whole is not a price table.
    #[error("the price table cannot be read: {0}")]
    Table(#[source] serde_json::Error),
    /// The file says it is in another format.
    #[error("the price table has schema {found:?}; this version reads {expected:?}")]
    Schema {
        /// What the file says.
        found: String,
        /// What can be read.
        expected: &'static str,
    },
    /// The file counts in another currency or unit.
    #[error("the price table's {field} is {found:?}; it must be {expected:?}")]
    Unit {
        /// `currency` or `unit`.
        field: &'static str,
        /// What the file says.
        found: String,
        /// The only one that can be read.
        expected: &'static str,
    },
    /// A row is not shaped like a row, or has a field that is not known.
    #[error("{row}: {source}")]
    Shape {
        /// Which row.
        row: RowName,
        /// What the reader stumbled over.
        source: serde_json::Error,
    },
    /// A field of a row holds what it may not hold.
    #[error("{row}: {field}: {problem}")]
    Field {
        /// Which row.
        row: RowName,
        /// Path of the field inside the row.
        field: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Two rows of one provider answer to one name.
    #[error("{provider} has two models named {name:?}: {first:?} and {second:?}")]
    DuplicateName {
        /// Whose models.
        provider: ProviderKind,
        /// The id or alias both claim.
        name: String,
        /// Id of the row that came first.
        first: String,
        /// Id of the row that came second.
        second: String,
    },
}

/// A row as its author would look for it: by number and, if it could be read, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowName {
    /// Position in `models`, counted from 1.
    pub number: usize,
    /// The row's `id`, if the row got that far.
    pub id: Option<String>,
}

impl fmt::Display for RowName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "row {}", self.number)?;
        match &self.id {
            Some(id) => write!(out, " ({id:?})"),
            None => Ok(()),
        }
    }
}
