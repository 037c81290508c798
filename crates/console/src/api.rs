//! The resources of the management API, one file each.

pub(crate) mod credits;
pub(crate) mod limits;
pub(crate) mod plans;
pub(crate) mod platform_keys;
pub(crate) mod provider_keys;
pub(crate) mod usage_records;
pub(crate) mod virtual_keys;
pub(crate) mod workspaces;
