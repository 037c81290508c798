//! The way out: the gateway's only HTTP client.
//!
//! Where requests may go is decided by [`EgressPolicy`](freehold_domain::egress::EgressPolicy) and enforced here, at the
//! name, at each of its addresses and at each new connection. Which headers go is decided by allow-lists, both ways; the
//! key goes into one header, which is written last, and out of everything that comes back.

mod auth;
mod body;
mod call;
mod client;
mod connector;
mod endpoint;
mod error;
mod headers;
mod origin;
mod reply;
mod resolve;
mod scrub;
mod tls;
mod turnstile;

pub use auth::Credential;
pub use call::{Deadlines, OutboundCall};
pub use client::{UpstreamClient, UpstreamSettings};
pub use endpoint::Endpoint;
pub use error::{ConnectPhase, UpstreamError};
pub use reply::UpstreamReply;
pub use resolve::{Resolve, Resolving, SystemResolver};
