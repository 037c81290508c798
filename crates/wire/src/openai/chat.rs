//! `POST /v1/chat/completions`.

pub(crate) mod chunk;
mod messages;
mod options;
mod request;

pub use messages::Attachments;
pub use request::ChatRequest;
