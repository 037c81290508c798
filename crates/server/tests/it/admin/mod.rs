//! The routes of the operator.

mod workspaces;
