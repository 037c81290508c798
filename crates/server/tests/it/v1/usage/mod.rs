//! `/v1/usage`.

mod records;
