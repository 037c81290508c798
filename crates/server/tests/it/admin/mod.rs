//! The routes of the operator.

mod platform_keys;
mod workspaces;
