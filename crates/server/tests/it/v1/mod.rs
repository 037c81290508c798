//! The routes of a workspace.

mod byok;
mod chat;
mod credits;
mod models;
mod usage;
mod virtual_keys;
