//! OpenAI's protocol as a surface: what callers send, and what they are answered.

pub mod chat;
pub mod error;
pub(crate) mod usage;
