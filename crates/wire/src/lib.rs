//! Protocols in and out, pure: bytes in, bytes out. No sockets, no keys, no money.
//!
//! [`openai`] is a surface: the shape in which callers ask. [`adapter`] turns a request of that shape into what one kind
//! of provider wants, and its replies back. Between equal shapes nothing is rebuilt: the caller's bytes are forwarded
//! with the few changes spliced in.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")
)]

pub mod adapter;
mod base_url;
mod error;
mod json;
mod metadata;
pub mod openai;
mod retry_after;
pub mod sandbox;
mod scrub;
mod sse;
mod usage;

pub use base_url::{BaseUrlFault, normalize_base_url};
pub use error::{FaultClass, ReplyFault, RequestFault, StreamFault, UpstreamFault};
pub use metadata::{heartbeat, splice_metadata, stream_error_event};
pub use scrub::scrub_patterns;
pub use usage::{FinishReason, ReportedUsage};
