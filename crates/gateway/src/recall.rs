//! Stage 5: an answer we already have. There is no cache yet, so every request goes on.

use crate::authorize::Grant;

/// What the cache said.
pub(crate) enum Recalled {
    /// Nothing that fits; the request goes on.
    Miss(Grant),
}

impl Recalled {
    /// How replies name what happened.
    pub(crate) const MISS: &'static str = "miss";
}

/// Looks for an answer to what was granted.
pub(crate) fn recall(grant: Grant) -> Recalled {
    Recalled::Miss(grant)
}
