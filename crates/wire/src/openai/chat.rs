//! `POST /v1/chat/completions`.

pub(crate) mod chunk;
pub(crate) mod conversation;
mod messages;
mod options;
pub(crate) mod parameters;
pub(crate) mod part;
mod request;

pub use messages::Attachments;
pub use request::ChatRequest;
