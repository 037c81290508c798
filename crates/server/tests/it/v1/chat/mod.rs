//! `POST /v1/chat/completions`.

mod egress;
mod failover;
mod fallback;
mod faults;
mod leaving;
mod limits;
mod many;
mod metadata;
mod pass_through;
mod protocols;
mod providers;
mod requests;
mod sandbox;
mod streams;
mod usage;
