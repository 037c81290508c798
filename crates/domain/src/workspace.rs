//! Workspaces: the unit of isolation.

use serde::{Deserialize, Serialize};

use crate::id::WorkspaceId;
use crate::time::Timestamp;

/// When a request may be paid with the platform's key instead of the workspace's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FallbackPolicy {
    /// Never.
    Never,
    /// Only if the workspace has no active key of its own for that provider.
    #[default]
    WhenMissing,
    /// Also when the workspace's own keys were tried and failed.
    OnFailure,
}

impl FallbackPolicy {
    /// The policy's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::WhenMissing => "when_missing",
            Self::OnFailure => "on_failure",
        }
    }
}

/// A workspace: its own keys, plan, balance and data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// Name of its plan.
    pub plan: String,
    /// When its requests may be paid with the platform's keys.
    pub fallback: FallbackPolicy,
    /// IANA name of the time zone its days and months begin in.
    pub time_zone: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
